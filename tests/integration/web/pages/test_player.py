"""The pages of the player: every moment has an address, unknown and foreign ones do not, and auditors write nowhere."""

from __future__ import annotations

import gzip
import io
import json
import re
from types import SimpleNamespace
from typing import IO, Any, cast
from zipfile import ZipFile

import pytest
from flask import g
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.documents.sheets import SHEET_FORMS, Sheet, SheetForm
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.replay.moments import relatives_of
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, Case, JournalRecord, WorkItem
from osm_flow.store.session import Store
from osm_flow.web.pages.player_sheet import Labels
from tests.bundles import make_family
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.visits import Site, Visitor, open_site


@pytest.fixture
def site(store: Store) -> Site:
    return open_site(store)


@pytest.fixture
def ids(site: Site) -> dict[str, str]:
    """A case of six records and what belongs to it; an auditor of the office and one of another."""

    def prepare(session: Session) -> dict[str, str]:
        make_office(session)
        make_office(session, "NE-U2", {})
        deploy_tests(session, "review", "asking", "caller", "callee")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        make_person(session, "malee", "auditor")
        make_person(session, "stranger", "auditor", office_id="NE-U2")
        make_person(session, "root", "admin", office_id=None)
        case = make_case(session, actor=anan, title="แผนปี 2571")
        drafted = items_of(session, case)[0]
        complete(session, drafted.id, anan, later(1), Completion.of({"text": "=1+1 ร่างแรก"}))
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, boss, later(2))
        file = attach(session, case.id, boss, later(60 * 24 * 3), GivenFile("มติ.txt", b"yes"), key=None)
        assert file is not None
        comment(session, case.id, boss, later(60 * 24 * 4), body="<b>ดี</b>", key=None)
        verdict = {"approved": False, "reason": "ขาดงบ"}
        complete(session, check.id, boss, later(60 * 24 * 5), Completion.of(verdict))
        session.flush()
        return {"case": case.id, "item": items_of(session, case)[0].id, "file": str(file.id)}

    found: dict[str, str] = site.arrange(prepare)
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
        "2 คุณanan ทำเสร็จ ร่างแผน",
        "3 คุณboss รับงานไปทำ ตรวจร่าง",
        "4 คุณboss แนบเอกสาร",
        "5 คุณboss ให้ความเห็น",
        "6 คุณboss ทำเสร็จ ตรวจร่าง",
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


def test_an_erased_moment_says_so_and_by_which_record(site: Site, ids: dict[str, str]) -> None:
    def erase(session: Session) -> None:
        root = make_person(session, "eraser", "admin", office_id=None)
        erase(session, ids["case"], [2, 5], root, later(60 * 24 * 9), reason="คำขอ")

    site.arrange(erase)
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


# ---- search ----------------------------------------------------------------------------------------------------


def test_the_search_finds_and_leads_to_the_moment(site: Site, ids: dict[str, str]) -> None:
    auditor = site.visit("malee")
    found = auditor.get("/audit/search?text=ร่าง&who=anan&from=20/11/2569&to=20+พ.ย.+2569&kind=work_item.completed")

    assert "พบ 1 รายการ" in found.words
    assert found.all('//table//a[contains(@href,"/at/")]/@href') == [f"/audit/cases/{ids['case']}/at/2"]
    assert "พบ 0 รายการ" in auditor.get("/audit/search?text=ไม่มีคำนี้").words
    assert "พบ 6 รายการ" in auditor.get("/audit/search").words
    unread = auditor.get("/audit/search?from=31/02/2569&fy=x&q=everything")
    assert (unread.status, "ตั้งแต่วันที่" in unread.words) == (422, True)
    assert [site.visit(name).get("/audit/search").status for name in ("anan", "root")] == [403, 200]
    front = auditor.get("/audit")
    assert (front.status, front.location) == (302, "/audit/search")
    searches = select(Access.details).where(Access.kind == "audit.searched").order_by(Access.id)
    recorded = site.read(lambda session: session.scalars(searches).all())
    assert [one.partition("&")[0] for one in recorded] == ["text=ร่าง", "text=ไม่มีคำนี้"]


@pytest.mark.parametrize("question", ["on_behalf", "own_draft", "late", "returned", "repaired", "stopped"])
def test_every_question_answers(site: Site, ids: dict[str, str], question: str) -> None:
    answer = site.visit("malee").get(f"/audit/search?q={question}")

    assert answer.status == 200
    assert "พบ 0 รายการ" in answer.words


def test_what_is_found_can_be_taken_out_with_a_reason(site: Site, ids: dict[str, str]) -> None:
    auditor = site.visit("malee")
    refused = auditor.post("/audit/search/export/csv", {"text": "ร่าง"})
    assert (refused.status, "เหตุผล" in refused.words) == (422, True)
    assert auditor.post("/audit/search/export/pdf", {"reason": "ตรวจ"}).status == 422

    lines = downloaded(auditor, "csv", reason="ตรวจประจำปี").decode("utf-8-sig").splitlines()
    assert lines[0].startswith("เวลา,ผู้ทำ,ชื่อผู้ใช้")
    assert len([line for line in lines if "แผนปี 2571" in line]) == 6
    with ZipFile(io.BytesIO(downloaded(auditor, "xlsx", reason="ตรวจประจำปี", text="ร่าง"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "ทำเสร็จ" in sheet
    assert "<f>" not in sheet
    reasons = site.read(lambda session: session.scalars(select(Access.reason).order_by(Access.id)).all())
    assert reasons == ["ตรวจประจำปี", "ตรวจประจำปี"]
    assert site.visit("anan").post("/audit/search/export/csv", {"reason": "ลอง"}).status == 403


def test_a_kind_of_sheet_added_to_the_table_is_offered_and_saved(
    site: Site, ids: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_titles(file: IO[bytes], sheet: Sheet) -> None:
        file.writelines(f"{row[9]}\n".encode() for row in sheet.rows)

    monkeypatch.setitem(SHEET_FORMS, "txt", SheetForm("บันทึกเป็นข้อความ", "text/plain", write_titles))
    auditor = site.visit("malee")

    page = auditor.get("/audit/search?kind=case.started")
    buttons = page.all("//form[contains(@action, '/export/')]//button")

    assert [(one.text_content(), one.get("formaction")) for one in buttons] == [
        ("บันทึกเป็น Excel", None),
        ("บันทึกเป็น CSV", "/audit/search/export/csv"),
        ("บันทึกเป็นข้อความ", "/audit/search/export/txt"),
    ]
    assert set(downloaded(auditor, "txt", reason="ตรวจ", kind="case.started").decode().splitlines()) == {"แผนปี 2571"}
    assert "csv หรือ txt หรือ xlsx" in auditor.post("/audit/search/export/pdf", {"reason": "ตรวจ"}).text


def downloaded(auditor: Visitor, form: str, **values: str) -> bytes:
    token = auditor.get("/me").all('//input[@name="csrf_token"]/@value')[0]
    with auditor.client.post(f"/audit/search/export/{form}", data={"csrf_token": token, **values}) as answer:
        assert answer.status_code == 200
        assert f".{form}" in answer.headers["Content-Disposition"]
        return answer.get_data()


def test_the_clock_of_the_site_is_the_one_of_the_record(site: Site, ids: dict[str, str]) -> None:
    downloaded(site.visit("malee"), "csv", reason="ตรวจ")

    assert site.read(lambda session: session.scalars(select(Access.at)).one()) == NOW


def test_variables_are_called_as_the_forms_around_the_case_call_them(site: Site) -> None:
    rows = {
        "title": "ตัวชี้วัด",
        "type": "array",
        "items": {"type": "object", "properties": {"target": {"title": "ค่าเป้าหมาย"}}},
    }
    form = {"type": "object", "properties": {"rows": rows, "colour": {"title": "สีของโครงการ"}}}
    writing = SimpleNamespace(name="ประกอบเล่มแผน", properties={"document": "paper"})
    own = SimpleNamespace(forms={}, elements={})
    other = SimpleNamespace(forms={"plan": form}, elements={"write": writing})
    with site.app.test_request_context():
        g.locale = "th"
        alone, among = Labels(cast("Any", own)), Labels(cast("Any", own), [cast("Any", other)])
        assert alone.label(("plan_mode",), None) == "ลักษณะของแผน"
        assert alone.label(("paper", "rows", 0, "target"), None) == "paper › rows › รายการที่ 1 › target"
        assert among.label(("paper", "rows", 0, "target"), None) == "ประกอบเล่มแผน › ตัวชี้วัด › รายการที่ 1 › ค่าเป้าหมาย"
        assert among.label(("colour",), None) == "สีของโครงการ"
        assert among.label(("unheard_of",), None) == "unheard_of"


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
