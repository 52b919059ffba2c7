"""What goes into the engine and comes out of it: plain values that nobody can change afterwards."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError
from typing import get_args

import pytest

from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Passed,
    Problem,
    Replan,
    Standing,
    Start,
    Step,
    Thrown,
    Waiting,
)

COMMANDS: list[Command] = [
    Start({"x": 1}),
    CompleteTask("t", {"x": 1}),
    FireTimer("t"),
    DeliverMessage("t", {}),
    FinishService("t", {}, "oops"),
    EndChild("t", {}),
    EscalateChild("t", {}, "up"),
    Replan(),
]
WAITING = Waiting("t", "a", "user", "งาน", {"x": 1})


def a_step(*, ended: bool = False, waiting: tuple[Waiting, ...] = ()) -> Step:
    return Step(
        snapshot=b"",
        digest="",
        waiting=waiting,
        thrown=(),
        passed=(),
        ended=ended,
        outcome=None,
        error_code=None,
        data={},
        lookups={},
    )


def test_these_are_all_the_commands_there_are() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_the_same_as_another_that_says_the_same_and_survives_a_journey(command: Command) -> None:
    again = pickle.loads(pickle.dumps(command))  # noqa: S301 - our own bytes

    assert again == command
    assert again is not command


@pytest.mark.parametrize(
    "value",
    [
        *COMMANDS[1:3],
        WAITING,
        Thrown("message", "m", "a", {}),
        Passed("a", "completed"),
        Problem("a", "c", "ไ", "e"),
        a_step(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_cannot_be_changed_once_it_is_given_out(value: object) -> None:
    name = next(iter(vars(value)))
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, "other")


def test_a_service_and_a_child_end_well_unless_an_error_is_named() -> None:
    assert FinishService("t", {}).error_code is None
    assert EndChild("t", {}).error_code is None
    assert FinishService("t", {}) != FinishService("t", {}, "oops")


def test_a_problem_stops_a_deployment_unless_it_is_said_to_be_a_warning() -> None:
    assert Problem("a", "code", "ไทย", "English").level == "error"


def test_what_waits_has_nobody_no_date_and_middle_priority_unless_the_diagram_says_so() -> None:
    assert (WAITING.assignee, WAITING.candidates, WAITING.due_at, WAITING.priority) == (None, (), None, 50)
    assert (WAITING.properties, WAITING.instance, WAITING.interrupting, WAITING.subject) == ({}, None, True, "")


def test_two_waiting_things_do_not_share_their_properties() -> None:
    assert Waiting("t", "a", "user", "", {}).properties is not WAITING.properties


@pytest.mark.parametrize(
    ("ended", "waiting", "stuck"),
    [(False, (), True), (False, (WAITING,), False), (True, (), False)],
    ids=["nothing can happen", "something can happen", "over"],
)
def test_a_case_is_stuck_when_it_is_not_over_and_nothing_can_happen(
    ended: bool, waiting: tuple[Waiting, ...], stuck: bool
) -> None:
    assert a_step(ended=ended, waiting=waiting).is_stuck is stuck


def test_two_states_stand_the_same_when_all_that_can_be_seen_of_them_is() -> None:
    assert Standing("d", (WAITING,), {"x": 1}, False) == Standing("d", (WAITING,), {"x": 1}, False)
    assert Standing("d", (), {}, False) != Standing("d", (), {}, True)
