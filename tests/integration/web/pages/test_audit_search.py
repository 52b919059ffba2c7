"""The search over all histories, its ready-made questions, and its results as files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.documents.sheets import SHEET_FORMS, Sheet, SheetForm
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.store.models import Access, Notification, Person
from osm_flow.store.session import Store
from tests.factories import NOW, later
from tests.integration.web.histories import make_history
from tests.integration.web.visits import Site, Visitor, open_site


@pytest.fixture
def site(store: Store) -> Site:
    return open_site(store)


@pytest.fixture
def ids(site: Site) -> dict[str, str]:
    """A case of six records and what belongs to it; an auditor of the office and one of another."""
    found: dict[str, str] = site.arrange(make_history)
    return found


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
    searches = select(Access.details).where(Access.kind == "audit.searched").order_by(Access.id)
    recorded = site.read(lambda session: session.scalars(searches).all())
    assert [one.partition("&")[0] for one in recorded] == ["text=ร่าง", "text=ไม่มีคำนี้"]


def test_an_auditor_begins_with_verifying_searching_and_the_newest_checkpoints(
    site: Site, ids: dict[str, str], tmp_path: Path
) -> None:
    site.arrange(
        lambda session: make_checkpoint(
            session, later(60 * 24 * 9), SYSTEM, keyring=Keyring(tmp_path / "keys", "osm.example.go.th/journal")
        )
    )
    auditor = site.visit("malee")
    front = auditor.get("/audit?case=แผนปี")

    headings = [one.text_content().strip() for one in front.all("//main//h2")]
    assert headings == ["ตรวจเรื่อง", "ค้นประวัติการทำงาน", "จุดตรวจสอบล่าสุด"]
    assert f"/audit/cases/{ids['case']}/chain" in front.all("//main//a/@href")
    assert len(front.all("//li[@data-checkpoint]")) == 1
    assert "ไม่พบเรื่องนี้" in auditor.get("/audit?case=ไม่มีเรื่องนี้").words
    assert "/audit#h-verify" in auditor.get("/").all("//main//a/@href")[0]
    assert [site.visit(name).get("/audit").status for name in ("anan", "root")] == [403, 200]
    stranger = site.visit("stranger").get("/audit")
    assert ids["case"] not in stranger.text
    for path in ("/audit", "/audit/search", "/audit/log"):
        assert len(auditor.get(path).all('//nav[contains(@class,"sidenav")]//a[@aria-current]')) <= 1


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


def test_who_has_unread_notices_searches_as_everybody(site: Site, ids: dict[str, str]) -> None:
    """The number at the bell is no part of what a page says."""

    def tell(session: Session) -> None:
        for person_id in session.scalars(select(Person.id)):
            session.add(Notification(person_id=person_id, kind="x", text_th="ข่าว", text_en="news", at=NOW))

    site.arrange(tell)
    assert site.visit("malee").get("/audit/search").status == 200
