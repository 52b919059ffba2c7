"""States and kinds are the texts that databases, forms and commands have."""

from __future__ import annotations

import json
import sqlite3
from enum import StrEnum

import pytest

from osm_flow.domain.journal import canonical
from osm_flow.domain.kinds import EntryKind, IncidentKind
from osm_flow.domain.people import PositionKind
from osm_flow.domain.states import CaseStatus, ErasureState, ProjectState, WorkItemStatus

EVERY = [
    member
    for group in (CaseStatus, EntryKind, ErasureState, IncidentKind, PositionKind, ProjectState, WorkItemStatus)
    for member in group
]


@pytest.mark.parametrize("member", EVERY)
def test_a_member_is_written_as_its_name(member: StrEnum) -> None:
    text = member.name

    assert f"{member}" == str(member) == member == text
    assert type(str(member)) is str
    assert json.dumps({member: member}) == json.dumps({text: text})
    assert canonical({member: member}) == canonical({text: text})


@pytest.mark.parametrize("member", EVERY)
def test_a_database_keeps_the_text(member: StrEnum) -> None:
    (kept,) = sqlite3.connect(":memory:").execute("SELECT ?", (member,)).fetchone()

    assert type(kept) is str
    assert kept == member.name
