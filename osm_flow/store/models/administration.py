"""The records of administration: changes of people, the calendar and processes, in one chain that only grows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class AdminRecord(Model):
    """One act of administration; the database refuses to change or delete it (triggers).

    `changes` is canonical JSON: for each field what it was and what it became, never a secret.
    """

    __tablename__ = "admin_records"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(48))
    actor: Mapped[str] = mapped_column(String(64))
    actor_role: Mapped[str | None] = mapped_column(String(64))
    office_id: Mapped[str | None] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255))
    changes: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index(None, "office_id", "seq"),
        Index(None, "actor", "seq"),
        Index(None, "subject", "seq"),
        Index(None, "kind", "seq"),
    )
