"""Leases and the one way to fail: what is counted when, who may note it, and when a person is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain.retries import MOST_ATTEMPTS, MOST_ATTEMPTS_AT_SERVICES
from osm_flow.errors import Refused
from osm_flow.operations import sweeps
from osm_flow.operations.background import delivery, leases, service_jobs
from osm_flow.operations.background.leases import EndedItsProcess, NotItsTurn, Tally
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.store.models import Incident, OutboxEntry, ServiceJob, Timer
from osm_flow.store.session import Busy, Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office
from tests.together import at_once

LATE = NOW + timedelta(days=10)
TABLES: list[Any] = [Timer, ServiceJob, OutboxEntry]
WAITING: list[Any] = [ServiceJob, OutboxEntry]
FIRE = OSError("the disk is on fire")


class RefusedOnPurpose(Refused):
    """It cannot be done."""


@pytest.fixture
def rows(store: Store) -> dict[Any, Any]:
    """One due row of each table, by its table."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "repeating", "lettered", "caller", "callee")
        for key in ("repeating", "lettered", "caller"):
            make_case(session, key, data={"recipient": ""})
        return {table: session.scalar(select(leases.key_of(table))) for table in TABLES}


def row_of(store: Store, table: Any, key: Any) -> Any:
    with store.reading() as session:
        return session.get(table, key)


def incidents_of(store: Store) -> list[tuple[str, str]]:
    with store.reading() as session:
        return [(row.kind, row.message) for row in session.scalars(select(Incident).order_by(Incident.id))]


def free_at(table: Any, row: Any) -> datetime | None:
    """From when on a sweep may claim the row again."""
    waits: datetime | None = row.lease_until if table is Timer else row.due_at
    return waits


@pytest.mark.parametrize("table", TABLES)
def test_an_unclaimed_failure_is_counted_and_waits(store: Store, rows: dict[Any, Any], table: Any) -> None:
    leases.fail(store, table, rows[table], LATE, FIRE)

    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, free_at(table, row)) == (1, None, LATE + timedelta(minutes=1))
    assert leases.claim(store, table, "a", LATE + timedelta(seconds=59), limit=5).keys == ()
    assert leases.claim(store, table, "a", LATE + timedelta(minutes=1), limit=5).keys == (rows[table],)


@pytest.mark.parametrize("table", TABLES)
def test_a_claimed_failure_was_counted_when_it_was_claimed(store: Store, rows: dict[Any, Any], table: Any) -> None:
    claimed = leases.claim(store, table, "a", LATE, limit=5)

    leases.fail(store, table, rows[table], LATE, FIRE, token=claimed.token)

    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, free_at(table, row)) == (1, None, LATE + timedelta(minutes=1))


@pytest.mark.parametrize("table", TABLES)
def test_work_that_kills_its_process_does_not_come_back_for_ever(
    store: Store, rows: dict[Any, Any], table: Any
) -> None:
    at = LATE
    for _ in range(3):
        leases.claim(store, table, "dies", at, limit=5)
        at += leases.LEASE

    assert row_of(store, table, rows[table]).attempts == 3


@pytest.mark.parametrize("table", TABLES)
def test_what_others_took_over_is_not_marked_by_whoever_slept(store: Store, rows: dict[Any, Any], table: Any) -> None:
    asleep = leases.claim(store, table, "asleep", LATE, limit=5)
    awake = leases.claim(store, table, "awake", LATE + leases.LEASE, limit=5)

    leases.fail(store, table, rows[table], LATE, RefusedOnPurpose(), token=asleep.token)

    assert row_of(store, table, rows[table]).lease_owner == awake.token
    assert incidents_of(store) == []


@pytest.mark.parametrize(
    ("table", "most", "kind"),
    [
        (Timer, MOST_ATTEMPTS, "timer"),
        (ServiceJob, MOST_ATTEMPTS_AT_SERVICES, "service"),
        (OutboxEntry, MOST_ATTEMPTS, "delivery"),
    ],
)
def test_after_the_last_time_an_incident_asks_for_a_person(
    store: Store, rows: dict[Any, Any], table: Any, most: int, kind: str
) -> None:
    for _ in range(most - 1):
        leases.fail(store, table, rows[table], LATE, FIRE)
    before = incidents_of(store)
    leases.fail(store, table, rows[table], LATE, FIRE)

    assert (before, incidents_of(store)) == ([], [(kind, "OSError: the disk is on fire")])
    assert leases.claim(store, table, "a", LATE + timedelta(days=900), limit=5).keys == ()


@pytest.mark.parametrize("table", TABLES)
def test_what_is_refused_on_purpose_asks_for_a_person_at_once(store: Store, rows: dict[Any, Any], table: Any) -> None:
    leases.fail(store, table, rows[table], LATE, RefusedOnPurpose())

    assert [message for _, message in incidents_of(store)] == ["It cannot be done."]
    assert leases.claim(store, table, "a", LATE + timedelta(days=900), limit=5).keys == ()


@pytest.mark.parametrize("table", WAITING)
def test_a_row_keeps_why_it_failed(store: Store, rows: dict[Any, Any], table: Any) -> None:
    leases.fail(store, table, rows[table], LATE, FIRE)

    assert row_of(store, table, rows[table]).last_error == "OSError: the disk is on fire"


def test_a_timer_keeps_its_instant_while_it_waits(store: Store, rows: dict[Any, Any]) -> None:
    due_at = row_of(store, Timer, rows[Timer]).due_at

    leases.fail(store, Timer, rows[Timer], LATE, FIRE)

    assert row_of(store, Timer, rows[Timer]).due_at == due_at


@pytest.mark.parametrize("table", WAITING)
def test_while_its_case_is_suspended_a_row_rests_uncounted(store: Store, rows: dict[Any, Any], table: Any) -> None:
    claimed = leases.claim(store, table, "a", NOW, limit=5)

    leases.rest(store, table, rows[table], NOW, token=claimed.token)

    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, row.due_at) == (0, None, later(10))


def test_a_delivered_entry_cannot_fail_any_more(store: Store, rows: dict[Any, Any]) -> None:
    with store.transaction() as session:
        session.get_one(OutboxEntry, rows[OutboxEntry]).done_at = NOW

    leases.fail(store, OutboxEntry, rows[OutboxEntry], NOW, RefusedOnPurpose())

    assert row_of(store, OutboxEntry, rows[OutboxEntry]).attempts == 0
    assert incidents_of(store) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_failure_that_cannot_be_noted_hurts_nobody(
    store: Store, rows: dict[Any, Any], table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise Busy

    monkeypatch.setattr(leases, "hold", break_down)
    leases.fail(store, table, rows[table], LATE, FIRE)

    assert row_of(store, table, rows[table]).attempts == 0


@pytest.mark.parametrize("error", [NotItsTurn(), Busy(), CaseSuspended()])
def test_a_row_that_gives_way_is_free_at_once_and_uncounted(
    store: Store, rows: dict[Any, Any], error: Exception
) -> None:
    def give_way(session: Session, timer: Timer, now: datetime) -> None:
        raise error

    claimed = leases.claim(store, Timer, "a", LATE, limit=5)

    assert leases.work_through(store, claimed, LATE, give_way) == Tally(left=1)
    row = row_of(store, Timer, rows[Timer])
    assert (row.attempts, row.lease_owner, row.lease_until) == (0, None, None)


@pytest.mark.parametrize("table", TABLES)
def test_of_two_sweeps_one_claims_the_row(store: Store, rows: dict[Any, Any], table: Any) -> None:
    claimed: list[tuple[str | int, ...]] = []

    def claim(owner: str) -> Callable[[], None]:
        return lambda: claimed.append(leases.claim(store, table, owner, LATE, limit=5).keys)

    at_once(claim("a"), claim("b"))

    assert sorted(claimed) == [(), (rows[table],)]


# ---- what ends its process -------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_what_ends_its_process_each_time_is_stopped_and_drags_nothing_with_it(store: Store, table: Any) -> None:
    """Each claim is left behind as by a process that died at the first of its rows that is poisonous."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "repeating", "lettered", "caller", "callee")
        for key in ("repeating", "lettered", "caller"):
            for _ in range(4):
                make_case(session, key, data={"recipient": "ก"})
        keys = list(session.scalars(select(leases.key_of(table)).order_by(table.due_at, leases.key_of(table))))
    poison, worked, at, deaths = keys[1], list[Any](), LATE, 0

    def act(session: Any, row: Any, now: datetime) -> None:
        if getattr(row, leases.key_of(table).key) == poison:
            raise KeyboardInterrupt
        worked.append(getattr(row, leases.key_of(table).key))
        if table is OutboxEntry:
            row.due_at, row.done_at, row.lease_owner, row.lease_until = None, now, None, None
        else:
            session.delete(row)

    for _ in range(30):
        claimed = leases.claim(store, table, "dies", at, limit=50)
        try:
            leases.work_through(store, claimed, at, act)
        except KeyboardInterrupt:
            deaths += 1
        at += leases.LEASE

    assert sorted(worked) == sorted(set(keys) - {poison})
    assert deaths == leases.most_attempts(table)
    assert [message for _, message in incidents_of(store)] == [str(EndedItsProcess(attempts=deaths))]


@pytest.mark.parametrize("table", WAITING)
def test_work_right_after_a_commit_counts_before_it_begins(
    store: Store, rows: dict[Any, Any], table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that ended its process once is taken up again by whoever answers people."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    case_id = row_of(store, table, rows[table]).case_id
    monkeypatch.setattr(service_jobs, "TOPICS", {"send_letter": die})
    monkeypatch.setattr(delivery, "HANDLERS", dict.fromkeys(delivery.HANDLERS, die))
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver_pending(store, LATE, case_id)

    assert row_of(store, table, rows[table]).attempts == 1
    assert delivery.deliver_pending(store, LATE + leases.LEASE, case_id) == 0


# ---- outages ---------------------------------------------------------------------------------------------------


def _cut_off(session: Session) -> None:
    """As when PostgreSQL is restarted under a transaction, or the disk of SQLite is full."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    session.execute(text("PRAGMA max_page_count = 1"))
    session.execute(text("CREATE TABLE fills AS SELECT randomblob(1000000)"))


@pytest.mark.parametrize("table", TABLES)
def test_a_database_that_goes_away_counts_no_attempt(store: Store, rows: dict[Any, Any], table: Any) -> None:
    for _ in range(10):
        claimed = leases.claim(store, table, "a", LATE, limit=5)
        with pytest.raises(leases.Interrupted) as caught:
            leases.work_through(store, claimed, LATE, lambda session, row, now: _cut_off(session))
        store.engine.dispose()
        leases.give_back_all(store, [caught.value.claim])

    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, row.lease_until) == (0, None, None)
    assert incidents_of(store) == []


@pytest.mark.parametrize("table", WAITING)
def test_a_database_that_goes_away_right_after_an_act_was_kept_is_told_to_nobody(
    store: Store, rows: dict[Any, Any], table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = row_of(store, table, rows[table]).case_id
    monkeypatch.setattr(service_jobs, "TOPICS", {"send_letter": lambda work: _cut_off(work.session)})
    monkeypatch.setattr(delivery, "HANDLERS", dict.fromkeys(delivery.HANDLERS, lambda session, *_: _cut_off(session)))
    with pytest.raises(leases.Interrupted):
        delivery.deliver_pending(store, LATE, case_id)
    store.engine.dispose()
    leases.give_back(store, leases.Claim(table, row_of(store, table, rows[table]).lease_owner, ()), rows[table])

    delivery.go_on_at_once(store, LATE, case_id)

    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, row.lease_until) == (0, None, None)
    assert incidents_of(store) == []


def test_a_row_that_always_contradicts_a_key_is_no_other_writer(store: Store, rows: dict[Any, Any]) -> None:
    def contradict(session: Session, entry: OutboxEntry, now: datetime) -> None:
        for _ in range(2):
            session.add(OutboxEntry(key="twice", kind="x", body="{}"))
        session.flush()

    claimed = leases.claim(store, OutboxEntry, "a", LATE, limit=5)

    assert leases.work_through(store, claimed, LATE, contradict) == Tally(failed=1)
    assert row_of(store, OutboxEntry, rows[OutboxEntry]).attempts == 1


@pytest.mark.parametrize("table", TABLES)
def test_told_to_stop_it_gives_back_what_it_has_not_begun(store: Store, rows: dict[Any, Any], table: Any) -> None:
    claimed = leases.claim(store, table, "a", LATE, limit=5)

    assert leases.work_through(store, claimed, LATE, lambda *_: None, is_stopping=lambda: True) == Tally(left=1)
    row = row_of(store, table, rows[table])
    assert (row.attempts, row.lease_owner, row.lease_until) == (0, None, None)


# ---- clocks ----------------------------------------------------------------------------------------------------

AHEAD = timedelta(hours=1)


def test_the_rows_of_a_dead_node_come_back_within_a_minute() -> None:
    ticks = {sweep.name: timedelta(seconds=sweep.seconds) for sweep in sweeps.SWEEPS}

    assert all(leases.LEASE + ticks[name] <= timedelta(minutes=1) for name in ("timers", "services", "outbox", "mails"))


@pytest.mark.parametrize("table", TABLES)
def test_a_dead_node_whose_clock_ran_ahead_holds_its_rows_no_longer_than_a_lease(
    store: Store, rows: dict[Any, Any], table: Any
) -> None:
    leases.claim(store, table, "ahead", LATE + AHEAD, limit=5)

    at_once = leases.claim(store, table, "right", LATE, limit=5)
    a_lease_later = leases.claim(store, table, "right", LATE + leases.LEASE, limit=5)

    assert (at_once.keys, a_lease_later.keys) == ((), (rows[table],))


@pytest.mark.parametrize("table", TABLES)
def test_what_a_clock_ahead_put_off_is_due(store: Store, rows: dict[Any, Any], table: Any) -> None:
    leases.fail(store, table, rows[table], LATE + AHEAD, FIRE)

    assert leases.claim(store, table, "right", LATE, limit=5).keys == (rows[table],)


@pytest.mark.parametrize("table", WAITING)
def test_what_a_clock_ahead_wrote_is_due(store: Store, rows: dict[Any, Any], table: Any) -> None:
    assert leases.claim(store, table, "right", NOW - AHEAD, limit=5).keys == (rows[table],)


def test_what_a_diagram_says_of_a_timer_is_kept_however_late(store: Store, rows: dict[Any, Any]) -> None:
    assert leases.claim(store, Timer, "right", NOW - AHEAD, limit=5).keys == ()


@pytest.mark.parametrize("table", TABLES)
def test_what_waits_for_a_person_is_not_pulled_back(store: Store, rows: dict[Any, Any], table: Any) -> None:
    leases.fail(store, table, rows[table], LATE, RefusedOnPurpose())

    assert leases.claim(store, table, "right", LATE - AHEAD, limit=5).keys == ()
    assert leases.claim(store, table, "right", LATE + AHEAD, limit=5).keys == ()
