"""The store commits once at the end of a transaction, and nothing after an error."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from osm_flow.errors import Refused
from osm_flow.logs import JsonLines, PlainLines
from osm_flow.operations.cases.incidents import words_of
from osm_flow.store.models import Office, WorkItem
from osm_flow.store.session import CaseNotFound, Limits, Overtaken, Store, lock_case
from tests.factories import deploy_tests, items_of, make_case, make_office


def test_a_transaction_commits_once_at_its_end(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)

    with store.reading() as session:
        assert session.scalars(select(Office.id)).all() == ["NE-U1"]


def test_an_error_rolls_everything_back(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as session:
            make_office(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    with store.reading() as session:
        assert session.scalars(select(Office.id)).all() == []


def test_a_reading_session_cannot_write(store: Store) -> None:
    with store.reading() as session:
        session.add(Office(id="X", name_th="x", name_en="x", region_th="x", region_en="x"))
        with pytest.raises(DBAPIError, match=r"read.?only"):
            session.flush()


def test_a_reading_session_sees_one_moment(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
    with store.reading() as reader:
        before = reader.scalars(select(Office.name_th)).all()
        with store.transaction() as session:
            session.execute(update(Office).values(name_th="ใหม่"))

        assert reader.scalars(select(Office.name_th)).all() == before


def test_sqlite_is_durable_and_patient(sqlite_store: Store) -> None:
    with sqlite_store.reading() as session:
        settings = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 10_000, "foreign_keys": 1}


def test_postgresql_keeps_nobody_waiting_for_ever(new_postgresql: Callable[[], Store]) -> None:
    url = new_postgresql().url.update_query_dict({"options": "-c lock_timeout=7000"})
    store = Store(url.render_as_string(hide_password=False), Limits(lock=1, statement=2, idle=3))
    for opened in (store.transaction, store.reading):
        with opened() as session:
            waits = [
                session.execute(text(f"SHOW {name}")).scalar()
                for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            ]
        assert waits == ["7s", "2s", "3s"]  # what the address says itself stays
    store.close()


def test_a_plain_postgresql_url_uses_psycopg() -> None:
    store = Store("postgresql://osm@localhost/osm")

    assert store.url.drivername == "postgresql+psycopg"


def test_two_writers_of_one_work_item_cannot_both_win(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        item_id = items_of(session, make_case(session))[0].id
    with store.reading() as reader:
        stale = reader.get_one(WorkItem, item_id)
    with store.transaction() as session:
        session.get_one(WorkItem, item_id).priority = 60

    def write() -> None:
        with store.transaction() as session:
            session.add(stale)
            stale.priority = 70

    with pytest.raises(Overtaken):
        write()


def test_a_locked_case_lets_the_second_wait_for_the_first(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        case_id = make_case(session).id
    order: list[str] = []
    holds, asked = threading.Event(), threading.Event()

    def second() -> None:
        holds.wait(30)
        asked.set()
        with store.transaction() as session:
            lock_case(session, case_id)
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.transaction() as session:
        lock_case(session, case_id)
        holds.set()
        asked.wait(30)
        thread.join(0.3)
        order.append("first")
    thread.join(30)

    assert not thread.is_alive()
    assert order == ["first", "second"]


def test_an_unknown_case_cannot_be_locked(store: Store) -> None:
    with pytest.raises(CaseNotFound), store.transaction() as session:
        lock_case(session, "00000000-0000-0000-0000-000000000000")


TYPED = "กขค-Wan-\n-Somsri"
FAULTS = {
    "lacks something": "INSERT INTO offices (id, name_th) VALUES ('X', :typed)",
    "is there already": "INSERT INTO offices (id, name_th, name_en, region_th, region_en) VALUES (:typed, :typed, '', '', '')",
    "belongs to nothing": "INSERT INTO provinces (id, office_id, name_th, name_en, abbr_th, is_centre) "
    "VALUES ('TH-99', :typed, :typed, '', '', false)",
    "is no statement": "INSERT INTO nowhere VALUES (:typed)",
    "is no number": "UPDATE people SET session_epoch = CAST(:typed AS integer) / 0 WHERE display_name = :typed",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("lines", [JsonLines(), PlainLines()])
def test_no_error_of_the_database_tells_what_somebody_typed(store: Store, fault: str, lines: logging.Formatter) -> None:
    """Neither in the log nor in the words of an incident."""
    values = {"typed": TYPED[:8] if "already" in fault or "belongs" in fault else TYPED}
    caught: list[Exception] = []
    for _ in range(2):
        try:
            with store.transaction() as session:
                session.execute(text(FAULTS[fault]), values)
        except (DBAPIError, Refused) as error:
            caught.append(error)
    assert caught or (fault, store.dialect) == ("is no number", "sqlite")  # which reads any text as a number
    for error in caught:
        line = logging.LogRecord(
            "x", 40, "x", 1, "%s", (error.__cause__ or error,), (type(error), error, error.__traceback__)
        )
        for told in (lines.format(line), words_of(error), words_of(str(error.__cause__))):
            assert [part for part in ("กขค", "Wan", "Somsri", "\\u0e01") if part in told] == []


def test_a_session_is_of_no_use_after_its_end_and_holds_up_nobody(store: Store) -> None:
    """One that began anew by being used would keep the only writer of SQLite until it is forgotten."""
    with store.transaction() as written:
        written.scalars(select(Office)).all()
    with store.reading() as read:
        read.scalars(select(Office)).all()

    for ended in (written, read):
        with pytest.raises(InvalidRequestError):
            ended.scalars(select(Office)).all()
    with store.transaction() as session:
        make_office(session)
