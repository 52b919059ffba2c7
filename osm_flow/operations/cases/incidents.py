"""Incidents: a failure that stops a part of a case until somebody acts, and the acting."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import (
    Verb,
    is_everywhere,
    offices_where,
    place,
    require,
    require_somewhere,
)
from osm_flow.domain.acts import Act
from osm_flow.domain.kinds import IncidentKind
from osm_flow.domain.pages import Page
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.errors import NotFound, OsmFlowError, Refused
from osm_flow.logs import without_rows
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.paging import newest_first
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Case, Incident, OutboxEntry, ServiceJob, Timer
from osm_flow.store.sensitive_cases import EVERYTHING
from osm_flow.store.session import Store, lock_case

_RECORDED = {
    RecordKind.incident_retried: AdminKind.system_incident_retried,
    RecordKind.incident_resolved: AdminKind.system_incident_resolved,
}


class IncidentNotFound(NotFound):
    """There is no such incident."""


class IncidentClosed(Refused):
    """This incident is resolved already."""


class NothingToRetry(Refused):
    """There is nothing to try again: whoever met this incident repeats what they did, once its cause is gone."""


def open_incident(
    store: Store,
    case_id: str,
    now: datetime,
    *,
    kind: str,
    message: str,
    element: str | None = None,
    task_id: str | None = None,
) -> int:
    """Open an incident in a transaction of its own: the one in which it happened was rolled back. Its id."""
    with store.transaction() as session:
        return open_in(session, case_id, now, kind=kind, message=message, element=element, task_id=task_id).id


def report(store: Store, failure: stepping.CaseFailed, now: datetime) -> int:
    """The incident for what a person met when the case could not go on; call it after the roll-back."""
    element, reason = failure.details.get("element"), failure.details.get("reason", "")
    return open_incident(store, failure.case_id, now, kind=IncidentKind.engine, message=reason, element=element or None)


def open_in(
    session: Session,
    case_id: str | None,
    now: datetime,
    *,
    kind: str,
    message: str,
    element: str | None = None,
    task_id: str | None = None,
) -> Incident:
    """Open an incident and record it in the case, if it is of one; the same failure again finds the one still open."""
    case = lock_case(session, case_id) if case_id else None
    if case is None:
        take(session, AdvisoryLock.incidents)
    same = select(Incident).where(
        Incident.case_id.is_not_distinct_from(case_id),
        Incident.kind == kind,
        Incident.resolved_at.is_(None),
        Incident.element.is_not_distinct_from(element),
        Incident.task_id.is_not_distinct_from(task_id),
    )
    message = message.replace("\0", "")[:4000]
    if (incident := session.scalars(same.limit(1)).one_or_none()) is not None:
        incident.message = message
        return incident
    incident = Incident(
        case_id=case_id, kind=str(kind), message=message, element=element, task_id=task_id, opened_at=now
    )
    session.add(incident)
    session.flush()
    if case is None:
        return incident
    # Where the state is lost no record can be written; verifying the case says more than one would.
    with contextlib.suppress(stepping.StateLost):
        about = {"incident": incident.id, "kind": kind, "message": words_of(message)}
        stepping.note(session, case, SYSTEM, now, Act(RecordKind.incident_opened, element), about)
    return incident


def count_open(session: Session, actor: Actor) -> int:
    """How many incidents wait for somebody, of those that the actor looks after."""
    waiting = select(func.count()).select_from(Incident).where(Incident.resolved_at.is_(None), _looked_after(actor))
    return session.scalar(waiting, execution_options=EVERYTHING) or 0


def list_incidents(
    session: Session, actor: Actor, *, is_open: bool | None = True, after: str | None = None, limit: int = 50
) -> Page[Incident]:
    """Incidents of the offices that the actor looks after, newest first; those of no case for whoever looks after all.

    Those of closed cases, too: what stopped must be set going again. Whoever shows them shows no more than the number of the case.
    Raises NotYourRole.
    """
    require_somewhere(actor, Verb.retry_incident)
    wanted = select(Incident).where(_looked_after(actor)).options(joinedload(Incident.case))
    wanted = wanted.execution_options(**EVERYTHING)
    if is_open is not None:
        wanted = wanted.where(Incident.resolved_at.is_(None) if is_open else Incident.resolved_at.is_not(None))
    return newest_first(session, wanted, Incident.id, after, limit)


def retry(session: Session, incident_id: int, actor: Actor, now: datetime) -> Incident:
    """Try again what the incident stopped, at once. Raises IncidentClosed, NothingToRetry."""
    incident, case = _locked(session, incident_id, actor)
    waiting = _stopped(session, incident)
    if waiting is None:
        raise NothingToRetry(incident_id=incident_id)
    waiting.attempts = 0
    waiting.lease_owner = waiting.lease_until = None
    if not isinstance(waiting, Timer):
        waiting.due_at = now
    _close(session, incident, case, actor, now, RecordKind.incident_retried, "")
    return incident


def resolve(session: Session, incident_id: int, actor: Actor, now: datetime, *, note: str) -> Incident:
    """Close the incident with a word on what was done about it. What it stopped stays stopped."""
    incident, case = _locked(session, incident_id, actor)
    _close(session, incident, case, actor, now, RecordKind.incident_resolved, said(note))
    return incident


def is_any_open(session: Session, kind: IncidentKind, origins: Collection[str | None]) -> bool:
    """Whether an incident of no case, of this kind and with one of these origins (`task_id`), is open."""
    return session.scalar(_of_no_case(kind, origins).with_only_columns(Incident.id).limit(1)) is not None


def settle(session: Session, now: datetime, kind: IncidentKind, origins: Collection[str | None], *, note: str) -> None:
    """Close and record the open incidents of no case whose cause the system has found to be gone."""
    if not is_any_open(session, kind, origins):
        return
    take(session, AdvisoryLock.incidents)
    for incident in session.scalars(_of_no_case(kind, origins).with_for_update(of=Incident)).all():
        _close(session, incident, None, SYSTEM, now, RecordKind.incident_resolved, note)


def _of_no_case(kind: IncidentKind, origins: Collection[str | None]) -> Select[Incident]:
    known = [origin for origin in origins if origin is not None]
    origin = or_(Incident.task_id.in_(known), *([Incident.task_id.is_(None)] if None in origins else []))
    return select(Incident).where(
        Incident.case_id.is_(None), Incident.kind == str(kind), Incident.resolved_at.is_(None), origin
    )


def words_of(error: Exception | str) -> str:
    """The failure in words that can be kept."""
    text = str(error) if isinstance(error, OsmFlowError | str) else f"{type(error).__name__}: {error}"
    reason = error.details.get("reason") if isinstance(error, OsmFlowError) else None
    kept = f"{text} ({reason})" if reason and reason not in text else text
    return without_rows(kept).encode(errors="replace").decode().replace("\0", "")[:4000]


def _locked(session: Session, incident_id: int, actor: Actor) -> tuple[Incident, Case | None]:
    found = session.execute(select(Incident.id, Incident.case_id).where(Incident.id == incident_id)).one_or_none()
    if found is None:
        raise IncidentNotFound(incident_id=incident_id)
    case = session.get(Case, found.case_id) if found.case_id else None
    if case is not None and not actor.is_system and case.office_id not in actor.office_ids:
        raise IncidentNotFound(incident_id=incident_id)
    require(actor, Verb.retry_incident, place(case.office_id if case is not None else None))
    if case is not None:
        case = lock_case(session, case.id)
    query = select(Incident).where(Incident.id == incident_id).options(joinedload(Incident.case))
    query = query.with_for_update(of=Incident)
    incident = session.scalars(query.execution_options(populate_existing=True)).one()
    if incident.resolved_at is not None:
        raise IncidentClosed(incident_id=incident_id)
    return incident, case


def _looked_after(actor: Actor) -> ColumnElement[bool]:
    if actor.is_system:
        return true()
    of_cases = Incident.case.has(Case.office_id.in_(offices_where(actor, Verb.retry_incident)))
    return or_(Incident.case_id.is_(None), of_cases) if is_everywhere(actor, Verb.retry_incident) else of_cases


def _stopped(session: Session, incident: Incident) -> ServiceJob | OutboxEntry | Timer | None:
    task_id = incident.task_id or ""
    if task_id.startswith("outbox:"):
        entry = session.get(OutboxEntry, int(task_id.removeprefix("outbox:")))
        return entry if entry is not None and entry.done_at is None else None
    return session.get(ServiceJob, task_id) or session.get(Timer, task_id)


def _close(
    session: Session, incident: Incident, case: Case | None, actor: Actor, now: datetime, kind: RecordKind, note: str
) -> None:
    """Recorded in the case that it stopped; what stopped no case, in the records of administration."""
    incident.resolved_at, incident.resolved_by, incident.note = now, actor.username, note
    if case is not None:
        stepping.note(session, case, actor, now, Act(kind, incident.element), {"incident": incident.id, "note": note})
    else:
        new = {"incident": incident.kind, "reason": note}
        record(session, actor, now, AdminAct(_RECORDED[kind], f"incident {incident.id}", new=new))
    session.flush()
