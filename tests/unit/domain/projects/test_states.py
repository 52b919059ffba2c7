"""The list of states of a project, and the steps between them."""

from __future__ import annotations

import itertools

import pytest

from osm_flow.domain.projects.states import (
    ENDED,
    NOT_LIVE,
    OF_STAGE,
    PLANNED,
    PROJECT_STATES,
    may_step,
    state_name,
    state_tone,
)
from osm_flow.domain.states import ProjectState

# As the list of the office has it, from the concept to the end.
COURSE = (
    "concept in_plan endorsed y1 requested in_act allotted procuring signed working accepted paid handed_over closed"
)


def test_a_project_passes_the_list_from_the_concept_to_the_end() -> None:
    states = COURSE.split()

    assert [pair for pair in itertools.pairwise(states) if not may_step(*pair)] == []


def test_every_state_has_a_name_in_both_languages_and_a_look() -> None:
    for state in ProjectState:
        assert state in PROJECT_STATES
        assert state_name(state) != state
        assert state_name(state, "en") != state
        assert state_tone(state) in ("ok", "info", "warn", "late", "off")


def test_nothing_leaves_an_end_and_nothing_goes_back_from_the_request() -> None:
    course = COURSE.split()[4:]
    for number, state in enumerate(course):
        assert [earlier for earlier in course[: number + 1] if may_step(state, earlier)] == [], state
    for state in ENDED:
        assert [wanted for wanted in ProjectState if may_step(state, wanted)] == []


@pytest.mark.parametrize("wanted", [ProjectState.supported, ProjectState.rejected, "สถานะอื่น", ""])
def test_nothing_steps_into_what_the_list_does_not_have(wanted: str) -> None:
    assert [state for state in ProjectState if may_step(state, wanted)] == []


def test_a_result_comes_before_the_request_and_a_refusal_also_after_it() -> None:
    for state in (*PLANNED, ProjectState.y1, ProjectState.y2, ProjectState.n):
        assert all(may_step(state, result) for result in ("y1", "y2", "n"))
    assert may_step("requested", "n")
    assert not may_step("requested", "y1")
    assert not may_step("in_act", "n")


def test_what_is_only_planned_is_reported_on_by_nobody() -> None:
    assert set(PLANNED) <= set(NOT_LIVE)
    assert set(OF_STAGE.values()).isdisjoint(NOT_LIVE)
