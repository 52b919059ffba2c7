"""Who looked and what is held can only be added to; what a search was for may be blanked, and that is all."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from osm_flow.store.models import Access, Case, ErasureItem, ErasureRequest, LegalHold
from tests.factories import NOW, OFFICE, deploy_tests, later, make_case, make_office, make_person
from tests.integration.cli.shell import Shell
from tests.integration.store.tables import assert_append_only, keep, on_postgresql, plans_of, refused

SEARCHED = {"kind": "privacy.searched", "subject": "osm-flow privacy find"}


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


# ---- accesses --------------------------------------------------------------------------------------------------


def test_what_was_searched_for_may_be_blanked(session: Session) -> None:
    keep(session, Access(at=NOW, actor="malee", details="นายสมชาย", **SEARCHED))

    session.execute(update(Access).values(details=""))

    assert session.scalars(select(Access.details)).all() == [""]


@pytest.mark.parametrize("details", ["นายสมชาย", ""])
def test_nothing_else_of_an_access_changes(session: Session, details: str) -> None:
    keep(session, Access(at=NOW, actor="malee", details=details, **SEARCHED))

    for change in (
        {"actor": "somebody"},
        {"at": later()},
        {"role": "admin"},
        {"office_id": OFFICE},
        {"kind": "case.opened"},
        {"subject": "other"},
        {"case_id": "c1"},
        {"reason": "because"},
        {"id": 999_999},
        {"details": "นางสาวสมหญิง"},
        {"details": "", "actor": "somebody"},
    ):
        assert "append-only" in refused(session, update(Access).values(change)), change
    assert "append-only" in refused(session, "DELETE FROM accesses")
    whole = "TRUNCATE accesses" if on_postgresql(session) else "INSERT OR REPLACE INTO accesses SELECT * FROM accesses"
    assert "append-only" in refused(session, whole)


def test_accesses_are_narrowed_by_an_index(session: Session, shell: Shell) -> None:
    for column, wanted in (("actor", "--actor malee"), ("kind", "--kind case.opened"), ("case_id", "--case c1")):
        plans = plans_of(session, lambda wanted=wanted: shell.json("privacy", "accesses", *wanted.split()))
        assert f"ix_accesses_{column}_id" in plans


# ---- holds -----------------------------------------------------------------------------------------------------


def a_hold(**more: Any) -> LegalHold:
    return LegalHold(**{"reason": "คดี", "actor": "root", "at": NOW, **more})


def test_a_hold_can_only_be_added_to(session: Session, case: Case) -> None:
    keep(session, a_hold(case_id=case.id))

    assert_append_only(session, "legal_holds")


def test_a_hold_is_lifted_once_by_a_row_that_names_it(session: Session, case: Case) -> None:
    hold = a_hold(case_id=case.id)
    keep(session, hold)
    keep(session, a_hold(case_id=case.id, lifts_id=hold.id))

    assert refused(session, a_hold(case_id=case.id, lifts_id=hold.id))
    assert refused(session, a_hold(case_id=case.id, lifts_id=999_999))


def test_a_hold_is_on_a_case_or_a_person_that_is_there(session: Session, case: Case) -> None:
    anan = make_person(session, "anan", "osm_me")

    assert refused(session, a_hold(case_id="no such case"))
    assert refused(session, a_hold(person_id=999_999))
    keep(session, a_hold(person_id=anan.person_id))


# ---- erasures --------------------------------------------------------------------------------------------------


def a_request(**more: Any) -> ErasureRequest:
    of = {"office_id": OFFICE, "subject": "นายสมชาย", "reason": "คำขอ 1", "asked_by": "root", "asked_at": NOW}
    return ErasureRequest(**{**of, **more})


def test_a_record_is_asked_for_once_in_a_request(session: Session, case: Case) -> None:
    request = a_request()
    keep(session, request)
    keep(session, ErasureItem(request_id=request.id, case_id=case.id, seq=2))
    keep(session, ErasureItem(request_id=request.id, case_id=case.id, seq=1))

    assert refused(session, ErasureItem(request_id=request.id, case_id=case.id, seq=1))
    assert refused(session, ErasureItem(request_id=999_999, case_id=case.id, seq=1))
    assert refused(session, ErasureItem(request_id=request.id, case_id="no such case", seq=1))
    session.expire_all()
    assert [(item.seq, item.done_at) for item in request.items] == [(1, None), (2, None)]


def test_a_new_request_is_asked_and_not_decided(session: Session) -> None:
    make_office(session)
    assert refused(session, a_request(office_id="nowhere"))
    keep(session, a_request())

    request = session.scalars(select(ErasureRequest)).one()
    assert (request.state, request.decided_by, request.done_at, request.scrubbed_at) == ("ASKED", None, None, None)


def test_requests_are_listed_by_their_state_and_their_case(session: Session, shell: Shell) -> None:
    plans = plans_of(session, lambda: shell.json("privacy", "requests", "--state", "ASKED"))
    assert "ix_erasure_requests_state_id" in plans
    waiting = select(ErasureItem).where(ErasureItem.case_id == "c1", ErasureItem.done_at.is_(None))
    assert "ix_erasure_items_case_id" in plans_of(session, lambda: session.scalars(waiting).all())
