"""Snapshots of cases kept along their way, so that a moment in a long history is found without replaying all of it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from osm_flow.store.database import Model


class CaseCheckpoint(Model):
    """The state of a case after journal record `seq`: the snapshot, and how often each element had passed by then.

    A shortcut and no evidence: it is used only while its digest is the one that the journal records.
    `passed` is a JSON object.
    """

    __tablename__ = "case_checkpoints"

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    snapshot: Mapped[bytes] = mapped_column(LargeBinary)
    passed: Mapped[str] = mapped_column(Text)
