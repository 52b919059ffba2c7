"""The declarative base of all tables, and the type of their instants. Operations only ever see a plain `Session`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# The largest INTEGER of PostgreSQL: whatever is larger names nothing, and a database refuses even to look for it.
LARGEST_NUMBER = 2**31 - 1


class Base(DeclarativeBase):
    """The base class of every table."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, disable_autonaming=True)

if TYPE_CHECKING:
    Model = Base  # what `db.Model` is, said in a way that a type checker can read
else:
    Model = db.Model


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant kept as fixed-width RFC 3339 text, so that both databases sort and compare it alike.

    Text also keeps the microseconds of the journal exactly as they were hashed.
    """

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """The instant as the text that is kept."""
        return None if value is None else instant_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """The instant that was kept as text."""
        if value is None:
            return None
        instant = datetime.fromisoformat(value)
        if instant_text(instant) != value:
            raise ValueError(f"not an instant as it is kept: {value}")
        return instant


def instant_text(value: datetime) -> str:
    """The instant as text in its one spelling, `2026-11-20T03:04:05.000006Z`. Raises ValueError for a naive datetime."""
    if value.tzinfo is None:
        raise ValueError("an instant must say its offset")
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
