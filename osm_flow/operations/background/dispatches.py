"""What people are sent outside the site, as entries of the outbox: written with what causes it, sent after the commit."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.notify.channels import Addressee, Channel, Dispatch
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import OutboxEntry, Person


def queue(session: Session, channel: str, dispatch: Dispatch, at: datetime, *, case_id: str | None = None) -> bool:
    """Have it sent by the channel of this name after the commit; False when its key was queued before."""
    body = {name: value for name, value in asdict(dispatch).items() if name != "key"}
    return insert_once(
        session,
        OutboxEntry,
        key=dispatch.key,
        kind=channel,
        case_id=case_id,
        body=json.dumps(body, ensure_ascii=False),
        due_at=at,
        attempts=0,
        last_error="",
    )


def queue_for(
    session: Session,
    channels: Iterable[Channel],
    person: Person,
    dispatch: Dispatch,
    at: datetime,
    *,
    case_id: str | None = None,
) -> int:
    """Have it sent by every channel that reaches the person; how many took it. Its key is the same for all of them."""
    addressee = Addressee(person.username, person.display_name, person.email)
    queued = 0
    for channel in channels:
        if address := channel.address_of(addressee):
            addressed = replace(dispatch, key=f"{channel.name}:{dispatch.key}", to=address)
            queued += queue(session, channel.name, addressed, at, case_id=case_id)
    return queued


def queued(entry: OutboxEntry) -> Dispatch:
    """What was queued."""
    return Dispatch(key=entry.key, **json.loads(entry.body))
