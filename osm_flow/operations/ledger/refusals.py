"""Counting refusals: the same, of the same person or address, within a quarter of an hour is one event with a count.

The first of them are written at once, further ones together, so that a flood neither fills the chain nor slows the site.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.journal import canonical
from osm_flow.errors import OsmFlowError
from osm_flow.operations.ledger.security_events import Counted, Happening, happening_in, record_event
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import (
    Attachment,
    Case,
    DiagramProposal,
    ErasureRequest,
    Incident,
    LegalHold,
    Person,
    Position,
    RefusalTally,
    Witness,
    WorkItem,
)
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)

WINDOW = timedelta(minutes=15)
# So many of the same are written one by one; from then on as many as this together, or what came within these seconds.
AT_ONCE = 20
TOGETHER = 50
_PAUSE = timedelta(seconds=5)
# So many different ones are told apart at a time. What comes beyond is counted by its kind alone.
_TOLD_APART = 1_000
_CLOSED_AT_ONCE = 100
# What an address names, by the name that the part of it has.
_NAMED: Mapping[str, InstrumentedAttribute[Any]] = {
    "case_id": Case.id,
    "work_item_id": WorkItem.id,
    "attachment_id": Attachment.id,
    "incident_id": Incident.id,
    "username": Person.username,
    "person_id": Person.id,
    "request_id": ErasureRequest.id,
    "hold_id": LegalHold.id,
    "position_id": Position.id,
    "proposal_id": DiagramProposal.id,
    "witness_id": Witness.id,
}


@dataclass
class _Count:
    """The same refusal, as this process counts it: how many are not written yet, and what was."""

    happening: Happening
    since: datetime
    waiting: int = 0
    first: datetime | None = None
    last: datetime | None = None
    written: int = 0
    written_at: datetime | None = None


class RefusalCounter:
    """Counts refusals for one process. Safe to share between threads.

    Should the process die, at most `TOGETHER - 1` of each kind of refusal that came more than `AT_ONCE` times are lost.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._counts: dict[str, _Count] = {}

    def count(self, happening: Happening, now: datetime) -> None:
        """Count it. Never fails: what the database cannot take now is written with a later one."""
        with self._lock:
            key, count = self._find(happening, now)
            count.waiting += 1
            count.first, count.last = count.first or now, now
            writes = self._is_to_be_written(count, now)
        if writes:
            self._write(key, count, now)

    def write_late(self, now: datetime) -> None:
        """Write what has waited for some seconds; asked now and then, by whatever request comes next."""
        with self._lock:
            late = [(key, one) for key, one in self._counts.items() if one.waiting and _is_late(one, now)]
        for key, count in late:
            self._write(key, count, now)

    def write_all(self, now: datetime) -> None:
        """Write whatever waits: the server is about to stop."""
        with self._lock:
            waiting = [(key, one) for key, one in self._counts.items() if one.waiting]
        for key, count in waiting:
            self._write(key, count, now)

    def _find(self, happening: Happening, now: datetime) -> tuple[str, _Count]:
        key = _key(happening)
        known = self._counts.get(key)
        if known is None and len(self._counts) >= _TOLD_APART:
            self._counts = {name: one for name, one in self._counts.items() if one.waiting or not _is_over(one, now)}
            if len(self._counts) >= _TOLD_APART:
                happening = Happening(happening.kind)
                key = _key(happening)
                known = self._counts.get(key)
        if known is None:
            known = self._counts[key] = _Count(happening, now)
        elif _is_over(known, now) and not known.waiting:
            known.since, known.written = now, 0
        return key, known

    @staticmethod
    def _is_to_be_written(count: _Count, now: datetime) -> bool:
        return count.written < AT_ONCE or count.waiting >= TOGETHER or _is_late(count, now)

    def _write(self, key: str, count: _Count, now: datetime) -> None:
        with self._lock:
            if not count.waiting or count.first is None or count.last is None:
                return
            taken = Counted(count.waiting, count.first, count.last)
            count.waiting, count.first, count.last = 0, None, None
            count.written, count.written_at = count.written + taken.count, now
        try:
            with self._store.transaction() as session:
                _add(session, key, count.happening, taken, now)
        except (OsmFlowError, SQLAlchemyError) as error:
            logger.warning("refusals could not be written yet: %s", error)
            with self._lock:
                count.waiting += taken.count
                count.first, count.last = taken.since, count.last or taken.until


def is_there(session: Session, named: Mapping[str, Any]) -> bool:
    """Whether something is there that the parts of an address name, by the names that addresses give them."""
    for name, column in _NAMED.items():
        if name in named and session.scalar(select(column).where(column == named[name]).limit(1)) is not None:
            return True
    return False


def close_windows(store: Store, now: datetime) -> int:
    """Make one event of each count whose time is over; how many."""
    over = select(RefusalTally.key).where(RefusalTally.at <= now - WINDOW).order_by(RefusalTally.at)
    with store.reading() as session:
        keys = session.scalars(over.limit(_CLOSED_AT_ONCE)).all()
    closed = 0
    for key in keys:
        with store.transaction() as session:
            closed += _close(session, _locked(session, key), now)
    return closed


def _add(session: Session, key: str, happening: Happening, times: Counted, now: datetime) -> None:
    """Add to the open count of this refusal; one whose time is over becomes an event, and another begins."""
    known = _locked(session, key)
    if known is not None and known.at > times.since - WINDOW:
        known.count += times.count
        known.until = max(known.until, times.until)
        return
    _close(session, known, now)
    values = {name: getattr(happening, name) for name in Happening.__dataclass_fields__}
    session.add(RefusalTally(key=key, at=times.since, until=times.until, count=times.count, **values))


def _close(session: Session, tally: RefusalTally | None, now: datetime) -> bool:
    """Make an event of what was counted; False where somebody else did so meanwhile."""
    if tally is None or tally.at > now - WINDOW:
        return False
    record_event(session, now, happening_in(tally), Counted(tally.count, tally.at, tally.until))
    session.delete(tally)
    session.flush()
    return True


def _locked(session: Session, key: str) -> RefusalTally | None:
    take(session, AdvisoryLock.refusals, of=key)
    return session.get(RefusalTally, key, populate_existing=True)


def _key(happening: Happening) -> str:
    """What makes refusals the same: who, from where, what and at which page; not which reference a crash had."""
    same = replace(happening, details="") if happening.kind == "request.crashed" else happening
    values: Iterable[str | None] = (getattr(same, name) for name in Happening.__dataclass_fields__)
    return sha256(canonical(list(values))).hexdigest()


def _is_over(count: _Count, now: datetime) -> bool:
    return now >= count.since + WINDOW


def _is_late(count: _Count, now: datetime) -> bool:
    return now >= (count.written_at or count.since) + _PAUSE
