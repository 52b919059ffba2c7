"""Events: messages, timers, errors, escalations, termination and races, wherever the dialect allows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from osm_flow.engine import NotWaiting
from osm_flow.engine.spiff.events import add_duration
from osm_flow.engine.values import DeliverMessage, EscalateChild, FireTimer, Start
from tests.unit.engine.diagrams import (
    NOW,
    Case,
    both,
    boundary,
    call,
    catch,
    diagram,
    element,
    end,
    error,
    escalation,
    extended,
    flows,
    manual,
    manuals,
    many,
    message,
    on,
    plain_sub,
    properties,
    race,
    service,
    start,
    sub,
    throw,
    timer,
    xor,
)

# ---- messages --------------------------------------------------------------------------------------------------------


def test_a_caught_message_merges_its_payload() -> None:
    case = Case(diagram(start(), catch("m", on("message", "hi")), end(), flows("s > m > e"), roots=message("hi")))
    assert case.open == ["m"]
    assert case.waiting("m").message == "msg.hi"
    case.tell("m", answer=4)
    assert case.ended("e")
    assert case.data == {"answer": 4}


def test_a_message_goes_under_its_document() -> None:
    event = catch("m", properties(document="reply", form="f"), on("message", "hi"))
    case = Case(diagram(start(), event, manual("a"), end(), flows("s > m > a > e"), roots=message("hi")))
    assert case.waiting("m").form_key == "f"
    case.tell("m", yes=True)
    assert case.waiting("a").data == {"reply": {"yes": True}}


def test_the_properties_of_a_waiting_message_are_worked_out() -> None:
    event = catch("m", properties(subject="ปี ${fy}", form="f"), on("message", "hi"))
    case = Case(diagram(start(), event, end(), flows("s > m > e"), roots=message("hi")), {"fy": 2571})
    assert case.waiting("m").properties == {"subject": "ปี 2571", "form": "f"}
    broken = catch("m", properties(subject="${nobody}"), on("message", "hi"))
    xml = diagram(start(), manual("a"), broken, end(), flows("s > a > m > e"), roots=message("hi"))
    other = Case(xml)
    assert other.fault(lambda: other.complete("a")).element == "m"


def test_a_receive_task_waits_for_its_message() -> None:
    task = element("receiveTask", "r", messageRef="hi")
    case = Case(diagram(start(), task, end(), flows("s > r > e"), roots=message("hi")))
    assert [(w.kind, w.message) for w in case.newest.waiting] == [("message", "msg.hi")]
    case.tell("r", x=1)
    assert case.ended()
    assert case.passed == ["s", "r", "e"]


def test_a_receive_task_may_be_given_up_by_its_timer() -> None:
    task = element("receiveTask", "r", messageRef="hi")
    xml = diagram(
        start(),
        task,
        boundary("late", "r", timer("P1D")),
        manual("a"),
        end(),
        end("e2"),
        flows("s > r > e; late > a > e2"),
        roots=message("hi"),
    )
    case = Case(xml)
    assert case.open == ["late", "r"]
    case.fire("late")
    assert case.open == ["a"]
    case.complete("a")
    assert case.ended("e2")


def test_a_process_that_a_message_starts_begins_at_once() -> None:
    xml = diagram(start("s", on("message", "hi")), manual("a"), end(), flows("s > a > e"), roots=message("hi"))
    case = Case(xml, {"x": 1})
    assert case.process.start_message == "msg.hi"
    assert case.open == ["a"]
    assert case.waiting("a").data == {"x": 1}


@pytest.mark.parametrize("thrower", ["throw", "send", "end"])
def test_a_thrown_message_leaves_the_case_with_its_payload(thrower: str) -> None:
    given = properties(payload="${{'n': x + 1}}")
    nodes = {
        "throw": (throw("t", given, on("message", "hi")), "s > t > e"),
        "send": (element("sendTask", "t", given, messageRef="hi"), "s > t > e"),
        "end": (end("t", given, on("message", "hi")), "s > t"),
    }
    node, path = nodes[thrower]
    ending = "" if thrower == "end" else end()
    case = Case(diagram(start(), node, ending, flows(path), roots=message("hi")), {"x": 1})
    assert case.ended()
    assert [(t.kind, t.name, t.element, t.data) for t in case.newest.thrown] == [("message", "msg.hi", "t", {"n": 2})]


def test_a_message_without_payload_carries_the_variables() -> None:
    case = Case(diagram(start(), end("t", on("message", "hi")), flows("s > t"), roots=message("hi")), {"x": 1})
    assert case.newest.thrown[0].data == {"x": 1}


def test_a_message_thrown_inside_the_case_is_caught_there_and_nowhere_else() -> None:
    xml = diagram(
        start(),
        both("p1"),
        catch("m", on("message", "hi")),
        manual("a"),
        throw("t", on("message", "hi")),
        both("p2"),
        end(),
        flows("s > p1 > m > p2; p1 > a > t > p2 > e"),
        roots=message("hi"),
    )
    case = Case(xml)
    assert case.open == ["a", "m"]
    case.complete("a", x=2)
    assert case.ended()
    assert case.thrown == []
    assert case.data == {"x": 2}


def test_a_send_task_with_a_topic_is_a_service() -> None:
    task = element("sendTask", "t", c_type="external", c_topic="work")
    case = Case(diagram(start(), task, end(), flows("s > t > e")))
    assert [(w.kind, w.topic) for w in case.newest.waiting] == [("service", "work")]
    case.finish("t", sent=True)
    assert case.ended()
    assert case.data == {"sent": True}


def test_a_signal_leaves_the_case() -> None:
    root = element("signal", "sig", name="flag")
    case = Case(diagram(start(), throw("t", on("signal", "sig")), end(), flows("s > t > e"), roots=root))
    assert case.thrown == [("signal", "flag")]
    assert case.ended()


# ---- timers ----------------------------------------------------------------------------------------------------------


def wait_for(text: str, kind: str) -> bytes:
    return diagram(start(), catch("t", timer(text, kind)), end(), flows("s > t > e"))


@pytest.mark.parametrize(
    ("text", "kind", "due"),
    [
        ("working_days(3)", "timeDate", NOW + timedelta(days=3)),
        ("${before(milestone('plan'), 2)}", "timeDate", NOW.replace(month=11, day=29, hour=9, minute=30)),
        ("2026-11-21T09:00:00+07:00", "timeDate", NOW + timedelta(days=1)),
        ("when", "timeDate", NOW + timedelta(hours=1)),
        ("milestone('unknown')", "timeDate", None),
        ("PT2H30M", "timeDuration", NOW + timedelta(hours=2, minutes=30)),
        ("span", "timeDuration", NOW + timedelta(days=1)),
    ],
)
def test_a_timer_notes_when_it_is_due(text: str, kind: str, due: Any) -> None:
    case = Case(wait_for(text, kind), {"when": "2026-11-20T03:00:00Z", "span": "P1D"})
    assert [(w.kind, w.due_at) for w in case.newest.waiting] == [("timer", due)]
    case.fire("t")
    assert case.ended()


def test_a_timer_without_a_date_gets_one_when_the_calendar_knows() -> None:
    case = Case(wait_for("milestone('unknown')", "timeDate"))
    first = case.waiting("t")
    case.replan(lambda name, args: "2027-01-05T09:30:00+00:00")
    assert case.waiting("t").task_id == first.task_id
    assert case.waiting("t").due_at == NOW.replace(year=2027, month=1, day=5, hour=9, minute=30)


def test_a_period_does_not_move_with_the_calendar() -> None:
    case = Case(wait_for("working_days(3)", "timeDate"))
    case.replan(lambda name, args: "2030-01-01T00:00:00+00:00")
    assert case.waiting("t").due_at == NOW + timedelta(days=3)


@pytest.mark.parametrize(("text", "kind"), [("x", "timeDate"), ("x", "timeDuration"), ("missing", "timeDate")])
def test_a_time_that_cannot_be_read_is_a_fault_at_the_timer(text: str, kind: str) -> None:
    xml = diagram(start(), manual("a"), catch("t", timer(text, kind)), end(), flows("s > a > t > e"))
    case = Case(xml, {"x": "soon"})
    assert case.fault(lambda: case.complete("a")).element == "t"


def test_months_keep_the_day_or_the_last_of_the_month() -> None:
    day = NOW.replace(month=1, day=31)
    assert add_duration(day, "P1M") == day.replace(month=2, day=28)
    assert add_duration(day, "P1Y2M") == day.replace(year=2027, month=3)
    with pytest.raises(ValueError, match="ISO 8601"):
        add_duration(day, "P")


ACTIVITIES = {
    "manual": lambda: manual("a"),
    "subprocess": lambda: plain_sub("a", body="inner1 > inner2"),
    "instances": lambda: manual("a", many(number="3")),
    "instances of a subprocess": lambda: plain_sub("a", many(number="2"), body="inner1"),
    "call": lambda: call("a"),
    "service": lambda: service("a"),
    "receive": lambda: element("receiveTask", "a", messageRef="hi"),
    "calls": lambda: call("a", many(number="2")),
}


def bounded(activity: str, *events: str, path: str = "", extra: str = "", roots: str = "") -> bytes:
    return diagram(
        start(),
        ACTIVITIES[activity](),
        *events,
        manuals("b"),
        extra,
        end(),
        flows("s > a > b > e"),
        flows(path),
        roots=message("hi") + error("oops") + escalation("up") + roots,
    )


def do_all(case: Case) -> None:
    """Carry out whatever is open at or in the activity `a`."""
    while True:
        inside = [w for w in case.newest.waiting if w.element in ("a", "inner1", "inner2")]
        if not inside:
            return
        act = {"service": case.finish, "child": case.child, "message": case.tell}.get(inside[0].kind, case.complete)
        act(inside[0].element, inside[0].instance)


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_an_interrupting_timer_ends_everything_inside(activity: str) -> None:
    xml = bounded(activity, boundary("t", "a", timer("P1D")), extra=manuals("c") + end("e2"), path="t > c > e2")
    case = Case(xml)
    assert "t" in case.open
    result = case.fire("t")
    assert case.open == ["c"]
    assert all(p.kind == "cancelled" for p in result.passed if p.element in ("a", "inner1"))
    assert any(p.kind == "cancelled" for p in result.passed)
    case.complete("c")
    assert case.ended("e2")


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_an_activity_done_in_time_takes_its_timers_with_it(activity: str) -> None:
    xml = bounded(
        activity,
        boundary("t", "a", timer("P1D")),
        boundary("r", "a", timer("R/PT1H", "timeCycle"), cancel=False),
        extra=manuals("c d") + end("e2") + end("e3"),
        path="t > c > e2; r > d > e3",
    )
    case = Case(xml)
    do_all(case)
    assert case.open == ["b"]
    case.complete("b")
    assert case.ended("e")


@pytest.mark.parametrize("activity", ACTIVITIES)
def test_a_reminder_runs_beside_the_activity_and_outlives_it(activity: str) -> None:
    xml = bounded(
        activity,
        boundary("r", "a", timer("R3/PT1H", "timeCycle"), cancel=False),
        extra=manuals("d") + end("e2"),
        path="r > d > e2",
    )
    case = Case(xml)
    before = case.open
    for turn in range(1, 4):
        assert case.waiting("r").due_at == NOW + timedelta(hours=turn)
        case.fire("r")
        assert case.open == sorted([n for n in before if n != "r" or turn < 3] + ["d"] * turn)
    do_all(case)
    assert case.open == ["b", "d", "d", "d"]
    case.line("b", "d", "d")
    assert not case.newest.ended
    case.complete("d")
    assert case.ended()


def test_a_reminder_that_fires_late_comes_due_again_from_its_own_time() -> None:
    xml = bounded(
        "manual", boundary("r", "a", timer("R/P1D", "timeCycle"), cancel=False), extra=end("e2"), path="r > e2"
    )
    case = Case(xml)
    case.now = NOW + timedelta(days=10)
    case.fire("r")
    assert case.waiting("r").due_at == NOW + timedelta(days=2)
    for _ in range(20):
        case.fire("r")
    assert case.waiting("r").due_at == NOW + timedelta(days=22)
    assert len(case.newest.snapshot) < 2_000


def test_a_non_interrupting_duration_comes_once() -> None:
    xml = bounded(
        "manual", boundary("r", "a", timer("PT1H"), cancel=False), extra=manuals("d") + end("e2"), path="r > d > e2"
    )
    case = Case(xml)
    case.fire("r")
    assert case.open == ["a", "d"]
    case.complete("a")
    assert case.open == ["b", "d"]


def test_a_timer_fired_twice_is_refused_the_second_time() -> None:
    case = Case(bounded("manual", boundary("r", "a", timer("PT1H"), cancel=False), extra=end("e2"), path="r > e2"))
    task_id = case.waiting("r").task_id
    case.fire("r")
    with pytest.raises(NotWaiting):
        case.do(FireTimer(task_id))


def test_many_boundary_events_on_one_activity() -> None:
    events = [
        boundary("t", "a", timer("P5D")),
        boundary("w", "a", timer("P1D"), cancel=False),
        boundary("m", "a", on("message", "hi"), cancel=False),
        boundary("x", "a", on("message", "stop")),
    ]
    xml = bounded(
        "subprocess",
        *events,
        extra=manuals("c d f g") + "".join(map(end, ("e2", "e3", "e4", "e5"))),
        path="t > c > e2; w > d > e3; m > f > e4; x > g > e5",
        roots=message("stop"),
    )
    case = Case(xml)
    case.fire("w")
    case.tell("m", first=1)
    case.tell("m", second=2)
    assert case.open == ["d", "f", "f", "inner1", "m", "t", "x"]
    case.tell("x")
    assert case.open == ["d", "f", "f", "g"]
    case.line("g", "f", "f", "d")
    assert case.ended()
    assert case.data == {"first": 1, "second": 2}


def test_each_message_of_a_boundary_is_seen_on_its_own_path_only() -> None:
    xml = bounded(
        "manual",
        boundary("m", "a", on("message", "hi"), cancel=False),
        extra=manuals("d") + end("e2"),
        path="m > d > e2",
    )
    case = Case(xml)
    case.tell("m", n=1)
    case.tell("m", n=2)
    assert [w.data for w in case.newest.waiting if w.element == "d"] == [{"n": 1}, {"n": 2}]
    assert case.waiting("a").data == {}
    case.complete("a", x=1)
    assert case.waiting("b").data == {"x": 1}


def test_boundary_events_two_deep() -> None:
    inner = sub(
        "a",
        start("is"),
        manual("x"),
        boundary("t2", "x", timer("PT1H")),
        manual("y"),
        end("ie"),
        end("ie2"),
        flows("is > x > ie; t2 > y > ie2"),
    )
    xml = diagram(
        start(),
        inner,
        boundary("t1", "a", timer("P1D")),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > b > e; t1 > c > e2"),
    )
    case = Case(xml)
    assert case.open == ["t1", "t2", "x"]
    case.fire("t2")
    assert case.open == ["t1", "y"]
    case.fire("t1")
    assert case.open == ["c"]
    other = Case(xml)
    other.line("x")
    assert other.open == ["b"]


def test_a_boundary_in_a_loop_works_on_each_turn() -> None:
    xml = diagram(
        start(),
        manual("a"),
        boundary("t", "a", timer("P1D")),
        manual("c"),
        xor("g", "e"),
        end(),
        flows("s > a > g; t > c > g; g > a [again == true]; g > e"),
    )
    case = Case(xml)
    for turn in range(4):
        case.complete("a", again=True) if turn % 2 else (case.fire("t"), case.complete("c", again=True))
    assert case.open == ["a", "t"]
    case.complete("a", again=False)
    assert case.ended()


# ---- races -----------------------------------------------------------------------------------------------------------

RACE = (
    catch("m1", on("message", "hi"))
    + catch("m2", on("message", "stop"))
    + catch("t", timer("P1D"))
    + element("receiveTask", "r", messageRef="more")
    + race("g")
    + manuals("a b c d")
)
RACE_FLOWS = "g > m1 > a; g > m2 > b; g > t > c; g > r > d"
RACE_ROOTS = message("hi") + message("stop") + message("more")


@pytest.mark.parametrize(("winner", "then"), [("m1", "a"), ("m2", "b"), ("t", "c"), ("r", "d")])
def test_the_first_event_of_a_race_ends_the_others(winner: str, then: str) -> None:
    xml = diagram(start(), RACE, end(), flows(f"s > g; {RACE_FLOWS}; a > e; b > e; c > e; d > e"), roots=RACE_ROOTS)
    case = Case(xml)
    assert case.open == ["m1", "m2", "r", "t"]
    case.fire("t") if winner == "t" else case.tell(winner, won=winner)
    assert case.open == [then]
    case.complete(then)
    assert case.ended("e")


def test_a_race_in_a_loop_begins_anew_on_each_turn() -> None:
    xml = diagram(
        start(),
        RACE,
        xor("x", "e"),
        end(),
        flows(f"s > g; {RACE_FLOWS}; a > x; b > x; c > x; d > x; x > g [again == true]; x > e"),
        roots=RACE_ROOTS,
    )
    case = Case(xml)
    for winner, then in [("m1", "a"), ("t", "c"), ("m2", "b"), ("m1", "a"), ("r", "d")]:
        case.fire("t") if winner == "t" else case.tell(winner)
        assert case.open == [then]
        case.complete(then, again=True)
        assert case.open == ["m1", "m2", "r", "t"]
    assert len(case.newest.snapshot) < 1_500
    case.tell("m1")
    case.complete("a", again=False)
    assert case.ended()


@pytest.mark.parametrize("loop", ["", many(number="2")], ids=["once", "instances"])
def test_a_race_inside_a_subprocess(loop: str) -> None:
    inner = sub(
        "sp", loop, start("is"), RACE, end("ie"), flows(f"is > g; {RACE_FLOWS}; a > ie; b > ie; c > ie; d > ie")
    )
    case = Case(diagram(start(), inner, end(), flows("s > sp > e"), roots=RACE_ROOTS))
    if loop:
        case.tell("m1", 1)
        assert case.open == ["a", "m1", "m2", "r", "t"]
        case.fire("t", 0)
        case.line("a", "c")
    else:
        case.tell("m2")
        case.line("b")
    assert case.ended()


# ---- errors ----------------------------------------------------------------------------------------------------------


def failing(*events: str, path: str = "", code: str = "oops", loop: str = "") -> bytes:
    """A subprocess with an open task beside a branch that ends in an error."""
    inner = sub(
        "a",
        loop,
        start("is"),
        both("ip"),
        manuals("x y"),
        end("bad", on("error", code)),
        end("ie"),
        flows("is > ip > x > bad; ip > y > ie"),
    )
    caught = [name for name in ("c", "d") if f"> {name}" in path]
    return diagram(
        start(),
        inner,
        *events,
        manuals("b"),
        *(manual(n) + end(f"{n}_e") + flows(f"{n} > {n}_e") for n in caught),
        end(),
        flows("s > a > b > e"),
        flows(path),
        roots=error("oops") + error("other"),
    )


@pytest.mark.parametrize("loop", ["", many(number="2")], ids=["once", "instances"])
@pytest.mark.parametrize("ref", ["oops", ""], ids=["by code", "catch-all"])
def test_an_error_is_caught_on_its_subprocess(ref: str, loop: str) -> None:
    case = Case(failing(boundary("c1", "a", on("error", ref)), path="c1 > c", loop=loop))
    case.complete("x", reason="why")
    assert case.open == ["c"]
    assert case.waiting("c").data == {"reason": "why"}
    case.complete("c")
    assert case.ended("c_e")
    assert case.newest.error_code is None


def test_the_boundary_that_names_the_code_goes_before_the_catch_all() -> None:
    case = Case(
        failing(boundary("all", "a", on("error")), boundary("one", "a", on("error", "oops")), path="all > c; one > d")
    )
    case.complete("x")
    assert case.open == ["d"]


@pytest.mark.parametrize("events", [(), ("other",)], ids=["no boundary", "another code"])
def test_an_uncaught_error_ends_the_case(events: tuple[str, ...]) -> None:
    boundaries = [boundary("c1", "a", on("error", ref)) for ref in events]
    case = Case(failing(*boundaries, path="c1 > c" if events else ""))
    case.complete("x", reason="why")
    assert case.ended("bad")
    assert case.newest.error_code == "oops"
    assert case.data == {"reason": "why"}


def test_an_error_passes_enclosing_scopes_until_one_catches_it() -> None:
    deep = sub("deep", start("ds"), manual("x"), end("bad", on("error", "oops")), flows("ds > x > bad"))
    middle = sub(
        "middle",
        start("ms"),
        both("mp"),
        deep,
        boundary("wrong", "deep", on("error", "other")),
        manuals("y z"),
        end("me"),
        end("me2"),
        flows("ms > mp > deep > me; mp > y > me; wrong > z > me2"),
    )
    xml = diagram(
        start(),
        middle,
        boundary("right", "middle", on("error", "oops")),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > middle > b > e; right > c > e2"),
        roots=error("oops") + error("other"),
    )
    case = Case(xml)
    case.complete("x")
    assert case.open == ["c"]


def test_a_neighbour_never_catches_an_error() -> None:
    erring = sub("a", start("is"), manual("x"), end("bad", on("error", "oops")), flows("is > x > bad"))
    xml = diagram(
        start(),
        both("p1"),
        erring,
        plain_sub("n", body="w"),
        boundary("never", "n", on("error", "oops")),
        manual("c"),
        both("p2"),
        end(),
        end("e2"),
        flows("s > p1 > a > p2 > e; p1 > n > p2; never > c > e2"),
        roots=error("oops"),
    )
    case = Case(xml)
    case.complete("x")
    assert case.ended("bad")
    assert case.newest.error_code == "oops"


def test_an_error_on_a_side_path_is_not_caught_by_the_activity_it_left() -> None:
    xml = diagram(
        start(),
        plain_sub("a", body="w"),
        boundary("r", "a", timer("PT1H"), cancel=False),
        boundary("never", "a", on("error", "oops")),
        manuals("c d"),
        service("x"),
        end(),
        end("e2"),
        end("e3"),
        flows("s > a > d > e; r > x > e2; never > c > e3"),
        roots=error("oops"),
    )
    case = Case(xml)
    case.fire("r")
    case.finish("x", error="oops")
    assert case.newest.error_code == "oops"
    assert case.ended("x")


@pytest.mark.parametrize(
    "loop", ["", many(number="2"), many(number="2", sequential=True)], ids=["once", "parallel", "sequential"]
)
@pytest.mark.parametrize("kind", ["service", "child"])
def test_an_operation_or_a_child_may_fail_with_an_error(kind: str, loop: str) -> None:
    node = (service if kind == "service" else call)("a", loop)
    xml = diagram(
        start(),
        node,
        boundary("c1", "a", on("error", "oops")),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > b > e; c1 > c > e2"),
        roots=error("oops"),
    )
    case = Case(xml, {"x": 1})
    act = case.finish if kind == "service" else case.child
    act("a", 0 if loop else None, error="oops", why="late")
    assert case.open == ["c"]
    assert case.waiting("c").data == {"x": 1, "why": "late"}
    other = Case(xml)
    act = other.finish if kind == "service" else other.child
    act("a", 0 if loop else None, error="unheard")
    assert other.ended("a")
    assert other.newest.error_code == "unheard"


def test_nothing_runs_on_after_an_error_in_the_same_step() -> None:
    """The branch beside the error would throw its message next; it must not."""
    inner = sub(
        "a",
        start("is"),
        manual("x"),
        both("ip"),
        end("bad", on("error", "oops")),
        throw("t", on("message", "hi")),
        end("ie"),
        flows("is > x > ip > bad; ip > t > ie"),
    )
    outer = sub("o", start("os"), inner, end("oe"), flows("os > a > oe"))
    xml = diagram(
        start(),
        outer,
        boundary("c1", "o", on("error", "oops")),
        manual("c"),
        end(),
        end("e2"),
        flows("s > o > e; c1 > c > e2"),
        roots=error("oops") + message("hi"),
    )
    case = Case(xml)
    case.complete("x")
    assert case.open == ["c"]
    assert case.thrown == []


# ---- escalations -------------------------------------------------------------------------------------------------------


def escalating(cancel: bool, thrower: str = "throw") -> bytes:
    if thrower == "throw":
        body, path = throw("up1", on("escalation", "up")) + end("ie"), "is > x > up1 > y > ie"
    else:
        body, path = end("up1", on("escalation", "up")) + end("ie"), "is > ip > x > up1; ip > y > ie"
    gate = both("ip") if thrower == "end" else ""
    inner = sub("a", start("is"), gate, manuals("x y"), body, flows(path))
    return diagram(
        start(),
        inner,
        boundary("c1", "a", on("escalation", "up"), cancel=cancel),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > b > e; c1 > c > e2"),
        roots=escalation("up"),
    )


@pytest.mark.parametrize("thrower", ["throw", "end"])
def test_an_escalation_may_interrupt(thrower: str) -> None:
    case = Case(escalating(True, thrower))
    case.complete("x", why=1)
    assert case.open == ["c"]
    assert case.waiting("c").data == {"why": 1}


@pytest.mark.parametrize("thrower", ["throw", "end"])
def test_an_escalation_may_go_beside(thrower: str) -> None:
    case = Case(escalating(False, thrower))
    case.complete("x", why=1)
    assert case.open == ["c", "y"]
    case.complete("c")
    case.complete("y")
    case.complete("b")
    assert case.ended()


def test_an_interrupting_escalation_stops_what_would_run_next() -> None:
    inner = sub(
        "a",
        start("is"),
        manual("x"),
        throw("up1", on("escalation", "up")),
        throw("t", on("message", "hi")),
        end("ie"),
        flows("is > x > up1 > t > ie"),
    )
    xml = diagram(
        start(),
        inner,
        boundary("c1", "a", on("escalation", "up")),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > b > e; c1 > c > e2"),
        roots=escalation("up") + message("hi"),
    )
    case = Case(xml)
    case.complete("x")
    assert case.open == ["c"]
    assert case.thrown == []


def test_an_uncaught_escalation_leaves_the_case_and_the_case_goes_on() -> None:
    xml = diagram(
        start(), throw("t", on("escalation", "up")), manual("a"), end(), flows("s > t > a > e"), roots=escalation("up")
    )
    case = Case(xml)
    assert case.thrown == [("escalation", "up")]
    assert case.open == ["a"]


def called(cancel: bool, loop: str = "", ref: str = "up", mapping: str = "") -> bytes:
    """A call whose escalation leads to `c`."""
    return diagram(
        start(),
        call("k", mapping, loop),
        boundary("c1", "k", on("escalation", ref), cancel=cancel),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > k > b > e; c1 > c > e2"),
        roots=escalation("up"),
    )


@pytest.mark.parametrize(
    "loop", ["", many(number="2"), many(number="2", sequential=True)], ids=["once", "parallel", "sequential"]
)
def test_an_escalation_of_a_child_may_interrupt_its_call(loop: str) -> None:
    case = Case(called(True, loop), {"x": 1})
    case.escalate("k", "up", 0 if loop else None, why="late")
    assert case.open == ["c"]
    assert case.waiting("c").data == {"x": 1, "why": "late"}
    case.complete("c")
    assert case.ended("e2")


def test_an_escalation_of_a_child_may_go_beside_its_call_again_and_again() -> None:
    case = Case(called(False), {"x": 1})
    case.escalate("k", "up", why="late")
    case.escalate("k", "up", why="later")
    assert case.open == ["c", "c", "k"]
    assert sorted(w.data["why"] for w in case.newest.waiting if w.element == "c") == ["late", "later"]
    case.child("k", done=1)
    assert case.waiting("b").data == {"x": 1, "done": 1}
    case.line("c", "c", "b")
    assert case.ended("e")


def test_an_escalation_of_an_instance_leaves_the_other_instances() -> None:
    case = Case(called(False, many(number="3")))
    case.escalate("k", "up", 1)
    assert case.open == ["c", "k", "k", "k"]
    for instance in (2, 0, 1):
        case.child("k", instance)
    case.line("c", "b")
    assert case.ended("e")


def test_an_event_without_a_code_catches_every_escalation_of_a_child() -> None:
    case = Case(called(True, ref=""))
    case.escalate("k", "whatever")
    assert case.open == ["c"]


def test_an_escalation_that_the_call_does_not_catch_looks_further_out() -> None:
    inner = sub("a", start("is"), call("k"), end("ie"), flows("is > k > ie"))
    xml = diagram(
        start(),
        inner,
        boundary("c1", "a", on("escalation", "up")),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > b > e; c1 > c > e2"),
        roots=escalation("up"),
    )
    case = Case(xml)
    case.escalate("k", "other")
    assert case.open == ["k"]
    assert case.thrown == [("escalation", "other")]
    case.escalate("k", "up")
    assert case.open == ["c"]
    assert case.thrown == [("escalation", "other")]


def test_an_escalation_of_a_child_brings_what_the_call_gives_out() -> None:
    given = extended('<camunda:out source="reason" target="why"/><camunda:out source="unset" target="never"/>')
    case = Case(called(True, mapping=given))
    case.escalate("k", "up", reason="late", secret=1)
    assert case.waiting("c").data == {"why": "late"}


def test_nobody_escalates_out_of_what_is_no_call() -> None:
    case = Case(called(True))
    task_id = case.waiting("k").task_id
    case.child("k")
    with pytest.raises(NotWaiting):
        case.do(EscalateChild(task_id, {}, "up"))
    with pytest.raises(NotWaiting):
        case.do(EscalateChild(case.waiting("b").task_id, {}, "up"))


# ---- termination -------------------------------------------------------------------------------------------------------


def test_termination_ends_the_case_with_all_that_is_open() -> None:
    xml = diagram(
        start(),
        both("p1"),
        manual("a"),
        plain_sub("sp", body="x"),
        boundary("t", "sp", timer("P1D")),
        call("k"),
        end("stop", on("terminate")),
        end(),
        end("e2"),
        end("e3"),
        flows("s > p1 > a > stop; p1 > sp > e; p1 > k > e2; t > e3"),
    )
    case = Case(xml)
    assert case.open == ["a", "k", "t", "x"]
    result = case.complete("a", done=1)
    assert case.ended("stop")
    assert case.data == {"done": 1}
    assert sorted(p.element for p in result.passed if p.kind == "cancelled") == ["k", "sp", "x"]


def test_termination_of_a_subprocess_ends_the_subprocess_alone() -> None:
    inner = sub(
        "a",
        start("is"),
        both("ip"),
        manuals("x y"),
        end("stop", on("terminate")),
        end("ie"),
        flows("is > ip > x > stop; ip > y > ie"),
    )
    case = Case(diagram(start(), inner, manual("b"), end(), flows("s > a > b > e")))
    case.complete("x", done=1)
    assert case.open == ["b"]
    assert case.waiting("b").data == {"done": 1}
    case.complete("b")
    assert case.ended("e")


def test_termination_of_an_instance_leaves_the_other_instances() -> None:
    inner = sub(
        "a",
        many(number="3"),
        start("is"),
        both("ip"),
        manuals("x y"),
        end("stop", on("terminate")),
        end("ie"),
        flows("is > ip > x > stop; ip > y > ie"),
    )
    case = Case(diagram(start(), inner, end(), flows("s > a > e")))
    case.complete("x", 1)
    assert case.open == ["x", "x", "y", "y"]
    assert {w.instance for w in case.newest.waiting} == {0, 2}
    case.complete("x", 0)
    case.complete("x", 2)
    assert case.ended()


# ---- the ends ------------------------------------------------------------------------------------------------------------


def test_the_outcome_is_the_end_that_was_reached() -> None:
    xml = diagram(
        start(), manual("a"), xor("g", "no"), end("yes"), end("no"), flows("s > a > g; g > yes [ok == true]; g > no")
    )
    for ok in (True, False):
        case = Case(xml)
        case.complete("a", ok=ok)
        assert case.ended("yes" if ok else "no")


def test_nothing_can_be_told_to_a_case_that_is_over() -> None:
    case = Case(diagram(start(), manual("a"), end(), flows("s > a > e")))
    task_id = case.waiting("a").task_id
    case.complete("a")
    with pytest.raises(NotWaiting):
        case.do(DeliverMessage(task_id, {}))
    with pytest.raises(NotWaiting):
        case.do(Start({}))


def test_every_element_is_passed_once_for_each_token() -> None:
    xml = diagram(
        start(),
        both("p1"),
        manual("a", many(number="2")),
        boundary("m", "a", on("message", "hi"), cancel=False),
        race("r"),
        catch("c1", on("message", "yes")),
        catch("c2", timer("P1D")),
        xor("x"),
        both("p2"),
        end(),
        end("e2"),
        flows("s > p1; p1 > a > p2; m > e2; p1 > r > c1 > x; r > c2 > x; x > p2 > e"),
        roots=message("hi") + message("yes"),
    )
    case = Case(xml)
    case.tell("m")
    case.tell("m")
    case.complete("a", 1)
    case.tell("c1")
    case.complete("a", 0)
    assert case.ended("e")
    counts = {name: case.passed.count(name) for name in sorted(set(case.passed))}
    assert counts == {"s": 1, "p1": 1, "a": 2, "m": 2, "e2": 2, "r": 1, "c1": 1, "x": 1, "p2": 1, "e": 1}
