"""Deleting what was only kept so that nothing happens twice, and what stands beside the chain of reads for some days.

Neither delivered outbox entries nor idempotency keys are history: what they caused stands in the journals. A delivered entry is of no use once nobody looks for it (a
failure is looked into within days); a key must outlive every retry of its write, a form left open over a long leave
included. What waits, what was given up and what an incident stopped is never pruned.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import InstrumentedAttribute

from osm_flow.operations.background.leases import Tally
from osm_flow.operations.ledger import access_pruning
from osm_flow.operations.ledger.access_pruning import Keeping
from osm_flow.store.models import IdempotencyKey, OutboxEntry
from osm_flow.store.session import Store

KEEP_DELIVERED = timedelta(days=30)
KEEP_KEYS = timedelta(days=90)
# Few enough that nobody who works meanwhile waits for it.
ROWS_A_ROUND = 500
_USUAL_DAYS = Keeping()


def prune(
    store: Store, now: datetime, owner: str, limit: int = ROWS_A_ROUND, *, keeping: Keeping = _USUAL_DAYS
) -> Tally:
    """Delete up to `limit` rows of each kind whose time is over, oldest first; safe on every node at once."""
    beside = access_pruning.carry_over(store, now, limit) + access_pruning.prune_accesses(store, now, keeping, limit)
    entries = _prune(store, OutboxEntry.id, OutboxEntry.done_at, now - KEEP_DELIVERED, limit)
    return Tally(done=beside) + entries + _prune(store, IdempotencyKey.key, IdempotencyKey.at, now - KEEP_KEYS, limit)


def _prune(
    store: Store, key: InstrumentedAttribute[Any], ended: InstrumentedAttribute[Any], before: datetime, limit: int
) -> Tally:
    old = select(key).where(ended < before).order_by(ended, key).limit(limit)
    with store.reading() as session:
        if session.execute(old.limit(1)).first() is None:
            return Tally()
    with store.transaction() as session:
        keys = session.scalars(old.with_for_update(skip_locked=True)).all()
        gone = session.execute(delete(key.class_).where(key.in_(keys), ended < before))
        assert isinstance(gone, CursorResult)  # noqa: S101 (what a DELETE gives; the annotation is wider)
        return Tally(done=gone.rowcount)
