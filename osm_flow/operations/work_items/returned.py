"""Why a work item was returned for revision: the decision that did so, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.case_journal import data_of, payload_of
from osm_flow.store.models import JournalPayload, JournalRecord, Person, WorkItem

# What approvers' forms call their words, and the list of parts that they name.
_WORDS = ("reason", "note")
_PARTS = "parts"


@dataclass(frozen=True)
class Returned:
    """Who returned it, at which step, when, in what words, and which parts; no words where they were erased."""

    seq: int
    at: datetime
    by: str
    role: str | None
    on_behalf_of: str | None
    is_as_stated: bool
    answer: JSON | None
    step: str
    words: str
    parts: tuple[str, ...]


def return_of(session: Session, item: WorkItem) -> Returned | None:
    """The decision that opened the work item by returning its document; None when it opened otherwise.

    Whoever judges a document and thereby opens the step that writes it has returned it, whatever the form is called.
    """
    elements = compiled(session, item.case.definition).elements
    writer = elements.get(item.element)
    document = writer.properties.get("document") if writer else None
    if not document:
        return None
    judges = [element.id for element in elements.values() if element.properties.get("approves") == document]
    query = (
        select(JournalRecord, JournalPayload.body, Person.display_name)
        .outerjoin(JournalRecord.payload)
        .outerjoin(Person, Person.username == JournalRecord.actor)
        .where(
            JournalRecord.case_id == item.case_id,
            JournalRecord.at == item.opened_at,
            JournalRecord.kind == RecordKind.work_item_completed,
            JournalRecord.element.in_(judges),
        )
    )
    row = session.execute(query).first()
    if row is None:
        return None
    record, body, name = row
    typed = data_of(body)
    return Returned(
        seq=record.seq,
        at=record.at,
        by=name or record.actor,
        role=record.actor_role,
        on_behalf_of=record.on_behalf_of,
        is_as_stated=is_as_stated(record),
        answer=answer_in(payload_of(body)),
        step=elements[record.element or ""].name,
        words=next((str(typed[key]).strip() for key in _WORDS if typed.get(key)), ""),
        parts=_texts(typed.get(_PARTS)),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str) and part) if isinstance(value, list) else ()
