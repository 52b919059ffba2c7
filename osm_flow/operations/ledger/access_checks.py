"""Verifying the chain of reads and security events: each record, each body beside it, and what is excused of missing ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from osm_flow.domain.journal import GENESIS, Fault, canonical, digest_payload
from osm_flow.operations.ledger.access_chain import CHAIN, SHAPES, Body, BodyTable, ChainKind, as_json, fixed_of, seal
from osm_flow.operations.ledger.admin_journal import Checked
from osm_flow.store.database import instant_text
from osm_flow.store.models import Access, AccessRecord, SecurityEvent

# Whatever is set, a body is kept for so long; so the law asks of addresses, too.
LEAST_DAYS = 90
# How long after the chain began an earlier version of the product may still have written rows beside it.
CARRIED_WITHIN = timedelta(days=1)
_MOST = 100

Told = dict[str, Any]


@dataclass
class _Excuses:
    """What the chain itself says is gone: up to which instant of a book, and which parts of which records."""

    bodies: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    erased: dict[tuple[str, int], int] = field(default_factory=dict)  # which part of which record: by which record

    def is_body_over(self, record: AccessRecord, told: Told) -> bool:
        return _age(record, told) < self.bodies.get(record.book, "")

    def may_lack(self, record: AccessRecord, told: Told, part: str) -> bool:
        by_age = part != "reason" and _age(record, told) < self.words.get(record.book, "")
        return by_age or self.erased.get((part, record.seq), 0) > record.seq


def check_chain(session: Session) -> Checked:
    """Verify the chain: compute every hash and every digest again, and look for bodies beside it and without it."""
    faults: list[Fault] = []
    checked = 0
    try:
        excuses = _excuses(session, faults)
        for checked, found in _walk(session, excuses):  # noqa: B007 (how far it came is told)
            faults += found
        faults += _beside(session)
    except (ValueError, OverflowError) as error:  # an instant that is none: nothing after it can be read
        faults.append(Fault(CHAIN, checked + 1, "unreadable", f"the chain cannot be read on: {error}"))
    return Checked(checked, faults)


def exported(session: Session, last: int) -> Iterator[tuple[Told, list[Told]]]:
    """The records up to `last` in their order, as they are hashed with their hash, each with what stands beside it."""
    with session.execute(_everything().where(AccessRecord.seq <= last)) as rows:
        for record, access, happening in rows:
            told, digests = json.loads(record.told), json.loads(record.digests)
            shown = {**as_json(record, told, digests), "hash": record.hash}
            body = access or happening
            yield shown, sorted(_texts_of(record, body), key=lambda text: str(text["part"])) if body else []


def _texts_of(record: AccessRecord, body: Body) -> Iterator[Told]:
    """The parts of a row that are there, each with its salt."""
    yield {"seq": record.seq, "part": "body", "salt": body.salt, "body": fixed_of(body)}
    for part in SHAPES[BodyTable(record.book)].words:
        if salt := getattr(body, f"{part}_salt"):
            yield {"seq": record.seq, "part": part, "salt": salt, "body": getattr(body, part)}


def _walk(session: Session, excuses: _Excuses) -> Iterator[tuple[int, list[Fault]]]:
    """The number of each record, and what is wrong with it."""
    with session.execute(_everything()) as rows:
        yield from _judged(rows, excuses)


def _judged(rows: Iterable[Any], excuses: _Excuses) -> Iterator[tuple[int, list[Fault]]]:
    expected, previous, first = 1, GENESIS, None
    for record, access, happening in rows:
        first = first or record.at
        told, digests = _read(record.told), _read(record.digests)
        found = [*_faults_of(record, told, digests, expected, previous)]
        if told is not None and digests is not None:
            found += _faults_of_body(record, told, digests, access or happening, excuses)
            if told.get("carried_over") and record.at > first + CARRIED_WITHIN:
                found.append(("carried", "the record claims to be of an earlier version, and came long after it"))
        yield record.seq, [Fault(CHAIN, record.seq, code, message) for code, message in found]
        expected, previous = record.seq + 1, record.hash


def _everything() -> Any:
    """Each record with its body. A book is joined only to its own records."""
    of_reads = and_(AccessRecord.book == BodyTable.reads, Access.id == AccessRecord.body)
    of_events = and_(AccessRecord.book == BodyTable.events, SecurityEvent.id == AccessRecord.body)
    query = select(AccessRecord, Access, SecurityEvent).outerjoin(Access, of_reads).outerjoin(SecurityEvent, of_events)
    return query.order_by(AccessRecord.seq).execution_options(yield_per=1_000)


def _excuses(session: Session, faults: list[Fault]) -> _Excuses:
    """Read what the chain says is gone; a record that takes away what is too young excuses nothing."""
    excuses = _Excuses()
    notes = select(AccessRecord).where(AccessRecord.kind.in_(ChainKind), AccessRecord.book.in_(BodyTable))
    for note in session.scalars(notes.order_by(AccessRecord.seq)):
        told = _read(note.told) or {}
        if note.kind == ChainKind.words_erased:
            numbers = told.get("records")
            for number in numbers if isinstance(numbers, list) else ():
                excuses.erased[str(told.get("part")), number] = note.seq
            continue
        before = str(told.get("before", ""))
        if before > instant_text(note.at - timedelta(days=LEAST_DAYS)):
            message = f"the record lets go of what was not {LEAST_DAYS} days old"
            faults.append(Fault(CHAIN, note.seq, "early", message))
            continue
        gone = excuses.bodies if note.kind == ChainKind.bodies_pruned else excuses.words
        gone[note.book] = max(before, gone.get(note.book, ""))
    return excuses


def _faults_of(
    record: AccessRecord, told: Told | None, digests: Told | None, expected: int, previous: str
) -> Iterator[tuple[str, str]]:
    if record.seq != expected:
        yield "gap", f"record {expected} is missing"
    if record.prev_hash != previous:
        yield "link", "the record does not follow from the one before it"
    if told is None or digests is None or seal(record, told, digests) != record.hash:
        yield "hash", "the record was changed after it was written"


def _faults_of_body(
    record: AccessRecord, told: Told, digests: Told, body: Body | None, excuses: _Excuses
) -> Iterator[tuple[str, str]]:
    """Whether what stands beside the chain is what the record has digests of."""
    if record.body is None:
        return
    if body is None:
        if not excuses.is_body_over(record, told):
            yield "missing", "what the record is about is not there any more"
        return
    shape = SHAPES[BodyTable(record.book)]
    if not _fits(body.salt, digests.get("body"), fixed_of(body)) or body.kind != record.kind:
        yield "body", "what the record is about was changed after it was written"
    if isinstance(body, SecurityEvent) and told.get("count", 1) != body.count:
        yield "body", "how often it happened was changed after it was written"
    for part in shape.words:
        yield from _faults_of_part(record, told, digests, body, excuses, part)


def _faults_of_part(
    record: AccessRecord, told: Told, digests: Told, body: Body, excuses: _Excuses, part: str
) -> Iterator[tuple[str, str]]:
    text, salt = getattr(body, part), getattr(body, f"{part}_salt")
    if salt:
        if not _fits(salt, digests.get(part), text):
            yield "body", f"the {part} were changed after the record was written"
    elif text or not excuses.may_lack(record, told, part):
        yield "missing", f"the {part} were taken out, and no record says so"


def _beside(session: Session) -> Iterator[Fault]:
    """Rows that no record is about, and such as several are about."""
    for book, shape in SHAPES.items():
        same = and_(AccessRecord.book == book, AccessRecord.body == shape.model.id)
        alone = select(shape.model.id).outerjoin(AccessRecord, same).where(AccessRecord.seq.is_(None))
        for number in session.scalars(alone.order_by(shape.model.id).limit(_MOST)):
            yield Fault(CHAIN, 0, "added", f"row {number} of {book} is in no record")
    twice = select(AccessRecord.book, AccessRecord.body, func.max(AccessRecord.seq).label("seq"))
    twice = twice.where(AccessRecord.body.is_not(None)).group_by(AccessRecord.book, AccessRecord.body)
    for row in session.execute(twice.having(func.count() > 1).limit(_MOST)):
        yield Fault(CHAIN, row.seq, "added", f"row {row.body} of {row.book} is in more than one record")


def _fits(salt: str, digest: object, text: str) -> bool:
    try:
        return digest_payload(salt, text) == digest
    except ValueError:
        return False


def _read(text: str) -> Told | None:
    """The JSON of a record if it is spelled as it was written."""
    try:
        value = json.loads(text)
        return value if isinstance(value, dict) and canonical(value).decode() == text else None
    except (ValueError, RecursionError):
        return None


def _age(record: AccessRecord, told: Told) -> str:
    """When what the record is about happened, as text that compares like an instant."""
    return str(told.get("since") or instant_text(record.at))
