"""The ticker: every sweep in the background, on several nodes at once, whatever happens to one of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow import scheduler
from osm_flow.notify.mail import Mail, RecordingMailer
from osm_flow.operations import sweeps
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.sweeps import Means, Sweep
from osm_flow.store.models import Incident, JournalRecord, Timer
from osm_flow.store.session import Store, Unreachable
from tests.factories import NOW, by_mail, deploy_tests, make_case, make_office

LATE = NOW + timedelta(days=10)


def _case(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "three_timers")
        make_case(session, "three_timers")


def _fired(store: Store) -> int:
    with store.reading() as session:
        query = select(func.count()).select_from(JournalRecord).where(JournalRecord.kind == "timer.fired")
        return session.scalar(query) or 0


def _wait_for(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_the_ticker_sweeps_in_the_background_until_it_is_stopped(sqlite_store: Store) -> None:
    _case(sqlite_store)
    mailer = RecordingMailer()
    with sqlite_store.transaction() as session:
        queue_mail(session, Mail("a", "a@example.go.th", "เรื่อง", "x"), NOW)

    ticker = scheduler.start(sqlite_store, lambda: LATE, scheduler.owner_name(), by_mail(mailer), pace=0.01)
    try:
        assert _wait_for(lambda: _fired(sqlite_store) == 3 and len(mailer.sent) == 1)
    finally:
        ticker.stop()

    assert not ticker.scheduler.running


def test_two_tickers_on_one_database_do_everything_once(store: Store) -> None:
    _case(store)
    mailer = RecordingMailer()
    with store.transaction() as session:
        for number in range(10):
            queue_mail(session, Mail(f"m{number}", "a@example.go.th", "เรื่อง", "x"), NOW)

    tickers = [
        scheduler.start(store, lambda: LATE, scheduler.owner_name(), by_mail(mailer), pace=0.01) for _ in range(2)
    ]
    try:
        assert _wait_for(lambda: _fired(store) == 3 and len(mailer.sent) >= 10)
    finally:
        for ticker in tickers:
            ticker.stop()

    assert _fired(store) == 3
    assert sorted(mail.key for mail in mailer.sent) == sorted(f"m{number}" for number in range(10))


def test_a_sweep_that_cannot_run_is_logged_and_tried_again(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = list[int]()

    def fail_once(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the database is away")
        return Tally()

    monkeypatch.setattr(sweeps, "SWEEPS", (Sweep("timers", 5, fail_once),))
    with caplog.at_level(logging.ERROR, "osm_flow.scheduler"):
        ticker = scheduler.start(sqlite_store, lambda: NOW, "a", pace=0.01)
        try:
            assert _wait_for(lambda: len(calls) >= 2)
        finally:
            ticker.stop()

    assert "the database is away" in caplog.text


def test_a_sweep_that_is_added_to_the_table_is_ticked(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[str]()

    def count(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        seen.append(owner)
        return Tally()

    monkeypatch.setattr(sweeps, "SWEEPS", (*sweeps.SWEEPS, Sweep("counted", 5, count)))
    ticker = scheduler.start(sqlite_store, lambda: NOW, "the ticker", pace=0.01)
    try:
        assert _wait_for(lambda: "the ticker" in seen)
    finally:
        ticker.stop()


def test_the_audit_log_is_ticked_for_whoever_has_the_keys(sqlite_store: Store, tmp_path: Path) -> None:
    def ticked(means: Means) -> set[str]:
        ticker = scheduler.start(sqlite_store, lambda: NOW, "a", means, pace=1000)
        names = {job.id for job in ticker.scheduler.get_jobs()}
        ticker.stop()
        return names

    assert ticked(Means(keyring=Keyring(tmp_path, "example.go.th"))) - ticked(Means()) == {"checkpoints"}


def test_names_of_owners_differ() -> None:
    assert scheduler.owner_name() != scheduler.owner_name()
    assert len(scheduler.owner_name()) <= 46


def test_a_clock_that_was_set_back_holds_up_no_sweep(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[int]()

    def count(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        seen.append(1)
        return Tally()

    monkeypatch.setattr(sweeps, "SWEEPS", (Sweep("counted", 5, count),))
    ticker = scheduler.start(sqlite_store, lambda: NOW, "a", pace=0.02)
    try:
        assert _wait_for(lambda: len(seen) > 2)
        # As APScheduler is left when the clock is set back by an hour: it waits for what the clock showed.
        job = ticker.scheduler.get_job("counted")
        job.modify(next_run_time=job.next_run_time + timedelta(hours=1))
        time.sleep(0.5)
        before = len(seen)
        assert _wait_for(lambda: len(seen) > before + 2)
    finally:
        ticker.stop()


def test_what_was_claimed_when_the_database_went_away_is_given_back_at_the_next_tick(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _case(sqlite_store)
    fire, calls = sweeps._fire, list[int]()

    def lose_the_database(session: Session, timer: Timer, now: datetime) -> None:
        calls.append(1)
        if len(calls) < 8:
            raise Unreachable
        fire(session, timer, now)

    monkeypatch.setattr(sweeps, "_fire", lose_the_database)
    ticker = scheduler.start(sqlite_store, lambda: LATE, "a", pace=0.01)
    try:
        assert _wait_for(lambda: _fired(sqlite_store) == 3)
    finally:
        ticker.stop()

    with sqlite_store.reading() as session:
        assert session.scalars(select(Incident)).all() == []
