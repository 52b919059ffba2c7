"""Whom a work item is kept apart from, worked out of what was completed around it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from osm_flow.domain.access.separation import Done, elements_of, kept_apart

NOON = datetime(2026, 11, 20, 5, tzinfo=UTC)
BEFORE, AFTER = NOON - timedelta(hours=1), NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "names"), [(None, ()), ("", ()), (" ", ()), ("a", ("a",)), (" a , b,", ("a", "b")), ("a,,b", ("a", "b"))]
)
def test_elements_are_read_with_blanks_around_them(text: str | None, names: tuple[str, ...]) -> None:
    assert elements_of(text) == names


def test_everybody_who_had_a_hand_in_a_named_element_is_kept_apart() -> None:
    done = [
        Done("draft", frozenset({1, 2}), closed_at=BEFORE),
        Done("draft", frozenset({3})),
        Done("other", frozenset({4})),
    ]

    assert kept_apart("check", ["draft"], NOON, done) == {"draft": frozenset({1, 2, 3})}


def test_a_check_counts_for_what_was_open_when_it_was_done_and_not_for_a_later_round() -> None:
    def checked(closed_at: datetime) -> list[Done]:
        return [Done("check", frozenset({1}), ("draft",), closed_at)]

    assert kept_apart("draft", (), NOON, checked(AFTER)) == {"check": frozenset({1})}
    assert kept_apart("draft", (), NOON, checked(NOON)) == {"check": frozenset({1})}
    assert kept_apart("draft", (), NOON, checked(BEFORE)) == {}
    assert kept_apart("other", (), NOON, checked(AFTER)) == {}
