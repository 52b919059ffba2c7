"""Events: timers that fire when told, messages, and errors and escalations that look for their catcher scope by scope."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import (
    ErrorEventDefinition,
    EscalationEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition, TerminateEventDefinition
from SpiffWorkflow.bpmn.specs.mixins import BpmnSpecMixin
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.joins import changed

_DURATION = re.compile(
    r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_CYCLE = re.compile(r"^R(\d*)/(P.+)$")
_ISO_START = re.compile(r"^(R\d*/)?P|^\d{4}-")


def add_duration(start: datetime, text: str) -> datetime:
    """`start` plus an ISO 8601 duration; months keep the day where the month has it, else its last day."""
    match = _DURATION.match(text.strip().upper())
    if not match or text.strip().upper() in ("P", "PT") or text.strip().upper().endswith("T"):
        raise ValueError(f"{text} is not an ISO 8601 duration")
    years, months, weeks, days, hours, minutes = (int(g or 0) for g in match.groups()[:6])
    month = start.month - 1 + months + 12 * years
    year, month = start.year + month // 12, month % 12 + 1
    day = min(start.day, (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day)
    moved = start.replace(year=year, month=month, day=day)
    return moved + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=float(match.group(7) or 0))


def split_cycle(text: str) -> tuple[int | None, str]:
    """How often (None: for ever) and how long between. Raises ValueError for what never comes or never stops coming."""
    match = _CYCLE.match(text.strip().upper())
    if not match:
        raise ValueError(f"{text} is not a repetition such as R3/P1D")
    turns = int(match.group(1)) if match.group(1) else None
    start = datetime(2026, 1, 1, tzinfo=UTC)
    if turns == 0 or add_duration(start, match.group(2)) <= start:
        raise ValueError(f"{text} repeats nothing, or without a pause")
    return turns, match.group(2)


def is_time_literal(text: str) -> bool:
    return bool(_ISO_START.match(text.strip()))


def _value(task: Any, text: str) -> Any:
    """A literal is itself; anything else is an expression."""
    return text.strip() if is_time_literal(text) else task.workflow.script_engine.evaluate_date(task, text)


def instant_of(value: Any) -> datetime | None:
    """The instant that a date expression gave; null means: not known yet. Raises ValueError without an offset."""
    if value is None:
        return None
    instant = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    if instant.tzinfo is None:
        raise ValueError(f"{value} does not say its offset from UTC")
    return instant.astimezone(UTC)


class Timer(EventDefinition):  # type: ignore[misc]
    """A timer of one of the three kinds. It notes its due time when it begins to wait and fires only when told."""

    def __init__(self, name: str, kind: str, expression: str) -> None:
        super().__init__(name)
        self.kind = kind
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def has_fired(self, my_task: Any) -> bool:
        if "due" not in my_task.internal_data:
            self.schedule(my_task)
        return bool(my_task.internal_data.get("event_fired", False))

    def schedule(self, my_task: Any) -> None:
        """Work out the due time anew; raises EngineFault when the expression gives no time."""
        top = my_task.workflow.top_workflow
        notes = my_task.internal_data
        try:
            value = _value(my_task, self.expression)
            if self.kind == "timeDate":
                due = instant_of(value)
            elif self.kind == "timeDuration":
                since = instant_of(notes.setdefault("since", top.now.isoformat())) or top.now
                due = add_duration(since, str(value))
            else:
                due = self._next_turn(notes, top.now, str(value))
        except (ValueError, TypeError, OverflowError) as fault:
            raise EngineFault(my_task.task_spec.bpmn_id, str(fault)) from None
        notes["due"] = due.isoformat() if due else None

    def _next_turn(self, notes: dict[str, Any], now: datetime, text: str) -> datetime:
        turns, notes["cycle"] = split_cycle(text)
        notes.setdefault("turns", turns)
        return add_duration(now, notes["cycle"])

    def depends_on_calendar(self) -> bool:
        return self.kind == "timeDate" and not is_time_literal(self.expression)


def filled_properties(my_task: Any, shown: str | None = None) -> dict[str, str]:
    """The properties of a task's element that hold expressions, worked out; the `shown` one is empty where it cannot be."""
    extra, engine = my_task.task_spec.extra, my_task.workflow.script_engine
    filled = {}
    for key, text in extra.properties.items():
        if "${" in text:
            try:
                filled[key] = engine.fill(my_task, text)
            except EngineFault:
                if key != shown:
                    raise
                filled[key] = ""
    return filled


class Catching:
    """A catching event that stays put until it is told, and then is caught by nobody else."""

    extra: Any

    def _update_hook(self, my_task: Any) -> bool | None:
        my_task._inherit_data()
        if isinstance(self.event_definition, NoneEventDefinition):  # type: ignore[attr-defined]
            return True
        if my_task.state != TaskState.WAITING and not my_task.has_state(TaskState.FINISHED_MASK):
            my_task._set_state(TaskState.WAITING)
        if "attributes" not in my_task.internal_data and (filled := filled_properties(my_task)):
            my_task.internal_data["attributes"] = {"properties": filled}
        if self.event_definition.has_fired(my_task):  # type: ignore[attr-defined]
            return True
        my_task.workflow.top_workflow.event_manager.add_task(my_task)
        return None

    def _predict_hook(self, my_task: Any) -> None:
        if not self.repeats():
            super()._predict_hook(my_task)  # type: ignore[misc]

    def repeats(self) -> bool:
        return False

    def _run_hook(self, my_task: Any) -> bool:
        take_payload(my_task)
        return True


def take_payload(my_task: Any) -> None:
    payload = my_task.internal_data.pop("payload", None)
    if payload:
        document = getattr(my_task.task_spec.extra, "document", None)
        my_task.data = {**my_task.data, **({document: payload} if document else payload)}


class StartEvent(Catching, defaults.StartEvent):  # type: ignore[misc]
    def _update_hook(self, my_task: Any) -> bool | None:
        # the message that starts a case has come before there was a case to wait for it
        if isinstance(self.event_definition, MessageEventDefinition):
            my_task._inherit_data()
            return True
        return super()._update_hook(my_task)


class IntermediateCatchEvent(Catching, defaults.IntermediateCatchEvent):  # type: ignore[misc]
    def _on_ready_hook(self, my_task: Any) -> None:
        super()._on_ready_hook(my_task)
        settle_race(my_task)


class ReceiveTask(Catching, defaults.ReceiveTask):  # type: ignore[misc]
    def _on_ready_hook(self, my_task: Any) -> None:
        super()._on_ready_hook(my_task)
        settle_race(my_task)


class EventBasedGateway(BpmnSpecMixin):  # type: ignore[misc]
    """Passes at once; the events after it race, and the first one ends the others."""


def settle_race(my_task: Any) -> None:
    if isinstance(my_task.parent.task_spec, EventBasedGateway):
        for other in my_task.parent.children:
            if other is not my_task and other.has_state(TaskState.NOT_FINISHED_MASK):
                other.cancel()


class BoundaryEvent(Catching, defaults.BoundaryEvent):  # type: ignore[misc]
    def repeats(self) -> bool:
        """A non-interrupting event may happen again while its activity goes on; a duration or a date comes once."""
        if self.cancel_activity:
            return False
        return not isinstance(self.event_definition, Timer) or self.event_definition.kind == "timeCycle"

    def branch_off(self, my_task: Any) -> None:
        """Send a token down the event's own path and keep waiting."""
        before = my_task.data
        take_payload(my_task)
        top = my_task.workflow.top_workflow
        top.passed.append((self, TaskState.COMPLETED, None))
        for output in self.outputs:
            if isinstance(output, BoundaryEventJoin):
                continue
            child = my_task._add_child(output, TaskState.FUTURE)
            child.triggered = True
            child.task_spec._predict(child, mask=TaskState.NOT_FINISHED_MASK)
            child.data = dict(my_task.data)
            child.task_spec._update(child)
        my_task.data = before


def fire(my_task: Any, payload: dict[str, Any] | None = None) -> None:
    """The event happens to the task that waits for it; a task that waits no more lets it pass."""
    if my_task.state != TaskState.WAITING:
        return
    notes = my_task.internal_data
    if payload:
        notes["payload"] = payload
    spec = my_task.task_spec
    if isinstance(spec, BoundaryEvent) and spec.repeats():
        turns = notes.get("turns")
        spec.branch_off(my_task)
        if "cycle" in notes:
            notes["turns"] = None if turns is None else turns - 1
            notes["due"] = add_duration(_due(my_task), notes["cycle"]).isoformat()
            if notes["turns"] == 0:
                my_task.cancel()
        return
    notes["event_fired"] = True
    if isinstance(spec, BoundaryEvent) and spec.cancel_activity:
        _interrupt(my_task)
    spec._update(my_task)


def _interrupt(event: Any) -> None:
    """End the activity and its other events at once, so that nothing in it runs on within the step."""
    for other in event.parent.children:
        if other is not event and other.has_state(TaskState.NOT_FINISHED_MASK):
            other.cancel()


def _due(my_task: Any) -> datetime:
    due = instant_of(my_task.internal_data["due"])
    return due if due is not None else my_task.workflow.top_workflow.now


# ---- errors and escalations ------------------------------------------------------------------------------------


def catcher_of(my_task: Any, kind: type[EventDefinition], code: str | None) -> Any:
    """The waiting boundary event on the nearest enclosing activity that catches this code, or None."""
    scope = my_task
    while scope is not None:
        is_instance = scope.triggered and isinstance(scope.parent.task_spec, LoopTask)
        activity = scope.parent if is_instance else scope
        split = activity.parent
        if isinstance(split.task_spec, BoundaryEventSplit):
            events = [e for e in split.children if type(getattr(e.task_spec, "event_definition", None)) is kind]
            for wanted in (code, None):
                for event in events:
                    if event.state == TaskState.WAITING and event.task_spec.event_definition.code == wanted:
                        return event
        parent_id = scope.workflow.parent_task_id
        scope = my_task.workflow.top_workflow.get_task_from_id(parent_id) if parent_id is not None else None
    return None


def raise_error(my_task: Any, code: str | None) -> None:
    """A BPMN error at the task: the nearest boundary event catches it; uncaught, it ends the case with its code."""
    top = my_task.workflow.top_workflow
    event = catcher_of(my_task, ErrorEventDefinition, code)
    if event is not None:
        fire(event, changed_in_scope(my_task.data, event))
        return
    top.error_code = code or "error"
    top.last_end = my_task.task_spec.bpmn_id
    owner = my_task
    while owner.workflow is not top:
        owner = top.get_task_from_id(owner.workflow.parent_task_id)
    owner.data, top.last_task = my_task.data, owner
    for workflow in top.workflows():
        for task in list(workflow.tasks.values()):
            if task.has_state(TaskState.READY | TaskState.WAITING | TaskState.STARTED):
                task.cancel()
        workflow.completed = True


def changed_in_scope(known: dict[str, Any], event: Any) -> dict[str, Any]:
    """What the throwing task knew that the boundary event's path should see."""
    return changed(event.parent.data, known)


def raise_escalation(my_task: Any, code: str | None, known: dict[str, Any]) -> None:
    """A BPMN escalation at the task: the nearest boundary event catches it; uncaught, it leaves the case."""
    event = catcher_of(my_task, EscalationEventDefinition, code)
    if event is not None:
        fire(event, changed_in_scope(known, event))
    else:
        top = my_task.workflow.top_workflow
        top.throw_out("escalation", code or "", my_task.task_spec.bpmn_id, dict(known))


class Throwing:
    """A throwing event: messages and signals leave the case, escalations and errors look for their catcher."""

    extra: Any

    def _run_hook(self, my_task: Any) -> bool:
        definition = self.event_definition  # type: ignore[attr-defined]
        top = my_task.workflow.top_workflow
        if isinstance(definition, MessageEventDefinition):
            payload = self.payload(my_task)
            if not deliver_inside(top, definition.name, payload):
                top.throw_out("message", definition.name, self.bpmn_id, payload)  # type: ignore[attr-defined]
        elif isinstance(definition, SignalEventDefinition):
            top.throw_out("signal", definition.name, self.bpmn_id, self.payload(my_task))  # type: ignore[attr-defined]
        elif isinstance(definition, EscalationEventDefinition):
            raise_escalation(my_task, definition.code, my_task.data)
        return True

    def payload(self, my_task: Any) -> dict[str, Any]:
        text = self.extra.properties.get("payload") if self.extra else None
        if text is None:
            return dict(my_task.data)
        value = my_task.workflow.script_engine.evaluate(my_task, text)
        if not isinstance(value, dict):
            raise EngineFault(self.bpmn_id, "the payload of a message must be an object")  # type: ignore[attr-defined]
        return value


def deliver_inside(top: Any, name: str, payload: dict[str, Any]) -> bool:
    """Hand a thrown message to the events of the same case that wait for it; False if there are none."""
    waiting = [
        t
        for t in sorted(top.event_manager.tasks.values(), key=lambda t: t.id)
        if isinstance(t.task_spec.event_definition, MessageEventDefinition)
        and t.task_spec.event_definition.name == name
    ]
    for task in waiting:
        fire(task, payload)
    return bool(waiting)


class IntermediateThrowEvent(Throwing, defaults.IntermediateThrowEvent):  # type: ignore[misc]
    pass


class SendTask(Throwing, defaults.SendTask):  # type: ignore[misc]
    pass


class EndEvent(Throwing, defaults.EndEvent):  # type: ignore[misc]
    def _on_complete_hook(self, my_task: Any) -> None:
        top = my_task.workflow.top_workflow
        definition = self.event_definition
        if my_task.workflow is top:
            top.last_end = self.bpmn_id
        if isinstance(definition, ErrorEventDefinition):
            self._end_in_error(my_task, definition.code)
        elif isinstance(definition, TerminateEventDefinition):
            self._terminate(my_task)

    def _end_in_error(self, my_task: Any, code: str | None) -> None:
        workflow = my_task.workflow
        for task in list(workflow.tasks.values()):
            if task is not my_task and task.id in workflow.tasks and task.has_state(TaskState.NOT_FINISHED_MASK):
                task.cancel()
        raise_error(my_task, code)

    def _terminate(self, my_task: Any) -> None:
        workflow = my_task.workflow
        for task in list(workflow.tasks.values()):
            if task is not my_task and task.id in workflow.tasks and task.has_state(TaskState.NOT_FINISHED_MASK):
                task.cancel()
        workflow.completed = True  # the library announces it when this task's completion is noted
