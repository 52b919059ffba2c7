"""Two people who change the same at the same moment: one wins, the other reads a sentence, and the record stays true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import cycle, islice
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.domain.people import NewPerson
from osm_flow.errors import OsmFlowError
from osm_flow.operations.audit import witnesses
from osm_flow.operations.calendar.holidays import Holiday, override_day, remove_override
from osm_flow.operations.calendar.milestones import move_date, propose_year
from osm_flow.operations.cases.incidents import open_in
from osm_flow.operations.ledger.admin_journal import changes_of, check_chain
from osm_flow.operations.people import accounts, positions
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.operations.privacy import retention
from osm_flow.store.models import AdminRecord, FiscalDate, HolidayOverride, Incident, LegalHold, Office, Person, Witness
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, make_office, make_person
from tests.together import at_once

DAY = date(2026, 12, 28)
Act = Callable[[Session], object]


def all_at_once(store: Store, *acts: Act) -> list[str]:
    """What each act came to, sorted: `done`, or the name of the refusal. Any other error fails the test."""
    outcomes: list[str] = []

    def begin(act: Act) -> None:
        try:
            with store.transaction() as session:
                act(session)
            outcomes.append("done")
        except OsmFlowError as refusal:
            outcomes.append(type(refusal).__name__)

    at_once(*[lambda act=act: begin(act) for act in acts])
    return sorted(outcomes)


def count(store: Store, table: type[Any]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def assert_every_change_begins_where_the_one_before_it_ended(store: Store) -> None:
    """Of each thing that was changed, field by field; a record that says something else says what never was."""
    with store.reading() as session:
        assert check_chain(session).faults == []
        is_now: dict[tuple[str, str], Any] = {}
        for record in session.scalars(select(AdminRecord).order_by(AdminRecord.seq)):
            for field, change in changes_of(record).items():
                place = (record.subject, field)
                assert is_now.get(place, change["old"]) == change["old"], (record.seq, record.kind, field)
                is_now[place] = change["new"]


def holiday(number: int) -> Act:
    return lambda session: override_day(session, Holiday(DAY, False, f"หยุด {number}", "", f"มติ {number}"), SYSTEM, NOW)


def milestone(number: int) -> Act:
    new = NewDate(date(2026, 12, 1 + number), f"ที่ {number}")
    return lambda session: move_date(session, OFFICE, 2571, "plan_submit", SYSTEM, NOW, new)


@pytest.fixture
def office(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        return make_person(session, "anan", "osm_strategy")


def test_the_same_new_holiday(store: Store) -> None:
    assert all_at_once(store, *map(holiday, range(6))) == ["done"] * 6

    assert count(store, HolidayOverride) == 1
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_whoever_comes_later_is_told_what_stood_there(store: Store) -> None:
    """Each but the first is told of the one right before, so that nothing is overwritten unseen."""
    told: list[str | None] = []

    def declare(number: int) -> Act:
        def act(session: Session) -> None:
            before = override_day(session, Holiday(DAY, False, f"หยุด {number}", source="มติ"), SYSTEM, NOW)
            told.append(before.name_th if before else None)

        return act

    assert all_at_once(store, *map(declare, range(6))) == ["done"] * 6
    with store.reading() as session:
        last = session.get_one(HolidayOverride, DAY).name_th
    assert sorted([*filter(None, told), last]) == [f"หยุด {number}" for number in range(6)]
    assert told.count(None) == 1


def test_a_holiday_set_and_taken_back(store: Store) -> None:
    def take_back(session: Session) -> None:
        remove_override(session, DAY, SYSTEM, NOW)

    for _ in range(5):
        outcomes = all_at_once(store, holiday(1), take_back, holiday(2), take_back)
        assert set(outcomes) <= {"done", "NoSuchOverride"}
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_the_same_new_user_name(store: Store) -> None:
    def hire(session: Session) -> None:
        accounts.create_person(session, SYSTEM, NOW, NewPerson("somsri", "สมศรี"))

    assert all_at_once(store, *[hire] * 6) == ["UsernameTaken"] * 5 + ["done"]
    assert (count(store, Person), count(store, AdminRecord)) == (1, 1)


def test_one_employee_number_for_two_new_accounts_and_an_old_one(store: Store) -> None:
    with store.transaction() as session:
        for name in ("old", "older"):
            accounts.create_person(session, SYSTEM, NOW, NewPerson(name, name))

    def hire(number: int) -> Act:
        def act(session: Session) -> None:
            entered = NewPerson(f"p{number}", f"p{number}", employee_number="4102")
            accounts.create_person(session, SYSTEM, NOW, entered)

        return act

    def give(name: str) -> Act:
        return lambda session: accounts.set_number(session, name, SYSTEM, NOW, entered="41-02")

    outcomes = all_at_once(store, *map(hire, range(3)), give("old"), give("older"))

    assert outcomes == ["NumberInUse"] * 4 + ["done"]
    with store.reading() as session:
        numbered = select(func.count()).select_from(Person).where(Person.employee_number == "4102")
        assert session.scalar(numbered) == 1
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_three_accounts_become_one_persons_from_all_sides(store: Store) -> None:
    names = ("a1", "a2", "a3")
    with store.transaction() as session:
        for name in names:
            accounts.create_person(session, SYSTEM, NOW, NewPerson(name, name))

    def tie(one: str, other: str) -> Act:
        return lambda session: accounts.say_one_person(session, one, SYSTEM, NOW, other_username=other)

    def locked(name: str) -> Act:
        return lambda session: accounts.lock(session, name, SYSTEM, NOW)

    acts = [tie(one, other) for one in names for other in names if one != other]
    assert set(all_at_once(store, *acts, *map(locked, names))) == {"done"}

    with store.reading() as session:
        assert len(set(session.scalars(select(Person.one_person)))) == 1
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_the_first_milestone(store: Store, office: Actor) -> None:
    assert all_at_once(store, *map(milestone, range(6))) == ["done"] * 6

    assert count(store, FiscalDate) == 1
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_a_year_proposed_while_its_first_milestone_is_set(store: Store, office: Actor) -> None:
    def propose(session: Session) -> None:
        propose_year(session, OFFICE, 2571, SYSTEM, NOW)

    assert all_at_once(store, propose, milestone(1), propose, milestone(2)) == ["done"] * 4
    with store.reading() as session:
        assert session.execute(select(FiscalDate.key).group_by(FiscalDate.key).having(func.count() > 1)).all() == []


def test_an_account_locked_and_unlocked(store: Store, office: Actor) -> None:
    def acts() -> Iterator[Act]:
        yield lambda session: accounts.lock(session, "anan", SYSTEM, NOW)
        yield lambda session: accounts.unlock(session, "anan", SYSTEM, NOW)

    for _ in range(8):
        assert all_at_once(store, *islice(cycle(acts()), 6)) == ["done"] * 6
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_a_position_ended_twice(store: Store, office: Actor) -> None:
    with store.reading() as session:
        held = positions.positions_of(session, session.scalars(select(Person)).one())[0].id

    def end(day: int) -> Act:
        return lambda session: positions.end_position(session, held, SYSTEM, NOW, last_day=date(2026, 12, day))

    assert all_at_once(store, *map(end, range(1, 7))) == ["done"] * 6
    assert_every_change_begins_where_the_one_before_it_ended(store)


def test_passwords_set_while_the_account_is_locked(store: Store, office: Actor) -> None:
    def reset(session: Session) -> None:
        accounts.set_password(session, "anan", SYSTEM, NOW, password="a long enough one")

    def lock(session: Session) -> None:
        accounts.lock(session, "anan", SYSTEM, NOW)

    assert all_at_once(store, reset, lock, reset, lock) == ["done"] * 4
    with store.reading() as session:
        assert session.scalars(select(Person.session_epoch)).one() == 3  # each of them ended the sessions there were


def test_the_same_new_witness(store: Store, office: Actor) -> None:
    def add(session: Session) -> None:
        witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="พยาน", email="w@example.go.th")

    assert all_at_once(store, *[add] * 4) == ["WitnessKnown"] * 3 + ["done"]
    assert count(store, Witness) == 1


def test_a_hold_lifted_twice(store: Store, office: Actor) -> None:
    with store.transaction() as session:
        hold_id = retention.hold_person(session, "anan", SYSTEM, NOW, reason="คดี").id

    def lift(session: Session) -> None:
        retention.lift_hold(session, hold_id, SYSTEM, NOW, reason="จบคดี")

    assert all_at_once(store, *[lift] * 4) == ["HoldNotFound"] * 3 + ["done"]
    assert count(store, LegalHold) == 2


def test_the_same_incident_of_no_case(store: Store) -> None:
    def fail(session: Session) -> None:
        open_in(session, None, NOW, kind="mail", message="no route", task_id="outbox:1")

    assert all_at_once(store, *[fail] * 4) == ["done"] * 4
    assert count(store, Incident) == 1


def test_clusters_seeded_by_nodes_that_start_together(store: Store) -> None:
    assert all_at_once(store, *[seed_clusters] * 4) == ["done"] * 4
    assert count(store, Office) == 18
