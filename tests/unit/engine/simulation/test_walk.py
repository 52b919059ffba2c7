"""The simulation behind the command: children, services, messages between cases, and where it stops."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine import EngineFault, compile_process
from osm_flow.engine.simulation.walk import Assumptions, ElementNotOpen, Mode, Simulation
from tests.unit.engine.diagrams import (
    FORM,
    both,
    boundary,
    call,
    catch,
    diagram,
    document,
    end,
    error,
    escalation,
    flows,
    manual,
    many,
    message,
    on,
    process,
    service,
    start,
    throw,
    timer,
    xor,
)


def simulation(xml: bytes, **given: Any) -> Simulation:
    return Simulation(lambda key: compile_process(key, xml, {"f": FORM}, {}), "p", **given)


def path(*names: str) -> list[dict[str, Any]]:
    return [{"element": name, "data": {}} for name in names]


def test_a_service_is_answered_by_the_schema_of_its_topic() -> None:
    schema = {
        "type": "object",
        "properties": {"opened": {"type": "integer", "minimum": 2, "maximum": 4}},
        "required": ["opened"],
    }
    found = simulation(
        diagram(start(), service("v"), manual("a"), end(), flows("s > v > a > e")),
        assumed=Assumptions(topics={"work": schema}),
    )
    found.begin()
    ((_, waiting),) = found.opened()
    assert 2 <= waiting.data["opened"] <= 4


def test_a_child_that_fails_is_caught_on_its_call() -> None:
    outer = process(
        start(),
        call("k"),
        boundary("b", "k", on("error", "oops")),
        manual("c"),
        end(),
        end("e2"),
        flows("s > k > e; b > c > e2"),
    )
    inner = process(start("is"), manual("i"), end("ie", on("error", "oops")), flows("is > i > ie"), key="child")
    walk = simulation(document(error("oops"), outer, inner), mode="replay").run(path("i", "c"))
    assert walk.outcome == "completed"


def test_an_uncaught_error_of_a_child_fails_the_walk_at_the_call() -> None:
    outer = process(start(), call("k"), end(), flows("s > k > e"))
    inner = process(start("is"), manual("i"), end("ie", on("error", "oops")), flows("is > i > ie"), key="child")
    walk = simulation(document(error("oops"), outer, inner)).run(path("i"))
    assert (walk.outcome, walk.element) == ("failed", "k")


def test_a_message_goes_from_case_to_case() -> None:
    outer = process(
        start(),
        both("p1"),
        call("k"),
        catch("m", on("message", "hi")),
        both("p2"),
        end(),
        flows("s > p1; p1 > k > p2; p1 > m > p2; p2 > e"),
    )
    inner = process(
        start("is"), manual("i"), throw("t", on("message", "hi")), end("ie"), flows("is > i > t > ie"), key="child"
    )
    walk = simulation(document(message("hi"), outer, inner), mode="replay").run(path("i"))
    assert walk.outcome == "completed"


def test_cases_that_answer_each_other_for_ever_are_stopped() -> None:
    outer = process(
        start(),
        both("p1"),
        call("k"),
        xor("x"),
        catch("m1", on("message", "one")),
        throw("t1", on("message", "two")),
        xor("y", "x"),
        both("p2"),
        end(),
        flows("s > p1; p1 > k > p2; p1 > x > m1 > t1 > y; y > x; y > p2 [false]; p2 > e"),
    )
    inner = process(
        start("is"),
        manual("i"),
        xor("ix"),
        throw("t2", on("message", "one")),
        catch("m2", on("message", "two")),
        xor("iy", "ix"),
        end("ie"),
        flows("is > i > ix > t2 > m2 > iy; iy > ix; iy > ie [false]"),
        key="child",
    )
    walk = simulation(document(message("one"), message("two"), outer, inner)).run(path("i"))
    assert walk.outcome == "failed"
    assert "go round" in (walk.reason or "")


def test_services_that_run_for_ever_are_stopped() -> None:
    xml = diagram(
        start(),
        manual("a"),
        xor("x"),
        service("v"),
        xor("g", "x"),
        end(),
        flows("s > a > x > v > g; g > x; g > e [false]"),
    )
    walk = simulation(xml).run(path("a"))
    assert walk.outcome == "failed"


def test_a_process_that_calls_itself_is_stopped_at_the_call() -> None:
    walk = simulation(diagram(start(), call("k", called="p"), end(), flows("s > k > e"))).run()
    assert (walk.outcome, walk.element) == ("failed", "k")


def test_children_of_many_instances() -> None:
    outer = process(start(), call("k", many("provinces", item="province")), end(), flows("s > k > e"))
    inner = process(start("is"), manual("i"), end("ie"), flows("is > i > ie"), key="child")
    found = simulation(document(outer, inner), mode="replay")
    assert found.run(path(*["i"] * 5)).outcome == "completed"


def test_a_replay_that_differs_is_a_fault() -> None:
    found = simulation(diagram(start(), manual("a"), manual("b"), end(), flows("s > a > b > e")))
    found.run(path("a", "b"))
    kind, entry = found._log[-1]
    found._log[-1] = (kind, (*entry[:-1], "0" * 64))
    with pytest.raises(EngineFault, match="differs"):
        found.replay()


def test_a_walk_longer_than_the_process_is_an_error() -> None:
    with pytest.raises(ElementNotOpen):
        simulation(diagram(start(), manual("a"), end(), flows("s > a > e"))).run(path("a", "a"))


def test_timers_move_the_clock() -> None:
    found = simulation(diagram(start(), catch("t", timer("P30D")), manual("a"), end(), flows("s > t > a > e")))
    found.begin()
    before = found.now
    ((case, waiting),) = found.opened()
    found.take(case, waiting, {})
    assert (found.now - before).days == 30


@pytest.mark.parametrize("mode", ["live", "reload", "replay"])
def test_an_escalation_of_a_child_reaches_the_call_that_catches_it_two_cases_up(mode: Mode) -> None:
    outer = process(
        start(),
        call("k", called="middle"),
        boundary("b", "k", on("escalation", "up")),
        manual("c"),
        end(),
        end("e2"),
        flows("s > k > e; b > c > e2"),
    )
    middle = process(start("ms"), call("mk"), end("me"), flows("ms > mk > me"), key="middle")
    inner = process(
        start("is"),
        manual("i"),
        throw("t", on("escalation", "up")),
        manual("j"),
        end("ie"),
        flows("is > i > t > j > ie"),
        key="child",
    )
    walk = simulation(document(escalation("up"), outer, middle, inner), mode=mode).run(path("i", "c"))
    assert walk.outcome == "completed"
    assert [step["open"] for step in walk.steps] == [["i"], ["c"]]


def test_an_escalation_that_ends_its_child_is_heard_before_the_end() -> None:
    outer = process(
        start(),
        call("k"),
        boundary("b", "k", on("escalation", "up")),
        manual("c"),
        end(),
        end("e2"),
        flows("s > k > e; b > c > e2"),
    )
    inner = process(start("is"), manual("i"), end("ie", on("escalation", "up")), flows("is > i > ie"), key="child")
    walk = simulation(document(escalation("up"), outer, inner), mode="replay").run(path("i", "c"))
    assert (walk.outcome, [step["open"] for step in walk.steps]) == ("completed", [["i"], ["c"]])


def test_an_escalation_that_nobody_catches_stops_nothing() -> None:
    outer = process(start(), call("k"), end(), flows("s > k > e"))
    inner = process(
        start("is"), throw("t", on("escalation", "up")), manual("i"), end("ie"), flows("is > t > i > ie"), key="child"
    )
    walk = simulation(document(escalation("up"), outer, inner), mode="replay").run(path("i"))
    assert walk.outcome == "completed"
