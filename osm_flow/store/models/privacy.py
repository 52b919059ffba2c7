"""The access log, legal holds, and requests to erase what concerns a person."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model
from osm_flow.store.models.books import Book


class Access(Model):
    """A read that matters, which a record of the chain covers (`AccessRecord`).

    Append-only (triggers), except that `details`, `reason` and `address` may be blanked with their salts, since they can
    name a person, and that a row goes when the chain says that its time is over.
    """

    __tablename__ = "accesses"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(64))
    role: Mapped[str | None] = mapped_column(String(64))
    office_id: Mapped[str | None] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(255))
    case_id: Mapped[str | None] = mapped_column(String(36))
    reason: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(String(64), default="", server_default="")
    salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    details_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    reason_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")
    address_salt: Mapped[str] = mapped_column(String(32), default="", server_default="")

    __table_args__ = (
        Index(None, "office_id", "id"),
        Index(None, "actor", "id"),
        Index(None, "case_id", "id"),
        Index(None, "kind", "id"),
        Index(None, "at"),
        # What is younger than its days, and what was not pruned yet: never all reads that there ever were.
        Index(
            "ix_accesses_with_words",
            "at",
            sqlite_where=text("details_salt != '' OR address_salt != ''"),
            postgresql_where=text("details_salt != '' OR address_salt != ''"),
        ),
    )


class LegalHold(Model):
    """Something must be kept whatever its class says: set by one row, lifted by a later one that names it. Append-only.

    On a case or on a person: then on every record that they made or that the whole of a case names them in. On a book by
    its name, or on one record in it: then on what its versions say of people, and on reasons and corrections of it.
    """

    __tablename__ = "legal_holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    lifts_id: Mapped[int | None] = mapped_column(ForeignKey("legal_holds.id"), unique=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    book: Mapped[str | None] = mapped_column(String(64))
    record_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class ErasureRequest(Model):
    """Somebody asks that what concerns a person be erased; somebody else decides.

    `state`: ASKED, APPROVED (some cases still run), DONE, REFUSED or WITHDRAWN. `subject` is what was searched for; it
    is blanked with the rest when nothing waits any more.
    """

    __tablename__ = "erasure_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    subject: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="ASKED")
    asked_by: Mapped[str] = mapped_column(String(64))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    scrubbed_at: Mapped[datetime | None] = mapped_column(Instant)

    items: Mapped[list[ErasureItem]] = relationship(
        back_populates="request", order_by="(ErasureItem.case_id, ErasureItem.seq)"
    )
    texts: Mapped[list[ErasureText]] = relationship(
        back_populates="request", order_by="(ErasureText.book_id, ErasureText.seq, ErasureText.record_id)"
    )

    lists: Mapped[list[ErasureList]] = relationship(back_populates="request", order_by="ErasureList.import_id")

    __table_args__ = (Index(None, "office_id", "id"), Index(None, "state", "id"))


class ErasureItem(Model):
    """One record whose payload is to go."""

    __tablename__ = "erasure_items"

    request_id: Mapped[int] = mapped_column(ForeignKey("erasure_requests.id"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    done_at: Mapped[datetime | None] = mapped_column(Instant)

    request: Mapped[ErasureRequest] = relationship(back_populates="items")


class ErasureText(Model):
    """One text of a book that is to go, named as in bundles by its entry, record and part; `record_id` of a reason is empty.

    part  `personal` (what a version says of a person), `reason` (of an entry), or `proposal` (what a correction would say).
    """

    __tablename__ = "erasure_texts"

    request_id: Mapped[int] = mapped_column(ForeignKey("erasure_requests.id"), primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(16), primary_key=True)
    done_at: Mapped[datetime | None] = mapped_column(Instant)

    request: Mapped[ErasureRequest] = relationship(back_populates="texts")
    book: Mapped[Book] = relationship(viewonly=True)


class ErasureList(Model):
    """An uploaded list from which the words of a request are to go: its file, its choices, and rows that it left aside.

    import_id  the number of the list, whose row may be gone since its days were over.
    """

    __tablename__ = "erasure_lists"

    request_id: Mapped[int] = mapped_column(ForeignKey("erasure_requests.id"), primary_key=True)
    import_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    done_at: Mapped[datetime | None] = mapped_column(Instant)

    request: Mapped[ErasureRequest] = relationship(back_populates="lists")
