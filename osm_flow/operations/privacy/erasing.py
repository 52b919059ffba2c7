"""Erasing by law: what people typed is deleted, the record that they did stays and the chain still verifies.

`erasures` says who may have it done; here it is done, in one case at a time, in every place that holds the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Delete, Update, delete, inspect, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.acts import Act
from osm_flow.domain.kinds import EntryKind
from osm_flow.domain.people import normal_number
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import GONE
from osm_flow.domain.search import holds_words, searchable
from osm_flow.domain.states import OPEN_CASE
from osm_flow.errors import Refused
from osm_flow.operations.ledger import access_chain, case_journal
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.store import file_store
from osm_flow.store.database import Model
from osm_flow.store.models import (
    Attachment,
    Case,
    CaseCheckpoint,
    CaseState,
    Comment,
    Draft,
    IdempotencyKey,
    Incident,
    JournalPayload,
    JournalRecord,
    Notification,
    OutboxEntry,
    OutgoingLetter,
    Person,
    PutBackRow,
    ServiceJob,
    WorkItem,
)
from osm_flow.store.session import lock_case
from osm_flow.store.words import keys_with

_UNSYNCHRONISED = {"synchronize_session": False}


class NothingToErase(Refused):
    """These records have no payload any more."""


@dataclass(frozen=True)
class Erasure:
    """Which records of a case lose their payload and why.

    words    what must not stay beside the case either.
    about    what else the record of it says.
    """

    numbers: Collection[int]
    reason: str
    words: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)


def erase_in(
    session: Session, case: Case, actor: Actor, now: datetime, erasure: Erasure, role: str | None = None
) -> None:
    """Delete the payloads of these records and what repeats them, and record that with the reason.

    Checks nothing about the actor. Raises NothingToErase.
    """
    case = lock_case(session, case.id)
    session.flush()
    chosen = sorted(set(erasure.numbers))
    gone = _bodies(session, case.id, chosen)
    erasing = delete(JournalPayload).where(JournalPayload.case_id == case.id, JournalPayload.seq.in_(chosen))
    result = session.execute(erasing, execution_options=_UNSYNCHRONISED)
    assert isinstance(result, CursorResult)  # noqa: S101 (what a DELETE gives; the annotation is wider)
    if result.rowcount != len(chosen):
        raise NothingToErase(case_id=case.id)
    _blank_case(session, case, gone, erasure.words)
    if erasure.words:
        blank_elsewhere(session, erasure.words, now)
    payload = {"erased": chosen, "reason": said(erasure.reason), **erasure.about}
    stepping.note(session, case, actor, now, Act(RecordKind.payloads_erased, role=role), payload)


def _bodies(session: Session, case_id: str, numbers: list[int]) -> dict[int, tuple[str, dict[str, Any]]]:
    written = case_journal.written(session, case_id, JournalRecord.seq.in_(numbers))
    return {record.seq: (record.kind, data) for record, data in written}


# ---- in the case -----------------------------------------------------------------------------------------------


def _blank_case(session: Session, case: Case, gone: dict[int, tuple[str, dict[str, Any]]], words: str) -> None:
    """Whatever repeats the erased payloads in the case. Of a running one its state stays, for it goes on from there."""
    items = select(WorkItem.id).where(WorkItem.case_id == case.id)
    files = _digests(gone)
    for statement in (
        delete(CaseCheckpoint).where(CaseCheckpoint.case_id == case.id),
        update(PutBackRow).where(PutBackRow.case_id == case.id).values(found="", recorded="", salt=""),
        delete(Draft).where(Draft.work_item_id.in_(items)),
        update(OutboxEntry).where(OutboxEntry.case_id == case.id, OutboxEntry.done_at.is_not(None)).values(body="{}"),
        *_comments_and_files(case, gone),
        delete(Notification).where(Notification.url.contains(case.id, autoescape=True)),
    ):
        _do(session, statement)
    file_store.release(session, files)
    _blank_texts_of_case(session, case, words)
    if case.state not in OPEN_CASE:
        for statement in (
            update(CaseState).where(CaseState.case_id == case.id).values(snapshot=b""),
            update(WorkItem).where(WorkItem.case_id == case.id).values(search="", subject=""),
            delete(ServiceJob).where(ServiceJob.case_id == case.id),
        ):
            _do(session, statement)
        case.subject = ""
    if 1 in gone or (words and holds_words(case.title, words)):
        case.title, case.search = f"{GONE} {case.business_key}", searchable(case.business_key)
        session.flush()


def _comments_and_files(case: Case, gone: dict[int, tuple[str, dict[str, Any]]]) -> Iterator[Any]:
    """Comments keep their writer and time, files their digest and size: the journal names them."""
    said_there = [data.get("body") for kind, data in gone.values() if kind == RecordKind.case_commented]
    yield update(Comment).where(Comment.case_id == case.id, Comment.body.in_(said_there)).values(body=GONE)
    yield (
        update(Attachment)
        .where(Attachment.case_id == case.id, Attachment.sha256.in_(_digests(gone)))
        .values(content=b"", file=None, filename=GONE)
    )


def _digests(gone: dict[int, tuple[str, dict[str, Any]]]) -> list[str]:
    """The files whose records are erased."""
    return [str(data.get("sha256")) for kind, data in gone.values() if kind == RecordKind.case_attached]


def _blank_texts_of_case(session: Session, case: Case, words: str) -> None:
    """Letters and incidents: those that have the words, or all of them when the case goes for its age."""
    for table, columns in (
        (OutgoingLetter, (OutgoingLetter.recipient, OutgoingLetter.subject, OutgoingLetter.body)),
        (Incident, (Incident.message, Incident.note)),
    ):
        for column in columns:
            if words:
                _blank(session, table, column, words, table.case_id == case.id, value="")
            else:
                _do(session, update(table).where(table.case_id == case.id).values({column: ""}))


# ---- beside the case -------------------------------------------------------------------------------------------


def blank_elsewhere(session: Session, words: str, now: datetime) -> None:
    """Rows of no case, or of others that inherit a subject: notices, mail, what work items are about, what was searched for."""
    to_people = OutboxEntry.kind.not_in(EntryKind)  # whatever the channel: what cases ask of one another they need
    done = OutboxEntry.done_at.is_not(None)
    for keys in keys_with(session, Notification, (Notification.text_th, Notification.text_en), words):
        _do(session, delete(Notification).where(Notification.id.in_(keys)))
    _blank(session, OutboxEntry, OutboxEntry.body, words, to_people, done, value="{}")
    for keys in keys_with(session, OutboxEntry, (OutboxEntry.body,), words, to_people):
        _do(session, delete(OutboxEntry).where(OutboxEntry.id.in_(keys)))
    for keys in keys_with(session, WorkItem, (WorkItem.subject,), words):
        _do(session, update(WorkItem).where(WorkItem.id.in_(keys)).values(subject="", search=""))
    _blank(session, Case, Case.subject, words, value="")
    for keys in keys_with(session, PutBackRow, (PutBackRow.found, PutBackRow.recorded), words):
        _do(session, update(PutBackRow).where(PutBackRow.id.in_(keys)).values(found="", recorded="", salt=""))
    _erase_reads(session, words, now)
    _blank(session, IdempotencyKey, IdempotencyKey.subject, words, value="")
    # That accounts are one person's stays: it says so without the number.
    if number := normal_number(words):
        _do(session, update(Person).where(Person.employee_number == number).values(employee_number=None))


def _erase_reads(session: Session, words: str, now: datetime) -> None:
    """What was searched for, typed or given as a reason; the chain of reads says which of its records lack it."""
    for book, shape in access_chain.SHAPES.items():
        for part in shape.words:
            for keys in keys_with(session, shape.model, (getattr(shape.model, part),), words):
                access_chain.erase(session, now, book, part, keys)


def _blank(
    session: Session,
    model: type[Model],
    column: InstrumentedAttribute[Any],
    words: str,
    *conditions: ColumnElement[bool],
    value: str,
) -> None:
    """Put `value` in the place of every text of this column that has the words."""
    key = next(iter(inspect(model).primary_key))
    for keys in keys_with(session, model, (column,), words, *conditions):
        _do(session, update(model).where(key.in_(keys)).values({column: value}))


def _do(session: Session, statement: Delete | Update) -> None:
    session.execute(statement, execution_options=_UNSYNCHRONISED)
