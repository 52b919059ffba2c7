"""Deployments and the immutable process definitions they made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from osm_flow.store.database import Instant, Model


class Deployment(Model):
    """The act and record of making definitions available."""

    __tablename__ = "deployments"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")

    definitions: Mapped[list[ProcessDefinition]] = relationship(back_populates="deployment")


class ProcessDefinition(Model):
    """One version of a process. Never changed: running cases keep theirs.

    `forms` and `decisions` are JSON texts of what the diagram needs, by key: the schema of each form, the DMN XML of
    each decision. `sha256` covers the XML, the forms and the decisions.
    """

    __tablename__ = "process_definitions"

    id: Mapped[int] = mapped_column(primary_key=True)
    deployment_id: Mapped[int] = mapped_column(ForeignKey("deployments.id"))
    key: Mapped[str] = mapped_column(String(128))
    version: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))
    name_th: Mapped[str] = mapped_column(String(255))
    name_en: Mapped[str] = mapped_column(String(255), default="")
    xml: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    forms: Mapped[str] = mapped_column(Text, deferred=True, default="{}")
    decisions: Mapped[str] = mapped_column(Text, deferred=True, default="{}")
    startable: Mapped[bool] = mapped_column(default=True)
    start_message: Mapped[str | None] = mapped_column(String(128))

    deployment: Mapped[Deployment] = relationship(back_populates="definitions")

    __table_args__ = (UniqueConstraint("key", "version"),)


class DiagramProposal(Model):
    """Files that somebody wants to be the newest version of processes, until another person publishes or refuses them.

    `state` is a ProposalState; `office_id` None: proposed by somebody of every office.
    """

    __tablename__ = "diagram_proposals"

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id"))
    proposed_by: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime] = mapped_column(Instant)
    note: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), index=True)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployments.id"))

    files: Mapped[list[ProposedFile]] = relationship(order_by="ProposedFile.name")


class ProposedFile(Model):
    """A file of a proposal, as it was sent."""

    __tablename__ = "proposed_files"

    proposal_id: Mapped[int] = mapped_column(ForeignKey("diagram_proposals.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
