"""Activities: human tasks, services, decisions, child cases and subprocesses, with the attributes the diagram gave them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.decisions import evaluate_decision
from osm_flow.engine.errors import EngineFault, ExpressionFault
from osm_flow.engine.expressions import is_wrapped, names_in
from osm_flow.engine.spiff.events import filled_properties, instant_of


@dataclass(frozen=True)
class Mapping:
    """One camunda:in or camunda:out: everything, or one value under a name."""

    everything: bool
    target: str
    expression: str


@dataclass(frozen=True)
class Extra:
    """What the diagram says about an element beyond the library's own attributes."""

    element: str
    type: str
    name: str = ""
    lane: str | None = None
    documentation: str = ""
    properties: dict[str, str] = field(default_factory=dict)
    form_key: str | None = None
    assignee: str | None = None
    candidate_users: str | None = None
    candidate_groups: str | None = None
    due_date: str | None = None
    follow_up_date: str | None = None
    priority: str | None = None
    topic: str | None = None
    message: str | None = None
    called: str | None = None
    inputs: tuple[Mapping, ...] = ()
    outputs: tuple[Mapping, ...] = ()
    decision: str | None = None
    result_variable: str | None = None
    result_shape: str = "resultList"
    attached_to: str | None = None
    interrupting: bool = True

    @property
    def document(self) -> str | None:
        """The name under which the values of the element become one variable; None: each is a variable of its own."""
        return self.properties.get("document") or None


def _evaluate(task: Any, text: str) -> Any:
    return task.workflow.script_engine.evaluate(task, text)


def _value(task: Any, text: str | None) -> Any:
    """An attribute's value: an expression when it is wrapped as one, else the text with every `${…}` in it filled."""
    if text is None:
        return None
    return _evaluate(task, text) if is_wrapped(text) else task.workflow.script_engine.fill(task, text.strip())


def _people(task: Any, groups: str | None, users: str | None) -> list[str]:
    candidates: list[str] = []
    for text, prefix in ((groups, ""), (users, "user:")):
        value = _value(task, text)
        items = value if isinstance(value, list) else [part.strip() for part in str(value or "").split(",")]
        candidates += [f"{prefix}{item}" for item in items if item]
    return candidates


def _instant(task: Any, text: str | None) -> str | None:
    value = task.workflow.script_engine.evaluate_date(task, text) if text else None
    due = instant_of(value)
    return due.isoformat() if due else None


def note_attributes(my_task: Any) -> None:
    """Work out assignment, dates and properties when a task opens; they stay what they were until a replan."""
    extra: Extra = my_task.task_spec.extra
    try:
        notes: dict[str, Any] = {"candidates": _people(my_task, extra.candidate_groups, extra.candidate_users)}
        if extra.assignee:
            notes["assignee"] = str(_value(my_task, extra.assignee) or "") or None
        if extra.priority:
            notes["priority"] = _whole(_value(my_task, extra.priority))
        # what a person's work is about is only shown: a text that cannot be worked out stops nobody
        shown = "subject" if isinstance(my_task.task_spec, HumanTask | CallActivity) else None
        if filled := filled_properties(my_task, shown):
            notes["properties"] = filled
        notes.update(_dates(my_task))
    except (ValueError, TypeError) as fault:
        raise EngineFault(extra.element, str(fault)) from None
    my_task.internal_data["attributes"] = notes


def _whole(value: Any) -> int:
    """The priority as a whole number. Raises ValueError for what is none."""
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise ValueError(f"the priority {str(value)[:40]} is no whole number") from None


def _dates(my_task: Any) -> dict[str, str]:
    extra: Extra = my_task.task_spec.extra
    dates = {"due": _instant(my_task, extra.due_date), "follow_up": _instant(my_task, extra.follow_up_date)}
    return {k: v for k, v in dates.items() if v}


def replan_attributes(my_task: Any) -> None:
    """Work out the dates of an open task anew; candidates, priority and properties stay."""
    notes = {k: v for k, v in my_task.internal_data.get("attributes", {}).items() if k not in ("due", "follow_up")}
    my_task.internal_data["attributes"] = {**notes, **_dates(my_task)}


def put_values(my_task: Any, values: dict[str, Any]) -> None:
    """Make the values of a form variables, under the document of the task if it names one."""
    document = my_task.task_spec.extra.document
    values = my_task.workflow.top_workflow.in_order(values)
    my_task.data = {**my_task.data, **({document: values} if document else values)}


class HumanTask:
    """What user and manual tasks share: their attributes are worked out when they open."""

    extra: Extra

    def _on_ready_hook(self, my_task: Any) -> None:
        super()._on_ready_hook(my_task)  # type: ignore[misc]
        note_attributes(my_task)


class UserTask(HumanTask, defaults.UserTask):  # type: ignore[misc]
    """A user task: it waits for a person who completes its form."""


class ManualTask(HumanTask, defaults.ManualTask):  # type: ignore[misc]
    """A manual task: it waits for a person who says that it is done."""


class ServiceTask(BpmnSpecMixin):  # type: ignore[misc]
    """A service task: it waits until the operation behind its topic has answered."""

    extra: Extra

    def _run_hook(self, my_task: Any) -> None:
        note_attributes(my_task)


class BusinessRuleTask(BpmnSpecMixin):  # type: ignore[misc]
    """A business rule task: its decision table is evaluated over the variables and its result becomes variables."""

    extra: Extra
    table: bytes

    def _run_hook(self, my_task: Any) -> bool:
        try:
            rows = evaluate_decision(self.table, my_task.data, my_task.workflow.top_workflow.rules)
        except ExpressionFault as fault:
            raise EngineFault(self.bpmn_id, str(fault)) from None
        result = my_task.workflow.top_workflow.in_order(self._shaped(rows))
        if self.extra.result_variable:
            my_task.data = {**my_task.data, self.extra.result_variable: result}
        elif isinstance(result, dict):
            my_task.data = {**my_task.data, **result}
        return True

    def _shaped(self, rows: list[dict[str, Any]]) -> Any:
        shape = self.extra.result_shape
        if shape in ("singleEntry", "singleResult") and len(rows) > 1:
            raise EngineFault(self.bpmn_id, "more than one rule of the decision matched")
        if shape == "singleEntry":
            return next(iter(rows[0].values())) if rows else None
        if shape == "singleResult":
            return rows[0] if rows else {}
        if shape == "collectEntries":
            return [next(iter(row.values())) for row in rows]
        return rows


class CallActivity(BpmnSpecMixin):  # type: ignore[misc]
    """A call activity: it asks for a child case and waits for its end."""

    extra: Extra

    def _run_hook(self, my_task: Any) -> None:
        note_attributes(my_task)
        my_task.internal_data["input"] = mapped(my_task, self.extra.inputs, my_task.data)


def mapped(my_task: Any, mappings: tuple[Mapping, ...], source: dict[str, Any]) -> dict[str, Any]:
    """The variables that a case and its child hand over: everything when the diagram names none."""
    if not mappings:
        return dict(source)
    out: dict[str, Any] = {}
    for mapping in mappings:
        if mapping.everything:
            out.update(source)
        else:
            out[mapping.target] = my_task.workflow.script_engine.over(my_task, mapping.expression, source)
    return out


def mapped_as_far(my_task: Any, mappings: tuple[Mapping, ...], source: dict[str, Any]) -> dict[str, Any]:
    """As `mapped`, for a child that ended in an error: values that it never set are left out."""
    known = tuple(m for m in mappings if m.everything or names_in(m.expression) <= source.keys())
    return {} if mappings and not known else mapped(my_task, known, source)


class SubProcess(defaults.SubWorkflowTask):  # type: ignore[misc]
    """An embedded subprocess; it begins with the variables around it and hands its own back."""

    extra: Extra

    def copy_data(self, my_task: Any, subworkflow: Any) -> None:
        """Give the subprocess the variables around it."""
        subworkflow.task_tree.data = dict(my_task.data)

    def update_data(self, my_task: Any, subworkflow: Any) -> None:
        """Take the variables of the subprocess over."""
        my_task.data = dict(subworkflow.last_task.data)

    def start_workflow(self, my_task: Any) -> None:
        """Begin the subprocess at once, within the same step."""
        subworkflow = my_task.workflow.top_workflow.create_subprocess(my_task, self.spec)
        subworkflow.completed_event.connect(self._on_subworkflow_completed, my_task)
        self.copy_data(my_task, subworkflow)
        subworkflow.task_tree.run()

    def _on_subworkflow_completed(self, subworkflow: Any, my_task: Any) -> None:
        if my_task.state == TaskState.STARTED:
            super()._on_subworkflow_completed(subworkflow, my_task)
