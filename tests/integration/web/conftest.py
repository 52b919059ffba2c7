"""The site on a test database, and visitors who carry the form token of the page they came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from osm_flow.app import create_app
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.people import accounts, offices, positions
from osm_flow.operations.people.signing_in import hash_password
from osm_flow.settings import Settings
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE
from tests.integration.web.visits import Site, open_site

Opened = Callable[[Callable[[Session], Any]], Site]

PASSWORD = "a long enough one"
HASH = hash_password(PASSWORD, "nobody")  # hashing is slow on purpose: once is enough
STAFF = {
    "admin": ("admin", None),
    "of_all": ("admin", None),
    "director": ("osm_director", None),
    "strategy": ("osm_strategy", None),
    "planner": ("province_planner", "TH-41"),
    "auditor": ("auditor", None),
}


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at

    def pass_by(self, **amount: float) -> None:
        self.at += timedelta(**amount)


class Visitor:
    """A browser: cookies, and posts that carry the token which a page of the site gave."""

    def __init__(self, site: Flask) -> None:
        self.client: FlaskClient = site.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **options)

    def token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/no-such-page").get_data(as_text=True))
        assert found, "every page carries a form with its token: the language switch"
        return found[1]

    def sign_in(self, username: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.post("/login", {"username": username, "password": password, **more})

    def come_back_as(self, person: Person) -> Visitor:
        """Signed in without the form."""
        with self.client.session_transaction() as cookies:
            cookies["_user_id"] = f"{person.id}:{person.session_epoch}"
        return self


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(store: Store, clock: Clock, tmp_path: Path) -> Flask:
    """The whole site on an empty database of either kind."""
    settings = Settings(env="test", secret_key="k" * 40, data_dir=tmp_path)
    return create_app(settings, store=store, clock=clock)


@pytest.fixture
def opened(store: Store) -> Opened:
    """Opens the site after something has been prepared on its database, in one transaction."""

    def open_prepared(prepare: Callable[[Session], Any]) -> Site:
        site = open_site(store)
        site.arrange(prepare)
        return site

    return open_prepared


@pytest.fixture
def staff(store: Store) -> dict[str, Person]:
    """One person for each of the usual roles in one office, with provinces seeded; by user name."""
    with store.transaction() as session:
        offices.seed_clusters(session)
        made = {}
        for username, (role, province_id) in STAFF.items():
            made[username] = accounts.create_person(session, SYSTEM, NOW, NewPerson(username, f"คุณ {username}"))
            made[username].password_hash = HASH
            office_id = None if username == "of_all" else OFFICE
            position = NewPosition(role, office_id, NOW.date(), province_id=province_id)
            positions.give_position(session, username, SYSTEM, NOW, position)
    return made


@pytest.fixture
def visitor(site: Flask) -> Visitor:
    return Visitor(site)


@pytest.fixture
def as_person(site: Flask, staff: dict[str, Person]) -> Callable[[str], Visitor]:
    """A visitor who is signed in as one of the staff."""
    return lambda username: Visitor(site).come_back_as(staff[username])
