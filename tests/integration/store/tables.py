"""Asking a database what it takes, what it refuses, and how it finds what a list asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import Engine, Executable, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.errors import NotFound
from osm_flow.store.database import Model


def refused(session: Session, attempt: Model | Executable | str) -> str:
    """What the database says to a row or a statement that it does not take; nothing else of the transaction is lost."""
    with pytest.raises(DBAPIError) as raised, session.begin_nested():
        keep(session, attempt)
    return str(raised.value.orig)


def keep(session: Session, attempt: Model | Executable | str) -> None:
    """Write a row or execute a statement."""
    if isinstance(attempt, Model):
        session.add(attempt)
        session.flush()
    else:
        session.execute(text(attempt) if isinstance(attempt, str) else attempt)


def values_of(row: Model) -> dict[str, Any]:
    """The columns of a row, from which another is made."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).columns}


def on_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def assert_append_only(session: Session, table: str, *, erasable: bool = False) -> None:
    """Rows of this table, which has some, can neither be changed nor replaced nor taken away, not even all at once."""
    columns = [column.name for column in Model.metadata.tables[table].columns]
    for column in columns:
        assert "append-only" in refused(session, f"UPDATE {table} SET {column} = {column}"), column  # noqa: S608
    if on_postgresql(session):
        assert "append-only" in refused(session, f"TRUNCATE {table} CASCADE")
    else:
        again = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608
        assert "append-only" in refused(session, again)
    if not erasable:
        assert "append-only" in refused(session, f"DELETE FROM {table}")  # noqa: S608


def plans_of(session: Session, reading: Callable[[], Any]) -> str:
    """How the database finds what this reading asks for: the plan of each statement on a line of its own.

    PostgreSQL is told that it may not read whole tables, which it prefers as long as they are empty.
    """
    with _noted_statements() as statements, suppress(NotFound):
        reading()
    connection = session.connection()
    if on_postgresql(session):
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    explain = "EXPLAIN (COSTS OFF)" if on_postgresql(session) else "EXPLAIN QUERY PLAN"
    plans = [connection.exec_driver_sql(f"{explain} {sql}", values).all() for sql, values in statements]
    return "\n".join(" / ".join(str(row[-1]).strip() for row in plan) for plan in plans)


@contextmanager
def _noted_statements() -> Iterator[list[tuple[str, Any]]]:
    """The statements that read, of whatever session, with their values."""
    noted: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            noted.append((statement, values))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)
