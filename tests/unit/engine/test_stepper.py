"""The step: one command, a state before and a state after, and nothing kept where it failed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from osm_flow import __version__
from osm_flow.engine.errors import EngineFault, ExpressionFault, NotWaiting
from osm_flow.engine.spiff.deterministic import external_id
from osm_flow.engine.spiff.snapshot import digest_of, thaw
from osm_flow.engine.stepper import ENGINE_VERSION, LiveCase, inspect, recorded, standing, step
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    FinishService,
    FireTimer,
    Standing,
    Start,
)
from tests.unit.engine.diagrams import (
    CASE,
    NOW,
    REWORK,
    Case,
    both,
    boundary,
    calendar,
    call,
    catch,
    compiled,
    completing,
    diagram,
    end,
    flows,
    manual,
    manuals,
    many,
    message,
    on,
    plain_sub,
    service,
    start,
    start_fault,
    timer,
    user,
    xor,
)

# ---- running on -----------------------------------------------------------------------------------------------------


def test_an_endless_automatic_loop_is_a_fault_at_its_element() -> None:
    xml = diagram(start(), xor("g"), xor("h", "g"), end(), flows("s > g > h; h > g; h > e [never == true]"))
    fault = start_fault(xml, {"never": False})
    assert fault.element in ("g", "h")
    assert "goes round" in fault.reason


def test_a_history_too_deep_is_refused_and_not_lost() -> None:
    gateways = [f"g{number}" for number in range(60)]
    turn = " > ".join(["a", *gateways, "g"])
    xml = diagram(
        start(), manual("a"), *map(xor, gateways), xor("g", "e"), end(), flows(f"s > {turn}; g > a [again]; g > e")
    )
    live = LiveCase(compiled(xml), CASE, compacting=False)
    result = live.advance(Start({}), NOW, calendar)

    def rework() -> None:
        nonlocal result
        for _ in range(30):
            assert len(result.waiting) == 1
            result = live.advance(completing(result.waiting[0], {"again": True}), NOW, calendar)

    with pytest.raises(EngineFault, match="deeper"):
        rework()


def test_a_long_way_that_needs_nobody_is_gone_in_one_step() -> None:
    names = [f"g{number}" for number in range(300)]
    xml = diagram(start(), *map(xor, names), end(), flows(" > ".join(["s", *names, "e"])))
    result = step(compiled(xml), CASE, None, Start({"x": 1}), NOW, calendar)
    assert result.ended
    assert [p.element for p in result.passed] == ["s", *names, "e"]


# ---- what a case waits for -------------------------------------------------------------------------------------------

WAITING = diagram(
    start(),
    both("p1"),
    user("u"),
    service("v"),
    call("k"),
    catch("t", timer("P1D")),
    catch("m", on("message", "hi")),
    both("p2"),
    end(),
    flows("s > p1; p1 > u > p2; p1 > v > p2; p1 > k > p2; p1 > t > p2; p1 > m > p2; p2 > e"),
    roots=message("hi"),
)
RIGHT: dict[str, Callable[[str], Command]] = {
    "u": lambda task_id: CompleteTask(task_id, {}),
    "v": lambda task_id: FinishService(task_id, {}),
    "k": lambda task_id: EndChild(task_id, {}),
    "t": lambda task_id: FireTimer(task_id),
    "m": lambda task_id: DeliverMessage(task_id, {}),
}


@pytest.mark.parametrize("element", RIGHT)
@pytest.mark.parametrize("other", RIGHT)
def test_each_thing_is_answered_by_its_own_command_and_by_no_other(element: str, other: str) -> None:
    case = Case(WAITING)
    command = RIGHT[other](case.waiting(element).task_id)
    if element == other:
        case.do(command)
        assert element not in case.open
    else:
        with pytest.raises(NotWaiting):
            step(case.process, CASE, case.snapshot, command, NOW, calendar)


def test_a_case_that_has_not_begun_waits_for_nothing_but_its_beginning() -> None:
    with pytest.raises(NotWaiting):
        step(compiled(REWORK), CASE, None, CompleteTask("x", {}), NOW, calendar)


def test_a_task_of_another_case_is_none_of_this_one() -> None:
    process = compiled(REWORK)
    other = "00000000-0000-4000-8000-000000000002"
    ours, theirs = (step(process, case_id, None, Start({}), NOW, calendar) for case_id in (CASE, other))
    assert ours.waiting[0].task_id != theirs.waiting[0].task_id
    with pytest.raises(NotWaiting) as raised:
        step(process, CASE, ours.snapshot, completing(theirs.waiting[0], {}), NOW, calendar)
    assert raised.value.task_id == theirs.waiting[0].task_id


def test_a_task_keeps_its_name_for_as_long_as_it_waits() -> None:
    case = Case(WAITING)
    task_id = case.waiting("u").task_id
    case.fire("t")
    case.tell("m", x=1)
    assert case.waiting("u").task_id == task_id == external_id(CASE, int(_number_of(case, "u")))


def _number_of(case: Case, element: str) -> int:
    """The number that the engine counts this task by."""
    top = thaw(case.snapshot or b"", case.process.spec, case.process.subprocess_specs, NOW, None)
    return next(task.id for task in top.tasks.values() if task.task_spec.bpmn_id == element)


def test_a_case_that_is_over_waits_for_nothing_and_still_knows_what_it_knew() -> None:
    case = Case(REWORK, {"x": 1})
    case.complete("a", again=False)
    stored = standing(case.process, CASE, case.snapshot or b"")
    assert stored == Standing(case.newest.digest, (), {"x": 1, "again": False}, True)


def test_without_packing_a_step_has_the_same_digest_and_no_bytes() -> None:
    process = compiled(REWORK)
    packed, bare = LiveCase(process, CASE), LiveCase(process, CASE, packing=False)
    first, second = (live.advance(Start({"x": 1}), NOW, calendar) for live in (packed, bare))
    assert first.digest == second.digest
    assert digest_of(first.snapshot) == first.digest
    assert second.snapshot == b""


# ---- what the calendar is asked --------------------------------------------------------------------------------------

ASKING = diagram(
    start(),
    user("a", c_dueDate="working_days(5)", c_followUpDate="working_days(2)"),
    user("b", c_dueDate="after(working_days(5), 1)"),
    end(),
    flows("s > a > b > e"),
)


def test_the_calendar_is_asked_once_for_each_question_of_a_step() -> None:
    asked: list[tuple[str, tuple[Any, ...]]] = []

    def lookup(name: str, args: tuple[Any, ...]) -> Any:
        asked.append((name, args))
        return calendar(name, args)

    xml = diagram(
        start(),
        both("p1"),
        *(user(n, c_dueDate="working_days(5)") for n in "ab"),
        both("p2"),
        end(),
        flows("s > p1; p1 > a > p2; p1 > b > p2; p2 > e"),
    )
    result = step(compiled(xml), CASE, None, Start({}), NOW, lookup)
    assert asked == [("working_days", (5,))]
    assert result.lookups == {"working_days(5)": calendar("working_days", (5,))}


def test_an_answer_is_kept_as_its_record_will_hold_it() -> None:
    day = NOW + timedelta(days=9)
    result = step(compiled(ASKING), CASE, None, Start({}), NOW, lambda name, args: day)
    assert result.lookups == {f"working_days({n})": "2026-11-29T02:00:00+00:00" for n in (5, 2)}
    assert result.waiting[0].due_at == day


def test_a_replay_asks_the_record_and_nobody_else() -> None:
    process = compiled(ASKING)
    first = step(process, CASE, None, Start({}), NOW, calendar)
    assert step(process, CASE, None, Start({}), NOW, recorded(first.lookups)) == first
    with pytest.raises(EngineFault, match="the record has no answer") as raised:
        step(process, CASE, first.snapshot, completing(first.waiting[0], {}), NOW, recorded({}))
    assert raised.value.element == "b"


def test_a_recorded_answer_belongs_to_its_question_word_for_word() -> None:
    lookup = recorded({'milestone("plan")': None, 'after("2026-12-01",3)': "2026-12-04"})
    assert lookup("milestone", ("plan",)) is None
    assert lookup("after", ("2026-12-01", 3)) == "2026-12-04"
    for name, args in [("milestone", ("plans",)), ("after", ("2026-12-01", 4)), ("before", ("2026-12-01", 3))]:
        with pytest.raises(ExpressionFault):
            lookup(name, args)


def test_the_version_names_the_product_and_the_library() -> None:
    product, _, library = ENGINE_VERSION.partition("/")
    assert product == f"osm-flow {__version__}"
    assert library.startswith("SpiffWorkflow 3.")


# ---- data ------------------------------------------------------------------------------------------------------------


def test_a_field_named_typename_is_just_a_field() -> None:
    case = Case(REWORK, {"typename": "x", "row": {"typename": "UUID", "value": "no uuid"}})
    case.complete("a", typename="set", value=[1], again=True, deep={"rows": [{"typename": "Task"}]})
    data = case.waiting("a").data
    assert data["typename"] == "set"
    assert data["row"] == {"typename": "UUID", "value": "no uuid"}
    assert data["deep"] == {"rows": [{"typename": "Task"}]}
    case.complete("a", again=False)
    assert case.ended()


def test_values_cannot_be_changed_from_outside_nor_between_branches() -> None:
    xml = diagram(
        start(), both("p1"), manuals("a b c"), both("p2"), end(), flows("s > p1; p1 > a > p2; p1 > b > p2; p2 > c > e")
    )
    process = compiled(xml)
    live = LiveCase(process, CASE)
    given = {"plan": {"rows": [1]}}
    result = live.advance(Start(given), NOW, calendar)
    given["plan"]["rows"].append(2)
    typed = {"note": {"rows": [1]}}
    waiting = next(w for w in result.waiting if w.element == "a")
    result = live.advance(completing(waiting, typed), NOW, calendar)
    typed["note"]["rows"].append(2)
    (other,) = result.waiting
    assert other.data == {"plan": {"rows": [1]}}
    result = live.advance(completing(other, {}), NOW, calendar)
    assert result.waiting[0].data == {"plan": {"rows": [1]}, "note": {"rows": [1]}}


def test_what_a_step_gave_out_is_no_door_into_the_case() -> None:
    process = compiled(REWORK)
    result = step(process, CASE, None, Start({"plan": {"rows": [1]}}), NOW, calendar)
    result.waiting[0].data["plan"]["rows"].append(2)
    result.data["plan"]["rows"].append(3)
    after = step(process, CASE, result.snapshot, completing(result.waiting[0], {"again": True}), NOW, calendar)
    assert after.waiting[0].data["plan"] == {"rows": [1]}


@pytest.mark.parametrize("value", [10**30, {1: 2}, {"a"}, "\ud800", NOW.tzinfo])
def test_a_value_that_cannot_be_stored_is_a_fault_and_nothing_is_kept(value: Any) -> None:
    case = Case(REWORK)
    case.fault(lambda: case.complete("a", again=True, x=value))
    case.complete("a", again=False)
    assert case.ended()


def test_a_fault_inside_a_step_leaves_the_stored_state_usable() -> None:
    xml = diagram(
        start(),
        manual("a"),
        xor("g"),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > g; g > b [kind == 1]; g > c [kind == 2]; b > e; c > e2"),
    )
    process = compiled(xml)
    first = step(process, CASE, None, Start({}), NOW, calendar)
    for wrong in ({}, {"kind": 3}, {"kind": "x" * 10}):
        with pytest.raises(EngineFault) as raised:
            step(process, CASE, first.snapshot, completing(first.waiting[0], wrong), NOW, calendar)
        assert raised.value.element == "g"
    assert inspect(process, CASE, first.snapshot) == first.waiting
    again = step(process, CASE, first.snapshot, completing(first.waiting[0], {"kind": 2}), NOW, calendar)
    assert [w.element for w in again.waiting] == ["c"]


# ---- the shared definition -------------------------------------------------------------------------------------------


def fingerprint(value: Any, seen: set[int] | None = None) -> Any:
    """The whole structure of a compiled process as plain values."""
    seen = set() if seen is None else seen
    if isinstance(value, str | int | float | bytes | bool | type(None)):
        return value
    if isinstance(value, dict):
        return [(str(k), fingerprint(v, seen)) for k, v in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [fingerprint(v, seen) for v in value]
    if id(value) in seen or not hasattr(value, "__dict__"):
        return type(value).__name__
    seen.add(id(value))
    return type(value).__name__, fingerprint(vars(value), seen)


def test_running_cases_never_changes_the_compiled_process() -> None:
    xml = diagram(
        start(),
        manual("a"),
        boundary("r", "a", timer("R/PT1H", "timeCycle"), cancel=False),
        both("p1"),
        plain_sub("sp", many(number="2"), body="i"),
        call("k"),
        boundary("b", "k", timer("P1D")),
        xor("m"),
        both("p2"),
        xor("g", "e"),
        end(),
        end("e2"),
        flows("s > a > p1; p1 > sp > p2; p1 > k > m; b > m; m > p2; p2 > g; g > a [again == true]; g > e; r > e2"),
    )
    process = compiled(xml)
    before = fingerprint(process)
    assert len(str(before)) > 5_000
    for seed in range(15):
        rng = random.Random(seed)  # noqa: S311 - a repeatable walk
        case = Case(process)
        for _ in range(25):
            if case.newest.ended:
                break
            found = rng.choice(case.newest.waiting)
            if found.kind == "timer":
                case.fire(found.element)
            elif found.kind == "child":
                case.child(found.element)
            else:
                case.complete(found.element, found.instance, again=rng.random() < 0.5)
        assert fingerprint(process) == before
