"""Words in two languages, with their values filled in."""

from __future__ import annotations

import re

import pytest
from flask import Flask, g

from osm_flow.domain.states import CaseStatus, CaseStepRefused, WorkItemStatus, WorkItemStepRefused
from osm_flow.errors import OsmFlowError
from osm_flow.web.site.i18n import current_locale, error_text, gettext, ngettext


def test_outside_a_request_everybody_reads_thai() -> None:
    assert current_locale() == "th"
    assert gettext("ระบบ") == "ระบบ"


def test_a_message_is_read_in_the_language_of_the_request_or_the_one_asked_for() -> None:
    with Flask(__name__).test_request_context("/"):
        g.locale = "en"
        assert gettext("ผ่านแล้ว") != "ผ่านแล้ว"
        assert gettext("ผ่านแล้ว", "th") == "ผ่านแล้ว"
        assert gettext("คำที่ไม่มีใครแปล") == "คำที่ไม่มีใครแปล"


def test_a_per_cent_sign_is_a_sign_unless_values_are_given() -> None:
    assert gettext("เบิกจ่าย 100%") == "เบิกจ่าย 100%"
    assert gettext("แนบ %(name)s แล้ว", name="ก%s.pdf") == "แนบ ก%s.pdf แล้ว"


def test_one_is_not_many_in_english_and_thai_has_one_form() -> None:
    words = "เหลือ %(num)s วันทำการ"
    with Flask(__name__).test_request_context("/"):
        assert (ngettext(words, words, 1), ngettext(words, words, 3)) == ("เหลือ 1 วันทำการ", "เหลือ 3 วันทำการ")
        g.locale = "en"
        one, many = ngettext(words, words, 1), ngettext(words, words, 3)
    assert one.replace("1", "3") != many
    assert "3" in many


@pytest.mark.parametrize(
    ("message", "details", "text"),
    [
        ("At most {most} fit.", {"most": 5}, "At most 5 fit."),
        ("At most {most} fit.", {"other": 5}, "At most {most} fit."),
        ("An open { brace.", {"other": 5}, "An open { brace."),
        ("{0} is no name.", {"other": 5}, "{0} is no name."),
    ],
)
def test_an_error_with_details_that_do_not_fit_is_still_told(message: str, details: dict[str, int], text: str) -> None:
    assert error_text(OsmFlowError(message, **details), "en") == text


@pytest.mark.parametrize("state", [*CaseStatus, *WorkItemStatus])
@pytest.mark.parametrize("refusal", [CaseStepRefused, WorkItemStepRefused])
def test_no_code_of_a_state_stands_in_a_thai_sentence(refusal: type[OsmFlowError], state: str) -> None:
    sentence = error_text(refusal(current=state, wanted=state), "th")

    assert not re.search("[A-Z]", sentence)
    assert "{" not in sentence
