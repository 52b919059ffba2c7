"""The access log: which reads that matter were made by whom and why, in a table that only grows."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, require_somewhere
from osm_flow.domain.pages import Page
from osm_flow.errors import Invalid
from osm_flow.operations.paging import newest_first, within
from osm_flow.store.models import Access, Case

_LONGEST = 2_000


class Kind(StrEnum):
    """The kinds of reads that are recorded; whatever ends in `.exported` takes a reason."""

    case_opened = "case.opened"
    case_exported = "case.exported"
    attachment_downloaded = "attachment.downloaded"
    audit_opened = "audit.opened"
    audit_searched = "audit.searched"
    search_exported = "search.exported"
    mining_exported = "mining.exported"
    list_exported = "list.exported"
    privacy_opened = "privacy.opened"
    privacy_searched = "privacy.searched"


class ExportReasonMissing(Invalid):
    """Say why you need this export; the reason is recorded."""


def record_access(
    session: Session,
    actor: Actor,
    now: datetime,
    kind: str,
    concerns: Case | str,
    reason: str = "",
    *,
    case: Case | None = None,
    details: str = "",
    once_within: timedelta | None = None,
) -> Access | None:
    """Record that the actor read what it concerns: a case, or in words what else it was.

    `details` is what may name a person, such as what was searched for; an erasure can blank it. With `once_within` the
    same read again within that time is the same read: None. Exports raise ExportReasonMissing without a reason.
    """
    reason = reason.replace("\0", "").strip()[:_LONGEST]
    if kind.endswith(".exported") and not reason:
        raise ExportReasonMissing(fields={"reason": ExportReasonMissing.__doc__ or ""})
    about = concerns if isinstance(concerns, Case) else case
    named = concerns if isinstance(concerns, str) else concerns.business_key
    office_id = about.office_id if about else next(iter(actor.office_ids), None)
    read = Access(
        at=now,
        actor=actor.username,
        role=actor.role_in(office_id, "auditor", "admin"),
        office_id=office_id,
        kind=kind,
        subject=named[:255].replace("\0", ""),
        case_id=about.id if about else None,
        reason=reason,
        details=details[:_LONGEST].replace("\0", ""),
    )
    if once_within is not None and _is_known(session, read, now - once_within):
        return None
    session.add(read)
    session.flush()
    return read


def accesses(
    session: Session,
    actor: Actor,
    *,
    who: str | None = None,
    kind: str | None = None,
    case_id: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[Access]:
    """The recorded reads in the offices where the actor may see the audit, newest first. Raises NotYourRole."""
    require_somewhere(actor, Verb.see_audit)
    wanted = select(Access)
    if not actor.is_system:
        wanted = wanted.where(Access.office_id.in_(actor.office_ids) | Access.office_id.is_(None))
    for column, value in ((Access.actor, who), (Access.kind, kind), (Access.case_id, case_id)):
        if value:
            wanted = wanted.where(column == value)
    return newest_first(session, within(wanted, Access.at, since, until), Access.id, after, limit)


def _is_known(session: Session, read: Access, since: datetime) -> bool:
    same = select(Access.id).where(
        Access.actor == read.actor,
        Access.at >= since,
        Access.kind == read.kind,
        Access.subject == read.subject,
        Access.details == read.details,
        Access.reason == read.reason,
    )
    return session.scalar(same.order_by(Access.id.desc()).limit(1)) is not None
