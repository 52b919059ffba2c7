"""Activities: what a human task carries, services, decisions, calls, and every way of repeating."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from osm_flow.engine import NotWaiting
from osm_flow.engine.values import CompleteTask, FinishService
from tests.unit.engine.diagrams import (
    NOW,
    Case,
    again,
    both,
    boundary,
    calendar,
    call,
    diagram,
    element,
    end,
    error,
    extended,
    flows,
    manual,
    manuals,
    many,
    message,
    on,
    plain_sub,
    properties,
    service,
    start,
    start_fault,
    sub,
    throw,
    user,
)
from tests.unit.engine.test_decisions import table

# ---- human tasks -------------------------------------------------------------------------------------------------------


def alone(node: str, roots: str = "") -> bytes:
    """One activity `a`, then a manual task `b`."""
    return diagram(start(), node, manual("b"), end(), flows("s > a > b > e"), roots=roots)


def test_a_user_task_shows_what_the_diagram_says() -> None:
    task = user("a", "<bpmn:documentation>ทำเถิด</bpmn:documentation>",
                properties(document="plan", subject="ปี ${fy}", separate_from="x"), name="ร่าง", c_candidateGroups="osm_strategy, osm_head",
                c_candidateUsers="somchai", c_assignee="${boss}", c_dueDate="${working_days(5)}", c_followUpDate="before(milestone('x'), 3)",
                c_priority="${10 * 3}")  # fmt: skip
    case = Case(alone(task), {"fy": 2571, "boss": "malee"})
    found = case.waiting("a")
    assert (found.kind, found.name, found.documentation, found.form_key) == ("user", "ร่าง", "ทำเถิด", "f")
    assert found.candidates == ("osm_strategy", "osm_head", "user:somchai")
    assert (found.assignee, found.priority) == ("malee", 30)
    assert found.due_at == NOW + timedelta(days=5)
    assert found.follow_up_at == NOW.replace(month=11, day=28, hour=9, minute=30)
    assert found.properties == {"document": "plan", "subject": "ปี 2571", "separate_from": "x"}
    assert sorted(case.newest.lookups) == ['before("2026-12-01T09:30:00+00:00",3)', 'milestone("x")', "working_days(5)"]


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("${role('province_planner', p)}", ("province_planner@TH-38",)),
        ("${[role('a', p), 'b']}", ("a@TH-38", "b")),
        ("b, ${role('a', p)}", ("b", "a@TH-38")),
        ("${null}", ()),
    ],
)
def test_candidates(text: str, candidates: tuple[str, ...]) -> None:
    assert Case(alone(user("a", c_candidateGroups=text)), {"p": "TH-38"}).waiting("a").candidates == candidates


def test_a_form_goes_into_the_variables_or_under_its_document() -> None:
    case = Case(
        diagram(
            start(), user("a"), user("d", properties(document="plan")), manual("b"), end(), flows("s > a > d > b > e")
        )
    )
    case.complete("a", title="x")
    case.complete("d", title="y")
    assert case.waiting("b").data == {"title": "x", "plan": {"title": "y"}}


def test_a_new_calendar_moves_dates_and_nothing_else() -> None:
    task = user("a", c_dueDate="milestone('x')", c_followUpDate="working_days(2)", c_candidateGroups="${who}")
    case = Case(alone(task), {"who": "osm_head"})
    before = case.waiting("a")
    case.replan(lambda name, args: "2027-03-01T00:00:00+00:00")
    after = case.waiting("a")
    assert after.due_at == NOW.replace(year=2027, month=3, day=1, hour=0)
    assert after.follow_up_at == before.follow_up_at == NOW + timedelta(days=2)
    assert (after.task_id, after.candidates, after.data) == (before.task_id, before.candidates, before.data)
    assert case.newest.passed == ()


def test_a_date_that_the_calendar_does_not_know_is_no_date() -> None:
    case = Case(alone(user("a", c_dueDate="after(milestone('unknown'), 3)")))
    assert case.waiting("a").due_at is None
    case.replan(calendar)
    assert case.waiting("a").due_at is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"c_dueDate": "nobody"},
        {"c_dueDate": "5"},
        {"c_assignee": "${nobody}"},
        {"c_candidateGroups": "${nobody}"},
        {"c_priority": "${'high'}"},
    ],
)
def test_an_attribute_that_cannot_be_worked_out_is_a_fault_at_its_task(attributes: dict[str, str]) -> None:
    case = Case(diagram(start(), manual("before"), user("a", **attributes), end(), flows("s > before > a > e")))
    assert case.fault(lambda: case.complete("before")).element == "a"
    case.live = case.live.__class__(case.process, case.live.case_id, case.snapshot)
    assert case.open == ["before"]


def test_a_property_that_cannot_be_worked_out_is_a_fault_at_its_task() -> None:
    assert start_fault(alone(service("a", properties(to="${nobody}")))).element == "a"


def test_a_task_is_completed_once() -> None:
    case = Case(alone(user("a")))
    task_id = case.waiting("a").task_id
    case.complete("a")
    with pytest.raises(NotWaiting):
        case.do(CompleteTask(task_id, {}))
    with pytest.raises(NotWaiting):
        case.do(FinishService(case.waiting("b").task_id, {}))


# ---- services, decisions, calls ------------------------------------------------------------------------------------------


def test_a_service_waits_for_its_result() -> None:
    case = Case(alone(service("a", properties(to="${who}", document="letter"))), {"who": "osm_head"})
    found = case.waiting("a")
    assert (found.kind, found.topic, found.properties["to"], found.data) == (
        "service",
        "work",
        "osm_head",
        {"who": "osm_head"},
    )
    case.finish("a", number=7)
    assert case.waiting("b").data == {"who": "osm_head", "letter": {"number": 7}}


ROWS = (["> 5"], ["'big'", "1"]), (["> 2"], ["'middle'", "2"])


def decided(shape: str, variable: str | None = "r", policy: str = "FIRST", x: int = 6) -> dict[str, Any]:
    given = {"c_decisionRef": "D", "c_mapDecisionResult": shape, **({"c_resultVariable": variable} if variable else {})}
    decisions = {"D": table(*ROWS, outputs="name|rank", policy=policy)}
    case = Case(alone(element("businessRuleTask", "a", **given)), {"x": x}, decisions=decisions)
    return {k: v for k, v in case.waiting("b").data.items() if k != "x"}


def test_the_shapes_of_a_decision() -> None:
    assert decided("singleEntry") == {"r": "big"}
    assert decided("singleResult") == {"r": {"name": "big", "rank": 1}}
    assert decided("singleResult", None) == {"name": "big", "rank": 1}
    assert decided("collectEntries", policy="COLLECT") == {"r": ["big", "middle"]}
    assert decided("resultList", policy="COLLECT") == {"r": [{"name": "big", "rank": 1}, {"name": "middle", "rank": 2}]}
    assert decided("singleEntry", x=0) == {"r": None}
    assert decided("singleResult", x=0) == {"r": {}}
    assert decided("resultList", x=0) == {"r": []}


@pytest.mark.parametrize(
    ("policy", "shape"), [("UNIQUE", "singleEntry"), ("COLLECT", "singleEntry"), ("COLLECT", "singleResult")]
)
def test_a_decision_that_is_not_one_is_a_fault_at_its_task(policy: str, shape: str) -> None:
    task = element("businessRuleTask", "a", c_decisionRef="D", c_mapDecisionResult=shape, c_resultVariable="r")
    decisions = {"D": table(*ROWS, outputs="name|rank", policy=policy)}
    assert start_fault(alone(task), {"x": 6}, decisions=decisions).element == "a"
    assert start_fault(alone(task), {}, decisions=decisions).element == "a"


def mapped(*mappings: str) -> str:
    return extended("".join(f"<camunda:{m}/>" for m in mappings))


def test_a_call_without_mappings_hands_everything_over_and_back() -> None:
    case = Case(alone(call("a")), {"x": 1})
    found = case.waiting("a")
    assert (found.kind, found.called, found.data) == ("child", "child", {"x": 1})
    case.child("a", x=2, y=3)
    assert case.waiting("b").data == {"x": 2, "y": 3}


def test_a_call_hands_over_what_its_mappings_say() -> None:
    given = mapped('in source="x" target="p"', "in sourceExpression=\"${x + 1}\" target=\"q\"", 'in businessKey="k"',
                   'out source="answer" target="reply"', 'out sourceExpression="len(rows)" target="n"')  # fmt: skip
    case = Case(alone(call("a", given)), {"x": 1, "secret": 2})
    assert case.waiting("a").data == {"p": 1, "q": 2}
    case.child("a", answer="yes", rows=[1, 2], other=5)
    assert case.waiting("b").data == {"x": 1, "secret": 2, "reply": "yes", "n": 2}


def test_a_call_may_hand_over_all_and_one_more() -> None:
    case = Case(
        alone(call("a", mapped('in variables="all"', 'in sourceExpression="1" target="x"', 'out variables="all"'))),
        {"x": 0, "y": 2},
    )
    assert case.waiting("a").data == {"x": 1, "y": 2}
    case.child("a", z=3)
    assert case.waiting("b").data == {"x": 0, "y": 2, "z": 3}


def test_a_mapping_that_cannot_be_worked_out_is_a_fault_at_the_call() -> None:
    assert start_fault(alone(call("a", mapped('in source="nobody" target="p"')))).element == "a"
    case = Case(alone(call("a", mapped('out source="nobody" target="p"'))))
    assert case.fault(lambda: case.child("a")).element == "a"


def test_a_child_that_failed_hands_back_what_it_came_to_set() -> None:
    given = mapped('out source="reason" target="why"', 'out source="answer" target="reply"')
    xml = diagram(start(), call("a", given), boundary("c1", "a", on("error", "oops")), manuals("b c"), end(), end("e2"),
                  flows("s > a > b > e; c1 > c > e2"), roots=error("oops"))  # fmt: skip
    case = Case(xml)
    case.child("a", error="oops", reason="late", other=1)
    assert case.waiting("c").data == {"why": "late"}


# ---- instances -------------------------------------------------------------------------------------------------------

PROVINCES = {"provinces": ["TH-38", "TH-42", "TH-43"]}


@pytest.mark.parametrize("kind", ["manual", "service", "call", "receive", "subprocess"])
@pytest.mark.parametrize("sequential", [False, True], ids=["parallel", "sequential"])
def test_an_instance_for_each_item(kind: str, sequential: bool) -> None:
    loop = many("${provinces}", item="province", sequential=sequential)
    collect = properties(collect="answers")
    node = {
        "manual": manual("a", collect, loop), "service": service("a", collect, loop), "call": call("a", collect, loop),
        "receive": element("receiveTask", "a", collect, loop, messageRef="hi"),
        "subprocess": plain_sub("a", collect, loop, body="t"),
    }[kind]  # fmt: skip
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
        **PROVINCES, "province": "TH-99",
        "answers": [{"province": p, "money": i} for i, p in enumerate(PROVINCES["provinces"])],
    }  # fmt: skip


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
        ('<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>rows</bpmn:loopDataInputRef><bpmn:inputDataItem id="row"/>'
         "</bpmn:multiInstanceLoopCharacteristics>", [7, 8]),
    ],
)  # fmt: skip
def test_where_the_items_come_from(loop: str, items: list[Any]) -> None:
    case = Case(alone(manual("a", loop)), {"n": 2, "rows": [7, 8]})
    assert [w.data.get("row") for w in case.newest.waiting] == items


@pytest.mark.parametrize("sequential", [False, True])
def test_no_items_is_passed_at_once(sequential: bool) -> None:
    case = Case(alone(manual("a", properties(collect="answers"), many("[]", item="x", sequential=sequential))))
    assert case.open == ["b"]
    assert case.waiting("b").data == {"answers": []}
    assert case.passed == ["s", "a"]


OUTPUT = ("<bpmn:loopDataOutputRef>sums</bpmn:loopDataOutputRef><bpmn:inputDataItem id=\"n\"/><bpmn:outputDataItem id=\"sum\"/>"
          "</bpmn:multiInstanceLoopCharacteristics>")  # fmt: skip


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


@pytest.mark.parametrize("loop", [many("nobody"), many("5"), many("'text'"), many(number="1001"), many(number="-1"), many(number="10000000"),
                                  many(number="'x'"), many(number="1.5")])  # fmt: skip
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
    inner = sub("a", properties(collect="out"), many("rows", item="row"), start("is"), manual("t", properties(collect="inner"), many("row", item="cell")), end("ie"),
                flows("is > t > ie"))  # fmt: skip
    case = Case(alone(inner), {"rows": [[1, 2], [3]]})
    assert sorted((w.data["row"], w.data["cell"]) for w in case.newest.waiting) == [([1, 2], 1), ([1, 2], 2), ([3], 3)]
    for cell in (3, 2, 1):
        case.do(CompleteTask(case.waiting("t", cell=cell).task_id, {"done": cell}))
    assert case.waiting("b").data["out"] == [
        {"row": [1, 2], "inner": [{"cell": 1, "done": 1}, {"cell": 2, "done": 2}]},
        {"row": [3], "inner": [{"cell": 3, "done": 3}]},
    ]


def test_instances_run_what_needs_nobody() -> None:
    rule = element(
        "businessRuleTask",
        "a",
        many("[6, 3]", item="x"),
        properties(collect="ranks"),
        c_decisionRef="D",
        c_mapDecisionResult="singleResult",
    )
    case = Case(alone(rule), decisions={"D": table(*ROWS, outputs="name|rank", policy="FIRST")})
    assert [row["rank"] for row in case.waiting("b").data["ranks"]] == [1, 2]
    sends = element("sendTask", "a", many("[1, 2]", item="x", sequential=True), messageRef="hi")
    case = Case(alone(sends, message("hi")))
    assert [t.data["x"] for t in case.newest.thrown] == [1, 2]
    assert case.open == ["b"]


# ---- standard loops -----------------------------------------------------------------------------------------------------


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


def test_a_long_loop_keeps_its_state_small() -> None:
    case = Case(alone(manual("a", again("more"))))
    case.complete("a", more=True)
    small = len(case.newest.snapshot)
    for _ in range(300):
        case.complete("a", more=True)
    assert len(case.newest.snapshot) < small + 60


# ---- subprocesses ------------------------------------------------------------------------------------------------------


def test_a_subprocess_sees_and_changes_the_variables() -> None:
    case = Case(alone(plain_sub("a", body="t1 > t2")), {"x": 1})
    assert case.waiting("t1").data == {"x": 1}
    case.complete("t1", x=2)
    case.complete("t2", y=3)
    assert case.waiting("b").data == {"x": 2, "y": 3}
    assert case.passed == ["s", "a_s", "t1", "t2", "a_e", "a"]


def test_a_subprocess_that_says_it_is_no_event_subprocess_is_none() -> None:
    case = Case(alone(plain_sub("a", body="t", triggeredByEvent="false")))
    assert case.open == ["t"]
    case.line("t", "b")
    assert case.ended()


def test_a_subprocess_that_needs_nobody_is_passed_at_once() -> None:
    inner = sub("a", start("is"), throw("t", on("message", "hi")), end("ie"), flows("is > t > ie"))
    case = Case(alone(inner, message("hi")))
    assert case.open == ["b"]
    assert case.thrown == [("message", "msg.hi")]


def test_branches_of_a_subprocess_merge_what_each_changed() -> None:
    inner = sub(
        "a", start("is"), both("p1"), manuals("x y"), both("p2"), end("ie"), flows("is > p1 > x > p2 > ie; p1 > y > p2")
    )
    case = Case(alone(inner), {"v": 0})
    case.complete("y", v=1, y=1)
    case.complete("x", x=1)
    assert case.waiting("b").data == {"v": 1, "x": 1, "y": 1}
