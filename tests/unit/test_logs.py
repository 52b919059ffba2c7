"""What the program writes down about itself: one event a line, whatever stands in it."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow import logs
from osm_flow.logs import JsonLines, PlainLines

FORGED = (
    '\n{"time": "x", "level": "INFO", "message": "admin signed in"}\r\n\u2028\u2029\x85\x0b\x0c\x1c\x1b[1A\u202e\ud800'
)


@pytest.fixture(autouse=True)
def nobody_asks() -> Iterator[None]:
    logs.forget()
    yield
    logs.forget()


def record(message: str, *values: object, error: BaseException | None = None, **more: object) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("osm", logging.ERROR, __file__, 1, message, values, info)
    made.created = 1_795_996_800.5
    made.__dict__.update(more)
    return made


def test_a_line_says_when_in_utc_what_and_who() -> None:
    logs.about(address="10.0.0.1", request="GET /x")
    logs.about(person="somsri")

    line = JsonLines().format(record("failed %s", "ก", reference="AB12"))

    assert json.loads(line) == {
        "time": "2026-11-30T00:00:00.500000Z",
        "level": "ERROR",
        "logger": "osm",
        "message": "failed ก",
        "reference": "AB12",
        "address": "10.0.0.1",
        "request": "GET /x",
        "person": "somsri",
    }
    assert "ก" in line


@given(text=st.one_of(st.text(), st.text(st.sampled_from(FORGED))))
def test_nothing_begins_a_line_of_its_own(text: str) -> None:
    logs.about(address=text, person=text, request=f"GET {text}")
    made = record("%s", text, error=ValueError(text), reference=text)

    structured, plain = JsonLines().format(made), PlainLines().format(made)

    assert len(structured.splitlines()) == 1
    entry = json.loads(structured)
    assert [entry[name] for name in ("message", "address", "person")] == [text] * 3
    first, *rest = plain.splitlines()
    assert first.startswith("2026-11-30T00:00:00.500000Z ERROR osm ")
    assert all(line.startswith("    ") for line in rest)
    for line in (structured, plain):
        line.encode("utf-8")
        assert not set(line.replace("\n", "")) & set(FORGED.translate(dict.fromkeys(range(0x20, 0x7F))))


def test_a_traceback_is_text_in_its_line() -> None:
    try:
        raise ZeroDivisionError(FORGED)
    except ZeroDivisionError as error:
        line = JsonLines().format(record("broken", error=error))

    told = json.loads(line)["traceback"]
    assert told.startswith("Traceback (most recent call last):\n")
    assert "ZeroDivisionError" in told


def test_what_was_known_of_a_request_is_forgotten() -> None:
    logs.about(person="somsri")
    logs.forget()

    assert "person" not in json.loads(JsonLines().format(record("x")))
    assert PlainLines().format(record("x")) == "2026-11-30T00:00:00.500000Z ERROR osm x"


class Terminal(io.StringIO):
    """Something that says of itself that a person reads along."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("wanted", "stream", "is_json"),
    [
        ("auto", io.StringIO(), True),
        ("auto", Terminal(), False),
        ("json", Terminal(), True),
        ("text", io.StringIO(), False),
    ],
)
def test_a_person_at_a_terminal_gets_lines_to_read(wanted: logs.LogFormat, stream: io.StringIO, is_json: bool) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        root.handlers = []  # what pytest put there stays open
        logs.configure(wanted, stream)
        logging.getLogger("x").warning("said\nforged")
    finally:
        root.handlers = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)

    assert stream.getvalue().startswith("{") == is_json
    assert len(stream.getvalue().splitlines()) == 1
    assert sys.stderr is not stream
