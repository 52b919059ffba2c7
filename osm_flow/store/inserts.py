"""Inserting rows that may be there already, on both databases: the old row stays, is replaced, or is added to.

Looking first and inserting then would leave a gap in which somebody else inserts the same key, and the error that follows
spoils the whole transaction. The database does both at once: on PostgreSQL it waits for whoever is inserting that key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from osm_flow.store.database import Model

Rows = Sequence[Mapping[str, Any]]
_Change = Literal["leave", "replace", "add"]


def insert_once(session: Session, model: type[Model], **values: Any) -> bool:
    """Insert a row unless one with the same key, or the same unique values, is there; whether it was inserted."""
    key = next(iter(inspect(model).primary_key)).name
    return session.execute(_statement(_dialect(session), model, "leave", key), values).first() is not None


def insert_or_replace(session: Session, model: type[Model], rows: Rows, *columns: str, by: str = "") -> None:
    """Insert each row; where its primary key, or the unique value of `by`, is there, these columns get their new values."""
    session.execute(_statement(_dialect(session), model, "replace", None, columns, by), rows)


def insert_or_add(session: Session, model: type[Model], rows: Rows, column: str) -> None:
    """Insert each row; where its primary key is there, the new number is added to the old one."""
    session.execute(_statement(_dialect(session), model, "add", None, (column,)), rows)


def next_number(session: Session, model: type[Model], column: str, **key: Any) -> int:
    """Count one on under this key, from 1; two who ask at once get two numbers, the second once the first is kept."""
    counting = _statement(_dialect(session), model, "add", column, (column,))
    number: int = session.execute(counting, {**key, column: 1}).scalar_one()
    return number


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@cache
def _statement(
    dialect: str, model: Any, change: _Change, returned: str | None, columns: tuple[str, ...] = (), by: str = ""
) -> ReturningInsert[Any]:
    """Made once, with its values as parameters: making and compiling a statement takes longer than running it."""
    table = model.__table__
    inserting = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    changes = {name: inserting.excluded[name] for name in columns}
    if change == "add":
        changes = {name: table.c[name] + value for name, value in changes.items()}
    if change == "leave":
        inserting = inserting.on_conflict_do_nothing()
    else:
        key = [table.c[by]] if by else list(table.primary_key)
        inserting = inserting.on_conflict_do_update(index_elements=key, set_=changes)
    return inserting.returning(*([table.c[returned]] if returned else []))
