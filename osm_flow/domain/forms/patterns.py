"""Patterns of forms, tried in a time that grows with the text alone: no pattern and no text keeps the site waiting.

They are read by RE2, which never tries a text in a second way. What classes mean is what they meant under Python's own
engine: digits and letters of every script, Thai ones among them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

# An escape, the beginning of a class with a `]` that ends nothing yet, or a single sign.
_SIGN = re.compile(r"\\u([0-9A-Fa-f]{4})|\\(.)|(\[\^?\]?)|(.)", re.DOTALL)
_CLASSES = {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": r"\s\v\x{1c}-\x{1f}\x{85}\p{Z}"}
_OUTSIDE = {"d": r"\p{Nd}", "D": r"\P{Nd}", "Z": r"\z"}
_INSIDE = {"d": _CLASSES["d"], "D": r"\P{Nd}", "w": _CLASSES["w"], "s": _CLASSES["s"]}
# Where a word begins and ends RE2 knows of Latin letters only; what is none of several inside a class it cannot say.
_UNKNOWN_OUTSIDE, _UNKNOWN_INSIDE = frozenset("bB"), frozenset("WSbB")
_MEMORY = 4 * 1024 * 1024


class PatternRefused(ValueError):
    """The pattern cannot be tried in a time that is sure."""


def refuse(pattern: str) -> None:
    """Raises PatternRefused for what needs looking ahead or back, repeats what an earlier group found, or is too large."""
    _compiled(pattern)


def fits(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the text.

    A form that was deployed before patterns had to be linear is judged as it was then.
    """
    try:
        readable = _compiled(pattern)
    except PatternRefused:
        return re.search(pattern, text) is not None
    return readable.search(text.encode("utf-8", "replace").decode()) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors, options.max_mem = False, _MEMORY
    try:
        return re2.compile(_spelled(pattern), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        raise PatternRefused(reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)) from None


def _spelled(pattern: str) -> str:
    """The pattern as RE2 has to be told it so that it means the same."""
    written, is_inside = "", False
    for match in _SIGN.finditer(pattern):
        code, escaped, opening, sign = match.groups()
        if code is not None:
            written += rf"\x{{{code}}}"
        elif escaped is not None:
            written += _escape(escaped, is_inside=is_inside)
        elif opening is not None:
            # Inside a class a bracket is a sign like others, and one right after it may end the class.
            written += opening if not is_inside else "".join(f"\\{one}" if one == "[" else one for one in opening)
            is_inside = not (is_inside and opening.endswith("]"))
        else:
            written += sign
            is_inside = is_inside and sign != "]"
    return written


def _escape(letter: str, *, is_inside: bool) -> str:
    if letter in (_UNKNOWN_INSIDE if is_inside else _UNKNOWN_OUTSIDE):
        raise PatternRefused(f"\\{letter} is not known here")
    if is_inside:
        return _INSIDE.get(letter, f"\\{letter}")
    if letter in ("w", "s"):
        return f"[{_CLASSES[letter]}]"
    if letter in ("W", "S"):
        return f"[^{_CLASSES[letter.lower()]}]"
    return _OUTSIDE.get(letter, f"\\{letter}")
