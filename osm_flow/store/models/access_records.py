"""The chain of reads and security events, what stands beside it, and refusals that are still being counted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class AccessRecord(Model):
    """One record of the chain of reads and security events; the database refuses to change or delete it (triggers).

    It names nobody: who, what and from where stand in a row of `book` (`accesses` or `security_events`) with the number
    `body`, and `digests` has a salted digest of each part of that row. `told` says plainly what names no one.
    """

    __tablename__ = "access_records"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(48))
    book: Mapped[str] = mapped_column(String(32), default="")
    body: Mapped[int | None] = mapped_column()
    told: Mapped[str] = mapped_column(Text)
    digests: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("book", "body"), Index(None, "kind", "seq"))


class SecurityEvent(Model):
    """What the chain says of signing in, signing out and refusals. It goes when its days are over.

    `count` is how often the same was refused from `at` to `until`; `details` a known user name that was typed, or the
    reference of a crash.
    """

    __tablename__ = "security_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    until: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(String(48))
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str | None] = mapped_column(String(64))
    office_id: Mapped[str | None] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255))
    details: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    salt: Mapped[str] = mapped_column(String(32))
    details_salt: Mapped[str] = mapped_column(String(32))
    address_salt: Mapped[str] = mapped_column(String(32))

    __table_args__ = (Index(None, "actor", "at"), Index(None, "kind", "at"))


class RefusalTally(Model):
    """How often the same was refused of late. When its time is over it becomes one security event."""

    __tablename__ = "refusal_tallies"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    until: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(String(48))
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str | None] = mapped_column(String(64))
    office_id: Mapped[str | None] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(255))
    details: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(64), default="")
