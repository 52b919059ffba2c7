"""Whether this installation can do its work: the database answers, its tables fit, and somewhere a scheduler ticks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from osm_flow.errors import Refused
from osm_flow.store.database import instant_text
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import SchedulerTick
from osm_flow.store.patience import waiting_at_most
from osm_flow.store.session import Store
from osm_flow.store.upgrade import current_revision, newest_revision

logger = logging.getLogger(__name__)

TICK_SECONDS = 30
LATE = timedelta(seconds=4 * TICK_SECONDS)
_FORGOTTEN = timedelta(days=1)
# A proxy asks every few seconds, and takes no answer for a bad one: sooner than others give up.
_PATIENCE = 1.5


@dataclass(frozen=True)
class Readiness:
    """What was found. `tables` is the newest migration that the database has seen, `last_tick` that of any scheduler."""

    is_reachable: bool
    tables: str | None
    wanted: str
    last_tick: datetime | None
    is_late: bool

    @property
    def is_ready(self) -> bool:
        """Whether requests can be answered; a scheduler that is late keeps nobody from reading and writing."""
        return self.is_reachable and self.tables == self.wanted

    def as_dict(self) -> dict[str, Any]:
        """The same for machines that ask."""
        return {
            "ready": self.is_ready,
            "database": {"reachable": self.is_reachable},
            "tables": {"version": self.tables, "wanted": self.wanted},
            "scheduler": {"last_tick": instant_text(self.last_tick) if self.last_tick else None, "late": self.is_late},
        }


def note_tick(session: Session, owner: str, now: datetime) -> None:
    """Note that this scheduler is at work; those that have not been for long are forgotten."""
    insert_or_replace(session, SchedulerTick, [{"owner": owner, "at": now}], "at")
    session.execute(delete(SchedulerTick).where(SchedulerTick.at < now - _FORGOTTEN))


def readiness(store: Store, now: datetime) -> Readiness:
    """Ask the database, for a short while. Never raises for what is wrong with it."""
    wanted = newest_revision()
    try:
        with waiting_at_most(_PATIENCE):
            tables, last_tick = _asked(store, wanted)
    except (Refused, SQLAlchemyError) as error:
        logger.warning("not ready: %s", error.__cause__ or error)
        return Readiness(False, None, wanted, None, is_late=True)
    return Readiness(True, tables, wanted, last_tick, is_late=last_tick is None or last_tick < now - LATE)


def _asked(store: Store, wanted: str) -> tuple[str | None, datetime | None]:
    """The version of the tables, and the last tick where they fit."""
    tables = current_revision(store)
    if tables != wanted:
        return tables, None
    with store.reading() as session:
        return tables, session.scalar(select(func.max(SchedulerTick.at)))
