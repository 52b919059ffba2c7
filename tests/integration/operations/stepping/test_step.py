"""Where a case moves: what the step finds that can never go on becomes an incident, once, with its record."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.kinds import in_language
from osm_flow.operations.cases import incidents
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, Incident, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person


def prepared(session: Session) -> tuple[Case, Actor]:
    make_office(session)
    deploy_tests(session, "standing")
    anan = make_person(session, "anan", "osm_strategy")
    return make_case(session, "standing"), anan


def done(session: Session, case: Case, element: str, actor: Actor, minutes: float) -> None:
    item = session.scalars(select(WorkItem).where(WorkItem.case_id == case.id, WorkItem.element == element)).one()
    complete(session, item.id, actor, later(minutes), Completion.of({"text": "x"}, f"key {element}"))


def found(session: Session, case: Case) -> list[Incident]:
    return list(session.scalars(select(Incident).where(Incident.case_id == case.id).order_by(Incident.id)))


def test_a_branch_that_can_never_go_on_opens_an_incident_while_the_case_goes_on(session: Session) -> None:
    case, anan = prepared(session)
    assert found(session, case) == []

    done(session, case, "check", anan, 1)

    (incident,) = found(session, case)
    assert (incident.kind, incident.element, incident.resolved_at) == ("standstill", "joined", None)
    assert "“รวมผล” (joined) รอ “แก้แผน” (mend)" in in_language(incident.kind, incident.message, "th")
    assert "“รวมผล” (joined) waits for “แก้แผน” (mend)" in in_language(incident.kind, incident.message, "en")
    assert "“ตรวจแผน” (check)" in in_language(incident.kind, incident.message, "en")
    newest = session.scalars(
        select(JournalRecord).where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq.desc()).limit(1)
    ).one()
    assert (newest.kind, newest.element, newest.actor) == ("incident.opened", "joined", SYSTEM.username)
    assert case.state == "ACTIVE"


def test_it_is_told_once_however_far_the_case_goes_and_whoever_closes_it(session: Session) -> None:
    case, anan = prepared(session)
    done(session, case, "check", anan, 1)
    (incident,) = found(session, case)
    incidents.resolve(session, incident.id, SYSTEM, later(2), note="รู้แล้ว จะยกเลิกเรื่อง")

    done(session, case, "beside", anan, 3)

    assert [row.id for row in found(session, case)] == [incident.id]
    assert case.state == "ACTIVE"


def test_the_history_with_a_standstill_is_whole(store: Store) -> None:
    with store.transaction() as session:
        case, anan = prepared(session)
        case_id = case.id
        done(session, case, "beside", anan, 1)
    with store.transaction() as session:
        case = session.get_one(Case, case_id)
        done(session, case, "check", anan, 2)

    with store.reading() as session:
        assert verify_case(session, case_id) == []
        kinds = session.scalars(select(JournalRecord.kind).order_by(JournalRecord.seq)).all()
        assert kinds == ["case.started", "work_item.completed", "work_item.completed", "incident.opened"]
        assert len(found(session, session.get_one(Case, case_id))) == 1


def test_a_case_that_stands_from_its_start_says_so_at_once(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "standing_at_once")
    case = make_case(session, "standing_at_once")

    (incident,) = found(session, case)
    assert incident.element == "joined"
    assert incident.opened_at == NOW
