"""The reason that somebody has to give for an act."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import osm_flow
from osm_flow.domain.forms.scope import is_given
from osm_flow.domain.search import says_nothing, visible
from osm_flow.operations.reasons import ReasonMissing, said

NOTHING = [
    "",
    " ",
    "\n\t",
    "\u200b",
    "\u2800",
    "\u00ad",
    "\u3164",
    "\ufeff",
    "\u202e",
    "\u2060\u00a0",
    "\u115f",
    "\ufe0f",
    "\u0e48",
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_nobody_sees_is_no_reason_no_answer_and_no_name(text: str) -> None:
    assert says_nothing(text)
    assert not is_given(text)
    with pytest.raises(ReasonMissing):
        said(text)


@pytest.mark.parametrize("text", ["ก", "-", "๑", "เ", "✓", " x\u200b"])
def test_a_single_sign_says_something(text: str) -> None:
    assert said(text) == text.strip()


def test_a_name_keeps_no_sign_that_turns_letters_round() -> None:
    assert visible("แผน\u202eปี\u2800 2571\u200f") == "แผนปี 2571"


@pytest.mark.parametrize("sign", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_no_sign_that_turns_letters_round_is_kept_and_every_other_one_is(sign: str) -> None:
    assert said(f"{sign} ตาม{sign}คำสั่ง\u200bที่ 5\n- ก{sign}") == "ตามคำสั่ง\u200bที่ 5\n- ก"


def test_spaces_around_a_reason_are_left_out() -> None:
    assert said("  คำขอของ เจ้าของข้อมูล\n") == "คำขอของ เจ้าของข้อมูล"


@pytest.mark.parametrize("nothing", ["", " ", "\n\t"])
def test_spaces_are_no_reason_and_the_field_says_so(nothing: str) -> None:
    with pytest.raises(ReasonMissing) as refusal:
        said(nothing)

    assert refusal.value.fields == {"reason": "Say why."}


def test_nobody_judges_a_reason_by_its_blanks() -> None:
    """`not reason.strip()` takes a reason of invisible signs for one: `said` and `says_nothing` do not."""
    blank = re.compile(r"(?:not|if|and|or) \w*\.?(?:reason|body|note|title|letter|source|display_name)\.strip\(\)")
    package = Path(osm_flow.__file__).parent
    found = [path.name for path in package.rglob("*.py") if blank.search(path.read_text(encoding="utf-8"))]
    assert found == []
