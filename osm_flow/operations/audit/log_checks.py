"""Verifying the audit log: whether what was logged is still there, and every signed head still true."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, String, and_, func, literal, select, type_coerce
from sqlalchemy.orm import Session

from osm_flow.domain.journal import Fault
from osm_flow.domain.merkle_note import Head, NoteUnreadable, VerifierKey, read_head, read_note
from osm_flow.errors import HOSTILE
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.log import OTHER_CHAINS, wrong_notes, wrong_waiting
from osm_flow.operations.audit.merkle_tree import GrowingTree, LogDamaged, leaf_of
from osm_flow.operations.audit.signing_keys import KeyDamaged
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.ledger import access_chain, access_checks, admin_journal
from osm_flow.store.database import instant_text
from osm_flow.store.models import (
    AccessRecord,
    AdminRecord,
    Book,
    BookEntry,
    Case,
    JournalRecord,
    LogCheckpoint,
    LogLeaf,
    LogNode,
    SigningKey,
)

_MOST_NOTICES = 100
# A transaction may be open for a while before its records can be seen, and clocks of nodes differ a little.
_LATE = timedelta(minutes=10)


@dataclass
class LogReport:
    """The result of a whole verification; `notices` are no faults, but an auditor should know them."""

    records: int = 0
    administration: int = 0
    reads: int = 0
    entries: int = 0
    checkpoints: int = 0
    unlogged: int = 0
    faults: list[Fault] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Signed:
    """A head that somebody signed, where it was found, and the number of its key in the database; None outside of it."""

    head: Head
    place: str
    by: int | None = None


@dataclass
class Leaves:
    """What was found when all leaves were read.

    roots    the root over the first so many leaves, for each size that was asked for.
    missing  the position of the first leaf that is missing or is none.
    wrong    the leaves that contradict the record of which they were made, by position.
    false    how many kept hashes of subtrees are not those of the leaves.
    lacking  how many full subtrees have no kept hash; each is worked out again when it is needed.
    """

    roots: dict[int, bytes] = field(default_factory=dict)
    missing: int | None = None
    wrong: list[tuple[int, Fault]] = field(default_factory=list)
    false: int = 0
    lacking: int = 0


@dataclass(frozen=True)
class Examination:
    """A whole verification of the log: its result, the heads that were signed, and what the leaves say."""

    report: LogReport
    signed: list[Signed]
    leaves: Leaves

    def contradicted(self) -> list[Signed]:
        """The signed heads to which the leaves do not lead, the smallest first."""
        wrong = (one for one in self.signed if self.leaves.roots.get(one.head.size) != one.head.root)
        return sorted(wrong, key=lambda one: one.head.size)


def check_log(
    session: Session, *, trusted: Sequence[VerifierKey] = (), kept: Iterable[tuple[str, str]] = ()
) -> LogReport:
    """Verify the whole log: leaves against records, roots against checkpoints, signatures against keys.

    `trusted` are the public keys to believe besides none; without them the database's own are believed. `kept` are
    checkpoints from outside the database, each with the name of its place.
    """
    return examine(session, trusted=trusted, kept=kept).report


def examine(
    session: Session, *, trusted: Sequence[VerifierKey] = (), kept: Iterable[tuple[str, str]] = ()
) -> Examination:
    """As `check_log`, with what was found on the way."""
    examination = examine_leaves(session, trusted=trusted, kept=kept)
    report = examination.report
    for what, check in (
        ("logged_cases", _check_sequencer),
        ("admin_records", _check_administration),
        ("access_records", _check_reads),
        ("books", _check_books),
    ):
        with _reading(report, what):
            check(session, report)
    return examination


def examine_leaves(
    session: Session, *, trusted: Sequence[VerifierKey] = (), kept: Iterable[tuple[str, str]] = ()
) -> Examination:
    """What `examine` finds of the log itself: keys, checkpoints, and every leaf beside its record; no chain as a whole."""
    report = LogReport()
    rows: list[SigningKey] = []
    signed: list[Signed] = []
    with _reading(report, "signing_keys"):
        rows = _readable_keys(report, signing_keys.kept_keys(session))
        _check_keys(report, rows, trusted)
    with _reading(report, "log_checkpoints"):
        signed = _signed_heads(session, report, rows)
        _tell_gaps(report, rows, signed)
    known = list(trusted) or [signing_keys.public_half(row) for row in rows]
    with _reading(report, "log_checkpoints"):
        there = {str(note).strip() for note in session.scalars(select(LogCheckpoint.note))}
    for place, note in kept:
        if (head := _kept_head(report, place, note, known)) is not None:
            signed.append(head)
            text = note.strip()
            if text not in there:
                report.notices.append(
                    f"{place}: the database does not have this checkpoint of {head.head.size} records"
                )
    examination = Examination(report, signed, _read_leaves(session, report, {one.head.size for one in signed}))
    wrong = examination.contradicted()
    for one in wrong:
        report.faults.append(_fault_of_head(one, report.records))
    leaves = examination.leaves
    if leaves.false and not wrong and not leaves.wrong and leaves.missing is None:
        said = f"{leaves.false} hashes kept beside the leaves are not theirs: osm-flow audit rebuild makes them again"
        report.faults.append(Fault("", 0, "tree", said))
    return examination


@contextmanager
def _reading(report: LogReport, what: str) -> Iterator[None]:
    """What cannot be read of these rows is a fault that names the table, and no end of the others."""
    try:
        yield
    except HOSTILE as error:
        said = f"{what} cannot be read: {type(error).__name__}: {error}"
        report.faults.append(Fault("", 0, "unreadable", said))


def _fault_of_head(signed: Signed, records: int) -> Fault:
    size = signed.head.size
    if size > records:
        return Fault("", 0, "future", f"{signed.place} has {size} records, the log only {records}")
    message = f"{signed.place} does not fit the log: some of its first {size} records were changed"
    return Fault("", 0, "root", message)


def faults_of_case(session: Session, case_id: str) -> list[Fault]:
    """The logged records of the case that are gone or changed; quick enough for every verification of a case."""
    query = _leaves_and_records().where(LogLeaf.case_id == case_id).order_by(LogLeaf.seq)
    return [fault for row in session.execute(query) if (fault := _fault_of(row)) is not None]


def lost_cases(session: Session) -> list[str]:
    """The cases that were logged and do not exist any more."""
    known = select(Case.id).union_all(select(Book.name), *(select(literal(name)) for name in OTHER_CHAINS))
    gone = select(LogLeaf.case_id).where(LogLeaf.case_id.not_in(known)).distinct()
    return list(session.scalars(gone.order_by(LogLeaf.case_id)))


# What is told where a machine has no list of keys of its own.
NOT_TRUSTED = "NOT PROVEN: no trusted key on this machine says who signed; the database's own keys were believed"


# ---- keys and signatures ---------------------------------------------------------------------------------------


def _readable_keys(report: LogReport, rows: Sequence[SigningKey]) -> list[SigningKey]:
    """The stored keys that are keys; each other one is a fault."""
    keys = []
    for row in rows:
        try:
            signing_keys.public_half(row)
            keys.append(row)
        except KeyDamaged:
            report.faults.append(Fault("", 0, "key", f"the public key {row.key_id} is no key"))
    return keys


def _check_keys(report: LogReport, rows: Sequence[SigningKey], trusted: Sequence[VerifierKey]) -> None:
    for before, row in zip([None, *rows], rows, strict=False):
        key_id = row.key_id
        if signing_keys.public_half(row).key_id != key_id:
            report.faults.append(Fault("", 0, "key", f"the public key {key_id} was changed"))
        elif trusted and not signing_keys.is_trusted(signing_keys.public_half(row), trusted):
            report.faults.append(Fault("", 0, "key", _untrusted(row, before, trusted)))
        if before is None:
            if row.how != "first":
                report.faults.append(Fault("", 0, "key", f"the keys before {key_id} are missing"))
        elif row.how != "replaced" and not _endorsed(row, before):
            report.faults.append(Fault("", 0, "key", f"the key {before.key_id} did not hand over to {key_id}"))


def _untrusted(row: SigningKey, before: SigningKey | None, trusted: Sequence[VerifierKey]) -> str:
    """That a key is not trusted here, and what somebody who should trust it can do."""
    said = f"the key {row.key_id} is none of those that are trusted here"
    if (
        before is not None
        and signing_keys.is_trusted(signing_keys.public_half(before), trusted)
        and _endorsed(row, before)
    ):
        return f"{said}; {before.key_id}, which is, handed over to it: osm-flow audit keys trust --handed-over"
    return f"{said}; who got it by another way than from this database says so: osm-flow audit keys trust FILE"


def _tell_gaps(report: LogReport, rows: Sequence[SigningKey], signed: Sequence[Signed]) -> None:
    """Where a lost key was replaced: from which record of the log on only the new one vouches."""
    for number, row in enumerate(rows):
        if row.how != "replaced":
            continue
        lost = f"the lost key {rows[number - 1].key_id}" if number else "the keys before it"
        sizes = [one.head.size for one in signed if one.by is not None and one.by < number]
        until = max(sizes, default=0)
        vouched = (
            f"records 1 to {until} of the log stand on checkpoints of keys before it"
            if until
            else "no key before it signed"
        )
        report.notices.append(
            f"key {row.key_id} replaced {lost} on {instant_text(row.at)}: {row.reason}; {vouched}, "
            f"from record {until + 1} on it stands alone"
        )


def _endorsed(row: SigningKey, before: SigningKey) -> bool:
    try:
        return row.how == "rotated" and signing_keys.is_endorsed(row, before)
    except NoteUnreadable:
        return False


def _signed_heads(session: Session, report: LogReport, rows: Sequence[SigningKey]) -> list[Signed]:
    """The heads of the stored checkpoints, each held against its row, its key and the one before it."""
    order = {row.key_id: number for number, row in enumerate(rows)}
    heads: list[Signed] = []
    newest = (0, 0)
    for row in session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.id)):
        report.checkpoints += 1
        place = f"checkpoint {row.id} of {instant_text(row.at)}"
        try:
            note = read_note(row.note)
            head = read_head(note)
        except NoteUnreadable as error:
            report.faults.append(Fault("", 0, "note", f"{place}: {error}"))
            continue
        number = order.get(row.key_id)
        if number is None or signing_keys.signed_by(note, signing_keys.public_half(rows[number])) is not True:
            report.faults.append(Fault("", 0, "signature", f"{place} is not signed by the key {row.key_id}"))
            continue
        if (head.size, head.root.hex()) != (row.size, row.root):
            report.faults.append(Fault("", 0, "note", f"{place} is stored with another size or root than it says"))
        if (number, head.size) < newest or head.size < newest[1]:
            report.faults.append(Fault("", 0, "order", f"{place} comes after a larger one or by an earlier key"))
        newest = max(newest[0], number), max(newest[1], head.size)
        heads.append(Signed(head, place, number))
    return heads


def _kept_head(report: LogReport, place: str, text: str, known: Sequence[VerifierKey]) -> Signed | None:
    try:
        note = read_note(text)
        head = read_head(note)
    except NoteUnreadable as error:
        report.faults.append(Fault("", 0, "note", f"{place}: {error}"))
        return None
    answers = [answer for key in known if (answer := signing_keys.signed_by(note, key)) is not None]
    if not answers:
        report.faults.append(Fault("", 0, "key", f"{place} is not signed by any key that is known here"))
    elif not all(answers):
        report.faults.append(Fault("", 0, "signature", f"{place} has a wrong signature"))
    elif head.origin not in {key.name or head.origin for key in known}:
        report.faults.append(Fault("", 0, "origin", f"{place} is of another log: {head.origin}"))
    else:
        return Signed(head, place)
    return None


# ---- leaves ----------------------------------------------------------------------------------------------------


def _leaves_and_records() -> Select[*tuple[Any, ...]]:
    """Each leaf beside the record that it was made of, of a case, of the administration, of reads or of a book."""
    same = and_(JournalRecord.case_id == LogLeaf.case_id, JournalRecord.seq == LogLeaf.seq)
    of_administration = and_(LogLeaf.case_id == admin_journal.CHAIN, AdminRecord.seq == LogLeaf.seq)
    of_reads = and_(LogLeaf.case_id == access_chain.CHAIN, AccessRecord.seq == LogLeaf.seq)
    of_book = and_(BookEntry.book_id == Book.id, BookEntry.seq == LogLeaf.seq)
    tables = (JournalRecord, AdminRecord, AccessRecord, BookEntry)
    return (
        select(
            LogLeaf.position,
            LogLeaf.case_id,
            LogLeaf.seq,
            LogLeaf.hash,
            func.coalesce(*(table.hash for table in tables)).label("recorded"),
            func.coalesce(*(type_coerce(table.at, String) for table in tables)).label("at"),
        )
        .outerjoin(JournalRecord, same)
        .outerjoin(AdminRecord, of_administration)
        .outerjoin(AccessRecord, of_reads)
        .outerjoin(Book, Book.name == LogLeaf.case_id)
        .outerjoin(BookEntry, of_book)
    )


def _fault_of(row: Row[*tuple[Any, ...]]) -> Fault | None:
    if row.recorded is None:
        return Fault(row.case_id, row.seq, "log", "the record was logged and is not there any more")
    if row.recorded != row.hash:
        return Fault(row.case_id, row.seq, "log", "the record is not the one that was logged")
    return None


def _read_leaves(session: Session, report: LogReport, sizes: set[int]) -> Leaves:
    """The roots at these sizes, computed from the leaves alone; the kept subtrees are not believed, but compared."""
    tree, found = GrowingTree(), Leaves()
    if 0 in sizes:
        found.roots[0] = tree.root()
    kept = {(row.level, row.position): row.hash for row in session.execute(_kept_hashes())}
    signed_at = _times_of_checkpoints(session)
    newest = next(signed_at, None)
    limit = None
    for row in session.execute(_leaves_and_records().order_by(LogLeaf.position).execution_options(yield_per=10_000)):
        if row.position != report.records or not _is_leaf(row):
            _note_missing(report, found)
            if type(row.position) is not int:
                continue
        report.records = row.position + 1
        while newest is not None and newest[0] <= row.position:
            limit, newest = newest[1], next(signed_at, None)
        if (fault := _fault_of(row)) is not None:
            report.faults.append(fault)
            found.wrong.append((row.position, fault))
        elif limit is not None and row.at < limit and len(report.notices) < _MOST_NOTICES:
            text = f"{row.case_id} record {row.seq} says {row.at}, but was logged after a checkpoint signed at {limit} or later"
            report.notices.append(text)
        if found.missing is not None:  # no root follows from what comes behind it
            continue
        for node in tree.grow(leaf_of(row)):
            hash_ = kept.pop((node.level, node.position), None)
            found.lacking += hash_ is None
            found.false += hash_ not in (None, node.hash)
        if tree.size in sizes:
            found.roots[tree.size] = tree.root()
    found.false += len(kept)
    return found


def _note_missing(report: LogReport, found: Leaves) -> None:
    report.faults.append(Fault("", 0, "log", f"leaf {report.records} of the log is missing"))
    if found.missing is None:
        found.missing = report.records


def _is_leaf(row: Row[*tuple[Any, ...]]) -> bool:
    try:
        leaf_of(row)
    except LogDamaged:
        return False
    return True


def _kept_hashes() -> Select[*tuple[Any, ...]]:
    return select(LogNode.level, LogNode.position, LogNode.hash)


def _times_of_checkpoints(session: Session) -> Iterator[tuple[int, str]]:
    """From which leaf on records should not say an earlier time than this; instants as text compare like instants."""
    rows = session.execute(select(LogCheckpoint.size, LogCheckpoint.at).order_by(LogCheckpoint.id)).all()
    return iter([(row.size, instant_text(row.at - _LATE)) for row in rows])


def _check_administration(session: Session, report: LogReport) -> None:
    """The records of administration, and those that were slipped in below logged ones."""
    _check_slipped_in(session, report, admin_journal.CHAIN)
    found = admin_journal.check_chain(session)
    report.administration = found.records
    report.faults += found.faults


def _check_reads(session: Session, report: LogReport) -> None:
    """The records of reads and security events, and those that were slipped in below logged ones."""
    _check_slipped_in(session, report, access_chain.CHAIN)
    found = access_checks.check_chain(session)
    report.reads = found.records
    report.faults += found.faults


def _check_slipped_in(session: Session, report: LogReport, name: str) -> None:
    table = OTHER_CHAINS[name]
    logged = LogLeaf.case_id == name
    top = session.scalar(select(func.max(LogLeaf.seq)).where(logged)) or 0
    passed = (
        select(table.seq)
        .outerjoin(LogLeaf, and_(logged, LogLeaf.seq == table.seq))
        .where(table.seq <= top, LogLeaf.position.is_(None))
    )
    for seq in session.scalars(passed.limit(_MOST_NOTICES)):
        report.faults.append(Fault(name, seq, "log", "the record was put in after later ones were logged"))
    report.unlogged += session.scalar(select(func.count()).select_from(table).where(table.seq > top)) or 0


def _check_books(session: Session, report: LogReport) -> None:
    """The books, and how many of their entries are not logged yet."""
    books = check_books(session)
    report.entries = books.entries
    report.faults += books.faults
    same = and_(LogLeaf.case_id == Book.name, LogLeaf.seq == BookEntry.seq)
    unlogged = select(func.count()).select_from(BookEntry).join(Book, Book.id == BookEntry.book_id)
    report.unlogged += session.scalar(unlogged.outerjoin(LogLeaf, same).where(LogLeaf.position.is_(None))) or 0


def faults_of_books(session: Session) -> Iterator[Fault]:
    """Entries of books that are not those which were logged, or that the log neither has nor will get."""
    names = set(session.scalars(select(Book.name)))
    logged = _leaves_and_records().where(LogLeaf.case_id.in_(select(Book.name)))
    ordered = logged.order_by(LogLeaf.case_id, LogLeaf.seq).execution_options(yield_per=1_000)
    # Whoever wants to know only whether there is one reads no further: a cursor on a server is closed then, too.
    with closing(session.execute(ordered)) as rows:
        yield from (fault for row in rows if (fault := _fault_of(row)) is not None)
    yield from (Fault(one.chain, one.seq, "log", one.said) for one in wrong_waiting(session) if one.chain in names)


def _check_sequencer(session: Session, report: LogReport) -> None:
    """Records that were passed over, notes of how far a case is logged that do not fit, and what waits wrongly or not at all."""
    top = select(LogLeaf.case_id, func.max(LogLeaf.seq).label("seq")).group_by(LogLeaf.case_id).subquery()
    same = and_(LogLeaf.case_id == JournalRecord.case_id, LogLeaf.seq == JournalRecord.seq)
    passed = (
        select(JournalRecord.case_id, JournalRecord.seq)
        .join(top, top.c.case_id == JournalRecord.case_id)
        .outerjoin(LogLeaf, same)
        .where(JournalRecord.seq <= top.c.seq, LogLeaf.position.is_(None))
    )
    for row in session.execute(passed.limit(_MOST_NOTICES)):
        report.faults.append(Fault(row.case_id, row.seq, "log", "the record was put in after later ones were logged"))
    for note in wrong_notes(session)[:_MOST_NOTICES]:
        said = "further than it is" if note.noted > note.logged else f"less far than it is ({note.logged})"
        report.faults.append(Fault(note.case_id, note.noted, "log", f"the case is said to be logged {said}"))
    for one in islice(wrong_waiting(session), _MOST_NOTICES):
        report.faults.append(Fault(one.chain, one.seq, "log", one.said))
    behind = select(func.coalesce(func.sum(Case.seq - func.coalesce(top.c.seq, 0)), 0))
    report.unlogged = session.scalar(behind.select_from(Case).outerjoin(top, top.c.case_id == Case.id)) or 0
