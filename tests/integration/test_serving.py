"""Being told to stop: real processes get a real signal while something is under way, and end it first."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.people import accounts, positions
from osm_flow.store.models import JournalRecord, Timer
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office
from tests.integration.cli.shell import PASSWORD
from tests.stress.servers import Browser, Server

# Comments take a while, and the first one says that it has begun.
_SLOW_COMMENTS = """
import pathlib, time
from osm_flow.operations.cases import comments
quick = comments.comment
def slow(*arguments, **named):
    pathlib.Path({began!r}).touch()
    time.sleep({seconds})
    return quick(*arguments, **named)
comments.comment = slow
"""
_SLOW_TIMERS = """
import pathlib, time
from osm_flow.operations import sweeps
quick = sweeps._fire
def slow(*arguments):
    pathlib.Path({began!r}).touch()
    time.sleep({seconds})
    return quick(*arguments)
sweeps._fire = slow
"""


@pytest.fixture
def case_id(store: Store) -> str:
    """A case about which somchai may write, and another with three timers that are long due."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review", "three_timers")
        accounts.create_person(session, SYSTEM, NOW, NewPerson("somchai", "สมชาย", password=PASSWORD))
        positions.give_position(
            session, "somchai", SYSTEM, NOW, NewPosition("osm_strategy", "NE-U1", valid_from=NOW.date())
        )
        for _ in range(3):
            make_case(session, "three_timers", now=NOW.replace(year=2024))
        return make_case(session).id


def _wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def _url(store: Store) -> str:
    return make_url(store.url).render_as_string(hide_password=False)


def _count(store: Store, kind: str) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).where(JournalRecord.kind == kind)) or 0


def test_the_site_ends_the_request_that_was_begun_and_takes_no_new_one(
    store: Store, case_id: str, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    before = _SLOW_COMMENTS.format(began=str(began), seconds=3)
    with (
        Server(_url(store), tmp_path, ("serve", "--no-scheduler"), before=before) as server,
        closing(Browser(server.port)) as browser,
        closing(Browser(server.port)) as idle,
    ):
        browser.sign_in("somchai", PASSWORD)
        idle.get("/login")
        answers = list[int]()
        comment = threading.Thread(
            target=lambda: answers.append(browser.send(f"/cases/{case_id}/comments", body="ทันก่อนปิด"))
        )
        comment.start()
        _wait_for(began.exists)

        server.send(signal.SIGTERM)
        _wait_for(lambda: not _accepts(server.port), 2.5)
        code = server.wait(30)
        comment.join(10)

    assert (code, answers) == (0, [302])
    assert _count(store, "case.commented") == 1


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_second_signal_ends_it_at_once_and_nothing_half_done_is_kept(
    store: Store, case_id: str, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    before = _SLOW_COMMENTS.format(began=str(began), seconds=20)
    with (
        Server(_url(store), tmp_path, ("serve", "--no-scheduler"), before=before) as server,
        closing(Browser(server.port)) as browser,
    ):
        browser.sign_in("somchai", PASSWORD)

        def send() -> None:
            with pytest.raises((OSError, http.client.HTTPException)):
                browser.send(f"/cases/{case_id}/comments", body="ไม่ทัน")

        comment = threading.Thread(target=send)
        comment.start()
        _wait_for(began.exists)
        server.send(signal.SIGTERM)
        time.sleep(1)
        server.send(signal.SIGTERM)
        began_to_end = time.monotonic()
        code = server.wait(15)
        comment.join(10)

    assert code != 0
    assert time.monotonic() - began_to_end < 12
    assert _count(store, "case.commented") == 0


def test_the_scheduler_ends_the_row_that_it_is_at_and_gives_back_the_others(
    store: Store, case_id: str, tmp_path: Path
) -> None:
    began = tmp_path / "began"
    before = _SLOW_TIMERS.format(began=str(began), seconds=2)
    with Server(_url(store), tmp_path, ("scheduler",), before=before) as scheduler:
        _wait_for(began.exists)
        scheduler.send(signal.SIGTERM)
        code = scheduler.wait(20)

    assert code == 0
    assert _count(store, "timer.fired") == 1  # what was begun
    with store.reading() as session:
        rows = session.execute(select(Timer.lease_owner, Timer.lease_until, Timer.attempts)).all()
    assert len(rows) == 8
    assert set(map(tuple, rows)) == {(None, None, 0)}
    assert re.search("Traceback", scheduler.log.read_text(encoding="utf-8")) is None
