"""Names that people choose never lead to another page than their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter

from osm_flow.app import connect_rooms, create_app
from osm_flow.operations.ledger import addresses
from osm_flow.operations.ledger.addresses import AddressesNotConnected, is_a_page
from osm_flow.settings import Settings
from osm_flow.store.session import Store

# Parts of addresses that people choose: what creates them asks `is_a_page`.
CHOSEN = {"username", "key"}
# Parts that the product itself makes or lists.
MADE = {"case_id", "office_id", "act", "code", "kind"}


@pytest.fixture
def nobody_connected() -> Iterator[None]:
    before = list(addresses._CONNECTED)
    addresses._CONNECTED.clear()
    yield
    addresses._CONNECTED[:] = before


def test_nobody_says_that_a_name_is_free_before_the_addresses_are_known(nobody_connected: None) -> None:
    with pytest.raises(AddressesNotConnected):
        is_a_page("username", "anan")


@pytest.mark.parametrize(("part", "name"), [("username", "new"), ("key", "proposals")])
def test_what_pages_are_called_is_known(part: str, name: str) -> None:
    connect_rooms()

    assert is_a_page(part, name)
    assert not is_a_page(part, f"{name}2")


def test_every_part_beside_which_a_page_stands_is_asked_for_or_made_by_the_product(sqlite_store: Store) -> None:
    """A new page beside `<something>` is to be judged: who chooses what stands in its place?"""
    app: Flask = create_app(Settings(env="test", secret_key="k" * 40), store=sqlite_store)
    # A number is never the name of a page.
    parts = {
        name
        for rule in app.url_map.iter_rules()
        for name, converter in rule._converters.items()
        if not isinstance(converter, IntegerConverter)
    }
    beside = {part for part in parts if addresses._CONNECTED[0](part)}

    assert beside == CHOSEN | MADE
