"""Cases, their journal (the truth), their state (a cache of the journal) and their incidents."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model
from osm_flow.store.models.definitions import ProcessDefinition


class Case(Model):
    """One running or finished process instance, as people see it.

    `state`: ACTIVE, SUSPENDED, COMPLETED or CANCELLED. `seq`, `head` and `head_at` are the number, the hash
    and the time of its newest journal record. A child case names the case and the waiting engine task that called it.
    `subject`: what it is about where its process or its parent says so; its work items inherit it.
    `is_sensitive`: its process says so, its parent is, or somebody marked it. It is open to few, and who opens it is recorded.
    """

    __tablename__ = "cases"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("process_definitions.id"), index=True)
    business_key: Mapped[str] = mapped_column(String(64), unique=True)
    title: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255), default="", server_default="")
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    fiscal_year: Mapped[int] = mapped_column()
    province_id: Mapped[str | None] = mapped_column(ForeignKey("provinces.id"))
    state: Mapped[str] = mapped_column(String(16), default="ACTIVE")
    outcome: Mapped[str | None] = mapped_column(String(64))
    stage: Mapped[str | None] = mapped_column(String(64))
    parent_case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    parent_task_id: Mapped[str | None] = mapped_column(String(36))
    root_case_id: Mapped[str] = mapped_column(String(36), index=True)
    depth: Mapped[int] = mapped_column(default=0)
    started_by: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    seq: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(String(64), default="")
    head_at: Mapped[datetime] = mapped_column(Instant)
    search: Mapped[str] = mapped_column(Text, default="")
    is_sensitive: Mapped[bool] = mapped_column(default=False, server_default=false())

    definition: Mapped[ProcessDefinition] = relationship()

    __table_args__ = (
        Index(None, "office_id", "fiscal_year", "state", "started_at", "id"),
        Index(
            "ix_cases_sensitive",
            "office_id",
            sqlite_where=text("is_sensitive"),
            postgresql_where=text("is_sensitive"),
        ),
    )


class BusinessKeyCounter(Model):
    """The last running number given to the cases of one prefix, office and fiscal year."""

    __tablename__ = "business_key_counters"

    prefix: Mapped[str] = mapped_column(String(64), primary_key=True)
    last: Mapped[int] = mapped_column()


class CaseState(Model):
    """The compacted snapshot of a case after journal record `seq`: zstd bytes, never JSON of the database."""

    __tablename__ = "case_states"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[bytes] = mapped_column(LargeBinary)


class ElementVisit(Model):
    """How often a case passed an element of its diagram; for the done paths of the picture."""

    __tablename__ = "element_visits"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    element: Mapped[str] = mapped_column(String(255), primary_key=True)
    visits: Mapped[int] = mapped_column()


class JournalRecord(Model):
    """One thing that happened to a case; the database refuses to change or delete it (triggers)."""

    __tablename__ = "journal_records"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    kind: Mapped[str] = mapped_column(String(48))
    actor: Mapped[str] = mapped_column(String(64))
    actor_role: Mapped[str | None] = mapped_column(String(64))
    on_behalf_of: Mapped[str | None] = mapped_column(String(64))
    element: Mapped[str | None] = mapped_column(String(255))
    task_id: Mapped[str | None] = mapped_column(String(36))
    payload_digest: Mapped[str] = mapped_column(String(64))
    definition_key: Mapped[str] = mapped_column(String(128))
    definition_version: Mapped[int] = mapped_column()
    definition_sha256: Mapped[str] = mapped_column(String(64))
    engine_version: Mapped[str] = mapped_column(String(64))
    state_digest: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    # The one place that says which payload belongs to a record. For queries: `join` leaves out records whose payload was
    # erased, `outerjoin` and `has` do not. No foreign key holds it: either may be damaged, and checks must find that.
    payload: Mapped[JournalPayload | None] = relationship(
        primaryjoin=(
            "and_(foreign(JournalPayload.case_id) == JournalRecord.case_id, "
            "foreign(JournalPayload.seq) == JournalRecord.seq)"
        ),
        viewonly=True,
        uselist=False,
        lazy="raise",
    )

    __table_args__ = (
        Index(None, "at", "case_id", "seq"),
        Index(None, "actor", "at", "case_id", "seq"),
        Index(None, "kind", "at", "case_id", "seq"),
        Index(None, "element", "at", "case_id", "seq"),
        Index(None, "on_behalf_of", "at", "case_id", "seq"),
        Index(None, "actor_role", "at", "case_id", "seq"),
    )


class JournalPayload(Model):
    """What was typed or found, beside the record; only its salted digest is chained, so that it can be erased.

    `search` is what a person typed, as it is searched (`domain.search.typed_text`); it goes when the payload goes.
    """

    __tablename__ = "journal_payloads"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    salt: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    search: Mapped[str] = mapped_column(Text, default="", server_default="")


class IdempotencyKey(Model):
    """A write from outside that was done: the same key a second time is the same act, with the same `answer`."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant, index=True)
    subject: Mapped[str] = mapped_column(String(128))
    actor: Mapped[str] = mapped_column(String(64))
    content: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(Text)


class Incident(Model):
    """A failure that stops a part of a case, or something that is of no case, until someone acts."""

    __tablename__ = "incidents"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    element: Mapped[str | None] = mapped_column(String(255))
    task_id: Mapped[str | None] = mapped_column(String(36))
    kind: Mapped[str] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)
    resolved_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")

    case: Mapped[Case | None] = relationship()
