"""Every table is compared, held by the checks of chains, or named as unproven; and every column of the compared ones is, too."""

from __future__ import annotations

from collections import Counter

from osm_flow.operations.comparing.coverage import CHAINS, COMPARED, UNPROVEN, UNPROVEN_COLUMNS
from osm_flow.store.database import db


def test_every_table_is_checked_or_named_unproven() -> None:
    named = Counter([*COMPARED, *CHAINS, *UNPROVEN])

    assert set(named) == set(db.metadata.tables)
    assert [name for name, times in named.items() if times > 1] == []


def test_what_is_unproven_says_why_and_is_there() -> None:
    columns = {(table.name, column.name) for table in db.metadata.tables.values() for column in table.columns}

    assert all([*UNPROVEN.values(), *UNPROVEN_COLUMNS.values()])
    assert set(UNPROVEN_COLUMNS) <= columns
    assert {table for table, _ in UNPROVEN_COLUMNS} <= {*COMPARED, *CHAINS}
