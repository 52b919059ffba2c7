"""Sending what people are to get outside the site: one dispatch at a time, by the channel whose name it carries.

A server that cannot be reached says nothing about a dispatch: it waits and no attempt is counted, unless the same channel
handed over another one meanwhile. What is given up is an incident, of its case or of none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.errors import OsmFlowError
from osm_flow.notify.channels import Channel
from osm_flow.operations.background import delivery, leases
from osm_flow.operations.background.dispatches import queued
from osm_flow.operations.background.leases import Claim, EndedItsProcess, Interrupted, Tally, is_database_away
from osm_flow.operations.cases import incidents
from osm_flow.store.database import instant_text
from osm_flow.store.models import OutboxEntry
from osm_flow.store.session import Store

DISPATCHES_A_ROUND = 5
WHILE_AWAY = timedelta(minutes=1)
# So long a server may be away before an administrator is told; what waits is sent all the same once it is back.
TOLD_AFTER = timedelta(hours=1)


def send_dispatches(
    store: Store,
    now: datetime,
    owner: str,
    channels: Sequence[Channel],
    limit: int = DISPATCHES_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Send what is queued for these channels, at least once; what a closed channel was to send is given up quietly.

    Nothing is locked while a server is spoken to. Whoever dies after it took the dispatch and before that is noted sends
    it again: the key, the same for ever, tells the channel's receivers that it is the same one. Raises Interrupted when
    the database goes away meanwhile.
    """
    by_name = {channel.name: channel for channel in channels}
    began, tally = monotonic(), Tally()
    for _ in range(limit):
        if is_stopping() or not by_name:
            break
        kinds = [OutboxEntry.kind.in_(by_name)]
        # Claimed one by one, each with a lease that begins when its own sending does.
        lease = leases.LEASE + timedelta(seconds=monotonic() - began)
        claimed = leases.claim(store, OutboxEntry, owner, now, limit=1, only=kinds, lease=lease)
        if not claimed.keys:
            break
        tally += _attempt(store, claimed, now, by_name)
    return tally


def _attempt(store: Store, claimed: Claim[OutboxEntry], now: datetime, by_name: dict[str, Channel]) -> Tally:
    """Send the claimed dispatch; a channel whose server is away is taken out of the round."""
    (key,) = claimed.keys
    try:
        return _send(store, claimed, key, now, by_name)
    except Exception as error:
        if is_database_away(error):
            raise Interrupted(claimed) from error
        leases.fail(store, OutboxEntry, key, now, error, token=claimed.token)
        return Tally(failed=1)


def _send(
    store: Store, claimed: Claim[OutboxEntry], key: str | int, now: datetime, by_name: dict[str, Channel]
) -> Tally:
    with store.reading() as session:
        entry = session.get_one(OutboxEntry, key)
    if entry.attempts > leases.most_attempts(OutboxEntry):
        raise EndedItsProcess(attempts=entry.attempts - 1)
    channel = by_name[entry.kind]
    try:
        if not channel.closed:
            channel.send(queued(entry), now)
    except OsmFlowError as error:
        if error.is_outage and _wait(store, claimed, key, now, error):
            del by_name[entry.kind]
            return Tally(left=1)
        raise
    _close(store, claimed, key, now, channel.closed)
    return Tally(done=1)


def _wait(store: Store, claimed: Claim[OutboxEntry], key: str | int, now: datetime, error: OsmFlowError) -> bool:
    """Put the dispatch off uncounted; False when its server takes others, so that it failed by itself."""
    with store.transaction() as session:
        entry = leases.hold(session, OutboxEntry, key, claimed.token)
        if entry is None:
            return True
        since = entry.away_since or now
        if _takes_others(session, entry.kind, since):
            return False
        entry.away_since, entry.last_error = since, incidents.words_of(error)
        entry.lease_owner = entry.lease_until = None
        entry.attempts -= 1
        entry.due_at = now + WHILE_AWAY
        if now - since >= TOLD_AFTER:
            message = f"{entry.last_error} (since {instant_text(since)})"
            incidents.open_in(session, None, now, kind=entry.kind, message=message)
    return True


def _takes_others(session: Session, kind: str, since: datetime) -> bool:
    later = select(OutboxEntry.id).where(OutboxEntry.kind == kind, OutboxEntry.done_at > since)
    return session.scalar(later.limit(1)) is not None


def _close(store: Store, claimed: Claim[OutboxEntry], key: str | int, now: datetime, unsent: str) -> None:
    """The dispatch is done, or given up for this reason."""
    with store.transaction() as session:
        entry = leases.hold(session, OutboxEntry, key, claimed.token)
        if entry is None:
            return
        delivery.finish(entry, now)
        if unsent:
            entry.done_at, entry.last_error = None, unsent
