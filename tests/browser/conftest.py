"""A real site behind a real server, read by a real Chromium. Skipped where there is none, unless OSM_REQUIRE_BROWSER=1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.integration.web.visits import Site, open_site
from tests.serving import served

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        if os.environ.get("OSM_REQUIRE_BROWSER") == "1":
            pytest.fail("OSM_REQUIRE_BROWSER=1, but there is no Chromium")
        pytest.skip("there is no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(sqlite_store: Store) -> Site:
    return open_site(sqlite_store)


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """The site on a free port of this machine."""
    with served(site.app) as address:
        yield address


@dataclass
class Desk:
    """A browser window in which somebody has signed in; `complaints` is what its console said."""

    page: Any
    address: str
    complaints: list[str]
    site: Site

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        return self.page

    def violations(self) -> list[str]:
        """What axe finds, as `rule: element`."""
        self.page.evaluate(AXE)
        found = self.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
        return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


@pytest.fixture
def sit_down(site: Site, address: str, chromium: Any) -> Iterator[Callable[..., Desk]]:
    """Opens windows: `sit_down("malee")`, `sit_down("malee", locale="en", width=390)`."""
    contexts: list[Any] = []

    def open_window(username: str, *, locale: str = "th", width: int = 1280, **options: Any) -> Desk:
        # Colours are judged as they stay, not on their way there.
        options = {"reduced_motion": "reduce", **options}
        context = chromium.new_context(viewport={"width": width, "height": 900}, bypass_csp=False, **options)
        contexts.append(context)
        context.add_cookies([{"name": "osm_session", "value": session_of(site, username, locale), "url": address}])
        page = context.new_page()
        desk = Desk(page, address, [], site)
        page.on("console", lambda message: desk.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: desk.complaints.append(str(error)))
        return desk

    yield open_window
    for context in contexts:
        context.close()


def session_of(site: Site, username: str, locale: str) -> str:
    """The cookie of somebody who has signed in."""
    with site.store.transaction() as session:
        person = session.scalars(select(Person).where(Person.username == username)).one()
        person.locale = locale
        content = {"_user_id": f"{person.id}:{person.session_epoch}", "_fresh": True}
    serializer = site.app.session_interface.get_signing_serializer(site.app)  # type: ignore[attr-defined]
    return str(serializer.dumps(content))
