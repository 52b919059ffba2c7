"""Patterns of forms: what they mean, how long they may take, and which are refused."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from osm_flow.domain.forms.patterns import PatternRefused, fits, refuse
from osm_flow.domain.forms.soundness import check_form
from osm_flow.domain.forms.values import Filled, faults_in
from osm_flow.resources import resource_dir

# Tried by going back they take longer than anybody waits.
SLOW = [
    "^(a+)+$",
    "^(a|aa)+$",
    "^(a|a)*$",
    "^([a-z]+)*$",
    "^(.*a){25}$",
    "^(a?){30}a{30}$",
    "(x+x+)+y",
    r"^(\d|[0-9])+$",
    "^(ก+)+$",
]
SAME = [
    "^[0-9]{1,2}/25[0-9]{2}$",
    "^โครงการ.",
    r"^\d+$",
    r"\w",
    r"^\w+$",
    r"\s",
    r"^\S+$",
    r"^\W$",
    r"\D",
    "[ก-ฮ]+",
    r"^[\w.-]+$",
    r"[\d,]+",
    r"[^\d]",
    "[]a]",
    "[^]a]",
    r"[\]a]",
    "[a[]",
    r"\[x\]",
    r"ก็",
    r"^.$",
    r"(?i)abc",
    r"a{2,3}?b",
    r"(?P<y>\d)\.",
    r"[^\s]",
    r"\A.\Z",
]
SIGNS = st.text(st.sampled_from("ab0๑²①กะ็่ ]['\"[-_.,/A\t\u0085\u00a0\u2028ñé中😀"), max_size=8)


@pytest.mark.parametrize("pattern", SLOW)
@pytest.mark.parametrize("text", ["a" * 20_000 + "!", "ก" * 20_000 + "!", "0" * 20_000 + "!", "x" * 20_000])
def test_no_pattern_keeps_anybody_waiting(pattern: str, text: str) -> None:
    refuse(pattern)
    begun = time.perf_counter()

    fits(pattern, text)

    assert time.perf_counter() - begun < 5


@given(pattern=st.sampled_from(SAME), text=SIGNS)
@example(pattern=r"^\d+$", text="๑๒")
@example(pattern=r"\s", text="\u2028")
def test_a_pattern_means_what_it_meant(pattern: str, text: str) -> None:
    assert fits(pattern, text) == (re.search(pattern, text) is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        r"(a)\1",
        "(?>a)",
        "a*+",
        "a{1,2000}",
        r"\bก",
        r"[\W]",
        r"[^\S]",
        "(a{999}){999}",
    ],
)
def test_what_cannot_be_tried_in_a_sure_time_is_refused_with_a_sentence(pattern: str) -> None:
    with pytest.raises(PatternRefused):
        refuse(pattern)

    (fault,) = check_form(form(pattern))
    assert "name: this pattern could keep the site waiting" in fault


def test_a_form_with_a_pattern_that_goes_back_is_judged_at_once() -> None:
    begun = time.perf_counter()

    assert check_form(form("^(a+)+$", "aaa")) == []
    assert "name" in faults_in(form("^(a+)+$", "aaa"), Filled({"name": "a" * 200 + "!"}, {}), {})
    assert time.perf_counter() - begun < 5


def test_a_form_that_was_deployed_before_goes_on_as_it_was() -> None:
    assert fits(r"^(?!x)\w", "ab")
    assert not fits(r"^(?!x)\w", "xb")


def test_a_half_of_a_sign_is_no_error() -> None:
    assert fits("^.$", "\ud800")


def test_a_bracket_in_a_class_is_a_sign_like_others() -> None:
    assert [fits("^[[]$", sign) for sign in "[]"] == [True, False]
    assert [fits("^[[]]$", sign) for sign in ("[]", "[", "]")] == [True, False, False]
    assert [fits("^[^[]$", sign) for sign in "[a"] == [False, True]


def test_every_shipped_pattern_is_one_and_no_page_hands_it_to_a_browser() -> None:
    texts = [path.read_text("utf-8") for path in resource_dir("forms").glob("*.yaml")]
    shipped = {
        found
        for text in texts
        for found in re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(yaml.safe_load(text)))
    }
    templates = "".join(path.read_text("utf-8") for path in Path(resource_dir("templates")).rglob("*.html"))

    assert len(shipped) >= 3
    for pattern in shipped:
        refuse(json.loads(pattern))
    assert "pattern=" not in templates


def form(pattern: str, *examples: str) -> dict[str, object]:
    field = {"type": "string", "maxLength": 500, "pattern": pattern, "examples": list(examples)}
    return {"type": "object", "properties": {"name": {"title": "ชื่อ", **field}}}
