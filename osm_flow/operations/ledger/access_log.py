"""The access log: which reads that matter were made by whom, from where and why; each is a record of the chain of reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, is_everywhere, offices_where, require_somewhere
from osm_flow.domain.pages import Page
from osm_flow.domain.search import says_nothing
from osm_flow.errors import Invalid
from osm_flow.logs import asking_address
from osm_flow.operations.ledger import access_chain
from osm_flow.operations.paging import newest_first, within
from osm_flow.store.models import Access, Case
from osm_flow.store.sensitive_cases import closed_among

_LONGEST = 2_000
# Under this address an auditor says why they open a closed case.
BEFORE_CLOSED = "/audit/sensitive/"


class AccessKind(StrEnum):
    """The kinds of reads that are recorded; whatever ends in `.exported` takes a reason."""

    case_opened = "case.opened"
    case_listed = "case.listed"
    case_explained = "case.explained"
    case_exported = "case.exported"
    attachment_downloaded = "attachment.downloaded"
    audit_opened = "audit.opened"
    audit_searched = "audit.searched"
    search_exported = "search.exported"
    mining_exported = "mining.exported"
    list_exported = "list.exported"
    administration_exported = "administration.exported"
    reads_exported = "reads.exported"
    book_exported = "book.exported"
    personal_opened = "record.personal_opened"
    file_downloaded = "record.file_downloaded"
    photos_shown = "record.photos_shown"
    privacy_opened = "privacy.opened"
    privacy_searched = "privacy.searched"


class ExportReasonMissing(Invalid):
    """Say why you need this export; the reason is recorded."""


@dataclass(frozen=True)
class Read:
    """What somebody reads and why, so far as it is recorded.

    concerns  the case, or in words what else it was; then `case` is the one that it belongs to, if any.
    details   what may name a person, such as what was searched for: an erasure can blank it.
    office_id the office of what is no case; of a case its own, else the first one of who reads.
    """

    kind: str
    concerns: Case | str
    reason: str = ""
    case: Case | None = None
    details: str = ""
    office_id: str | None = None


@dataclass(frozen=True)
class AccessFilter:
    """Which recorded reads are asked for: by whom, of which kind, of which case, from when, until before when."""

    who: str | None = None
    kind: str | None = None
    case_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_EVERYTHING = AccessFilter()


def record_access(
    session: Session, actor: Actor, now: datetime, read: Read, *, once_within: timedelta | None = None
) -> Access | None:
    """Record that the actor reads this. With `once_within` the same again within that time is the same read: None.

    Exports raise ExportReasonMissing without a reason.
    """
    if read.kind.endswith(".exported") and says_nothing(_reason(read)):
        raise ExportReasonMissing(fields={"reason": ExportReasonMissing.__doc__ or ""})
    access = _row(actor, now, read)
    if once_within is not None and _is_known(session, access, now - once_within):
        return None
    access_chain.add_body(session, access)
    return access


def is_recorded(session: Session, actor: Actor, now: datetime, read: Read, *, once_within: timedelta) -> bool:
    """Whether the same was read by the actor within that time, as `record_access` would find: told by a session that only reads."""
    return _is_known(session, _row(actor, now, read), now - once_within)


def _reason(read: Read) -> str:
    return read.reason.replace("\0", "").strip()[:_LONGEST]


def _row(actor: Actor, now: datetime, read: Read) -> Access:
    case = read.concerns if isinstance(read.concerns, Case) else read.case
    named = read.concerns if isinstance(read.concerns, str) else read.concerns.business_key
    office_id = case.office_id if case else read.office_id or next(iter(actor.office_ids), None)
    return Access(
        at=now,
        actor=actor.username,
        role=actor.role_in(office_id, "auditor", "admin"),
        office_id=office_id,
        kind=str(read.kind),
        subject=named[:255].replace("\0", ""),
        case_id=case.id if case else None,
        reason=_reason(read),
        details=read.details[:_LONGEST].replace("\0", ""),
        address=asking_address()[:64],
    )


def accesses(
    session: Session,
    actor: Actor,
    wanted: AccessFilter = _EVERYTHING,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[Access]:
    """The recorded reads in the offices where the actor may see the audit, newest first. Raises NotYourRole."""
    offices = require_somewhere(actor, Verb.see_audit)
    query = select(Access)
    if not (actor.is_system or offices_where(actor, Verb.say_why)):
        # Rows of before name a closed case by its address alone, and are nobody's but the auditors'.
        query = query.where(~Access.subject.startswith(BEFORE_CLOSED))
    if not is_everywhere(actor, Verb.see_audit):
        query = query.where(Access.office_id.in_(offices))
    for column, value in ((Access.actor, wanted.who), (Access.kind, wanted.kind), (Access.case_id, wanted.case_id)):
        if value:
            query = query.where(column == value)
    return newest_first(session, within(query, Access.at, wanted.since, wanted.until), Access.id, after, limit)


def told_bare(session: Session, actor: Actor, rows: Sequence[Access]) -> dict[int, str]:
    """The reads, by their numbers, of which the actor is told who, when and of what number alone; one's own are told whole.

    To auditors those of cases that are closed to them; to others whatever was searched for, which may name who a closed case
    is about.
    """
    closed = closed_among(session, actor, (row.case_id for row in rows))
    audits = actor.is_system or bool(offices_where(actor, Verb.say_why))
    others = [row for row in rows if row.actor not in actor.usernames]
    searched = {row.id: row.subject for row in others if row.case_id is None and row.details and not audits}
    return searched | {row.id: closed[row.case_id] for row in others if row.case_id in closed}


def _is_known(session: Session, access: Access, since: datetime) -> bool:
    same = select(Access.id).where(
        Access.actor == access.actor,
        Access.at >= since,
        Access.kind == access.kind,
        Access.subject == access.subject,
        Access.details == access.details,
        Access.reason == access.reason,
    )
    return session.scalar(same.order_by(Access.id.desc()).limit(1)) is not None
