"""Whatever a table of records says otherwise than its book is named with row, column and both values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Numeric, select

from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.comparing.coverage import OF_RECORDS, UNPROVEN_COLUMNS
from osm_flow.store.database import db
from osm_flow.store.session import Store
from tests.factories import make_office, make_project
from tests.integration.operations.comparing.conftest import table_named

pytestmark = pytest.mark.sampled

FULL: dict[str, Any] = {
    "approved": 900,
    "committed": 10.5,
    "disbursed": 5,
    "result": "Y1",
    "colour": "green",
    "reports": [{"quarter": 1, "disbursed": 5, "stage": "working"}],
    "contracts": [{"contract_no": "1/2571", "value": 800}],
}
COLUMNS = [
    (table, column.name)
    for table in OF_RECORDS
    for column in db.metadata.tables[table].columns
    if (table, column.name) not in UNPROVEN_COLUMNS
]


@pytest.fixture
def entered(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_project(session, "P1", **FULL)
        make_project(session, "P2")
    return store


def test_untouched_tables_say_what_their_books_say(entered: Store) -> None:
    with entered.reading() as session:
        assert list(compare(session)) == []


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_each_column_that_was_changed_is_named(
    entered: Store, vandal: Callable[[Store], Any], table: str, column: str
) -> None:
    this = table_named(table)
    with vandal(entered) as at_work:
        before = at_work.session.execute(select(this.c[column]).where(this.c.code == "P1")).scalar_one()
        at_work.change(this, {"code": "P1"}, **{column: _other(this.c[column], before)})
        found = [one for one in compare(at_work.session, [table]) if one.table == table]

    if column == "code":
        assert {(one.row, one.column) for one in found} == {("P1", ""), ("X1", "")}
    else:
        assert [(one.row, one.column) for one in found] == [("P1", column)]
        assert found[0].recorded != found[0].found


def _other(column: Any, before: Any) -> Any:
    if isinstance(column.type, Numeric):
        return Decimal(before or 0) + Decimal("0.01")
    if column.name in ("office_id", "province_id"):
        return {"office_id": "NE-U2", "province_id": "TH-39"}[column.name]
    return before + 1 if isinstance(before, int) else "X1"


@pytest.mark.parametrize("table", OF_RECORDS)
def test_a_row_that_went_or_came_is_named(entered: Store, vandal: Callable[[Store], Any], table: str) -> None:
    this = table_named(table)
    with vandal(entered) as at_work:
        row = dict(at_work.session.execute(select(this).where(this.c.code == "P1")).mappings().one())
        at_work.remove(this, {"code": "P2"})
        at_work.add(this, row | {"id": 99, "code": "P3"})
        found = [(one.row, one.recorded, one.found) for one in compare(at_work.session, [table]) if one.table == table]

    assert found == [("P2", "1", ""), ("P3", "", "1")]
