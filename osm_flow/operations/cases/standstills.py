"""Cases that nothing can move any more and that nobody was told of, because they stood still before steps told it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.kinds import IncidentKind
from osm_flow.domain.states import OPEN_CASE, OPEN_WORK_ITEM, CaseStatus
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, Incident, OutboxEntry, ServiceJob, Timer, WaitingMessage, WorkItem
from osm_flow.store.session import lock_case


def standing_still(session: Session, limit: int) -> list[str]:
    """The active cases that wait for nothing and nobody, and have no incident that says so; oldest first."""
    child = aliased(Case)
    waits_for = [
        exists().where(WorkItem.case_id == Case.id, WorkItem.state.in_(OPEN_WORK_ITEM)),
        *(exists().where(table.case_id == Case.id) for table in (Timer, ServiceJob, WaitingMessage)),
        exists().where(OutboxEntry.case_id == Case.id, OutboxEntry.done_at.is_(None)),
        exists().where(child.parent_case_id == Case.id, child.state.in_(OPEN_CASE)),
        exists().where(Incident.case_id == Case.id, Incident.kind == IncidentKind.standstill),
    ]
    query = select(Case.id).where(Case.state == CaseStatus.ACTIVE, *(~waiting for waiting in waits_for))
    return list(session.scalars(query.order_by(Case.started_at, Case.id).limit(limit)))


def tell(session: Session, case_id: str, now: datetime) -> bool:
    """Open the incidents of a case that stands still; False if it went on or ended meanwhile."""
    case = lock_case(session, case_id)
    if case.state != CaseStatus.ACTIVE:
        return False
    return stepping.tell_standstills(session, case, now)
