"""The versions of records as they are kept: the newest, all of one, that of an instant, and where each value comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, select
from sqlalchemy.orm import Session

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.differences import Difference, differences, is_same
from osm_flow.domain.journal import canonical
from osm_flow.domain.json import JSON
from osm_flow.operations.books.record_types import RecordType, type_of
from osm_flow.store.models import BookEntry, ChangeBody, EntryReason, RecordChange

Thing = TypeVar("Thing")
_BATCH = 500
# What is kept of a newest version.
_KEPT: tuple[Any, ...] = (
    RecordChange.record_id,
    RecordChange.version,
    RecordChange.hash,
    RecordChange.schema,
    RecordChange.book_id,
    ChangeBody.body,
    ChangeBody.personal,
)


@dataclass(frozen=True)
class NewestVersion:
    """A version as it is kept: which, its hash, the schema it was written by, and both halves of what it says."""

    record: str
    version: int
    hash: str
    schema: int
    book_id: int
    halves: tuple[str, str]

    def values(self, type_: RecordType) -> JSON:
        """What the version says, as forms know it; without the personal half where that was erased.

        Nothing at all where the record was taken back: then no table has it.
        """
        return said_by(type_, self.schema, *self.halves)


@dataclass(frozen=True)
class RecordVersion:
    """One version of a record with the act that wrote it; `changed` says what differs from the version before.

    `is_erased`: its personal half is gone by law; `is_reason_erased`: so is why it was written.
    """

    version: int
    hash: str
    values: JSON
    at: datetime
    seq: int
    act: str
    actor: str
    actor_role: str | None
    on_behalf_of: str | None
    cause: JSON
    reason: str | None
    confirmed: JSON | None
    is_erased: bool
    is_reason_erased: bool
    changed: tuple[Difference, ...]


def said_by(type_: RecordType, schema: int, body: str, personal: str) -> JSON:
    """What both halves of a version say, as forms know it; an erased half says nothing."""
    return type_.schema.join(schema, *(json.loads(half) if half else {} for half in (body, personal)))


def in_batches(things: Sequence[Thing]) -> Iterator[Sequence[Thing]]:
    """The things in their order, as many at a time as one statement takes."""
    for start in range(0, len(things), _BATCH):
        yield things[start : start + _BATCH]


def is_known(session: Session, kind: str, record: str) -> bool:
    """Whether a record of this kind ever had this code, in whichever book."""
    query = select(RecordChange.version).where(RecordChange.kind == kind, RecordChange.record_id == record)
    return session.scalar(query.limit(1)) is not None


def known_of(session: Session, kind: str, records: Sequence[str]) -> set[str]:
    """Which of these codes a record of this kind ever had, in whichever book."""
    found: set[str] = set()
    for some in in_batches(records):
        query = select(RecordChange.record_id).where(RecordChange.kind == kind, RecordChange.record_id.in_(some))
        found.update(session.scalars(query.distinct()))
    return found


def records_entered_by(session: Session, kind: str, case_id: str, records: Sequence[str]) -> set[str]:
    """Which of these records a service of this case entered or described anew (`registered`)."""
    of_case = BookEntry.cause.startswith(canonical({"case": case_id}).decode()[:-1] + ",", autoescape=True)
    entry = (BookEntry.book_id == RecordChange.book_id) & (BookEntry.seq == RecordChange.seq)
    found: set[str] = set()
    for some in in_batches(records):
        query = select(RecordChange.record_id).join(BookEntry, entry)
        query = query.where(RecordChange.kind == kind, RecordChange.record_id.in_(some))
        found.update(session.scalars(query.where(BookEntry.act == BookActKind.registered, of_case)))
    return found


def newest_of(session: Session, kind: str, records: Sequence[str]) -> dict[str, NewestVersion]:
    """The newest version of each of these records that there is."""
    if len(records) == 1:
        rows = session.execute(_newest_of_this(), {"of_kind": kind, "this": records[0]})
        return {row.record_id: _kept(row) for row in rows}
    found: dict[str, NewestVersion] = {}
    for some in in_batches(sorted(set(records))):
        rows = session.execute(_newest_of_these(), {"of_kind": kind, "these": some})
        found |= {row.record_id: _kept(row) for row in rows}
    return found


@cache
def _newest_of_these() -> Select[Any]:
    """Made once, with its values as parameters: making it takes longer than running it."""
    return _newest(
        RecordChange.kind == bindparam("of_kind"), RecordChange.record_id.in_(bindparam("these", expanding=True))
    )


@cache
def _newest_of_this() -> Select[Any]:
    """Of one record, however many versions it has: none but the newest is read."""
    return (
        select(*_KEPT)
        .select_from(RecordChange)
        .join(BookEntry, _its_entry())
        .join(ChangeBody, _same_version())
        .where(RecordChange.kind == bindparam("of_kind"), RecordChange.record_id == bindparam("this"))
        .order_by(RecordChange.version.desc())
        .limit(1)
    )


def every_newest(session: Session, kind: str) -> Iterator[NewestVersion]:
    """The newest version of every record of a kind, in the order of their codes; never all of them in memory."""
    newest = _newest(RecordChange.kind == kind).order_by(RecordChange.record_id)
    for row in session.execute(newest.execution_options(yield_per=1_000)):
        yield _kept(row)


def values_of(session: Session, kind: str, record: str) -> JSON | None:
    """What the record says now; None where there is none of this code."""
    kept = newest_of(session, kind, [record]).get(record)
    return kept.values(type_of(kind)) if kept else None


def as_of(session: Session, kind: str, record: str, at: datetime) -> RecordVersion | None:
    """The record as it was at an instant: its newest version then; None before its first."""
    then = [version for version in versions_of(session, kind, record) if version.at <= at]
    return then[-1] if then else None


def versions_of(session: Session, kind: str, record: str) -> list[RecordVersion]:
    """All versions of a record, oldest first, each with the act that wrote it."""
    type_ = type_of(kind)
    query = (
        select(RecordChange, ChangeBody, BookEntry, EntryReason.reason)
        .join(BookEntry, _its_entry())
        .join(ChangeBody, _same_version())
        .outerjoin(EntryReason, and_(EntryReason.book_id == BookEntry.book_id, EntryReason.seq == BookEntry.seq))
        .where(RecordChange.kind == kind, RecordChange.record_id == record)
        .order_by(RecordChange.version)
    )
    found: list[RecordVersion] = []
    before: JSON = {}
    for row in session.execute(query):
        made = _version(type_, row, before)
        found.append(made)
        before = made.values
    return found


def origins(versions: Sequence[RecordVersion]) -> dict[str, RecordVersion]:
    """For each field that says something now, the version in which it was given the value that it has."""
    found: dict[str, RecordVersion] = {}
    before: JSON = {}
    for version in versions:
        for name, value in version.values.items():
            if name not in before or not is_same(before[name], value):
                found[name] = version
        before = version.values
    return {name: found[name] for name in before}


def _newest(*wanted: Any) -> Select[Any]:
    top = (
        select(RecordChange.kind, RecordChange.record_id, func.max(RecordChange.version).label("version"))
        # What lies under no entry is no version: nothing sealed it.
        .join(BookEntry, _its_entry())
        .where(*wanted)
        .group_by(RecordChange.kind, RecordChange.record_id)
        .subquery()
    )
    return (
        select(*_KEPT)
        .join(
            top,
            and_(
                RecordChange.kind == top.c.kind,
                RecordChange.record_id == top.c.record_id,
                RecordChange.version == top.c.version,
            ),
        )
        .join(ChangeBody, _same_version())
    )


def _its_entry() -> ColumnElement[bool]:
    return and_(BookEntry.book_id == RecordChange.book_id, BookEntry.seq == RecordChange.seq)


def _same_version() -> Any:
    names = ("kind", "record_id", "version")
    return and_(*(getattr(ChangeBody, name) == getattr(RecordChange, name) for name in names))


def _kept(row: Row[Any]) -> NewestVersion:
    halves = (row.body, row.personal)
    return NewestVersion(row.record_id, row.version, row.hash, row.schema, row.book_id, halves)


def _version(type_: RecordType, row: Row[*tuple[Any, ...]], before: JSON) -> RecordVersion:
    change, body, entry, reason = tuple(row)
    values = said_by(type_, change.schema, body.body, body.personal)
    return RecordVersion(
        version=change.version,
        hash=change.hash,
        values=values,
        at=entry.at,
        seq=entry.seq,
        act=entry.act,
        actor=entry.actor,
        actor_role=entry.actor_role,
        on_behalf_of=entry.on_behalf_of,
        cause=json.loads(entry.cause),
        reason=reason,
        confirmed=json.loads(entry.confirmed) if entry.confirmed else None,
        is_erased=change.personal_digest is not None and not body.personal,
        is_reason_erased=entry.reason_digest is not None and reason is None,
        changed=tuple(differences(before, values)),
    )
