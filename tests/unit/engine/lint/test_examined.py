"""What the checks of the linter stand on: who is where in a process, and how a fault is noted."""

from __future__ import annotations

import pytest

from osm_flow.engine.definitions import executable_processes, read_bpmn
from osm_flow.engine.lint.examined import Ground
from tests.unit.engine.diagrams import (
    FORM,
    ROOTS,
    boundary,
    diagram,
    element,
    end,
    extended,
    flows,
    manual,
    manuals,
    plain_sub,
    start,
    timer,
    xor,
)


def ground(*inner: str, roots: str = ROOTS) -> Ground:
    """The first process of a diagram of these elements; the form `f` is all that it may refer to."""
    found = read_bpmn(diagram(*inner, roots=roots))
    return Ground(executable_processes(found.root)[0], found, {"f": FORM}, {}, (), None)


FORKED = ground(
    start(),
    xor("g", "b"),
    manuals("a b"),
    boundary("b1", "a", timer("P1D")),
    boundary("b2", "a", timer("P2D"), cancel=False),
    plain_sub("sp", body="c"),
    end(),
    flows("s > g; g > a [x]; g > b; a > sp; b > sp; b1 > sp; b2 > sp; sp > e"),
)


def ids(nodes: list[object]) -> list[str]:
    return [node.get("id") for node in nodes]  # type: ignore[attr-defined]


def codes(found: Ground) -> list[tuple[str, str]]:
    return [(problem.element, problem.code) for problem in found.found]


def test_every_flow_node_is_known_at_whatever_depth_and_nothing_else() -> None:
    assert set(FORKED.nodes) == {"s", "g", "a", "b", "b1", "b2", "sp", "sp_s", "c", "sp_e", "e"}


def test_an_element_knows_what_leads_to_it_and_away_from_it() -> None:
    assert ids(FORKED.outgoing(FORKED.nodes["g"])) == ["g-a", "g-b"]
    assert ids(FORKED.incoming(FORKED.nodes["sp"])) == ["a-sp", "b-sp", "b1-sp", "b2-sp"]
    assert (FORKED.incoming(FORKED.nodes["s"]), FORKED.outgoing(FORKED.nodes["e"])) == ([], [])


def test_an_activity_knows_the_events_on_its_edge() -> None:
    assert ids(FORKED.boundaries(FORKED.nodes["a"])) == ["b1", "b2"]
    assert FORKED.boundaries(FORKED.nodes["b"]) == []


def test_what_has_no_id_belongs_to_the_nearest_element_that_has_one() -> None:
    found = ground(start(), manual("a", extended("<camunda:properties/>")), end(), flows("s > a > e"))
    properties = next(node for node in found.process.iter() if str(node.tag).endswith("properties"))

    assert found.owner(properties).get("id") == "a"
    assert found.owner(found.nodes["a"]).get("id") == "a"


def test_a_fault_of_an_element_without_id_names_its_kind() -> None:
    found = ground(start(), "<bpmn:manualTask/>", end(), flows("s > e"))
    nameless = next(node for node in found.process if str(node.tag).endswith("manualTask"))
    found.add(nameless, "no_id", "ไม่มี id", "it has no id")
    found.add(found.nodes["s"], "odd", "แปลก", "it is odd", "warning")

    assert [(p.element, p.code, p.th, p.en, p.level) for p in found.found] == [
        ("manualTask", "no_id", "ไม่มี id", "it has no id", "error"),
        ("s", "odd", "แปลก", "it is odd", "warning"),
    ]


@pytest.mark.parametrize(
    ("text", "faults"),
    [(None, 0), ("", 0), ("x > 3", 0), ("${working_days(3)}", 0), ("open('x')", 1), ("${", 1), ("x.y", 1)],
)
def test_an_expression_is_one_of_the_dialect(text: str | None, faults: int) -> None:
    found = ground(start(), end(), flows("s > e"))
    found.expression(found.nodes["s"], text)

    assert codes(found) == [("s", "expression")] * faults


def test_a_fault_of_an_expression_quotes_it_in_both_languages() -> None:
    found = ground(start(), end(), flows("s > e"))
    found.expression(found.nodes["s"], "open('x')")

    (problem,) = found.found
    assert "open('x')" in problem.th
    assert "open('x')" in problem.en


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", 0),
        ("ปี 2571", 0),
        ("ปี ${fy} · ${place}", 0),
        ("${f(x)} and ${g(y)}", 2),
        ("${fy} and ${f(x)}", 1),
        ("an empty ${}", 1),
        ("not closed ${fy", 1),
        ("${f(x)} and not closed ${fy", 2),
        ("a } alone", 0),
    ],
)
def test_each_expression_in_a_text_is_looked_at(text: str, faults: int) -> None:
    found = ground(start(), end(), flows("s > e"))
    found.template(found.nodes["s"], text)

    assert codes(found) == [("s", "expression")] * faults


@pytest.mark.parametrize(
    ("text", "faults"),
    [(None, 0), ("osm_head, osm_data", 0), ("${['a', 'b']}", 0), ("${role.name}", 1), ("a, ${f(x)}", 1), ("f(x)", 0)],
)
def test_an_attribute_is_one_expression_or_a_text_with_some(text: str | None, faults: int) -> None:
    found = ground(start(), end(), flows("s > e"))
    found.value(found.nodes["s"], text)

    assert codes(found) == [("s", "expression")] * faults


@pytest.mark.parametrize(("key", "faults"), [(None, 0), ("", 0), ("f", 0), ("nobody", 1)])
def test_a_form_is_one_of_those_deployed_beside_the_diagram(key: str | None, faults: int) -> None:
    found = ground(start(), end(), flows("s > e"))
    found.form(found.nodes["s"], key)

    assert codes(found) == [("s", "missing_form")] * faults


@pytest.mark.parametrize(("ref", "faults"), [("hi", 0), ("nameless", 1), ("nobody", 1), ("", 1), (None, 1)])
def test_a_message_is_one_of_the_file_that_has_a_name(ref: str | None, faults: int) -> None:
    found = ground(start(), end(), flows("s > e"), roots=ROOTS + element("message", "nameless"))
    found.message(found.nodes["s"], ref)

    assert codes(found) == [("s", "no_message")] * faults
