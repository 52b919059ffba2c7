"""Finding words in what is kept, however they were spelled there: with signs that nobody sees, marks in another order, from PDFs.

Databases cannot normalise text. They are asked for what may hold the words, by letters that every spelling has, and what
they give is read here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote_plus

from sqlalchemy import ColumnElement, inspect, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.search import asked, holds_words, typed_text
from osm_flow.store.database import Model

# Letters of which fonts for Thai have a second form, which PDFs give out under another code.
_SHAPED = frozenset("ญฐ")
_ROWS = 500


def may_hold(column: ColumnElement[str] | InstrumentedAttribute[Any], words: str) -> ColumnElement[bool]:
    """A condition that is true of every text that has these words, as typed or in an address, and of a few others."""
    letters = [letter for letter in next(iter(asked(words)), "") if _is_in_every_spelling(letter)]
    if not letters:
        return true()
    written = (letters, map(quote, letters), (json.dumps(letter)[1:-1] for letter in letters))
    patterns = {"%".join(map(_escaped, spelled)) for spelled in written}
    return or_(*(column.ilike(f"%{pattern}%", escape="\\") for pattern in sorted(patterns)))


def has_words(text: str | None, words: str) -> bool:
    """Whether the words stand in this text: plainly, in an address, or as a value of JSON."""
    return any(holds_words(plain, words) for plain in _readings(text or ""))


def keys_with(
    session: Session, model: type[Model], columns: tuple[InstrumentedAttribute[Any], ...], words: str, *conditions: Any
) -> Iterator[list[Any]]:
    """The primary keys of the rows that have the words in one of these columns, some at a time."""
    key = next(iter(inspect(model).primary_key))
    wanted = select(key, *columns).where(or_(*(may_hold(column, words) for column in columns)), *conditions)
    rows = session.execute(wanted.execution_options(yield_per=_ROWS))
    found = [row[0] for row in rows if any(has_words(text, words) for text in row[1:])]
    for start in range(0, len(found), _ROWS):
        yield found[start : start + _ROWS]


def _is_in_every_spelling(letter: str) -> bool:
    return ("ก" <= letter <= "ฮ" and letter not in _SHAPED) or (letter.isascii() and letter.isalpha())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _readings(text: str) -> Iterator[str]:
    yield text
    if "%" in text or "+" in text:
        yield unquote_plus(text)
    if text[:1] in {"{", "["}:
        try:
            yield typed_text(json.loads(text))
        except ValueError:
            return
