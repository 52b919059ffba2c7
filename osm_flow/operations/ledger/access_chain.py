"""The chain of reads and security events: one for the whole installation, whose records name nobody.

Who, what, why and from where stand beside the chain, in a row of `accesses` or `security_events`; a record has a salted
digest of each part of that row. So a part can be erased, and the whole pruned when its time is over, while the chain
verifies. That something was erased or pruned is a record itself, and excuses no more than it names.

Whatever a transaction records waits until its commit and is chained then: the end of the chain is locked last of all and
for a moment only, whatever the transaction did before.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from sqlalchemy import event, func, insert, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.journal import GENESIS, canonical, digest_payload
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.database import instant_text
from osm_flow.store.models import Access, AccessRecord, SecurityEvent
from osm_flow.store.unit_of_work import unit_of

# The name of this chain in the audit log, where that of a case has its id.
CHAIN = "reads"

Body = Access | SecurityEvent

# The salt of a row that an earlier version of the product wrote.
NO_SALT = ""

_ADD = insert(AccessRecord.__table__)  # type: ignore[arg-type]  # a table, said less exactly


class BodyTable(StrEnum):
    """The tables in which the bodies of this chain stand."""

    reads = "accesses"
    events = "security_events"


class ChainKind(StrEnum):
    """The kinds of records that have no body: they say what became of bodies."""

    words_erased = "words.erased"
    words_pruned = "words.pruned"
    bodies_pruned = "bodies.pruned"


@dataclass(frozen=True)
class Shape:
    """How a row of a book is read: the columns that stand or go together, and those that can be blanked one by one."""

    model: type[Access] | type[SecurityEvent]
    fixed: tuple[str, ...]
    words: tuple[str, ...]


SHAPES: Mapping[BodyTable, Shape] = {
    BodyTable.reads: Shape(
        Access,
        ("id", "at", "actor", "role", "office_id", "kind", "subject", "case_id"),
        ("details", "reason", "address"),
    ),
    BodyTable.events: Shape(
        SecurityEvent,
        ("id", "at", "until", "count", "kind", "actor", "role", "office_id", "subject"),
        ("details", "address"),
    ),
}


@dataclass(frozen=True)
class _Entry:
    """What is to be chained at the commit."""

    at: datetime
    kind: str
    book: str = ""
    body: int | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


def table_of(body: Body) -> BodyTable:
    """The book in which this row stands."""
    return BodyTable.reads if isinstance(body, Access) else BodyTable.events


def add_body(
    session: Session, body: Body, *, written: datetime | None = None, told: Mapping[str, Any] | None = None
) -> None:
    """Add a row with salts of its own; the record of it is chained when this transaction is committed.

    `written` is when, where that is later than what the row tells; then the record says `since`, too.
    """
    give_salts(body)
    if body.id is None and session.get_bind().dialect.name == "sqlite":
        body.id = _next_number(session, table_of(body))
    session.add(body)
    session.flush()
    said = {**(told or {}), **({"since": instant_text(body.at)} if written else {})}
    book = table_of(body)
    _wait(session, _Entry(written or body.at, body.kind, book, body.id, said, digests_of(body)))


def _next_number(session: Session, book: BodyTable) -> int:
    """A number that no row of the book ever had: SQLite gives those of deleted rows anew, and records name rows by it."""
    model = SHAPES[book].model
    chained = session.scalar(select(func.max(AccessRecord.body)).where(AccessRecord.book == book)) or 0
    return max(chained, session.scalar(select(func.max(model.id))) or 0) + 1


def add_note(session: Session, now: datetime, kind: ChainKind, told: Mapping[str, Any], book: BodyTable) -> None:
    """Have the chain say, when this transaction is committed, what became of bodies of this book."""
    _wait(session, _Entry(now, kind, book, told=told))


def erase(session: Session, now: datetime, book: BodyTable, part: str, bodies: Collection[int]) -> None:
    """Take one part, with its salt, out of these rows, and have the chain say of which records."""
    chain_waiting(session)
    model = SHAPES[book].model
    chained = select(AccessRecord.seq).where(AccessRecord.book == book, AccessRecord.body.in_(bodies))
    records = list(session.scalars(chained.order_by(AccessRecord.seq)))
    blank = update(model).where(model.id.in_(bodies)).values({part: "", f"{part}_salt": ""})
    session.execute(blank, execution_options={"synchronize_session": False})
    if records:
        add_note(session, now, ChainKind.words_erased, {"part": part, "records": records}, book)


def give_salts(body: Body) -> None:
    """Give each part of the row a salt of its own, at random."""
    shape = SHAPES[table_of(body)]
    body.salt = secrets.token_hex(16)
    for part in shape.words:
        setattr(body, f"{part}_salt", secrets.token_hex(16))


def digests_of(body: Body) -> dict[str, str]:
    """The salted digest of each part of a row that has all of its salts."""
    shape = SHAPES[table_of(body)]
    words = {part: digest_payload(getattr(body, f"{part}_salt"), getattr(body, part)) for part in shape.words}
    return {"body": digest_payload(body.salt, fixed_of(body)), **words}


def fixed_of(body: Body) -> str:
    """The part of a row that stands or goes as a whole, as it is digested."""
    values = {name: getattr(body, name) for name in SHAPES[table_of(body)].fixed}
    plain = {name: instant_text(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return canonical(plain).decode()


# The fields of a record of this chain as it is hashed and exported.
FIELDS = frozenset(("seq", "at", "kind", "book", "body", "told", "digests", "prev_hash", "hash"))


def seal(record: AccessRecord, told: Any, digests: Any) -> str:
    """The hash of a record: SHA-256 over the canonical JSON of all that it says."""
    return sha256(canonical(as_json(record, told, digests))).hexdigest()


def as_json(record: AccessRecord, told: Any, digests: Any) -> dict[str, Any]:
    """The record as it is hashed: without its hash."""
    return {
        "seq": record.seq,
        "at": instant_text(record.at),
        "kind": record.kind,
        "book": record.book,
        "body": record.body,
        "told": told,
        "digests": digests,
        "prev_hash": record.prev_hash,
    }


# ---- the end of the chain --------------------------------------------------------------------------------------


def lock_end(session: Session) -> None:
    """Wait until nobody else adds to the chain, up to the end of this transaction."""
    take(session, AdvisoryLock.reads)


def chain_waiting(session: Session) -> None:
    """Chain what this transaction recorded so far; done at its commit by itself."""
    waiting: list[_Entry] = unit_of(session).take_waiting()
    if not waiting:
        return
    session.flush()
    lock_end(session)
    newest = session.execute(
        select(AccessRecord.seq, AccessRecord.hash).order_by(AccessRecord.seq.desc()).limit(1)
    ).first()
    seq, previous = (newest.seq, newest.hash) if newest else (0, GENESIS)
    rows = []
    for entry in waiting:
        seq += 1
        record = AccessRecord(
            seq=seq, at=entry.at, kind=str(entry.kind), book=str(entry.book), body=entry.body, prev_hash=previous
        )
        previous = seal(record, dict(entry.told), dict(entry.digests))
        rows.append(
            {
                "seq": seq,
                "at": entry.at,
                "kind": record.kind,
                "book": record.book,
                "body": entry.body,
                "told": canonical(dict(entry.told)).decode(),
                "digests": canonical(dict(entry.digests)).decode(),
                "prev_hash": record.prev_hash,
                "hash": previous,
            }
        )
    session.execute(_ADD, rows)


def _wait(session: Session, entry: _Entry) -> None:
    within = session.get_nested_transaction() or session.get_transaction()
    unit_of(session).wait(within, entry)


@event.listens_for(Session, "before_commit")
def _chain(session: Session) -> None:
    if unit_of(session).has_waiting:
        chain_waiting(session)
