"""A form that cannot be read is told in words of ours, in both languages."""

from __future__ import annotations

import pytest

from osm_flow.operations.definitions.deployments import read_form
from tests.unit.engine.sentences.test_habits import judged

HEAD = b"title: {th: x, en: x}\ntype: object\nadditionalProperties: false\n"
FORMS: dict[str, tuple[bytes, str]] = {
    "windows": ("title: {th: เรื่อง, en: x}".encode("cp874"), "save it as UTF-8"),
    "tab": (b"a:\n\tb: 1", "tabs (line 2)"),
    "bracket": (b"x: [", "not closed"),
    "quote": (b"a: 'x", "not closed"),
    "alias": (b"a: *x", "quotes"),
    "tag of Python": (b"a: !!python/object:os.x {}", "quotes"),
    "tag": (b"a: !foo x", "quotes"),
    "colon": (b"a: b: c", "colon"),
    "control": (b"a: \x01", "control sign"),
    "a list": (b"- a", "mapping"),
    "a text": (b"hello", "mapping"),
    "nothing": (b"", "mapping"),
    "deep": (b"[" * 200, "50 deep"),
    "merge": (b"<<: 5", "<<"),
    "no day": (b"a: 2026-99-99", "in quotes"),
    "no time": (b"a: !!timestamp z", "in quotes"),
    "no number": (b"a: !!int x", "in quotes"),
    "no decimal": (b"a: !!float y", "in quotes"),
    "no bytes": (b"a: !!binary 'x'", "written wrongly"),
    "two": (b"a: 1\n---\nb: 2", "one form"),
    "odd name": (b"? [a]\n: b", "name"),
    "surrogate": (b'a: "\\ud800"', ""),
    "fields": (HEAD + b"properties: 5", "properties must be a group"),
    "a field": (HEAD + b"properties: {a: 5}", "the field a must be"),
    "choices": (HEAD + b"properties: {a: {type: string, enum: 5}}", "enum must be a list"),
    "pattern": (HEAD + b"properties: {a: {type: string, pattern: '(', maxLength: 5}}", "bracket"),
    "length": (HEAD + b"properties: {a: {type: string, maxLength: x}}", "maxLength"),
    "required": (HEAD + b"required: 5\nproperties: {a: {type: string, maxLength: 5}}", ""),
}


@pytest.mark.parametrize("name", FORMS)
def test_it_is_told_in_our_words(name: str) -> None:
    content, words = FORMS[name]
    _, problems = read_form("f.yaml", content)
    judged(problems)
    assert any(words in problem.en for problem in problems), problems
