"""What a server that is about to serve leaves to the collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from osm_flow import serving


class Link:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_what_is_there_is_looked_at_no_more_and_what_comes_later_is() -> None:
    before = gc.get_freeze_count()
    serving.keep_for_good()
    assert gc.get_freeze_count() > before + 1_000

    links = [Link() for _ in range(50)]
    del links
    assert gc.collect() >= 50
