"""Replaying a history: its commands, one after another, through the engine that is installed now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from osm_flow import engine
from osm_flow.domain.journal import Record
from osm_flow.domain.json import JSON
from osm_flow.engine import Process
from osm_flow.engine.stepper import LiveCase
from osm_flow.engine.values import Passed, Step, Waiting
from osm_flow.errors import OsmFlowError
from osm_flow.operations.replay.history import Definition, History, Payload
from osm_flow.operations.stepping import command_codec


@dataclass(frozen=True)
class Replayed:
    """The case after one record of a replay: what it waited for, its variables, its state's digest, whether and how it ended."""

    seq: int
    at: datetime
    kind: str
    element: str | None
    digest: str
    waiting: tuple[Waiting, ...]
    data: JSON = field(default_factory=dict)
    passed: tuple[Passed, ...] = ()
    ended: bool = False
    outcome: str | None = None


class NotReplayable(OsmFlowError):
    """The case cannot be replayed beyond record {seq}: {reason}"""


def fold(history: History) -> Iterator[Replayed]:
    """The case after each record. Raises NotReplayable at the first doubt; `code` tells a fault from an erasure."""
    for record, replayed in refold(history):
        if replayed.digest != record.state_digest:
            raise NotReplayable(seq=record.seq, code="state", reason="the replayed state is not the recorded one")
        yield replayed


def refold(history: History) -> Iterator[tuple[Record, Replayed]]:
    """As `fold`, but a state that differs from the recorded one is left to the caller to judge.

    The case stays in memory from record to record; its state is written out and digested after each all the same.
    """
    course = _Course(history)
    for record, _ in history.chain:
        payload = history.payloads.get(record.seq)
        if payload is None and record.state_digest != course.digest:
            # Only a lawful erasure is no fault of its own; the check of the payloads tells the two apart.
            raise NotReplayable(seq=record.seq, reason="the payload was erased")
        body = _body(record, payload) if payload is not None else None
        at = _instant(record)
        moved = course.advance(record, at, body) if body is not None and body["command"] is not None else None
        yield record, course.after(record, at, moved)


class _Course:
    """A case that is being replayed."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._live: LiveCase | None = None
        self._step: Step | None = None

    @property
    def digest(self) -> str:
        return self._step.digest if self._step else ""

    def advance(self, record: Record, at: datetime, body: JSON) -> Step:
        """One step once more. Whatever a tampered record makes the engine do is a fault of that record."""
        try:
            if self._live is None:
                self._live = LiveCase(process_of(self._history, record), self._history.case_id, packing=False)
            command = command_codec.from_json(body["command"], body["data"])
            rules = engine.rules_of(record.engine_version)
            self._step = self._live.advance(command, at, engine.recorded(body["lookups"]), rules)
        except NotReplayable:
            raise
        except (OsmFlowError, KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"the record cannot be replayed: {error}"
            raise NotReplayable(seq=record.seq, code="replay", reason=reason) from error
        return self._step

    def after(self, record: Record, at: datetime, moved: Step | None) -> Replayed:
        step = self._step
        return Replayed(
            seq=record.seq,
            at=at,
            kind=record.kind,
            element=record.element,
            digest=self.digest,
            waiting=step.waiting if step else (),
            data=step.data if step else {},
            passed=moved.passed if moved else (),
            ended=step.ended if step else False,
            outcome=step.outcome if step else None,
        )


def process_of(history: History, record: Record) -> Process:
    """The process that the record names, compiled from the history and not from memory: a changed one must show."""
    definition = history.definitions.get(record.definition_sha256)
    if definition is None:
        raise NotReplayable(seq=record.seq, code="definition", reason="the definition of the record is not there")
    return compiled_from(definition, record.definition_key)


def compiled_from(definition: Definition, key: str) -> Process:
    """The compiled process of a definition in a history."""
    tables = {name: xml.encode() for name, xml in definition.decisions.items()}
    return engine.compile_process(key, definition.xml, definition.forms, tables)


def _instant(record: Record) -> datetime:
    try:
        return datetime.fromisoformat(record.at)
    except (TypeError, ValueError):
        raise NotReplayable(seq=record.seq, code="time", reason="the time of the record is none") from None


def _body(record: Record, payload: Payload) -> JSON:
    try:
        body: JSON = json.loads(payload.body)
        if isinstance(body, dict) and {"command", "lookups", "data"} <= body.keys():
            return body
    except (ValueError, RecursionError):
        pass
    raise NotReplayable(seq=record.seq, code="payload", reason="the payload is no record's payload")
