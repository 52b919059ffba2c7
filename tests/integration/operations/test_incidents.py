"""Failures that stop a part of a case: opened once, tried again or closed by an administrator."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.actors import SYSTEM, Actor
from osm_flow.operations import incidents, work_items
from osm_flow.operations.stepping import CaseFailed
from osm_flow.operations.verify import verify_case
from osm_flow.store.models import Incident, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


def test_an_engine_fault_keeps_nothing_and_opens_one_incident(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "broken")
        anan = make_person(session, "anan", "osm_strategy")
        case_id = make_case(session, "broken").id
        item_id = session.scalars(select(WorkItem.id)).one()

    for number in range(2):
        failure = _fail(store, item_id, anan, later(number))
        incidents.report(store, failure, later(number))

    with store.reading() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.case_id, incident.kind, incident.element) == (case_id, "engine", "which")
        assert session.get_one(WorkItem, item_id).state == "READY"
        kinds = session.scalars(select(JournalRecord.kind).order_by(JournalRecord.seq)).all()
        assert kinds == ["case.started", "incident.opened"]
        assert verify_case(session, case_id) == []


def test_an_error_that_nothing_handles_is_an_incident(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "failing")
    anan = make_person(session, "anan", "osm_strategy")
    case = make_case(session, "failing")

    work_items.complete(session, items_of(session, case)[0].id, anan, NOW, values={"text": "x"}, key="k1")

    assert (case.state, case.outcome) == ("COMPLETED", "failed")
    (incident,) = incidents.list_incidents(session, SYSTEM).items
    assert (incident.kind, incident.element) == ("uncaught_error", "failed")


def _fail(store: Store, item_id: str, actor: Actor, now: datetime) -> CaseFailed:
    def act() -> None:
        with store.transaction() as session:
            work_items.complete(session, item_id, actor, now, values={"text": "x"}, key="k1")

    with pytest.raises(CaseFailed) as caught:
        act()
    return caught.value
