"""The pages of the player: every moment has an address, unknown and foreign ones do not, and auditors write nowhere."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPosition, PositionKind
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.people.positions import give_position
from osm_flow.operations.replay.moments import relatives_of
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, Case, JournalRecord, Person, WorkItem
from osm_flow.store.session import Store
from tests.bundles import make_family
from tests.factories import NOW, erase, items_of, later, make_person
from tests.integration.web.histories import make_history
from tests.integration.web.visits import Site, open_site


@pytest.fixture
def site(store: Store) -> Site:
    return open_site(store)


@pytest.fixture
def ids(site: Site) -> dict[str, str]:
    """A case of six records and what belongs to it; an auditor of the office and one of another."""
    found: dict[str, str] = site.arrange(make_history)
    return found


def test_every_moment_has_an_address_and_needs_no_script(site: Site, ids: dict[str, str]) -> None:
    auditor = site.visit("malee")
    first = auditor.get(f"/audit/cases/{ids['case']}")
    assert "คุณanan เปิดเรื่องนี้" in first.words
    assert "เหตุการณ์ที่ 1 จาก 6" in first.words

    seen = []
    page = first
    while links := page.all('//a[@data-step="forward"]/@href'):
        page = auditor.get(links[0])
        seen.append(" ".join(page.all('//h2[@id="moment-title"]')[0].text_content().split()))
    assert seen == [
        "เหตุการณ์ที่ 2 คุณanan anan ทำเสร็จ ร่างแผน",
        "เหตุการณ์ที่ 3 คุณboss boss รับงานไปทำ ตรวจร่าง",
        "เหตุการณ์ที่ 4 คุณboss boss แนบเอกสาร",
        "เหตุการณ์ที่ 5 คุณboss boss ให้ความเห็น",
        "เหตุการณ์ที่ 6 คุณboss boss ทำเสร็จ ตรวจร่าง",
    ]
    assert page.all('//a[@data-step="back"]/@href') == [f"/audit/cases/{ids['case']}/at/5"]


def test_a_moment_shows_what_was_typed_changed_open_and_proved(site: Site, ids: dict[str, str]) -> None:
    auditor = site.visit("malee")
    drafted = auditor.get(f"/audit/cases/{ids['case']}/at/2")
    checked = auditor.get(f"/audit/cases/{ids['case']}/at/6")

    assert "=1+1 ร่างแรก" in drafted.all('//*[contains(@class,"form-document")]')[0].text_content()
    assert drafted.all("//tr[@data-change]/@data-change") == ["plan.text"]
    assert "รอ " in drafted.all("//li[@data-open-item]")[0].text_content()
    variables = drafted.all("//tr[@data-variable]/@data-variable")
    assert {"fy", "office", "plan.text", "started_by"} <= set(variables)
    assert len(drafted.all('//dl[contains(@class,"chain-facts")]//span[contains(@class,"is-ok")]')) == 4
    assert sorted(checked.all("//tr[@data-change]/@data-change")) == ["approved", "reason"]
    assert "เอกสารที่พิจารณา" in checked.words
    assert "มติ.txt" in checked.words
    assert "<b>" not in auditor.get(f"/audit/cases/{ids['case']}/at/5").text.partition("<main")[2].replace("<br>", "")


def test_what_the_approver_had_before_them_is_open_and_whole(site: Site, ids: dict[str, str]) -> None:
    """Also what the form of the document does not name; and nothing of it where the step did not have it."""
    moment = site.visit("malee").get(f"/audit/cases/{ids['case']}/at/6")

    (judged,) = moment.all("//section[@data-judged]")
    assert "=1+1 ร่างแรก" in judged.text_content()
    assert judged.xpath("ancestor::details") == []
    assert site.visit("malee").get(f"/audit/cases/{ids['case']}/at/2").all("//section[@data-judged]") == []


@pytest.mark.parametrize("where", ["at/6", "chain", "/audit/search?who=boss"])
def test_the_recorded_user_name_stands_beside_the_name_that_people_read(
    site: Site, ids: dict[str, str], where: str
) -> None:
    """Names change, and two people may have the same; what the journal holds is the user name."""

    def rename(session: Session) -> None:
        session.scalars(select(Person).where(Person.username == "boss")).one().display_name = "คุณมานะ"

    site.arrange(rename)
    page = site.visit("malee").get(where if where.startswith("/") else f"/audit/cases/{ids['case']}/{where}")

    assert re.search(r"คุณมานะ \(?boss\b", page.words), page.words


def test_for_whom_an_act_was_done_is_told_with_the_user_name_everywhere(site: Site, ids: dict[str, str]) -> None:
    def delegate(session: Session) -> int:
        make_person(session, "chief", "osm_director")
        deputy = make_person(session, "deputy")
        mandate = {"kind": PositionKind.delegated, "for_username": "chief", "letter": "ที่ 1/2569"}
        position = replace(NewPosition("osm_director", "NE-U1", NOW.date()), **mandate)
        give_position(session, "deputy", SYSTEM, NOW, position)
        anan = actor_named(session, "anan", NOW.date())
        at = later(60 * 24 * 6)
        complete(session, ids["item"], anan, at, Completion.of({"text": "ร่างที่สอง"}))
        check = items_of(session, session.get_one(Case, ids["case"]))[0]
        acting = actor_named(session, deputy.username, at.date())
        complete(session, check.id, acting, at, Completion.of({"approved": True, "reason": ""}))
        return session.get_one(Case, ids["case"]).seq

    last = site.arrange(delegate)
    auditor = site.visit("malee")
    for path in (f"cases/{ids['case']}/at/{last}", f"cases/{ids['case']}/chain", "search?behalf=chief"):
        assert "แทน คุณchief (chief)" in auditor.get(f"/audit/{path}").words, path


def test_a_tick_says_what_it_covers(site: Site, ids: dict[str, str]) -> None:
    auditor, home = site.visit("malee"), f"/audit/cases/{ids['case']}"
    moment, chain = auditor.get(f"{home}/at/3"), auditor.get(f"{home}/chain")

    assert "ตรงกัน 4 จาก 4 อย่าง" in moment.words
    assert "เฉพาะเหตุการณ์ที่ 3" in moment.all("//*[@data-covers]")[0].text_content()
    covers = chain.all("//*[@data-covers]")[0].text_content()
    assert "รายการที่ 1 ถึง 6" in covers
    assert "ลายเซ็นของจุดตรวจสอบ" in covers.partition("ไม่ได้ตรวจในหน้านี้")[2]
    hashes = site.read(lambda session: set(session.scalars(select(JournalRecord.hash))))
    assert {code.text_content() for code in chain.all('//code[contains(@class,"in-print")]')} <= hashes
    assert len(chain.all('//code[contains(@class,"in-print")]')) == 6


def test_one_can_jump_to_a_record_a_date_and_an_instant(site: Site, ids: dict[str, str]) -> None:
    auditor, home = site.visit("malee"), f"/audit/cases/{ids['case']}"

    assert auditor.get(f"{home}?record=4").location == f"{home}/at/4"
    assert auditor.get(f"{home}?date=22/11/2569").location == f"{home}/at/4"
    assert auditor.get(f"{home}?date=1+ม.ค.+2580").location == f"{home}/at/6"
    assert auditor.get(f"{home}?instant=2026-11-20T02:01:30%2B00:00").location == f"{home}/at/2"
    assert auditor.get(f"{home}?record=7").status == 404
    assert "ไม่มีเหตุการณ์ลำดับนี้" in auditor.get(f"{home}/at/7").words
    for path in ("?record=x", "?date=soon", "?instant=now", "/moments", "/moments?first=a&last=2"):
        assert auditor.get(home + path).status == 422
    for path in (
        "/at/0",
        "/at/7",
        "/at/99999999999999999999",
        "/at/-1",
        "/at/7/data",
        "/at/7/picture",
        "/moments?first=7&last=9",
    ):
        assert auditor.get(home + path).status == 404


def test_a_range_carries_the_same_sheets_as_the_pages(site: Site, ids: dict[str, str]) -> None:
    auditor, home = site.visit("malee"), f"/audit/cases/{ids['case']}"
    answer = json.loads(auditor.get(f"{home}/moments?first=2&last=99").text)

    assert [item["seq"] for item in answer["items"]] == [2, 3, 4, 5, 6]
    assert answer["total"] == 6
    sheet = answer["items"][1]["sheet"].strip()
    assert sheet in auditor.get(f"{home}/at/3").text
    assert answer["items"][1]["tokens"] == [{"element": "check", "count": 1, "overdue": 0}]
    assert answer["items"][4]["passed"]["draft"] == 1
    downwards = json.loads(auditor.get(f"{home}/moments?first=5&last=2").text)
    assert [item["seq"] for item in downwards["items"]] == [5, 4, 3, 2]
    packed = auditor.client.get(f"{home}/moments?first=2&last=3", headers={"Accept-Encoding": "gzip"})
    assert len(json.loads(gzip.decompress(packed.get_data()))["items"]) == 2
    course = json.loads(auditor.get(f"{home}/course?after=4").text)["items"]
    assert [(line[0], line[2]) for line in course] == [(5, "ให้ความเห็น"), (6, "ทำเสร็จ")]
    for beyond, lines in ((2**31, 0), (2**63, 0), (-(2**64), 6), ("x", 6)):
        assert len(json.loads(auditor.get(f"{home}/course?after={beyond}").text)["items"]) == lines


def test_an_erased_moment_says_so_and_by_which_record(site: Site, ids: dict[str, str]) -> None:
    def erase_two(session: Session) -> None:
        root = make_person(session, "eraser", "admin", office_id=None)
        erase(session, ids["case"], [2, 5], root, later(60 * 24 * 9), reason="คำขอ")

    site.arrange(erase_two)
    auditor, home = site.visit("malee"), f"/audit/cases/{ids['case']}"
    erased, after, harmless = (auditor.get(f"{home}/at/{seq}") for seq in (2, 3, 5))

    assert "ถูกลบตามกฎหมาย" in erased.words
    assert f"{home}/at/7" in erased.all('//div[contains(@class,"moment-notice")]//a/@href')
    assert "ร่างแรก" not in erased.text
    assert "คำนวณสถานะซ้ำไม่ได้ เพราะข้อมูลของเหตุการณ์ที่ 2" in after.words
    assert "ถูกลบตามกฎหมาย" in harmless.words
    assert "ลบข้อมูลที่กรอกตามกฎหมาย" in auditor.get(f"{home}/at/7").words


def test_only_auditors_of_the_office_and_administrators_look(site: Site, ids: dict[str, str]) -> None:
    paths = ["", "/at/1", "/at/1/data", "/at/1/picture", "/moments?first=1&last=2", "/course", "/chain"]
    for path in paths:
        address = f"/audit/cases/{ids['case']}{path}"
        assert [site.visit(name).get(address).status for name in ("malee", "root")] == [200, 200], path
        assert [site.visit(name).get(address).status for name in ("stranger", "anan")] == [404, 403], path
        assert site.stranger().get(address).status == 302
        assert site.visit("malee").get(address.replace(ids["case"], "nothing")).status == 404


def test_looking_again_and_again_is_recorded_once(site: Site, ids: dict[str, str]) -> None:
    auditor = site.visit("malee")
    for seq in (1, 2, 3):
        auditor.get(f"/audit/cases/{ids['case']}/at/{seq}")

    kinds = site.read(lambda session: session.scalars(select(Access.kind)).all())
    assert kinds == ["audit.opened"]


# Posts that an auditor may send: their own account, and taking evidence out with a reason.
OWN = {
    "account.log_in",
    "account.logout",
    "account.language",
    "account.change_password",
    "account.read_notices",
    "administration.export_events",
    "audit_search.export",
    "bundles.download",
    "mining.download",
}


def test_an_auditor_reaches_no_write_route(site: Site, ids: dict[str, str]) -> None:
    values: dict[str, Any] = {"case_id": ids["case"], "work_item_id": ids["item"], "attachment_id": ids["file"]}
    auditor = site.visit("malee")
    before = site.read(_rows)
    answers = {}
    for rule in site.app.url_map.iter_rules():
        if "POST" not in (rule.methods or set()) or rule.endpoint in OWN or rule.endpoint.startswith("account."):
            continue
        path = re.sub(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>", lambda found: _value(found, values), rule.rule)
        answers[rule.endpoint, path] = auditor.post(path, {"reason": "ลอง", "idempotency_key": "k"}).status

    assert len(answers) > 20
    assert {key: status for key, status in answers.items() if status not in (403, 404)} == {}
    assert site.read(_rows) == before


def _value(found: re.Match[str], values: dict[str, Any]) -> str:
    return str(values.get(found[2], "1" if found[1] == "int" else "cancel"))


def _rows(session: Session) -> tuple[Any, ...]:
    items = session.execute(select(WorkItem.id, WorkItem.state, WorkItem.version).order_by(WorkItem.id)).all()
    cases = session.execute(select(Case.id, Case.state, Case.seq).order_by(Case.id)).all()
    return session.scalar(select(func.count()).select_from(JournalRecord)), items, cases


def test_the_cases_around_a_case_are_its_family(store: Store) -> None:
    root = make_family(store)
    with store.reading() as session:
        above = session.get_one(Case, root)
        below = session.scalars(select(Case).where(Case.parent_case_id == root)).all()
        assert below
        assert {one.key for one in relatives_of(session, above)} == {case.definition.key for case in below} - {
            above.definition.key
        }
        assert above.definition.key in {one.key for one in relatives_of(session, below[0])}
