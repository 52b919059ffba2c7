"""What a table says otherwise than the chain that proves it: which row and column, what was recorded and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Date, Numeric, Select, String, Table, select, type_coerce

from osm_flow.store.database import Instant

_LONGEST = 120
# A record is at least so much later than the one before it, whatever the clock said.
TICK = timedelta(microseconds=1)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Sides:
    """A row as the chain records it and as it was found; None where there is none on that side."""

    recorded: Row | None
    found: Row | None


@dataclass(frozen=True)
class RowDifference:
    """One difference between a table and its chain. Without a column the row as a whole is missing, or nothing records it.

    sides  the whole row, for whoever puts it back; None where nothing could be put back.
    """

    table: str
    row: str
    column: str
    recorded: str
    found: str
    sides: Sides | None = field(default=None, compare=False, repr=False)

    @property
    def en(self) -> str:
        """The difference as an English sentence."""
        if self.column:
            return f"{self.table} {self.row}: {self.column} was recorded as “{self.recorded}” and is “{self.found}”."
        if self.found:
            return f"{self.table} {self.row}: no record knows this row."
        return f"{self.table} {self.row}: this row is recorded and missing."

    def as_json(self) -> dict[str, str]:
        """The difference as it is printed for machines."""
        told = {"table": self.table, "row": self.row, "column": self.column}
        return {**told, "recorded": self.recorded, "found": self.found, "en": self.en, "th": self.th}

    @property
    def th(self) -> str:
        """The difference as a Thai sentence."""
        if self.column:
            return f"{self.table} {self.row}: {self.column} บันทึกไว้ว่า “{self.recorded}” แต่พบ “{self.found}”"
        if self.found:
            return f"{self.table} {self.row}: ไม่มีรายการใดบันทึกแถวนี้ไว้"
        return f"{self.table} {self.row}: มีบันทึกไว้ แต่ไม่พบแถวนี้"


@dataclass(frozen=True)
class NotRecorded:
    """A row, or a column of one, that nothing records: it is taken as it was found. No fault.

    since  the instant at which it was recorded as it was found; None: it never was.
    why    an earlier version did not record it, or an erasure took what told it.
    """

    table: str
    row: str
    since: str | None
    column: str = ""
    why: str = "not recorded by an earlier version"


class Wish(Protocol):
    """What a column must say where that is not one value alone."""

    def fits(self, found: Any) -> bool:
        """Whether this may stand there."""
        ...


@dataclass(frozen=True)
class OneOf:
    """One of several values; the first is what was written, the others what may have become of it.

    to_put  the one that is put back: never the first where an erasure may have taken it.
    """

    values: tuple[Any, ...]
    to_put: int = 0

    def fits(self, found: Any) -> bool:
        """Whether it is one of them."""
        return any(fits(value, found) for value in self.values)

    def __str__(self) -> str:
        return shown(self.values[0])


@dataclass(frozen=True)
class NotLater:
    """An instant that the record bounds from above: the clock said less than the record, which follows another."""

    at: str

    def fits(self, found: Any) -> bool:
        """Whether it is an instant up to then."""
        return isinstance(found, str) and found <= self.at

    def __str__(self) -> str:
        return self.at


@dataclass(frozen=True)
class Likely:
    """What no record says and a row that is put back needs: worked out anew, and never compared."""

    value: Any

    def fits(self, found: Any) -> bool:
        """Whatever it is."""
        return True

    def __str__(self) -> str:
        return "?"


class _Unknown:
    """Nothing records what must stand there."""

    def fits(self, found: Any) -> bool:
        """Whatever it is."""
        return True

    def __str__(self) -> str:
        return "?"


UNKNOWN = _Unknown()


def fits(wanted: Any, found: Any) -> bool:
    """Whether what was found is what was recorded; a number is not its text, and 1 is true where a column says so."""
    if isinstance(wanted, OneOf | NotLater | Likely | _Unknown):
        return wanted.fits(found)
    return bool(wanted == found)


def shown(value: Any) -> str:
    """A value as a sentence says it, never longer than a line."""
    if value is None:
        return "-"
    if isinstance(value, bytes):
        return f"sha256:{sha256(value).hexdigest()}"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def compare_row(table: str, key: str, wanted: Row, found: Row) -> Iterator[RowDifference]:
    """The columns of a row that do not say what was recorded."""
    sides = Sides(wanted, found)
    for column, value in wanted.items():
        if not fits(value, found[column]):
            yield RowDifference(table, key, column, shown(value), shown(found[column]), sides)


def missing(table: str, key: str, wanted: Row) -> RowDifference:
    """A row that is recorded and not there."""
    return RowDifference(table, key, "", "1", "", Sides(wanted, None))


def unrecorded(table: str, key: str, found: Row) -> RowDifference:
    """A row that is there and that no record knows."""
    return RowDifference(table, key, "", "", "1", Sides(None, found))


def compare_keyed(table: str, wanted: Mapping[Any, Row], found: Mapping[Any, Row]) -> Iterator[RowDifference]:
    """The differences of rows that are known by a key."""
    for key, row in wanted.items():
        name = key if isinstance(key, str) else "/".join(map(str, key))
        if key in found:
            yield from compare_row(table, name, row, found[key])
        else:
            yield missing(table, name, row)
    for key, row in found.items():
        if key not in wanted:
            yield unrecorded(table, key if isinstance(key, str) else "/".join(map(str, key)), row)


def compare_listed(table: str, case: str, wanted: Iterable[Row], found: Iterable[Row]) -> Iterator[RowDifference]:
    """The differences of rows that were written one after another; `id` names a row and says nothing of the record."""
    left, spare = _unmatched(list(wanted), list(found))
    for row in left:
        likest = max(spare, key=lambda other: _alike(row, other), default=None)
        if likest is not None and _alike(row, likest) * 2 >= len(row):
            spare.remove(likest)
            yield from compare_row(table, f"{case}/{likest['id']}", row, likest)
        else:
            yield missing(table, f"{case}/{shown(row.get('at') or next(iter(row.values())))}", row)
    for row in spare:
        yield unrecorded(table, f"{case}/{row['id']}", row)


def _unmatched(wanted: list[Row], found: list[Row]) -> tuple[list[Row], list[Row]]:
    """The rows of either side that have no twin on the other."""
    left, spare = [], list(found)
    for row in wanted:
        twin = next((other for other in spare if _alike(row, other) == len(row)), None)
        if twin is None:
            left.append(row)
        else:
            spare.remove(twin)
    return left, spare


def _alike(wanted: Row, found: Row) -> int:
    return sum(fits(value, found[column]) for column, value in wanted.items())


def plain_rows(table: Table, *but: str) -> Select[Any]:
    """The rows of a table as they lie there: instants, days and amounts as they are kept, so that one that is none can be shown."""
    columns: list[ColumnElement[Any]] = []
    for column in table.columns:
        if column.name not in but:
            is_read = isinstance(column.type, Instant | Date | Numeric)
            columns.append(type_coerce(column, String).label(column.name) if is_read else column)
    return select(*columns)
