"""The commands that go into the engine and the results that come out: plain values, no objects of the library."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from osm_flow.domain.json import JSON


@dataclass(frozen=True)
class Problem:
    """A fault in a diagram, a decision or a form: which element, and a sentence that says what to do instead.

    `name` is what is drawn there, so that people find it who do not know ids.
    """

    element: str
    code: str
    th: str
    en: str
    level: Literal["error", "warning"] = "error"
    name: str = ""

    @property
    def where(self) -> str:
        """The element as people find it: its drawn name and its id."""
        return f"“{self.name}” ({self.element})" if self.name else self.element


@dataclass(frozen=True)
class Offered:
    """What diagrams may name that lies outside their own file; None leaves names of that kind unchecked."""

    provinces: Collection[str] | None = None
    ladders: Collection[str] | None = None
    # Tasks of people and documents in other processes, whose cases may be of one family with those of the file.
    tasks: Collection[str] | None = None
    documents: Collection[str] | None = None


# ---- commands: what may happen to a case ----------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """The case begins with these data."""

    data: JSON


@dataclass(frozen=True)
class CompleteTask:
    """A person completed the user or manual task; `data` are the values of its form."""

    task_id: str
    data: JSON


@dataclass(frozen=True)
class FireTimer:
    """The timer's time has come."""

    task_id: str


@dataclass(frozen=True)
class DeliverMessage:
    """A message reached the event or receive task that waits for it; `data` is its payload."""

    task_id: str
    data: JSON


@dataclass(frozen=True)
class FinishService:
    """The operation behind a service task returned `data`; with `error_code` it raised that BPMN error instead."""

    task_id: str
    data: JSON
    error_code: str | None = None


@dataclass(frozen=True)
class EndChild:
    """A child case ended with `data`; with `error_code` it ended in that BPMN error."""

    task_id: str
    data: JSON
    error_code: str | None = None


@dataclass(frozen=True)
class EscalateChild:
    """A child case threw an escalation that nothing in it caught; `data` are what the child knew. It goes on."""

    task_id: str
    data: JSON
    code: str


@dataclass(frozen=True)
class Replan:
    """The calendar changed: due dates of everything that waits are worked out anew."""


Command = Start | CompleteTask | FireTimer | DeliverMessage | FinishService | EndChild | EscalateChild | Replan

# A function of the calendar (`working_days`, `milestone` …) asked with its arguments; the answers become part of the
# record, so that a replay asks the record and not the calendar.
Lookup = Callable[[str, tuple[Any, ...]], Any]


# ---- results: what the case now waits for ----------------------------------------------------------------------

WaitingKind = Literal["user", "manual", "timer", "message", "signal", "service", "child"]


@dataclass(frozen=True)
class Waiting:
    """One thing that a case waits for. `task_id` is stable for as long as it waits.

    kind      user/manual: a work item; timer; message (event or receive task); service: an operation to carry out;
              child: a case to start (`called`, `data` = what it starts with).
    data      what this token sees (user, manual, service: the case's variables; child: the mapped input).
    form_key  of the user task, or the form in which a message's answer is recorded (property `form`).
    due_at    user/manual: due date; timer: when it fires, None while the calendar does not know its milestone yet.
    candidates  role keys (`osm_strategy`), roles in a province (`province_planner@TH-38`), or `user:NAME`.
    properties  the camunda:property pairs of the element, expressions already evaluated.
    instance  index of a multi-instance instance, else None.
    subject   what a work item or a child case is about: the element's property `subject`, else what it is repeated over.
    """

    task_id: str
    element: str
    kind: WaitingKind
    name: str
    data: JSON
    documentation: str = ""
    form_key: str | None = None
    assignee: str | None = None
    candidates: tuple[str, ...] = ()
    due_at: datetime | None = None
    follow_up_at: datetime | None = None
    priority: int = 50
    properties: Mapping[str, str] = field(default_factory=dict)
    lane: str | None = None
    attached_to: str | None = None
    interrupting: bool = True
    message: str | None = None
    topic: str | None = None
    called: str | None = None
    instance: int | None = None
    subject: str = ""


@dataclass(frozen=True)
class Thrown:
    """A message or escalation that the case sent out of itself."""

    kind: Literal["message", "signal", "escalation", "error"]
    name: str
    element: str
    data: JSON


@dataclass(frozen=True)
class Passed:
    """An element that the case passed in this step, in order; for the done paths on the diagram."""

    element: str
    kind: Literal["completed", "cancelled"]


@dataclass(frozen=True)
class Step:
    """The case after one command: its new snapshot, what it waits for, what it threw and passed.

    snapshot  zstd bytes; opaque, byte-identical for the same commands whoever runs them.
    digest    SHA-256 (hex) of the uncompressed snapshot.
    waiting   everything the case waits for now.
    thrown    what left the case in this step.
    passed    elements finished or cancelled in this step.
    ended     the case is over; `outcome`: the id of the end event reached last (or of the terminate/error end).
    error_code  the uncaught BPMN error that ended it, if any.
    data      the variables of the case as its end saw them (while running: of the newest finished element).
    lookups   what the calendar answered in this step, by `name(args)`; belongs into the record.
    """

    snapshot: bytes
    digest: str
    waiting: tuple[Waiting, ...]
    thrown: tuple[Thrown, ...]
    passed: tuple[Passed, ...]
    ended: bool
    outcome: str | None
    error_code: str | None
    data: JSON
    lookups: JSON

    @property
    def is_stuck(self) -> bool:
        """Whether the case is not over, and yet nothing can ever happen: a join that no token will reach."""
        return not self.ended and not self.waiting


@dataclass(frozen=True)
class Standing:
    """A stored state: its digest, everything it waits for, the variables of the newest finished element."""

    digest: str
    waiting: tuple[Waiting, ...]
    data: JSON
    ended: bool
