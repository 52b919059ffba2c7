"""docs/data.md gives every table of the database a level, and every level its rules."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from osm_flow.store.database import db

TEXT = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of each row of the table that begins with this heading."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def test_every_table_has_one_level() -> None:
    named = Counter(name for row in rows("Level | What is in it") for name in re.findall(r"`(\w+)`", row[2]))

    assert set(named) == set(db.metadata.tables)
    assert [name for name, times in named.items() if times > 1] == []


def test_every_level_has_its_rules() -> None:
    levels = [row[0] for row in rows("Level | What is in it")]

    assert len(levels) > 4
    assert [row[0] for row in rows("Level | Read by")] == levels
    assert all(len(row) == 6 and all(row) for row in rows("Level | Read by"))
