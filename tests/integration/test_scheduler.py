import json
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import func, select

from osm_flow import cli, scheduler
from osm_flow.cli.context import Context
from osm_flow.cli.context import Mail as MailSettings
from osm_flow.cli.scheduler import mailer_of
from osm_flow.notify.mail import Mail, RecordingMailer
from osm_flow.notify.smtp import SmtpMailer
from osm_flow.operations import sweeps
from osm_flow.operations.claims import Tally
from osm_flow.operations.mail import queue_mail
from osm_flow.store.models import JournalRecord, Timer
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office

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


def _context(store: Store, smtp_url: str = "") -> Context:
    def no_site(*_: object) -> Flask:
        raise AssertionError("the scheduler needs no site")

    address = store.url.render_as_string(hide_password=False)
    mail = MailSettings(smtp_url, "osm@example.go.th")
    context = Context(
        address,
        Path(str(store.url.database)).parent,
        "https://osm.example",
        ZoneInfo("Asia/Bangkok"),
        mail,
        lambda: NOW,
        no_site,
    )
    context.store = store  # type: ignore[misc]
    return context


def _run(store: Store, *arguments: str, smtp_url: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(cli.root, arguments, obj=_context(store, smtp_url))
    return result.exit_code, result.output


def test_the_ticker_sweeps_in_the_background_until_it_is_stopped(sqlite_store: Store) -> None:
    _case(sqlite_store)
    mailer = RecordingMailer()
    with sqlite_store.transaction() as session:
        queue_mail(session, Mail("a", "a@example.go.th", "เรื่อง", "x"), NOW)

    ticker = scheduler.start(sqlite_store, lambda: LATE, scheduler.owner_name(), mailer, pace=0.01)
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

    tickers = [scheduler.start(store, lambda: LATE, scheduler.owner_name(), mailer, pace=0.01) for _ in range(2)]
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

    def fail_once(store: Store, now: datetime, owner: str) -> Tally:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the database is away")
        return Tally()

    monkeypatch.setattr(sweeps, "fire_due_timers", fail_once)
    with caplog.at_level(logging.ERROR, "osm_flow.scheduler"):
        ticker = scheduler.start(sqlite_store, lambda: NOW, "a", None, pace=0.01)
        try:
            assert _wait_for(lambda: len(calls) >= 2)
        finally:
            ticker.stop()

    assert "the database is away" in caplog.text


def test_names_of_owners_differ() -> None:
    assert scheduler.owner_name() != scheduler.owner_name()
    assert len(scheduler.owner_name()) <= 46


def test_once_at_an_instant_does_all_that_is_due_by_then(sqlite_store: Store) -> None:
    _case(sqlite_store)

    code, nothing = _run(sqlite_store, "scheduler", "--once", "--json")
    assert (code, json.loads(nothing)["timers"]) == (0, 0)
    code, output = _run(sqlite_store, "scheduler", "--once", "--at", "2026-11-30T16:30:00+07:00", "--json")

    assert code == 0
    assert json.loads(output) == {
        "timers": 3, "services": 0, "outbox": 0, "reminders": 0, "follow_ups": 0, "mails": 0,
        "checkpoints": 1, "erasures": 0, "pruned": 0, "failures": 0, "unfinished": False,
    }  # fmt: skip
    assert _fired(sqlite_store) == 3


def test_once_tells_people_what_it_did(sqlite_store: Store) -> None:
    code, output = _run(sqlite_store, "scheduler", "--once")

    assert code == 0
    assert "timers 0" in output
    assert "nothing is left to do" in output


@pytest.mark.parametrize(
    "arguments",
    [("--at", "2026-11-30T09:30:00Z"), ("--once", "--at", "tomorrow"), ("--once", "--at", "2026-11-30T09:30:00")],
)
def test_wrong_use_is_told_apart(sqlite_store: Store, arguments: tuple[str, ...]) -> None:
    code, output = _run(sqlite_store, "scheduler", *arguments)

    assert code == 2
    assert "Error" in output


def test_timers_are_listed_next_one_first_page_by_page(store: Store) -> None:
    _case(store)

    code, output = _run(store, "timer", "list", "--limit", "2", "--json")
    first = json.loads(output)
    _, output = _run(store, "timer", "list", "--limit", "2", "--after", first["next"], "--json")
    rest = json.loads(output)

    assert code == 0
    assert [item["element"] for item in first["items"] + rest["items"]] == ["first", "second", "third"]
    assert first["items"][0]["due_at"] == "2026-11-21T02:00:00.000000Z"
    assert (first["total"], rest["next"]) == (3, None)


def test_a_list_of_no_timers_says_so(sqlite_store: Store) -> None:
    code, output = _run(sqlite_store, "timer", "list")

    assert (code, output.strip()) == (0, "no timer is waiting")


def test_timers_are_listed_for_people_with_their_case(sqlite_store: Store) -> None:
    _case(sqlite_store)

    _, output = _run(sqlite_store, "timer", "list")

    assert "21 Nov 2026 (2569) 09:00  TTT-NE-U1-2571-01  first" in output


def test_mail_goes_through_the_server_of_the_settings(sqlite_store: Store) -> None:
    assert mailer_of(_context(sqlite_store)) is None
    mailer = mailer_of(_context(sqlite_store, "smtp://127.0.0.1:2525"))
    assert isinstance(mailer, SmtpMailer)
    assert (mailer.port, mailer.sender, mailer.base_url) == (2525, "osm@example.go.th", "https://osm.example")


def test_a_timer_stopped_by_an_incident_is_shown_as_stopped(sqlite_store: Store) -> None:
    _case(sqlite_store)
    with sqlite_store.transaction() as session:
        timer = session.scalars(select(Timer).order_by(Timer.due_at).limit(1)).one()
        timer.lease_owner, timer.lease_until = "incident", LATE

    _, output = _run(sqlite_store, "timer", "list", "--json")

    assert [item["stopped"] for item in json.loads(output)["items"]] == [True, False, False]
