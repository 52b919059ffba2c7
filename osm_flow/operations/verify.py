"""Proving the past: every chain computed again, every case replayed from its first record, state by state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import zstandard
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from osm_flow import engine
from osm_flow.domain import journal as rules
from osm_flow.domain.journal import Fault
from osm_flow.engine import Process
from osm_flow.engine.values import JSON, Waiting
from osm_flow.errors import OsmFlowError
from osm_flow.operations import commands
from osm_flow.operations.deployments import content_digest
from osm_flow.operations.journal import record_of
from osm_flow.store.models import Case, CaseState, JournalPayload, JournalRecord, ProcessDefinition
from osm_flow.store.session import CaseNotFound

ERASED = "payloads.erased"


@dataclass(frozen=True)
class Replayed:
    """The case as it was after one record: what it waited for then, and its state's digest."""

    seq: int
    at: datetime
    kind: str
    element: str | None
    digest: str
    waiting: tuple[Waiting, ...]


class NotReplayable(OsmFlowError):
    """The case cannot be replayed beyond record {seq}: {reason}"""


@dataclass(frozen=True)
class _Chain:
    case: Case
    records: list[JournalRecord]
    payloads: dict[int, JournalPayload]


def verify_case(session: Session, case_id: str) -> list[Fault]:
    """Everything wrong with the history of the case, the earliest record first; empty when it is proved."""
    chain = _read(session, case_id)
    case = chain.case
    pairs = [(record_of(row), row.hash) for row in chain.records]
    faults = rules.faults_of_chain(case.id, pairs)
    faults += _faults_of_payloads(chain)
    faults += _faults_of_head(session, chain)
    faults += _faults_of_definition(session, chain)
    try:
        for _ in _fold(session, chain):
            pass
    except NotReplayable as failure:
        if failure.details.get("code"):
            faults.append(Fault(case.id, failure.seq, failure.code, failure.reason))
    return sorted(faults, key=lambda fault: (fault.seq, fault.code))


def verify_all(session: Session) -> Iterator[tuple[str, list[Fault]]]:
    """Each case with its faults, one after another; memory stays that of one case."""
    for case_id in session.scalars(select(Case.id).order_by(Case.started_at, Case.id)).all():
        yield case_id, verify_case(session, case_id)
        session.expunge_all()
    orphans = select(JournalRecord.case_id).where(JournalRecord.case_id.not_in(select(Case.id))).distinct()
    for case_id in session.scalars(orphans).all():
        yield case_id, [Fault(case_id, 0, "case", "the journal has records of a case that does not exist")]


def replay(session: Session, case_id: str) -> Iterator[Replayed]:
    """The case as it was after each record, computed from the journal alone. Raises NotReplayable at the first doubt."""
    yield from _fold(session, _read(session, case_id))


def _fold(session: Session, chain: _Chain) -> Iterator[Replayed]:
    process = _process(session, chain)
    snapshot: bytes | None = None
    digest = ""
    waiting: tuple[Waiting, ...] = ()
    for row in chain.records:
        payload = chain.payloads.get(row.seq)
        if payload is None and row.state_digest != digest:
            # Only a lawful erasure is no fault of its own; `_faults_of_payloads` tells the two apart.
            raise NotReplayable(seq=row.seq, reason="the payload was erased")
        body = _body(row, payload) if payload is not None else None
        if body is not None and body["command"] is not None:
            snapshot, digest, waiting = _again(process, row, snapshot, body)
        if digest != row.state_digest:
            raise NotReplayable(seq=row.seq, code="state", reason="the replayed state is not the recorded one")
        yield Replayed(row.seq, row.at, row.kind, row.element, digest, waiting)
    stored = session.execute(select(CaseState.snapshot).where(CaseState.case_id == chain.case.id)).scalar()
    if _digest_of_state(stored) != digest:
        reason = "the kept state is not the one that the journal gives"
        raise NotReplayable(seq=chain.case.seq, code="snapshot", reason=reason)


def _digest_of_state(snapshot: bytes | None) -> str | None:
    """Of what is inside: another version of the compression may pack the same state into other bytes."""
    try:
        return sha256(zstandard.ZstdDecompressor().decompress(snapshot or b"")).hexdigest()
    except zstandard.ZstdError:
        return None


def _again(
    process: Process, row: JournalRecord, snapshot: bytes | None, body: JSON
) -> tuple[bytes, str, tuple[Waiting, ...]]:
    """One step once more. Whatever a tampered record makes the engine do is a fault of that record."""
    try:
        command = commands.from_json(body["command"], body["data"])
        step = engine.step(process, row.case_id, snapshot, command, row.at, engine.recorded(body["lookups"]))
    except (OsmFlowError, KeyError, TypeError, ValueError) as error:
        raise NotReplayable(seq=row.seq, code="replay", reason=f"the record cannot be replayed: {error}") from error
    return step.snapshot, step.digest, step.waiting


def _body(row: JournalRecord, payload: JournalPayload) -> JSON:
    try:
        body: JSON = json.loads(payload.body)
        if isinstance(body, dict) and {"command", "lookups", "data"} <= body.keys():
            return body
    except ValueError:
        pass
    raise NotReplayable(seq=row.seq, code="payload", reason="the payload is no record's payload")


def _read(session: Session, case_id: str) -> _Chain:
    case = session.scalars(select(Case).where(Case.id == case_id).options(joinedload(Case.definition))).one_or_none()
    if case is None:
        raise CaseNotFound(case_id=case_id)
    records = session.scalars(select(JournalRecord).where(JournalRecord.case_id == case_id).order_by(JournalRecord.seq))
    payloads = session.scalars(select(JournalPayload).where(JournalPayload.case_id == case_id))
    return _Chain(case, list(records), {payload.seq: payload for payload in payloads})


def _faults_of_payloads(chain: _Chain) -> Iterator[Fault]:
    erased = _erased(chain)
    for row in chain.records:
        payload = chain.payloads.get(row.seq)
        if payload is None:
            if row.seq not in erased:
                yield Fault(chain.case.id, row.seq, "payload", "the payload is missing and no record says why")
        elif _digest(payload) != row.payload_digest:
            yield Fault(chain.case.id, row.seq, "payload", "the payload was changed after it was written")
    for seq in chain.payloads.keys() - {row.seq for row in chain.records}:
        yield Fault(chain.case.id, seq, "payload", "there is a payload without a record")


def _erased(chain: _Chain) -> set[int]:
    found: set[int] = set()
    for row in chain.records:
        if row.kind == ERASED and (payload := chain.payloads.get(row.seq)) is not None:
            found.update(json.loads(payload.body)["data"]["erased"])
    return found


def _digest(payload: JournalPayload) -> str | None:
    try:
        return rules.digest_payload(payload.salt, payload.body)
    except ValueError:
        return None


def _faults_of_head(session: Session, chain: _Chain) -> Iterator[Fault]:
    case, newest = chain.case, chain.records[-1] if chain.records else None
    if newest is None:
        yield Fault(case.id, 0, "head", "the case has no journal")
        return
    if (case.seq, case.head) != (newest.seq, newest.hash):
        yield Fault(case.id, newest.seq, "head", "the case does not point at its newest record")
    state = session.execute(select(CaseState.seq, CaseState.digest).where(CaseState.case_id == case.id)).first()
    if state is None or (state.seq, state.digest) != (newest.seq, newest.state_digest):
        yield Fault(case.id, newest.seq, "state", "the kept state is not the one of the newest record")


def _faults_of_definition(session: Session, chain: _Chain) -> Iterator[Fault]:
    definition = _whole_definition(session, chain.case.definition_id)
    decisions = json.loads(definition.decisions)
    if content_digest(definition.xml, json.loads(definition.forms), decisions) != definition.sha256:
        yield Fault(chain.case.id, 0, "definition", "the process definition was changed after its deployment")
    named = (definition.key, definition.version, definition.sha256)
    for row in chain.records:
        if (row.definition_key, row.definition_version, row.definition_sha256) != named:
            yield Fault(chain.case.id, row.seq, "definition", "the record names another definition")
            return


def _process(session: Session, chain: _Chain) -> Process:
    """Compiled from what is stored now, not from memory: a changed definition must show."""
    definition = _whole_definition(session, chain.case.definition_id)
    tables = {key: xml.encode() for key, xml in json.loads(definition.decisions).items()}
    return engine.compile_process(definition.key, definition.xml, json.loads(definition.forms), tables)


def _whole_definition(session: Session, definition_id: int) -> ProcessDefinition:
    query = select(ProcessDefinition).where(ProcessDefinition.id == definition_id)
    deferred = (ProcessDefinition.xml, ProcessDefinition.forms, ProcessDefinition.decisions)
    return session.scalars(query.options(*map(undefer, deferred)).execution_options(populate_existing=True)).one()
