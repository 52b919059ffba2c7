"""When checkpoints are signed and where they go: once a day, on demand, to witnesses, to files and to exports."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.catalogues import catalogue
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.calendar.deadlines import close_of, local_day
from osm_flow.domain.kinds import IncidentKind, in_both_languages
from osm_flow.domain.merkle_note import VerifierKey
from osm_flow.errors import OsmFlowError, Refused
from osm_flow.notify.mail import Mail
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import signing_keys, witnesses
from osm_flow.operations.audit.kept_checkpoints import (
    Kept,
    LogTurnedBack,
    contradicting,
    name_of_folder,
    named_folder,
    refuse_to_contradict,
)
from osm_flow.operations.audit.log import Checkpoint, LogContradicted, LogOutOfStep, latest_checkpoint, make_checkpoint
from osm_flow.operations.audit.merkle_tree import LogDamaged, LogTree
from osm_flow.operations.audit.signing_keys import (
    KeyDamaged,
    KeyMissing,
    Keyring,
    KeysForgotten,
    KeyUnreadable,
    TrustUnreadable,
)
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.cases import incidents
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.reasons import said
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.database import instant_text
from osm_flow.store.models import LogCheckpoint, LogLeaf
from osm_flow.store.session import Store

logger = logging.getLogger(__name__)


class NothingTurnedBack(Refused):
    """The database continues every checkpoint that this machine keeps; there is nothing to accept."""


# Stands in the records of administration beside the reasons that people give.
_SIGNED_AGAIN = "ลงนามได้อีกครั้งแล้ว (the audit log is signed again)"
_LETTER = """\
จุดตรวจสอบของบันทึกประวัติงาน OSM Flow ลงนามเมื่อ {at} มี {size} รายการ
โปรดเก็บอีเมลฉบับนี้ไว้ ไม่ต้องตอบกลับ หากวันหนึ่งมีผู้แก้ไขหรือตัดประวัติ ข้อความด้านล่างจะแสดงให้เห็น

Checkpoint of the OSM Flow history, signed at {at}, {size} records.
Please keep this mail; no answer is needed. Should anybody change or cut the history one day, the text below shows it:
save it to a file and run  osm-flow audit verify --checkpoint FILE

{note}"""


def sign_and_send(session: Session, now: datetime, actor: Actor, *, keyring: Keyring) -> Checkpoint:
    """Make a checkpoint of the log of all offices and queue it for every witness who has not got it yet.

    Raises NotYourRole, and as `make_checkpoint`.
    """
    require(actor, Verb.sign_log, SystemFacts())
    _settle(session, now, keyring)
    checkpoint = make_checkpoint(session, now, actor, keyring=keyring)
    send(session, checkpoint, now)
    return checkpoint


def rotate_and_send(session: Session, now: datetime, actor: Actor, *, keyring: Keyring, reason: str) -> Checkpoint:
    """Replace the signing key and queue the last checkpoint for the witnesses. Raises NotYourRole, and as `rotate_key`."""
    require(actor, Verb.sign_log, SystemFacts())
    _settle(session, now, keyring)
    checkpoint = audit_log.rotate_key(session, now, actor, keyring=keyring, reason=reason)
    send(session, checkpoint, now)
    return checkpoint


def replace_lost(session: Session, now: datetime, actor: Actor, *, keyring: Keyring, reason: str) -> VerifierKey:
    """Begin a new key for one that is lost, which every verification tells. Raises NotYourRole, NoKeyYet, ReasonNeeded."""
    require(actor, Verb.sign_log, SystemFacts())
    return signing_keys.replace_lost(session, keyring, actor, now, reason=reason)


def send(session: Session, checkpoint: Checkpoint, now: datetime) -> int:
    """Queue the checkpoint for the witnesses; how many had not got it."""
    subject = f"OSM Flow checkpoint {checkpoint.size}"
    body = _LETTER.format(at=instant_text(checkpoint.at), size=checkpoint.size, note=checkpoint.note)
    return sum(
        queue_mail(
            session,
            Mail(f"checkpoint:{checkpoint.size}:{checkpoint.key_id}:{witness.id}", witness.email, subject, body),
            now,
        )
        for witness in witnesses.current(session)
    )


def _settle(session: Session, now: datetime, keyring: Keyring) -> None:
    """Close what told that the log cannot be signed; undone with all else when it still cannot.

    The log is locked first, as wherever both it and the records of administration are written.
    """
    take(session, AdvisoryLock.audit_log)
    incidents.settle(session, now, IncidentKind.signing, _origins(keyring), note=_SIGNED_AGAIN)


def _origins(keyring: Keyring) -> tuple[str | None, ...]:
    """Of which incidents this machine can say that they are over: what holds for the database, and for its own folder."""
    return (None, name_of_folder(keyring))


def sign_daily(store: Store, now: datetime, owner: str, keyring: Keyring) -> Tally:
    """Log what is new, and sign the day's records after office hours or, if that was missed, the next morning.

    After a refusal it is signed as soon as it can be, which closes the incident that told it. A machine without the key
    only logs: the one that has it signs; when none did for a day, that is told.
    """
    try:
        with store.transaction() as session:
            audit_log.append_new(session)
            is_due = _is_due(session, now) or incidents.is_any_open(session, IncidentKind.signing, _origins(keyring))
        with store.reading() as session:
            refuse_to_contradict(LogTree(session), keyring)
        if not is_due:
            keep_copies(store, keyring)
            return Tally()
        with store.transaction() as session:
            sign_and_send(session, now, SYSTEM, keyring=keyring)
    except (KeyMissing, KeyUnreadable) as refusal:  # another machine has the key
        with store.reading() as session:
            is_overdue = _is_due(session, now - timedelta(days=1))
        if is_overdue:
            return _not_signed(store, now, refusal)
        logger.warning("the audit log was not signed: %s", refusal)
        return Tally(left=1)
    except (LogTurnedBack, TrustUnreadable) as refusal:
        return _not_signed(store, now, refusal, origin=named_folder(keyring))
    except (KeyDamaged, KeysForgotten, LogContradicted, LogDamaged, LogOutOfStep) as refusal:
        return _not_signed(store, now, refusal)
    keep_copies(store, keyring)
    return Tally(done=1)


def _not_signed(store: Store, now: datetime, refusal: OsmFlowError, origin: str | None = None) -> Tally:
    """Tell that a person has to put right what keeps the log from being signed."""
    logger.warning("the audit log was not signed: %s", refusal)
    thai = catalogue("th").single.get(refusal.message, refusal.message).format(**refusal.details)
    message = in_both_languages(thai, incidents.words_of(refusal))
    with store.transaction() as session:
        incidents.open_in(session, None, now, kind=IncidentKind.signing, message=message, task_id=origin)
    return Tally(left=1, stands_in_the_way=incidents.words_of(refusal))


def keep_copies(store: Store, keyring: Keyring) -> int:
    """Write every checkpoint that has no file yet beside the keys, out of reach of whoever has only the database.

    Called after the commit: a file of a checkpoint that was rolled back would accuse an honest log.
    """
    there = {path.name for path in keyring.copies.glob("*.txt")}
    written = 0
    with store.reading() as session:
        rows = session.execute(select(LogCheckpoint.id, LogCheckpoint.size, LogCheckpoint.key_id)).all()
        for row in rows:
            name = f"{row.size:012d}-{row.key_id}.txt"
            if name not in there:
                keyring.copies.mkdir(mode=0o700, parents=True, exist_ok=True)
                note = session.get_one(LogCheckpoint, row.id).note
                (keyring.copies / name).write_text(note, encoding="utf-8")
                written += 1
    return written


def accept_older(session: Session, keyring: Keyring, actor: Actor, now: datetime, *, reason: str) -> list[Kept]:
    """Record that an older copy of the database was put back on purpose; the kept checkpoints that it does not continue.

    They are to be set aside after the commit. Raises Forbidden, ReasonMissing, NothingTurnedBack.
    """
    require(actor, Verb.repair_log, SystemFacts())
    why = said(reason)
    audit_log.append_new(session)
    tree = LogTree(session)
    contradicted = contradicting(tree, keyring)
    if not contradicted:
        raise NothingTurnedBack
    kept, present = contradicted[0].head, tree.get_size()
    old = {"records": kept.size, "root": kept.root.hex(), "checkpoints": len(contradicted)}
    new = {"records": present, "root": tree.root(present).hex(), "checkpoints": 0}
    record(
        session, actor, now, AdminAct(AdminKind.log_turned_back, "audit log", old=old, new=new, told={"reason": why})
    )
    return contradicted


def _is_due(session: Session, now: datetime) -> bool:
    closing = close_of(local_day(now))
    if now < closing:
        closing = close_of(local_day(now) - timedelta(days=1))
    newest = latest_checkpoint(session)
    size = session.scalar(select(func.max(LogLeaf.position)))
    if size is None:
        return False
    return newest is None or (newest.at < closing and newest.size <= size)
