"""What the program writes down about itself: one line of JSON for each event, or lines for a person at a terminal.

A line is one event whatever stands in it: a name, an address or a traceback never begins another one.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal, TextIO

LogFormat = Literal["auto", "json", "text"]

# Who asks for what, from where: set where a request begins, and forgotten where it ends.
_ABOUT: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)
# Signs that end a line somewhere, turn its direction or move a terminal's cursor, and halves of signs.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


# What PostgreSQL quotes in an error: the row that it refused with all that stands in it, or a text that it could not read.
_ENDS = r"(?=\n(?:HINT|CONTEXT|WHERE|QUERY|LINE \d+|DETAIL|\[SQL|\(Background|\n)|\Z)"
_QUOTED = re.compile(rf"(\nDETAIL:  |invalid input [\w ]+: ).*?{_ENDS}", re.DOTALL)


def about(**fields: str) -> None:
    """From here on, every line of this thread says this too."""
    _ABOUT.set({**(_ABOUT.get() or {}), **fields})


def forget() -> None:
    """The lines that follow say nothing of what was before."""
    _ABOUT.set(None)


def without_rows(text: str) -> str:
    """The text of an error without the values that the database quotes in it: somebody typed them."""
    return _QUOTED.sub(r"\1…", text)


def asking_address() -> str:
    """The address from which the request came that is being answered; nothing where there is none."""
    return (_ABOUT.get() or {}).get("address", "")


def one_line(text: str) -> str:
    """The text with every sign written out that could begin a line, or hide one."""
    return _UNSAFE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


class JsonLines(logging.Formatter):
    """One JSON object on one line: `time` (UTC), `level`, `logger`, `message`, what is known of the request, `traceback`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of the record."""
        fields = {
            "time": _instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": without_rows(record.getMessage()),
            **_known(record),
        }
        if record.exc_info:
            fields["traceback"] = without_rows(self.formatException(record.exc_info))
        return one_line(json.dumps(fields, ensure_ascii=False))


class PlainLines(logging.Formatter):
    """A line for people; a traceback follows it indented, so that nothing in it looks like a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of the record, and its traceback."""
        known = " ".join(f"{name}={value}" for name, value in _known(record).items())
        told = one_line(f"{_instant(record)} {record.levelname} {record.name} {without_rows(record.getMessage())}")
        lines = [f"{told} ({one_line(known)})" if known else told]
        if record.exc_info:
            traceback = without_rows(self.formatException(record.exc_info))
            lines += [f"    {one_line(line)}" for line in traceback.splitlines()]
        return "\n".join(lines)


def configure(wanted: LogFormat, stream: TextIO | None = None) -> None:
    """Write to standard error from here on; `auto` is JSON unless somebody reads along at a terminal.

    A program that runs this one inside itself has a log of its own, which stays.
    """
    root, stream = logging.getLogger(), stream or sys.stderr
    ours = [handler for handler in root.handlers if isinstance(handler.formatter, JsonLines | PlainLines)]
    if len(ours) < len(root.handlers):
        return
    is_plain = wanted == "text" or (wanted == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines() if is_plain else JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for library in ("alembic", "apscheduler", "spiff", "waitress.queue"):
        logging.getLogger(library).setLevel(logging.WARNING)


def _known(record: logging.LogRecord) -> dict[str, str]:
    reference = getattr(record, "reference", "")
    return {**({"reference": reference} if reference else {}), **(_ABOUT.get() or {})}


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
