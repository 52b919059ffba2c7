"""Requests to put rows back as the chains record them, and what each put back row was before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class Rebuilding(Model):
    """Somebody asks that the rows of these tables be put back from the chains; another person confirms it.

    `tables` are their names, one a line. `state` is a RebuildingState.
    """

    __tablename__ = "rebuildings"

    id: Mapped[int] = mapped_column(primary_key=True)
    tables: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="ASKED")
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)


class PutBackRow(Model):
    """What a row was and what it became when it was put back; the records of administration have a salted digest of each.

    `found` and `recorded` are canonical JSON of the columns that changed; they and the salt go with an erasure in the case.
    """

    __tablename__ = "put_back_rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    rebuilding_id: Mapped[int] = mapped_column(ForeignKey("rebuildings.id"), index=True)
    case_id: Mapped[str | None] = mapped_column(String(36), index=True)
    name: Mapped[str] = mapped_column(String(255))
    found: Mapped[str] = mapped_column(Text)
    recorded: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(String(32))
