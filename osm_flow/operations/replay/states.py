"""The states of a case along a stretch of its journal: its recorded commands run through the engine again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain import journal as rules
from osm_flow.domain.json import JSON
from osm_flow.engine import Process
from osm_flow.engine.values import Waiting
from osm_flow.errors import OsmFlowError
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.stepping import command_codec, kept_states
from osm_flow.operations.stepping.kept_states import KeptState
from osm_flow.store.models import Case, JournalPayload, JournalRecord


@dataclass(frozen=True)
class ReplayedState:
    """The state of a case after a record: what it waited for, its variables, how often each element had passed."""

    digest: str
    snapshot: bytes
    waiting: tuple[Waiting, ...] = ()
    data: JSON = field(default_factory=dict)
    ended: bool = False
    passed: Mapping[str, int] = field(default_factory=dict)


NOTHING = ReplayedState("", b"")


@dataclass(frozen=True)
class RecordWithStates:
    """One record, its payload, and the states before and after it.

    A state is None where it cannot be worked out, and `obstacle` says which record is in the way and why: an erased
    payload (`erased`), or one through which the engine does not come (`engine`).
    """

    record: JournalRecord
    payload: JSON | None
    body: str | None
    salt: str | None
    before: ReplayedState | None
    after: ReplayedState | None
    previous_hash: str
    obstacle: tuple[int, str, str] | None = None


@dataclass(frozen=True)
class Stretch:
    """Instants in order, and the states found on the way that are worth keeping."""

    instants: list[RecordWithStates]
    found: list[KeptState]


def stretch(session: Session, case: Case, first: int, last: int) -> Stretch:
    """The records `first` to `last` of the case with their states, replayed from the nearest kept state."""
    process = compiled(session, case.definition)
    start = kept_states.nearest(session, case.id, first - 1)
    begin = start.seq if start else 0
    kept = kept_states.between(session, case.id, begin, last)
    walk = _Walk(process, case.id, start, kept, _hash_of(session, case.id, begin))
    instants, worth_keeping = [], []
    for record, payload in _records(session, case.id, begin, last):
        instant = walk.follow(record, payload)
        if record.seq >= first:
            instants.append(instant)
        state = instant.after
        if (
            record.seq % kept_states.EVERY == 0
            and state
            and record.seq not in kept
            and state.digest == record.state_digest
        ):
            worth_keeping.append(KeptState(record.seq, state.digest, state.snapshot, state.passed))
    return Stretch(instants, worth_keeping)


class _Walk:
    """A replay from record to record; after an obstacle it goes on at the next kept state."""

    def __init__(
        self,
        process: Process,
        case_id: str,
        start: KeptState | None,
        kept: Mapping[int, KeptState],
        previous_hash: str,
    ) -> None:
        self._process, self._case_id, self._kept = process, case_id, kept
        self._state: ReplayedState | None = self._resumed(start) if start else NOTHING
        self._hash = previous_hash
        self._obstacle: tuple[int, str, str] | None = None

    def follow(self, record: JournalRecord, payload: JournalPayload | None) -> RecordWithStates:
        """The next record with the states before and after it."""
        before, previous_hash = self._state, self._hash
        body = _body(payload)
        self._state = self._after(record, body)
        if self._state is None and record.seq in self._kept:
            self._state = self._resumed(self._kept[record.seq])
        if self._state is not None:
            self._obstacle = None
        self._hash = record.hash
        return RecordWithStates(
            record,
            body,
            payload.body if payload else None,
            payload.salt if payload else None,
            before,
            self._state,
            previous_hash,
            self._obstacle,
        )

    def _resumed(self, checkpoint: KeptState) -> ReplayedState:
        known = engine.standing(self._process, self._case_id, checkpoint.snapshot)
        return ReplayedState(
            known.digest, checkpoint.snapshot, known.waiting, known.data, known.ended, checkpoint.passed
        )

    def _after(self, record: JournalRecord, body: JSON | None) -> ReplayedState | None:
        state = self._state
        if state is None:
            return None
        if body is None:
            # A record that moved nothing leaves the state as it was, whatever was written with it.
            if record.state_digest == state.digest:
                return state
            self._obstacle = (record.seq, "erased", "")
            return None
        if body["command"] is None:
            return state
        try:
            return self._step(record, body, state)
        except (OsmFlowError, KeyError, TypeError, ValueError, AttributeError) as error:
            self._obstacle = (record.seq, "engine", str(error))
            return None

    def _step(self, record: JournalRecord, body: JSON, state: ReplayedState) -> ReplayedState:
        command = command_codec.from_json(body["command"], body["data"])
        lookup = engine.recorded(body["lookups"])
        by = engine.rules_of(record.engine_version)
        step = engine.step(self._process, self._case_id, state.snapshot or None, command, record.at, lookup, by)
        passed = Counter(state.passed)
        passed.update(element.element for element in step.passed if element.kind == "completed")
        return ReplayedState(step.digest, step.snapshot, step.waiting, step.data, step.ended, dict(passed))


def _records(
    session: Session, case_id: str, after: int, last: int
) -> Iterator[tuple[JournalRecord, JournalPayload | None]]:
    query = select(JournalRecord, JournalPayload).outerjoin(JournalRecord.payload)
    query = query.where(JournalRecord.case_id == case_id, JournalRecord.seq > after, JournalRecord.seq <= last)
    yield from session.execute(query.order_by(JournalRecord.seq))


def _body(payload: JournalPayload | None) -> JSON | None:
    if payload is None:
        return None
    try:
        body: JSON = json.loads(payload.body)
    except (ValueError, RecursionError):
        body = {}
    whole = isinstance(body, dict) and {"command", "lookups", "data"} <= body.keys()
    return body if whole else {"command": {"type": "unreadable"}, "lookups": {}, "data": {}}


def _hash_of(session: Session, case_id: str, seq: int) -> str:
    query = select(JournalRecord.hash).where(JournalRecord.case_id == case_id, JournalRecord.seq == seq)
    return session.scalar(query) or rules.GENESIS
