"""Putting right what is kept beside the leaves of the audit log: how far each chain is logged, and hashes of subtrees.

The leaves are what was logged and stay as they are; notes and hashes only spare work. Where a note lags behind, the
sequencer logs a record a second time, which the database refuses, and nothing is logged or signed any more. Where a
hash is not that of its leaves, nothing is signed or proven by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.journal import Fault
from osm_flow.errors import Refused
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import log_checks
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.audit.log_checks import Examination
from osm_flow.operations.audit.merkle_tree import LogTree
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.reasons import said
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import LoggedCase

_CONCERNS = "audit log"


class NothingToRepair(Refused):
    """The notes of the audit log fit its leaves; there is nothing to repair."""


class NothingToRebuild(Refused):
    """The hashes kept beside the leaves of the audit log are theirs; there is nothing to make again."""


class NotRebuilt(Refused):
    """The tree of the audit log was not made again."""


class LeafMissing(NotRebuilt):
    """Leaf {position} of the audit log is missing or is none, and no leaf is made up. Nothing was changed; put back a backup that has it."""


class LeafUnproven(NotRebuilt):
    """Leaf {position} of the audit log contradicts record {seq} of {case_id}, and no checkpoint proves the leaf. Nothing was changed; put back a backup from before one of them was changed."""


class CheckpointContradicted(NotRebuilt):
    """The leaves of the audit log do not lead to the signed root of {size} records ({place}). Nothing was changed; put back a backup from before they were changed."""


@dataclass(frozen=True)
class Rebuilt:
    """What was made again: how many hashes were false and how many lacked, over how many leaves and signed roots.

    faults  whatever else is wrong with the log, such as records that contradict a leaf which a checkpoint proves.
    """

    false: int
    lacking: int
    leaves: int
    checkpoints: int
    faults: list[Fault]


@dataclass(frozen=True)
class Repair:
    """What a repair did: how many notes it put right, how many records could then be logged, how many waited wrongly or not at all."""

    notes: int
    added: int
    waiting: int = 0


def repair(session: Session, actor: Actor, now: datetime, *, reason: str) -> Repair:
    """Put the notes right, record that with the reason, and log what had to wait.

    Raises Forbidden, ReasonMissing, NothingToRepair, and LogContradicted or LogDamaged where more than notes is wrong.
    """
    require(actor, Verb.repair_log, SystemFacts())
    why = said(reason)
    take(session, AdvisoryLock.audit_log)
    wrong = audit_log.wrong_notes(session)
    waiting = list(audit_log.wrong_waiting(session))
    if not wrong and not waiting:
        raise NothingToRepair
    audit_log.require_uncontradicted(session)
    right = [{"case_id": note.case_id, "seq": note.logged} for note in wrong if note.logged]
    if right:
        insert_or_replace(session, LoggedCase, right, "seq")
    for note in wrong:
        if not note.logged:
            session.execute(delete(LoggedCase).where(LoggedCase.case_id == note.case_id))
    if waiting:
        audit_log.put_waiting_right(session, waiting)
    added = audit_log.append_new(session)
    told = {"reason": why, "leaves": audit_log.logged_records(session)}
    old = {"wrong_notes": len(wrong), "wrong_waiting": len(waiting)}
    act = AdminAct(AdminKind.log_repaired, _CONCERNS, old=old, new=dict.fromkeys(old, 0), told=told)
    record(session, actor, now, act)
    return Repair(len(wrong), added, len(waiting))


def rebuild(session: Session, actor: Actor, now: datetime, *, reason: str, keyring: Keyring) -> Rebuilt:
    """Make the kept hashes of subtrees again from the leaves, and record that with the reason.

    The leaves must lead to every signed root, in the database and in the files of this machine; one that no signed root
    covers must be of its record. Raises Forbidden, ReasonMissing, NothingToRebuild, NotRebuilt (with all `faults`).
    """
    require(actor, Verb.repair_log, SystemFacts())
    why = said(reason)
    take(session, AdvisoryLock.audit_log)
    found = log_checks.examine(session, trusted=keyring.trusted(), kept=kept_copies(keyring))
    leaves = found.leaves
    _require_proven(found)
    if not leaves.false and not leaves.lacking:
        raise NothingToRebuild
    LogTree(session).rebuild()
    old = {"false_hashes": leaves.false, "lacking_hashes": leaves.lacking}
    told = {"reason": why, "leaves": found.report.records, "signed_roots": len(found.signed)}
    act = AdminAct(AdminKind.log_rebuilt, _CONCERNS, old=old, new=dict.fromkeys(old, 0), told=told)
    record(session, actor, now, act)
    others = [fault for fault in found.report.faults if fault.code != "tree"]
    return Rebuilt(leaves.false, leaves.lacking, found.report.records, len(found.signed), others)


def _require_proven(found: Examination) -> None:
    """Raise NotRebuilt where the leaves do not lead to all that was signed, or contradict a record that nothing proves."""
    faults, leaves = found.report.faults, found.leaves
    for one in found.contradicted():
        raise CheckpointContradicted(size=one.head.size, place=one.place, faults=faults)
    if leaves.missing is not None:
        raise LeafMissing(position=leaves.missing, faults=faults)
    proven = max((one.head.size for one in found.signed), default=0)
    for position, fault in leaves.wrong:
        if position >= proven:
            raise LeafUnproven(position=position, case_id=fault.case_id, seq=fault.seq, faults=faults)
