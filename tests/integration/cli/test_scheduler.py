"""`osm-flow scheduler`: once and what it did, or until it is told to stop."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from osm_flow.app import channels_of
from osm_flow.notify.mail import MailChannel
from osm_flow.notify.smtp import SmtpMailer
from osm_flow.operations import sweeps
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.sweeps import Means, Sweep
from osm_flow.settings import Settings
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.cli.shell import Shell, fired_timers, with_timers


def test_once_at_an_instant_does_all_that_is_due_by_then(shell: Shell) -> None:
    with_timers(shell.store)

    assert shell.json("scheduler", "--once")["timers"] == 0
    report = shell.json("scheduler", "--once", "--at", "2026-11-30T16:30:00+07:00")

    nothing = (
        "services",
        "outbox",
        "reminders",
        "follow_ups",
        "mails",
        "refusals",
        "erasures",
        "standstills",
        "pruned",
        "moved_files",
        "released_files",
        "left_files",
        "failures",
    )
    assert report == {"timers": 3, "checkpoints": 1, "unfinished": False} | dict.fromkeys(nothing, 0)
    assert fired_timers(shell.store) == 3


def test_once_tells_people_what_it_did(shell: Shell) -> None:
    result = shell.run("scheduler", "--once")

    assert result.exit_code == 0
    assert "timers 0" in result.output
    assert "nothing is left to do" in result.output


def test_a_sweep_that_is_added_to_the_table_is_reported(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [Tally(done=1)]

    def count(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        return left.pop() if left else Tally()

    monkeypatch.setattr(sweeps, "SWEEPS", (*sweeps.SWEEPS, Sweep("counted", 5, count)))

    assert list(shell.json("scheduler", "--once").items())[-3:] == [
        ("counted", 1),
        ("failures", 0),
        ("unfinished", False),
    ]
    assert "counted 0" in shell.run("scheduler", "--once").output


def test_once_goes_on_past_a_sweep_that_cannot_run_and_its_exit_code_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        raise ZeroDivisionError("the sweep is broken")

    with_timers(shell.store)
    monkeypatch.setattr(sweeps, "SWEEPS", (Sweep("broken", 5, break_down, turn=1), *sweeps.SWEEPS))

    result = shell.run("scheduler", "--once", "--at", "2026-11-30T16:30:00+07:00")

    assert result.exit_code == 1
    assert "broken could not run: ZeroDivisionError: the sweep is broken" in result.stderr
    assert "failures 1" in result.stdout
    assert "more is left to do" in result.stdout
    assert fired_timers(shell.store) == 3


def test_once_says_by_its_exit_code_that_a_row_failed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is on fire")

    with_timers(shell.store)
    monkeypatch.setattr(sweeps, "_fire", fail)

    assert shell.run("scheduler", "--once", "--at", "2026-11-30T16:30:00+07:00").exit_code == 1


def test_once_means_now_when_no_instant_is_given(sqlite_store: Store, tmp_path: Path) -> None:
    with_timers(sqlite_store)
    two_days_later = Shell(sqlite_store, tmp_path, now=NOW + timedelta(days=2))

    assert two_days_later.json("scheduler", "--once")["timers"] == 2


@pytest.mark.parametrize(
    "arguments",
    [("--at", "2026-11-30T09:30:00Z"), ("--once", "--at", "tomorrow"), ("--once", "--at", "2026-11-30T09:30:00")],
)
def test_wrong_use_is_told_apart(shell: Shell, arguments: tuple[str, ...]) -> None:
    result = shell.run("scheduler", *arguments)

    assert result.exit_code == 2
    assert "Error" in result.output


def test_mail_goes_through_the_server_of_the_settings() -> None:
    settings = Settings(mail_from="osm@example.go.th", base_url="https://osm.example.go.th")
    (without,) = channels_of(settings)
    (channel,) = channels_of(replace(settings, smtp_url="smtp://127.0.0.1:2525"))

    assert (without.name, without.closed, channel.name, channel.closed) == ("mail", "no mail server is set", "mail", "")
    assert isinstance(channel, MailChannel)
    mailer = channel.mailer
    assert isinstance(mailer, SmtpMailer)
    assert (mailer.port, mailer.sender, mailer.base_url) == (2525, "osm@example.go.th", "https://osm.example.go.th")


def test_it_runs_until_it_is_told_to_stop(shell: Shell, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("osm-flow")
    ours = {"OSM_DATABASE_URL": shell.url, "OSM_DATA_DIR": str(tmp_path)}
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OSM_")} | ours

    with subprocess.Popen([program, "scheduler"], env=environ, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = next(line for line in running.stderr if "is running" in line)
        running.terminate()
        code = running.wait(timeout=60)

    assert said.endswith("is running; stop it with Ctrl-C\n")
    assert code == 0
