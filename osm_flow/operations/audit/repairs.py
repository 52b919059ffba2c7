"""Putting right the notes of how far each chain is logged, where they do not fit the leaves of the audit log.

The leaves are what was logged and stay as they are; the notes only spare the sequencer a search. Where a note lags behind,
the sequencer logs a record a second time, which the database refuses, and nothing is logged or signed any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.errors import Refused
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.reasons import said
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import LoggedCase, LogLeaf

_CONCERNS = "audit log"


class NothingToRepair(Refused):
    """The notes of the audit log fit its leaves; there is nothing to repair."""


class WrongNote(NamedTuple):
    """A chain whose note does not fit: up to which record it is said to be logged, and up to which it is."""

    case_id: str
    noted: int
    logged: int


@dataclass(frozen=True)
class Repair:
    """What a repair did: how many notes it put right, and how many records could then be logged."""

    notes: int
    added: int


def wrong_notes(session: Session) -> list[WrongNote]:
    """The chains whose note of how far they are logged is not what the leaves say, in the order of their ids."""
    top = select(LogLeaf.case_id, func.max(LogLeaf.seq).label("seq")).group_by(LogLeaf.case_id).subquery()
    noted = func.coalesce(LoggedCase.seq, 0)
    of_leaves = (
        select(top.c.case_id, noted, top.c.seq)
        .outerjoin(LoggedCase, LoggedCase.case_id == top.c.case_id)
        .where(noted != top.c.seq)
    )
    without_leaves = (
        select(LoggedCase.case_id, LoggedCase.seq)
        .outerjoin(top, top.c.case_id == LoggedCase.case_id)
        .where(top.c.seq.is_(None), LoggedCase.seq != 0)
    )
    wrong = [WrongNote(*row) for row in session.execute(of_leaves)]
    return sorted([*wrong, *(WrongNote(*row, 0) for row in session.execute(without_leaves))])


def repair(session: Session, actor: Actor, now: datetime, *, reason: str) -> Repair:
    """Put the notes right, record that with the reason, and log what had to wait.

    Raises Forbidden, ReasonMissing, NothingToRepair, and LogContradicted or LogDamaged where more than notes is wrong.
    """
    require(actor, Verb.repair_log, SystemFacts())
    why = said(reason)
    take(session, AdvisoryLock.audit_log)
    wrong = wrong_notes(session)
    if not wrong:
        raise NothingToRepair
    audit_log.require_uncontradicted(session)
    right = [{"case_id": note.case_id, "seq": note.logged} for note in wrong if note.logged]
    if right:
        insert_or_replace(session, LoggedCase, right, "seq")
    for note in wrong:
        if not note.logged:
            session.execute(delete(LoggedCase).where(LoggedCase.case_id == note.case_id))
    added = audit_log.append_new(session)
    told = {"reason": why, "leaves": audit_log.logged_records(session)}
    old, new = {"wrong_notes": len(wrong)}, {"wrong_notes": 0}
    record(session, actor, now, AdminAct(AdminKind.log_repaired, _CONCERNS, old=old, new=new, told=told))
    return Repair(len(wrong), added)
