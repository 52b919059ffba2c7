"""What the menu and the shell around every page show, and that every page without a subject opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPosition
from osm_flow.operations.people import positions
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.web.conftest import STAFF, Visitor


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


def test_the_menu_shows_what_a_person_may_do(as_person: Callable[[str], Visitor]) -> None:
    assert 'href="/people"' in as_person("admin").get("/account").text
    assert 'href="/people"' not in as_person("director").get("/account").text


def test_acting_for_somebody_is_shown(
    as_person: Callable[[str], Visitor], store: Store, staff: dict[str, Person]
) -> None:
    with store.transaction() as session:
        letter = "คำสั่งที่ 1/2570"
        post = NewPosition("osm_director", "NE-U1", NOW.date(), kind="acting", for_username="director", letter=letter)
        positions.give_position(session, "strategy", SYSTEM, NOW, post)

    assert "รักษาราชการแทน คุณ director" in as_person("strategy").get("/account").text


@pytest.mark.parametrize("username", STAFF)
@pytest.mark.parametrize("locale", ["th", "en"])
def test_every_page_without_a_subject_opens_and_writes_nothing(
    site: Flask, as_person: Callable[[str], Visitor], username: str, locale: str
) -> None:
    """The session of a GET refuses to write, so a page that writes would answer 500."""
    visitor = as_person(username)
    visitor.post("/language", {"locale": locale})
    rules = [rule for rule in site.url_map.iter_rules() if "GET" in (rule.methods or set()) and not rule.arguments]

    found = {rule.rule: visitor.get(rule.rule, follow_redirects=True) for rule in rules}
    answers = {path: answer.status_code for path, answer in found.items()}

    assert len(answers) > 8
    assert [path for path, answer in found.items() if answer.request.path == "/login"] == []
    assert {path: status for path, status in answers.items() if status not in {200, 403}} == {}


@pytest.mark.parametrize("username", STAFF)
def test_every_page_offers_to_sign_out(site: Flask, as_person: Callable[[str], Visitor], username: str) -> None:
    visitor = as_person(username)
    paths = [rule.rule for rule in site.url_map.iter_rules() if "GET" in (rule.methods or set()) and not rule.arguments]
    pages = {path: visitor.get(path, follow_redirects=True) for path in [*paths, "/no-such-page"]}
    shown = {path: page.text for path, page in pages.items() if page.mimetype == "text/html"}

    assert len(shown) > 8
    assert [path for path, text in shown.items() if '<form method="post" action="/logout">' not in text] == []
