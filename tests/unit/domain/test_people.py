"""What is entered about people, and what may be seen of it."""

from __future__ import annotations

import json
from datetime import date

from osm_flow.domain.people import NewPerson, NewPosition, PositionKind


def test_a_password_is_not_shown_with_the_person() -> None:
    assert "correct horse" not in repr(NewPerson("kanya", "กัญญา", password="correct horse"))


def test_a_position_is_ones_own_post_unless_something_else_is_entered() -> None:
    assert NewPosition("osm_me", "NE-U1", date(2026, 10, 1)).kind == "substantive"


def test_kinds_are_their_texts() -> None:
    assert json.dumps(list(PositionKind)) == '["substantive", "acting", "delegated"]'
