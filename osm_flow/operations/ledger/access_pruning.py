"""Letting go of what stands beside the chain of reads when its days are over; the chain and its digests stay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from osm_flow.operations.ledger import access_chain
from osm_flow.operations.ledger.access_chain import SHAPES, BodyTable, ChainKind
from osm_flow.operations.ledger.access_checks import CARRIED_WITHIN, LEAST_DAYS
from osm_flow.store.database import instant_text
from osm_flow.store.models import Access, AccessRecord
from osm_flow.store.session import Store

_UNSYNCHRONISED = {"synchronize_session": False}
# Of reads these go first; who read what, and why, is kept as long as what was taken out with it may be about.
_WORDS_OF_READS = ("details", "address")


@dataclass(frozen=True)
class Keeping:
    """How many days are kept: addresses, what was searched for and security events; and who read what, and why."""

    events: int = LEAST_DAYS
    reads: int = 3650


@dataclass(frozen=True)
class _Round:
    """Rows of one book whose time is over, or words of them."""

    kind: ChainKind
    book: BodyTable
    before: datetime
    there: ColumnElement[bool] | None = None


def prune_accesses(store: Store, now: datetime, keeping: Keeping, limit: int) -> int:
    """Let go of up to `limit` rows of each kind whose days are over, oldest first; how many. Whole days go at once."""
    events, reads = (_midnight(now, max(days, LEAST_DAYS)) for days in (keeping.events, keeping.reads))
    has_words = or_(*(getattr(Access, f"{part}_salt") != "" for part in _WORDS_OF_READS))
    rounds = (
        _Round(ChainKind.words_pruned, BodyTable.reads, events, has_words),
        _Round(ChainKind.bodies_pruned, BodyTable.reads, reads),
        _Round(ChainKind.bodies_pruned, BodyTable.events, events),
    )
    return sum(_prune(store, now, one, limit) for one in rounds)


def carry_over(store: Store, now: datetime, limit: int) -> int:
    """Chain reads that an earlier version wrote beside this one while the installation was brought up to date; how many."""
    unchained = (
        select(Access)
        .outerjoin(AccessRecord, (AccessRecord.book == BodyTable.reads) & (AccessRecord.body == Access.id))
        .where(AccessRecord.seq.is_(None), Access.salt == access_chain.NO_SALT)
        .order_by(Access.id)
        .limit(limit)
    )
    with store.reading() as session:
        first = session.scalar(select(AccessRecord.at).order_by(AccessRecord.seq).limit(1))
        is_over = first is not None and now > first + CARRIED_WITHIN
        if is_over or session.scalars(unchained.limit(1)).first() is None:
            return 0
    with store.transaction() as session:
        access_chain.lock_end(session)
        rows = session.scalars(unchained).all()
        for row in rows:
            access_chain.add_body(session, row, written=now, told={"carried_over": True})
        return len(rows)


def _prune(store: Store, now: datetime, one: _Round, limit: int) -> int:
    model = SHAPES[one.book].model
    old = select(model.id).where(model.at < one.before).order_by(model.at, model.id).limit(limit)
    if one.there is not None:
        old = old.where(one.there)
    with store.reading() as session:
        if session.scalar(old.limit(1)) is None:
            return 0
    with store.transaction() as session:
        numbers = session.scalars(old.with_for_update(skip_locked=True)).all()
        _say(session, now, one)
        chosen: Any = delete(model)
        if one.kind is ChainKind.words_pruned:
            chosen = update(model).values({name: "" for part in _WORDS_OF_READS for name in (part, f"{part}_salt")})
        gone = session.execute(chosen.where(model.id.in_(numbers)), execution_options=_UNSYNCHRONISED)
        assert isinstance(gone, CursorResult)  # noqa: S101 (what a DELETE gives; the annotation is wider)
        return gone.rowcount


def _say(session: Session, now: datetime, one: _Round) -> None:
    """Have the chain say up to when they go, once a day, before the database lets them."""
    newest = (
        select(AccessRecord.told)
        .where(AccessRecord.kind == one.kind, AccessRecord.book == one.book)
        .order_by(AccessRecord.seq.desc())
        .limit(1)
    )
    told = session.scalar(newest)
    before = instant_text(one.before)
    if told is None or json.loads(told)["before"] < before:
        access_chain.add_note(session, now, one.kind, {"before": before}, one.book)
        access_chain.chain_waiting(session)


def _midnight(now: datetime, days: int) -> datetime:
    return (now - timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
