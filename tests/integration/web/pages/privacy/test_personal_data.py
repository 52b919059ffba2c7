"""Pages about personal data and the log; reads that are recorded, and that a GET writes nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.access_log import AccessFilter, Read, accesses, record_access
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import retention
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, Case, ErasureRequest, LegalHold
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case
from tests.integration.web.conftest import Clock, Visitor

WEB = Path(__file__).parents[5] / "osm_flow" / "web"
NAME = "นายสมชาย ใจดี"
Visit = Callable[[str], Visitor]


@pytest.fixture
def case_id(store: Store, staff: object) -> str:
    """An ended case in whose records a name stands twice."""
    with store.transaction() as session:
        deploy_tests(session, "review")
        case = make_case(session, title="รับฟังความคิดเห็น")
        strategy, director = (actor_named(session, name, NOW.date()) for name in ("strategy", "director"))
        draft = items_of(session, case)[0]
        complete(session, draft.id, strategy, NOW, Completion.of({"text": f"พบ {NAME}"}))
        comment(session, case.id, director, later(1), body=f"{NAME} มาแล้ว", key=None)
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, director, later(2))
        complete(session, check.id, director, later(3), Completion.of({"approved": True, "reason": "ดี"}))
        return case.id


def reads(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        rows = session.execute(select(Access.actor, Access.kind, Access.details).order_by(Access.id))
        return [(row.actor, row.kind, row.details) for row in rows]


# ---- reads that are recorded -----------------------------------------------------------------------------------


def test_opening_the_audit_is_recorded_once_in_a_while(
    store: Store, case_id: str, as_person: Visit, clock: Clock
) -> None:
    auditor = as_person("auditor")
    for _ in range(3):
        assert auditor.get(f"/audit/cases/{case_id}").status_code == 200
    clock.pass_by(minutes=16)
    auditor.get(f"/audit/cases/{case_id}")

    assert reads(store) == [("auditor", "audit.opened", "")] * 2


def test_searches_of_auditors_are_recorded_with_their_words(store: Store, as_person: Visit) -> None:
    auditor = as_person("auditor")
    auditor.get("/audit/accesses")
    auditor.get("/audit/accesses?who=director&kind=case.opened")

    assert reads(store) == [
        ("auditor", "audit.opened", ""),
        ("auditor", "audit.searched", "who=director&kind=case.opened"),
    ]


def test_sensitive_cases_are_recorded_and_others_are_not(store: Store, case_id: str, as_person: Visit) -> None:
    director = as_person("director")
    director.get(f"/cases/{case_id}")
    assert reads(store) == []
    answer = director.post(f"/privacy/cases/{case_id}/sensitive", {"sensitive": "1", "reason": "ข้อมูลสุขภาพ"})
    assert answer.status_code == 302
    director.get(f"/cases/{case_id}")
    as_person("strategy").get(f"/cases/{case_id}/picture")

    assert reads(store) == [("director", "case.opened", ""), ("strategy", "case.opened", "")]


def test_what_was_refused_is_no_read(store: Store, case_id: str, as_person: Visit) -> None:
    assert as_person("strategy").get(f"/audit/cases/{case_id}").status_code == 403
    assert as_person("auditor").get("/audit/cases/none").status_code == 404

    assert reads(store) == []


def test_nothing_is_shown_when_the_read_cannot_be_recorded(
    store: Store, case_id: str, as_person: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from osm_flow.store.session import Busy
    from osm_flow.web.site import recorded_reads

    def refuse(*_: object, **__: object) -> None:
        raise Busy

    monkeypatch.setattr(recorded_reads, "record_access", refuse)
    answer = as_person("auditor").get(f"/audit/cases/{case_id}")

    assert answer.status_code == 503
    assert "รับฟังความคิดเห็น" not in answer.text


def test_only_one_door_leads_from_a_get_to_a_write() -> None:
    """Views get their session from lifecycle.py; transactions of their own are opened in the places named here only."""
    opening = {
        (path.name, function.name)
        for path in WEB.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        and not any(isinstance(one, ast.Name) and one.id == "own_transactions" for one in function.decorator_list)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "transaction"
    }

    assert opening == {
        ("lifecycle.py", "_open"),
        ("recorded_reads.py", "recorded_read"),
        ("player.py", "_moments"),  # keeps states that it had to compute: a cache, and no fact
    }


def test_accesses_are_filtered_and_paged(store: Store, case_id: str, as_person: Visit) -> None:
    with store.transaction() as session:
        auditor = actor_named(session, "auditor", NOW.date())
        case = session.get_one(Case, case_id)
        for number in range(120):
            record_access(session, auditor, later(number), Read("case.exported", case, f"เหตุผลที่ {number}"))
    with store.reading() as session:
        seen, after = [], None
        while True:
            page = accesses(session, auditor, AccessFilter(kind="case.exported"), after=after, limit=50)
            seen += [one.reason for one in page.items]
            if (after := page.next) is None:
                break
        assert (len(seen), len(set(seen)), page.total) == (120, 120, 120)
        number = session.get_one(Case, case_id).business_key
    page = as_person("auditor").get(f"/audit/accesses?case={number}&since=20/11/2569&until=2026-11-20")
    assert page.status_code == 200
    assert "เหตุผลที่ 119" in page.text
    assert "เหตุผลที่ 119" not in as_person("auditor").get("/audit/accesses?since=21/11/2569").text
    assert as_person("auditor").get("/audit/accesses?since=never&kind=x&case=none").status_code == 200
    assert as_person("strategy").get("/audit/accesses").status_code == 403


# ---- erasing ---------------------------------------------------------------------------------------------------


def test_a_name_is_erased_by_two_people(store: Store, case_id: str, as_person: Visit) -> None:
    admin, director = as_person("admin"), as_person("director")
    found = admin.post("/privacy/find", {"text": NAME})
    assert found.status_code == 200
    assert found.text.count('name="record"') == 2
    asked = admin.post(
        "/privacy/requests", {"text": NAME, "record": [f"{case_id}:2", f"{case_id}:3"], "reason": "คำขอ 1"}
    )
    page = admin.get(asked.location)
    assert "อนุมัติและลบ" not in page.text
    assert admin.post(f"{asked.location}/approve").status_code == 403
    assert NAME in director.get(asked.location).text
    assert director.post(f"{asked.location}/approve").status_code == 302
    after = director.get(asked.location)

    assert after.status_code == 200
    assert NAME not in after.text
    assert NAME not in director.get(f"/cases/{case_id}").text
    with store.reading() as session:
        assert session.scalars(select(ErasureRequest.state)).all() == ["DONE"]
    assert director.post(f"{asked.location}/refuse").status_code == 409


def test_pages_of_an_erased_case_still_open(store: Store, case_id: str, as_person: Visit) -> None:
    admin, director = as_person("admin"), as_person("director")
    records = [f"{case_id}:{seq}" for seq in (1, 2, 3, 4, 5)]
    asked = admin.post("/privacy/requests", {"text": NAME, "record": records, "reason": "คำขอ 1"})
    director.post(f"{asked.location}/approve")

    for path in (f"/cases/{case_id}", f"/cases/{case_id}/picture", f"/audit/cases/{case_id}", "/cases", "/privacy"):
        assert as_person("admin").get(path).status_code == 200, path


def test_what_cannot_be_asked_is_told(case_id: str, as_person: Visit) -> None:
    admin = as_person("admin")
    record = f"{case_id}:2"
    for path, data, status in (
        ("/privacy/find", {"text": "ก"}, 422),
        ("/privacy/requests", {"text": NAME, "reason": "คำขอ"}, 422),
        ("/privacy/requests", {"text": NAME, "record": "none:x", "reason": "คำขอ"}, 404),
        ("/privacy/requests", {"text": NAME, "record": record, "reason": ""}, 422),
        ("/privacy/requests", {"text": NAME, "record": record, "reason": f"ของ {NAME}"}, 422),
        ("/privacy/requests/99/approve", {}, 404),
    ):
        assert admin.post(path, data).status_code == status, (path, data)
    assert "ไม่พบข้อความนี้" in admin.post("/privacy/find", {"text": "ไม่มีใครชื่อนี้"}).text


@pytest.mark.parametrize("path", ["/privacy", "/privacy/due", "/privacy/holds", "/audit/witnesses"])
def test_auditors_and_staff_do_not_decide_about_data(path: str, as_person: Visit) -> None:
    assert as_person("admin").get(path).status_code == 200
    for username in ("auditor", "strategy", "planner"):
        assert as_person(username).get(path).status_code == 403


# ---- keeping ---------------------------------------------------------------------------------------------------


def test_holds_are_set_and_lifted(store: Store, case_id: str, as_person: Visit) -> None:
    admin = as_person("admin")
    with store.reading() as session:
        number = session.get_one(Case, case_id).business_key
    assert admin.post("/privacy/holds", {"what": "case", "subject": number, "reason": "คดี"}).status_code == 302
    assert admin.post("/privacy/holds", {"what": "person", "subject": "strategy", "reason": "คดี"}).status_code == 302
    assert admin.post("/privacy/holds", {"what": "case", "subject": "none", "reason": "คดี"}).status_code == 404
    assert "คดี" in admin.get(f"/cases/{case_id}").text
    with store.reading() as session:
        hold_id = session.scalars(select(LegalHold.id).order_by(LegalHold.id)).first()
    assert admin.post(f"/privacy/holds/{hold_id}/lift", {"reason": "จบคดี"}).status_code == 302
    with store.reading() as session:
        assert [held.row.person_id is not None for held in retention.current_holds(session, SYSTEM)] == [True]


def test_cases_of_age_are_asked_for_together(store: Store, case_id: str, as_person: Visit, clock: Clock) -> None:
    clock.pass_by(days=3660)
    admin = as_person("admin")
    with store.transaction() as session:
        session.execute(text("UPDATE positions SET valid_to = NULL"))
    assert case_id in admin.get("/privacy/due").text
    asked = admin.post("/privacy/due", {"case": case_id, "reason": "ครบ 10 ปี"})

    assert asked.status_code == 302
    assert admin.get(asked.location).status_code == 200


@pytest.mark.parametrize("username", ["admin", "director"])
def test_every_page_that_its_neighbours_offer_opens(case_id: str, as_person: Visit, username: str) -> None:
    visitor = as_person(username)
    page = visitor.get("/privacy").text
    offered = set(re.findall(r'href="(/(?:privacy|audit/witnesses)[^"?]*)"', page))

    assert "/privacy/due" in offered
    assert {path: visitor.get(path).status_code for path in offered} == dict.fromkeys(offered, 200)


def test_a_director_asks_for_what_has_come_of_age(case_id: str, as_person: Visit, clock: Clock) -> None:
    clock.pass_by(days=11 * 366)
    director = as_person("director")

    assert case_id in director.get("/privacy/due").text
    answer = director.post("/privacy/due", {"case": case_id, "reason": "ครบอายุ"})

    assert answer.status_code == 302
    assert as_person("planner").get("/privacy/due").status_code == 403
