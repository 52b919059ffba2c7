"""The log over all journals: its leaves, its signed checkpoints, the keys that signed them and who gets copies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class LogLeaf(Model):
    """One journal record in the Merkle log. It points at no record by foreign key: what was logged stays logged.

    Append-only (triggers). `position` counts from 0 without a gap.
    """

    __tablename__ = "log_leaves"

    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    case_id: Mapped[str] = mapped_column(String(36))
    seq: Mapped[int] = mapped_column()
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("case_id", "seq"),)


class LogNode(Model):
    """The hash of a full subtree of 2^level leaves, so that a new checkpoint need not hash the old leaves again."""

    __tablename__ = "log_nodes"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))


class LoggedCase(Model):
    """Up to which record a case is in the log; spares the sequencer a search through all records."""

    __tablename__ = "logged_cases"

    case_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seq: Mapped[int] = mapped_column()


class SigningKey(Model):
    """A public key from the day on which it began to sign. Append-only; the next row ends its period.

    `how`: first, rotated (`endorsement` is a note signed by the key before it, too) or replaced (that one was lost:
    `reason` says how, and the gap is shown by every verification).
    """

    __tablename__ = "signing_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(String(8), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    public_key: Mapped[str] = mapped_column(String(64))
    how: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    endorsement: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class LogCheckpoint(Model):
    """A signed head of the log; `note` is the C2SP tlog-checkpoint as witnesses get it. Append-only."""

    __tablename__ = "log_checkpoints"

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, index=True)
    root: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    key_id: Mapped[str] = mapped_column(String(8))
    actor: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class Witness(Model):
    """Somebody outside the system whom the office has every checkpoint mailed to; never deleted, only ended."""

    __tablename__ = "witnesses"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255))
    added_by: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[datetime] = mapped_column(Instant)
    removed_by: Mapped[str | None] = mapped_column(String(64))
    removed_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "office_id", "removed_at"),)
