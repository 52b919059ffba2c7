"""`osm-flow timer`: what cases wait for, the next one first."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from osm_flow.store.models import Timer
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.cli.shell import Shell, with_timers


def test_timers_are_listed_next_one_first_page_by_page(store: Store, tmp_path: Path) -> None:
    with_timers(store)
    shell = Shell(store, tmp_path)

    first = shell.json("timer", "list", "--limit", "2")
    rest = shell.json("timer", "list", "--limit", "2", "--after", first["next"])

    assert [item["element"] for item in first["items"] + rest["items"]] == ["first", "second", "third"]
    assert first["items"][0]["due_at"] == "2026-11-21T02:00:00.000000Z"
    assert (first["total"], rest["next"]) == (3, None)


def test_a_list_of_no_timers_says_so(shell: Shell) -> None:
    result = shell.run("timer", "list")

    assert (result.exit_code, result.output.strip()) == (0, "no timer is waiting")


def test_timers_are_listed_for_people_with_their_case(shell: Shell) -> None:
    with_timers(shell.store)

    assert "21 Nov 2026 (2569) 09:00  TTT-NE-U1-2571-01  first" in shell.run("timer", "list").output


def test_a_timer_stopped_by_an_incident_is_shown_as_stopped(shell: Shell) -> None:
    with_timers(shell.store)
    with shell.store.transaction() as session:
        timer = session.scalars(select(Timer).order_by(Timer.due_at).limit(1)).one()
        timer.lease_owner, timer.lease_until = "incident", NOW + timedelta(days=10)

    assert [item["stopped"] for item in shell.json("timer", "list")["items"]] == [True, False, False]


def test_a_page_holds_between_one_and_two_hundred_timers(shell: Shell) -> None:
    for limit in (0, 201):
        assert shell.run("timer", "list", "--limit", limit).exit_code == 2
    assert "Begin at the first one" in shell.refused("timer", "list", "--after", "made-up")
