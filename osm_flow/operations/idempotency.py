"""Whoever sends something twice with one key is done once and answered once, and the second waits for the first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.errors import Invalid, Refused
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import IdempotencyKey


class KeyUnusable(Invalid):
    """The form was sent with a key that is empty, damaged or too long. Nothing was kept: reload the page and send it again."""


class KeyReused(Refused):
    """This form was already sent for something else. Reload the page and send it again."""


class SentChanged(Refused):
    """This form was already sent and kept, with other content. Nothing of this sending was kept: look at what is there, and send what is still missing from a new page."""


@dataclass(frozen=True)
class Sending:
    """A form as it was sent: the key of the form, where to, and a digest of all that was in it."""

    key: str
    place: str
    content: str

    def row_key(self, actor: Actor) -> str:
        """The key of its row: one form of one page may be sent to several places (a draft, then the work item)."""
        return "sent:" + sha256(f"{actor.username}\0{self.place}\0{self.key}".encode()).hexdigest()


def first_time(session: Session, key: str | None, actor: Actor, now: datetime, *, purpose: str) -> bool:
    """Whether the act with this key has yet to be done; it counts as done from here on. No key: always.

    Ask once the actor is known and the case is locked, and before anything else is refused: a repeat is answered even
    when by now the act would not be possible any more. Raises KeyReused when the key was used for another purpose or by
    somebody else.
    """
    if key is None:
        return True
    _refuse_unusable(key)
    if insert_once(session, IdempotencyKey, key=key, at=now, subject=purpose, actor=actor.username):
        return True
    earlier = session.get_one(IdempotencyKey, key)
    if (earlier.subject, earlier.actor) != (purpose, actor.username):
        raise KeyReused(key=key)
    return False


def answer_before(session: Session, sending: Sending, actor: Actor, now: datetime) -> str | None:
    """Where the answer to the first sending led; None for the first one, whose answer `keep_answer` then keeps.

    Raises SentChanged when the first sending had other content: it is neither done nor silently dropped.
    """
    _refuse_unusable(sending.key)
    key = sending.row_key(actor)
    row = {"at": now, "subject": sending.place[:128], "actor": actor.username, "content": sending.content}
    if insert_once(session, IdempotencyKey, key=key, **row):
        return None
    earlier = session.get_one(IdempotencyKey, key, populate_existing=True)
    if earlier.content != sending.content:
        raise SentChanged
    return earlier.answer


def keep_answer(session: Session, sending: Sending, actor: Actor, answer: str) -> None:
    """Keep where the answer to this sending leads, for whoever sends the same again."""
    session.get_one(IdempotencyKey, sending.row_key(actor)).answer = answer


def _refuse_unusable(key: str) -> None:
    if not key.strip() or not key.isprintable() or len(key) > 128:
        raise KeyUnusable
