"""The player inside a bundle: one page that carries its data, and nothing in the data that could get out."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from typing import Any

import pytest

from osm_flow.operations.bundles.player import SHELLS, data_and_shell, player_page, shown_data
from osm_flow.web.parts.variable_names import VALUES
from tests.bundles import checker
from tests.player_words import FILE, words

RECORD = {
    "seq": 1,
    "at": "2026-11-20T02:00:00.000000Z",
    "kind": "case.started",
    "actor": "system",
    "actor_role": None,
    "on_behalf_of": None,
    "element": None,
    "task_id": None,
    "hash": "a" * 64,
    "prev_hash": "0" * 64,
    "definition": {"key": "review", "version": 1, "sha256": "b" * 64},
}
STATE = {
    "seq": 1,
    "digest": "c" * 64,
    "waiting": [{"element": "draft", "kind": "user", "task_id": "t1", "due_at": None, "instance": 2}],
    "passed": [],
    "set": {"fy": 2571},
    "unset": [],
}
FORMS = {"plan": {"title": "แผน", "properties": {"fy": {"title": "ปีงบประมาณ"}}}}


def case(**changes: Any) -> dict[str, Any]:
    shown = {"id": "c1", "title": "แผน", "business_key": "REV-01"}
    body = {"command": {"type": "Start"}, "data": {"fy": 2571}}
    return {"case": shown, "records": [RECORD], "states": [STATE], "payloads": {"1": body}, **changes}


def page_of(*cases: dict[str, Any]) -> str:
    return player_page(cases, {"b" * 64: "<bpmn/>"}, "checkpoint", {"b" * 64: FORMS}).decode()


def data_in(page: str) -> Any:
    return json.loads(page.partition('id="data">')[2].partition("</script>")[0])


def test_the_data_come_back_as_they_were_put_in() -> None:
    shown = data_in(page_of(case()))

    assert shown["checkpoint"] == "checkpoint"
    assert shown["definitions"] == {"b" * 64: "<bpmn/>"}
    assert shown["forms"] == {"b" * 64: FORMS}
    assert shown["cases"] == [
        {
            "case": {"id": "c1", "title": "แผน", "business_key": "REV-01"},
            "definition": RECORD["definition"],
            "records": [{name: RECORD[name] for name in ("seq", "at", "kind", "actor", "hash")}],
            "states": [{"waiting": [["draft", None, 2, "t1"]], "set": {"fy": 2571}}],
            "payloads": {"1": {"fy": 2571}},
        }
    ]


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--", "@SCRIPT@ @DATA@ @POLICY@", "\u2028'\"\\"]
)
def test_no_text_gets_out_of_the_data(text: str) -> None:
    page = page_of(case(case={"id": "c1", "title": text, "business_key": text}))

    assert data_in(page)["cases"][0]["case"]["title"] == text
    assert page.count("</script>") == page_of(case()).count("</script>")
    assert page.count("<!--") == page_of(case()).count("<!--")


def test_half_of_a_surrogate_pair_spoils_no_page() -> None:
    page = page_of(case(case={"id": "c1", "title": "x\ud800y", "business_key": "REV-01"}))

    assert data_in(page)["cases"][0]["case"]["title"] == "x?y"


@pytest.mark.parametrize(("element", "directive"), [("script", "script-src"), ("style", "style-src")])
def test_the_policy_lets_nothing_run_but_what_is_in_the_page(element: str, directive: str) -> None:
    page = page_of(case())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)

    digest = base64.b64encode(sha256(content.encode()).digest()).decode()

    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert f"{directive} 'sha256-{digest}'" in policy[1]
    assert "unsafe" not in policy[1]


def test_what_a_bundle_leaves_out_is_not_in_the_page() -> None:
    (without,) = data_in(page_of(case(payloads=None)))["cases"]
    (erased,) = data_in(page_of(case(payloads={"1": None})))["cases"]
    (empty,) = data_in(page_of(case(records=[], states=[], payloads={})))["cases"]

    assert without["payloads"] is None
    assert erased["payloads"] == {"1": None}
    assert (empty["definition"], empty["records"], empty["states"]) == (None, [], [])


def test_the_same_case_gives_the_same_bytes() -> None:
    turned = {name: case()[name] for name in reversed(case())}

    assert player_page([case()], {}, None, {}) == player_page([turned], {}, None, {})


def test_pages_of_before_are_given_what_they_were_given_then() -> None:
    """A checker compares a page with the files by what it had: those of before had no forms and no work items."""
    shown = shown_data([case()], {}, None, None)

    assert shown.keys() == {"cases", "definitions", "checkpoint"}
    assert shown["cases"][0]["states"] == [{"waiting": [["draft", None, 2]], "set": {"fy": 2571}}]


def test_the_player_says_what_the_pages_say() -> None:
    """It may lack what is newer; `python -m tests.player_words` writes its words anew. Kinds and roles it has all."""
    known, said = json.loads(FILE.read_text(encoding="utf-8")), json.loads(json.dumps(words()))

    for part in ("kinds", "written_down", "roles", "places"):
        assert known[part] == said[part], part
    assert known["names"].items() <= said["names"].items()
    kept = {pair for pair in VALUES if pair[1] in known["values"].get(pair[0], {})}
    assert [(name, value) for name, value in kept if known["values"][name][value] != said["values"][name][value]] == []


def test_every_page_that_was_shipped_is_known_to_both_checkers() -> None:
    """Whoever changes the page adds its digest to both lists; those of before stay."""
    found = data_and_shell(player_page([case()], {}, None, {}))

    assert found is not None
    assert found[1] in SHELLS
    assert set(checker().PLAYERS) == SHELLS
    assert data_and_shell(b"<html></html>") is None
    assert data_and_shell(b"\xff") is None
