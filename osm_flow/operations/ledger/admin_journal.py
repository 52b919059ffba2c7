"""The records of administration: who changed what about people, the calendar and the processes, in one chain.

Names and addresses of people are not repeated here, passwords and their digests never: a user name says who it was
about, a salted digest what they are called, so nothing in the chain ever has to be erased. The records are leaves of the audit log like those of cases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, literal, or_, select, true
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import OfficeFacts, Verb, decide, is_everywhere, place, require_somewhere
from osm_flow.domain.journal import GENESIS, Fault, canonical
from osm_flow.domain.pages import Page
from osm_flow.operations.paging import newest_first, within
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.database import instant_text
from osm_flow.store.models import AdminRecord, ErasureItem, Person, Position
from osm_flow.store.sensitive_cases import is_open

# The name of this chain in the audit log, where that of a case has its id.
CHAIN = "administration"

# The table itself: a session that leaves out closed cases must know all the same that a request names one.
_ITEMS = ErasureItem.__table__.alias("item_of_request")

# What a record says beside its changes when the actor acted or signed for somebody; records of before do not say it.
ON_BEHALF_OF = "on_behalf_of"

# The fields of a record of administration as it is hashed and exported.
FIELDS = frozenset(
    ("seq", "at", "kind", "actor", "actor_role", "office_id", "subject", "changes", "prev_hash", "hash"),
)

Change = dict[str, Any]


class AdminKind(StrEnum):
    """The kinds of records of administration."""

    person_created = "person.created"
    person_locked = "person.locked"
    person_unlocked = "person.unlocked"
    password_set = "person.password_set"  # noqa: S105 (the name of an act)
    password_changed = "person.password_changed"  # noqa: S105
    person_numbered = "person.numbered"
    person_tied = "person.tied"
    person_held = "person.held"
    person_hold_lifted = "person.hold_lifted"
    record_held = "record.held"
    record_hold_lifted = "record.hold_lifted"
    position_given = "position.given"
    position_confirmed = "position.confirmed"
    position_ended = "position.ended"
    calendar_proposed = "calendar.proposed"
    calendar_moved = "calendar.moved"
    holiday_set = "holiday.set"
    holiday_removed = "holiday.removed"
    definitions_proposed = "definitions.proposed"
    definitions_refused = "definitions.refused"
    definitions_deployed = "definitions.deployed"
    log_repaired = "log.repaired"
    log_rebuilt = "log.rebuilt"
    log_turned_back = "log.turned_back"
    erasure_asked = "erasure.asked"
    erasure_approved = "erasure.approved"
    erasure_refused = "erasure.refused"
    erasure_withdrawn = "erasure.withdrawn"
    key_rotated = "key.rotated"
    key_replaced = "key.replaced"
    key_trusted = "key.trusted"
    rows_found = "rows.found"
    rebuilding_asked = "rebuilding.asked"
    rebuilding_confirmed = "rebuilding.confirmed"
    rebuilding_withdrawn = "rebuilding.withdrawn"
    rows_put_back = "rows.put_back"
    rebuilding_done = "rebuilding.done"
    system_incident_retried = "system_incident.retried"
    system_incident_resolved = "system_incident.resolved"


# What the policy is asked before such an act; whoever changes their own password, or retries for the system, acts as themselves.
_NEEDS: Mapping[AdminKind, Verb] = {
    AdminKind.person_created: Verb.manage_people,
    AdminKind.person_locked: Verb.manage_people,
    AdminKind.person_unlocked: Verb.manage_people,
    AdminKind.password_set: Verb.manage_people,
    AdminKind.person_numbered: Verb.manage_people,
    AdminKind.person_tied: Verb.manage_people,
    AdminKind.person_held: Verb.hold,
    AdminKind.person_hold_lifted: Verb.hold,
    AdminKind.record_held: Verb.hold,
    AdminKind.record_hold_lifted: Verb.hold,
    AdminKind.position_given: Verb.manage_people,
    AdminKind.position_confirmed: Verb.confirm_position,
    AdminKind.position_ended: Verb.manage_people,
    AdminKind.calendar_proposed: Verb.move_calendar,
    AdminKind.calendar_moved: Verb.move_calendar,
    AdminKind.definitions_proposed: Verb.propose_diagrams,
    AdminKind.definitions_refused: Verb.deploy,
    AdminKind.definitions_deployed: Verb.deploy,
    AdminKind.log_repaired: Verb.repair_log,
    AdminKind.log_rebuilt: Verb.repair_log,
    AdminKind.log_turned_back: Verb.repair_log,
    AdminKind.erasure_asked: Verb.erase,
    AdminKind.erasure_approved: Verb.erase,
    AdminKind.erasure_refused: Verb.erase,
    AdminKind.erasure_withdrawn: Verb.erase,
    AdminKind.key_rotated: Verb.sign_log,
    AdminKind.key_replaced: Verb.sign_log,
    AdminKind.key_trusted: Verb.repair_log,
    AdminKind.rebuilding_asked: Verb.rebuild_tables,
    AdminKind.rebuilding_confirmed: Verb.rebuild_tables,
    AdminKind.rebuilding_withdrawn: Verb.rebuild_tables,
    AdminKind.rows_put_back: Verb.rebuild_tables,
    AdminKind.rebuilding_done: Verb.rebuild_tables,
    AdminKind.system_incident_retried: Verb.retry_incident,
    AdminKind.system_incident_resolved: Verb.retry_incident,
}
_OF_DAYS = (AdminKind.holiday_set, AdminKind.holiday_removed)
ABOUT_PEOPLE = tuple(kind for kind in AdminKind if kind.startswith(("person.", "position.")))
# What holds for every office, so that every auditor sees it.
_OF_ALL = (
    AdminKind.holiday_set,
    AdminKind.holiday_removed,
    AdminKind.definitions_deployed,
    AdminKind.log_repaired,
    AdminKind.log_rebuilt,
    AdminKind.log_turned_back,
    AdminKind.key_rotated,
    AdminKind.key_replaced,
    AdminKind.key_trusted,
    AdminKind.rows_found,
    AdminKind.rebuilding_asked,
    AdminKind.rebuilding_confirmed,
    AdminKind.rebuilding_withdrawn,
    AdminKind.rebuilding_done,
    AdminKind.system_incident_retried,
    AdminKind.system_incident_resolved,
)


@dataclass(frozen=True)
class AdminAct:
    """One change of people, the calendar, holidays or processes: of what, and its fields before and after.

    concerns   names what was changed: a user name, a date, a deployment.
    old, new   the fields before and after; only what differs is recorded.
    told       fields that say of what they are and did not change.
    office_id  whose it is; None for what holds for every office.
    hat        the one in which the policy allowed it; None: that which allows what such acts need (`_NEEDS`).
    """

    kind: AdminKind
    concerns: str
    office_id: str | None = None
    old: Mapping[str, Any] = field(default_factory=dict)
    new: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)
    hat: Hat | None = None


@dataclass(frozen=True)
class AdminFilter:
    """Which records of administration are asked for: by whom, about what, of which kinds, from when, until before when."""

    who: str | None = None
    about: str | None = None
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Checked:
    """The result of verifying the chain."""

    records: int
    faults: list[Fault]


_EVERYTHING = AdminFilter()


def take_turn(session: Session) -> None:
    """Wait until nobody else is changing what this chain records of, up to the end of this transaction.

    Called before looking at what is about to be changed, so that the record says truly what it was before.
    """
    take(session, AdvisoryLock.administration)


def record(session: Session, actor: Actor, now: datetime, act: AdminAct) -> AdminRecord | None:
    """Add a record of administration, in the transaction that makes the change; None when nothing changed.

    One writer at a time: the chain is one.
    """
    changes = _changes(act.old, act.new)
    if not changes:
        return None
    hat = act.hat or _hat_of(actor, act)
    behalf = {ON_BEHALF_OF: hat.for_username} if hat and hat.for_username else {}
    changes |= {name: {"old": value, "new": value} for name, value in {**act.told, **behalf}.items()}
    take(session, AdvisoryLock.administration)
    newest = session.execute(
        select(AdminRecord.seq, AdminRecord.hash).order_by(AdminRecord.seq.desc()).limit(1)
    ).first()
    added = AdminRecord(
        seq=newest.seq + 1 if newest else 1,
        at=now,
        kind=str(act.kind),
        actor=actor.username,
        actor_role=hat.role if hat else None,
        office_id=act.office_id,
        subject=act.concerns[:255],
        changes=canonical(changes).decode(),
        prev_hash=newest.hash if newest else GENESIS,
    )
    added.hash = _seal(added, changes)
    session.add(added)
    session.flush()
    return added


def _hat_of(actor: Actor, act: AdminAct) -> Hat | None:
    """The hat in which the policy lets the actor do it where it is recorded, else one of any office; None where no rule does.

    What takes no rule is done as oneself: in the best hat of one's own. An account of several offices is recorded in none: then no hat of an office covers the place, and the first that may counts.
    """
    verb = _NEEDS.get(act.kind)
    if act.kind in _OF_DAYS:
        verb = Verb.move_holidays if act.office_id is None else Verb.move_calendar
    if verb is None:
        return actor.first_hat(act.office_id)
    places = [place(act.office_id), *map(OfficeFacts, actor.office_ids)]
    decisions = (decide(actor, verb, one) for one in places)
    return next((decision.hat for decision in decisions if decision.allowed), None)


def on_behalf_of(record: AdminRecord) -> str | None:
    """The user name of whom the policy said that the actor acted or signed for; None for their own act."""
    principal = changes_of(record).get(ON_BEHALF_OF)
    return None if principal is None else str(principal["new"])


def records(
    session: Session,
    actor: Actor,
    wanted: AdminFilter = _EVERYTHING,
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[AdminRecord]:
    """The records of administration of offices where the actor may see the audit, newest first. Raises NotYourRole."""
    offices = require_somewhere(actor, Verb.see_audit)
    query = select(AdminRecord).where(_is_told(actor))
    if not is_everywhere(actor, Verb.see_audit):
        query = query.where(within_reach(offices))
    for column, value in ((AdminRecord.actor, wanted.who), (AdminRecord.subject, wanted.about)):
        if value:
            query = query.where(column == value)
    if wanted.kinds:
        query = query.where(AdminRecord.kind.in_(wanted.kinds))
    return newest_first(
        session, within(query, AdminRecord.at, wanted.since, wanted.until), AdminRecord.seq, after, limit
    )


def changes_of(record: AdminRecord) -> dict[str, Change]:
    """The changes in a record of administration: for each field what it was (`old`) and became (`new`)."""
    changes: dict[str, Change] = json.loads(record.changes)
    return changes


def exported(session: Session, last: int) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The records of administration up to `last` in their order, each as `as_json` has it, with nothing beside them."""
    wanted = select(AdminRecord).where(AdminRecord.seq <= last).order_by(AdminRecord.seq)
    for record in session.scalars(wanted.execution_options(yield_per=1_000)):
        yield as_json(record), []


def check_chain(session: Session) -> Checked:
    """Verify the chain of administration: compute every hash of it again."""
    faults: list[Fault] = []
    expected, previous = 1, GENESIS
    everything = select(AdminRecord).order_by(AdminRecord.seq).execution_options(yield_per=1_000)
    for record in session.scalars(everything):
        faults += [Fault(CHAIN, record.seq, code, message) for code, message in _faults_of(record, expected, previous)]
        expected, previous = record.seq + 1, record.hash
    return Checked(expected - 1, faults)


def _faults_of(record: AdminRecord, expected: int, previous: str) -> Iterator[tuple[str, str]]:
    if record.seq != expected:
        yield "gap", f"record {expected} is missing"
    if record.prev_hash != previous:
        yield "link", "the record does not follow from the one before it"
    try:
        changes = json.loads(record.changes)
        is_sealed = canonical(changes).decode() == record.changes and _seal(record, changes) == record.hash
    except (ValueError, RecursionError):
        is_sealed = False
    if not is_sealed:
        yield "hash", "the record was changed after it was written"


def _seal(record: AdminRecord, changes: dict[str, Change]) -> str:
    return sha256(canonical(_fields(record, changes))).hexdigest()


def as_json(record: AdminRecord) -> dict[str, Any]:
    """The record as it is exported: as it is hashed, and its hash. Raises ValueError where its changes are none."""
    return {**_fields(record, changes_of(record)), "hash": record.hash}


def _fields(record: AdminRecord, changes: dict[str, Change]) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": instant_text(record.at),
        "kind": record.kind,
        "actor": record.actor,
        "actor_role": record.actor_role,
        "office_id": record.office_id,
        "subject": record.subject,
        "changes": changes,
        "prev_hash": record.prev_hash,
    }


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Change]:
    pairs = {name: (_plain(old.get(name)), _plain(new.get(name))) for name in sorted({*old, *new})}
    return {name: {"old": before, "new": after} for name, (before, after) in pairs.items() if before != after}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _is_told(actor: Actor) -> ColumnElement[bool]:
    """Whether the actor may know of the record: a request to erase from a closed case tells only those inside that there is one."""
    if actor.is_system:
        return true()
    named = _ITEMS.c.case_id
    closed = exists().where(
        AdminRecord.subject == literal("erasure ") + cast(_ITEMS.c.request_id, String), ~is_open(actor, named)
    )
    return or_(AdminRecord.kind.not_like("erasure.%"), ~closed)


def within_reach(offices: Sequence[str]) -> ColumnElement[bool]:
    """Whether a record is of acts in these offices, of acts on people who have or had a position there, or of what holds for all."""
    here = select(Person.username).join(Position, Position.person_id == Person.id)
    theirs = AdminRecord.subject.in_(here.where(Position.office_id.in_(offices)))
    return or_(
        AdminRecord.office_id.in_(offices),
        AdminRecord.office_id.is_(None) & AdminRecord.kind.in_(_OF_ALL),
        AdminRecord.office_id.is_(None) & AdminRecord.kind.in_(ABOUT_PEOPLE) & theirs,
    )
