"""The store: opening sessions on the database, the one commit, and locking cases."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

from sqlalchemy import (
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
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from osm_flow.errors import NotFound, Refused
from osm_flow.store.models import Case, WorkItem
from osm_flow.store.unit_of_work import unit_of

BUSY_SECONDS = 10


class Overtaken(Refused):
    """Someone else changed this at the same moment. Look at it again and repeat what you wanted."""

    may_pass = True


class Busy(Refused):
    """The database is busy. Nothing was changed; try again in a moment."""

    status = 503
    may_pass = True


class CaseNotFound(NotFound):
    """There is no such case."""


class Store:
    """The database: SQLite by default, PostgreSQL by its URL. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        address = make_url(url)
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        self.url = address
        self.engine = create_engine(address, pool_pre_ping=address.get_backend_name() == "postgresql", **_pool(address))
        self.dialect: str = self.engine.dialect.name
        if self.dialect == "sqlite":
            _govern_sqlite(self.engine)
            self._writing: Engine = self.engine.execution_options(osm_begin="IMMEDIATE")
            # Its own connections: one that is told now this, now that, prepares all of its statements anew each time.
            self._reading: Engine = create_engine(address, **_pool(address))
            _govern_sqlite(self._reading, "query_only=ON")
        else:
            self._writing = self.engine
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write. Commits once at the end; any error rolls everything back.

        Raises Overtaken when another writer won, Busy when the database could not be locked in time.
        """
        with Session(self._writing, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except StaleDataError as error:
                raise Overtaken from error
            except OperationalError as error:
                raise _as_refusal(error) from error

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one unchanging view of the database, which refuses to write and is always rolled back."""
        with Session(self._reading, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def as_a_whole(self) -> Iterator[Store]:
        """This store with all its transactions inside one: everything is kept at the end, or nothing after an error."""
        with self._writing.connect() as connection, connection.begin():
            yield _Whole(self, connection)

    def compact(self) -> bool:
        """Write the database anew, so that its files keep nothing of deleted rows; False while somebody is using it.

        On PostgreSQL that concerns the tables; its write-ahead log and backups forget by their own rules.
        """
        if self.dialect == "postgresql":
            with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.exec_driver_sql("VACUUM FULL")
            return True
        # Not one of the pool: their pragmas belong to the transactions that they are used for.
        with closing(sqlite3.connect(str(self.url.database), BUSY_SECONDS, isolation_level=None)) as connection:
            try:
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute("VACUUM")
                busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    return False
                raise
        return not busy

    def close(self) -> None:
        """Give every connection back to the operating system."""
        self.engine.dispose()
        self._reading.dispose()


class _Whole(Store):
    """A store on one connection whose transactions are savepoints. For one thread."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self.url, self.engine, self.dialect = store.url, store.engine, store.dialect
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


def write(session: Session, row: Case | WorkItem, **values: Any) -> None:
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
def _writing(model: type[Case | WorkItem]) -> Update:
    table: Any = model.__table__
    statement = update(table).where(table.c.id == bindparam("osm_id"))
    return statement if model is Case else statement.where(table.c.version == bindparam("osm_version"))


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


def _as_refusal(error: OperationalError) -> Exception:
    text = str(error.orig)
    if "locked" in text:
        return Busy()
    if "deadlock" in text or "could not serialize" in text:
        return Overtaken()
    return error


def _pool(address: Any) -> dict[str, Any]:
    if address.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_size": 10, "max_overflow": 20}


def _govern_sqlite(engine: Engine, *pragmas: str) -> None:
    """Take transactions out of the driver's hands: it begins them late and never IMMEDIATE."""

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "foreign_keys=ON",
            # What is deleted is overwritten: personal data may not linger in free pages.
            "secure_delete=ON",
            *pragmas,
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("osm_begin")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "IMMEDIATE" else "BEGIN")
