"""The audit log over all journals: an append-only Merkle tree, whose signed heads outlive whoever edits the database.

Every journal record, every record of administration and of reads, every entry of a book becomes a leaf, in the order in which records are found
committed. Each waits for that in `to_log`, into which it was written in its own transaction, by a trigger or with its entry: what the
sequencer costs is what is new, however many chains there are. `checkpoints` says when heads are signed and who gets them, `log_checks`
holds the store against them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CompoundSelect,
    Row,
    Select,
    String,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.merkle_note import Head
from osm_flow.errors import NotFound, Refused
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.kept_checkpoints import kept_checkpoints, refuse_to_contradict
from osm_flow.operations.audit.merkle_tree import (
    Leaf,
    LogTree,
    TreeDamaged,
    continues,
    leaf_bytes,
    root_of,
)
from osm_flow.operations.audit.signing_keys import Keyring, KeysForgotten
from osm_flow.operations.ledger import access_chain, admin_journal
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import (
    AccessRecord,
    AdminRecord,
    Book,
    BookEntry,
    JournalRecord,
    LogCheckpoint,
    LoggedCase,
    LogLeaf,
    ToLog,
)

# The chains that are of no case, by their names in the log, with the table of each.
OTHER_CHAINS: dict[str, type[AdminRecord] | type[AccessRecord]] = {
    admin_journal.CHAIN: AdminRecord,
    access_chain.CHAIN: AccessRecord,
}

# A line of every checkpoint: whoever signs it writes bundles of this format, so none of an earlier one goes with it.
BUNDLES = "bundles osm-flow-bundle/2"


class NotLogged(NotFound):
    """This record is not in the audit log yet, or not within the size that was asked for."""


class SizeUnknown(NotFound):
    """The audit log was never of this size."""


class LogContradicted(Refused):
    """The audit log is not the one that its newest checkpoint was made of. Nothing is signed before it is verified."""


class LogOutOfStep(Refused):
    """The audit log's notes of what is logged do not fit its leaves. Nothing is logged or signed before an administrator repairs them."""


@dataclass(frozen=True)
class Checkpoint:
    """A signed head of the audit log: `root` in hex, `note` as C2SP tlog-checkpoint text."""

    size: int
    root: str
    note: str
    key_id: str
    at: datetime


@dataclass(frozen=True)
class Proof:
    """The proof that a record is leaf `position` of the log of `size` leaves: RFC 6962 hashes in hex."""

    case_id: str
    seq: int
    position: int
    size: int
    leaf: str
    path: list[str]


class WrongNote(NamedTuple):
    """A chain whose note does not fit: up to which record it is said to be logged, and up to which it is."""

    case_id: str
    noted: int
    logged: int


class WrongWaiting(NamedTuple):
    """A row of `to_log` that is not what it should be, or that is missing, and what is wrong with it."""

    chain: str
    seq: int
    said: str


def append_new(session: Session) -> int:
    """Add the records that wait for the audit log, in the order of their times; how many were added.

    They are read once, by one statement, so that what is logged and what is taken out of `to_log` are of one view of the
    database, whatever others commit meanwhile. Raises LogOutOfStep.
    """
    take(session, AdvisoryLock.audit_log)
    tree = LogTree(session)
    before = tree.get_size()
    new: dict[str, _Reached] = {}
    try:
        after = tree.append_entries(_new_leaves(session, new))
    except IntegrityError as error:  # a leaf that is there already
        raise LogOutOfStep from error
    _require_all(session, new)
    rows = [{"case_id": chain, "seq": one.last} for chain, one in sorted(new.items()) if read_name(chain) is None]
    if rows:
        insert_or_replace(session, LoggedCase, rows, "seq")
    if new:
        session.execute(_LOGGED_NOW, [{"of": chain, "up_to": one.last} for chain, one in new.items()])
    return int(after - before)


@dataclass
class _Reached:
    """How far a chain was logged, how far it is now, and how many of its records were added."""

    logged: int
    last: int
    added: int = 0


def _new_leaves(session: Session, new: dict[str, _Reached]) -> Iterator[Leaf]:
    """The records that wait, in the order of their times; notes in `new` how far each chain came. Raises LogOutOfStep.

    A record that a version without `to_log` logged, running beside this one, waits no more and is left out.
    """
    streaming = _waiting().order_by(ToLog.at, ToLog.chain, ToLog.seq).execution_options(yield_per=5_000)
    with session.execute(streaming) as rows:  # closed where it is refused half way, too
        for row in rows:
            reached = new.get(row.chain)
            if reached is None:  # of later rows SQLite tells the leaves that were added meanwhile, too
                reached = new[row.chain] = _Reached(row.top or 0, row.top or 0)
                if read_name(row.chain) is None and (row.noted or 0) != reached.logged:
                    raise LogOutOfStep
            said = _said_of(row, reached.logged)
            if said not in ("", _LOGGED):
                raise LogOutOfStep
            if not said:
                reached.last = max(row.seq, reached.last)
                reached.added += 1
                yield Leaf(row.chain, row.seq, row.hash)


def _require_all(session: Session, new: dict[str, _Reached]) -> None:
    """Raise LogOutOfStep where a record below one that is logged now does not wait: it would never be logged."""
    for chain, one in new.items():
        if one.last - one.logged != one.added:
            every = _every_record().subquery("every_record").c
            between = select(func.count()).where(every.chain == chain, every.seq > one.logged, every.seq <= one.last)
            if session.scalar(between) != one.added:
                raise LogOutOfStep


def wrong_notes(session: Session) -> list[WrongNote]:
    """The chains whose note of how far they are logged is not what the leaves say, in the order of their ids."""
    # Of books nothing is noted.
    of_cases = LogLeaf.case_id.not_in(select(Book.name))
    top = (
        select(LogLeaf.case_id, func.max(LogLeaf.seq).label("seq")).where(of_cases).group_by(LogLeaf.case_id).subquery()
    )
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


def wrong_waiting(session: Session) -> Iterator[WrongWaiting]:
    """What waits for the log and should not, or not like this, and records that neither the log has nor `to_log`."""
    for row in session.execute(_waiting().order_by(ToLog.chain, ToLog.seq)):
        if said := _said_of(row, row.top or 0):
            yield WrongWaiting(row.chain, row.seq, said)
    for row in session.execute(_lacking().order_by("chain", "seq")):
        yield WrongWaiting(row.chain, row.seq, "the log does not have the record and will not get it")


def put_waiting_right(session: Session, wrong: list[WrongWaiting]) -> None:
    """Have exactly those records wait that are there and not logged, as they say."""
    for one in wrong:
        session.execute(delete(ToLog).where(ToLog.chain == one.chain, ToLog.seq == one.seq))
    session.execute(insert(ToLog).from_select(["chain", "seq", "hash", "at"], _lacking()))


def logged_records(session: Session) -> int:
    """How many records are in the log."""
    return session.scalar(select(func.count()).select_from(LogLeaf)) or 0


def make_checkpoint(session: Session, now: datetime, actor: Actor, *, keyring: Keyring) -> Checkpoint:
    """Log what is new and sign the head of the log; the newest checkpoint where nothing is new.

    The note must not leave this process before the transaction is committed: a signed head of a log that was rolled
    back would contradict the next one. Raises KeyMissing, KeysForgotten, LogContradicted, LogOutOfStep,
    LogTurnedBack, TreeDamaged.
    """
    append_new(session)
    tree = LogTree(session)
    size = tree.get_size()
    newest = latest_checkpoint(session)
    _refuse_to_forget(session, keyring)
    key = signing_keys.key_to_sign_with(session, keyring, actor, now)
    if newest is not None:
        _refuse_to_contradict(tree, newest)
    refuse_to_contradict(tree, keyring)
    if wrong_notes(session):  # told after what is graver: leaves that are gone leave notes that do not fit, too
        raise LogOutOfStep
    if newest is not None and (newest.size, newest.key_id) == (size, key.key_id):
        return newest
    root = _root_to_sign(tree, newest)
    note = signing_keys.sign(str(Head(key.name, size, root, (BUNDLES,))), key, keyring)
    return _keep(session, Checkpoint(size, root.hex(), str(note), key.key_id, now), actor)


def rotate_key(session: Session, now: datetime, actor: Actor, *, keyring: Keyring, reason: str = "") -> Checkpoint:
    """Replace the signing key under a checkpoint that both keys sign.

    Raises NoKeyYet, KeyMissing, LogContradicted, LogTurnedBack, TreeDamaged.
    """
    append_new(session)
    tree = LogTree(session)
    if (newest := latest_checkpoint(session)) is not None:
        _refuse_to_contradict(tree, newest)
    refuse_to_contradict(tree, keyring)
    head = Head(keyring.origin, tree.get_size(), _root_to_sign(tree, newest), (BUNDLES,))
    note = signing_keys.rotate(session, keyring, head, actor, now, reason=reason)
    key_id = note.signatures[-1].key_id
    return _keep(session, Checkpoint(head.size, head.root.hex(), str(note), key_id, now), actor)


def latest_checkpoint(session: Session) -> Checkpoint | None:
    """The newest checkpoint; None before the first."""
    row = session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.id.desc()).limit(1)).one_or_none()
    return None if row is None else as_checkpoint(row)


def recent_checkpoints(session: Session, limit: int = 5) -> list[Checkpoint]:
    """The newest checkpoints, the newest first."""
    rows = session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.id.desc()).limit(limit))
    return [as_checkpoint(row) for row in rows]


def checkpoint_of(session: Session, size: int) -> Checkpoint:
    """The newest checkpoint over exactly so many leaves. Raises SizeUnknown."""
    wanted = select(LogCheckpoint).where(LogCheckpoint.size == size).order_by(LogCheckpoint.id.desc()).limit(1)
    if (row := session.scalars(wanted).one_or_none()) is None:
        raise SizeUnknown(size=size)
    return as_checkpoint(row)


def inclusion(session: Session, case_id: str, seq: int | None, size: int) -> Proof:
    """The proof that a record (None: the newest of the case) is in the log. Raises NotLogged, SizeUnknown, TreeDamaged."""
    tree = LogTree(session)
    _require_size(tree, size)
    wanted = select(LogLeaf).where(LogLeaf.case_id == case_id, LogLeaf.position < size)
    if seq is not None:
        wanted = wanted.where(LogLeaf.seq == seq)
    leaf = session.scalars(wanted.order_by(LogLeaf.seq.desc()).limit(1)).one_or_none()
    if leaf is None:
        raise NotLogged(case_id=case_id, seq=seq)
    data = leaf_bytes(Leaf(leaf.case_id, leaf.seq, leaf.hash))
    path = tree.audit_path(leaf.position, size)
    _require_whole(session, tree, size)
    if root_of(data, leaf.position, size, path) != tree.root(size):
        raise TreeDamaged
    return Proof(case_id, leaf.seq, leaf.position, size, tree.hash_buff(data).hex(), [digest.hex() for digest in path])


def consistency(session: Session, old_size: int, new_size: int) -> list[str]:
    """The proof that the log of `new_size` begins with the one of `old_size`. Raises SizeUnknown, TreeDamaged."""
    tree = LogTree(session)
    _require_size(tree, new_size)
    if not 0 < old_size <= new_size:
        raise SizeUnknown(size=old_size)
    path = tree.consistency_path(old_size, new_size)
    for size in (old_size, new_size):
        _require_whole(session, tree, size)
    if not continues((old_size, tree.root(old_size)), (new_size, tree.root(new_size)), path):
        raise TreeDamaged
    return [digest.hex() for digest in path]


def require_uncontradicted(session: Session) -> None:
    """Raise LogContradicted when the log is not the one that its newest checkpoint was made of."""
    if (newest := latest_checkpoint(session)) is not None:
        _refuse_to_contradict(LogTree(session), newest)


def as_checkpoint(row: LogCheckpoint) -> Checkpoint:
    """A stored checkpoint as a value."""
    return Checkpoint(row.size, row.root, row.note, row.key_id, row.at)


def _refuse_to_forget(session: Session, keyring: Keyring) -> None:
    """Raise KeysForgotten where the database knows no key and this machine keeps checkpoints that it signed.

    A first key would otherwise be made, and trusted, without a word of those before it.
    """
    if signing_keys.active_key(session) is None and next(kept_checkpoints(keyring), None) is not None:
        raise KeysForgotten


def _refuse_to_contradict(tree: LogTree, newest: Checkpoint) -> None:
    try:
        root = bytes.fromhex(newest.root)
    except (ValueError, TypeError):  # somebody wrote into the database what no root is
        raise LogContradicted(size=newest.size) from None
    if not tree.leads_to(root, newest.size):
        raise LogContradicted(size=newest.size)


def _require_whole(session: Session, tree: LogTree, size: int) -> None:
    """Raise TreeDamaged where the kept subtrees do not lead to a signed root of this size, and the leaves do."""
    signed = select(LogCheckpoint.root).where(LogCheckpoint.size == size).order_by(LogCheckpoint.id.desc()).limit(1)
    with contextlib.suppress(ValueError, TypeError):  # a root that is none says nothing of the tree
        if (root := session.scalar(signed)) is not None:
            tree.leads_to(bytes.fromhex(root), size)


def _root_to_sign(tree: LogTree, newest: Checkpoint | None) -> bytes:
    """The root over all leaves; of those that are not signed yet nothing is taken from kept subtrees. Raises TreeDamaged.

    Somebody who wrote into the kept subtrees since the newest checkpoint would otherwise have a root signed that is none.
    """
    root = tree.root_of_leaves(newest.size if newest is not None else 0)
    if root != tree.root():
        raise TreeDamaged
    return root


def _require_size(tree: LogTree, size: int) -> None:
    if not 0 < size <= tree.get_size():
        raise SizeUnknown(size=size)


def _keep(session: Session, checkpoint: Checkpoint, actor: Actor) -> Checkpoint:
    session.add(LogCheckpoint(**vars(checkpoint), actor=actor.username))
    session.flush()
    return checkpoint


# ---- what waits ------------------------------------------------------------------------------------------------

# The tables themselves: what a session leaves out for somebody is logged all the same.
_RECORDS, _ENTRIES, _BOOKS = JournalRecord.__table__, BookEntry.__table__, Book.__table__
_TABLES = {name: table.__table__ for name, table in OTHER_CHAINS.items()}
_LEAVES = LogLeaf.__table__

_TO_LOG: Any = ToLog.__table__
_LOGGED_NOW = delete(_TO_LOG).where(_TO_LOG.c.chain == bindparam("of"), _TO_LOG.c.seq <= bindparam("up_to"))

_LOGGED = "the record is logged and waits all the same"


def _waiting() -> Select[*tuple[Any, ...]]:
    """What waits, each with the record itself, its leaf if there is one, the newest leaf of its chain, and how far that is noted."""
    of_chain = _LEAVES.alias("leaves_of_chain")
    newest = select(func.max(of_chain.c.seq)).where(of_chain.c.case_id == ToLog.chain).correlate(ToLog)
    tables = (_RECORDS, _ENTRIES, *_TABLES.values())
    query = (
        select(
            type_coerce(ToLog.at, String).label("at"),
            ToLog.chain,
            ToLog.seq,
            ToLog.hash,
            func.coalesce(*(table.c.hash for table in tables)).label("recorded"),
            func.coalesce(*(type_coerce(table.c.at, String) for table in tables)).label("recorded_at"),
            _LEAVES.c.hash.label("leaf"),
            newest.scalar_subquery().label("top"),
            LoggedCase.seq.label("noted"),
        )
        .outerjoin(_LEAVES, and_(_LEAVES.c.case_id == ToLog.chain, _LEAVES.c.seq == ToLog.seq))
        .outerjoin(LoggedCase, LoggedCase.case_id == ToLog.chain)
        .outerjoin(_RECORDS, and_(_RECORDS.c.case_id == ToLog.chain, _RECORDS.c.seq == ToLog.seq))
        .outerjoin(_BOOKS, _BOOKS.c.name == ToLog.chain)
        .outerjoin(_ENTRIES, and_(_ENTRIES.c.book_id == _BOOKS.c.id, _ENTRIES.c.seq == ToLog.seq))
    )
    for name, table in _TABLES.items():
        query = query.outerjoin(table, and_(ToLog.chain == name, table.c.seq == ToLog.seq))
    return query


def _said_of(row: Row[*tuple[Any, ...]], logged: int) -> str:
    """What is wrong with a row of `to_log`; nothing where its record is there as it says, and not logged."""
    if row.recorded is None:
        return "the log will get a record that is not there"
    if row.recorded != row.hash or row.recorded_at != row.at:
        return "the log will get another record than is there"
    if row.leaf is not None:
        return _LOGGED if row.leaf == row.hash else "another record was logged than the one that waits"
    return "" if row.seq > logged else "the record waits although later ones were logged"


def _lacking() -> Select[*tuple[Any, ...]]:
    """The records behind those logged of their chain that do not wait, with what `to_log` should say of each."""
    records = _every_record().subquery("every_record")
    top = select(_LEAVES.c.case_id, func.max(_LEAVES.c.seq).label("seq")).group_by(_LEAVES.c.case_id).subquery("top")
    return (
        select(records.c.chain, records.c.seq, records.c.hash, records.c.at)
        .outerjoin(top, top.c.case_id == records.c.chain)
        .outerjoin(ToLog, and_(ToLog.chain == records.c.chain, ToLog.seq == records.c.seq))
        .where(ToLog.seq.is_(None), or_(top.c.seq.is_(None), records.c.seq > top.c.seq))
    )


def _every_record() -> CompoundSelect[*tuple[Any, ...]]:
    def of(chain: Any, table: Any) -> Select[*tuple[Any, ...]]:
        return select(chain.label("chain"), table.c.seq, table.c.hash, type_coerce(table.c.at, String).label("at"))

    of_books = of(_BOOKS.c.name, _ENTRIES).join_from(_ENTRIES, _BOOKS, _BOOKS.c.id == _ENTRIES.c.book_id)
    others = (of(literal(name, String), table) for name, table in _TABLES.items())
    return of(_RECORDS.c.case_id, _RECORDS).union_all(of_books, *others)
