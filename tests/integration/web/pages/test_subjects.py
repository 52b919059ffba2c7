"""Where rows of one element stand side by side, each says what it is about, in the reader's language."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.work_items import acts as work_items
from osm_flow.store.models import Case, Person, WorkItem
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Answer, Site

ROAD, BRIDGE = {"code": "P-1", "name": "ถนนสาย ก"}, {"code": "P-2", "name": "สะพานข้ามห้วย"}


def prepare(session: Session) -> None:
    """A director who sees the team, one who reports and an auditor; two projects and two provinces are asked."""
    make_office(session)
    deploy_tests(session, "provinces", "reports")
    me = make_person(session, "malee", "osm_me")
    make_person(session, "boss", "osm_director")
    make_person(session, "seer", "auditor")
    make_case(session, "reports", title="รายงานไตรมาส 1", data={"projects": [ROAD, BRIDGE]})
    make_case(session, "provinces")
    for item in session.scalars(select(WorkItem).where(WorkItem.element == "fill")):
        work_items.claim(session, item.id, me, NOW)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def case_of(site: Site, key: str) -> str:
    found: str = site.read(lambda s: s.scalar(select(Case.id).where(Case.definition.has(key=key))))
    return found


def names(answer: Answer, xpath: str) -> list[str]:
    return sorted(" ".join(one.text_content().split()) for one in answer.all(xpath))


def test_inbox_home_and_case_page_tell_projects_apart(site: Site) -> None:
    malee = site.visit("malee")
    wanted = ["กรอกรายงาน – ถนนสาย ก", "กรอกรายงาน – สะพานข้ามห้วย"]

    inbox = malee.get("/inbox")
    assert names(inbox, "//a[@data-open]") == wanted
    assert names(inbox, '//label[contains(@for, "pick-")]') == [f"เลือก {one}" for one in wanted]
    page = malee.get(f"/cases/{case_of(site, 'reports')}")
    assert [one for one in names(page, '//a[@class="brief-name"]') if one in wanted] == wanted


def test_the_page_of_a_work_item_is_headed_by_what_it_is_about(site: Site) -> None:
    malee = site.visit("malee")
    address = malee.get("/inbox?text=สะพาน").all("//a[@data-open]/@href")

    page = malee.get(address[0])

    assert len(address) == 1
    assert names(page, "//h1") == ["กรอกรายงาน – สะพานข้ามห้วย"]
    assert names(page, "//title")[0].startswith("กรอกรายงาน – สะพานข้ามห้วย")


def test_the_team_sees_provinces_by_name_in_both_languages(site: Site) -> None:
    def rows(locale: str) -> list[str]:
        return names(site.visit("boss", locale).get("/inbox?view=team"), "//a[@data-open]")

    assert "จังหวัดตอบ – อุดรธานี" in rows("th")
    assert any(one.endswith("– Udon Thani") for one in rows("en"))
    held = site.read(lambda s: s.scalar(select(Person.id).where(Person.username == "malee")))
    assert "กรอกรายงาน – ถนนสาย ก" in names(site.visit("boss").get(f"/team/{held}"), '//a[@class="brief-name"]')


def test_a_bulk_act_says_which_of_them_it_did(site: Site) -> None:
    malee = site.visit("malee")
    items = malee.get("/inbox").all('//input[@name="item"]/@value')

    answer = malee.follow(malee.post("/inbox/bulk", {"act": "release", "item": items, "back": "/inbox"}))

    assert names(answer, '//section[@id="bulk-result"]//li') == [
        "✓ กรอกรายงาน – ถนนสาย ก: คืนเข้ากลุ่มแล้ว",
        "✓ กรอกรายงาน – สะพานข้ามห้วย: คืนเข้ากลุ่มแล้ว",
    ]


def test_a_search_over_histories_tells_and_saves_it(site: Site) -> None:
    seer = site.visit("seer")
    assert any("– ถนนสาย ก" in one for one in names(seer.get("/audit/search?kind=work_item.claimed"), "//tbody/tr"))

    saved = seer.post("/audit/search/export/csv", {"kind": "work_item.claimed", "reason": "สอบทาน"})

    saved.response.close()
    head, *rows = [line.split(",") for line in saved.text.lstrip("\ufeff").splitlines()[:3]]
    column = head.index("เกี่ยวกับ")
    assert sorted(row[column] for row in rows) == ["ถนนสาย ก", "สะพานข้ามห้วย"]


def test_the_player_tells_what_was_open_then(site: Site) -> None:
    page = site.visit("seer", "en").get(f"/audit/cases/{case_of(site, 'provinces')}/at/1")

    found = names(page, "//li[@data-open-item]")
    assert any("– Udon Thani" in one for one in found)
    assert any("– Nong Bua Lam Phu" in one for one in found)
