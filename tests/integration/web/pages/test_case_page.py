"""The page of one case: where it stands, who has it, what it waits for, and what one of its forms got wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, WaitingMessage
from tests.factories import NOW, SAID, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """A case being drafted and one that waits for an answer from outside."""
    make_office(session)
    deploy_tests(session, "review", "asking")
    starter = make_person(session, "somsri", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_case(session, actor=starter, title="แผนปี 2571")
    make_case(session, "asking", starter, title="ขอข้อมูลจากสำนักงบประมาณ", fiscal_year=2570)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def case_id(site: Site, title: str = "แผนปี 2571") -> str:
    found: str = site.read(lambda session: session.scalars(select(Case.id).where(Case.title == title)).one())
    return found


def awaited(site: Site) -> str:
    found: str = site.read(lambda session: session.scalars(select(WaitingMessage.task_id)).one())
    return f"/cases/{case_id(site, 'ขอข้อมูลจากสำนักงบประมาณ')}/answers/{found}"


def test_case_page_tells_where_it_stands_and_who_has_it(site: Site) -> None:
    page = site.visit("wichai").get(f"/cases/{case_id(site)}")

    assert "ร่างแผน" in page.words
    assert "ยังไม่มีใครรับ" in page.words
    assert [one.text_content() for one in page.all('//li[@aria-current="step"]//span[@class="stage-name"]')] == [
        "ยกร่างแผน"
    ]
    assert "คุณsomsri เริ่มเมื่อ 20 พ.ย. 2569" in page.words


def test_auditors_read_the_recorded_user_names_and_go_to_the_moment(site: Site) -> None:
    """In the history of the case and of a work item, in who began it and who worked in it; others read names alone."""

    def act(session: Session) -> str:
        make_person(session, "malee", "auditor")
        case = session.get_one(Case, found)
        somsri = actor_named(session, "somsri", NOW.date())
        complete(session, items_of(session, case)[0].id, somsri, later(1), Completion.of({"text": "ร่าง"}))
        return items_of(session, case)[0].id

    found = case_id(site)
    item = site.arrange(act)
    auditor, boss = site.visit("malee"), site.visit("wichai")
    page = auditor.get(f"/cases/{found}")
    assert "คุณsomsri (somsri) เริ่มเมื่อ" in page.words
    assert "คุณsomsri (somsri)" in page.all('//ul[@class="people-list"]')[0].text_content()
    told = [" ".join(one.text_content().split()) for one in page.all('//p[@class="story-line"]')]
    assert told
    assert all("(somsri)" in one for one in told)
    at_item = auditor.get(f"/work-items/{item}")
    assert "คุณsomsri (somsri)" in at_item.words
    assert f"/audit/cases/{found}/at/2" in at_item.all('//a[@class="story-moment"]/@href')
    for path in (f"/cases/{found}", f"/work-items/{item}"):
        other = boss.get(path)
        assert "(somsri)" not in other.words
        assert other.all('//a[@class="story-moment"]') == []


def test_the_diagram_has_a_text_alternative_with_states(site: Site) -> None:
    page = site.visit("wichai").get(f"/cases/{case_id(site)}")

    lines = [" ".join(line.text_content().split()) for line in page.all('//ol[@class="element-list"]/li')]
    assert "เริ่ม จุดเริ่ม ผ่านแล้ว" in lines
    assert "ร่างแผน งาน กำลังทำ" in lines
    assert "ตรวจร่าง งาน ยังไม่ถึง" in lines


def test_a_party_that_is_awaited_must_be_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osm_flow.web.pages.case_page.party_of", lambda xml, element: "สำนักงบประมาณ")
    somsri, path = site.visit("somsri"), awaited(site)

    page = somsri.get(path)
    assert "รอคำตอบจาก สำนักงบประมาณ" in page.words
    answer = somsri.submit(page, "/answers/", text="พิมพ์ไว้แล้ว")

    assert answer.status == 422
    assert answer.all("//*[@data-error-summary]//a/@href") == [
        "#party_answerer",
        "#party_number",
        "#party_channel",
        "#party_date",
    ]
    assert "พิมพ์ไว้แล้ว" in answer.text
    assert somsri.submit(answer, "/answers/", **SAID).status == 302


@pytest.mark.parametrize(
    ("act", "data", "said"),
    [
        ("attachments", {}, "เลือกไฟล์ก่อน"),
        ("comments", {"body": "  "}, ""),
        ("suspend", {"reason": ""}, ""),
    ],
)
def test_what_a_small_form_got_wrong_is_said_on_the_page_of_the_case(
    site: Site, act: str, data: dict[str, str], said: str
) -> None:
    path = f"/cases/{case_id(site)}"

    answer = site.visit("wichai").post(f"{path}/{act}", data)

    assert answer.status == 422
    assert answer.all('//main//h1[not(contains(., "422"))]')
    words = answer.all("//*[@data-error-summary]//text()")
    assert said in " ".join(words)
    assert "".join(words).strip()


def test_staff_are_not_offered_what_is_the_directors(site: Site) -> None:
    somsri = site.visit("somsri")

    assert "จัดการเรื่องนี้" not in somsri.get(f"/cases/{case_id(site)}").words
    assert somsri.post(f"/cases/{case_id(site)}/suspend", {"reason": "x"}).status == 403
    assert somsri.post(f"/cases/{case_id(site)}/explode", {"reason": "x"}).status == 404
