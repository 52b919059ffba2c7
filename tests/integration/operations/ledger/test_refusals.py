"""Counting refusals: a flood is a few rows, every refusal is in a count, and what a crash can lose is bounded."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from osm_flow.operations.ledger import refusals
from osm_flow.operations.ledger.refusals import AT_ONCE, TOGETHER, WINDOW, RefusalCounter, close_windows
from osm_flow.operations.ledger.security_events import EventKind, Happening
from osm_flow.store.database import instant_text
from osm_flow.store.models import AccessRecord, RefusalTally, SecurityEvent
from osm_flow.store.session import Busy, Store
from tests.factories import NOW
from tests.integration.operations.ledger.reads import faults
from tests.together import at_once

REFUSED = Happening(EventKind.refused_role, "anan", "osm_me", "NE-U1", "GET /audit/search", address="10.0.0.1")
OVER = NOW + WINDOW


def tallies(store: Store) -> list[tuple[str, int]]:
    with store.reading() as session:
        rows = session.execute(select(RefusalTally.actor, RefusalTally.count).order_by(RefusalTally.actor))
        return [tuple(row) for row in rows]


def recorded(store: Store) -> list[tuple[str, str, int]]:
    with store.reading() as session:
        query = select(SecurityEvent.actor, SecurityEvent.kind, SecurityEvent.count).order_by(SecurityEvent.id)
        return [tuple(row) for row in session.execute(query)]


def test_the_same_refusal_is_one_record_with_a_count_when_its_time_is_over(store: Store) -> None:
    counter = RefusalCounter(store)
    for number in range(7):
        counter.count(REFUSED, NOW + timedelta(minutes=number))

    assert tallies(store) == [("anan", 7)], "the first ones are written at once"
    assert close_windows(store, OVER - timedelta(seconds=1)) == 0
    assert close_windows(store, OVER) == 1
    assert close_windows(store, OVER) == 0

    assert (tallies(store), recorded(store)) == ([], [("anan", "refused.role", 7)])
    with store.reading() as session:
        record = session.scalars(select(AccessRecord)).one()
        event = session.scalars(select(SecurityEvent)).one()
    assert (event.at, event.until, record.at) == (NOW, NOW + timedelta(minutes=6), OVER)
    told = json.loads(record.told)
    assert told == {"count": 7, "since": instant_text(NOW), "until": instant_text(NOW + timedelta(minutes=6))}
    assert faults(store) == []


@pytest.mark.parametrize("changed", ["kind", "actor", "subject", "details", "address"])
def test_what_differs_is_counted_apart(store: Store, changed: str) -> None:
    counter = RefusalCounter(store)
    for one in (REFUSED, REFUSED, replace(REFUSED, **{changed: "refused.hidden"})):
        counter.count(one, NOW)

    assert sorted(count for _, count in tallies(store)) == [1, 2]


def test_crashes_at_one_page_are_one_though_each_has_its_reference(store: Store) -> None:
    counter = RefusalCounter(store)
    for reference in ("AAAA", "BBBB"):
        counter.count(Happening(EventKind.crashed, "anan", subject="GET /", details=reference), NOW)

    with store.reading() as session:
        tally = session.scalars(select(RefusalTally)).one()
        assert (tally.count, tally.details) == (2, "AAAA")


def test_a_flood_is_one_row_and_few_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    add = refusals._add
    monkeypatch.setattr(refusals, "_add", lambda *given: (writes.append(1), add(*given)))
    counter = RefusalCounter(store)
    flood = 20_000

    for _ in range(flood):
        counter.count(REFUSED, NOW)
    counter.write_all(NOW)

    assert tallies(store) == [("anan", flood)]
    assert len(writes) <= AT_ONCE + flood / TOGETHER + 1
    assert close_windows(store, OVER) == 1
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccessRecord)) == 1


def test_a_flood_from_everywhere_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_TOLD_APART", 30)
    counter = RefusalCounter(store)

    for number in range(500):
        counter.count(replace(REFUSED, address=f"10.0.{number // 250}.{number % 250}"), NOW)
    counter.write_all(NOW)

    counts = tallies(store)
    assert (len(counts), sum(count for _, count in counts)) == (31, 500)
    assert counts[0][0] == "", "beyond what is told apart nobody is named"


def test_a_process_that_dies_loses_less_than_is_written_together(store: Store) -> None:
    counter = RefusalCounter(store)

    for _ in range(AT_ONCE + 2 * TOGETHER - 1):
        counter.count(REFUSED, NOW)

    (counted,) = tallies(store)
    assert AT_ONCE + 2 * TOGETHER - 1 - counted[1] == TOGETHER - 1


def test_what_waits_is_written_some_seconds_later_by_whatever_comes_next(store: Store) -> None:
    counter = RefusalCounter(store)
    for _ in range(AT_ONCE + 5):
        counter.count(REFUSED, NOW)
    assert tallies(store) == [("anan", AT_ONCE)]

    counter.write_late(NOW + timedelta(seconds=4))
    assert tallies(store) == [("anan", AT_ONCE)]
    counter.write_late(NOW + timedelta(seconds=5))
    assert tallies(store) == [("anan", AT_ONCE + 5)]


def test_a_database_that_is_away_loses_none(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = RefusalCounter(store)

    def refuse(*_: object) -> None:
        raise Busy

    with monkeypatch.context() as away:
        away.setattr(Store, "transaction", refuse)
        for _ in range(3):
            counter.count(REFUSED, NOW)
    counter.count(REFUSED, NOW)

    assert tallies(store) == [("anan", 4)]


def test_a_new_quarter_of_an_hour_is_a_new_event_though_nobody_swept(store: Store) -> None:
    counter = RefusalCounter(store)
    for minutes in (0, 10, 16, 20, 40):
        counter.count(REFUSED, NOW + timedelta(minutes=minutes))

    assert recorded(store) == [("anan", "refused.role", 2), ("anan", "refused.role", 2)]
    assert tallies(store) == [("anan", 1)]
    assert faults(store) == []


def test_processes_and_threads_add_up(store: Store) -> None:
    counters = [RefusalCounter(store) for _ in range(3)]

    def flood(counter: RefusalCounter) -> None:
        for _ in range(100):
            counter.count(REFUSED, NOW)

    at_once(*(partial(flood, counter) for counter in [*counters, *counters]))
    for counter in counters:
        counter.write_all(NOW)
    at_once(*[lambda: close_windows(store, OVER)] * 3)

    assert recorded(store) == [("anan", "refused.role", 600)]
    assert faults(store) == []
