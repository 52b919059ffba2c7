"""Business keys count up within a kind of case, an office and a fiscal year."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.engine import Process
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.stepping.business_keys import next_business_key
from osm_flow.store.models import ProcessDefinition
from osm_flow.store.session import Store
from tests.factories import OFFICE, deploy_tests, make_office
from tests.together import at_once


def process(session: Session, key: str) -> Process:
    if session.scalar(select(ProcessDefinition.id)) is None:
        make_office(session)
        deploy_tests(session, "review", "callee")
    return compiled(session, session.scalars(select(ProcessDefinition).where(ProcessDefinition.key == key)).one())


def test_numbers_rise_within_a_kind_an_office_and_a_year(session: Session) -> None:
    review = process(session, "review")
    asked = [(OFFICE, 2571), (OFFICE, 2571), (OFFICE, 2572), ("S-GULF", 2571), (OFFICE, 2571)]

    assert [next_business_key(session, review, *where) for where in asked] == [
        "REV-NE-U1-2571-01",
        "REV-NE-U1-2571-02",
        "REV-NE-U1-2572-01",
        "REV-S-GULF-2571-01",
        "REV-NE-U1-2571-03",
    ]


def test_a_process_without_a_prefix_is_numbered_by_its_key(session: Session) -> None:
    callee = process(session, "callee")
    bare = replace(callee, properties={})

    assert next_business_key(session, bare, OFFICE, 2571) == "CALLEE-NE-U1-2571-01"
    assert next_business_key(session, callee, OFFICE, 2571) == "SUB-NE-U1-2571-01"


def test_the_hundredth_is_written_out(session: Session) -> None:
    review = process(session, "review")

    assert [next_business_key(session, review, OFFICE, 2571) for _ in range(100)][-1] == "REV-NE-U1-2571-100"


def test_those_who_ask_at_once_get_numbers_of_their_own(store: Store) -> None:
    with store.transaction() as session:
        process(session, "review")
    numbers: list[str] = []

    def ask() -> None:
        with store.transaction() as session:
            numbers.append(next_business_key(session, process(session, "review"), OFFICE, 2571))

    at_once(*[ask] * 4)

    assert sorted(numbers) == [f"REV-NE-U1-2571-0{number}" for number in range(1, 5)]
