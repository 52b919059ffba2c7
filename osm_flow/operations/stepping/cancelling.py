"""Ending a case before its diagram does."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus, next_case_state
from osm_flow.operations.stepping import projections
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case


def cancel(session: Session, case: Case, actor: Actor, now: datetime, *, reason: str, role: str | None = None) -> None:
    """Cancel the locked case: nothing in it waits any more, its live children are cancelled after it."""
    case.state = next_case_state(case.state, CaseStatus.CANCELLED, case_id=case.id)
    stepping.note(session, case, actor, now, Act(RecordKind.case_cancelled, role=role), {"reason": reason})
    case.ended_at = case.head_at
    projections.close_all(session, case, case.head_at, now)
    session.flush()
