"""Verifying the past: every chain computed again, every case replayed from its first record, state by state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256

import zstandard
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, NoResultFound
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.journal import Fault
from osm_flow.domain.states import OPEN_CASE
from osm_flow.operations.audit import log_checks
from osm_flow.operations.ledger.admin_journal import CHAIN
from osm_flow.operations.replay import compare_states
from osm_flow.operations.replay.compare_states import Deep, KnownState
from osm_flow.operations.replay.history import History, faults_of_history, history_of
from osm_flow.operations.replay.refold import NotReplayable, Replayed, fold
from osm_flow.store.database_errors import Trouble, trouble_of
from osm_flow.store.models import Case, CaseCheckpoint, CaseState, JournalRecord, LoggedCase
from osm_flow.store.session import CaseNotFound

# The code of what could not be checked at all.
UNREADABLE = "unreadable"

Check = Callable[[Session, str], Deep]


def verify_case(session: Session, case_id: str) -> list[Fault]:
    """The faults of the history of a case, the earliest record first; empty when it is proved."""
    return _verified(session, case_id, lambda case, history: compare_states.compare(history, None)).faults


def verify_deep(session: Session, case_id: str) -> Deep:
    """The faults of a case as `verify_case` tells them, with the first state that differs and the engines used."""
    return _verified(
        session,
        case_id,
        lambda case, history: compare_states.compare(history, lambda seq: _known_state(session, case, history, seq)),
    )


def _verified(session: Session, case_id: str, replayed: Callable[[Case, History], Deep]) -> Deep:
    try:
        case = _case(session, case_id)
        history = history_of(session, case)
        result = replayed(case, history)
        faults = [*_faults_of_records(session, case, history), *result.faults]
        if result.is_complete:
            faults += _faults_of_snapshot(session, case, history, result.digest)
        return result.with_faults(sorted(faults, key=lambda fault: (fault.seq, fault.code)))
    except NoResultFound:
        return Deep(case_id, [Fault(case_id, 0, "definition", "the case names a definition that is not there")])
    except (TypeError, ValueError, AttributeError) as error:
        # SQLite keeps whatever a forger writes into a column, numbers that are texts included.
        return Deep(case_id, [Fault(case_id, 0, UNREADABLE, f"the history cannot be read: {error}")])
    except DBAPIError as error:
        return Deep(case_id, [Fault(case_id, 0, UNREADABLE, _damage(session, error))])


def verify_all(session: Session) -> Iterator[tuple[str, list[Fault]]]:
    """The faults of every case, one case after another; memory stays that of one case."""
    for case_id, result in _each(session, lambda session, case_id: Deep(case_id, faults=verify_case(session, case_id))):
        yield case_id, result.faults


def verify_all_deep(session: Session) -> Iterator[tuple[str, Deep]]:
    """The results of `verify_deep` of every case, one after another."""
    yield from _each(session, verify_deep)


def replay(session: Session, case_id: str) -> Iterator[Replayed]:
    """The case after each record, computed from the journal alone. Raises NotReplayable at the first doubt."""
    case = _case(session, case_id)
    history = history_of(session, case)
    digest = ""
    for replayed in fold(history):
        digest = replayed.digest
        yield replayed
    for fault in _faults_of_snapshot(session, case, history, digest):
        raise NotReplayable(seq=fault.seq, code=fault.code, reason=fault.message)


def _each(session: Session, check: Check) -> Iterator[tuple[str, Deep]]:
    """Every case; where the database is damaged, what can be read of it is checked all the same."""
    damages: list[str] = []
    for case_id in _case_ids(session, damages):
        yield case_id, check(session, case_id)
        session.expunge_all()
    try:
        yield from _beside_cases(session)
    except DBAPIError as error:
        damages.append(_damage(session, error))
    for damage in dict.fromkeys(damages):
        yield "", Deep("", faults=[Fault("", 0, UNREADABLE, damage)])


def _beside_cases(session: Session) -> Iterator[tuple[str, Deep]]:
    orphans = select(JournalRecord.case_id).where(JournalRecord.case_id.not_in(select(Case.id))).distinct()
    for case_id in session.scalars(orphans).all():
        fault = Fault(case_id, 0, "case", "the journal has records of a case that does not exist")
        yield case_id, Deep(case_id, faults=[fault])
    for case_id in log_checks.lost_cases(session):
        yield case_id, Deep(case_id, faults=log_checks.faults_of_case(session, case_id))


def _case_ids(session: Session, damages: list[str]) -> list[str]:
    """The cases in the order in which they began; where that cannot be read, those that any list of them names."""
    try:
        return list(session.scalars(select(Case.id).order_by(Case.started_at, Case.id)))
    except DBAPIError as error:
        damages.append(_damage(session, error))
    found: dict[str, None] = {}
    for one_by_one in (select(Case.id), select(JournalRecord.case_id).distinct(), select(LoggedCase.case_id)):
        try:
            for case_id in session.scalars(one_by_one.execution_options(yield_per=1)):
                found[case_id] = None
        except DBAPIError as error:
            damages.append(_damage(session, error))
    return [case_id for case_id in found if case_id != CHAIN]


def _damage(session: Session, error: DBAPIError) -> str:
    """What the database says of a damage, and the session fit to go on; raises the error when it is none."""
    if trouble_of(error) not in {None, Trouble.unwritable}:
        raise error
    session.rollback()
    return f"the database cannot read this: {error.orig}"


def _case(session: Session, case_id: str) -> Case:
    case = session.scalars(select(Case).where(Case.id == case_id).options(joinedload(Case.definition))).one_or_none()
    if case is None:
        raise CaseNotFound(case_id=case_id)
    return case


def _faults_of_records(session: Session, case: Case, history: History) -> list[Fault]:
    return [
        *faults_of_history(history),
        *_faults_of_definition(case, history),
        *_faults_of_head(session, case, history),
        *_faults_of_log(session, case),
    ]


def _faults_of_log(session: Session, case: Case) -> list[Fault]:
    case_id = case.id
    try:
        return log_checks.faults_of_case(session, case_id)
    except DBAPIError as error:
        return [Fault(case_id, 0, "log", f"the audit log cannot be held against it: {_damage(session, error)}")]


def _faults_of_definition(case: Case, history: History) -> Iterator[Fault]:
    definition = case.definition
    named = (definition.key, definition.version, definition.sha256)
    for record, _ in history.chain:
        if record.definition_sha256 not in history.definitions:
            return  # already told
        if (record.definition_key, record.definition_version, record.definition_sha256) != named:
            yield Fault(case.id, record.seq, "definition", "the record names another definition")
            return


def _faults_of_head(session: Session, case: Case, history: History) -> Iterator[Fault]:
    if not history.chain:
        yield Fault(case.id, 0, "head", "the case has no journal")
        return
    newest, hash_ = history.chain[-1]
    if (case.seq, case.head) != (newest.seq, hash_):
        yield Fault(case.id, newest.seq, "head", "the case does not point at its newest record")
    state = session.execute(select(CaseState.seq, CaseState.digest).where(CaseState.case_id == case.id)).first()
    if state is None or (state.seq, state.digest) != (newest.seq, newest.state_digest):
        yield Fault(case.id, newest.seq, "state", "the kept state is not the one of the newest record")


def _faults_of_snapshot(session: Session, case: Case, history: History, digest: str) -> Iterator[Fault]:
    snapshot = _snapshot(session, case)
    if not snapshot and history.erased and case.state not in OPEN_CASE:
        return  # it went with what was erased; nothing goes on from it any more
    if _digest_of_state(snapshot) != digest:
        yield Fault(case.id, case.seq, "snapshot", "the kept state is not the one that the journal gives")


def _snapshot(session: Session, case: Case) -> bytes:
    return session.execute(select(CaseState.snapshot).where(CaseState.case_id == case.id)).scalar() or b""


def _digest_of_state(snapshot: bytes) -> str | None:
    """Of what is inside: another version of the compression may pack the same state into other bytes."""
    unpacking = zstandard.ZstdDecompressor().decompressobj()
    try:
        content = unpacking.decompress(snapshot)
    except zstandard.ZstdError:
        return None
    # What was appended is no part of the state, and no one's.
    return sha256(content).hexdigest() if unpacking.eof and not unpacking.unused_data else None


def _known_state(session: Session, case: Case, history: History, seq: int) -> KnownState | None:
    """What the database itself knows of the state after a record: a kept state if it is that one, else the work items."""
    record = next(record for record, _ in history.chain if record.seq == seq)
    kept = select(CaseCheckpoint.snapshot).where(
        CaseCheckpoint.case_id == case.id, CaseCheckpoint.digest == record.state_digest
    )
    for snapshot in (_snapshot(session, case), *session.scalars(kept)):
        if _digest_of_state(snapshot) == record.state_digest:
            return compare_states.state_in(history, record, snapshot)
    return compare_states.state_from_work_items(session, case, record)
