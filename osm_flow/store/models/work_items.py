"""Work items, who may claim them, and what people write on them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model
from osm_flow.store.models.cases import Case
from osm_flow.store.models.people import Person


class WorkItem(Model):
    """One user task of one case, waiting for or done by a person; `id` is the engine's task id.

    `state`: READY, CLAIMED, COMPLETED or CANCELLED. `owner_id` is set while an assignee holds it by delegation.
    `subject` says what it is about (`domain.subjects`), provinces by their codes.
    `version` rises with every change, so that two people acting on one item cannot both win. `record_code` is the code of
    the record that it is about; empty where it is about none, and in work items opened before versions kept it.
    """

    __tablename__ = "work_items"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    element: Mapped[str] = mapped_column(String(255))
    name_th: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str] = mapped_column(String(255), default="")
    subject: Mapped[str] = mapped_column(String(255), default="", server_default="")
    record_code: Mapped[str | None] = mapped_column(String(64), index=True)
    form_key: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="READY")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id"))
    fiscal_year: Mapped[int] = mapped_column()
    province_id: Mapped[str | None] = mapped_column(ForeignKey("provinces.id"))
    stage: Mapped[str | None] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(default=50)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    planned_due_at: Mapped[datetime | None] = mapped_column(Instant)
    follow_up_at: Mapped[datetime | None] = mapped_column(Instant)
    separate_from: Mapped[str | None] = mapped_column(String(255))
    escalation: Mapped[str | None] = mapped_column(String(64))
    search: Mapped[str] = mapped_column(Text, default="")
    opened_at: Mapped[datetime] = mapped_column(Instant)
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    completed_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    on_behalf_of: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)

    # Only to read: written are the ids, so that saving a work item need not look at what hangs on it.
    case: Mapped[Case] = relationship(viewonly=True)
    assignee: Mapped[Person | None] = relationship(foreign_keys=[assignee_id], viewonly=True)
    owner: Mapped[Person | None] = relationship(foreign_keys=[owner_id], viewonly=True)
    completed_by: Mapped[Person | None] = relationship(foreign_keys=[completed_by_id], viewonly=True)
    candidates: Mapped[list[Candidate]] = relationship(viewonly=True)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (the declarative spelling)
    __table_args__ = (
        Index(None, "office_id", "state", "due_at", "id"),
        Index(None, "assignee_id", "state", "due_at", "id"),
        Index(None, "state", "due_at", "id"),
        Index(None, "completed_by_id", "element"),
    )


class Candidate(Model):
    """A person or a role (in the office, or in one province) that may claim a work item."""

    __tablename__ = "candidates"

    id: Mapped[int] = mapped_column(primary_key=True)
    work_item_id: Mapped[str] = mapped_column(ForeignKey("work_items.id"), index=True)
    role: Mapped[str | None] = mapped_column(String(64))
    province_id: Mapped[str | None] = mapped_column(ForeignKey("provinces.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))

    __table_args__ = (Index(None, "role", "province_id", "work_item_id"), Index(None, "person_id", "work_item_id"))


class Draft(Model):
    """What a person has typed so far; survives a crash, a logout and another device. `body` is JSON of raw fields."""

    __tablename__ = "drafts"

    work_item_id: Mapped[str] = mapped_column(ForeignKey("work_items.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(Instant)


class Comment(Model):
    """What somebody said about a case or one of its work items; also a journal record."""

    __tablename__ = "comments"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    work_item_id: Mapped[str | None] = mapped_column(ForeignKey("work_items.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)

    person: Mapped[Person] = relationship()


class Attachment(Model):
    """A file given with a case or a work item. `file` names its bytes in the store of files.

    Without it they lie in `content`, where earlier versions kept them, or were erased by law.
    """

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    work_item_id: Mapped[str | None] = mapped_column(ForeignKey("work_items.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    filename: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(128))
    size: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, default=b"")
    at: Mapped[datetime] = mapped_column(Instant)
    file: Mapped[str | None] = mapped_column(String(64), index=True)

    person: Mapped[Person] = relationship()
