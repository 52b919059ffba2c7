"""Comparing recorded states with those that the engine computes now: where they first differ, and in what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain.journal import Fault, Record
from osm_flow.domain.json import JSON
from osm_flow.engine import ENGINE_VERSION
from osm_flow.engine.values import Waiting
from osm_flow.errors import OsmFlowError
from osm_flow.operations.replay.history import History
from osm_flow.operations.replay.refold import NotReplayable, Replayed, process_of, refold
from osm_flow.store.models import Case, WorkItem

_LONGEST = 200
_MISSING = object()


@dataclass(frozen=True)
class KnownState:
    """A recorded state as people read it: the elements that waited (`element` or `element[instance]`), the variables.

    `source` says where it is known from; `data` is None where that does not tell the variables.
    """

    source: str
    waiting: tuple[str, ...]
    data: JSON | None = None


@dataclass(frozen=True)
class StateDifference:
    """The first record whose recorded state is not the one computed now."""

    case_id: str
    seq: int
    at: str
    kind: str
    element: str | None
    recorded_digest: str
    replayed_digest: str
    recorded: KnownState | None
    replayed: KnownState

    def lines(self) -> list[str]:
        """The difference in sentences."""
        lines = [
            f"record {self.seq} ({self.kind}{f' of {self.element}' if self.element else ''}, {self.at}) is the first that differs",
            f"  recorded state {self.recorded_digest}",
            f"  replayed state {self.replayed_digest}",
        ]
        if self.recorded is None:
            lines.append(f"  replayed: waits for {_listed(self.replayed.waiting)}")
            return [*lines, "  of the recorded state only the digest is known"]
        lines.append(f"  recorded (from {self.recorded.source}): waits for {_listed(self.recorded.waiting)}")
        lines.append(f"  replayed: waits for {_listed(self.replayed.waiting)}")
        lines += _lines_of_data(self.recorded.data, self.replayed.data or {})
        return lines

    def as_json(self) -> JSON:
        """The difference as JSON."""
        return {**vars(self), "recorded": self.recorded and vars(self.recorded), "replayed": vars(self.replayed)}


@dataclass(frozen=True)
class Deep:
    """The result of a deep verification. `notes` are no faults: another engine version, an erasure that ends it.

    `compared` is the number of records whose state was computed again and compared; `digest` is the last one's.
    """

    case_id: str
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    difference: StateDifference | None = None
    compared: int = 0
    digest: str = ""
    is_complete: bool = False

    def with_faults(self, faults: list[Fault]) -> Deep:
        """The same result with these faults."""
        return replace(self, faults=faults)


def compare(history: History, known: Callable[[int], KnownState | None] | None) -> Deep:
    """Replay the history and compare each state with the recorded one, up to the first that differs.

    `known(seq)` tells what is known of the recorded state beyond its digest; it is asked for that record only. Without
    it the fault is all that is told.
    """
    notes = list(_notes_on_engine(history))
    compared, digest = 0, ""
    try:
        for record, replayed in refold(history):
            if replayed.digest != record.state_digest:
                difference = _difference(history, record, replayed, known(record.seq)) if known else None
                fault = Fault(history.case_id, record.seq, "state", "the replayed state is not the recorded one")
                return Deep(history.case_id, [fault], notes, difference, compared)
            compared, digest = compared + 1, replayed.digest
    except NotReplayable as failure:
        faults = faults_of_failure(history.case_id, failure)
        if not faults:
            notes.append(f"the payload of record {failure.seq} was erased; the replay ends before it")
        return Deep(history.case_id, faults, notes, compared=compared)
    return Deep(history.case_id, [], notes, compared=compared, digest=digest, is_complete=True)


def faults_of_failure(case_id: str, failure: NotReplayable) -> list[Fault]:
    """The faults of a replay that could not go on; none if that is only for an erased payload."""
    code = failure.details.get("code")
    return [Fault(case_id, failure.seq, str(code), failure.reason)] if code else []


def state_of(replayed: Replayed) -> KnownState:
    """A replayed state as people read it."""
    return KnownState("the replay", names_of(replayed.waiting), replayed.data)


def state_in(history: History, record: Record, snapshot: bytes) -> KnownState | None:
    """The state in a snapshot as people read it."""
    try:
        waiting = engine.inspect(process_of(history, record), history.case_id, snapshot)
    except (OsmFlowError, ValueError, KeyError, TypeError):
        return None
    data: JSON = {}
    for item in waiting:
        data |= item.data
    return KnownState("the kept state", names_of(waiting), data if waiting else None)


def state_from_work_items(session: Session, case: Case, record: Record) -> KnownState:
    """The work items that were open after a record, which is all the database knows of a past state."""
    at = datetime.fromisoformat(record.at)
    open_then = (WorkItem.opened_at <= at, or_(WorkItem.closed_at.is_(None), WorkItem.closed_at > at))
    elements = session.scalars(select(WorkItem.element).where(WorkItem.case_id == case.id, *open_then))
    return KnownState("the work items", tuple(sorted(elements)))


def names_of(waiting: tuple[Waiting, ...]) -> tuple[str, ...]:
    """The elements that wait, with their instances."""
    shown = (item.element if item.instance is None else f"{item.element}[{item.instance}]" for item in waiting)
    return tuple(sorted(shown))


def _difference(history: History, record: Record, replayed: Replayed, known: KnownState | None) -> StateDifference:
    return StateDifference(
        history.case_id,
        record.seq,
        record.at,
        record.kind,
        record.element,
        record.state_digest,
        replayed.digest,
        known,
        state_of(replayed),
    )


def _notes_on_engine(history: History) -> Iterator[str]:
    written = Counter(record.engine_version for record, _ in history.chain)
    for version, count in written.items():
        if version != ENGINE_VERSION:
            sentence = (
                f"{count} records were written by engine {version}; {ENGINE_VERSION} is installed and replayed them"
            )
            yield sentence + ". Equal states prove them all the same; a difference may be the engine's"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"


def _lines_of_data(recorded: JSON | None, replayed: JSON) -> Iterator[str]:
    if recorded is None:
        yield "  of the recorded variables nothing is known but the digest"
        return
    for name in sorted(recorded.keys() | replayed.keys()):
        before, after = recorded.get(name, _MISSING), replayed.get(name, _MISSING)
        if before != after:
            yield f"  variable {name}: recorded {_shown(before)}, replayed {_shown(after)}"


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "absent"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
