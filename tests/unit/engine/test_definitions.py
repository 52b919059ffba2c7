"""Definitions: what a file holds and asks for, and what the compiled process says about its elements."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from osm_flow.engine import CompleteTask, DefinitionRefused, Start, compile_process, read_bpmn, step
from tests.unit.engine.diagrams import (
    CASE,
    FORM,
    NOW,
    calendar,
    call,
    compiled,
    diagram,
    document,
    element,
    end,
    extended,
    flows,
    manual,
    message,
    on,
    process,
    properties,
    service,
    start,
    sub,
    user,
)
from tests.unit.engine.test_decisions import table

LANES = element("laneSet", "ls", element("lane", "l1", "<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", name="งานยุทธศาสตร์"))
MAIN = process(
    properties(stage="drafting", business_key="PLN", startable="true"),
    LANES,
    element("startEvent", "s", c_formKey="f"),
    user("a", properties(stage="approval", document="plan")),
    service("v"),
    call("k"),
    element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r"),
    sub("sp", start("is"), user("inner", c_formKey="g"), end("ie"), flows("is > inner > ie")),
    end(),
    flows("s > a > v > k > d > sp > e"),
    name="ร่างแผน",
)
CHILD = process(start("cs"), manual("ca"), end("ce"), flows("cs > ca > ce"), key="child", name="ย่อย")


def test_what_a_file_asks_for() -> None:
    found = read_bpmn(document(CHILD, MAIN))
    assert found.process_keys == ("child", "p")
    assert found.main_key == "p"
    assert found.form_keys == {"f", "g"}
    assert (found.decision_keys, found.called, found.topics) == ({"D"}, {"child"}, {"work"})


def test_what_a_compiled_process_says() -> None:
    found = compile_process(
        "p", document(MAIN, CHILD), {"f": FORM, "g": FORM, "other": FORM}, {"D": table((["1"], ["1"]))}
    )
    assert (found.key, found.name, found.start_form, found.start_message) == ("p", "ร่างแผน", "f", None)
    assert found.properties == {"stage": "drafting", "business_key": "PLN", "startable": "true"}
    assert sorted(found.forms) == ["f", "g"]
    assert set(found.elements) == {"s", "a", "v", "k", "d", "sp", "is", "inner", "ie", "e"}
    task = found.elements["a"]
    assert (task.type, task.stage, task.lane) == ("userTask", "approval", "งานยุทธศาสตร์")
    assert task.properties == {"stage": "approval", "document": "plan"}
    assert found.elements["inner"].stage == "drafting"


def test_a_process_that_a_message_starts() -> None:
    xml = diagram(start("s", on("message", "hi")), end(), flows("s > e"), roots=message("hi"))
    assert compiled(xml).start_message == "msg.hi"


def test_a_process_of_another_name_is_refused() -> None:
    with pytest.raises(DefinitionRefused):
        compile_process("nobody", document(CHILD), {}, {})


@pytest.mark.parametrize(
    "body",
    [
        start() + element("scriptTask", "x") + end() + flows("s > x > e"),
        start() + end() + flows("s > nobody"),
        end(),
        start() + manual("a") + manual("b") + manual("c") + end() + flows("s > a > b; a > c; b > e; c > e"),
        start() + element("businessRuleTask", "d") + end() + flows("s > d > e"),
        start()
        + call("k", extended("<camunda:in/>"))
        + element("complexGateway", "x")
        + end()
        + flows("s > k > x > e"),
        start() + element("exclusiveGateway", "x") + end() + end("e2") + flows("s > x > e; x > e2"),
    ],
)
def test_what_was_never_linted_is_still_refused_in_a_sentence(body: str) -> None:
    with pytest.raises(DefinitionRefused) as raised:
        compile_process("p", document(process(body)), {}, {})
    assert raised.value.problems[0].en


def test_one_process_is_shared_by_threads() -> None:
    found = compiled(document(process(start(), *map(manual, "abc"), end(), flows("s > a > b > c > e"))))

    def walk(number: int) -> str:
        result = step(found, CASE, None, Start({"n": number}), NOW, calendar)
        while not result.ended:
            result = step(found, CASE, result.snapshot, CompleteTask(result.waiting[0].task_id, {}), NOW, calendar)
        assert result.data["n"] == number
        return result.digest

    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(walk, [n % 3 for n in range(60)]))
    assert len(set(digests)) == 3


def test_compiling_in_threads_gives_the_same_process() -> None:
    xml = document(CHILD)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: compile_process("child", xml, {}, {}), range(20)))
    assert len({tuple(p.elements) for p in found}) == 1
    assert len({tuple(p.spec.task_specs) for p in found}) == 1


def test_problems_survive_pickling_of_their_error() -> None:
    with pytest.raises(DefinitionRefused) as raised:
        read_bpmn(b"")
    assert pickle.loads(pickle.dumps(raised.value.problems)) == raised.value.problems  # noqa: S301 - our own bytes
