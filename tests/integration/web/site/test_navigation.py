"""What every page has in common: headers, languages, errors, who may enter, settings of the site."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from osm_flow.app import create_app
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.people import NewPosition
from osm_flow.operations.people import positions
from osm_flow.settings import Settings
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from osm_flow.web.site.access import AccessRule, public, requires, rule_of, signed_in
from osm_flow.web.site.errors import _TEXTS
from osm_flow.web.site.i18n import gettext
from tests.factories import NOW
from tests.integration.web.conftest import STAFF, Clock, Visitor

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


def test_two_rules_on_one_route_are_a_mistake() -> None:
    with pytest.raises(TypeError):
        requires()(signed_in(lambda: "x"))
    assert rule_of(public(lambda: "x")) == AccessRule(public=True)


def test_every_answer_tells_the_browser_what_it_may_not_do(visitor: Visitor) -> None:
    for path in ("/login", "/no-such-page"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-store"


def test_pages_have_nothing_inline_and_nothing_from_elsewhere(as_person: Callable[[str], Visitor]) -> None:
    for path in ("/account", "/people", "/no-such-page", "/notices"):
        page = as_person("admin").get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick=" not in page
        assert "https://" not in page


def test_a_post_without_the_pages_token_is_refused(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("director").client.post("/notices/read")

    assert answer.status_code == 400
    assert "ยังไม่มีการบันทึกใด ๆ" in answer.text


@pytest.mark.parametrize("status", sorted(_TEXTS))
def test_errors_have_words_in_both_languages(status: int) -> None:
    for text in _TEXTS[status]:
        assert gettext(text, "en") != text
        assert gettext(text, "th") == text


def test_an_unknown_page_keeps_the_shell_of_the_person(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("director").get("/no-such-page")

    assert answer.status_code == 404
    assert "ไม่พบหน้านี้" in answer.text
    assert "คุณ director" in answer.text


def test_a_wrong_method_says_which_are_right(visitor: Visitor) -> None:
    answer = visitor.get("/logout")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "หน้านี้ใช้แบบนี้ไม่ได้" in answer.text


def test_programs_get_problem_details(visitor: Visitor) -> None:
    answer = visitor.get("/no-such-page", headers={"Accept": "application/json"})

    assert answer.mimetype == "application/problem+json"
    assert answer.get_json() | {"detail": ""} == {
        "type": "about:blank",
        "title": "ไม่พบหน้านี้",
        "status": 404,
        "detail": "",
    }


def test_what_is_far_too_large_gets_a_page_that_says_what_to_do(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("director").post("/account/password", {"new": "x" * 27_000_000})

    assert answer.status_code == 413
    assert "25 MB" in answer.text


def test_a_stranger_cannot_send_much(visitor: Visitor) -> None:
    assert visitor.sign_in("x", "y" * 5_000_000).status_code == 413


def test_a_stranger_is_not_read_before_they_are_refused(visitor: Visitor) -> None:
    answer = visitor.client.post("/people/new", data={"username": "x" * 1_000_000})

    assert answer.status_code == 401
    assert "กรุณาเข้าสู่ระบบ" in answer.text


def test_roles_decide_who_enters(as_person: Callable[[str], Visitor]) -> None:
    assert as_person("admin").get("/people").status_code == 200
    assert as_person("director").get("/people").status_code == 403


def test_the_menu_shows_what_a_person_may_do(as_person: Callable[[str], Visitor]) -> None:
    assert 'href="/people"' in as_person("admin").get("/account").text
    assert 'href="/people"' not in as_person("director").get("/account").text


def test_a_partial_request_of_a_stranger_is_sent_to_the_login_page(visitor: Visitor) -> None:
    answer = visitor.get("/account", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


def test_acting_for_somebody_is_shown(
    as_person: Callable[[str], Visitor], store: Store, staff: dict[str, Person]
) -> None:
    with store.transaction() as session:
        letter = "คำสั่งที่ 1/2570"
        post = NewPosition("osm_director", "NE-U1", NOW.date(), kind="acting", for_username="director", letter=letter)
        positions.give_position(session, "strategy", SYSTEM, NOW, post)

    assert "รักษาราชการแทน คุณ director" in as_person("strategy").get("/account").text


def test_static_files_are_compressed_and_kept_for_a_year(store: Store, clock: Clock, tmp_path: Path) -> None:
    settings = Settings(env="production", secret_key=KEY, data_dir=tmp_path, base_url="https://osm.example.go.th")
    visitor = Visitor(create_app(settings, store=store, clock=clock))
    page = visitor.get("/login")
    address = page.text.split('stylesheet" href="')[1].split('"')[0]

    answer = visitor.get(address, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Cache-Control"].startswith("public, max-age=31536000")
    assert gzip.decompress(answer.data).startswith(b"@charset")
    assert page.headers["Strict-Transport-Security"]
    assert "Secure" in page.headers["Set-Cookie"]
    assert visitor.get(address.replace("bootstrap.min.css", "../../../../app.py")).status_code == 404


def test_a_first_view_is_light(site: Flask, visitor: Visitor) -> None:
    page = visitor.get("/login").text
    addresses = {part.split('"')[0] for part in page.split('"/static/')[1:]}

    sizes = [len(visitor.get(f"/static/{each}", headers={"Accept-Encoding": "gzip"}).data) for each in addresses]
    fonts = [path.stat().st_size for path in Path("osm_flow/web/static/vendor").glob("ibm*/*-400-*.woff2")]

    assert len(addresses) >= 6
    assert sum(sizes) + sum(fonts) + len(page) < 200_000


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
