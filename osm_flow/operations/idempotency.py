"""Idempotency keys: a write that comes twice with one key is done once, and the second waits for the first."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.errors import Invalid, Refused
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import IdempotencyKey


class KeyTooLong(Invalid):
    """The idempotency key is longer than 128 characters."""


class KeyReused(Refused):
    """This form was already sent for something else. Reload the page and send it again."""


def first_time(session: Session, key: str | None, actor: Actor, now: datetime, *, purpose: str) -> bool:
    """Whether the act with this key has yet to be done; it counts as done from here on. No key: always.

    Raises KeyReused when the key was used for another purpose or by somebody else.
    """
    if key is None:
        return True
    if not key or len(key) > 128 or "\0" in key:
        raise KeyTooLong
    if insert_once(session, IdempotencyKey, key=key, at=now, subject=purpose, actor=actor.username):
        return True
    earlier = session.get_one(IdempotencyKey, key)
    if (earlier.subject, earlier.actor) != (purpose, actor.username):
        raise KeyReused(key=key)
    return False
