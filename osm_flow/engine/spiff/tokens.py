"""How tokens move (BPMN 2.0.2, clause 13): what lives in a case is its tokens, and nothing is predicted.

A completed task sends a token along each flow it takes. Joins are asked when nothing else can run on, one firing at a
time, so that neither the order of flows in a file nor that of two branches within a step decides what a join sees.
Readings that the standard leaves open are in docs/engine.md. Histories of engine rules 1 never come here.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.spiff.joins import CountingJoin, EndJoin, InclusiveGateway, ParallelGateway, is_arrival

PREDICTED = TaskState.MAYBE | TaskState.LIKELY | TaskState.FUTURE


def send_on(my_task: Any) -> None:
    """Put a token on each flow that the completed task takes, in the order of the file, and let them arrive."""
    _end_watch(my_task)
    spec = my_task.task_spec
    outputs = spec.outputs
    taken = spec.ways_out(my_task) if hasattr(spec, "ways_out") else range(len(outputs))
    sent = []
    for index in taken:
        if isinstance(outputs[index], BoundaryEventJoin):
            continue
        sent.append(my_task._add_child(outputs[index], TaskState.FUTURE))
    for child in sent:
        if child.state == TaskState.FUTURE:
            child.task_spec._update(child)


def _end_watch(my_task: Any) -> None:
    """Cancel the events on the boundary of an activity that has completed."""
    parent = my_task.parent
    if parent is None or not isinstance(parent.task_spec, BoundaryEventSplit):
        return
    if not isinstance(my_task.task_spec, BoundaryEvent):
        for event in parent.children:
            if isinstance(event.task_spec, BoundaryEvent) and not event.has_state(TaskState.FINISHED_MASK):
                event.cancel()


def fire_a_join(top: Any) -> bool:
    """Fire one join that can fire, the innermost process first; False if none can."""
    for workflow in sorted(top.workflows(), key=lambda inner: -inner.depth):
        if not workflow.completed and _fire_in(workflow):
            return True
    return False


def _fire_in(workflow: Any) -> bool:
    tasks = [workflow.tasks[task_id] for task_id in workflow.at_joins]
    workflow.top_workflow.look_at(len(tasks), None)
    waiting = {task.task_spec.name: task.task_spec for task in tasks}
    # by kind: what a parallel gateway lets go may still be on its way to an inclusive one
    for kind in (ParallelGateway, InclusiveGateway, EndJoin):
        for name in sorted(waiting):
            join = waiting[name]
            if isinstance(join, kind) and join.can_fire(workflow):
                _fire(join, workflow)
                return True
    return False


def _fire(join: Any, workflow: Any) -> None:
    taken = join.taken_from(workflow)
    if not taken:
        raise EngineFault(join.bpmn_id or "", "a join cannot fire without a token")
    *others, newest = taken
    join.take(newest, taken)
    for task in others:
        task._set_state(TaskState.CANCELLED)
    newest._ready()


def adopt(top: Any) -> None:
    """Make a state of rules 1 one of tokens alone: drop what was predicted, let every unused arrival wait."""
    for workflow in top.workflows():
        _drop_predictions(workflow)
        for task in workflow.tasks.values():
            _adopt_arrival(task)


def _drop_predictions(workflow: Any) -> None:
    for task in list(workflow.tasks.values()):
        watch = isinstance(task.task_spec, BoundaryEventJoin) and not task.has_state(TaskState.FINISHED_MASK)
        if task.id in workflow.tasks and (task.has_state(PREDICTED) or watch):
            workflow._remove_task(task.id)


def _adopt_arrival(task: Any) -> None:
    spec = task.task_spec
    if not isinstance(spec, CountingJoin) or len(spec._inputs) < 2:
        return
    if task.state == TaskState.WAITING and "via" not in task.internal_data:
        spec.note_arrival(task)  # a token that a repeating event sent, which rules 1 forgot to count
    elif is_arrival(task) and task.state == TaskState.CANCELLED and not isinstance(spec, EndJoin):
        task._set_state(TaskState.WAITING)
