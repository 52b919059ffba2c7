"""Events of BPMN: timers, messages, errors and escalations, and which event catches what is thrown."""

from __future__ import annotations

import re
from datetime import MAXYEAR, UTC, datetime, timedelta
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
from osm_flow.engine.rules import TOKENS
from osm_flow.engine.spiff.joins import changed
from osm_flow.engine.spiff.tokens import send_on

_DURATION = re.compile(
    r"^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_CYCLE = re.compile(r"^R(\d*)/(P.+)$")
_ISO_START = re.compile(r"^(R\d*/)?P|^\d{4}-")


def add_duration(start: datetime, text: str) -> datetime:
    """The instant an ISO 8601 duration after `start`; months keep the day where the month has it, else its last day."""
    match = _DURATION.match(text.strip().upper())
    if not match or text.strip().upper() in ("P", "PT") or text.strip().upper().endswith("T"):
        raise ValueError(f"{text} is not an ISO 8601 duration")
    years, months, weeks, days, hours, minutes = (int(g or 0) for g in match.groups()[:6])
    month = start.month - 1 + months + 12 * years
    year, month = start.year + month // 12, month % 12 + 1
    if year >= MAXYEAR:
        raise OverflowError
    day = min(start.day, (datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day)
    moved = start.replace(year=year, month=month, day=day)
    return moved + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=float(match.group(7) or 0))


def split_cycle(text: str) -> tuple[int | None, str]:
    """The number of turns (None: for ever) and the duration between them. Raises ValueError for none or no pause."""
    match = _CYCLE.match(text.strip().upper())
    if not match:
        raise ValueError(f"{text} is not a repetition such as R3/P1D")
    turns = int(match.group(1)) if match.group(1) else None
    start = datetime(2026, 1, 1, tzinfo=UTC)
    if turns == 0 or add_duration(start, match.group(2)) <= start:
        raise ValueError(f"{text} repeats nothing, or without a pause")
    return turns, match.group(2)


def is_time_literal(text: str) -> bool:
    """Whether the text is a date, duration or repetition itself, and no expression."""
    return bool(_ISO_START.match(text.strip()))


def _value(task: Any, text: str) -> Any:
    """The value of a time expression; a literal is its own value."""
    return text.strip() if is_time_literal(text) else task.workflow.script_engine.evaluate_date(task, text)


def instant_of(value: Any) -> datetime | None:
    """The instant that a date expression gave; None: not known yet. Raises ValueError for no date, or without an offset."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"{str(value)[:80]} is no date such as 2026-11-20T09:00:00+07:00") from None
    if instant.tzinfo is None:
        raise ValueError(f"{value} does not say its offset from UTC")
    return instant.astimezone(UTC)


class TimerDefinition(EventDefinition):  # type: ignore[misc]
    """A timer event. It notes its due time when it begins to wait, and fires only when a command says so."""

    def __init__(self, name: str, kind: str, expression: str) -> None:
        super().__init__(name)
        self.kind = kind
        self.expression = expression

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__

    def has_fired(self, my_task: Any) -> bool:
        """Whether the timer of this task has fired; works out its due time at the first question."""
        if "due" not in my_task.internal_data:
            self.schedule(my_task)
        return bool(my_task.internal_data.get("event_fired", False))

    def schedule(self, my_task: Any) -> None:
        """Work out the due time anew. Raises EngineFault when the expression gives no time."""
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
        except OverflowError:
            raise EngineFault(my_task.task_spec.bpmn_id, "the time is too far away") from None
        except (ValueError, TypeError) as fault:
            raise EngineFault(my_task.task_spec.bpmn_id, str(fault)) from None
        notes["due"] = due.isoformat() if due else None

    def _next_turn(self, notes: dict[str, Any], now: datetime, text: str) -> datetime:
        turns, notes["cycle"] = split_cycle(text)
        notes.setdefault("turns", turns)
        return add_duration(now, notes["cycle"])

    def depends_on_calendar(self) -> bool:
        """Whether a move of the calendar can change the due time."""
        return self.kind == "timeDate" and not is_time_literal(self.expression)


def filled_properties(my_task: Any, shown: str | None = None) -> dict[str, str]:
    """The properties of a task that hold expressions, worked out; the `shown` one is empty where it cannot be."""
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
    """What catching events share: each waits until a command tells it, and one message is caught by one event."""

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
        """Whether the event can happen more than once while it waits."""
        return False

    def _run_hook(self, my_task: Any) -> bool:
        take_payload(my_task)
        return True


def take_payload(my_task: Any) -> None:
    """Make the payload of a message variables, under the document of the event if it names one."""
    payload = my_task.workflow.top_workflow.in_order(my_task.internal_data.pop("payload", None))
    if payload:
        document = getattr(my_task.task_spec.extra, "document", None)
        my_task.data = {**my_task.data, **({document: payload} if document else payload)}


class StartEvent(Catching, defaults.StartEvent):  # type: ignore[misc]
    """A start event; a message that starts a case has come before the case was there."""

    def _update_hook(self, my_task: Any) -> bool | None:
        # the message that starts a case has come before there was a case to wait for it
        if isinstance(self.event_definition, MessageEventDefinition):
            my_task._inherit_data()
            return True
        return super()._update_hook(my_task)


class IntermediateCatchEvent(Catching, defaults.IntermediateCatchEvent):  # type: ignore[misc]
    """A catching event on the flow."""

    def _on_ready_hook(self, my_task: Any) -> None:
        super()._on_ready_hook(my_task)
        settle_race(my_task)


class ReceiveTask(Catching, defaults.ReceiveTask):  # type: ignore[misc]
    """A receive task: it waits for its message as a catching event does."""

    def _on_ready_hook(self, my_task: Any) -> None:
        super()._on_ready_hook(my_task)
        settle_race(my_task)


class EventBasedGateway(BpmnSpecMixin):  # type: ignore[misc]
    """An event-based gateway: of the events after it the first that happens cancels the others."""


def settle_race(my_task: Any) -> None:
    """Cancel the other events after the event-based gateway that led to this one."""
    if isinstance(my_task.parent.task_spec, EventBasedGateway):
        for other in my_task.parent.children:
            if other is not my_task and other.has_state(TaskState.NOT_FINISHED_MASK):
                other.cancel()


class BoundaryEvent(Catching, defaults.BoundaryEvent):  # type: ignore[misc]
    """An event on the boundary of an activity."""

    def repeats(self) -> bool:
        """Whether the event can happen again: it does not interrupt, and is no single date or duration."""
        if self.cancel_activity:
            return False
        return not isinstance(self.event_definition, TimerDefinition) or self.event_definition.kind == "timeCycle"

    def branch_off(self, my_task: Any) -> None:
        """Send a token along the flow of the event while the event goes on waiting."""
        before = my_task.data
        take_payload(my_task)
        top = my_task.workflow.top_workflow
        if top.rules >= TOKENS:
            self._happen(my_task)
            my_task.data = before
            return
        top.passed.append((self, TaskState.COMPLETED, None))
        for output in self.outputs:
            if isinstance(output, BoundaryEventJoin):
                continue
            child = my_task._add_child(output, TaskState.FUTURE)
            child.triggered = True
            child.task_spec._predict(child, mask=TaskState.NOT_FINISHED_MASK)
            child.data = dict(my_task.data)
            child.task_spec._update(child)
        # What the message brought belongs to the path that it began; the event waits on with what it knew.
        my_task.data = before

    def _happen(self, my_task: Any) -> None:
        """Complete a task of its own for this one happening, from which the token leaves as from any other event."""
        happened = my_task._add_child(self, TaskState.FUTURE)
        happened.triggered = True
        happened.data = dict(my_task.data)
        happened._set_state(TaskState.COMPLETED)
        send_on(happened)


def fire(my_task: Any, payload: dict[str, Any] | None = None) -> None:
    """Let the event that this task waits for happen; a task that does not wait any more is left alone."""
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
    """Cancel the activity and its other events at once, so that nothing in it runs on within the step."""
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
    """Raise a BPMN error at the task: the nearest boundary event catches it, else it ends the case with its code."""
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
    """The values that the throwing task changed since the activity of the boundary event began."""
    return changed(event.parent.data, known)


def raise_escalation(my_task: Any, code: str | None, known: dict[str, Any]) -> None:
    """Raise a BPMN escalation at the task: the nearest boundary event catches it; uncaught, it leaves the case."""
    event = catcher_of(my_task, EscalationEventDefinition, code)
    if event is not None:
        fire(event, changed_in_scope(known, event))
    else:
        top = my_task.workflow.top_workflow
        top.throw_out("escalation", code or "", my_task.task_spec.bpmn_id, dict(known))


class Throwing:
    """What throwing events share: messages and signals leave the case, errors and escalations seek a catching event."""

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
        """The payload of the message: the property `payload` worked out, else all variables."""
        text = self.extra.properties.get("payload") if self.extra else None
        if text is None:
            return dict(my_task.data)
        value = my_task.workflow.script_engine.evaluate(my_task, text)
        if not isinstance(value, dict):
            raise EngineFault(self.bpmn_id, "the payload of a message must be an object")  # type: ignore[attr-defined]
        return value


def deliver_inside(top: Any, name: str, payload: dict[str, Any]) -> bool:
    """Give a thrown message to the events of the same case that wait for it; False if there are none."""
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
    """A throwing event on the flow."""


class SendTask(Throwing, defaults.SendTask):  # type: ignore[misc]
    """A send task without a topic: it throws its message."""


class EndEvent(Throwing, defaults.EndEvent):  # type: ignore[misc]
    """An end event; one with an error or a termination also ends what else is open around it."""

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
