"""The log over all journals as its office sees it: checkpoints, and who gets copies of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.store.models import LogCheckpoint, LoggedCase, Witness
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, make_case
from tests.integration.web.conftest import Visitor

Visit = Callable[[str], Visitor]


@pytest.fixture
def case_id(store: Store, staff: object) -> str:
    """A case whose records the log has to take up."""
    with store.transaction() as session:
        deploy_tests(session, "review")
        return make_case(session).id


def test_the_log_is_signed_and_witnesses_are_set(store: Store, case_id: str, as_person: Visit) -> None:
    director, auditor, whole = as_person("director"), as_person("auditor"), as_person("of_all")
    assert "ยังไม่มีจุดตรวจสอบ" in auditor.get("/audit/log").text
    for of_office in (auditor, director, as_person("admin")):
        assert of_office.post("/audit/log/checkpoints").status_code == 403
        assert "/audit/log/checkpoints" not in of_office.get("/audit/log").text
    data = {"name": "ผู้ตรวจสอบภายใน", "email": "audit@example.go.th"}
    assert director.post("/audit/witnesses", data).status_code == 302
    assert director.post("/audit/witnesses", data).status_code == 422
    assert director.post("/audit/witnesses", {"name": "x", "email": "y"}).status_code == 422
    assert "/audit/log/checkpoints" in whole.get("/audit/log").text
    assert whole.post("/audit/log/checkpoints").status_code == 302

    with store.reading() as session:
        note = session.scalars(select(LogCheckpoint.note)).one()
        witness = session.scalars(select(Witness)).one()
        assert session.execute(text("SELECT count(*) FROM outbox WHERE kind = 'mail'")).scalar() == 1
    assert note.split("\n")[2] in auditor.get("/audit/log").text
    assert "ผู้ตรวจสอบภายใน" in director.get("/audit/witnesses").text
    assert director.post(f"/audit/witnesses/{witness.id}/remove").status_code == 302
    assert SYSTEM.username not in (witness.added_by,)


def test_witnesses_are_the_directors_and_never_those_of_another_office(store: Store, as_person: Visit) -> None:
    with store.transaction() as session:
        session.add(Witness(office_id="NE-U2", name="ของที่อื่น", email="x@example.go.th", added_by="x", added_at=NOW))
        session.flush()
        foreign = session.scalars(select(Witness.id)).one()
    director = as_person("director")

    data = {"name": "ผู้ตรวจสอบ", "email": "audit@example.go.th"}
    assert as_person("strategy").post("/audit/witnesses", data).status_code == 403
    assert as_person("auditor").post("/audit/witnesses", data).status_code == 403
    assert director.post("/audit/witnesses", {**data, "office": "NE-U2"}).status_code == 404
    assert director.post(f"/audit/witnesses/{foreign}/remove").status_code == 404
    assert director.post("/audit/witnesses/99/remove").status_code == 404
    assert "ของที่อื่น" not in director.get("/audit/witnesses").text
    with store.reading() as session:
        assert [(row.office_id, row.removed_at) for row in session.scalars(select(Witness))] == [("NE-U2", None)]


def test_a_former_witness_stays_on_the_list_with_who_ended_it(store: Store, as_person: Visit) -> None:
    director = as_person("director")
    director.post("/audit/witnesses", {"name": "ผู้ตรวจสอบ", "email": "audit@example.go.th"})
    with store.reading() as session:
        witness = session.scalars(select(Witness)).one()
    assert witness.office_id == OFFICE

    told = director.post(f"/audit/witnesses/{witness.id}/remove", follow_redirects=True).text

    assert "เลิกส่งจุดตรวจสอบให้ ผู้ตรวจสอบ แล้ว" in told
    assert "เลิกส่งเมื่อ" in told
    assert f"/audit/witnesses/{witness.id}/remove" not in told


def test_an_administrator_repairs_a_log_that_stopped_and_says_why(store: Store, case_id: str, as_person: Visit) -> None:
    admin, director, auditor = as_person("of_all"), as_person("director"), as_person("auditor")
    assert as_person("admin").post("/audit/log/repairs", {"reason": "ลอง"}).status_code == 403
    assert admin.post("/audit/log/repairs", {"reason": "ลอง"}).status_code == 409
    assert admin.post("/audit/log/checkpoints").status_code == 302
    with store.transaction() as session:
        session.execute(update(LoggedCase).where(LoggedCase.case_id == case_id).values(seq=0))

    refused = admin.post("/audit/log/checkpoints")
    assert refused.status_code == 409
    assert "จนกว่าผู้ดูแลระบบจะซ่อม" in refused.text
    assert "โปรดแจ้งผู้ดูแลระบบให้ซ่อม" in auditor.get("/audit/log").text
    assert director.post("/audit/log/repairs", {"reason": "ลอง"}).status_code == 403
    assert admin.post("/audit/log/repairs", {"reason": " "}).status_code == 422
    assert "/audit/log/repairs" in admin.get("/audit/log").text
    told = admin.post("/audit/log/repairs", {"reason": "จดไว้ไม่ตรง"}, follow_redirects=True).text

    assert "ซ่อมแล้ว 1 เรื่อง" in told
    assert "/audit/log/repairs" not in told
    assert admin.post("/audit/log/checkpoints").status_code == 302
    assert "จดไว้ไม่ตรง" in auditor.get("/audit/administration").text


def test_what_was_done_to_keys_and_tree_is_told_in_words(
    store: Store, case_id: str, as_person: Visit, tmp_path: Path
) -> None:
    auditor, keyring = as_person("auditor"), Keyring(tmp_path / "other", "osm.example.go.th/journal")
    with store.transaction() as session:
        signing_keys.key_to_sign_with(session, keyring, SYSTEM, NOW)
        signing_keys.replace_lost(session, keyring, SYSTEM, NOW, reason="ดิสก์เสีย")
        act = AdminAct(AdminKind.log_rebuilt, "audit log", old={"false_hashes": 2}, new={"false_hashes": 0})
        record(session, SYSTEM, NOW, act)

    shown = auditor.get("/audit/administration").text

    for words in ("เริ่มกุญแจลงนามใหม่แทนที่หาย", "จำนวนรายการที่ลงนามไว้ก่อนหน้า", "ค่าแฮชที่ไม่ใช่ของรายการ", "ดิสก์เสีย"):
        assert words in shown
    assert "signed_before" not in shown
    assert "false_hashes" not in shown
