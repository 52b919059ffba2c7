"""The notices that a person finds inside the site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.pages import Page
from osm_flow.store.database import LARGEST_NUMBER
from osm_flow.store.models import Notification


def unread_count(session: Session, actor: Actor) -> int:
    """The number of notices that the person has not read."""
    query = select(func.count()).select_from(Notification)
    return session.scalar(query.where(Notification.person_id == actor.person_id, Notification.read_at.is_(None))) or 0


def notices_for(session: Session, actor: Actor, *, after: str | None = None, limit: int = 50) -> Page[Notification]:
    """The person's notices, newest first."""
    mine = select(Notification).where(Notification.person_id == actor.person_id)
    total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    if after and after.isascii() and after.isdigit() and len(after) <= len(str(LARGEST_NUMBER)):
        mine = mine.where(Notification.id < min(int(after), LARGEST_NUMBER))
    rows = list(session.scalars(mine.order_by(Notification.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None, total)


def mark_all_read(session: Session, actor: Actor, now: datetime) -> None:
    """Mark every notice of the person as read."""
    unread = update(Notification).where(Notification.person_id == actor.person_id, Notification.read_at.is_(None))
    session.execute(unread.values(read_at=now))
