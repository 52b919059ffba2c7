"""What people call the variables that no form asks for."""

from __future__ import annotations

from osm_flow.catalogues import catalogue
from osm_flow.web.parts.variable_names import NAMES, VALUES


def test_every_name_is_said_in_english_too() -> None:
    assert {*NAMES.values(), *VALUES.values()} - set(catalogue("en").single) == set()


def test_names_are_words_and_the_variables_every_case_starts_with_have_one() -> None:
    assert [key for key, words in NAMES.items() if words == key or words != words.strip() or not words] == []
    assert {"fy", "office", "provinces", "started_by"} <= NAMES.keys()
