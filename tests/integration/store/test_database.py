"""Instants in the database: one spelling that sorts as time does, on both databases, and nothing that is not one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from osm_flow.store.database import Instant, instant_text
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.factories import NOW

BANGKOK = timezone(timedelta(hours=7))


def an_instant(microseconds: int, minutes: int) -> datetime:
    """So long after (or before) the day of the tests, on a clock with this offset."""
    return (NOW + timedelta(microseconds=microseconds)).astimezone(timezone(timedelta(minutes=minutes)))


INSTANTS = st.builds(an_instant, st.integers(-(10**15), 10**16), st.integers(-12 * 60, 14 * 60))


def a_person(username: str, at: datetime) -> Person:
    return Person(username=username, display_name=username, created_at=at)


def test_an_instant_has_one_spelling_wherever_it_was_read() -> None:
    assert instant_text(datetime(2026, 11, 20, 9, 0, 0, 7, BANGKOK)) == "2026-11-20T02:00:00.000007Z"
    assert instant_text(NOW) == "2026-11-20T02:00:00.000000Z"


def test_a_clock_without_an_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        instant_text(datetime(2026, 11, 20, 9, 0))  # noqa: DTZ001 (that is what is refused)


@given(INSTANTS)
def test_every_instant_comes_back_as_it_was_kept(instant: datetime) -> None:
    kept = instant_text(instant)

    assert len(kept) == 27
    assert Instant().process_result_value(kept, None) == instant  # type: ignore[arg-type]


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_instants_do(one: datetime, other: datetime) -> None:
    assert (instant_text(one) < instant_text(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


def test_a_column_compares_and_sorts_by_time(session: Session) -> None:
    tenth = timedelta(microseconds=100_000)
    for username, at in (("late", NOW + tenth), ("early", NOW - tenth), ("now", NOW.astimezone(BANGKOK))):
        session.add(a_person(username, at))
    session.flush()
    session.expire_all()

    by_time = select(Person.username).order_by(Person.created_at)
    assert session.scalars(by_time).all() == ["early", "now", "late"]
    assert session.scalars(by_time.where(Person.created_at > NOW)).all() == ["late"]
    assert session.scalars(by_time.where(Person.created_at == NOW)).all() == ["now"]
    found = session.scalars(select(Person.created_at).where(Person.username == "now")).one()
    assert (found, found.tzinfo) == (NOW, UTC)


def test_a_column_refuses_a_clock_without_an_offset(store: Store) -> None:
    naive = a_person("naive", datetime(2026, 11, 20))  # noqa: DTZ001 (that is what is refused)

    with pytest.raises(StatementError, match="offset"), store.transaction() as session:
        session.add(naive)


@pytest.mark.parametrize("forged", ["2026-11-20T02:00:00Z", "2026-11-20T09:00:00.000000+07:00", "2026-11-20", "never"])
def test_what_somebody_else_wrote_there_is_not_taken_for_an_instant(sqlite_store: Store, forged: str) -> None:
    with sqlite_store.transaction() as session:
        session.add(a_person("somsri", NOW))
        session.flush()
        session.execute(text("UPDATE people SET created_at = :forged"), {"forged": forged})

    with sqlite_store.reading() as session, pytest.raises(ValueError, match=r"instant|isoformat"):
        session.scalars(select(Person.created_at)).all()


def test_no_instant_stays_none(session: Session) -> None:
    session.add(a_person("somsri", NOW))
    session.flush()
    session.expire_all()

    assert session.scalars(select(Person.locked_at)).all() == [None]
