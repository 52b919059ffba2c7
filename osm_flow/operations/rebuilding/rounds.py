"""Carrying out what two people agreed on: one transaction for each case, one for the administration, one for records.

Whoever stops half-way begins anew: what is put back already differs no more. Nothing is taken from a chain that does not verify.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.journal import Fault
from osm_flow.errors import Refused
from osm_flow.operations.audit import log_checks
from osm_flow.operations.comparing.administration import compare_administration
from osm_flow.operations.comparing.cases import compare_case, compare_each
from osm_flow.operations.comparing.coverage import OF_ADMINISTRATION, OF_CASES, OF_RECORDS
from osm_flow.operations.comparing.differences import RowDifference, Sides
from osm_flow.operations.comparing.known import Known, read_known
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import CHAIN, AdminAct, AdminKind
from osm_flow.operations.rebuilding import records, requests
from osm_flow.operations.rebuilding.rows import Left, PutBack, Why, as_text, put_back
from osm_flow.operations.replay.history import faults_of_history, history_of
from osm_flow.store.models import Case, JournalRecord, LogLeaf, Person, Position, PutBackRow
from osm_flow.store.session import Store

_FAULTY = Why(
    "its chain does not verify, so nothing is taken from it: verify it first",
    "สายบันทึกของแถวนี้ตรวจสอบไม่ผ่าน จึงไม่นำสิ่งใดจากสายนั้นมาใช้ ให้ตรวจสอบก่อน",
)
_NOT_LOGGED = Why(
    "the row knows of another newest record than the journal, and that one is not in the audit log yet",
    "แถวนี้รู้จักรายการล่าสุดไม่ตรงกับบันทึกเรื่อง และรายการนั้นยังไม่อยู่ในบันทึกรวม",
)
_NO_CASE = Why("the row of the case itself is gone: take it from a backup", "ไม่มีแถวของเรื่องนี้เอง ให้นำมาจากสำเนาสำรอง")
# Putting one row right may show what another one says wrong.
_ROUNDS = 4


@dataclass
class CarriedOut:
    """What a request did: the rows that were put back (those of records by name), and what was left as it is."""

    put_back: list[PutBack] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def add(self, other: CarriedOut) -> None:
        """Count what another part did, too."""
        self.put_back += other.put_back
        self.left += other.left


class LogDoubtful(Refused):
    """The audit log is not the one that was signed, so no chain can be believed. Nothing is put back; verify the log first."""


def carry_out(
    store: Store, request_id: int, actor: Actor, now: datetime, *, kept: Iterable[tuple[str, str]] = ()
) -> CarriedOut:
    """Put back whatever differs in the tables of a confirmed request, while the site runs. Safe to repeat after a crash.

    `kept` are checkpoints from outside the database, each with the name of its place. Raises Forbidden, RebuildingNotFound,
    NotConfirmed, RebuildingDecided, RequestDoubtful, LogDoubtful.
    """
    with store.reading() as session:
        examination = log_checks.examine_leaves(session, kept=kept)
        if examination.contradicted() or examination.leaves.missing is not None:
            raise LogDoubtful
        tables = requests.tables_of(requests.to_carry_out(session, request_id, actor))
        differing = _differing_cases(session, tables)
    outcome = CarriedOut()
    for case_id in differing:
        with store.transaction() as session:
            outcome.add(put_back_case(session, request_id, case_id, actor, now, tables))
    if tables & set(OF_ADMINISTRATION):
        with store.transaction() as session:
            outcome.add(put_back_administration(session, request_id, actor, now, tables))
    if tables & set(OF_RECORDS):
        with store.transaction() as session:
            outcome.add(put_back_records(session, request_id, actor, now, tables))
    with store.transaction() as session:
        numbers = {"put_back": len(outcome.put_back), "left": len(outcome.left)}
        requests.finish(session, request_id, actor, now, **numbers)
    return outcome


def put_back_case(
    session: Session, request_id: int, case_id: str, actor: Actor, now: datetime, tables: Collection[str]
) -> CarriedOut:
    """Put back what differs in one case, under its lock, and record it."""
    known = read_known(session)
    session.scalar(select(Case.id).where(Case.id == case_id).with_for_update())
    try:
        with session.begin_nested():
            outcome = CarriedOut(_put_definition_back(session, known, case_id, now, tables))
            _refuse_doubtful(session, case_id)
    except _Doubtful as doubtful:
        return CarriedOut(left=[Left(one, doubtful.why) for one in _of(compare_case(session, known, case_id), tables)])
    _repeat(session, known, outcome, now, lambda: _of(compare_case(session, known, case_id), tables))
    office_id = session.scalar(select(Case.office_id).where(Case.id == case_id))
    _record(session, request_id, actor, now, outcome.put_back, (case_id, office_id))
    return outcome


def put_back_administration(
    session: Session, request_id: int, actor: Actor, now: datetime, tables: Collection[str]
) -> CarriedOut:
    """Put back what differs in accounts, positions and the calendar, and record it.

    Rows first and the chain after them, as everybody takes them; nobody changes what is recorded there meanwhile.
    """
    session.scalars(select(Person.id).order_by(Person.id).with_for_update(key_share=True)).all()
    session.scalars(select(Position.id).order_by(Position.id).with_for_update()).all()
    admin_journal.take_turn(session)
    faults: list[Fault] = [*admin_journal.check_chain(session).faults, *log_checks.faults_of_case(session, CHAIN)]
    if faults:
        return CarriedOut(left=[Left(one, _FAULTY) for one in _of(compare_administration(session), tables)])
    outcome = CarriedOut()
    _repeat(session, read_known(session), outcome, now, lambda: _of(compare_administration(session), tables))
    _record(session, request_id, actor, now, outcome.put_back, (None, None))
    return outcome


def put_back_records(
    session: Session, request_id: int, actor: Actor, now: datetime, tables: Collection[str]
) -> CarriedOut:
    """Put back what the tables of records say otherwise than their books, which nobody writes meanwhile, and record it."""
    records.hold_books(session)
    differing = records.differing_rows(session, tables)
    if differing and records.are_doubtful(session):
        return CarriedOut(left=[Left(one, _FAULTY) for one in records.differing_records(session, tables)])
    outcome = CarriedOut()
    # What so many rows said is not kept in memory, and one record does not tell of all of them.
    for some in records.put_records_back(session, differing):
        _record(session, request_id, actor, now, some, (None, None))
        outcome.put_back += [row.by_name() for row in some]
    return outcome


def _repeat(
    session: Session, known: Known, outcome: CarriedOut, now: datetime, differences: Callable[[], list[RowDifference]]
) -> None:
    for _ in range(_ROUNDS):
        session.expunge_all()
        done, outcome.left = put_back(session, known, differences(), now)
        outcome.put_back += done
        if not done:
            return


def _differing_cases(session: Session, tables: Collection[str]) -> list[str]:
    if not set(tables) & set(OF_CASES):
        return []
    return [case_id for case_id, found in compare_each(session) if any(_of(found, tables))]


def _of(differences: Iterable[RowDifference], tables: Collection[str]) -> list[RowDifference]:
    """Those of these tables, and of the journals, which are told by name and never touched."""
    return [one for one in differences if one.table in tables or one.table == "journal_records"]


# ---- what may be believed --------------------------------------------------------------------------------------


class _Doubtful(Exception):
    """Nothing is taken from this chain."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.en)
        self.why = why


def _refuse_doubtful(session: Session, case_id: str) -> None:
    """Raise _Doubtful where the chain of a case may not be believed."""
    session.expunge_all()
    case = session.get(Case, case_id)
    if case is None:
        raise _Doubtful(_NO_CASE)
    history = history_of(session, case)
    if not history.chain or faults_of_history(history) or log_checks.faults_of_case(session, case_id):
        raise _Doubtful(_FAULTY)
    newest, hash_ = history.chain[-1]
    if case.head == hash_:
        return
    # Else the end of a journal that was cut off, or written anew, would be taken for the truth.
    logged = select(LogLeaf.hash).where(LogLeaf.case_id == case_id, LogLeaf.seq == newest.seq)
    if case.seq > newest.seq or session.scalar(logged) != hash_:
        raise _Doubtful(_NOT_LOGGED)


def _put_definition_back(
    session: Session, known: Known, case_id: str, now: datetime, tables: Collection[str]
) -> list[PutBack]:
    """The definition that its records name; nothing of the case can be worked out before."""
    if "cases" not in tables:
        return []
    named = select(JournalRecord.definition_key, JournalRecord.definition_version, JournalRecord.definition_sha256)
    recorded = session.execute(
        named.where(JournalRecord.case_id == case_id).order_by(JournalRecord.seq).limit(1)
    ).first()
    found = session.scalar(select(Case.definition_id).where(Case.id == case_id))
    wanted = next(
        (number for number, parts in known.definitions.items() if recorded and parts == tuple(recorded)), None
    )
    if wanted is None or found is None or found == wanted:
        return []
    sides = Sides({"definition_id": " ".join(map(str, recorded or ()))}, {"id": case_id, "definition_id": found})
    difference = RowDifference("cases", case_id, "definition_id", "", "", sides)
    return put_back(session, known, [difference], now)[0]


# ---- the record ------------------------------------------------------------------------------------------------


def _record(
    session: Session,
    request_id: int,
    actor: Actor,
    now: datetime,
    rows: list[PutBack],
    whose: tuple[str | None, str | None],
) -> None:
    """Say which rows were put back, by salted digests of what was found and of what was recorded."""
    if not rows:
        return
    case_id, office_id = whose
    old: dict[str, str | None] = {}
    new: dict[str, str | None] = {}
    kept: list[dict[str, Any]] = []
    for name, row in _names(rows):
        salt = secrets.token_hex(16)
        found, recorded = as_text(row.found), as_text(row.recorded)
        old[name] = digest_of(salt, found) if row.found is not None else None
        new[name] = digest_of(salt, recorded) if row.recorded is not None else None
        of = {"rebuilding_id": request_id, "case_id": case_id, "name": name, "salt": salt}
        kept.append({**of, "found": found, "recorded": recorded})
    session.execute(insert(PutBackRow), kept)
    told = {"rebuilding": request_id} | ({} if case_id is None else {"case": case_id})
    act = AdminAct(AdminKind.rows_put_back, requests.named(request_id), office_id, old=old, new=new, told=told)
    admin_journal.record(session, actor, now, act)


def digest_of(salt: str, text: str) -> str:
    """The salted digest of what a row said, as records of administration have it."""
    return sha256(f"{salt}{text}".encode()).hexdigest()


def _names(rows: list[PutBack]) -> Iterator[tuple[str, PutBack]]:
    """Each row with the name by which it is recorded; one that was put back in two steps has two."""
    used: dict[str, int] = {}
    for row in rows:
        name = f"{row.table} {row.row}"[:240]
        used[name] = used.get(name, 0) + 1
        yield (name if used[name] == 1 else f"{name} ({used[name]})"), row
