"""Sensitive cases: who is named on them, auditors who said why they open them, and proposals to take the mark off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model
from osm_flow.store.models.people import Person


class CaseReader(Model):
    """A person who is named on a case: if it is sensitive it is open to them, too."""

    __tablename__ = "case_readers"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    named_by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)

    person: Mapped[Person] = relationship()


class SensitiveOpening(Model):
    """An auditor said why they open a sensitive case; for some hours it is open to them. Why stands in the access log."""

    __tablename__ = "sensitive_openings"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (Index(None, "person_id", "at"),)


class UnmarkProposal(Model):
    """Somebody proposes that a case is sensitive no longer; somebody else decides. Why stands in the journal, at `seq`.

    `state`: PROPOSED, CONFIRMED, or WITHDRAWN, by whoever made it or may confirm it. A case has at most one that is PROPOSED.
    """

    __tablename__ = "unmark_proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), index=True)
    seq: Mapped[int] = mapped_column()
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    for_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16), default="PROPOSED")
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)

    proposed_by: Mapped[Person] = relationship(foreign_keys=[proposed_by_id])

    __table_args__ = (
        Index(
            "ix_unmark_proposals_open",
            "case_id",
            unique=True,
            sqlite_where=text("state = 'PROPOSED'"),
            postgresql_where=text("state = 'PROPOSED'"),
        ),
    )
