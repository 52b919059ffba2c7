"""PostgreSQL lost at any message of a request: everybody gets an answer that is true, and what was asked is done once."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased
from werkzeug.test import TestResponse

from osm_flow.app import create_app
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.operations.sweeps import sweep_all
from osm_flow.settings import Settings
from osm_flow.store.models import Case, Incident, OutboxEntry, Person
from osm_flow.store.session import Limits, Store
from tests.factories import NOW, deploy_tests
from tests.integration.web.conftest import Visitor
from tests.wire import Wire

# Of the messages of a request one in so many is lost, in each way another one; 1 tries them all.
STRIDE = int(os.environ.get("OSM_LOST_MESSAGES", "6"))
NOTHING_KEPT = "ยังไม่มีการบันทึก"
LOOK_FIRST = "ดูก่อนว่าบันทึกแล้วหรือยัง"
WAYS = ["cut before it arrives", "cut before the answer arrives", "ended by an administrator", "away for a while"]


@dataclass
class Place:
    """The site on a line that can be cut, and the database without the line."""

    direct: Store
    wire: Wire
    site: Flask

    def lose(self, way: str) -> Callable[[socket.socket, socket.socket, bytes], bool]:
        """What happens to the message that is lost."""

        def cut(database: socket.socket, _product: socket.socket, message: bytes) -> bool:
            if way == "cut before the answer arrives":
                database.sendall(message)
                database.recv(1 << 20)
            self.wire.is_away = way == "away for a while"
            self.wire.cut_all()
            return False

        def end(database: socket.socket, _product: socket.socket, message: bytes) -> bool:
            with self.direct.engine.connect() as connection:
                connection.execute(
                    text(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                )
            try:
                database.sendall(message)
            except OSError:
                self.wire.cut_all()
                return False
            return True

        return end if way == "ended by an administrator" else cut


@pytest.fixture
def place(new_postgresql: Callable[[], Store], tmp_path: Path) -> Iterator[Place]:
    direct = new_postgresql()
    wire = Wire(direct.url)
    store = Store(wire.url, Limits(connect=2))
    site = create_app(Settings(env="test", secret_key="k" * 40, data_dir=tmp_path), store=store, clock=lambda: NOW)
    site.testing, site.config["PROPAGATE_EXCEPTIONS"] = False, False
    yield Place(direct, wire, site)
    store.close()
    wire.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.direct


@pytest.fixture
def visitor(place: Place, staff: dict[str, Person]) -> Visitor:
    with place.direct.transaction() as session:
        deploy_tests(session, "caller", "callee")
    return Visitor(place.site).come_back_as(staff["strategy"])


def lost_one_by_one(place: Place, way: str, ask: Callable[[], Any]) -> Iterator[Any]:
    """What `ask` gives for each message at which the connection is lost, as long as there are messages."""
    ask()  # statements and caches are warm, as in a server at work
    number = WAYS.index(way) % STRIDE
    while True:
        place.wire.arm(number, place.lose(way))
        answer = ask()
        is_over = place.wire.sent <= number
        place.wire.arm(None)
        if is_over:
            return
        yield number, answer
        number += STRIDE


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_starting_a_case_is_told_as_it_was_and_can_be_sent_again(place: Place, visitor: Visitor, way: str) -> None:
    token, wrong, seen = visitor.token(), [], set[int]()

    def send(title: str) -> TestResponse:
        data = {"csrf_token": token, "idempotency_key": title, "case_title": title, "case_fiscal_year": "2571"}
        return visitor.client.post("/cases/start/caller", data=data)

    def send_new() -> tuple[str, TestResponse]:
        title = secrets.token_hex(8)
        return title, send(title)

    for number, (title, answer) in lost_one_by_one(place, way, send_new):
        seen.add(answer.status_code)
        before = count_of(place, title)
        if answer.status_code == 302:
            is_true = before == 1
        else:
            words = [NOTHING_KEPT in answer.text, LOOK_FIRST in answer.text]
            is_true = answer.status_code == 503 and words in ([before == 0, False], [False, True])
        again = send(title)
        if not is_true or again.status_code != 302 or count_of(place, title) != 1:
            wrong.append((number, answer.status_code, before, again.status_code, count_of(place, title)))

    assert wrong == []
    assert seen == {302, 503}
    assert_whole(place)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("who", "path"), [("strategy", "/"), ("strategy", "/cases"), ("auditor", "/audit/search")])
def test_a_page_is_shown_or_told_to_come_later(place: Place, staff: dict[str, Person], who: str, path: str) -> None:
    visitor = Visitor(place.site).come_back_as(staff[who])
    for way in WAYS:
        answers = list(lost_one_by_one(place, way, lambda: visitor.get(path)))

        assert {number: told.status_code for number, told in answers if told.status_code not in (200, 503)} == {}
        assert all(told.headers["Retry-After"] == "5" for _, told in answers if told.status_code == 503)


def count_of(place: Place, title: str) -> int:
    with place.direct.reading() as session:
        return session.scalar(select(func.count()).where(Case.title == title)) or 0


def assert_whole(place: Place) -> None:
    """Every case has its one child, no outage counts as an attempt for ever, and the history is whole."""
    sweep_all(place.direct, NOW + timedelta(hours=1), "afterwards")
    with place.direct.reading() as session:
        child = aliased(Case)
        children = select(Case.id, func.count(child.id)).outerjoin(child, child.parent_case_id == Case.id)
        top = children.where(Case.parent_case_id.is_(None)).group_by(Case.id)
        assert {count for _, count in session.execute(top)} == {1}
        assert session.scalar(select(func.count()).select_from(OutboxEntry).where(OutboxEntry.done_at.is_(None))) == 0
        assert session.scalars(select(Incident.message)).all() == []
        assert [found.faults for _, found in verify_all_deep(session) if found.faults] == []
