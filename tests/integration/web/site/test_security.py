"""What a browser is told it may do with our pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response, url_for
from werkzeug.test import TestResponse

from osm_flow.store.session import Store
from osm_flow.web.site import security
from tests.integration.web.conftest import STAFF, Visitor


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


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


@pytest.mark.parametrize(("secure", "strict"), [(True, "max-age=31536000; includeSubDomains"), (False, None)])
def test_only_a_site_on_https_insists_on_it(secure: bool, strict: str | None) -> None:
    app = Flask(__name__)
    security.init_app(app, secure=secure)
    app.add_url_rule("/", "front", lambda: "x")

    assert app.test_client().get("/").headers.get("Strict-Transport-Security") == strict


def test_what_a_view_says_itself_stays_and_is_said_once() -> None:
    app = Flask(__name__)
    security.init_app(app, secure=False)
    app.add_url_rule("/", "front", lambda: Response("x", headers={"cache-control": "private, max-age=60"}))

    headers = app.test_client().get("/").headers

    assert headers.getlist("Cache-Control") == ["private, max-age=60"]
    assert headers["X-Frame-Options"] == "DENY"


def _read(site: Flask, visitor: Visitor) -> dict[str, TestResponse]:
    """What somebody reads at every address that names nothing in particular, at none, and in the other ways of asking."""
    paths = [rule.rule for rule in site.url_map.iter_rules() if "GET" in (rule.methods or set()) and not rule.arguments]
    with site.test_request_context():
        paths.append(url_for("static", filename="js/shell.js"))
        paths.append(url_for("static", filename="css/osm.css"))
    answers = {path: visitor.get(path) for path in [*paths, "/no-such-page", "/static/x/none.js"]}
    answers["as a program"] = visitor.get("/no-such-page", headers={"Accept": "application/json"})
    answers["no form"] = visitor.client.post("/logout")
    answers["no method"] = visitor.client.put("/login")
    return answers


@pytest.mark.parametrize("username", ["", *STAFF])
def test_every_answer_says_its_type_and_its_letters(
    site: Flask, visitor: Visitor, as_person: Callable[[str], Visitor], username: str
) -> None:
    answers = _read(site, as_person(username) if username else visitor)

    assert len(answers) > 15
    for path, answer in answers.items():
        kind = answer.headers.get("Content-Type", "") if answer.data else "application/json"
        assert "charset=utf-8" in kind or kind in {"application/json", "application/problem+json"}, (path, kind)


@pytest.mark.parametrize("username", ["", *STAFF])
def test_no_other_site_may_read_an_answer(site: Flask, as_person: Callable[[str], Visitor], username: str) -> None:
    visitor = as_person(username) if username else Visitor(site)
    visitor.client.environ_base["HTTP_ORIGIN"] = "https://elsewhere.example"
    answers = _read(site, visitor)
    answers["before"] = visitor.client.options("/login", headers={"Access-Control-Request-Method": "POST"})

    for path, answer in answers.items():
        assert [name for name in answer.headers.keys() if name.lower().startswith("access-control-")] == [], path  # noqa: SIM118
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
