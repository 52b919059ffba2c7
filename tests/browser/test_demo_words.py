"""What an auditor reads and sees of the demo: whole processes, and words, no names of variables, elements, topics and cases as machines call them."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from lxml import html
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow.demo import loading
from osm_flow.engine.definitions import read_bpmn
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.bundles.writing import write_bundle
from osm_flow.operations.definitions.library import compiled, list_definitions
from osm_flow.store.models import Case, Person
from osm_flow.store.session import Store
from tests.browser.conftest import session_of
from tests.browser.test_player import SEEN
from tests.integration.web.visits import Site, open_site
from tests.serving import served

TODAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SNAKE = re.compile(r"(?<![\w@./:-])[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+(?![\w@])")
CASE_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
LISTS = (
    "",
    "/search",
    "/search?q=on_behalf",
    "/search?q=late",
    "/search?text=ส",
    "/administration",
    "/accesses",
    "/security",
    "/log",
)
MOST = 40


@pytest.fixture(scope="module")
def demo(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    loading.load(store, TODAY)
    yield open_site(store)
    store.close()


@pytest.fixture(scope="module")
def identifiers(demo: Site) -> set[str]:
    """What machines call elements, topics, forms and their fields; people may be called so, too."""
    found = set(TOPICS)
    with demo.store.reading() as session:
        for definition in list_definitions(session):
            process = compiled(session, definition)
            found |= process.elements.keys() | process.forms.keys()
            found |= {name for form in process.forms.values() for name in form.get("properties", {})}
            assert read_bpmn(definition.xml)
        found -= set(session.scalars(select(Person.username)))
    return found - {"ok"}


def raw(texts: Sequence[str], identifiers: set[str]) -> list[str]:
    """The texts that say something as machines call it."""
    return [text for text in texts if SNAKE.search(text) or CASE_ID.search(text) or text.strip() in identifiers]


def texts_of(page: str) -> list[str]:
    """What stands on a page, without digests, user names and other texts that are shown as they are recorded."""
    document = html.fromstring(page)
    part = next(iter(document.xpath("//main")), document)
    return [str(text) for text in part.xpath(".//text()[not(ancestor::code or ancestor::script or ancestor::style)]")]


# Both languages and every case; each run reads in Thai the cases in which most happens, one of each process.
EVERYTHING = bool(os.environ.get("OSM_ALL_PAGES"))


def cases_of(demo: Site) -> list[tuple[str, int]]:
    def ask(session: Session) -> list[tuple[str, int]]:
        cases = session.scalars(select(Case).order_by(Case.seq, Case.id)).all()
        longest = {case.definition_id: case for case in cases}
        return [(case.id, case.seq) for case in (cases if EVERYTHING else longest.values())]

    found: list[tuple[str, int]] = demo.read(ask)
    return found


@pytest.mark.parametrize("locale", ["th", "en"] if EVERYTHING else ["th"])
def test_no_page_of_an_auditor_tells_anything_by_its_raw_name(demo: Site, identifiers: set[str], locale: str) -> None:
    auditor = demo.visit("auditor")
    auditor.post("/language", {"locale": locale})
    if locale == "en":
        identifiers = set()  # the English word for a value may be its name: `green`
    read = 0
    for case_id, last in cases_of(demo):
        pages = [f"/cases/{case_id}", f"/audit/cases/{case_id}/chain", f"/audit/cases/{case_id}/at/{last}"]
        pages += [f"/audit/cases/{case_id}/at/{last}/data", f"/audit/cases/{case_id}/bundle"]
        for path in pages if locale == "th" else pages[:2]:
            assert raw(texts_of(auditor.get(path).text), identifiers) == [], path
        first = 1 if locale == "th" else last
        while first <= last:
            answer = auditor.client.get(
                f"/audit/cases/{case_id}/moments?first={first}&last={min(last, first + MOST - 1)}"
            )
            for item in answer.get_json()["items"]:
                assert raw(texts_of(item["sheet"]), identifiers) == [], (case_id, item["seq"])
                first, read = item["seq"] + 1, read + 1
    assert read >= (sum(last for _, last in cases_of(demo)) if locale == "th" else 10)
    for path in LISTS:
        assert raw(texts_of(auditor.get(f"/audit{path}").text), identifiers) == [], path


@pytest.mark.parametrize("width", [1366, 390])
def test_the_widest_and_the_tallest_process_are_seen_whole_first(demo: Site, chromium: Any, width: int) -> None:
    """By the geometry of what a browser draws, on the page of the case and in the player; the step acted on is in view."""

    def ask(session: Session) -> list[tuple[str, int]]:
        cases = session.scalars(select(Case).order_by(Case.seq, Case.id)).all()
        keys = {case.definition.key: (case.id, case.seq) for case in cases}
        return [keys[key] for key in ("quarterly_monitoring", "plan_drafting", "execution_year")]

    shown: list[tuple[str, int]] = demo.read(ask)
    with served(demo.app) as address:
        context = chromium.new_context(viewport={"width": width, "height": 768})
        cookie = {"name": "osm_session", "value": session_of(demo, "auditor", "th"), "url": address}
        context.add_cookies([cookie])
        page = context.new_page()
        for case_id, last in shown:
            for path in (f"/cases/{case_id}", f"/audit/cases/{case_id}/at/{last}", f"/audit/cases/{case_id}/at/2"):
                page.goto(address + path)
                page.wait_for_selector("[data-diagram][data-ready]")
                seen = page.evaluate(SEEN)
                assert seen["shapes"] > 10, path
                assert seen["outside"] == 0, path
                assert seen["empty"] < 120, path
                assert not seen["isBelow"], path
                assert seen["acted"] in (True, None), path
        context.close()


TOLD = """(count) => {
  const line = document.querySelector('#line'), told = [];
  for (let seq = 1; seq <= count; seq++) {
    line.value = seq;
    line.dispatchEvent(new Event('input'));
    const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) if (!/^[0-9a-f]{64}$/.test(walker.currentNode.textContent)) told.push(walker.currentNode.textContent);
  }
  return told;
}"""


def test_the_player_that_goes_out_tells_nothing_by_its_raw_name(
    demo: Site, identifiers: set[str], chromium: Any, tmp_path: Path
) -> None:
    """Each record of each case, from the file alone, in both languages."""
    page = chromium.new_context(offline=True).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    roots = demo.read(lambda session: list(session.scalars(select(Case.id).where(Case.parent_case_id.is_(None)))))
    if not EVERYTHING:
        # These two have nearly all others below them.
        begun = select(Case.id).where(Case.parent_case_id.is_(None), Case.business_key.like("%-01"))
        wanted = or_(Case.business_key.like("EXE-%2569%"), Case.business_key.like("CYC-%"))
        roots = demo.read(lambda session: list(session.scalars(begun.where(wanted))))
    told = 0
    for number, root in enumerate(roots):
        bundle = tmp_path / f"{number}.zip"
        with demo.store.reading() as session, bundle.open("wb") as file:
            write_bundle(session, root, file)
        player = tmp_path / f"{number}.html"
        player.write_bytes(ZipFile(bundle).read("player.html"))
        page.goto(player.as_uri())
        data = json.loads(page.inner_text("#data") or page.text_content("#data"))
        for language in ("th", "en") if EVERYTHING else ("th",):
            for index, case in enumerate(data["cases"]):
                page.select_option("#case", str(index))
                texts = page.evaluate(TOLD, len(case["records"]))
                # In English the word for a value may be its name: `green`.
                assert raw(texts, identifiers if language == "th" else set()) == [], (
                    case["case"]["business_key"],
                    language,
                )
                told += len(case["records"])
            page.click("#language")
    assert told >= 250
    assert complaints == []
    page.context.close()
