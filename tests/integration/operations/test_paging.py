"""Lists paged by key: every item once, whatever is inserted, deleted or made up meanwhile."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from osm_flow.operations.paging import MOST, Keyset, PageKeyUnreadable, newest_first, within
from osm_flow.store.models import IdempotencyKey, Person
from tests.factories import NOW, later

BY_NAME = Keyset((Person.username, False, False))
# Some have no address: those come last in either direction.
BY_EMAIL = Keyset((Person.email, False, True), (Person.id, False, False))
BY_EMAIL_DOWN = Keyset((Person.email, True, True), (Person.id, True, False))


def people(session: Session, *emails: str | None) -> None:
    for number, email in enumerate(emails):
        session.add(Person(username=f"p{number:03d}", display_name="x", email=email, created_at=NOW))
    session.flush()


def pages(session: Session, keyset: Keyset, values: Any, limit: int) -> list[list[str]]:
    """The user names of every page."""
    found, after = [], None
    while True:
        items, after = keyset.page(session, select(Person), values, after, limit)
        found.append([person.username for person in items])
        if after is None:
            return found


@pytest.mark.parametrize(("count", "limit", "sizes"), [(0, 3, [0]), (3, 3, [3]), (4, 3, [3, 1]), (7, 3, [3, 3, 1])])
def test_the_last_page_has_no_following_one(session: Session, count: int, limit: int, sizes: list[int]) -> None:
    people(session, *[None] * count)

    found = pages(session, BY_NAME, lambda person: [person.username], limit)

    assert [len(page) for page in found] == sizes
    assert [name for page in found for name in page] == [f"p{number:03d}" for number in range(count)]


@pytest.mark.parametrize(("keyset", "order"), [(BY_EMAIL, [2, 0, 4, 1, 3]), (BY_EMAIL_DOWN, [4, 0, 2, 3, 1])])
def test_what_has_no_value_comes_last_in_either_direction(session: Session, keyset: Keyset, order: list[int]) -> None:
    people(session, "b", None, "a", None, "b")

    found = pages(session, keyset, lambda person: [person.email, person.id], 2)

    assert [name for page in found for name in page] == [f"p00{number}" for number in order]


@pytest.mark.parametrize(
    "key",
    [f"[{2**31}]", f"[{-(2**63)}]", "[" + "9" * 4000 + "]", "[" * 20_000, '["a"]', "[true]", "[1e999]", "[NaN]"],
)
def test_a_number_beyond_those_of_databases_is_no_page(session: Session, key: str) -> None:
    keyset, text = Keyset((Person.id, True, False)), base64.urlsafe_b64encode(key.encode()).decode()

    with pytest.raises(PageKeyUnreadable):
        keyset.page(session, select(Person), lambda person: [person.id], text, 3)


@pytest.mark.parametrize("key", ['["\\ud800"]', '["a\\u0000"]', "[1]", "[null]"])
def test_what_is_no_text_is_no_page(session: Session, key: str) -> None:
    with pytest.raises(PageKeyUnreadable):
        BY_NAME.page(session, select(Person), lambda person: [], base64.urlsafe_b64encode(key.encode()).decode(), 3)


def test_what_is_added_or_deleted_meanwhile_shifts_nothing(session: Session) -> None:
    people(session, *[None] * 6)
    first, after = BY_NAME.page(session, select(Person), lambda person: [person.username], None, 3)
    session.add(Person(username="p000a", display_name="x", created_at=NOW))
    session.execute(delete(Person).where(Person.username == "p002"))

    second, _ = BY_NAME.page(session, select(Person), lambda person: [person.username], after, 3)

    assert [person.username for person in (*first, *second)] == [f"p{number:03d}" for number in range(6)]


@pytest.mark.parametrize(("limit", "shown"), [(-1, 1), (0, 1), (1, 1), (MOST + 1, MOST)])
def test_a_page_is_never_empty_nor_endless(session: Session, limit: int, shown: int) -> None:
    people(session, *[None] * (MOST + 2))

    items, after = BY_NAME.page(session, select(Person), lambda person: [person.username], None, limit)

    assert (len(items), after is not None) == (shown, True)


@given(st.lists(st.one_of(st.text(max_size=9), st.integers(), st.none()), min_size=1, max_size=3))
def test_a_key_goes_into_an_address_and_says_nothing_of_an_order(values: list[Any]) -> None:
    key = BY_NAME.key_of(values)

    assert key.replace("-", "").replace("_", "").isalnum()
    assert key.isascii()


@pytest.mark.parametrize("values", [[], ["a", "b"], [1], [None], ["a\0"], [True], [["a"]], [{"a": 1}], [1.5]])
def test_a_key_of_another_list_is_refused(values: list[Any]) -> None:
    with pytest.raises(PageKeyUnreadable):
        BY_NAME.after(BY_NAME.key_of(values))


@pytest.mark.parametrize("key", ["x", "💥", "....", "bm8ganNvbg", "eyJhIjoxfQ", "/etc/passwd"])
def test_a_key_that_nobody_gave_out_is_refused(key: str) -> None:
    with pytest.raises(PageKeyUnreadable):
        BY_NAME.after(key)


def test_newest_first_counts_all_of_them_on_every_page(session: Session) -> None:
    people(session, *[None] * 5)
    wanted = select(Person).where(Person.username != "p004")

    first = newest_first(session, wanted, Person.id, None, 3)
    second = newest_first(session, wanted, Person.id, first.next, 3)

    assert [person.username for person in first.items] == ["p003", "p002", "p001"]
    assert ([person.username for person in second.items], second.next) == (["p000"], None)
    assert (first.total, second.total) == (4, 4)


def test_a_period_takes_its_first_instant_and_leaves_its_last(session: Session) -> None:
    for minute in range(4):
        session.add(IdempotencyKey(key=str(minute), at=later(minute), subject="", actor=""))
    session.flush()

    def keys(*period: Any) -> list[str]:
        wanted = within(select(IdempotencyKey).order_by(IdempotencyKey.key), IdempotencyKey.at, *period)
        return [row.key for row in session.scalars(wanted)]

    assert keys(later(1), later(3)) == ["1", "2"]
    assert (keys(None, later(1)), keys(later(3), None)) == (["0"], ["3"])
    assert keys(None, None) == ["0", "1", "2", "3"]
    assert keys(later(2), later(2) - timedelta(seconds=1)) == []
