"""A page of a list."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from osm_flow.domain.pages import Page


def test_a_page_tells_its_items_what_follows_and_how_many_there_are_in_all() -> None:
    page = Page(["a", "b"], "b", 5)

    assert (page.items, page.next, page.total) == (["a", "b"], "b", 5)
    assert page == Page(["a", "b"], "b", 5)
    assert page != Page(["a", "b"], None, 5)


def test_a_page_is_not_turned_into_another() -> None:
    page = Page[str]([], None, 0)
    with pytest.raises(FrozenInstanceError):
        page.next = "a"  # type: ignore[misc]
