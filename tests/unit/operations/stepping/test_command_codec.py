"""Commands to the engine, written into the journal and read back."""

from __future__ import annotations

from typing import get_args

import pytest

from osm_flow.domain.journal import as_recorded
from osm_flow.domain.json import JSON
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Replan,
    Start,
)
from osm_flow.operations.stepping.command_codec import from_json, to_json

TYPED: JSON = {"text": "ร่าง", "rows": [{"amount": 1.5}], "data": {"type": "Start"}}
EVERY: list[Command] = [
    Start(TYPED),
    CompleteTask("t1", TYPED),
    FireTimer("t2"),
    DeliverMessage("t3", TYPED),
    FinishService("t4", TYPED),
    FinishService("t4", {}, "refused"),
    EndChild("t5", TYPED, "failed"),
    EscalateChild("t6", TYPED, "late"),
    Replan(),
]


@pytest.mark.parametrize("command", EVERY, ids=lambda command: type(command).__name__)
def test_a_command_comes_back_from_the_journal_as_it_was(command: Command) -> None:
    written, data = to_json(command)

    assert from_json(as_recorded(written), as_recorded(data)) == command


def test_every_command_of_the_engine_can_be_written() -> None:
    assert {type(command) for command in EVERY} == set(get_args(Command))


def test_what_people_typed_lies_apart_from_what_was_done() -> None:
    assert to_json(CompleteTask("t1", TYPED)) == ({"type": "CompleteTask", "task_id": "t1"}, TYPED)
    assert to_json(FireTimer("t2")) == ({"type": "FireTimer", "task_id": "t2"}, {})


def test_what_was_written_stays_as_it_was_read() -> None:
    written, data = to_json(EndChild("t5", TYPED, "failed"))

    from_json(written, data)

    assert written == {"type": "EndChild", "task_id": "t5", "error_code": "failed"}


@pytest.mark.parametrize("command", [{"type": "Boom"}, {"task_id": "t1"}])
def test_a_command_that_this_version_does_not_know_is_refused(command: JSON) -> None:
    with pytest.raises(KeyError):
        from_json(command, {})
