"""Errors of real databases that are busy, away, full or read-only become refusals; mistakes of the program stay errors."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from sqlalchemy import event, insert, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from osm_flow.store.inserts import insert_once
from osm_flow.store.models import IdempotencyKey, Office
from osm_flow.store.session import Busy, Collided, Limits, OutcomeUnknown, Store, Unreachable
from tests.factories import NOW, make_office

SHORT = Limits(lock=1, statement=1, idle=1, connect=1)


@pytest.fixture
def postgresql(new_postgresql: Callable[[], Store]) -> Store:
    return new_postgresql()


@contextmanager
def again(store: Store, limits: Limits = SHORT) -> Iterator[Store]:
    """The same database, with less patience."""
    other = Store(store.url.render_as_string(hide_password=False), limits)
    yield other
    other.close()


def rename(session: Session) -> None:
    session.execute(text("UPDATE offices SET name_th = 'ใหม่' WHERE id = 'NE-U1'"))


def end_connection(store: Store, session: Session) -> None:
    """End the connection of the session from outside, as a restart of the server does."""
    pid = session.scalar(text("SELECT pg_backend_pid()"))
    with store.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


# ---- waiting ---------------------------------------------------------------------------------------------------


def test_nobody_waits_for_ever_for_what_another_holds(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
    with again(store) as impatient, store.transaction() as holder:
        rename(holder)
        begun = time.monotonic()
        with pytest.raises(Busy), impatient.transaction() as session:
            rename(session)

        assert 0.5 < time.monotonic() - begun < 8


def test_nobody_waits_for_ever_for_an_answer(postgresql: Store) -> None:
    with again(postgresql) as impatient:
        for opened in (impatient.transaction, impatient.reading):
            with pytest.raises(Busy), opened() as session:
                session.execute(text("SELECT pg_sleep(30)"))


def test_a_paused_writer_gives_back_what_it_held(postgresql: Store) -> None:
    with postgresql.transaction() as session:
        make_office(session)
    with again(postgresql) as paused:

        def stand_still() -> None:
            with paused.transaction() as holder:
                rename(holder)
                with postgresql.transaction() as session:  # waits until the holder has stood still for too long
                    rename(session)
                rename(holder)

        with pytest.raises(Unreachable):
            stand_still()
        with paused.transaction() as session:
            rename(session)


def test_no_more_connections_than_the_pool_has_is_busy(postgresql: Store) -> None:
    with again(postgresql, Limits(lock=1)) as small, ExitStack() as readers:
        for _ in range(30):
            readers.enter_context(small.reading()).execute(text("SELECT 1"))

        with pytest.raises(Busy), small.reading() as another:
            another.execute(text("SELECT 1"))


# ---- away ------------------------------------------------------------------------------------------------------


def test_a_server_that_is_stopped_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = Store(f"postgresql://osm@127.0.0.1:{taken.getsockname()[1]}/osm", SHORT)
        for opened in (store.transaction, store.reading):
            with pytest.raises(Unreachable), opened() as session:
                session.execute(text("SELECT 1"))


def test_a_connection_that_ends_before_the_commit_changes_nothing(postgresql: Store) -> None:
    def act() -> None:
        with postgresql.transaction() as session:
            make_office(session)
            end_connection(postgresql, session)
            session.execute(text("SELECT 1"))

    with pytest.raises(Unreachable):
        act()
    with postgresql.reading() as session:
        assert session.query(Office).count() == 0


def at_a_statement(session: Session) -> None:
    session.execute(text("SELECT 1"))


def at_many_rows(session: Session) -> None:
    rows = [
        {"id": f"X{number}", "name_th": "x", "name_en": "x", "region_th": "x", "region_en": "x"} for number in (1, 2)
    ]
    session.connection().execute(insert(Office.__table__), rows)  # type: ignore[arg-type]


def at_many_changes(session: Session) -> None:
    names = [{"of": f"X{number}"} for number in range(50)]
    session.connection().execute(text("UPDATE offices SET name_th = 'x' WHERE id = :of"), names)


def at_an_insert_once(session: Session) -> None:
    insert_once(session, IdempotencyKey, key="k", at=NOW, subject="s", actor="a")


def at_a_flush(session: Session) -> None:
    make_office(session)
    session.flush()


def at_a_savepoint(session: Session) -> None:
    with session.begin_nested():
        at_a_flush(session)


def after_it_was_noticed_and_not_told(session: Session) -> None:
    with suppress(OperationalError):
        at_a_statement(session)
    at_a_statement(session)


@pytest.mark.parametrize(
    "act",
    [
        at_a_statement,
        at_many_rows,
        at_many_changes,
        at_an_insert_once,
        at_a_flush,
        at_a_savepoint,
        after_it_was_noticed_and_not_told,
    ],
)
@pytest.mark.parametrize("where", ["outside", "in a savepoint"])
def test_a_connection_that_ends_is_unreachable_whatever_was_being_done(
    postgresql: Store, act: Callable[[Session], None], where: str
) -> None:
    """Ended by an administrator, and ended without a word, which the driver tells in words without a code."""

    def end_without_a_word(session: Session) -> None:
        with socket.socket(fileno=os.dup(session.connection().connection.driver_connection.fileno())) as line:  # type: ignore[union-attr]
            line.shutdown(socket.SHUT_RDWR)

    def act_meanwhile(end: Callable[[Session], None]) -> None:
        with postgresql.transaction() as session:
            rename(session)
            with session.begin_nested() if where == "in a savepoint" else nullcontext():
                rename(session)
                end(session)
                act(session)

    for end in (lambda session: end_connection(postgresql, session), end_without_a_word):
        with pytest.raises(Unreachable):
            act_meanwhile(end)
    with postgresql.reading() as session:
        assert session.query(Office).count() == 0


def test_whoever_loses_the_connection_in_the_commit_is_not_told_that_nothing_was_kept(postgresql: Store) -> None:
    def act() -> None:
        with postgresql.transaction() as session:
            make_office(session)
            end_connection(postgresql, session)

    with pytest.raises(OutcomeUnknown):
        act()


def test_a_database_in_a_folder_that_is_gone_is_unreachable(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'gone' / 'osm.db'}")
    for opened in (store.transaction, store.reading):
        with pytest.raises(Unreachable), opened() as session:
            session.execute(text("SELECT 1"))


# ---- not writable ----------------------------------------------------------------------------------------------


def test_a_full_disk_changes_nothing_and_says_so(sqlite_store: Store) -> None:
    @event.listens_for(sqlite_store.engine, "connect")
    def fill(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1").close()  # type: ignore[attr-defined]

    with pytest.raises(Unreachable), sqlite_store.transaction() as session:
        session.add_all(
            Office(id=f"X{number}", name_th="x" * 200, name_en="x", region_th="x", region_en="x")
            for number in range(500)
        )
    with sqlite_store.reading() as session:
        assert session.query(Office).count() == 0


def test_a_read_only_disk_can_be_read_and_not_written(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
    sqlite_store.close()
    read_only = Store(f"sqlite:///file:{sqlite_store.url.database}?mode=ro&uri=true")

    with pytest.raises(Unreachable), read_only.transaction() as session:
        rename(session)

    with read_only.reading() as session:
        assert session.query(Office).count() == 1
    read_only.close()


def test_a_server_that_takes_no_writes_is_unreachable_for_them(postgresql: Store) -> None:
    with again(postgresql, Limits()) as standby:

        @event.listens_for(standby.engine, "connect")
        def follow(connection: object, _record: object) -> None:
            connection.execute("SET default_transaction_read_only = on")  # type: ignore[attr-defined]
            connection.commit()  # type: ignore[attr-defined]

        with pytest.raises(Unreachable), standby.transaction() as session:
            make_office(session)


# ---- at the same moment ----------------------------------------------------------------------------------------


def test_the_same_new_row_at_the_same_moment_is_a_refusal_and_no_error(store: Store) -> None:
    answers: list[str] = []
    both_looked = threading.Barrier(2)

    def insert() -> None:
        with suppress(Collided), store.transaction() as session:
            with suppress(threading.BrokenBarrierError):  # on SQLite the second waits before it looks
                session.execute(text("SELECT 1"))
                both_looked.wait(1)
            make_office(session)
            answers.append("kept")

    threads = [threading.Thread(target=insert) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert answers == ["kept"]


def test_a_row_of_what_is_not_there_is_a_refusal(store: Store) -> None:
    with pytest.raises(Collided), store.transaction() as session:
        session.execute(
            text(
                "INSERT INTO provinces (id, office_id, name_th, name_en, abbr_th, is_centre)"
                " VALUES ('TH-99', 'NOWHERE', 'x', 'x', 'x', false)"
            )
        )


def test_a_row_that_lacks_something_is_a_mistake_of_the_program(store: Store) -> None:
    with pytest.raises(IntegrityError), store.transaction() as session:
        session.execute(text("INSERT INTO offices (id) VALUES ('X')"))
