"""What is done to a case, as values that go from whoever does it down to the record in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osm_flow.domain.access.policy import Decision
from osm_flow.domain.record_kinds import RecordKind


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to a case: which kind of act, at which element, in which role and on whose behalf.

    element       the element of the diagram at which it is done; None for an act on the case as a whole.
    task_id       what waits there: a work item, a timer, a message, a service job or a call.
    on_behalf_of  the user name of whom the policy says that the actor acts or signs for; nobody else says it.
    """

    kind: RecordKind
    element: str | None = None
    task_id: str | None = None
    role: str | None = None
    on_behalf_of: str | None = None

    @classmethod
    def allowed(
        cls,
        kind: RecordKind,
        decision: Decision,
        element: str | None = None,
        task_id: str | None = None,
    ) -> Act:
        """The act in the role that the policy allowed it in, on behalf of whom the policy names."""
        return cls(kind, element, task_id, decision.role, decision.on_behalf_of)


@dataclass(frozen=True, slots=True)
class CallingTask:
    """The task of a case that calls another case and waits for its end."""

    case_id: str
    task_id: str


@dataclass(frozen=True, slots=True)
class CaseStart:
    """A case that is to begin: of which office and year it is, what it is called, which variables it begins with.

    subject    what the caller knows it to be about, unless its process says it better.
    key        what makes it one case: the same actor with the same key again gets the one that is there.
    called_by  the task that it answers, for a child case; there is one for each such task.
    """

    office_id: str
    fiscal_year: int
    title: str
    data: dict[str, Any]
    province_id: str | None = None
    subject: str = ""
    key: str | None = None
    called_by: CallingTask | None = None
