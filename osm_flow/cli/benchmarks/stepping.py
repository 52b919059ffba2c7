"""What a step costs late in a case's life, compared with early: it should not matter how much lies behind.

An early and a late state of the same process are stepped in turn, in one run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.cli.benchmarks.bench import OFFICE, Bench, ratio, spread, timed
from osm_flow.cli.benchmarks.diagrams import DIAGRAMS, MOST_STEPS, VALUES, files, process
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.states import WorkItemStatus
from osm_flow.engine import Process, recorded, step
from osm_flow.engine.stepper import LiveCase
from osm_flow.engine.values import CompleteTask, Start, Step
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, WorkItem

_CASE = "00000000-0000-4000-8000-000000000001"
EARLY = 10


def in_engine(bench: Bench) -> dict[str, Any]:
    """The engine alone: a stored state and a command give the next state."""
    figures: dict[str, Any] = {"early_steps": EARLY, "aim": 1.2}
    for key in DIAGRAMS:
        compiled = process(key)
        late = min(bench.size(2_000, 60), MOST_STEPS.get(key, 2_000))
        states = [_after(compiled, steps, bench.now()) for steps in (EARLY, late)]
        timings: tuple[list[float], list[float]] = ([], [])
        for _ in range(bench.size(300, 10)):
            for which, state in enumerate(states):
                timings[which].append(timed(_step, compiled, state, bench.now()))
        figures[key] = {
            "late_steps": late,
            "early": spread(timings[0]),
            "late": spread(timings[1]),
            "ratio": ratio(timings[1], timings[0]),
            "state_bytes": [len(state.snapshot) for state in states],
        }
    return figures


def _after(compiled: Process, steps: int, at: datetime) -> Step:
    live = LiveCase(compiled, _CASE)
    reached = live.advance(Start({"fy": 2571, "office": OFFICE}), at, recorded({}))
    for _ in range(steps):
        reached = live.advance(_completing(reached), at, recorded({}))
    return reached


def _step(compiled: Process, state: Step, at: datetime) -> Step:
    return step(compiled, _CASE, state.snapshot, _completing(state), at, recorded({}))


def _completing(state: Step) -> CompleteTask:
    open_tasks = [task for task in state.waiting if task.element != "waiting"]
    return CompleteTask(open_tasks[0].task_id, VALUES)


def through_operations(bench: Bench) -> dict[str, Any]:
    """Everything but the page: lock, rules, engine, journal, state, projections, commit with fsync."""
    late = bench.size(2_000, 40)
    with bench.office("step_operations") as office:
        actor = office.actor()
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
            cases = [begin(session, actor, bench.now()).id for _ in range(2)]
        for case_id, steps in zip(cases, (EARLY, late), strict=True):
            go_round(bench, office.store, case_id, actor, steps)
        timings: tuple[list[float], list[float]] = ([], [])
        for _ in range(bench.size(200, 6)):
            for which, case_id in enumerate(cases):
                timings[which].append(timed(go_round, bench, office.store, case_id, actor, 1))
    return {
        "early_steps": EARLY,
        "late_steps": late,
        "early": spread(timings[0]),
        "late": spread(timings[1]),
        "ratio": ratio(timings[1], timings[0]),
        "aim": 1.2,
    }


def begin(session: Session, actor: Actor, now: datetime) -> Case:
    """A case of the rework loop."""
    return start_case(session, "rework", actor, now, CaseStart(OFFICE, 2571, "เรื่องที่วัด", {}))


def go_round(bench: Bench, store: Any, case_id: str, actor: Actor, steps: int) -> None:
    """Complete the open work item of the case so many times, each in a transaction of its own."""
    for _ in range(steps):
        with store.transaction() as session:
            query = select(WorkItem.id).where(WorkItem.case_id == case_id, WorkItem.state == WorkItemStatus.READY)
            item_id = session.scalars(query).one()
            complete(session, item_id, actor, bench.now(), Completion.of(VALUES))
