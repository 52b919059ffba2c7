"""States and kinds are the texts that databases, forms and commands have."""

from __future__ import annotations

import json
import sqlite3
from enum import StrEnum

import pytest

from osm_flow.domain.journal import canonical
from osm_flow.domain.kinds import EntryKind, IncidentKind, in_both_languages, in_language
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


def test_an_incident_that_is_known_in_both_languages_is_told_in_the_readers() -> None:
    kept = in_both_languages("ทางรวมรออยู่", "the join waits")

    assert in_language("standstill", kept, "th") == "ทางรวมรออยู่"
    assert in_language("standstill", kept, "en") == "the join waits"


def test_other_messages_are_told_as_they_are() -> None:
    assert in_language("engine", "บรรทัด\nline", "en") == "บรรทัด\nline"
    assert in_language("uncaught_error", "the case ended in the error X", "th") == "the case ended in the error X"
