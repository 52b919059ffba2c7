"""Writing and reading the journal of a case: one record for each act, chained to the one before, with its payload."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from osm_flow.domain import journal
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.acts import Act
from osm_flow.domain.json import JSON
from osm_flow.domain.search import typed_text
from osm_flow.engine import ENGINE_VERSION
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, JournalPayload, JournalRecord
from osm_flow.store.session import write

_TICK = timedelta(microseconds=1)
# Into the tables themselves: nobody changes these rows again, so no object has to follow them.
_ADD_RECORD = insert(JournalRecord.__table__)  # type: ignore[arg-type]  # a table, said less exactly
_ADD_PAYLOAD = insert(JournalPayload.__table__)  # type: ignore[arg-type]


def next_instant(case: Case, now: datetime) -> datetime:
    """The time of the case's next record: now, or just after its newest record if that is not earlier."""
    return now if case.seq == 0 or now > case.head_at else case.head_at + _TICK


def append(
    session: Session,
    case: Case,
    actor: Actor,
    at: datetime,
    act: Act,
    payload: Mapping[str, Any],
    state_digest: str,
) -> None:
    """Add a record to the case, which must be locked, and make it the head. Raises NotStorable for a bad payload."""
    body = journal.canonical(payload).decode()
    salt = secrets.token_hex(16)
    definition = case.definition
    record = journal.Record(
        case_id=case.id,
        seq=case.seq + 1,
        at=instant_text(at),
        kind=str(act.kind),  # a plain text binds faster than a member of the enum
        actor=actor.username,
        actor_role=act.role,
        on_behalf_of=act.on_behalf_of,
        element=act.element,
        task_id=act.task_id,
        payload_digest=journal.digest_payload(salt, body),
        definition_key=definition.key,
        definition_version=definition.version,
        definition_sha256=definition.sha256,
        engine_version=ENGINE_VERSION,
        state_digest=state_digest,
        prev_hash=case.head or journal.GENESIS,
    )
    hash_ = journal.seal(record)
    write(session, case, seq=record.seq, head=hash_, head_at=at)
    search = "" if actor.is_system else text_searched(payload)
    session.execute(_ADD_RECORD, {**vars(record), "at": at, "hash": hash_})
    session.execute(_ADD_PAYLOAD, {"case_id": case.id, "seq": record.seq, "salt": salt, "body": body, "search": search})


def text_searched(payload: Mapping[str, Any]) -> str:
    """What can be searched for of a payload that a person wrote; what the system writes repeats it and is not searched."""
    return typed_text([payload.get("data"), _words_of_answer(payload)])


def _words_of_answer(payload: Mapping[str, Any]) -> list[str]:
    """What can be searched for in a party's answer: who of it answered, by which paper, and whose answer it is."""
    answer = answer_in(payload)
    return [answer[name] for name in ("party_name", "answerer", "number", "date")] if answer else []


def written(session: Session, case_id: str, *wanted: ColumnElement[bool]) -> list[tuple[JournalRecord, JSON]]:
    """The records of the case that match, oldest first, with the data of their payloads as `data_of` reads it."""
    query = select(JournalRecord, JournalPayload.body).outerjoin(JournalRecord.payload)
    rows = session.execute(query.where(JournalRecord.case_id == case_id, *wanted).order_by(JournalRecord.seq))
    return [(record, data_of(body)) for record, body in rows]


def payload_of(body: str | None) -> JSON:
    """A payload; nothing where it was erased, or is none any more that could be read."""
    try:
        payload = json.loads(body) if body else {}
    except ValueError:
        payload = {}
    return payload if isinstance(payload, dict) else {}


def data_of(body: str | None) -> JSON:
    """The data in a payload; nothing where the payload was erased, or is none any more that could be read."""
    data = payload_of(body).get("data")
    return data if isinstance(data, dict) else {}


def record_of(row: JournalRecord) -> journal.Record:
    """The record as a value, as it was hashed."""
    fields = {name: getattr(row, name) for name in journal.Record.__dataclass_fields__}
    return journal.Record(**{**fields, "at": instant_text(row.at)})
