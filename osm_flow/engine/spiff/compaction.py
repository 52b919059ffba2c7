"""Removing finished tasks that no later step can see, so that a step costs the same early and late in a case's life.

Kept: unfinished tasks, the newest task, arrivals that no join has used, and the ancestors of these, down to the forks
whose data a join needs. Everything else finished goes; a finished ancestor with one child is spliced out.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.rules import ENDS, TOKENS
from osm_flow.engine.spiff.joins import EndJoin, changed, is_arrival

FINISHED = TaskState.FINISHED_MASK


def compact(top: Any) -> None:
    """Remove from the workflow every finished task that no later step can see."""
    for task_id in list(top.subprocesses):
        if task_id in top.subprocesses:
            owner = top.get_task_from_id(task_id)
            if owner is None or owner.has_state(FINISHED):
                top.forget_subprocess(task_id)
    for workflow in top.workflows():
        live, pinned = _alive(workflow)
        _drop_dead(workflow, live)
        _splice(workflow, pinned)


def _alive(workflow: Any) -> tuple[set[int], set[int]]:
    live: set[int] = set()
    pinned: set[int] = set()
    for task in workflow.tasks.values():
        arrival = is_arrival(task) and _joins(task) and not _says_nothing(task)
        if arrival or (isinstance(task.task_spec, LoopTask) and not task.has_state(FINISHED)):
            pinned.add(task._parent)  # its data are compared with later
        if arrival or task is workflow.last_task or not task.has_state(FINISHED):
            while task is not None and task.id not in live:
                live.add(task.id)
                task = task.parent
    return live, pinned


def _joins(arrival: Any) -> bool:
    """Whether other tokens may come to the join: by another flow, or to the end of a process by the same one."""
    # Rules 1 forgot that several tokens can come to one end, and lost what all but the last of them had brought.
    several = isinstance(arrival.task_spec, EndJoin) and arrival.workflow.top_workflow.rules >= TOKENS
    return several or len(arrival.task_spec._inputs) > 1


def _says_nothing(arrival: Any) -> bool:
    """Whether the task is the end of a side branch that changed no value."""
    # Keeping such ends would make a step dearer with every reminder that was sent, for as long as the case lives.
    if not isinstance(arrival.task_spec, EndJoin) or not arrival.has_state(TaskState.CANCELLED):
        return False
    # An activity has its instances beside what comes after it, and took over what they wrote: it is no fork.
    sees_instances = arrival.workflow.top_workflow.rules < ENDS
    branch = arrival.parent
    while branch.parent is not None and _ways_from(branch.parent, sees_instances) == 1:
        branch = branch.parent
    return branch.parent is not None and not changed(branch.parent.data, arrival.parent.data)


def _ways_from(task: Any, sees_instances: bool) -> int:
    return sum(sees_instances or not child.triggered for child in task.children)


def _drop_dead(workflow: Any, live: set[int]) -> None:
    for task in list(workflow.tasks.values()):
        if task.id not in workflow.tasks or task.id in live or task is workflow.task_tree:
            continue
        if _watches(workflow, task.parent):
            continue
        workflow._remove_task(task.id)


def _splice(workflow: Any, pinned: set[int]) -> None:
    for task in list(workflow.tasks.values()):
        if not _may_be_spliced(workflow, task, pinned):
            continue
        child, parent = task.children[0], task.parent
        parent._children[parent._children.index(task.id)] = child.id
        child._parent = parent.id
        workflow.forget(task.id)


def _may_be_spliced(workflow: Any, task: Any, pinned: set[int]) -> bool:
    if task.state != TaskState.COMPLETED or task is workflow.task_tree or task is workflow.last_task:
        return False
    if task.triggered or len(task._children) != 1 or task.id in pinned:
        return False
    if _watches(workflow, task) or _is_watched(workflow, task):
        return False
    child = task.children[0]
    waits_for_split = isinstance(child.task_spec, BoundaryEventJoin) and not child.has_state(FINISHED)
    return not (child.state < TaskState.READY or child.triggered or waits_for_split or _is_end_arrival(child))


def _is_end_arrival(task: Any) -> bool:
    return isinstance(task.task_spec, EndJoin) and not task.has_state(FINISHED)


def _watches(workflow: Any, task: Any) -> bool:
    """Whether the task is a boundary split that rules 1 still need; later an activity itself ends its events."""
    if workflow.top_workflow.rules >= TOKENS:
        return False
    return isinstance(task.task_spec, BoundaryEventSplit) and _is_open(task)


def _is_watched(workflow: Any, task: Any) -> bool:
    """Whether events wait beside the task: what came after it must not take its place at their activity."""
    if workflow.top_workflow.rules < TOKENS or not isinstance(task.parent.task_spec, BoundaryEventSplit):
        return False
    return any(isinstance(t.task_spec, BoundaryEvent) and t.state == TaskState.WAITING for t in task.parent.children)


def _is_open(split: Any) -> bool:
    """Whether a boundary split is still needed: its join has not fired yet."""
    todo = list(split.children)
    while todo:
        task = todo.pop()
        spec = task.task_spec
        if isinstance(spec, BoundaryEventJoin) and spec.split_task == split.task_spec.name:
            if task.state == TaskState.COMPLETED:
                return False
            continue
        todo.extend(task.children)
    return True
