"""One answer for everything that goes wrong: a page in the reader's language, problem details for programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, g

from osm_flow.errors import Invalid
from osm_flow.store.session import Store
from osm_flow.web.site.errors import _TEXTS, answer, on_our_error
from osm_flow.web.site.i18n import gettext
from tests.integration.web.conftest import Visitor


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


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


def test_an_error_of_ours_names_its_fields_to_programs_in_the_language_of_the_reader(site: Flask) -> None:
    error = Invalid(fields={"reason": "Say why."})
    with site.test_request_context("/", headers={"Accept": "application/json"}):
        g.locale = "en"
        english = on_our_error(error)
        g.locale = "th"
        thai = on_our_error(error)

    assert (english.status_code, english.get_json()["fields"]) == (422, {"reason": "Say why."})
    assert thai.get_json()["fields"] == {"reason": gettext("Say why.", "th")}
    assert thai.get_json()["fields"] != english.get_json()["fields"]


@pytest.mark.parametrize(("status", "like"), [(418, 400), (507, 500)])
def test_a_status_without_words_of_its_own_is_told_like_its_family(site: Flask, status: int, like: int) -> None:
    with site.test_request_context("/", headers={"Accept": "application/json"}):
        told = answer(status)

    assert (told.status_code, told.get_json()["title"]) == (status, _TEXTS[like][0])
