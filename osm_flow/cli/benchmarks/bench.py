"""What every benchmark needs: a fresh database, an office with a person, a server, figures out of timings."""

from __future__ import annotations

import gzip
import http.client
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from lxml import html
from sqlalchemy import create_engine, text
from waitress.server import create_server

from osm_flow.cli.context import Context
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.people import accounts, hats, offices, positions
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade

OFFICE = "NE-U1"
USERNAME = "bench"
PASSWORD = "a password for measuring"  # noqa: S105 (of an account in a database that is thrown away)


@dataclass
class Bench:
    """One run: `quick` makes everything small, to see that it works and not how fast it is.

    postgresql  the address of a server on which databases may be made; without one nothing is measured there.
    """

    context: Context
    folder: Path
    quick: bool
    postgresql: str = ""

    def databases(self) -> list[str]:
        """The databases to measure on what differs between them."""
        return ["sqlite", "postgresql"] if self.postgresql else ["sqlite"]

    def size(self, full: int, quick: int) -> int:
        """The smaller size in a quick run."""
        return quick if self.quick else full

    def now(self) -> datetime:
        """The instant now."""
        return self.context.now()

    @contextmanager
    def office(self, name: str, *roles: str, database: str = "sqlite") -> Iterator[BenchOffice]:
        """A migrated database with the clusters and one person who works with plans and wears these hats besides."""
        folder = self.folder / f"{name}-{database}"
        folder.mkdir()
        with _empty_database(self.postgresql if database == "postgresql" else "", folder) as url:
            yield from self._office(replace(self.context, data_dir=folder, database_url=url), roles)

    def _office(self, context: Context, roles: tuple[str, ...]) -> Iterator[BenchOffice]:
        try:
            upgrade(context.store)
            with context.store.transaction() as session:
                offices.seed_clusters(session)
                person = NewPerson(USERNAME, "ผู้วัด", password=PASSWORD)
                accounts.create_person(session, SYSTEM, self.now(), person)
                for role in ("osm_strategy", *roles):
                    position = NewPosition(role, OFFICE, valid_from=local_day(self.now()))
                    positions.give_position(session, USERNAME, SYSTEM, self.now(), position)
            yield BenchOffice(context)
        finally:
            context.store.close()


@contextmanager
def _empty_database(server: str, folder: Path) -> Iterator[str]:
    """The address of a database of its own: a file in the folder or, where one is given, on a server; gone afterwards."""
    if not server:
        try:
            yield f"sqlite:///{folder / 'osm-flow.db'}"
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    name = f"osm_bench_{secrets.token_hex(16)}"
    engine = create_engine(Store(server).url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield engine.url.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        engine.dispose()


@dataclass
class BenchOffice:
    """A database to measure on."""

    context: Context

    @property
    def store(self) -> Store:
        """The store of the database."""
        return self.context.store

    def actor(self) -> Actor:
        """The one person of the office."""
        with self.store.reading() as session:
            return hats.actor_named(session, USERNAME, local_day(self.context.now()))

    def administrator(self, username: str) -> None:
        """A person who administers all offices."""
        now = self.context.now()
        with self.store.transaction() as session:
            accounts.create_person(session, SYSTEM, now, NewPerson(username, username, password=PASSWORD))
            position = NewPosition("admin", None, valid_from=local_day(now))
            positions.give_position(session, username, SYSTEM, now, position)

    @contextmanager
    def site(self) -> Iterator[Any]:
        """The real app on a server of its own, and a browser that has signed in."""
        app = self.context.make_app(self.context, True, None)
        with served(app) as port, closing(Browser(port)) as browser:
            browser.sign_in()
            yield browser


@dataclass
class Answer:
    """What the server answered."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float

    def value_of(self, name: str) -> str:
        """The value of a hidden field of the page."""
        return str(self._page().xpath(f"string((//input[@name='{name}'])[1]/@value)"))

    def links(self, part: str) -> list[str]:
        """Where links of the page lead whose address has this in it."""
        return [str(link) for link in self._page().xpath("//a/@href") if part in link]

    def _page(self) -> Any:
        page = gzip.decompress(self.body) if self.headers.get("Content-Encoding") == "gzip" else self.body
        return html.fromstring(page.decode())


class Browser:
    """One connection that is kept open, with cookies, as a browser has it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, values: dict[str, str]) -> Answer:
        """Send a form."""
        return self._ask("POST", path, urlencode(values).encode())

    def sign_in(self) -> None:
        """Sign in as the person of the office."""
        token = self.get("/login").value_of("csrf_token")
        answer = self.post("/login", {"csrf_token": token, "username": USERNAME, "password": PASSWORD})
        if answer.status != 302:
            raise RuntimeError(f"signing in was answered with {answer.status}")

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Accept-Encoding": "gzip"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = perf_counter()
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        content = response.read()
        seconds = perf_counter() - began
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return Answer(response.status, dict(response.headers), content, seconds)


@contextmanager
def served(app: Any) -> Iterator[int]:
    """The app behind the product's server on a free port of this machine."""
    server = create_server(app, host="127.0.0.1", port=0, threads=2, ident=None)

    def stop() -> None:
        for channel in list(server._map.values()):
            channel.close()

    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        # The server has no way to be told to stop from outside; this has its own loop close all that it listens to.
        server.trigger.pull_trigger(stop)
        thread.join(timeout=10)
        server.task_dispatcher.shutdown()


def timed(work: Callable[..., Any], *arguments: Any) -> float:
    """Seconds that the work takes."""
    began = perf_counter()
    work(*arguments)
    return perf_counter() - began


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and number of timings, in milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50_ms": round(_at(ordered, 0.5) * 1000, 3),
        "p95_ms": round(_at(ordered, 0.95) * 1000, 3),
        "samples": len(ordered),
    }


def ratio(seconds: list[float], baseline: list[float]) -> float:
    """How much longer the median takes than that of the baseline."""
    return round(_at(sorted(seconds), 0.5) / _at(sorted(baseline), 0.5), 3)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def throw_away(beside: Path) -> Iterator[Path]:
    """A folder on the disk where real data lie, gone afterwards: the time to write to that disk is part of the figures."""
    beside.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=beside))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
