"""The books of the office's records: entries that only grow, the changes under them, and what these say."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class Book(Model):
    """One kind's register of one office and year; locked for each act, its head is the newest entry.

    `name` is what entries and the audit log call it, `projects/NE-U1/2571`; `next_number` counts the codes that were given; none is given twice.
    """

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    year: Mapped[int] = mapped_column()
    seq: Mapped[int] = mapped_column(default=0)
    head: Mapped[str | None] = mapped_column(String(64))
    head_at: Mapped[datetime | None] = mapped_column(Instant)
    next_number: Mapped[int] = mapped_column(default=1)

    __table_args__ = (Index(None, "kind", "office_id", "year", unique=True),)


class BookEntry(Model):
    """One act on a book, chained to the one before it. Append-only (triggers); `cause`, `told`, `confirmed` are JSON."""

    __tablename__ = "book_entries"

    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    act: Mapped[str] = mapped_column(String(32))
    actor: Mapped[str] = mapped_column(String(64))
    actor_role: Mapped[str | None] = mapped_column(String(64))
    on_behalf_of: Mapped[str | None] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(Text)
    told: Mapped[str] = mapped_column(Text)
    reason_digest: Mapped[str | None] = mapped_column(String(64))
    confirmed: Mapped[str | None] = mapped_column(Text)
    changes_digest: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class EntryReason(Model):
    """Why somebody did what an entry tells, in their own words; erased by law it goes, its digest stays."""

    __tablename__ = "entry_reasons"

    book_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text)

    __table_args__ = (ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),)


class RecordChange(Model):
    """One version of a record, sealed by the entry that wrote it. Append-only (triggers)."""

    __tablename__ = "record_changes"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column()
    seq: Mapped[int] = mapped_column()
    schema: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(String(64))
    personal_digest: Mapped[str | None] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),
        Index(None, "book_id", "seq"),
    )


class ChangeBody(Model):
    """What a version says, as canonical JSON, in two halves. By law the personal half may go, with its salt."""

    __tablename__ = "change_bodies"

    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    personal_salt: Mapped[str] = mapped_column(String(32), default="")
    personal: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        ForeignKeyConstraint(
            ["kind", "record_id", "version"],
            ["record_changes.kind", "record_changes.record_id", "record_changes.version"],
        ),
    )


class Correction(Model):
    """A correction of a record that somebody proposed. The entry of the book at `seq` says who, when and why.

    version      the version of the record that they saw.
    changes      JSON: the fields with their new values; the entry has its digest with the salt.
    decided_seq  the entry that confirmed or withdrew it; none while it waits. A record has at most one that waits.
    """

    __tablename__ = "corrections"

    book_id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    record_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column()
    salt: Mapped[str] = mapped_column(String(32))
    changes: Mapped[str] = mapped_column(Text)
    decided_seq: Mapped[int | None] = mapped_column()

    __table_args__ = (
        ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),
        ForeignKeyConstraint(["book_id", "decided_seq"], ["book_entries.book_id", "book_entries.seq"]),
        Index("ix_corrections_record", "kind", "record_id"),
        Index(
            "ix_corrections_waiting",
            "kind",
            "record_id",
            unique=True,
            sqlite_where=text("decided_seq IS NULL"),
            postgresql_where=text("decided_seq IS NULL"),
        ),
    )


class RecordSet(Model):
    """The records that a decision was made on, by the digest of their list; `members` is JSON. Append-only (triggers)."""

    __tablename__ = "record_sets"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    members: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column()


class ToLog(Model):
    """A sealed record that the audit log does not have yet; written with the record, taken out with its leaf."""

    __tablename__ = "to_log"

    chain: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant, index=True)
