"""Kept states: the states of cases at every hundredth record. They prove nothing: each use compares digests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import Case, CaseCheckpoint, CaseState, ElementVisit, JournalRecord

EVERY = 100


@dataclass(frozen=True)
class KeptState:
    """A kept state: after record `seq`, with how often each element had passed by then."""

    seq: int
    digest: str
    snapshot: bytes
    passed: Mapping[str, int]


def keep_if_due(session: Session, case: Case) -> None:
    """Keep the state of a locked case if its newest record is a hundredth one."""
    if case.seq % EVERY:
        return
    session.flush()
    state = session.execute(
        select(CaseState.digest, CaseState.snapshot).where(CaseState.case_id == case.id, CaseState.seq == case.seq)
    ).one()
    visits = select(ElementVisit.element, ElementVisit.visits).where(ElementVisit.case_id == case.id)
    passed = dict(session.execute(visits).all())
    keep(session, case.id, [KeptState(case.seq, state.digest, state.snapshot, passed)])


def keep(session: Session, case_id: str, worth_keeping: Iterable[KeptState]) -> None:
    """Keep states that a reader worked out, unless an erased payload may be in them."""
    checkpoints = sorted(worth_keeping, key=lambda checkpoint: checkpoint.seq)
    if not checkpoints or _has_gaps(session, case_id, checkpoints[-1].seq):
        return
    rows = [
        {
            "case_id": case_id,
            "seq": checkpoint.seq,
            "digest": checkpoint.digest,
            "snapshot": checkpoint.snapshot,
            "passed": json.dumps(dict(checkpoint.passed), sort_keys=True),
        }
        for checkpoint in checkpoints
    ]
    insert_or_replace(session, CaseCheckpoint, rows, "digest", "snapshot", "passed")


def nearest(session: Session, case_id: str, seq: int) -> KeptState | None:
    """The newest kept state at or before record `seq` that has the recorded digest; None: begin at the start."""
    newest_first = _of(case_id).order_by(CaseCheckpoint.seq.desc()).limit(1)
    while (row := session.execute(newest_first.where(CaseCheckpoint.seq <= seq)).first()) is not None:
        if (honest := _if_honest(row[0], row[1])) is not None:
            return honest
        seq = row[0].seq - 1
    return None


def between(session: Session, case_id: str, after: int, last: int) -> dict[int, KeptState]:
    """The kept states after `after` up to `last` that have the recorded digests."""
    query = _of(case_id).where(CaseCheckpoint.seq > after, CaseCheckpoint.seq <= last)
    honest = (_if_honest(row, recorded) for row, recorded in session.execute(query))
    return {checkpoint.seq: checkpoint for checkpoint in honest if checkpoint is not None}


def _of(case_id: str) -> Select[CaseCheckpoint, str]:
    same = (JournalRecord.case_id == CaseCheckpoint.case_id) & (JournalRecord.seq == CaseCheckpoint.seq)
    return (
        select(CaseCheckpoint, JournalRecord.state_digest)
        .join(JournalRecord, same)
        .where(CaseCheckpoint.case_id == case_id)
    )


def _if_honest(row: CaseCheckpoint, recorded: str) -> KeptState | None:
    if row.digest != recorded or engine.digest_of(row.snapshot) != recorded:
        return None
    return KeptState(row.seq, row.digest, row.snapshot, json.loads(row.passed))


def _has_gaps(session: Session, case_id: str, seq: int) -> bool:
    erased = ~JournalRecord.payload.has()
    gaps = select(JournalRecord.seq).where(JournalRecord.case_id == case_id, JournalRecord.seq <= seq, erased)
    return session.scalar(gaps.limit(1)) is not None
