"""The states of cases, work items, projects and requests for erasure, and which steps cases and work items may take."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from osm_flow.errors import Refused


class CaseStatus(StrEnum):
    """The states of a case; an open incident is a fact about a case, not a state."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class WorkItemStatus(StrEnum):
    """The states of a work item."""

    READY = "READY"
    CLAIMED = "CLAIMED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class ProjectState(StrEnum):
    """How far a project in the register of projects has come, from a concept that is asked for to its end.

    The steps between them are in `domain/projects/states`. `supported` and `rejected` were said by earlier versions of the
    processes, which did not tell Y1 from Y2; no project steps into them any more.
    """

    concept = "concept"
    screened = "screened"
    screened_out = "screened_out"
    not_ready = "not_ready"
    in_plan = "in_plan"
    endorsed = "endorsed"
    y1 = "y1"
    y2 = "y2"
    n = "n"
    requested = "requested"
    in_act = "in_act"
    allotted = "allotted"
    procuring = "procuring"
    signed = "signed"
    working = "working"
    accepted = "accepted"
    paid = "paid"
    handed_over = "handed_over"
    closed = "closed"
    supported = "supported"
    rejected = "rejected"
    dropped = "dropped"
    cancelled = "cancelled"
    lapsed = "lapsed"


class SideState(StrEnum):
    """What is going on with a project beside its course: somebody asks to change it, or its money is carried over."""

    changing = "changing"
    carried = "carried"


class ErasureState(StrEnum):
    """Where a request for erasure is; approved, it waits for the cases that still run."""

    ASKED = "ASKED"
    APPROVED = "APPROVED"
    DONE = "DONE"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class ProposalState(StrEnum):
    """Where a proposed version of processes is."""

    PROPOSED = "PROPOSED"
    PUBLISHED = "PUBLISHED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class UnmarkState(StrEnum):
    """Where a proposal that a case is sensitive no longer is."""

    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"
    WITHDRAWN = "WITHDRAWN"


class RebuildingState(StrEnum):
    """Where a request to put rows back from the chains is; confirmed, it is carried out until it is done."""

    ASKED = "ASKED"
    CONFIRMED = "CONFIRMED"
    DONE = "DONE"
    WITHDRAWN = "WITHDRAWN"


OPEN_CASE = (CaseStatus.ACTIVE, CaseStatus.SUSPENDED)
OPEN_WORK_ITEM = (WorkItemStatus.READY, WorkItemStatus.CLAIMED)

_CASE_STEPS: Mapping[CaseStatus, frozenset[CaseStatus]] = {
    CaseStatus.ACTIVE: frozenset({CaseStatus.SUSPENDED, CaseStatus.COMPLETED, CaseStatus.CANCELLED}),
    CaseStatus.SUSPENDED: frozenset({CaseStatus.ACTIVE, CaseStatus.CANCELLED}),
    CaseStatus.COMPLETED: frozenset(),
    CaseStatus.CANCELLED: frozenset(),
}
_WORK_ITEM_STEPS: Mapping[WorkItemStatus, frozenset[WorkItemStatus]] = {
    WorkItemStatus.READY: frozenset({WorkItemStatus.CLAIMED, WorkItemStatus.CANCELLED}),
    WorkItemStatus.CLAIMED: frozenset(
        {WorkItemStatus.READY, WorkItemStatus.CLAIMED, WorkItemStatus.COMPLETED, WorkItemStatus.CANCELLED}
    ),
    WorkItemStatus.COMPLETED: frozenset(),
    WorkItemStatus.CANCELLED: frozenset(),
}


class CaseStepRefused(Refused):
    """This case is {current}; it cannot become {wanted}."""

    translated = ("current", "wanted")


class WorkItemStepRefused(Refused):
    """This work item is {current}; it cannot become {wanted}."""

    translated = ("current", "wanted")


def next_case_state(current: str, wanted: CaseStatus, *, case_id: str) -> str:
    """The new state of a case. Raises CaseStepRefused when no such step is allowed."""
    if wanted not in _CASE_STEPS[CaseStatus(current)]:
        raise CaseStepRefused(current=current, wanted=wanted.value, case_id=case_id)
    return wanted.value


def next_work_item_state(current: str, wanted: WorkItemStatus, *, work_item_id: str) -> str:
    """The new state of a work item. Raises WorkItemStepRefused when no such step is allowed."""
    if wanted not in _WORK_ITEM_STEPS[WorkItemStatus(current)]:
        raise WorkItemStepRefused(current=current, wanted=wanted.value, work_item_id=work_item_id)
    return wanted.value
