"""Cases that stood still before steps told of it are found by a sweep, once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from osm_flow.operations import sweeps
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.replay.verify import verify_deep
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import CaseState, Incident, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person


def incidents_of(store: Store, case_id: str) -> list[tuple[str, str | None]]:
    with store.reading() as session:
        rows = session.scalars(select(Incident).where(Incident.case_id == case_id))
        return [(row.kind, row.element) for row in rows]


def test_a_case_that_an_earlier_version_left_standing_gets_its_incident_once(store: Store, monkeypatch: Any) -> None:
    with monkeypatch.context() as earlier, store.transaction() as session:
        earlier.setattr(stepping, "_tell_of", lambda *given: False)
        make_office(session)
        deploy_tests(session, "standing", "review")
        anan = make_person(session, "anan", "osm_strategy")
        case_id = make_case(session, "standing").id
        waiting_id = make_case(session, "review").id
        for element in ("check", "beside"):
            query = select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.element == element)
            complete(session, session.scalars(query).one(), anan, later(1), Completion.of({"text": "x"}, element))
    assert incidents_of(store, case_id) == []

    first = sweeps.sweep_all(store, NOW, "a")
    again = sweeps.sweep_all(store, later(90), "a")

    assert (first.done["standstills"], again.done["standstills"]) == (1, 0)
    assert incidents_of(store, case_id) == [("standstill", "joined")]
    assert incidents_of(store, waiting_id) == []
    with store.reading() as session:
        assert verify_deep(session, case_id).faults == []


def test_a_case_that_waits_for_anything_is_left_alone(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review", "timed", "listening", "caller", "callee")
        cases = [make_case(session, key).id for key in ("review", "timed", "listening", "caller")]

    report = sweeps.sweep_all(store, NOW, "a")

    assert report.done["standstills"] == 0
    assert [incidents_of(store, case_id) for case_id in cases] == [[]] * len(cases)


def test_a_case_that_cannot_be_looked_at_keeps_nobody_from_the_others(store: Store, monkeypatch: Any) -> None:
    """A state that cannot be read is its own failure: the other cases that stand still are told all the same."""
    with monkeypatch.context() as earlier, store.transaction() as session:
        earlier.setattr(stepping, "_tell_of", lambda *given: False)
        make_office(session)
        deploy_tests(session, "standing")
        anan = make_person(session, "anan", "osm_strategy")
        cases = [make_case(session, "standing", now=later(number)).id for number in range(2)]
        for case_id in cases:
            for element in ("check", "beside"):
                query = select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.element == element)
                key = f"{case_id} {element}"
                complete(session, session.scalars(query).one(), anan, later(9), Completion.of({"text": "x"}, key))
    with store.transaction() as session:
        session.get_one(CaseState, cases[0]).snapshot = b"broken"

    tally = sweeps.tell_standstills(store, later(90), "a")

    assert (tally.done, tally.failed) == (1, 1)
    assert [incidents_of(store, case_id) for case_id in cases] == [[("standstill", None)], [("standstill", "joined")]]
    assert sweeps.tell_standstills(store, later(95), "a") == Tally()
