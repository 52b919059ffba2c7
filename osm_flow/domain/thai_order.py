"""The order of Thai names: by consonants, then vowels, and by tones only where all else is equal.

The rules are those of the Royal Institute's dictionary: a vowel that is written before its consonant is read after it.
No database's collation is asked, because the two differ and one knows no Thai.
"""

from __future__ import annotations

import re

from osm_flow.domain.search import seen

_WRITTEN_FIRST = re.compile("([เแโใไ])([ก-ฮ])")
_MARK = re.compile("[\u0e47-\u0e4e]")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")

OrderKey = tuple[str, tuple[tuple[int, str], ...], str]


def thai_order(text: str) -> OrderKey:
    """What to sort a name by: its letters, then where which mark stands over them, then how it is written."""
    letters = _WRITTEN_FIRST.sub(r"\2\1", seen(text).casefold().translate(_THAI_DIGITS).strip())
    return _MARK.sub("", letters), _marks(letters), text


def _marks(letters: str) -> tuple[tuple[int, str], ...]:
    """Every mark with the place of its letter counted from the end: no mark comes before one, and an earlier one weighs more."""
    found: list[tuple[int, str]] = []
    place = 0
    for letter in letters:
        if _MARK.match(letter):
            found.append((-place, letter))
        else:
            place += 1
    return tuple(found)
