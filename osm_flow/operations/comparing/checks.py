"""Comparing tables with the chains that prove them: all of them, or those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from osm_flow.errors import HOSTILE, Invalid
from osm_flow.operations.comparing.administration import compare_administration
from osm_flow.operations.comparing.cases import compare_cases
from osm_flow.operations.comparing.coverage import COMPARED, OF_ADMINISTRATION, OF_CASES, OF_RECORDS
from osm_flow.operations.comparing.differences import NotRecorded, RowDifference, shown
from osm_flow.operations.comparing.guards import compare_guards
from osm_flow.operations.comparing.records import compare_records

_Told = Callable[[NotRecorded], object]
_ROUNDS: tuple[tuple[tuple[str, ...], Callable[[Session, _Told], Iterator[RowDifference]]], ...] = (
    (OF_CASES, compare_cases),
    (OF_ADMINISTRATION, compare_administration),
    (OF_RECORDS, lambda session, _: compare_records(session)),
    ((), lambda session, _: compare_guards(session)),
)


class NotCompared(Invalid):
    """No chain proves the table {table}; these can be compared: {tables}."""


def compare(
    session: Session, only: Collection[str] = (), not_recorded: _Told = lambda _: None
) -> Iterator[RowDifference]:
    """The differences between the tables and their chains; of these tables alone where some are named. Raises NotCompared.

    not_recorded  is told of what an earlier version did not record: it is taken as it is found, and no difference.
    """

    def told(one: NotRecorded) -> None:
        if not only or one.table in only:
            not_recorded(one)

    for table in only:
        if table not in COMPARED:
            raise NotCompared(table=table, tables=", ".join(COMPARED))
    for tables, round_ in _ROUNDS:
        # Of tables that are named, only these; what is of no table goes with all of them.
        if not only or set(only) & set(tables):
            compared = _guarded(tables, round_(session, told))
            yield from (found for found in compared if not only or found.table in only or found.row == UNREADABLE_ROW)


# Whatever breaks the comparing is a difference, and no end of the rest.
_HOSTILE = (*HOSTILE, SQLAlchemyError)
# How a difference names the row that could not be read.
UNREADABLE_ROW = "?"


def _guarded(tables: Collection[str], differences: Iterator[RowDifference]) -> Iterator[RowDifference]:
    try:
        yield from differences
    except _HOSTILE as error:
        named = ", ".join(tables) or "(schema)"
        yield RowDifference(named, UNREADABLE_ROW, UNREADABLE_ROW, "-", shown(f"{type(error).__name__}: {error}"))
