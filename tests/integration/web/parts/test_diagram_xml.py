"""A diagram for the viewer on a page: first steps, outside parties, names in the reader's language."""

from __future__ import annotations

import re

import pytest
import yaml
from flask import Flask, g

from osm_flow.domain.forms.schema import load_form
from osm_flow.engine import compile_process
from osm_flow.operations.definitions.deployments import shipped_files
from osm_flow.web.parts.diagram_xml import FirstStep, first_steps, in_language, party_of
from tests.factories import files

DRAWN = (
    '<d:definitions xmlns:d="http://www.omg.org/spec/BPMN/20100524/MODEL"><d:process id="p">'
    '<d:task id="a" name="ผ่านแล้ว"/><d:task id="b" name="ไม่มีใครแปลคำนี้"/><d:task id="c"/></d:process></d:definitions>'
)


def test_the_diagram_says_which_outside_party_an_answer_comes_from() -> None:
    xml = shipped_files()["budget_submission.bpmn"]
    waiting = re.search(rb'<bpmn:receiveTask id="([^"]+)"', xml) or re.search(rb'receiveTask id="([^"]+)"', xml)

    assert waiting
    assert "ก.น.บ." in party_of(xml, waiting[1].decode())
    assert party_of(xml, "nothing") == ""


def test_the_first_steps_are_what_people_meet_right_after_the_start() -> None:
    given = files("review")
    forms = {
        name.removesuffix(".yaml"): load_form(yaml.safe_load(text))
        for name, text in given.items()
        if name.endswith(".yaml")
    }
    process = compile_process("review", given["review.bpmn"], forms, {})

    assert first_steps(given["review.bpmn"], process) == [FirstStep("ร่างแผน", "")]


@pytest.mark.parametrize("key", ["annual_cycle", "hearing", "budget_submission"])
def test_every_shipped_diagram_has_a_first_step(key: str) -> None:
    given = shipped_files()
    forms = {
        name.removesuffix(".yaml"): load_form(yaml.safe_load(text))
        for name, text in given.items()
        if name.endswith(".yaml")
    }
    decisions = {name.removesuffix(".dmn"): text for name, text in given.items() if name.endswith(".dmn")}
    process = compile_process(key, given[f"{key}.bpmn"], forms, decisions)

    steps = first_steps(given[f"{key}.bpmn"], process)

    assert steps
    assert {step.name for step in steps} <= {element.name for element in process.elements.values()}


def test_names_are_translated_for_those_who_read_english_and_left_alone_for_others() -> None:
    with Flask(__name__).test_request_context("/"):
        g.locale = "th"
        assert in_language(DRAWN.encode()) == DRAWN
        g.locale = "en"
        english = in_language(DRAWN.encode())

    assert "ผ่านแล้ว" not in english
    assert 'id="b" name="ไม่มีใครแปลคำนี้"' in english
    assert english.count("name=") == 2
