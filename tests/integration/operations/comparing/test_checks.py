"""All tables are compared, or those that are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from osm_flow.operations.comparing.checks import NotCompared, compare
from osm_flow.store.session import Store
from tests.integration.operations.comparing.conftest import table_named


def test_only_the_tables_that_are_asked_for(told: Store, vandal: Callable[[Store], Any]) -> None:
    comments, timers = table_named("comments"), table_named("timers")
    with vandal(told) as at_work:
        at_work.session.execute(comments.update().values(body="x"))
        at_work.session.execute(timers.delete())
        tables = {one.table for one in compare(at_work.session)}
        of_timers = {one.table for one in compare(at_work.session, ["timers"])}

    assert tables - {"(triggers)"} == {"comments", "timers"}  # whoever is at work here put the triggers out of the way
    assert of_timers == {"timers"}


def test_what_nothing_proves_cannot_be_asked_for(told: Store) -> None:
    with told.reading() as session, pytest.raises(NotCompared) as refused:
        list(compare(session, ["notifications"]))

    assert "notifications" in str(refused.value)
    assert "comments" in str(refused.value)


@pytest.mark.parametrize(
    ("table", "column"), [("fiscal_calendar", "date"), ("timers", "due_at"), ("positions", "valid_from")]
)
def test_what_cannot_be_read_is_named_and_ends_nothing(
    told: Store, vandal: Callable[[Store], Any], table: str, column: str
) -> None:
    """SQLite keeps anything in any column; whoever forged one value cannot hide it behind another that breaks the comparing."""
    if told.dialect != "sqlite":
        pytest.skip("PostgreSQL refuses such values")
    with vandal(told) as at_work:
        at_work.session.execute(text(f"UPDATE {table} SET {column} = 'zz'"))  # noqa: S608
        at_work.session.execute(table_named("comments").update().values(body="x"))
        at_work.session.expire_all()
        found = list(compare(at_work.session))

    assert any(table in one.table for one in found)
    assert "comments" in {one.table for one in found} or any(
        one.row == "?" and "comments" in one.table for one in found
    )
