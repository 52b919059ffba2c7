"""States kept along a case's way: one for each record, and no evidence, so they may be made anew."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from osm_flow.store.models import Case, CaseCheckpoint
from tests.factories import deploy_tests, make_case, make_office
from tests.integration.store.tables import keep, refused

SNAPSHOT = bytes(range(256))


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


def a_state(case_id: str, seq: int = 20) -> CaseCheckpoint:
    return CaseCheckpoint(case_id=case_id, seq=seq, digest="d" * 64, snapshot=SNAPSHOT, passed='{"draft": 1}')


def test_a_record_has_one_kept_state_byte_for_byte(session: Session, case: Case) -> None:
    keep(session, a_state(case.id))
    session.expunge_all()

    assert refused(session, a_state(case.id))
    assert session.scalars(select(CaseCheckpoint.snapshot)).all() == [SNAPSHOT]
    keep(session, a_state(case.id, 40))


def test_a_state_is_of_a_case(session: Session) -> None:
    assert refused(session, a_state("no such case"))


def test_a_shortcut_may_be_thrown_away_and_made_again(session: Session, case: Case) -> None:
    keep(session, a_state(case.id))

    session.execute(update(CaseCheckpoint).values(digest="e" * 64))
    session.execute(delete(CaseCheckpoint))

    keep(session, a_state(case.id))
