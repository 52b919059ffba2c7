"""Single fields of a posted form."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask, url_for

from osm_flow.resources import resource_dir
from osm_flow.web.forms.posted import posted, posted_list
from osm_flow.web.site.errors import NEVER_SHOWN
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


def test_no_form_of_the_site_takes_a_nul_character_and_none_loses_what_was_typed(
    site: Flask, as_person: Callable[[str], Visitor]
) -> None:
    person, tried = as_person("admin"), 0
    places = {"act": "suspend"}
    for rule in site.url_map.iter_rules():
        if "POST" not in (rule.methods or ()):
            continue
        with site.test_request_context():
            path = url_for(rule.endpoint, **{name: places.get(name, 1) for name in rule.arguments})
        for name in ("reason", "subject", "for_username", "idempotency_key", "text", "na\0me"):
            answer = person.post(path, {name: "x\0y", "letter": "ตามหนังสือ\nที่ 7", "password": "a long secret"})
            assert answer.status_code in (403, 422), (path, name)
            if answer.status_code == 422:
                assert "ตามหนังสือ\nที่ 7" in html.unescape(answer.text), (path, name)
                assert "a long secret" not in answer.text, (path, name)
                tried += 1
    assert tried > 100


@pytest.mark.parametrize("name", ["รายงาน.pdf".encode("cp874"), "Übersicht.pdf".encode("latin-1"), b"\xff\xfe.pdf"])
def test_a_file_whose_name_cannot_be_read_is_said_so_and_no_page_is_called_too_old(
    as_person: Callable[[str], Visitor], name: bytes
) -> None:
    person = as_person("admin")
    head = b'--border\r\nContent-Disposition: form-data; name="'
    body = head + b'csrf_token"\r\n\r\n' + person.token().encode() + b"\r\n"
    body += head + b'files"; filename="' + name + b'"\r\n\r\n%PDF-1.4\r\n--border--\r\n'

    answer = person.client.post("/definitions", data=body, content_type="multipart/form-data; boundary=border")

    assert answer.status_code == 400
    assert "อ่านสิ่งที่ส่งมาไม่ได้ อาจเป็นเพราะชื่อไฟล์" in html.unescape(answer.text)


def test_no_password_is_ever_shown_again() -> None:
    """Whatever field of a template is one for passwords."""
    templates = resource_dir("templates").rglob("*.html")
    secret = {
        name
        for template in templates
        for line in template.read_text(encoding="utf-8").splitlines()
        if 'type="password"' in line
        for name in re.findall(r'field\("(\w+)"|name="(\w+)"', line)[0]
        if name
    }

    assert {"password", "current", "new", "again"} <= secret <= NEVER_SHOWN
