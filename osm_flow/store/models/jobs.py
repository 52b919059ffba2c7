"""Rows that sweeps claim: timers, waiting messages, service jobs and the outbox; and the notices and reminders sent."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Instant, Model


class Leased:
    """Columns of a row that one sweep at a time may work on: an owner and until when it is theirs."""

    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None] = mapped_column(Instant, index=True)


class Timer(Leased, Model):
    """A BPMN timer that a case waits for; the row goes when it fires or is cancelled."""

    __tablename__ = "timers"

    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    element: Mapped[str] = mapped_column(String(255))
    name_th: Mapped[str] = mapped_column(String(255), default="")
    due_at: Mapped[datetime] = mapped_column(Instant, index=True)


class WaitingMessage(Model):
    """A message event or receive task that a case waits for: an answer from outside or from another case."""

    __tablename__ = "waiting_messages"

    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    element: Mapped[str] = mapped_column(String(255))
    name_th: Mapped[str] = mapped_column(String(255), default="")
    name_en: Mapped[str] = mapped_column(String(255), default="")
    message: Mapped[str] = mapped_column(String(128))
    form_key: Mapped[str | None] = mapped_column(String(64))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    fiscal_year: Mapped[int] = mapped_column()
    since: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "office_id", "message", "fiscal_year"),)


class ServiceJob(Leased, Model):
    """A service task to be carried out by the operation that its topic names; the row goes when the case has its result."""

    __tablename__ = "service_jobs"

    task_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    element: Mapped[str] = mapped_column(String(255))
    topic: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime | None] = mapped_column(Instant, index=True)  # null: stopped by an incident
    last_error: Mapped[str] = mapped_column(Text, default="")


class OutboxEntry(Leased, Model):
    """Something to be done after the commit that wrote it: start or end a child case, pass a message on, send a mail."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[str | None] = mapped_column(ForeignKey("cases.id"), index=True)
    body: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime | None] = mapped_column(Instant, index=True)  # null: done or given up
    done_at: Mapped[datetime | None] = mapped_column(Instant, index=True)
    away_since: Mapped[datetime | None] = mapped_column(Instant)  # whoever is to take it could not be reached
    last_error: Mapped[str] = mapped_column(Text, default="")


class SchedulerTick(Model):
    """When a scheduler was last seen at work; `owner` is the name of its process."""

    __tablename__ = "scheduler_ticks"

    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)


class Notification(Model):
    """A line in a person's in-app notices; `case_id` is the case that it tells of, if it is one."""

    __tablename__ = "notifications"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[str] = mapped_column(String(32))
    text_th: Mapped[str] = mapped_column(Text)
    text_en: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(String(255), default="")
    case_id: Mapped[str | None] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index(None, "person_id", "read_at", "id"),)


class Reminder(Model):
    """A rung of the escalation ladder that has been climbed for a work item, so that it is climbed once."""

    __tablename__ = "reminders"

    id: Mapped[int] = mapped_column(primary_key=True)
    work_item_id: Mapped[str] = mapped_column(ForeignKey("work_items.id"))
    rung: Mapped[str] = mapped_column(String(48))
    due_at: Mapped[datetime] = mapped_column(Instant)
    at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("work_item_id", "rung", "due_at"),)
