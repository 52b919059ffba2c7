"""What the journal alone says of a past case: who held which work item, which files were attached, what was erased."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain import journal as rules
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus
from osm_flow.engine.values import Waiting
from osm_flow.operations.ledger.case_journal import written
from osm_flow.store.models import Attachment, JournalRecord

_HELD_BY = (
    RecordKind.work_item_claimed,
    RecordKind.work_item_released,
    RecordKind.work_item_delegated,
    RecordKind.work_item_reassigned,
)
# What may name who has the work item from then on; one that was delegated goes back to its owner when it is released.
_GIVEN = (RecordKind.work_item_delegated, RecordKind.work_item_reassigned, RecordKind.work_item_released)
_HOLDING = (*_HELD_BY, RecordKind.work_item_due_moved)
_TURNS: Mapping[str, CaseStatus] = {
    RecordKind.case_suspended: CaseStatus.SUSPENDED,
    RecordKind.case_resumed: CaseStatus.ACTIVE,
    RecordKind.case_cancelled: CaseStatus.CANCELLED,
}


@dataclass(frozen=True)
class OpenItem:
    """A work item that was open: `holder` had claimed it or was given it, `candidates` may claim it."""

    task_id: str
    element: str
    name: str
    candidates: tuple[str, ...]
    holder: str | None
    holder_name: str | None
    due_at: datetime | None
    instance: int | None
    subject: str = ""


@dataclass(frozen=True)
class Given:
    """A file that was attached with record `seq`; `attachment_id` where it is still there."""

    seq: int
    filename: str
    size: int
    sha256: str
    attachment_id: int | None


class Holders:
    """The holders of work items after each record, and when each was due."""

    def __init__(self, session: Session, case_id: str, task_ids: Collection[str], last: int) -> None:
        self._acts: dict[str, list[tuple[int, str, str, JSON]]] = {}
        if not task_ids:
            return
        wanted = (JournalRecord.task_id.in_(task_ids), JournalRecord.kind.in_(_HOLDING), JournalRecord.seq <= last)
        for record, data in written(session, case_id, *wanted):
            self._acts.setdefault(record.task_id or "", []).append((record.seq, record.kind, record.actor, data))

    @property
    def usernames(self) -> set[str]:
        """The user names that the records name."""
        acts = [act for acts in self._acts.values() for act in acts]
        return {actor for _, _, actor, _ in acts} | {
            data["to"] for _, kind, _, data in acts if _names_person(kind, data)
        }

    def item(self, waiting: Waiting, seq: int, names: Mapping[str, str], subject: str = "") -> OpenItem:
        """The work item after record `seq`; `names` are those of people by user name, `subject` is that of its case."""
        holder = waiting.assignee if waiting.assignee in names else None
        due_at = waiting.due_at
        for number, kind, actor, data in self._acts.get(waiting.task_id, ()):
            if number > seq:
                break
            if kind == RecordKind.work_item_due_moved:
                due_at = _instant(data.get("to")) or due_at
            else:
                holder = _holder(kind, actor, data)
        name = names.get(holder, holder) if holder else None
        return OpenItem(
            waiting.task_id,
            waiting.element,
            waiting.name,
            waiting.candidates,
            holder,
            name,
            due_at,
            waiting.instance,
            waiting.subject or subject,
        )


def erasures(session: Session, case_id: str) -> dict[int, int]:
    """The records whose payloads were erased, and the records that say so."""
    by_record: dict[int, int] = {}
    for record, data in written(session, case_id, JournalRecord.kind == RecordKind.payloads_erased):
        numbers = data.get("erased")
        for seq in numbers if isinstance(numbers, list) else ():
            by_record.setdefault(seq, record.seq)
    return by_record


def attachments(session: Session, case_id: str, last: int) -> list[Given]:
    """The files attached up to record `last`."""
    query = select(Attachment.sha256, Attachment.filename, Attachment.id).where(Attachment.case_id == case_id)
    there = {(sha256, filename): number for sha256, filename, number in session.execute(query)}
    wanted = (JournalRecord.kind == RecordKind.case_attached, JournalRecord.seq <= last)
    return [
        Given(
            record.seq,
            str(data["filename"]),
            int(data["size"]),
            str(data["sha256"]),
            there.get((data["sha256"], data["filename"])),
        )
        for record, data in written(session, case_id, *wanted)
        if {"filename", "size", "sha256"} <= data.keys()
    ]


def turns(session: Session, case_id: str, last: int) -> list[tuple[int, CaseStatus]]:
    """The records at which an administrator suspended, resumed or cancelled the case."""
    query = select(JournalRecord.seq, JournalRecord.kind).where(
        JournalRecord.case_id == case_id, JournalRecord.kind.in_(_TURNS), JournalRecord.seq <= last
    )
    return [(seq, _TURNS[kind]) for seq, kind in session.execute(query.order_by(JournalRecord.seq))]


def digest_is(salt: str, body: str, digest: str) -> bool:
    """Whether the payload has this digest."""
    try:
        return rules.digest_payload(salt, body) == digest
    except ValueError:
        return False


def _names_person(kind: str, data: JSON) -> bool:
    return kind in _GIVEN and isinstance(data.get("to"), str)


def _holder(kind: str, actor: str, data: JSON) -> str | None:
    if kind == RecordKind.work_item_claimed:
        return actor
    return data["to"] if _names_person(kind, data) else None


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
