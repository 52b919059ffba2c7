"""Writing the state of a case as bytes and reading it back: only what is alive, the same bytes for the same state.

Data are kept as differences to the parent task. From rules 2 on all names are sorted: what was first in time or first
in a form is no part of a state. Nothing of the library's own serializer is used: a form field named
`typename` is just a field here.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import orjson
import zstandard
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.rules import RULES, TOKENS
from osm_flow.engine.spiff.deterministic import CaseSubWorkflow, CaseTask, CaseWorkflow
from osm_flow.engine.values import Lookup

FORMATS = tuple(range(1, RULES + 1))  # each is that of the rules of the same number
_LARGEST = 200_000_000


def _task_row(task: Any) -> list[Any]:
    parent = task.parent
    base = parent.data if parent is not None else {}
    data = task.data
    values = {k: v for k, v in data.items() if k not in base or (base[k] is not v and base[k] != v)}
    gone = [k for k in base if k not in data]
    if task.workflow.top_workflow.rules >= TOKENS:
        gone.sort()  # in which order a branch came to its variables must not be seen
    return [
        task.id,
        task._parent,
        task.task_spec.name,
        task._state,
        int(task.triggered),
        task.last_state_change,
        list(task._children),
        task.internal_data,
        values,
        gone,
    ]


def _workflow_row(workflow: Any) -> dict[str, Any]:
    return {
        "spec": workflow.spec.name,
        "parent": workflow.parent_task_id,
        "root": workflow.task_tree.id,
        "completed": workflow.completed,
        "last": workflow.last_task.id
        if workflow.last_task is not None and workflow.last_task.id in workflow.tasks
        else None,
        "tasks": [_task_row(task) for task in sorted(workflow.tasks.values(), key=_by_depth)],
    }


def _by_depth(task: Any) -> tuple[int, int]:
    depth, parent = 0, task.parent
    while parent is not None:
        depth, parent = depth + 1, parent.parent
    return depth, task.id


def freeze(workflow: CaseWorkflow, *, packing: bool = True) -> tuple[bytes, str]:
    """The snapshot (zstd; empty without packing, which a replay does not need) and the SHA-256 of what it holds."""
    state = {
        "format": workflow.rules,
        "counter": workflow.counter,
        "ticks": workflow.ticks,
        "end": workflow.last_end,
        "error": workflow.error_code,
        "workflows": [_workflow_row(w) for w in workflow.workflows()],
    }
    plain = orjson.dumps(state, option=orjson.OPT_SORT_KEYS if workflow.rules >= TOKENS else None)
    # The digest is over what the snapshot holds: a later zstd may compress the same state into other bytes.
    return zstandard.compress(plain, 3) if packing else b"", hashlib.sha256(plain).hexdigest()


def digest_of(snapshot: bytes) -> str:
    """The SHA-256 of what a snapshot holds, however it is compressed; an empty text for bytes that are no snapshot."""
    try:
        return hashlib.sha256(_opened(snapshot)).hexdigest()
    except zstandard.ZstdError:
        return ""


def _opened(snapshot: bytes) -> bytes:
    return zstandard.decompress(snapshot, max_output_size=_LARGEST)


def thaw(snapshot: bytes, spec: Any, subprocess_specs: Any, now: datetime, lookup: Lookup | None) -> CaseWorkflow:
    """The workflow that a snapshot holds. Raises EngineFault for bytes of another format."""
    state = orjson.loads(_opened(snapshot))
    if state["format"] not in FORMATS:
        raise EngineFault("", f"the stored state has format {state['format']}, none of {FORMATS}")
    rows = state["workflows"]
    top = CaseWorkflow(spec, subprocess_specs, now, lookup, deserializing=True, rules=state["format"])
    _fill(top, rows[0])
    for row in rows[1:]:
        workflow = CaseSubWorkflow.__new__(CaseSubWorkflow)
        top.subprocesses[row["parent"]] = workflow
        CaseSubWorkflow.__init__(workflow, subprocess_specs[row["spec"]], row["parent"], top, deserializing=True)
        _fill(workflow, row)
        task = top.get_task_from_id(row["parent"])
        workflow.completed_event.connect(task.task_spec._on_subworkflow_completed, task)
    for workflow in top.workflows():
        for task in workflow.tasks.values():
            if task.state == TaskState.WAITING and hasattr(task.task_spec, "event_definition"):
                top.event_manager.add_task(task)
    top.counter, top.ticks = state["counter"], state["ticks"]
    top.last_end, top.error_code = state["end"], state["error"]
    return top


def _fill(workflow: Any, row: dict[str, Any]) -> None:
    specs = workflow.spec.task_specs
    for task_id, parent_id, name, state, triggered, changed, children, notes, values, gone in row["tasks"]:
        task = CaseTask.__new__(CaseTask)
        task.id, task.workflow, task._parent, task._children, task._state = (
            task_id,
            workflow,
            parent_id,
            children,
            state,
        )
        task.triggered, task.task_spec, task.thread_id = bool(triggered), specs[name], 0
        task.internal_data, task.last_state_change = notes, changed
        base = workflow.tasks[parent_id].data if parent_id is not None else {}
        task.data = {**({k: v for k, v in base.items() if k not in gone} if gone else base), **values}
        workflow.tasks[task_id] = task
        workflow.note_state(task)
    workflow.tasks = dict(
        sorted(workflow.tasks.items())
    )  # the order of their making, in which the engine looks at them
    workflow.task_tree = workflow.tasks[row["root"]]
    workflow.completed = row["completed"]
    workflow.last_task = workflow.tasks.get(row["last"])
