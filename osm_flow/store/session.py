"""The store: opening sessions on the database, the one commit, and locking cases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Select,
    Update,
    bindparam,
    create_engine,
    event,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from osm_flow.errors import NotFound, Refused
from osm_flow.store import patience
from osm_flow.store.database_errors import Trouble, trouble_of
from osm_flow.store.models import Book, Case, WorkItem
from osm_flow.store.unit_of_work import unit_of
from osm_flow.store.writer_queue import WriterQueue

_TURN = "osm_turn"
_LOCK_TIMEOUT = "osm_lock_timeout"
# PostgreSQL is told anew how long it may wait when that differs by more than this from what it was told before.
_COARSE_SECONDS = 0.2


class Overtaken(Refused):
    """Someone else changed this at the same moment. Look at it again and repeat what you wanted."""

    may_pass = True


class Collided(Refused):
    """Somebody else entered or removed the same at the same moment. Look at it again and repeat what you wanted."""

    may_pass = True


class Busy(Refused):
    """The database is busy. Nothing was changed; try again in a moment."""

    status = 503
    may_pass = True


class Unreachable(Busy):
    """The database cannot be reached or cannot write. Nothing was changed; if this goes on, tell the administrator."""


class OutcomeUnknown(Busy):
    """The connection to the database broke while this was being kept. Look whether it was done before you repeat it."""


class CaseNotFound(NotFound):
    """There is no such case."""

    is_told_alike = True


@dataclass(frozen=True)
class Limits:
    """How many seconds the database may keep somebody waiting, so that nobody waits for ever. 0 is without end.

    lock       for what another transaction holds; for a request, from its arrival, for all that it waits for.
    statement  for one answer (PostgreSQL).
    idle       how long a transaction may stand still before PostgreSQL ends it: whoever began it is paused or gone.
    connect    for a connection (PostgreSQL).
    """

    lock: int = 10
    statement: int = 60
    idle: int = 60
    connect: int = 10


_USUAL = Limits()


class Store:
    """The database: SQLite by default, PostgreSQL by its URL. Safe to share between threads."""

    def __init__(self, url: str, limits: Limits = _USUAL) -> None:
        address = make_url(url)
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        self.url, self.limits = address, limits
        is_remote = address.get_backend_name() == "postgresql"
        # What somebody typed stands in no error, and so in no log and no incident.
        own = {"hide_parameters": True, **_pool(address, limits)}
        self.engine = create_engine(address, pool_pre_ping=is_remote, **own)
        self.dialect: str = self.engine.dialect.name
        if self.dialect == "sqlite":
            self._queue = WriterQueue(_file_of(address))
            _govern_sqlite(self.engine, limits.lock, _turns(self.engine, self._queue, limits.lock))
            self._writing: Engine = self.engine.execution_options(osm_begin="IMMEDIATE")
            # Its own connections: one that is told now this, now that, prepares all of its statements anew each time.
            self._reading: Engine = create_engine(address, **own)
            _govern_sqlite(self._reading, limits.lock, lambda _connection: limits.lock, "query_only=ON")
        else:
            _govern_postgresql(self.engine, address, limits)
            self._writing = self.engine
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write. Commits once at the end; any error rolls everything back. Then it is of no use any more:
        used again it would begin a transaction that nobody ends, which on SQLite holds up all who write.

        Raises Overtaken when another writer won, Busy when the database could not be locked in time, Unreachable when it
        is away or cannot write, OutcomeUnknown when it went away during the commit.
        """
        _refuse_late()
        with refusing(), Session(self._writing, expire_on_commit=False, close_resets_only=False) as session:
            yield session
            session.flush()
            _commit(session)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one unchanging view of the database, which refuses to write and is always rolled back.

        Raises Busy, Unreachable.
        """
        _refuse_late()
        with (
            refusing(reads=True),
            Session(self._reading, expire_on_commit=False, autoflush=False, close_resets_only=False) as session,
        ):
            yield session

    @contextmanager
    def as_a_whole(self) -> Iterator[Store]:
        """This store with all its transactions inside one: everything is kept at the end, or nothing after an error."""
        with refusing(), self._writing.connect() as connection, connection.begin():
            yield _Whole(self, connection)

    def compact(self) -> bool:
        """Write the database anew, so that its files keep nothing of deleted rows; False while somebody is using it.

        On PostgreSQL that concerns the tables; its write-ahead log and backups forget by their own rules.
        """
        if self.dialect == "postgresql":
            return self._vacuum()
        # Not one of the pool: their pragmas belong to the transactions that they are used for.
        with closing(sqlite3.connect(str(self.url.database), self.limits.lock, isolation_level=None)) as connection:
            try:
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute("VACUUM")
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    return False
                raise
        return not busy

    def _vacuum(self) -> bool:
        with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            try:
                connection.exec_driver_sql("VACUUM FULL")
            except SQLAlchemyError as error:
                if trouble_of(error) is Trouble.busy:
                    return False
                raise
            finally:
                connection.exec_driver_sql("RESET statement_timeout")
        return True

    def close(self) -> None:
        """Give every connection back to the operating system."""
        self.engine.dispose()
        self._reading.dispose()
        if self.dialect == "sqlite":
            self._queue.close()


class _Whole(Store):
    """A store on one connection whose transactions are savepoints. For one thread."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self.url, self.engine, self.dialect, self.limits = store.url, store.engine, store.dialect, store.limits
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A savepoint that is kept unless an error leaves it."""
        with self._session() as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The same connection, for reading."""
        with self._session() as session:
            yield session

    def _session(self) -> Session:
        return Session(self._connection, expire_on_commit=False, join_transaction_mode="create_savepoint")


def lock_case(session: Session, case_id: str) -> Case:
    """Lock a case until this transaction ends, and load it with its definition. Raises CaseNotFound.

    On SQLite the transaction itself is the lock (BEGIN IMMEDIATE).
    """
    known = unit_of(session).locked(case_id)
    return known if known is not None else _lock(session, _locking_case(), case_id)


def lock_case_of(session: Session, work_item_id: str) -> Case:
    """Lock the case of a work item as `lock_case` does."""
    return _lock(session, _locking_case_of(), work_item_id)


def holds_new(session: Session, case: Case) -> None:
    """Count a case that this transaction has just inserted as locked: nobody else can see it yet."""
    unit_of(session).hold(case)


def has_locked(session: Session, case: Case) -> bool:
    """Whether this transaction holds the lock of the case."""
    return unit_of(session).locked(case.id) is not None


def write(session: Session, row: Case | WorkItem | Book, **values: Any) -> None:
    """Update columns of a row that the session has loaded at once, past the session's flush, which takes longer.

    A row with a version is changed only if it is as it was loaded. Raises Overtaken.
    """
    parameters: dict[str, Any] = {"osm_id": row.id}
    if isinstance(row, WorkItem):
        parameters["osm_version"] = row.version
        values["version"] = row.version + 1
    result = session.execute(_writing(type(row)), {**parameters, **values})
    assert isinstance(result, CursorResult)  # noqa: S101 (what an UPDATE gives; the annotation is wider)
    if result.rowcount != 1:
        raise Overtaken
    for name, value in values.items():
        set_committed_value(row, name, value)


@cache
def _writing(model: type[Case | WorkItem | Book]) -> Update:
    table: Any = model.__table__
    statement = update(table).where(table.c.id == bindparam("osm_id"))
    return statement if model is not WorkItem else statement.where(table.c.version == bindparam("osm_version"))


@cache
def _locking_case() -> Select[Case]:
    return _locking(Case.id == bindparam("id"))


@cache
def _locking_case_of() -> Select[Case]:
    return _locking(Case.id == select(WorkItem.case_id).where(WorkItem.id == bindparam("id")).scalar_subquery())


def _locking(which: ColumnElement[bool]) -> Select[Case]:
    query = select(Case).where(which).options(joinedload(Case.definition, innerjoin=True))
    return query.with_for_update(of=Case).execution_options(populate_existing=True)


def _lock(session: Session, query: Select[Case], id_: str) -> Case:
    case = session.scalars(query, {"id": id_}).one_or_none()
    if case is None:
        raise CaseNotFound
    unit_of(session).hold(case)
    return case


def refusal_of(error: SQLAlchemyError, *, reads: bool = False) -> Refused | None:
    """The refusal that an error of the database means; None for a mistake of the program.

    `reads`: a session that must not write refused to.
    """
    if isinstance(error, StaleDataError):
        return Overtaken()
    match trouble_of(error):
        case Trouble.busy:
            return Busy()
        case Trouble.overtaken:
            return Overtaken()
        case Trouble.collided:
            return Collided()
        case Trouble.away | Trouble.unwritable:
            return Unreachable()
        case Trouble.read_only if not reads:
            return Unreachable()
    return None


@contextmanager
def refusing(*, reads: bool = False) -> Iterator[None]:
    """Raise the refusals that errors of the database mean in their place."""
    try:
        yield
    except SQLAlchemyError as error:
        refusal = refusal_of(error, reads=reads)
        if refusal is None:
            raise
        raise refusal from error


def _commit(session: Session) -> None:
    try:
        session.commit()
    except SQLAlchemyError as error:
        if trouble_of(error) is Trouble.away:  # the answer is missing: it may have been kept all the same
            raise OutcomeUnknown from error
        raise


def _refuse_late() -> None:
    if patience.has_given_up():
        raise Busy


class _Pool(QueuePool):
    """Connections for which a request waits no longer than for all else that it needs."""

    @property
    def _timeout(self) -> float:
        return patience.left(self._limit)

    @_timeout.setter
    def _timeout(self, limit: float) -> None:
        self._limit = limit

    def recreate(self) -> QueuePool:
        """A pool like this one, with the whole limit."""
        fresh = super().recreate()
        fresh._timeout = self._limit
        return fresh


def _pool(address: URL, limits: Limits) -> dict[str, Any]:
    if address.get_backend_name() == "sqlite":
        # The connection given back last is taken first: each one that is used keeps pages and statements of its own.
        kept = {"connect_args": {"timeout": limits.lock}, "pool_use_lifo": True}
        return kept | ({"poolclass": _Pool, "pool_timeout": limits.lock or 30} if _file_of(address) else {})
    said = address.query.get("options", "")
    waits = {
        "lock_timeout": limits.lock,
        "statement_timeout": limits.statement,
        "idle_in_transaction_session_timeout": limits.idle,
    }
    options = [f"-c {name}={seconds * 1000}" for name, seconds in waits.items()]
    connect_args = {
        "connect_timeout": limits.connect,
        "options": " ".join([*options, *([said] if isinstance(said, str) else said)]),  # what the URL says wins
        # A server that vanished without a word is noticed, also while nothing is sent.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
    sizes = {"pool_size": 10, "max_overflow": 20, "pool_timeout": limits.lock or 30}
    return {"poolclass": _Pool, "connect_args": connect_args, **sizes}


def _govern_postgresql(engine: Engine, address: URL, limits: Limits) -> None:
    """Give each statement of a request only what is left of its limit, and a new connection as well."""

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
        if not patience.is_counted():
            return None  # as usual
        seconds = patience.left(min(limits.connect or limits.lock, limits.lock or limits.connect))
        return dialect.connect(*arguments, **parameters | {"connect_timeout": max(1, ceil(seconds))})

    if not limits.lock or "lock_timeout" in str(address.query.get("options", "")):
        return  # what the URL says wins

    # What was told holds until the end of the transaction, or of the savepoint in which it was told.
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.info[_LOCK_TIMEOUT] = limits.lock

    @event.listens_for(engine, "rollback_savepoint")
    def forget(connection: Connection, _name: str, _context: None) -> None:
        connection.info[_LOCK_TIMEOUT] = None

    @event.listens_for(engine, "before_cursor_execute")
    def tell(connection: Connection, _cursor: Any, statement: str, *_: object) -> None:
        # Going back to a savepoint waits for nobody, and undoes whatever was told right before.
        if not patience.is_counted() or statement.startswith("ROLLBACK TO"):
            return
        seconds, told = patience.left(limits.lock), connection.info.get(_LOCK_TIMEOUT)
        if told is None or told - seconds > (_COARSE_SECONDS if seconds else 0):
            connection.info[_LOCK_TIMEOUT] = seconds
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, ceil(seconds * 1000))}")  # 0: without end


def _govern_sqlite(engine: Engine, limit: float, enter: Callable[[Connection], float], *pragmas: str) -> None:
    """Take transactions out of the driver's hands: it begins them late and never IMMEDIATE.

    `enter` waits for the turn of one that is to write, and gives the seconds that are left of the limit.
    """

    def be_patient(connection: Connection, seconds: float) -> None:
        connection.connection.cursor().execute(f"PRAGMA busy_timeout={ceil(seconds * 1000)}")

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # What is deleted is overwritten: personal data may not linger in free pages.
            "secure_delete=ON",
            f"busy_timeout={ceil(limit * 1000)}",
            *pragmas,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("osm_begin") == "IMMEDIATE":
            be_patient(connection, enter(connection))
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")
        be_patient(connection, patience.left(limit))


def _turns(engine: Engine, queue: WriterQueue, limit: float) -> Callable[[Connection], float]:
    """What lets transactions that write begin in the order in which they came; it gives what is left of the limit."""

    def enter(connection: Connection) -> float:
        begun, seconds = monotonic(), patience.left(limit)
        if not queue.enter(seconds):
            raise Busy
        connection.info[_TURN] = True
        return max(0.0, begun + seconds - monotonic())

    # The connection goes back to the pool after its transaction, however that ended.
    @event.listens_for(engine, "checkin")
    @event.listens_for(engine, "invalidate")
    def leave(_connection: Any, record: ConnectionPoolEntry, *_: object) -> None:
        if record.info.pop(_TURN, False):
            queue.leave()

    return enter


def _file_of(address: URL) -> Path | None:
    name = address.database
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name)
