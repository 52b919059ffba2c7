"""The measured processes: deployable, and loops that go on for as long as anybody goes round."""

from __future__ import annotations

from datetime import timedelta

import pytest

from osm_flow.cli.benchmarks.diagrams import DIAGRAMS, FORM, MOST_STEPS, TYPED, VALUES, files, process
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.forms.schema import fields_of
from osm_flow.domain.forms.typed_text import read_text
from osm_flow.domain.forms.values import validate
from osm_flow.engine import CompleteTask, Start, recorded
from osm_flow.engine.stepper import LiveCase
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.session import Store
from tests.factories import NOW


def test_they_are_deployed_without_a_complaint(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        done = deploy(session, files(*DIAGRAMS), SYSTEM, NOW)

        assert {definition.key for definition in done.definitions} == set(DIAGRAMS)
        assert done.warnings == []


def test_what_is_typed_is_what_the_form_takes_in() -> None:
    read = {name: read_text(field, TYPED[name]) for name, field in fields_of(FORM).items() if TYPED[name]}

    assert read == {**VALUES, "detail": VALUES["detail"].strip()}
    assert validate(FORM, VALUES) == {}


@pytest.mark.parametrize("key", DIAGRAMS)
def test_a_case_still_waits_after_many_steps(key: str) -> None:
    live = LiveCase(process(key), "00000000-0000-4000-8000-000000000001")
    reached = live.advance(Start({"fy": 2571}), NOW, recorded({}))

    for number in range(1, 25):
        open_tasks = [waiting for waiting in reached.waiting if waiting.element != "waiting"]
        command = CompleteTask(open_tasks[0].task_id, VALUES)
        reached = live.advance(command, NOW + timedelta(minutes=number), recorded({}))

    assert {waiting.kind for waiting in reached.waiting} == {"user"}
    assert not reached.ended


def test_the_loop_ends_when_somebody_is_late() -> None:
    live = LiveCase(process("rework"), "00000000-0000-4000-8000-000000000001")
    reached = live.advance(Start({"fy": 2571}), NOW, recorded({}))
    for late in (False, True):
        values = {**VALUES, "is_late": late}
        reached = live.advance(CompleteTask(reached.waiting[0].task_id, values), NOW, recorded({}))

    assert reached.waiting == ()


def test_no_more_steps_are_taken_than_there_are_instances() -> None:
    assert MOST_STEPS["sequential_instances"] < 1_000
    assert b"1000" in DIAGRAMS["sequential_instances"]
