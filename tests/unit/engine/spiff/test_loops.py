"""Repetition: an instance for each item, together or one after the other, and loops that go on while a condition holds."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine.spiff.loops import MAX_INSTANCES
from osm_flow.engine.stepper import step
from osm_flow.engine.values import CompleteTask, Start
from tests.unit.engine.diagrams import (
    CASE,
    NOW,
    Case,
    again,
    alone,
    boundary,
    calendar,
    call,
    compiled,
    diagram,
    element,
    end,
    flows,
    manual,
    many,
    message,
    plain_sub,
    properties,
    service,
    start,
    start_fault,
    sub,
    timer,
    xor,
)
from tests.unit.engine.test_decisions import table

# ---- instances --------------------------------------------------------------------------------------------------------


PROVINCES = {"provinces": ["TH-38", "TH-42", "TH-43"]}


@pytest.mark.parametrize("kind", ["manual", "service", "call", "receive", "subprocess"])
@pytest.mark.parametrize("sequential", [False, True], ids=["parallel", "sequential"])
def test_an_instance_for_each_item(kind: str, sequential: bool) -> None:
    loop = many("${provinces}", item="province", sequential=sequential)
    collect = properties(collect="answers")
    node = {
        "manual": manual("a", collect, loop),
        "service": service("a", collect, loop),
        "call": call("a", collect, loop),
        "receive": element("receiveTask", "a", collect, loop, messageRef="hi"),
        "subprocess": plain_sub("a", collect, loop, body="t"),
    }[kind]
    case = Case(alone(node, message("hi")), {**PROVINCES, "province": "TH-99"})
    name = "t" if kind == "subprocess" else "a"
    act = {"service": case.finish, "call": case.child, "receive": case.tell}.get(kind, case.complete)
    for index in (0, 1, 2) if sequential else (2, 0, 1):
        assert [w.instance for w in case.newest.waiting] == (
            [index] if sequential else sorted({0, 1, 2} - set(done_before(case)))
        )
        assert case.waiting(name, index).data["province"] == PROVINCES["provinces"][index]
        act(name, index, money=index)
    assert case.waiting("b").data == {
        **PROVINCES,
        "province": "TH-99",
        "answers": [{"province": p, "money": i} for i, p in enumerate(PROVINCES["provinces"])],
    }


def done_before(case: Case) -> list[int]:
    """The instances that are not open any more."""
    return [i for i in range(3) if i not in {w.instance for w in case.newest.waiting}]


def test_collecting_keeps_the_item_even_when_the_case_knows_it_already() -> None:
    case = Case(
        alone(manual("a", properties(collect="answers"), many("provinces", item="province"))),
        {**PROVINCES, "province": "TH-42"},
    )
    for index in (1, 0, 2):
        case.complete("a", index)
    assert case.waiting("b").data["answers"] == [{"province": p} for p in PROVINCES["provinces"]]


def test_without_collecting_the_changes_are_merged_and_the_item_stays_inside() -> None:
    case = Case(alone(manual("a", many("provinces", item="province"))), PROVINCES)
    for index in (2, 0, 1):
        case.complete("a", index, **{f"m{index}": 1}, last=index)
    assert case.waiting("b").data == {**PROVINCES, "m0": 1, "m1": 1, "m2": 1, "last": 1}


@pytest.mark.parametrize(
    ("loop", "items"),
    [
        (many("[{'n': 1}, {'n': 2}]", item="row"), [{"n": 1}, {"n": 2}]),
        (many("{'x': 5, 'y': 6}", item="row"), [5, 6]),
        (many(number="${n}", item="row"), [0, 1]),
        (many(number="2"), [None, None]),
        (
            '<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>rows</bpmn:loopDataInputRef><bpmn:inputDataItem id="row"/>'
            "</bpmn:multiInstanceLoopCharacteristics>",
            [7, 8],
        ),
    ],
)
def test_where_the_items_come_from(loop: str, items: list[Any]) -> None:
    case = Case(alone(manual("a", loop)), {"n": 2, "rows": [7, 8]})
    assert [w.data.get("row") for w in case.newest.waiting] == items


@pytest.mark.parametrize("sequential", [False, True])
def test_no_items_is_passed_at_once(sequential: bool) -> None:
    case = Case(alone(manual("a", properties(collect="answers"), many("[]", item="x", sequential=sequential))))
    assert case.open == ["b"]
    assert case.waiting("b").data == {"answers": []}
    assert case.passed == ["s", "a"]


OUTPUT = (
    '<bpmn:loopDataOutputRef>sums</bpmn:loopDataOutputRef><bpmn:inputDataItem id="n"/><bpmn:outputDataItem id="sum"/>'
    "</bpmn:multiInstanceLoopCharacteristics>"
)


@pytest.mark.parametrize("rows", [[], [1, 2, 3]])
def test_the_outputs_are_listed_in_the_order_of_the_items(rows: list[int]) -> None:
    loop = f'<bpmn:multiInstanceLoopCharacteristics camunda:collection="rows">{OUTPUT}'
    case = Case(alone(manual("a", loop)), {"rows": rows})
    for index in reversed(range(len(rows))):
        case.complete("a", index, sum=10 * rows[index])
    assert case.waiting("b").data == {"rows": rows, "sums": [10 * n for n in rows]}


@pytest.mark.parametrize(
    ("until", "answers", "left"),
    [
        ("nrOfCompletedInstances >= 2", [{}, {}], 1),
        ("nrOfActiveInstances == 1", [{}, {}], 1),
        ("nrOfCompletedInstances / nrOfInstances > 0.5", [{}, {}], 1),
        ("var('veto', false)", [{"veto": False}, {"veto": True}], 1),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_completion_condition_ends_the_rest(
    until: str, answers: list[dict[str, Any]], left: int, nested: bool
) -> None:
    loop = many(number="3", until=until)
    case = Case(alone(plain_sub("a", loop, body="t") if nested else manual("a", loop)))
    name = "t" if nested else "a"
    for index, answer in zip((2, 0), answers, strict=True):
        assert name in case.open
        case.complete(name, index, **answer)
    assert case.open == ["b"]
    assert len([p for p in case.newest.passed if p.element == name and p.kind == "cancelled"]) == left


def test_a_sequence_may_end_early() -> None:
    case = Case(alone(manual("a", many(number="5", sequential=True, until="var('stop', false)"))))
    case.complete("a", stop=False)
    case.complete("a", stop=True)
    assert case.open == ["b"]


@pytest.mark.parametrize(
    "loop",
    [
        many("nobody"),
        many("5"),
        many("'text'"),
        many(number="1001"),
        many(number="-1"),
        many(number="10000000"),
        many(number="'x'"),
        many(number="1.5"),
    ],
)
def test_what_cannot_be_counted_is_a_fault_at_the_activity(loop: str) -> None:
    assert start_fault(alone(manual("a", loop))).element == "a"


@pytest.mark.parametrize("node", ["manual", "service", "subprocess"])
def test_a_completion_condition_that_cannot_be_worked_out_is_a_fault_at_the_activity(node: str) -> None:
    loop = many(number="2", until="nobody > 1")
    xml = alone(
        {"manual": manual("a", loop), "service": service("a", loop), "subprocess": plain_sub("a", loop, body="t")}[node]
    )
    case = Case(xml)
    act = {
        "manual": lambda: case.complete("a", 0),
        "service": lambda: case.finish("a", 0),
        "subprocess": lambda: case.complete("t", 0),
    }[node]
    assert case.fault(act).element == "a"


def test_instances_inside_instances() -> None:
    inner = sub(
        "a",
        properties(collect="out"),
        many("rows", item="row"),
        start("is"),
        manual("t", properties(collect="inner"), many("row", item="cell")),
        end("ie"),
        flows("is > t > ie"),
    )
    case = Case(alone(inner), {"rows": [[1, 2], [3]]})
    assert sorted((w.data["row"], w.data["cell"]) for w in case.newest.waiting) == [([1, 2], 1), ([1, 2], 2), ([3], 3)]
    for cell in (3, 2, 1):
        case.do(CompleteTask(case.waiting("t", cell=cell).task_id, {"done": cell}))
    assert case.waiting("b").data["out"] == [
        {"row": [1, 2], "inner": [{"cell": 1, "done": 1}, {"cell": 2, "done": 2}]},
        {"row": [3], "inner": [{"cell": 3, "done": 3}]},
    ]


RANKS = table((["> 5"], ["'big'", "1"]), (["> 2"], ["'middle'", "2"]), outputs="name|rank", policy="FIRST")


def test_instances_run_what_needs_nobody() -> None:
    rule = element(
        "businessRuleTask",
        "a",
        many("[6, 3]", item="x"),
        properties(collect="ranks"),
        c_decisionRef="D",
        c_mapDecisionResult="singleResult",
    )
    case = Case(alone(rule), decisions={"D": RANKS})
    assert [row["rank"] for row in case.waiting("b").data["ranks"]] == [1, 2]
    sends = element("sendTask", "a", many("[1, 2]", item="x", sequential=True), messageRef="hi")
    case = Case(alone(sends, message("hi")))
    assert [t.data["x"] for t in case.newest.thrown] == [1, 2]
    assert case.open == ["b"]


def test_one_after_the_other_each_sees_what_those_before_it_said() -> None:
    case = Case(alone(manual("a", many(number="2", sequential=True))))
    case.complete("a", said="first")
    assert case.waiting("a").data["said"] == "first"


def test_together_none_sees_what_the_others_said() -> None:
    case = Case(alone(manual("a", many(number="2"))))
    case.complete("a", 0, said="first")
    assert case.waiting("a").data == {}


def test_of_two_instances_that_say_the_same_thing_differently_the_last_one_counts() -> None:
    for order in ((0, 1), (1, 0)):
        case = Case(alone(manual("a", many(number="2"))), {"v": "start"})
        for index in order:
            case.complete("a", index, v=index)
        assert case.waiting("b").data == {"v": order[-1]}


def test_an_instance_that_leaves_a_value_alone_does_not_undo_another() -> None:
    case = Case(alone(manual("a", many(number="2"))), {"v": "start"})
    case.complete("a", 1, v="new")
    case.complete("a", 0, v="start")
    assert case.waiting("b").data == {"v": "new"}


def test_as_many_instances_as_are_allowed_are_made() -> None:
    process = compiled(alone(manual("a", many(number=str(MAX_INSTANCES)))))
    result = step(process, CASE, None, Start({}), NOW, calendar)
    assert [w.instance for w in result.waiting] == list(range(MAX_INSTANCES))


def test_a_condition_may_ask_what_the_instance_itself_just_said() -> None:
    case = Case(
        alone(manual("a", many(number="3", until="vote == 'no' and nrOfActiveInstances == 2"))), {"vote": "yes"}
    )
    case.complete("a", 2, vote="no")
    assert case.open == ["b"]
    assert case.waiting("b").data == {"vote": "no"}


def test_each_turn_of_a_loop_sees_what_the_turns_before_it_said() -> None:
    case = Case(alone(manual("a", again("n < 3"))), {"n": 0})
    for n in (1, 2, 3):
        assert case.waiting("a").data["n"] == n - 1
        case.complete("a", n=n)
    assert case.waiting("b").data == {"n": 3}


# ---- instances after a boundary event ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["manual", "subprocess", "call", "service"])
@pytest.mark.parametrize("between", ["", "t", "g", "nested"])
def test_instances_on_the_path_of_a_boundary_event(body: str, between: str) -> None:
    node = {"manual": manual, "call": call, "service": service}.get(body, lambda n, loop: plain_sub(n, loop, body="w"))(
        "mi", many(number="2")
    )
    middle = {
        "": "",
        "t": manual("t"),
        "g": xor("g"),
        "nested": manual("t") + boundary("b2", "t", timer("PT1H")) + xor("j"),
    }[between]
    path = {"": "b1 > mi", "t": "b1 > t > mi", "g": "b1 > g > mi", "nested": "b1 > t > j > mi; b2 > j"}[between]
    xml = diagram(
        start(),
        manual("t1"),
        boundary("b1", "t1", timer("P1D")),
        middle,
        node,
        end(),
        end("e2"),
        flows(f"s > t1 > e; {path}; mi > e2"),
    )
    case = Case(xml)
    case.fire("b1")
    if between == "nested":
        case.fire("b2")
    elif between == "t":
        case.complete("t")
    name = "w" if body == "subprocess" else "mi"
    assert case.open == [name, name]
    for index in (1, 0):
        {"call": case.child, "service": case.finish}.get(body, case.complete)(name, index)
    assert case.ended("e2")
    unhurried = Case(xml)
    unhurried.complete("t1")
    assert unhurried.ended("e")


# ---- standard loops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [False, True])
def test_a_loop_goes_on_while_its_condition_holds(nested: bool) -> None:
    loop = again("more")
    case = Case(alone(plain_sub("a", loop, body="t") if nested else manual("a", loop)))
    for more in (True, True, True, False):
        assert case.open == ["t" if nested else "a"]
        case.complete("t" if nested else "a", more=more)
    assert case.open == ["b"]


def test_a_loop_stops_at_its_maximum() -> None:
    case = Case(alone(manual("a", again("more", "2"))))
    case.complete("a", more=True)
    case.complete("a", more=True)
    assert case.open == ["b"]
    case = Case(alone(manual("a", again("", "3"))))
    case.line("a", "a", "a")
    assert case.open == ["b"]
    assert Case(alone(manual("a", again("", "0")))).open == ["b"]


def test_a_loop_may_ask_first() -> None:
    assert Case(alone(manual("a", again("more", before=True))), {"more": False}).open == ["b"]
    case = Case(alone(manual("a", again("more", before=True))), {"more": True})
    case.complete("a", more=False)
    assert case.open == ["b"]


def test_a_loop_condition_that_cannot_be_worked_out_is_a_fault_at_the_activity() -> None:
    case = Case(alone(plain_sub("a", again("nobody"), body="t")))
    assert case.fault(lambda: case.complete("t")).element == "a"
