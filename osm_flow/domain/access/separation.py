"""Separation of duties: which people a work item is kept apart from, given what was completed around it.

A diagram says of a check from which elements it is separate. It counts both ways: who completed the check while the
other element was still open may not complete that one afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

# Written in a diagram instead of an element: whoever started the case.
STARTED_BY = "started_by"


@dataclass(frozen=True)
class Done:
    """A completed work item: of which element, by which people, separate from which elements, since when.

    people  who did it and in whose place they did it, by their ids: both had a hand in it.
    since   when it was opened: who gives a post from then on may choose who checks it.
    """

    element: str
    people: frozenset[int]
    separate_from: tuple[str, ...] = ()
    closed_at: datetime | None = None
    since: datetime | None = None


def elements_of(separate_from: str | None) -> tuple[str, ...]:
    """The elements in the comma list that a diagram has."""
    return tuple(name.strip() for name in (separate_from or "").split(",") if name.strip())


def kept_apart(
    element: str, separate_from: Iterable[str], opened_at: datetime, done: Iterable[Done]
) -> Mapping[str, frozenset[int]]:
    """The people who may not complete a work item of this element, by the element that they completed.

    opened_at  since when the work item is open: a check that was completed before belongs to an earlier round.
    """
    people: dict[str, set[int]] = defaultdict(set)
    for one in counting(element, separate_from, opened_at, done):
        people[one.element] |= one.people
    return {name: frozenset(those) for name, those in people.items()}


def counting(element: str, separate_from: Iterable[str], opened_at: datetime, done: Iterable[Done]) -> Iterator[Done]:
    """What was completed and keeps people apart from a work item of this element that is open since then."""
    wanted = frozenset(separate_from)
    for one in done:
        was_open = one.closed_at is not None and one.closed_at >= opened_at
        if one.element in wanted or (element in one.separate_from and was_open):
            yield one
