"""The whole history of a case in memory, read from the database or from a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import String, select, type_coerce
from sqlalchemy.orm import Session, undefer

from osm_flow.domain import journal as rules
from osm_flow.domain.journal import Fault, NotStorable, Record
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.definitions.deployments import content_digest
from osm_flow.store.models import Case, JournalPayload, JournalRecord, ProcessDefinition


@dataclass(frozen=True)
class Payload:
    """The payload of a record with its salt; `body` is canonical JSON."""

    salt: str
    body: str


@dataclass(frozen=True)
class Definition:
    """The content of a process definition; `sha256` is the digest by which records name it."""

    sha256: str
    xml: bytes
    forms: JSON
    decisions: dict[str, str]

    @property
    def is_whole(self) -> bool:
        """Whether the content still has the digest by which records name it."""
        try:
            return content_digest(self.xml, self.forms, self.decisions) == self.sha256
        except (NotStorable, RecursionError):  # such content has no digest at all
            return False


@dataclass(frozen=True)
class History:
    """The records of one case with their hashes, the payloads that are not erased, the definitions by digest."""

    case_id: str
    chain: list[tuple[Record, str]]
    payloads: Mapping[int, Payload]
    definitions: Mapping[str, Definition]

    @cached_property
    def erased(self) -> frozenset[int]:
        """The records whose payloads a later record says were erased."""
        seqs: set[int] = set()
        for record, _ in self.chain:
            if record.kind == RecordKind.payloads_erased and (payload := self.payloads.get(record.seq)) is not None:
                seqs.update(seq for seq in _erased_by(payload) if seq < record.seq)
        return frozenset(seqs)

    def up_to(self, seq: int) -> History:
        """The history as it was after this record."""
        chain = [(record, hash_) for record, hash_ in self.chain if record.seq <= seq]
        return History(self.case_id, chain, self.payloads, self.definitions)


def history_of(session: Session, case: Case) -> History:
    """The history of a case as the database has it now, past every cache."""
    fields = [getattr(JournalRecord, name) for name in Record.__dataclass_fields__ if name != "at"]
    query = select(*fields, type_coerce(JournalRecord.at, String).label("at"), JournalRecord.hash)
    rows = session.execute(query.where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq))
    chain = []
    for row in rows.mappings():
        values = dict(row)
        hash_ = values.pop("hash")
        chain.append((Record(**values), hash_))
    columns = select(JournalPayload.seq, JournalPayload.salt, JournalPayload.body)
    payloads = session.execute(columns.where(JournalPayload.case_id == case.id))
    definition = _definition(session, case.definition_id)
    return History(
        case.id, chain, {row.seq: Payload(row.salt, row.body) for row in payloads}, {definition.sha256: definition}
    )


def faults_of_history(history: History) -> list[Fault]:
    """The faults of a history by itself: its chain, its payloads, the content of its definitions."""
    faults = rules.faults_of_chain(history.case_id, history.chain)
    faults += _faults_of_payloads(history)
    faults += _faults_of_definitions(history)
    return faults


def _faults_of_payloads(history: History) -> Iterator[Fault]:
    case_id = history.case_id
    for record, _ in history.chain:
        payload = history.payloads.get(record.seq)
        if payload is None:
            if record.seq not in history.erased:
                yield Fault(case_id, record.seq, "payload", "the payload is missing and no record says why")
        elif _digest(payload) != record.payload_digest:
            yield Fault(case_id, record.seq, "payload", "the payload was changed after it was written")
    for seq in sorted(history.payloads.keys() - {record.seq for record, _ in history.chain}):
        yield Fault(case_id, seq, "payload", "there is a payload without a record")


def _faults_of_definitions(history: History) -> Iterator[Fault]:
    for definition in history.definitions.values():
        if not definition.is_whole:
            sentence = "the process definition was changed after its deployment"
            yield Fault(history.case_id, 0, "definition", sentence)
    for record, _ in history.chain:
        if record.definition_sha256 not in history.definitions:
            yield Fault(history.case_id, record.seq, "definition", "the record names another definition")
            return


def _digest(payload: Payload) -> str | None:
    """Of a payload whose salt is one; None for any other, and for a body that is no text."""
    try:
        return rules.digest_payload(payload.salt, payload.body) if rules.is_salt(payload.salt) else None
    except ValueError:
        return None


def _erased_by(payload: Payload) -> list[int]:
    try:
        return [seq for seq in json.loads(payload.body)["data"]["erased"] if type(seq) is int]
    except (ValueError, KeyError, TypeError):
        return []


def _definition(session: Session, definition_id: int) -> Definition:
    query = select(ProcessDefinition).where(ProcessDefinition.id == definition_id)
    deferred = (ProcessDefinition.xml, ProcessDefinition.forms, ProcessDefinition.decisions)
    row = session.scalars(query.options(*map(undefer, deferred)).execution_options(populate_existing=True)).one()
    xml = row.xml if isinstance(row.xml, bytes) else str(row.xml).encode()
    return Definition(row.sha256, xml, _object(row.forms), _object(row.decisions))


def _object(text: str) -> JSON:
    """A stored object; what is none any more gives another digest, and so a fault."""
    try:
        value = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return value if isinstance(value, dict) else {"unreadable": text}
