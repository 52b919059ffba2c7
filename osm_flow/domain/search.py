"""Normalising text for the search: one spelling for what people type in several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_SPELLINGS = (
    # NIKHAHIT and SARA AA typed apart, around a tone mark or not, are SARA AM; no Unicode normal form joins them.
    (re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32"), "\\1\u0e33"),
    (re.compile("([\u0e48-\u0e4b])\u0e4d\u0e32"), "\\1\u0e33"),
    (re.compile("\u0e33([\u0e48-\u0e4b])"), "\\1\u0e33"),
    (re.compile("\u0e40\u0e40"), "\u0e41"),
    (re.compile(r"\s+"), " "),
)
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


def searchable(*texts: str | None) -> str:
    """The texts joined and normalised; for what is kept and for what is looked for."""
    joined = unicodedata.normalize("NFC", " ".join(text for text in texts if text)).casefold().translate(_THAI_DIGITS)
    for pattern, replacement in _SPELLINGS:
        joined = pattern.sub(replacement, joined)
    return joined.replace("\0", "").strip()


def typed_text(value: object) -> str:
    """The texts and numbers in a JSON value, normalised, one a line, so that no match runs over two of them."""
    return "\n".join(dict.fromkeys(text for text in map(searchable, _leaves(value)) if text))


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield str(value)
