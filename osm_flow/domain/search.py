"""Normalising text for the search: one spelling for what people type in several, and for what PDFs make of it.

The same normal form is kept and asked for. It is for finding only: what people typed is kept as they typed it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from osm_flow.domain.calendar.thai_dates import (
    MONTHS_ENGLISH,
    MONTHS_ENGLISH_LONG,
    MONTHS_LONG,
    MONTHS_SHORT,
    MONTHS_SPOKEN,
    WEEKDAYS,
    parse_thai_date,
)

# Signs without a shape: controls, soft hyphens, zero-width and direction signs, variation selectors, tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\uf873-\uf875\U000e0000-\U000e0fff\ud800-\udfff]"
)
# Fonts for Thai keep narrow and lowered forms in the private use area, and PDFs give them out: U+F700 to U+F71A, in order.
_SHAPED = dict(enumerate("ฐิีึื่้๊๋์่้๊๋์ญัํ็่้๊๋์ฺุู", start=0xF700)) | {ord("ๅ"): "า"}
# Of these, those behind which letters seem to stand elsewhere than they do. Neither Thai nor English needs one.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# A blank of a script, and no blank to anything that looks for blanks.
_BRAILLE_BLANK = "\u2800"
# Blanks, controls, and marks that need a letter.
_NOT_SEEN_ALONE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"})
_CONTROLS = frozenset({"Cc", "Zl", "Zp"})
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")

_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
_TONES = "\u0e48-\u0e4b"
_NIKHAHIT, _SARA_AA, _SARA_AM = "\u0e4d", "\u0e32", "\u0e33"
_SPELLINGS = (
    # PDFs lose the ring of SARA AM and leave a blank before what is left of it; no word begins with SARA AA.
    (re.compile(f"([ก-ฮ][{_TONES}]?) ([{_TONES}]?){_SARA_AA}"), rf"\1\2{_SARA_AM}"),
    # No word begins with a mark, with SARA A, AA or AM, nor ends with a vowel that is written first.
    (re.compile(f" (?=[{_MARKS}ะาำ])"), ""),
    (re.compile("([เแโใไ]) (?=[ก-ฮ])"), r"\1"),
    (re.compile("เเ"), "แ"),
    # ๆ and ฯ belong to the word before them, with a blank or without.
    (re.compile(" (?=[ๆฯ])"), ""),
)
# SARA AM in two pieces comes in every order: NIKHAHIT before SARA AA and behind it, tones on either side.
# One sign alone has no order.
_CLUSTER = re.compile(f"[{_MARKS}{_SARA_AA}]{{2,}}")
# What stands in place of satang behind an amount: 24,000,000.- and 24,000,000/-.
_NO_SATANG = re.compile(r"(?<=\d)(?:[./][-–—])+(?!\d)")
_GROUPED = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d,])")
_DECIMALS = re.compile(r"(?<![\d.])(\d+)(?:\.0+|(\.\d*[1-9])0+)(?![\d.])")

# A number in groups, as those of telephones and identity cards are written. Short ones are spans: 1-5, 2569-2570.
_IN_GROUPS = re.compile("[0-9]+(?:[-\u2010-\u2015\u2212() ]{1,3}[0-9]+)+")
_BETWEEN_GROUPS = re.compile("[^0-9]")
_FEWEST_KEPT, _FEWEST_ASKED = 9, 6

_MONTHS = "|".join(
    sorted(
        {
            re.escape(name).replace(r"\.", r"\.?")
            for names in (MONTHS_SHORT, MONTHS_LONG, MONTHS_SPOKEN, map(str.lower, MONTHS_ENGLISH), MONTHS_ENGLISH_LONG)
            for name in names
        },
        key=len,
        reverse=True,
    )
)
_DATE = re.compile(
    r"(?<![\d.,/-])(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2} ?([/.-]) ?\d{1,2} ?\1 ?(?:\d{4}|\d{2})"
    rf"|\d{{1,2}} ?(?:เดือน ?)?(?:{_MONTHS}) ?(?:[พค]\.? ?ศ\.?|พุทธศักราช|คริสต์ศักราช)? ?(?:\d{{4}}|\d{{2}}))(?![\d/-]|[.,]\d)"
)
# What stands before a day and belongs to it: วันที่ 20/11/2569, วันศุกร์ที่ 20 พ.ย. 2569. Who asks for the day means the day.
_BEFORE_A_DAY = re.compile(
    rf"^(?:วัน)?(?:{'|'.join(name.removeprefix('วัน') for name in WEEKDAYS)})? ?(?:ที่)? ?(?=\d{{4}}-\d\d-\d\d)"
)


def seen(text: str) -> str:
    """The text as one sees it: without signs that have no shape, full-width and shaped letters as plain ones."""
    plain = unicodedata.normalize("NFKC", _UNSEEN.sub("", text).translate(_SHAPED))
    return _CLUSTER.sub(_ordered, plain)


def visible(text: str) -> str:
    """A name as it is kept: without signs that have no shape or turn the direction of letters, with single blanks."""
    return " ".join(_UNSEEN.sub("", text.replace(_BRAILLE_BLANK, " ")).split())


def straight(text: str) -> str:
    """A text as it is kept: without signs that turn the direction of letters; all others that were typed stay."""
    return _TURNING.sub("", text)


def is_one_line(text: str) -> bool:
    """Whether the text, without the blanks around it, has no line break, tab or other control in it."""
    return not any(unicodedata.category(char) in _CONTROLS for char in text.strip())


def says_nothing(text: str) -> bool:
    """Whether nobody would see a letter, a digit or a sign in the text, whatever characters stand in it."""
    return all(unicodedata.category(char) in _NOT_SEEN_ALONE for char in visible(text))


def searchable(*texts: str | None) -> str:
    """The texts joined and normalised, as they are kept for the search.

    Once more where there are dates, as numbers, and once more where there are numbers in groups, as their digits alone.
    """
    plain = _normal(*texts)
    return "\n".join(dict.fromkeys([plain, _DATE.sub(_as_numbers, plain), _ungrouped(plain, _FEWEST_KEPT)]))


def asked(text: str | None) -> list[str]:
    """What is looked for in what `searchable` kept: any of these is it. Nothing for a text in which nothing is seen."""
    plain = _normal(text)
    dated = _DATE.sub(_as_numbers, plain)
    spelled = [plain, dated, _BEFORE_A_DAY.sub("", dated), _ungrouped(plain, _FEWEST_ASKED)]
    return list(dict.fromkeys(spelled)) if plain else []


def holds_words(text: str, words: str) -> bool:
    """Whether the words stand in the text, however either is spelled."""
    kept = searchable(text)
    return any(wanted in kept for wanted in asked(words))


def typed_text(value: object) -> str:
    """The texts and numbers in a JSON value, normalised, one a line, so that no match runs over two of them."""
    return "\n".join(dict.fromkeys(text for text in map(searchable, _leaves(value)) if text))


def _normal(*texts: str | None) -> str:
    joined = " ".join(seen(" ".join(text for text in texts if text)).casefold().translate(_THAI_DIGITS).split())
    joined = _NO_SATANG.sub("", joined)
    for pattern, replacement in _SPELLINGS:
        joined = pattern.sub(replacement, joined)
    joined = _CLUSTER.sub(_ordered, joined.replace(_SARA_AM, _NIKHAHIT + _SARA_AA))
    joined = _GROUPED.sub(lambda number: number[0].replace(",", ""), joined)
    return _DECIMALS.sub(lambda number: number[1] + (number[2] or ""), joined)


def _ordered(cluster: re.Match[str]) -> str:
    """The marks over and under one letter, each once, vowels before tones; NIKHAHIT and SARA AA are SARA AM."""
    vowel = _SARA_AA * cluster[0].count(_SARA_AA)
    marks = set(cluster[0]) - {_SARA_AA}
    if vowel and _NIKHAHIT in marks:
        marks.remove(_NIKHAHIT)
        vowel = _SARA_AM
    return "".join(sorted(marks, key=_place)) + vowel


def _place(mark: str) -> tuple[bool, str]:
    return "\u0e48" <= mark <= "\u0e4c", mark


def _ungrouped(plain: str, fewest: int) -> str:
    """The text with the digits of each number in groups side by side, if the number has at least so many."""

    def digits_of(number: re.Match[str]) -> str:
        digits = _BETWEEN_GROUPS.sub("", number[0])
        return digits if len(digits) >= fewest else number[0]

    return _IN_GROUPS.sub(digits_of, plain)


def _as_numbers(written: re.Match[str]) -> str:
    try:
        return parse_thai_date(written[0]).isoformat()
    except ValueError:
        return written[0]


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield str(value)
