"""All tables are compared, or those that are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import UNREADABLE_ROW, NotCompared, compare
from osm_flow.store.session import Store
from tests.factories import NOW, make_project
from tests.integration.operations.comparing.conftest import table_named


def test_only_the_tables_that_are_asked_for(told: Store, vandal: Callable[[Store], Any]) -> None:
    comments, timers = table_named("comments"), table_named("timers")
    with vandal(told) as at_work:
        at_work.session.execute(comments.update().values(body="x"))
        at_work.session.execute(timers.delete())
        tables = {one.table for one in compare(at_work.session)}
        of_timers = {one.table for one in compare(at_work.session, ["timers"])}

    assert tables - {"(schema)"} == {"comments", "timers"}  # whoever is at work here put the triggers out of the way
    assert of_timers == {"timers"}


def test_what_nothing_proves_cannot_be_asked_for(told: Store) -> None:
    with told.reading() as session, pytest.raises(NotCompared) as refused:
        list(compare(session, ["notifications"]))

    assert "notifications" in str(refused.value)
    assert "comments" in str(refused.value)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("fiscal_calendar", "date", "'zz'"),
        ("timers", "due_at", "'zz'"),
        ("positions", "valid_from", "'zz'"),
        ("people", "name_salt", "7"),
        ("people", "display_name", "x'ff'"),
        ("people", "created_at", "7"),
        ("process_definitions", "forms", "'['"),
        ("process_definitions", "xml", "7"),
        ("projects", "requested", "'zz'"),
        ("projects", "name_th", "x'ff'"),
        ("cases", "started_at", "'zz'"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_row_and_ends_nothing(
    told: Store, vandal: Callable[[Store], Any], table: str, column: str, value: str
) -> None:
    """SQLite keeps anything in any column; whoever forged one value cannot hide it behind another that breaks the comparing."""
    if told.dialect != "sqlite":
        pytest.skip("PostgreSQL refuses such values")
    with told.transaction() as session:
        record_as_found(session, NOW)
        make_project(session, "P1")
        make_project(session, "P2")
    with vandal(told) as at_work:
        forged = at_work.session.execute(text(f"SELECT max(rowid) FROM {table}")).scalar()  # noqa: S608
        at_work.session.execute(text(f"UPDATE {table} SET {column} = {value} WHERE rowid = {forged}"))  # noqa: S608
        at_work.session.execute(text("UPDATE holiday_overrides SET source = 'x'"))
        at_work.session.execute(table_named("projects").update().where(text("code = 'P1'")).values(name_th="x"))
        at_work.session.expire_all()
        found = list(compare(at_work.session))

    assert [one for one in found if one.row == UNREADABLE_ROW] == []
    assert any(one.table == table for one in found)
    assert ("projects", "P1", "name_th") in {(one.table, one.row, one.column) for one in found}
