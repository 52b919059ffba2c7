"""What a browser is told it may do with our pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, Response

from osm_flow.store.session import Store
from osm_flow.web.site import security
from tests.integration.web.conftest import Visitor


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
