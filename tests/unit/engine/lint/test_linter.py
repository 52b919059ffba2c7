"""The linter: one test for each thing it refuses, and that it lets nothing through which would be misread."""

from __future__ import annotations

import contextlib
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osm_flow.engine import DefinitionRefused, EngineFault, Start, compile_process, lint, read_bpmn, step
from osm_flow.engine.definitions import MAX_NODES
from tests.unit.engine.diagrams import (
    CASE,
    FORM,
    NOW,
    ROOTS,
    Refusals,
    around,
    both,
    boundary,
    calendar,
    call,
    catch,
    diagram,
    document,
    each,
    element,
    end,
    faults,
    flows,
    manual,
    manuals,
    many,
    on,
    plain_sub,
    process,
    race,
    refused,
    service,
    some,
    start,
    sub,
    throw,
    timer,
    user,
    xor,
)
from tests.unit.engine.test_decisions import table

LONG = " ".join(f"t{n}" for n in range(MAX_NODES))

REFUSED: Refusals = {
    ("a", "duplicate_id"): {
        "id twice": around(manual("a"), plain_sub("b", body="a"), path="s > a > b > e"),
    },
    ("manualTask", "no_id"): {
        "no id": around(manual("a")).replace(b'<bpmn:manualTask id="a">', b"<bpmn:manualTask>"),
    },
    ("p", "too_long"): {
        "too many elements": around(manuals(LONG), path=f"s > {LONG.replace(' ', ' > ')} > e"),
    },
    ("x", "unknown"): {
        "two processes, the second wrong": document(
            process(start(), end(), flows("s > e")),
            process(start("s2"), element("scriptTask", "x"), end("e2"), flows("s2 > x > e2"), key="q"),
        ),
    },
}


@pytest.mark.parametrize(("xml", "where"), each(REFUSED))
def test_it_is_refused_with_its_element(xml: bytes, where: tuple[str, str]) -> None:
    assert where in refused(xml)


HOSTILE = {
    "doctype": (b"<!DOCTYPE d>" + b"<a/>", "doctype"),
    "entities": (b'<!DOCTYPE d [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><a>&c;</a>', "doctype"),
    "outside entity": (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>', "doctype"),
    "doctype in UTF-16": (
        '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d [<!ENTITY a "b">]><a>&a;</a>'.encode("utf-16"),
        "doctype",
    ),
    "ten megabytes": (b"<a>" + b" " * 10_000_000 + b"</a>", "too_big"),
    "300 deep": (b"<a>" * 300 + b"</a>" * 300, None),
    "5000 deep": (b"<a>" * 5_000 + b"</a>" * 5_000, None),
    "unclosed": (b"<bpmn:definitions", "not_xml"),
    "empty": (b"", "not_xml"),
    "binary": (bytes(range(256)) * 10, "not_xml"),
    "another document": (b"<svg/>", "not_bpmn"),
    "no process": (document(), "no_process"),
    "no executable process": (
        document(element("process", "p", start(), end(), flows("s > e"), isExecutable="false")),
        "no_process",
    ),
    "process without id": (
        diagram(start(), end(), flows("s > e")).replace(b'<bpmn:process id="p"', b"<bpmn:process"),
        "no_id",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence(name: str) -> None:
    xml, code = HOSTILE[name]
    found = lint(xml, forms={}, decisions={}, topics=())
    assert found
    assert all(p.level == "error" and p.th and p.en for p in found)
    if code:
        assert [p.code for p in found] == [code]
    with pytest.raises(DefinitionRefused):
        read_bpmn(xml)


def test_deep_nesting_of_subprocesses_is_refused() -> None:
    body = manual("m")
    for level in range(150):
        body = sub(f"x{level}", start(f"s{level}"), body, end(f"e{level}"))
    assert [p.code for p in faults(diagram(body))] == ["too_deep"]


# ---- nothing slips through: diagrams that were damaged at random -------------------------------------------------------

WHOLE = diagram(
    start(),
    user("a", c_candidateGroups="osm_head"),
    boundary("r", "a", timer("R/PT1H", "timeCycle"), cancel=False),
    both("p1"),
    plain_sub("sp", many("[1, 2]", item="i"), body="m"),
    boundary("x", "sp", on("error", "oops")),
    call("k"),
    race("g"),
    catch("c1", on("message", "hi")),
    catch("c2", timer("P1D")),
    xor("j"),
    xor("j2"),
    both("p2"),
    some("o1", "w2"),
    manuals("w1 w2"),
    some("o2"),
    service("v"),
    element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r"),
    throw("t", on("message", "hi")),
    end(),
    end("e2"),
    end("e3"),
    flows(
        "s > a > p1; r > e2; p1 > sp > j2; x > j2; j2 > p2; p1 > k > g; g > c1 > j; g > c2 > j; j > p2; p2 > o1; o1 > w1 [n > 1]; o1 > w2; "
        "w1 > o2; w2 > o2; o2 > v > d > t > e"
    ),
    roots=ROOTS,
).replace(b'<bpmn:endEvent id="e3"></bpmn:endEvent>', b"")
PARTS = re.findall(rb"<[^>]*>|[^<]+|[\w:]+=\"[^\"]*\"", WHOLE)
ATTRIBUTES = re.findall(rb' [\w:]+="[^"]*"', WHOLE)


def damaged(rng: random.Random) -> bytes:
    xml = WHOLE
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(4)
        old = rng.choice(ATTRIBUTES)
        if kind == 0:
            xml = xml.replace(old, b"", 1)
        elif kind == 1:
            xml = xml.replace(old, b'="'.join([old.split(b'="')[0], rng.choice(ATTRIBUTES).split(b'="')[1]]), 1)
        elif kind == 2:
            elements = re.findall(rb"<bpmn:(\w+) [^>]*>[^<]*</bpmn:\1>", xml)
            name = rng.choice(elements or [b"x"])
            xml = re.sub(rb"<bpmn:" + name + rb" [^>]*>[^<]*</bpmn:" + name + rb">", b"", xml, count=1)
        else:
            names = [
                b"manualTask",
                b"userTask",
                b"endEvent",
                b"exclusiveGateway",
                b"parallelGateway",
                b"inclusiveGateway",
                b"callActivity",
                b"receiveTask",
            ]
            one, other = rng.choice(names), rng.choice(names)
            xml = xml.replace(b"<bpmn:" + one + b" ", b"<bpmn:" + other + b" ").replace(
                b"</bpmn:" + one + b">", b"</bpmn:" + other + b">"
            )
    return xml


@given(st.integers(0, 100_000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_diagram_is_refused_or_runs_without_an_accident(seed: int) -> None:
    """Whatever the linter lets through compiles and starts, or stops in a fault of its own with a reason."""
    decisions = {"D": table((["1"], ["1"]))}
    xml = damaged(random.Random(seed))  # noqa: S311 - a repeatable choice
    found = lint(xml, forms={"f": FORM}, decisions=decisions, topics=("work",), known_processes=("child",))
    assert all(p.th and p.en for p in found)
    if any(p.level == "error" for p in found):
        return
    for key in read_bpmn(xml).process_keys:
        compiled = compile_process(key, xml, {"f": FORM}, decisions)
        with contextlib.suppress(EngineFault):
            result = step(compiled, CASE, None, Start({"n": 1, "r": 1}), NOW, calendar)
            assert result.ended or result.waiting or result.is_stuck


def test_the_whole_diagram_is_sound() -> None:
    assert [p.code for p in faults(WHOLE, decisions={"D": table((["1"], ["1"]))}, known=("child",))] == []
