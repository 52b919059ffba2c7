"""Single fields of a posted form."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask, url_for

import osm_flow
from osm_flow.web.forms.posted import JUDGED, READ_HERE, posted, posted_list
from tests.integration.web.conftest import Visitor


def test_nul_characters_are_left_out_and_nothing_else() -> None:
    with Flask(__name__).test_request_context("/", method="POST", data={"reason": " a\0b\n"}):
        assert posted("reason") == " ab\n"
        assert posted("other") == ""


def test_many_values_come_in_order_and_each_once() -> None:
    data = {"item": ["b", "a", "b", "a\0"]}
    with Flask(__name__).test_request_context("/?item=query", method="POST", data=data):
        assert posted_list("item") == ["b", "a"]
        assert posted_list("other") == []


def test_an_address_is_no_form() -> None:
    with Flask(__name__).test_request_context("/?reason=from+the+address", method="POST"):
        assert posted("reason") == ""


def test_no_form_of_the_site_takes_a_nul_character(site: Flask, as_person: Callable[[str], Visitor]) -> None:
    person, tried = as_person("admin"), 0
    for rule in site.url_map.iter_rules():
        if "POST" not in (rule.methods or ()):
            continue
        with site.test_request_context():
            path = url_for(rule.endpoint, **dict.fromkeys(rule.arguments, 1))
        refused = rule.endpoint.partition(".")[0] not in READ_HERE and rule.endpoint not in JUDGED
        for name in ("reason", "subject", "for_username", "idempotency_key", "na\0me"):
            answer = person.post(path, {name: "x\0y"})
            assert answer.status_code < 500, (path, name)
            if refused and answer.status_code != 403:
                assert answer.status_code == 422, (path, name)
                tried += 1
    assert tried > 50


def test_who_answers_for_nul_characters_beside_the_field_reads_every_field_so() -> None:
    for name in READ_HERE:
        source = (Path(osm_flow.__file__).parent / "web" / "pages" / f"{name}.py").read_text(encoding="utf-8")
        assert not re.findall(r"request\.form(?:\.get|\.items|\[)", source), name
