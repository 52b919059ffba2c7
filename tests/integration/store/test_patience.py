"""All waits of one request have one limit, whatever it waits for: another transaction, its turn, a connection."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from osm_flow.store.patience import has_given_up, left, waiting_at_most, waiting_since
from osm_flow.store.session import Busy, Limits, Store
from tests.factories import make_office, make_person

SLACK = 0.8


@contextmanager
def impatient(store: Store, lock: int) -> Iterator[Store]:
    """The same database for somebody who waits for so many seconds."""
    other = Store(store.url.render_as_string(hide_password=False), Limits(lock=lock))
    try:
        yield other
    finally:
        other.close()


def rename_people(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("UPDATE people SET locale = locale"))


def lock_people(store: Store) -> ExitStack:
    """Hold the people of a database until the stack is closed."""
    held = ExitStack()
    session = held.enter_context(store.transaction())
    session.execute(text("UPDATE people SET locale = locale"))
    return held


@pytest.fixture
def peopled(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "somsri", "admin")
    return store


def test_what_is_left_counts_from_the_arrival() -> None:
    assert left(10) == 10
    with waiting_since(monotonic() - 4):
        assert 5.5 < left(10) <= 6
        assert left(3) == 0
        with waiting_at_most(1):
            assert 0.5 < left(10) <= 1
            assert left(0.2) <= 0.2
        assert left(10) > 5
    with waiting_since(monotonic(), has_given_up=True):
        assert has_given_up()
    assert not has_given_up()
    assert left(10) == 10


def test_a_request_that_waited_elsewhere_waits_for_the_rest_only(peopled: Store) -> None:
    with impatient(peopled, 4) as other, lock_people(peopled):
        begun = monotonic()
        with waiting_since(begun - 3), pytest.raises(Busy):
            rename_people(other)
        assert 0.7 < monotonic() - begun < 1 + SLACK


def test_several_waits_of_one_request_have_one_limit_together(peopled: Store) -> None:
    with impatient(peopled, 2) as other, lock_people(peopled):
        begun = monotonic()
        with waiting_since(begun):
            for _ in range(3):
                with pytest.raises(Busy):
                    rename_people(other)
        assert 1.7 < monotonic() - begun < 2 + SLACK


def wait_twice(store: Store) -> None:
    with store.transaction() as session:
        with suppress(LookupError), session.begin_nested():
            session.execute(text("SELECT pg_advisory_xact_lock(77)"))
            raise LookupError  # going back to the savepoint undoes what was told within it
        with suppress(SQLAlchemyError), session.begin_nested():
            session.execute(text("SELECT 1 / 0"))
        session.execute(text("SELECT 1 FROM offices"))


def test_two_waits_in_one_transaction_have_one_limit_together(new_postgresql: Callable[[], Store]) -> None:
    store = new_postgresql()
    with impatient(store, 2) as other, store.engine.connect() as first, lock_people(store):
        first.execute(text("SELECT pg_advisory_lock(77)"))
        release = threading.Timer(1.4, lambda: first.execute(text("SELECT pg_advisory_unlock(77)")))
        with store.engine.connect() as second:
            second.execute(text("LOCK TABLE offices IN ACCESS EXCLUSIVE MODE"))
            begun = monotonic()
            release.start()
            with waiting_since(begun), pytest.raises(Busy):
                wait_twice(other)
            assert 1.7 < monotonic() - begun < 2 + SLACK
        release.join()


def test_what_is_free_is_had_however_late_it_is(peopled: Store) -> None:
    with impatient(peopled, 1) as other:
        with waiting_since(monotonic() - 60):
            rename_people(other)
        held = lock_people(peopled)
        held.close()
        rename_people(other)


def test_whoever_gave_up_before_asks_the_database_nothing(peopled: Store) -> None:
    with waiting_since(monotonic() - 60, has_given_up=True):
        for opened in (peopled.transaction, peopled.reading):
            with pytest.raises(Busy), opened():
                pass


def test_the_wait_for_a_connection_counts_as_well(peopled: Store) -> None:
    with impatient(peopled, 4) as other, ExitStack() as readers:
        pool = other._reading.pool
        most = 30 if peopled.dialect == "postgresql" else 15
        for _ in range(most):
            readers.enter_context(other.reading()).execute(text("SELECT 1"))
        begun = monotonic()
        with waiting_since(begun - 3), pytest.raises(Busy), other.reading() as session:
            session.execute(text("SELECT 1"))
        assert 0.7 < monotonic() - begun < 1 + SLACK
        with waiting_since(begun - 3):
            fresh = pool.recreate()
        assert fresh._limit == 4  # type: ignore[attr-defined]
