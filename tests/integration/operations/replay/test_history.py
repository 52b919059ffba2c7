"""The history of a case as the database has it now, past every cache."""

from __future__ import annotations

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import content_digest
from osm_flow.operations.replay.history import faults_of_history, history_of
from osm_flow.store.models import JournalPayload, JournalRecord
from tests.factories import NOW, complete_first, deploy_tests, later, make_case, make_office, make_person


def test_the_whole_history_is_read_and_holds(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review", "provinces")
    anan = make_person(session, "anan", "osm_strategy")
    case, other = make_case(session), make_case(session, "provinces")
    complete_first(session, case, anan, text="ร่าง 🌾")
    comment(session, other.id, anan, NOW, body="อีกเรื่อง", key=None)

    history = history_of(session, case)

    assert faults_of_history(history) == []
    hashes = session.scalars(
        select(JournalRecord.hash).where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq)
    ).all()
    assert [hash_ for _, hash_ in history.chain] == hashes
    assert history.chain[0][0].at == "2026-11-20T02:00:00.000000Z"
    assert history.payloads.keys() == {1, 2}
    assert "ร่าง 🌾" in history.payloads[2].body
    (definition,) = history.definitions.values()
    assert definition.sha256 == case.definition.sha256
    assert content_digest(definition.xml, definition.forms, definition.decisions) == definition.sha256


def test_what_somebody_changed_behind_the_session_shows(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    anan = make_person(session, "anan", "osm_strategy")
    case = make_case(session)
    complete_first(session, case, anan, later(), text="ร่าง")
    assert faults_of_history(history_of(session, case)) == []

    session.execute(text("UPDATE process_definitions SET forms = replace(forms, '2000', '9000')"))
    session.execute(
        delete(JournalPayload).where(JournalPayload.seq == 2), execution_options={"synchronize_session": False}
    )

    told = {(fault.seq, fault.code) for fault in faults_of_history(history_of(session, case))}
    assert told == {(0, "definition"), (2, "payload")}


def test_a_definition_that_is_no_json_any_more_is_a_fault_and_no_crash(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)
    for broken in ("not json", "[]"):
        session.execute(text("UPDATE process_definitions SET decisions = :broken"), {"broken": broken})

        assert [(one.seq, one.code) for one in faults_of_history(history_of(session, case))] == [(0, "definition")]
