"""Correcting records: at once where one person may, else proposed by one and confirmed by another, each an entry of the book."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, select
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import Decision
from osm_flow.domain.books.acts import BookAct, BookActKind, Confirmation, NewVersion
from osm_flow.domain.books.schema import FieldUnknown, ValueUnfit
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.differences import is_same
from osm_flow.domain.forms.values import validate
from osm_flow.domain.journal import canonical, digest_payload
from osm_flow.domain.json import JSON
from osm_flow.domain.search import straight
from osm_flow.errors import Forbidden, NotFound, Refused
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.acts import ChangedMeanwhile, SaysTheSame
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.books.versions import NewestVersion, newest_of
from osm_flow.operations.reasons import said
from osm_flow.store.models import Book, BookEntry, Correction, EntryReason, Person
from osm_flow.store.second_persons import FirstAct, is_by, is_second_person


class CorrectionNotFound(NotFound):
    """There is no such correction of this record."""


class CorrectionDecided(Refused):
    """Somebody has confirmed or withdrawn this correction already. Nothing was changed now."""


class CorrectionWaits(Refused):
    """Another correction of {record} waits for its second person; confirm or withdraw it first."""


class CorrectionOutdated(Refused):
    """{record} has changed since this correction was proposed. Withdraw it and propose it anew on what is recorded now."""


class NotTheSecondPerson(Forbidden):
    """A correction is confirmed by somebody else than who proposed it, or acts for them."""


class CorrectionDoubtful(Refused):
    """What waits is not what was proposed. Nothing was changed; an administrator has to look at it."""


@dataclass(frozen=True)
class NewCorrection:
    """A correction as somebody asks for it: the fields with their new values, of which version they saw, and why.

    always_waits  whether a second person is needed whatever is corrected: it comes from outside the office.
    """

    fields: JSON
    based_on: int
    reason: str
    always_waits: bool = False


@dataclass(frozen=True)
class Corrected:
    """What became of a correction: written at once, or waiting for a second person."""

    fields: tuple[str, ...]
    waits: bool


@dataclass(frozen=True)
class Proposal:
    """A correction that was proposed, with the entries that say who proposed it and why, and what became of it."""

    row: Correction
    entry: BookEntry
    reason: str | None
    decided: BookEntry | None = None
    decided_reason: str | None = None

    @property
    def changes(self) -> JSON:
        """The fields with their new values; None for one that is to say nothing any more. Nothing once they were erased."""
        changes = json.loads(self.row.changes or "{}")
        return changes if isinstance(changes, dict) else {}

    @property
    def is_erased(self) -> bool:
        """Whether what it would say was erased by law."""
        return not self.row.changes

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was taken back."""
        return self.decided is not None and self.decided.act == BookActKind.withdrawn

    def is_outdated(self, newest: NewestVersion) -> bool:
        """Whether the record, or the form by which it is kept, is not the one any more that the proposal was made on."""
        schema = type_of(self.row.kind).schema.version
        return (newest.version, schema) != (self.row.version, json.loads(self.entry.told).get("schema"))


def correct(
    session: Session, name: BookName, actor: Actor, now: datetime, record: str, new: NewCorrection, decision: Decision
) -> Corrected:
    """Correct fields of a record, whose book is locked from here on; `decision` is the policy's.

    Raises ReasonMissing, FieldUnknown, ValueUnfit, SaysTheSame, ChangedMeanwhile, CorrectionWaits.
    """
    reason = said(new.reason)
    type_ = type_of(name.kind)
    book = books.lock_book(session, name)
    known = newest_of(session, name.kind, [record])
    newest = known.get(record)
    if newest is None or newest.version != new.based_on or newest.book_id != book.id:
        raise ChangedMeanwhile(record=record)
    if session.scalar(_one_that_waits(), {"of_kind": name.kind, "this": record}) is not None:
        raise CorrectionWaits(record=record)
    before = newest.values(type_)
    changed = _changed(name.kind, before, new.fields)
    if not changed:
        raise SaysTheSame
    cause = {"record": record}
    if not new.always_waits and not type_.schema.confirmed & changed.keys():
        act = BookAct(BookActKind.corrected, cause, decision.hat, reason)
        version = NewVersion(record, {**before, **changed}, newest.version)
        books.write(session, name, act, actor, now, [version], known=known)
        return Corrected(tuple(changed), waits=False)
    text, salt = canonical(changed).decode(), secrets.token_hex(16)
    told = {
        "record": record,
        "version": newest.version,
        "schema": type_.schema.version,
        "fields": sorted(changed),
        "digest": digest_payload(salt, text),
    }
    seq = books.write(
        session, name, BookAct(BookActKind.proposed, cause, decision.hat, reason, told=told), actor, now, []
    ).seq
    place = {"book_id": book.id, "seq": seq, "kind": name.kind, "record_id": record}
    session.add(Correction(**place, version=newest.version, salt=salt, changes=text))
    session.flush()
    return Corrected(tuple(changed), waits=True)


def waiting(session: Session, kind: str, record: str) -> Proposal | None:
    """The correction of the record that waits for a second person."""
    found = _proposals(
        session, Correction.kind == kind, Correction.record_id == record, Correction.decided_seq.is_(None)
    )
    return found[0] if found else None


def waiting_of(session: Session, kind: str, records: Sequence[str]) -> dict[str, Proposal]:
    """The corrections of these records that wait for a second person, by record: one of each at a time."""
    of_these = (Correction.kind == kind, Correction.record_id.in_(records), Correction.decided_seq.is_(None))
    return {one.row.record_id: one for one in _proposals(session, *of_these)}


def decided(session: Session, kind: str, record: str) -> list[Proposal]:
    """The corrections of the record that were confirmed or withdrawn, newest first."""
    return _proposals(
        session, Correction.kind == kind, Correction.record_id == record, Correction.decided_seq.is_not(None)
    )


def may_confirm(session: Session, proposal: Proposal, actor: Actor, now: datetime) -> bool:
    """Whether the actor is the second person that the correction needs; what else they may, the policy says."""
    return is_second_person(session, actor, now, _first_act(session, proposal))


def is_own(session: Session, proposal: Proposal, actor: Actor) -> bool:
    """Whether the actor proposed the correction, in whichever of their accounts."""
    return is_by(actor, _first_act(session, proposal))


def confirm(
    session: Session, name: BookName, seq: int, actor: Actor, now: datetime, record: str, decision: Decision
) -> None:
    """Carry out what somebody else proposed: one entry of who proposed it, with their reason, and of who confirmed it.

    Raises CorrectionNotFound, CorrectionDecided, NotTheSecondPerson, CorrectionDoubtful, CorrectionOutdated.
    """
    proposal = _open(session, name, seq, record)
    if not may_confirm(session, proposal, actor, now):
        raise NotTheSecondPerson
    _require_proven(proposal)
    known = newest_of(session, name.kind, [record])
    newest = known[record]
    if proposal.is_outdated(newest):
        raise CorrectionOutdated(record=record)
    values = {**newest.values(type_of(name.kind)), **proposal.changes}
    entry = proposal.entry
    hat = Hat(entry.actor_role, for_username=entry.on_behalf_of) if entry.actor_role else None
    second = Confirmation(actor.username, decision.role, decision.on_behalf_of)
    act = BookAct(BookActKind.corrected, {"record": record}, hat, proposal.reason or "", second, {"proposal": seq})
    proposer = Actor(_person(session, entry.actor), entry.actor, entry.actor)
    version = NewVersion(record, values, newest.version)
    written = books.write(session, name, act, proposer, now, [version], known=known)
    _decide(session, proposal, written.seq)


def withdraw(
    session: Session, name: BookName, seq: int, actor: Actor, now: datetime, reason: str, decision: Decision
) -> None:
    """Take a correction back that waits, perhaps saying why; the policy's answer says who may.

    Raises CorrectionNotFound, CorrectionDecided.
    """
    proposal = _open(session, name, seq)
    cause = {"record": proposal.row.record_id}
    act = BookAct(BookActKind.withdrawn, cause, decision.hat, straight(reason).strip(), told={"proposal": seq})
    _decide(session, proposal, books.write(session, name, act, actor, now, []).seq)


def find(session: Session, name: BookName, seq: int, record: str) -> Proposal:
    """The correction of the record that was proposed by this entry of the book. Raises CorrectionNotFound."""
    here = (Book.name == str(name), Correction.seq == seq, Correction.record_id == record)
    found = _proposals(session, *here)
    if not found:
        raise CorrectionNotFound
    return found[0]


def _changed(kind: str, before: JSON, fields: JSON) -> dict[str, Any]:
    """What the fields say otherwise than before; None for one that is to say nothing. Raises FieldUnknown, ValueUnfit."""
    schema = type_of(kind).schema
    for name in fields:
        if name not in schema.correctable:
            raise FieldUnknown(kind=kind, field=name)
    given = {name: value for name, value in fields.items() if value is not None}
    for path in validate(schema.form_of(fields), given):
        raise ValueUnfit(field=path)
    kept, _ = schema.split(before)
    corrected, _ = schema.split(given)
    return {name: given.get(name) for name in fields if not is_same(kept.get(name), corrected.get(name))}


def _proposals(session: Session, *wanted: ColumnElement[bool]) -> list[Proposal]:
    """Corrections as they lie there now, whatever the session has read before, newest first."""
    return [Proposal(*row) for row in session.execute(_every_proposal().where(*wanted))]


@cache
def _one_that_waits() -> Select[Any]:
    of_entry = and_(BookEntry.book_id == Correction.book_id, BookEntry.seq == Correction.seq)
    query = select(Correction.seq).join(BookEntry, of_entry).where(Correction.decided_seq.is_(None))
    return query.where(Correction.kind == bindparam("of_kind"), Correction.record_id == bindparam("this")).limit(1)


@cache
def _every_proposal() -> Any:
    """Made once: making it takes longer than running it."""
    decision = aliased(BookEntry)
    why, why_not = aliased(EntryReason), aliased(EntryReason)
    return (
        select(Correction, BookEntry, why.reason, decision, why_not.reason)
        .join(Book, Book.id == Correction.book_id)
        .join(BookEntry, and_(BookEntry.book_id == Correction.book_id, BookEntry.seq == Correction.seq))
        .outerjoin(why, and_(why.book_id == Correction.book_id, why.seq == Correction.seq))
        .outerjoin(decision, and_(decision.book_id == Correction.book_id, decision.seq == Correction.decided_seq))
        .outerjoin(why_not, and_(why_not.book_id == Correction.book_id, why_not.seq == Correction.decided_seq))
        .order_by(BookEntry.at.desc())
        .execution_options(populate_existing=True)
    )


def _open(session: Session, name: BookName, seq: int, record: str | None = None) -> Proposal:
    """The correction that waits, under the lock of its book."""
    book = books.lock_book(session, name)
    here = [Correction.book_id == book.id, Correction.seq == seq]
    found = _proposals(session, *here, *([] if record is None else [Correction.record_id == record]))
    if not found:
        raise CorrectionNotFound
    if found[0].row.decided_seq is not None:
        raise CorrectionDecided
    return found[0]


def _require_proven(proposal: Proposal) -> None:
    """Raise CorrectionDoubtful where the changes are not those that the entry of the proposal says."""
    row, entry = proposal.row, proposal.entry
    told = json.loads(entry.told)
    same = (told.get("digest"), told.get("record"), told.get("version")) == (
        digest_payload(row.salt, row.changes),
        row.record_id,
        row.version,
    )
    if not same or entry.act != BookActKind.proposed:
        raise CorrectionDoubtful


def _first_act(session: Session, proposal: Proposal) -> FirstAct:
    principal = _person(session, proposal.entry.on_behalf_of)
    return FirstAct(
        proposal.entry.actor, proposal.entry.at, frozenset() if principal is None else frozenset({principal})
    )


def _person(session: Session, username: str | None) -> int | None:
    return session.scalar(select(Person.id).where(Person.username == username)) if username else None


def _decide(session: Session, proposal: Proposal, seq: int) -> None:
    proposal.row.decided_seq = seq
    session.flush()
