"""What is entered about people, and what may be seen of it."""

from __future__ import annotations

import json
from datetime import date

import pytest

from osm_flow.domain.people import NewPerson, NewPosition, PositionKind, normal_number, plain_name


def test_a_password_is_not_shown_with_the_person() -> None:
    assert "correct horse" not in repr(NewPerson("kanya", "กัญญา", password="correct horse"))


def test_a_position_is_ones_own_post_unless_something_else_is_entered() -> None:
    assert NewPosition("osm_me", "NE-U1", date(2026, 10, 1)).kind == "substantive"


def test_kinds_are_their_texts() -> None:
    assert json.dumps(list(PositionKind)) == '["substantive", "acting", "delegated"]'


@pytest.mark.parametrize(
    ("entered", "number"),
    [
        ("  ปค. ๔๑๐๒ ", "ปค4102"),
        ("ab-12/3", "AB12/3"),
        ("ＡＢ－１２３", "AB123"),
        ("41\u200b02", "4102"),
        ("12", None),
        ("0000", None),
        ("-", None),
        ("ไม่มี", None),
        ("4102; drop", None),
        ("1" + "2" * 32, None),
    ],
)
def test_an_employee_number_has_one_spelling(entered: str, number: str | None) -> None:
    assert normal_number(entered) == number


def test_a_name_is_compared_without_its_title() -> None:
    assert (
        len({plain_name(name) for name in ("นางสาวสมศรี ใจงาม", "น.ส. สมศรี  ใจงาม", "นางสมศรี ใจงาม", "สมศรี ใจงาม")}) == 1
    )
    assert plain_name("นายก") != ""
