"""Tasks and workflows whose ids, order and times come from the case alone, so that a replay gives the very same state.

Ids are counters, timestamps are ticks, data are shared between tasks but never changed in place. Removing a task takes
its subprocess with it; the library would leave that running.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from osm_flow.domain.json import JSON, in_order
from osm_flow.engine.errors import EngineFault, ExpressionFault
from osm_flow.engine.expressions import COUNTING_FUNCTIONS, evaluate, fill
from osm_flow.engine.rules import DECIMALS, RULES, TOKENS
from osm_flow.engine.spiff.joins import LIVE, CountingJoin
from osm_flow.engine.spiff.tokens import adopt, send_on
from osm_flow.engine.values import Lookup, Thrown

MOST_TICKS = 200_000
MOST_LOOKS = 5_000_000


def external_id(case_id: str, task_id: int) -> str:
    """The id by which the rest of the product knows a task: from the case's id and the counted one."""
    return str(uuid5(UUID(case_id), str(task_id)))


class CaseTask(Task):  # type: ignore[misc]
    """A task of a case; its id and the time of its last change are counted, not drawn or read from a clock."""

    _state: int
    data: JSON

    def __init__(self, workflow: Any, task_spec: Any, parent: Any = None, state: int = TaskState.MAYBE) -> None:
        top = workflow.top_workflow
        super().__init__(workflow, task_spec, parent, state, top.next_id())
        self.last_state_change = top.tick()

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> CaseTask:
        if self.has_state(TaskState.PREDICTED_MASK) and state & TaskState.PREDICTED_MASK == 0:
            raise WorkflowException("Attempt to add non-predicted child to predicted task", task_spec=self.task_spec)
        task = CaseTask(self.workflow, task_spec, self, state=state)
        task.thread_id = self.thread_id
        if state == TaskState.READY:
            task._ready()
        return task

    def _set_state(self, value: int) -> None:
        if value == self._state:
            return
        was_live, self._state = self.has_state(LIVE), value
        top = self.workflow.top_workflow
        self.last_state_change = top.tick()
        self.workflow.note_state(self)
        if self.task_spec.bpmn_id is not None and (
            value == TaskState.COMPLETED or (value == TaskState.CANCELLED and was_live)
        ):
            top.passed.append((self.task_spec, value, self.internal_data.get("done")))

    def _inherit_data(self) -> None:
        # an instance of a multi-instance activity was given its data when it was made
        if "instance" not in self.internal_data:
            self.data = {**self.data, **self.parent.data}

    def complete(self) -> None:
        """Mark the task as completed and send its tokens on; by rules 1 as the library does."""
        if self.workflow.top_workflow.rules < TOKENS:
            super().complete()
            return
        self._set_state(TaskState.COMPLETED)
        self.task_spec._on_complete_hook(self)
        send_on(self)
        self.workflow._task_completed_notify(self)

    def set_data(self, **values: Any) -> None:
        """Change variables of the task in a copy, because tasks share their data."""
        self.data = {**self.data, **values}

    def cancel(self) -> None:
        """Cancel the task as the library does, and also what already lives below it: its subprocess and its events.

        The library would leave these running. What a non-interrupting boundary event has sent off lives on when the
        event stops waiting.
        """
        if self.has_state(TaskState.FINISHED_MASK):
            for child in self.children:
                child.cancel()
            return
        self._set_state(TaskState.CANCELLED)
        if isinstance(self.task_spec, BoundaryEvent):
            for child in self.children:
                if not child.triggered:
                    self.workflow._remove_task(child.id)
            self.workflow.top_workflow.event_manager.remove_task(self)
            return
        for child in self.children:
            if child.has_state(LIVE):
                child.cancel()
        self._drop_children()
        self.task_spec._on_cancel(self)


class ScriptEngine:
    """The evaluator that the library asks: expressions over the task's data and the case's calendar look-ups."""

    def __init__(self, lookup: Lookup | None) -> None:
        self.lookup = lookup

    def evaluate(self, task: Any, expression: str, external_context: Any = None) -> Any:
        """The value of an expression over the data of the task; the library asks so for the conditions of flows.

        A condition that gives a text is a fault from rules 2 on: every text but the empty one would count as true.
        """
        value = self.over(task, expression, task.data)
        is_condition = external_context is not None
        if is_condition and isinstance(value, str) and task.workflow.top_workflow.rules >= DECIMALS:
            reason = f"the condition {expression[:80]} gives the text {value[:40]!r}, not true or false: compare it"
            raise EngineFault(task.task_spec.bpmn_id or "", reason)
        return value

    def over(self, task: Any, expression: str, data: JSON, lookup: Lookup | None = None) -> Any:
        """The value of an expression over these data; a fault names the element of the task."""
        try:
            top = task.workflow.top_workflow
            return top.in_order(evaluate(expression, data, lookup or self.lookup, top.rules))
        except ExpressionFault as fault:
            raise EngineFault(task.task_spec.bpmn_id or "", str(fault)) from None

    def fill(self, task: Any, text: str) -> str:
        """A text with its `${…}` filled from the task's data."""
        try:
            return fill(text, task.data, self.lookup, task.workflow.top_workflow.rules)
        except ExpressionFault as fault:
            raise EngineFault(task.task_spec.bpmn_id or "", str(fault)) from None

    def evaluate_date(self, task: Any, expression: str) -> Any:
        """As `evaluate`, but a period counts from the moment when this task first asked for it.

        So that a date worked out anew, because the calendar moved, does not grow by the time that went by.
        """

        lookup = self.lookup
        if lookup is None:
            return self.evaluate(task, expression)

        def counted(name: str, args: tuple[Any, ...]) -> Any:
            if name not in COUNTING_FUNCTIONS:
                return lookup(name, args)
            known = task.internal_data.setdefault("counted", {})
            question = f"{name}({', '.join(map(str, args))})"
            if question not in known:
                known[question] = lookup(name, args)
            return known[question]

        return self.over(task, expression, task.data, counted)


def _plant(workflow: Any) -> None:
    workflow.task_tree = CaseTask(workflow, workflow.spec.start, state=TaskState.FUTURE)
    if workflow.top_workflow.rules < TOKENS:
        workflow.task_tree.task_spec._predict(workflow.task_tree, mask=TaskState.NOT_FINISHED_MASK)
    workflow.task_tree._ready()


class _Pruned:
    """A workflow in which the removal of a task also ends what the task waited for.

    It knows which of its tasks can run by themselves, which wait at a join, and where tokens are, so that no step looks
    for them.
    """

    runnable: set[int]
    at_joins: set[int]
    live: dict[Any, set[int]]

    def _begin_account(self) -> None:
        self.runnable, self.at_joins, self.live = set(), set(), {}

    def note_state(self, task: CaseTask) -> None:
        """Keep account of a task whose state has changed."""
        if task._state == TaskState.READY and not task.task_spec.manual:
            self.runnable.add(task.id)
        else:
            self.runnable.discard(task.id)
        if task._state == TaskState.WAITING and isinstance(task.task_spec, CountingJoin):
            self.at_joins.add(task.id)
        else:
            self.at_joins.discard(task.id)
        if task._state & LIVE:
            self.live.setdefault(task.task_spec, set()).add(task.id)
        elif task.task_spec in self.live:
            self.live[task.task_spec].discard(task.id)

    def forget(self, task_id: int) -> None:
        """Take a task out of the table and out of the account."""
        task = self.tasks.pop(task_id)  # type: ignore[attr-defined]
        if task.task_spec in self.live:
            self.live[task.task_spec].discard(task_id)
        self.runnable.discard(task_id)
        self.at_joins.discard(task_id)

    def _remove_task(self, task_id: int) -> None:
        # not by recursion as the library: a long diagram is a deep tree
        below = [task_id]
        for below_id in below:
            below += self.tasks[below_id]._children  # type: ignore[attr-defined]
        for below_id in reversed(below):
            self._remove_leaf(below_id)

    def _remove_leaf(self, task_id: int) -> None:
        task = self.tasks[task_id]  # type: ignore[attr-defined]
        top = task.workflow.top_workflow
        top.event_manager.remove_task(task)
        top.forget_subprocess(task_id)
        task.parent._children.remove(task_id)
        self.forget(task_id)
        self._task_removed_notify(task)  # type: ignore[attr-defined]

    def update_waiting_tasks(self) -> None:
        """By rules 1 let every waiting task look again whether it may go on; later joins are asked by `tokens`."""
        if self.top_workflow.rules >= TOKENS:  # type: ignore[attr-defined]
            return
        # by the table, not by walking the tree: the library's walk ends silently at depth 1,000
        for task in list(self.tasks.values()):  # type: ignore[attr-defined]
            if task.state == TaskState.WAITING and task.id in self.tasks:  # type: ignore[attr-defined]
                task.task_spec._update(task)


class CaseSubWorkflow(_Pruned, BpmnSubWorkflow):  # type: ignore[misc]
    """The library's workflow of a subprocess, made of our tasks."""

    def __init__(self, spec: Any, parent_task_id: int, top_workflow: Any, deserializing: bool = False) -> None:
        self._begin_account()
        super().__init__(spec, parent_task_id, top_workflow, deserializing=True)
        if not deserializing:
            _plant(self)


class CaseWorkflow(_Pruned, BpmnWorkflow):  # type: ignore[misc]
    """The library's workflow of a case, with a counter for ids, a counted clock and what the step sent out."""

    def __init__(
        self,
        spec: Any,
        subprocess_specs: Any,
        now: datetime,
        lookup: Lookup | None,
        deserializing: bool = False,
        *,
        rules: int = RULES,
    ) -> None:
        self._begin_account()
        self.rules = rules
        self.looked_at = 0
        self.counter = 0
        self.ticks = 0
        self.begun_at_tick = 0
        self.now = now
        self.passed: list[tuple[Any, int, int | None]] = []
        self.thrown: list[Thrown] = []
        self.last_end: str | None = None
        self.error_code: str | None = None
        super().__init__(spec, subprocess_specs, ScriptEngine(lookup), deserializing=True)
        if not deserializing:
            _plant(self)

    def begin_step(self, now: datetime, lookup: Lookup | None, rules: int = RULES) -> None:
        """Forget what the step before passed and threw, and ask this step's clock, calendar and rules.

        Raises EngineFault for rules older than those of the step before.
        """
        if rules < self.rules:
            raise EngineFault("", f"the state was made by rules {self.rules} of the engine, this step asks for {rules}")
        self.now = now
        self.begun_at_tick = self.ticks
        self.looked_at = 0
        self.script_engine.lookup = lookup
        self.passed, self.thrown = [], []
        if rules > self.rules:
            before, self.rules = self.rules, rules
            if before < TOKENS:
                adopt(self)

    def in_order(self, value: Any) -> Any:
        """The value as the state is to hold it: its names sorted, so that a kept and a loaded state are the same.

        By rules 1 as it came.
        """
        return in_order(value) if self.rules >= TOKENS else value

    def next_id(self) -> int:
        """The next id of a task."""
        self.counter += 1
        return self.counter

    def tick(self) -> int:
        """The next counted time. Raises EngineFault in a step that has no end: whatever it does, it counts."""
        self.ticks += 1
        if self.ticks - self.begun_at_tick > MOST_TICKS:
            raise EngineFault("", "it goes round without waiting for anybody")
        return self.ticks

    def look_at(self, tasks: int, element: str | None) -> None:
        """Count tasks that a join looks at. Raises EngineFault when a step looks at more than any honest one does."""
        self.looked_at += tasks
        if self.looked_at > MOST_LOOKS:
            raise EngineFault(element or "", "it goes round without waiting for anybody")

    def create_subprocess(self, my_task: Any, spec_name: str) -> CaseSubWorkflow:
        """Make the workflow of a subprocess and keep it under the id of its task."""
        subprocess = CaseSubWorkflow(self.subprocess_specs[spec_name], my_task.id, self)
        self.subprocesses[my_task.id] = subprocess
        return subprocess

    def forget_subprocess(self, task_id: int) -> None:
        """Drop the workflow of a subprocess with what it waits for."""
        subprocess = self.subprocesses.pop(task_id, None)
        if subprocess is not None:
            for task in list(subprocess.tasks.values()):
                self.event_manager.remove_task(task)
                self.forget_subprocess(task.id)

    def workflows(self) -> list[Any]:
        """The workflow of the case and those of its subprocesses."""
        return [self, *self.subprocesses.values()]

    def throw_out(self, kind: Any, name: str, element: str, data: JSON) -> None:
        """Note a message, signal or escalation that leaves the case with this step."""
        self.thrown.append(Thrown(kind, name, element, data))
