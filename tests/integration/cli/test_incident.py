"""`osm-flow incident`: what failed is listed and tried again from the machine itself."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.cases.incidents import open_incident, resolve
from osm_flow.store.models import Case, Timer
from tests.factories import NOW, later
from tests.integration.cli.shell import Shell, with_timers


@pytest.fixture
def stopped(shell: Shell) -> Shell:
    """With the first of three timers stopped by an incident."""
    with_timers(shell.store)
    with shell.store.transaction() as session:
        timer = session.scalars(select(Timer).order_by(Timer.due_at).limit(1)).one()
        timer.lease_owner, timer.lease_until, timer.attempts = "incident", later(999_999), 9
    open_incident(
        shell.store, timer.case_id, NOW, kind="timer", message="ต่อไม่ได้", element="first", task_id=timer.task_id
    )
    return shell


def test_incidents_are_listed_and_those_without_anything_to_retry_say_so(an_hour_later: Shell, case_id: str) -> None:
    shell = an_hour_later
    number = open_incident(shell.store, case_id, NOW, kind="engine", message="เงื่อนไขเสีย", element="which")

    (item,) = shell.json("incident", "list")["items"]
    assert (item["id"], item["case_id"], item["element"], item["message"]) == (number, case_id, "which", "เงื่อนไขเสีย")
    assert item["case"] == "REV-NE-U1-2571-01"
    assert "nothing to try again" in shell.refused("incident", "retry", number)
    assert len(shell.json("incident", "list")["items"]) == 1


def test_what_an_incident_stopped_goes_on_after_a_retry(stopped: Shell) -> None:
    before = stopped.json("scheduler", "--once", "--at", "2026-11-21T09:00:00+07:00")
    done = stopped.json("incident", "retry", 1)
    after = stopped.json("scheduler", "--once", "--at", "2026-11-21T09:00:00+07:00")

    assert (before["timers"], after["timers"]) == (0, 1)
    assert (done["resolved_by"], done["resolved_at"]) == ("system", "2026-11-20T02:00:00.000000Z")
    assert stopped.json("incident", "list")["items"] == []
    assert "resolved already" in stopped.refused("incident", "retry", 1)


def test_resolved_incidents_are_listed_when_asked_for(stopped: Shell) -> None:
    with stopped.store.transaction() as session:
        case_id = session.scalars(select(Case.id)).one()
        resolve(session, 1, SYSTEM, NOW, note="แก้แล้ว")
    open_incident(stopped.store, case_id, NOW, kind="engine", message="เงื่อนไขเสีย")

    assert [item["id"] for item in stopped.json("incident", "list")["items"]] == [2]
    every = stopped.json("incident", "list", "--all")["items"]
    assert [(item["id"], item["note"]) for item in every] == [(2, ""), (1, "แก้แล้ว")]
    first = stopped.json("incident", "list", "--all", "--limit", 1)
    rest = stopped.json("incident", "list", "--all", "--limit", 1, "--after", first["next"])
    assert [item["id"] for page in (first, rest) for item in page["items"]] == [2, 1]
    assert stopped.run("incident", "list").stdout.split() == ["2", "TTT-NE-U1-2571-01", "engine", "เงื่อนไขเสีย"]


def test_an_incident_that_does_not_exist_is_a_sentence(shell: Shell) -> None:
    assert "There is no such incident" in shell.refused("incident", "retry", "99")
    assert shell.run("incident", "retry", "first").exit_code == 2
