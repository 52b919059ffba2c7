"""Whether an installation can work, as its database tells; the rest is asked through the site."""

from __future__ import annotations

from datetime import timedelta

from osm_flow.operations.readiness import note_tick, readiness
from osm_flow.store.session import Store
from osm_flow.store.upgrade import newest_revision
from tests.factories import NOW
from tests.together import at_once


def test_schedulers_note_their_ticks_at_the_same_moment(store: Store) -> None:
    def note(owner: str) -> None:
        for second in range(5):
            with store.transaction() as session:
                note_tick(session, owner, NOW + timedelta(seconds=second))

    at_once(*[lambda owner=owner: note(owner) for owner in ("a", "a", "b", "c")])

    found = readiness(store, NOW)
    assert (found.is_ready, found.tables, found.is_late) == (True, newest_revision(), False)
    assert found.last_tick == NOW + timedelta(seconds=4)
