"""A kind of record is the text of the journal, wherever it is written."""

from __future__ import annotations

import json
import sqlite3

import pytest

from osm_flow.domain.journal import canonical
from osm_flow.domain.record_kinds import RecordKind


@pytest.mark.parametrize("kind", RecordKind)
def test_a_kind_is_written_like_its_text(kind: RecordKind) -> None:
    text = kind.value

    assert type(text) is str
    assert f"{kind}" == str(kind) == text
    assert json.dumps({kind: kind}) == json.dumps({text: text})
    assert canonical({kind: [kind]}) == canonical({text: [text]})
    # With a letter beyond the first plane another writer is used.
    assert canonical({"\U00010000": kind, kind: "\U00010000"}) == canonical({"\U00010000": text, text: "\U00010000"})


def test_a_database_keeps_the_text_of_a_kind() -> None:
    kind = RecordKind.case_started
    row = sqlite3.connect(":memory:").execute("SELECT ?, typeof(?), ? = 'case.started'", (kind, kind, kind)).fetchone()

    assert row == ("case.started", "text", 1)
    assert type(row[0]) is str


def test_a_text_finds_the_entry_of_its_kind() -> None:
    assert {RecordKind.timer_fired: "yes"}.get("timer.fired") == "yes"


def test_names_follow_texts() -> None:
    assert [kind.name for kind in RecordKind] == [kind.value.replace(".", "_") for kind in RecordKind]
