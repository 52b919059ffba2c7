"""A real site on a real database for tests of pages: people sign in, read pages as a parser sees them, and post forms."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from osm_flow.app import create_app
from osm_flow.settings import Settings
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.factories import NOW


@dataclass
class Answer:
    """What the site answered, with its page read."""

    response: TestResponse
    status: int = 0
    text: str = ""
    page: Any = None

    @classmethod
    def of(cls, response: TestResponse) -> Answer:
        text = response.get_data(as_text=True)
        page = html.fromstring(text) if "html" in (response.content_type or "") and text else None
        return cls(response, response.status_code, text, page)

    @property
    def words(self) -> str:
        """The text of the main part, with single spaces."""
        return " ".join(self.page.xpath("string(//main)").split())

    @property
    def location(self) -> str:
        return urlsplit(self.response.headers.get("Location", "")).path

    def all(self, xpath: str) -> list[Any]:
        found: list[Any] = self.page.xpath(xpath)
        return found

    def form(self, action: str) -> Any:
        """The form whose action holds this."""
        return next(one for one in self.page.forms if action in (one.get("action") or ""))


@dataclass
class Visitor:
    """Somebody's browser."""

    client: FlaskClient
    locale: str = "th"

    def get(self, path: str) -> Answer:
        return Answer.of(self.client.get(path))

    def post(self, path: str, data: dict[str, Any] | None = None, *, page: str = "/me", **more: Any) -> Answer:
        """Post as the page would: with the token of this session."""
        token = self.get(page).all('//input[@name="csrf_token"]/@value')[0]
        return Answer.of(self.client.post(path, data={"csrf_token": token, **(data or {}), **more}))

    def submit(self, answer: Answer, action: str, **values: Any) -> Answer:
        """Send a form of a page with these values on top of what it holds, as a browser does: no template of a row."""
        form = answer.form(action)
        data = {**{name: value for name, value in form.form_values() if "__i__" not in name}, **values}
        return Answer.of(self.client.post(form.get("action"), data=data))

    def follow(self, answer: Answer) -> Answer:
        assert answer.status in (302, 303), answer.text
        return self.get(answer.response.headers["Location"])


@dataclass
class Site:
    """The app, its database and a clock that tests may set."""

    app: Flask
    store: Store
    now: datetime = NOW
    people: dict[str, int] = field(default_factory=dict)

    def visit(self, username: str, locale: str = "th") -> Visitor:
        """A browser in which this person has signed in."""
        with self.store.transaction() as session:
            person = session.scalars(select(Person).where(Person.username == username)).one()
            person.locale = locale
            key = f"{person.id}:{person.session_epoch}"
        client = self.app.test_client()
        with client.session_transaction() as browser:
            browser["_user_id"], browser["_fresh"] = key, True
        return Visitor(client, locale)

    def stranger(self) -> Visitor:
        return Visitor(self.app.test_client())

    def arrange(self, work: Callable[[Session], Any]) -> Any:
        """Prepare something in one committed transaction."""
        with self.store.transaction() as session:
            return work(session)

    def read(self, work: Callable[[Session], Any]) -> Any:
        with self.store.reading() as session:
            return work(session)


@cache
def _folder_of_this_run() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="osm-sites-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def open_site(store: Store) -> Site:
    """A site in test mode on this database, with a data folder of its own: keys of one test are not those of another."""
    folder = Path(tempfile.mkdtemp(dir=_folder_of_this_run()))
    settings = Settings(env="test", database_url=str(store.url), secret_key="t" * 40, data_dir=folder)
    site = Site(app=None, store=store)  # type: ignore[arg-type]
    site.app = create_app(settings, store=store, clock=lambda: site.now)
    return site
