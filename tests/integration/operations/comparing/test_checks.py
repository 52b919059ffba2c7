"""All tables are compared, or those that are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

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
