"""docs/access.md says what the policy does."""

from __future__ import annotations

from osm_flow.domain.access.policy import SYSTEM_VERBS, Verb
from tests import access_addresses
from tests.access_matrix import DOCUMENT, matrix, written


def test_the_table_is_the_one_that_the_policy_gives() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")

    assert matrix() in document, "write it anew: python -m tests.access_matrix"
    assert written(document) == document


def test_every_verb_has_its_line_and_a_verb_of_the_system_is_no_offices() -> None:
    lines = [line.split(" | ") for line in matrix().splitlines()[2:]]

    assert [line[0].strip("| `") for line in lines] == sorted(Verb)
    assert {line[0].strip("| `") for line in lines if line[1] == "the system"} == {str(verb) for verb in SYSTEM_VERBS}
    assert all(line[2] == "–" for line in lines if line[1] == "the system")


def test_the_addresses_are_those_of_the_site() -> None:
    site, document = access_addresses.site(), DOCUMENT.read_text(encoding="utf-8")

    assert access_addresses.addresses(site) in document, "write them anew: python -m tests.access_addresses"
    assert access_addresses.written(document, site) == document
    assert set(access_addresses.ASKED) <= set(site.view_functions)
    assert {verb for verb, _ in access_addresses.ASKED.values()} <= set(Verb)
