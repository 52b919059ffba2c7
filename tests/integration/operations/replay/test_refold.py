"""Replaying a history whose records were written by more than one version of the engine."""

from __future__ import annotations

import random
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow import engine
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act, CaseStart
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine.values import Command, CompleteTask, FireTimer, Waiting
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger import case_journal
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, JournalRecord
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_office
from tests.unit.engine.models import Block, answers, first_answers, number, xml_of

EARLIER = "osm-flow 0.1.0/SpiffWorkflow 3.2.0"
TASK = Block("task")
# Children, instances, joins half filled, a reminder, a deadline: all that a state can hold when the version changes.
MODEL = number(
    Block(
        "par",
        [
            Block("seq", [Block("call", [Block("timed", [Block("task")])]), Block("side")]),
            Block("mi", [Block("sub", [Block("task")])], 2),
            Block("loop", [Block("inc", [Block("task"), Block("seq", [Block("task"), Block("task")])])]),
        ],
    )
)


def as_before_rules_had_a_number(monkeypatch: Any) -> None:
    """Let the product write as the version before rules 2 did."""
    monkeypatch.setattr(case_journal, "ENGINE_VERSION", EARLIER)
    monkeypatch.setattr(engine, "step", partial(engine.step, rules=1))


def open_in(store: Store) -> list[tuple[str, Waiting]]:
    """What the active cases wait for, oldest case first."""
    with store.reading() as session:
        return [
            (case.id, waiting)
            for case in session.scalars(select(Case).where(Case.state == "ACTIVE").order_by(Case.depth, Case.id))
            for waiting in engine.inspect(
                compiled(session, case.definition), case.id, stepping.state_of(session, case).snapshot
            )
            if waiting.kind in ("manual", "timer")
        ]


def take(store: Store, case_id: str, waiting: Waiting, turn: int, rng: random.Random) -> None:
    """Complete one task or fire one timer."""
    timed = waiting.kind == "timer"
    command: Command = (
        FireTimer(waiting.task_id)
        if timed
        else CompleteTask(waiting.task_id, {**answers(MODEL, rng), f"m{turn}": turn})
    )
    kind = RecordKind.timer_fired if timed else RecordKind.work_item_completed
    with store.transaction() as session:
        case = session.get_one(Case, case_id)
        stepping.apply(session, case, command, SYSTEM, later(turn), Act(kind, waiting.element, waiting.task_id))
    deliver_pending(store, later(turn), case_id)


@pytest.mark.parametrize("earlier", [1, 3, 5])
def test_a_case_begun_by_an_earlier_version_goes_on_and_is_proven_by_both_rules(
    store: Store, monkeypatch: Any, earlier: int
) -> None:
    """Each record is replayed by the rules that it names; what was open before the upgrade is open after it."""
    rng = random.Random(earlier)  # noqa: S311 - repeatable
    with monkeypatch.context() as before:
        as_before_rules_had_a_number(before)
        with store.transaction() as session:
            make_office(session)
            deploy(session, {"p.bpmn": xml_of(MODEL)}, SYSTEM, NOW)
            case_id = start_case(session, "p", SYSTEM, NOW, CaseStart(OFFICE, 2571, "เรื่อง", first_answers(MODEL))).id
        deliver_pending(store, NOW, case_id)
        for turn in range(1, earlier):
            take(store, *rng.choice(open_in(store)), turn, rng)
    known = open_in(store)
    first_case, first = known[0]
    take(store, first_case, first, earlier, rng)
    still = {waiting.task_id for _, waiting in open_in(store)}
    of_others = {waiting.task_id for _, waiting in known if waiting.element != first.element}
    assert of_others - {first.task_id} <= still | {w.task_id for _, w in known if w.attached_to == first.element}

    for turn in range(earlier + 1, 60):
        if not (waiting := open_in(store)):
            break
        take(store, *rng.choice(waiting), turn, rng)

    with store.reading() as session:
        found = dict(verify_all_deep(session))
        versions = set(session.execute(select(JournalRecord.engine_version).distinct()).scalars())
        states = set(session.scalars(select(Case.state)))
    assert {each: deep.faults for each, deep in found.items()} == {each: [] for each in found}
    assert all(deep.is_complete for deep in found.values())
    assert versions == {EARLIER, engine.ENGINE_VERSION}
    assert states == {"COMPLETED"}
