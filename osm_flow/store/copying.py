"""Copying a whole database into another, empty one of any kind: every row as it is, compared after it was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.errors import Refused
from osm_flow.store import file_store
from osm_flow.store.database import db
from osm_flow.store.database_errors import trouble_of
from osm_flow.store.file_store import FileDamaged, Place
from osm_flow.store.models import FileContent, KeptFile, ToLog
from osm_flow.store.session import Store
from osm_flow.store.upgrade import current_revision, newest_revision, upgrade

_ROWS_AT_ONCE = 500
_OWN = "alembic_version"


class SourceNotUpToDate(Refused):
    """The database that is to be copied has tables of version {present}, not of this program's ({wanted}). Run: osm-flow db upgrade"""


class TargetNotEmpty(Refused):
    """The database to copy into already has rows ({table}). Make an empty one; nothing was changed."""


class TargetIsSource(Refused):
    """A database cannot be copied into itself."""


class TableUnknown(Refused):
    """The database has a table that this program does not know ({table}), so not all of it would be copied."""


class RowDoesNotFit(Refused):
    """A row of {table} cannot be kept in the other database: {reason}. Nothing was kept there."""


class CopyDiffers(Refused):
    """What was written of {table} is not what was read. Nothing was kept there."""


@dataclass
class Copied:
    """What was copied: the rows of each table, and a session in the transaction that is about to keep them."""

    session: Session
    rows: dict[str, int] = field(default_factory=dict)


@contextmanager
def copied(source: Store, target: Store) -> Iterator[Copied]:
    """Copy the source into the target in one transaction, which is kept when the block ends without an error.

    Nobody can write to the source meanwhile. Raises SourceNotUpToDate, TargetIsSource, TargetNotEmpty, TableUnknown,
    RowDoesNotFit, CopyDiffers.
    """
    if source.url == target.url:
        raise TargetIsSource
    if (present := current_revision(source)) != newest_revision():
        raise SourceNotUpToDate(present=present or "none", wanted=newest_revision())
    _refuse_rows(target)
    upgrade(target)
    with source.transaction() as reading, target.transaction() as writing:
        there, here = reading.connection(), writing.connection()
        if source.dialect == "postgresql":
            there.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        _refuse_unknown(there)
        _refuse_rows(target, here)
        done = Copied(writing)
        for table in _in_order_of_filling():
            done.rows[table.name] = _copy(there, here, table)
        _count_on(here)
        _bring_files(reading, writing)
        done.rows["file_contents"] = writing.scalar(select(func.count()).select_from(FileContent)) or 0
        yield done


def _bring_files(reading: Session, writing: Session) -> None:
    """Files that lie in the folder of the source come along to where the target keeps them; damaged ones stay damaged."""
    for row in reading.scalars(select(KeptFile).where(KeptFile.place == Place.folder).order_by(KeptFile.sha256)):
        with suppress(FileDamaged):
            file_store.keep(writing, file_store.read(reading, row.sha256), row.type)
        writing.expunge_all()


def _refuse_rows(target: Store, connection: Connection | None = None) -> None:
    """Before anything is made in the target, and again in the transaction that fills it."""
    if connection is None:
        with target.engine.connect() as own:
            _refuse_rows(target, own)
        return
    present = set(inspect(connection).get_table_names()) - {_OWN}
    for name in sorted(present):
        quoted = connection.dialect.identifier_preparer.quote(name)
        if connection.exec_driver_sql(f"SELECT 1 FROM {quoted} LIMIT 1").first() is not None:  # noqa: S608
            raise TargetNotEmpty(table=name)


def _refuse_unknown(source: Connection) -> None:
    known = {*db.metadata.tables, _OWN}
    for name in inspect(source).get_table_names():
        if name not in known and not name.startswith("sqlite_"):
            raise TableUnknown(table=name)


def _in_order_of_filling() -> list[Table]:
    """Every table, parents before children; last the one that triggers fill while records are written."""
    filled = ToLog.__tablename__
    return sorted(db.metadata.sorted_tables, key=lambda table: table.name == filled)


def _copy(source: Connection, target: Connection, table: Table) -> int:
    read = written = count = 0
    if table.name == ToLog.__tablename__:  # what triggers put there; which of it waits the source says
        target.execute(delete(table))
    streaming = _in_order(table).execution_options(yield_per=_ROWS_AT_ONCE)
    for rows in source.execute(streaming).partitions():
        try:
            target.execute(insert(table), [dict(row._mapping) for row in rows])
        except DBAPIError as error:
            if trouble_of(error) is not None and "Integrity" not in type(error).__name__:
                raise
            raise RowDoesNotFit(table=table.name, reason=str(error.orig).strip()) from error
        read += sum(_digest(row) for row in rows)
        count += len(rows)
    for rows in target.execute(select(table).execution_options(yield_per=_ROWS_AT_ONCE)).partitions():
        written += sum(_digest(row) for row in rows)
    if read != written or target.execute(select(func.count()).select_from(table)).scalar() != count:
        raise CopyDiffers(table=table.name)
    return count


def _in_order(table: Table) -> Select[*tuple[Any, ...]]:
    """Parents before children, where rows of a table name one another."""
    depth = [table.c.depth] if "depth" in table.c else []
    return select(table).order_by(*depth, *table.primary_key)


def _digest(row: Any) -> int:
    """Of what the row holds, whichever database it comes from; added up, they do not depend on an order of rows."""
    return int.from_bytes(sha256(repr(tuple(row)).encode("utf-8", "surrogatepass")).digest(), "big")


def _count_on(target: Connection) -> None:
    """Running numbers go on after the copied ones."""
    if target.dialect.name != "postgresql":
        return
    for table in db.metadata.sorted_tables:
        for column in table.primary_key:
            named = {"table": target.dialect.identifier_preparer.quote(table.name), "column": column.name}
            sequence = target.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), named).scalar()
            if sequence is not None:
                highest = target.execute(select(func.max(column))).scalar()
                if highest is not None:
                    target.execute(text("SELECT setval(:name, :value)"), {"name": sequence, "value": highest})
