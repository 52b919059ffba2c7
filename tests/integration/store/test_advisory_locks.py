"""An act under an advisory lock waits for the one that holds it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.session import Store


def test_no_number_is_used_twice() -> None:
    assert len({int(lock) for lock in AdvisoryLock.__members__.values()}) == len(AdvisoryLock.__members__)


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_the_second_waits_for_the_end_of_the_first(store: Store, end: str) -> None:
    order: list[str] = []
    holds, asked = threading.Event(), threading.Event()

    def second() -> None:
        holds.wait(30)
        asked.set()
        with store.transaction() as session:
            take(session, AdvisoryLock.deployments)
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.transaction() as session:
        take(session, AdvisoryLock.deployments)
        holds.set()
        asked.wait(30)
        thread.join(0.3)
        order.append("first")
        getattr(session, end)()
    thread.join(30)

    assert not thread.is_alive()
    assert order == ["first", "second"]


def test_two_locks_do_not_wait_for_each_other(new_postgresql: Callable[[], Store]) -> None:
    store = new_postgresql()
    with store.transaction() as first, store.transaction() as second:
        take(first, AdvisoryLock.deployments)
        take(second, AdvisoryLock.administration)


def test_a_connection_can_take_one_too(store: Store) -> None:
    with store.engine.begin() as connection:
        take(connection, AdvisoryLock.upgrade)
