"""The linter on who checks: nobody names the checker of their own work in a field that they fill in."""

from __future__ import annotations

import pytest

from osm_flow.engine import lint
from tests.unit.engine.diagrams import FORM, around, element, end, flows, many, process, properties, start, user

FORMS = {
    "f": FORM,
    "names": {
        "type": "object",
        "properties": {
            "who": {"type": "string", "maxLength": 64},
            "several": {"type": "array", "items": {"type": "string", "maxLength": 64}},
            "province": {"type": "string", "maxLength": 8},
            "amount": {"type": "number"},
        },
    },
}
DOER = user("d", properties(document="plan"), c_formKey="names")
APART = properties(separate_from="d")
PATH = "s > d > c > e"


def chosen(xml: bytes) -> list[str]:
    """The elements whose doer is named by those whose work it is; each fault is told in both languages."""
    found = [one for one in lint(xml, forms=FORMS, decisions={}, topics=()) if one.code == "chosen_checker"]
    assert all(one.level == "error" and one.th and one.en for one in found)
    return [one.element for one in found]


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("c_candidateGroups", "user:${who}"),
        ("c_candidateGroups", "${'user:' + who}"),
        ("c_candidateGroups", "osm_director,user:${ who }"),
        ("c_candidateGroups", "${who}"),
        ("c_candidateGroups", "${who or 'osm_director'}"),
        ("c_candidateGroups", "${who if amount > 3 else 'osm_director'}"),
        ("c_candidateGroups", "${['osm_director', who]}"),
        ("c_candidateGroups", "${role(who, 'TH-41')}"),
        ("c_candidateUsers", "${who}"),
        ("c_candidateUsers", "somchai,${who}"),
        ("c_candidateUsers", "${several}"),
        ("c_candidateUsers", "${several[0]}"),
        ("c_assignee", "${who}"),
    ],
)
@pytest.mark.parametrize("judged", [APART, properties(approves="plan")])
def test_a_field_of_the_doer_does_not_name_the_checker(attribute: str, text: str, judged: str) -> None:
    assert chosen(around(DOER, user("c", judged, **{attribute: text}), path=PATH)) == ["c"]


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("c_candidateGroups", "osm_director"),
        ("c_candidateGroups", "${role('province_planner', province)}"),
        ("c_candidateGroups", "province_planner@${province}"),
        ("c_candidateGroups", "${'province_planner@' + province}"),
        ("c_candidateGroups", "${'osm_director' if amount > 3 else 'cluster_head'}"),
        ("c_candidateUsers", "${other}"),
    ],
)
def test_what_names_nobody_of_their_choice_is_drawn_as_before(attribute: str, text: str) -> None:
    assert chosen(around(DOER, user("c", APART, **{attribute: text}), path=PATH)) == []


def test_of_a_repetition_the_list_that_it_goes_through_counts() -> None:
    one_each = many("several", item="one")
    checked = user("c", APART + one_each, c_candidateUsers="${one}")
    body = (start("b_s"), user("c", APART, c_candidateUsers="${one}"), end("b_e"), flows("b_s > c > b_e"))
    inside = element("subProcess", "b", one_each, *body)

    assert chosen(around(DOER, checked, path=PATH)) == ["c"]
    assert "c" in chosen(around(DOER, inside, path="s > d > b > e"))


def test_what_others_fill_in_names_the_checker() -> None:
    """A third person chooses; and what nobody checks may be handed on by a field."""
    third = user("t", c_formKey="names")
    assert chosen(around(user("d"), third, user("c", APART, c_assignee="${who}"), path="s > d > t > c > e")) == []
    assert chosen(around(DOER, user("c", c_assignee="${who}"), path=PATH)) == []


def test_the_form_of_the_start_is_filled_by_whoever_starts() -> None:
    begin = element("startEvent", "s", c_formKey="names")
    checked = user("c", properties(separate_from="started_by"), c_assignee="${who}")
    drawn = (begin, checked, element("endEvent", "e"))
    flow = "".join(
        element("sequenceFlow", f"{one}-{other}", sourceRef=one, targetRef=other)
        for one, other in (("s", "c"), ("c", "e"))
    )
    head = around(user("a")).decode().partition("<bpmn:process")[0]

    assert chosen((head + process(*drawn, flow) + "</bpmn:definitions>").encode()) == ["c"]
