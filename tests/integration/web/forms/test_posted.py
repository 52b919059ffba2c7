"""Single fields of a posted form."""

from __future__ import annotations

from flask import Flask

from osm_flow.web.forms.posted import posted, posted_list


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
