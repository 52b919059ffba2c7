"""What the rest of the product gets from the engine: enough to keep a case, and never an object of the library."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from osm_flow import engine
from tests.unit.engine.diagrams import (
    CASE,
    FORM,
    NOW,
    calendar,
    call,
    catch,
    diagram,
    element,
    end,
    flows,
    message,
    on,
    start,
    user,
)

XML = diagram(
    start(),
    user("draft", c_dueDate="working_days(5)", name="ร่าง\nแผน"),
    call("review"),
    catch("reply", on("message", "hi")),
    end(),
    flows("s > draft > review > reply > e"),
    roots=message("hi"),
)


def test_everything_that_is_offered_is_there_once() -> None:
    assert len(engine.__all__) == len(set(engine.__all__))
    assert [name for name in engine.__all__ if not hasattr(engine, name)] == []


def test_a_case_can_be_kept_from_its_diagram_to_its_end_with_what_is_offered_here() -> None:
    assert engine.lint(XML, forms={"f": FORM}, decisions={}, topics=(), known_processes=("child",)) == []
    assert engine.read_bpmn(XML).called == {"child"}
    process = engine.compile_process("p", XML, {"f": FORM}, {})
    assert process.elements["draft"].name == "ร่างแผน"

    newest = engine.step(process, CASE, None, engine.Start({"fy": 2571}), NOW, calendar)
    commands = [engine.CompleteTask, engine.EndChild, engine.DeliverMessage]
    for kind, number in zip(commands, range(3), strict=True):
        (waiting,) = engine.inspect(process, CASE, newest.snapshot)
        stored = engine.standing(process, CASE, newest.snapshot)
        assert (stored.digest, stored.waiting) == (engine.digest_of(newest.snapshot), (waiting,))
        newest = engine.step(
            process, CASE, newest.snapshot, kind(waiting.task_id, {f"v{number}": number}), NOW, calendar
        )

    assert newest.ended
    assert newest.data == {"fy": 2571, "v0": 0, "v1": 1, "v2": 2}
    with pytest.raises(engine.NotWaiting):
        engine.step(process, CASE, newest.snapshot, engine.FireTimer("x"), NOW, engine.recorded({}))


def values_in(value: Any) -> Iterator[Any]:
    """A value and every value in it."""
    yield value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from values_in(getattr(value, field.name))
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (*values_in(key), *values_in(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from values_in(each)


def test_nothing_that_comes_out_is_an_object_of_the_library() -> None:
    process = engine.compile_process("p", XML, {"f": FORM}, {})
    first = engine.step(process, CASE, None, engine.Start({"rows": [{"n": 1}]}), NOW, calendar)
    second = engine.step(
        process, CASE, first.snapshot, engine.CompleteTask(first.waiting[0].task_id, {}), NOW, calendar
    )
    out = [
        first,
        second,
        engine.standing(process, CASE, second.snapshot),
        *engine.inspect(process, CASE, second.snapshot),
    ]

    foreign = {
        type(value) for each in out for value in values_in(each) if type(value).__module__.startswith("SpiffWorkflow")
    }
    assert foreign == set()


def test_a_fault_of_the_library_comes_out_as_one_of_ours() -> None:
    xml = diagram(
        start(), element("exclusiveGateway", "g"), end(), end("e2"), flows("s > g; g > e [n > 1]; g > e2 [n < 1]")
    )
    process = engine.compile_process("p", xml, {}, {})
    with pytest.raises(engine.EngineFault) as raised:
        engine.step(process, CASE, None, engine.Start({"n": 1}), NOW, calendar)

    assert raised.value.element == "g"
