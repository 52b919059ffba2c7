"""Each record of a case is chained to the one before it, with its payload beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from osm_flow.domain import journal as rules
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.cases import comments
from osm_flow.operations.ledger import case_journal
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.acts import claim
from osm_flow.store.models import Case, JournalPayload, JournalRecord
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def case(session: Session) -> Case:
    """A case with three records: it began, a work item was claimed, something was said."""
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)
    anan = make_person(session, "anan", "osm_strategy")
    claim(session, items_of(session, case)[0].id, anan, later())
    comments.comment(session, case.id, anan, later(2), body="ถึงแล้ว", key=None)
    return case


def erase(session: Session, seq: int) -> None:
    session.execute(delete(JournalPayload).where(JournalPayload.seq == seq))


def test_each_record_is_chained_to_the_one_before_it(session: Session, case: Case) -> None:
    rows = session.scalars(select(JournalRecord).order_by(JournalRecord.seq)).all()

    assert [row.prev_hash for row in rows] == [rules.GENESIS, rows[0].hash, rows[1].hash]
    assert (case.seq, case.head, case.head_at) == (3, rows[2].hash, rows[2].at)
    assert rules.faults_of_chain(case.id, [(case_journal.record_of(row), row.hash) for row in rows]) == []


def test_no_two_records_have_the_same_time(case: Case) -> None:
    assert case_journal.next_instant(case, later(3)) == later(3)
    assert case_journal.next_instant(case, case.head_at) == case.head_at + timedelta(microseconds=1)
    assert case_journal.next_instant(case, NOW) == case.head_at + timedelta(microseconds=1)


def test_only_what_people_typed_is_searched(session: Session, case: Case) -> None:
    stepping.note(session, case, SYSTEM, later(3), Act(RecordKind.work_item_escalated), {"body": "ระบบ"})
    texts = session.scalars(select(JournalPayload.search).order_by(JournalPayload.seq)).all()

    assert ["ถึงแล้ว" in text for text in texts] == [False, False, True, False]
    assert texts[3] == ""


def test_records_are_read_with_what_was_typed(session: Session, case: Case) -> None:
    said = case_journal.written(session, case.id, JournalRecord.kind == "case.commented")

    assert [(record.seq, data["body"]) for record, data in said] == [(3, "ถึงแล้ว")]
    assert [record.seq for record, _ in case_journal.written(session, case.id)] == [1, 2, 3]


def test_an_erased_payload_leaves_its_record_without_data(session: Session, case: Case) -> None:
    erase(session, 3)

    assert [(record.seq, data) for record, data in case_journal.written(session, case.id)][2] == (3, {})


@pytest.mark.parametrize("body", [None, "", "no JSON", "[]", "7", "null", '{"else": 1}', '{"data": [1]}'])
def test_what_is_no_payload_has_no_data(body: str | None) -> None:
    assert case_journal.data_of(body) == {}


def test_a_payload_belongs_to_the_record_of_its_case_and_number(session: Session, case: Case) -> None:
    make_case(session)
    erase(session, 2)
    pairs = select(JournalRecord.seq, JournalPayload.seq, JournalPayload.case_id).order_by(JournalRecord.seq)
    here = JournalRecord.case_id == case.id

    assert session.execute(pairs.join(JournalRecord.payload).where(here)).all() == [(1, 1, case.id), (3, 3, case.id)]
    assert [row[1] for row in session.execute(pairs.outerjoin(JournalRecord.payload).where(here))] == [1, None, 3]
    assert session.scalars(select(JournalRecord.seq).where(here, ~JournalRecord.payload.has())).all() == [2]


def test_no_payload_is_read_unasked(session: Session, case: Case) -> None:
    record = session.get_one(JournalRecord, (case.id, 1))

    with pytest.raises(InvalidRequestError):
        _ = record.payload
