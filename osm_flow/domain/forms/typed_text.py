"""Reading what a person types or pastes as a JSON value, and showing that value: Thai dates, money, Thai digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from osm_flow.domain.calendar.deadlines import BANGKOK
from osm_flow.domain.calendar.thai_dates import (
    BUDDHIST_OFFSET,
    DayRefused,
    arabic_digits,
    english_date,
    parse_thai_date,
    thai_date,
    without_time,
)
from osm_flow.domain.forms.amounts import NoAmount, amount_of, plain_figure
from osm_flow.domain.forms.schema import (
    FIRST_YEAR,
    LAST_YEAR,
    Message,
    choices_of,
    columns_of,
    decimals_of,
    label_of,
    widget_of,
)
from osm_flow.domain.forms.scope import exact
from osm_flow.domain.json import JSON
from osm_flow.domain.search import seen, straight

_EXACT_DIGITS = 15
# SARA AM in two pieces, in either order, with the tone before, between or behind them.
_SPLIT_SARA_AM = re.compile("\u0e4d([\u0e48-\u0e4b]?)\u0e32|\u0e32([\u0e48-\u0e4b]?)\u0e4d([\u0e48-\u0e4b]?)")
_TONE_BEHIND_SARA_AM = re.compile("\u0e33([\u0e48-\u0e4b])")
_YEAR = re.compile(r"\d{4}")
_QUOTED_CELL = re.compile(r'"((?:[^"]|"")*)"(?=[\t\n]|\Z)')
_CELL_END = re.compile(r"[\t\n]")
_CHRISTIAN_YEAR = re.compile(r"\D(1[89]\d\d|2[01]\d\d)\s*$")
_DATED_TIME = re.compile(r"(.*\d)(?:T|(?:\s*,\s*|\s+)(?:เวลา\s*)?)(\d{1,2})[:.](\d{2})(?::\d{2})?\s*(?:น\.?|นาฬิกา)?")
_TRUE = frozenset({"true", "1", "on", "yes", "y", "ใช่", "มี", "✓"})
_FALSE = frozenset({"false", "0", "off", "no", "n", "ไม่ใช่", "ไม่มี", "ไม่"})


class Unreadable(ValueError):
    """The text that was typed cannot be read as a value of the field; `message` says what is expected."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


def read_text(field: JSON, typed: str) -> Any:
    """The JSON value of what was typed into a scalar field. Raises Unreadable with a sentence for the person."""
    kind = field["type"]
    if kind == "string":
        widget = widget_of(field)
        if widget == "date":
            return read_date(typed).isoformat()
        if widget == "datetime":
            return read_instant(typed)
        text = clean_text(typed)
        # What the case says is sent back as it is, or it would not be the same any more.
        text = text if _is_of_the_case(field) else straight(text)
        return text if widget == "textarea" else " ".join(text.splitlines())
    if kind == "boolean":
        return _read_boolean(typed)
    return read_number(field, typed)


def _is_of_the_case(field: JSON) -> bool:
    return bool(field.get("readOnly")) or not field.keys().isdisjoint({"x-ref", "x-enum", "enum"})


def clean_text(typed: str) -> str:
    """The text as it is kept: one kind of line end, no blanks around, Thai vowels in the order that searching finds."""
    text = unicodedata.normalize("NFC", typed.replace("\r\n", "\n").replace("\r", "\n")).strip()
    text = _SPLIT_SARA_AM.sub("\\1\\2\\3\u0e33", text)
    return _TONE_BEHIND_SARA_AM.sub("\\1\u0e33", text)


def read_date(typed: str) -> date:
    """The day typed as `20/11/2569`, `20 พ.ย. 2569` or `2026-11-20`; a Christian year in a Thai date is asked back."""
    plain = without_time(" ".join(arabic_digits(seen(typed)).split()))
    christian = _CHRISTIAN_YEAR.search(plain)
    if christian:
        raise Unreadable(
            Message("Write the year in the Buddhist era, for example {year}.", year=int(christian[1]) + 543)
        )
    try:
        day = parse_thai_date(plain)
    except DayRefused as refusal:
        raise Unreadable(Message(refusal.sentence)) from None
    except ValueError:
        raise Unreadable(Message("Write the date as day/month/year, for example 20/11/2569.")) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        first, last = FIRST_YEAR + BUDDHIST_OFFSET, LAST_YEAR + BUDDHIST_OFFSET
        raise Unreadable(Message("The year must be one from {first} to {last}.", first=first, last=last))
    return day


def read_instant(typed: str) -> str:
    """The instant in UTC of a day with a time typed as Thai time."""
    plain = " ".join(arabic_digits(seen(typed)).split())
    match = _DATED_TIME.fullmatch(plain)
    try:
        if not match:
            raise ValueError(plain)
        day = read_date(match[1])
        local = datetime(day.year, day.month, day.day, int(match[2]), int(match[3]), tzinfo=BANGKOK)
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except Unreadable:
        raise
    except (ValueError, OverflowError):
        raise Unreadable(Message("Write date and time, for example 20/11/2569 09:30.")) from None


def read_number(field: JSON, typed: str) -> int | float:
    """The number that a person typed, as Thai papers write it.

    Thai digits, separators of thousands, a baht or percent sign, `1,250,000.-`, `1,250,000/-`, `1,250,000 บาทถ้วน`, `1.25 ล้านบาท` and
    the same amount in words in brackets are fine.
    """
    if widget_of(field) == "fiscal_year" and not _YEAR.fullmatch(plain_figure(typed)):
        raise Unreadable(Message("Write a Buddhist year of four digits, for example 2571."))
    try:
        number = amount_of(typed)
    except NoAmount as refusal:
        raise Unreadable(refusal.message or Message("Write a number, for example 1,250,000.00.")) from None
    if number == number.to_integral_value():
        return int(number)
    if decimals_of(field) == 0:
        raise Unreadable(Message("A whole number is expected here."))
    if len(number.normalize().as_tuple().digits) > _EXACT_DIGITS:
        raise Unreadable(Message("This number has more digits than can be kept exactly."))
    return float(number)


def _read_boolean(typed: str) -> bool:
    plain = seen(typed).strip().casefold()
    if plain in _TRUE:
        return True
    if plain in _FALSE:
        return False
    raise Unreadable(Message("Yes or no is expected here."))


def show_text(field: JSON, value: Any) -> str:
    """The value as it stands in the input of a page, so that reading it back gives the same value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if exact(value) is not None:
        return show_number(field, value)
    text = printable(str(value))
    widget = widget_of(field)
    if widget not in ("date", "datetime"):
        return text
    try:
        return _typed_date(text) if widget == "date" else _typed_instant(text)
    except (ValueError, OverflowError):
        return text


def show_number(field: JSON, value: int | float) -> str:
    """The number as text: money with separators and two decimals, anything else plainly."""
    number = exact(value) or Decimal(0)
    if widget_of(field) == "money":
        return f"{number:,.2f}"
    return f"{number:f}" if number != number.to_integral_value() else f"{int(number)}"


def _typed_date(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day}/{day.month}/{day.year + 543}"


def _typed_instant(text: str) -> str:
    local = datetime.fromisoformat(text).astimezone(BANGKOK)
    return f"{local.day}/{local.month}/{local.year + 543} {local:%H:%M}"


def display_text(field: JSON, value: Any, locale: str = "th") -> str:
    """The value as it reads in a document: dates in words, numbers with separators, options by their names."""
    for option in choices_of(field):
        if option["value"] == value:
            return label_of(option, locale)
    if isinstance(value, bool):
        return {"th": ("ไม่ใช่", "ใช่"), "en": ("No", "Yes")}["en" if locale == "en" else "th"][value]
    if field.get("type") == "number" and exact(value) is not None and widget_of(field) != "money":
        return f"{exact(value):,f}"
    try:
        if widget_of(field) == "date":
            return _read_date_words(date.fromisoformat(str(value)), locale)
        if widget_of(field) == "datetime":
            local = datetime.fromisoformat(str(value)).astimezone(BANGKOK)
            clock = f"{local:%H:%M}" if locale == "en" else f"{local:%H:%M} น."
            return f"{_read_date_words(local.date(), locale)} {clock}"
    except (ValueError, OverflowError):
        return printable(str(value))
    return show_text(field, value)


def _read_date_words(day: date, locale: str) -> str:
    return english_date(day) if locale == "en" else thai_date(day)


def printable(text: str) -> str:
    """The text without what no page can carry (control characters, halves of surrogate pairs)."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "\ufffd", text)


def read_pasted(field: JSON, pasted: str, locale: str = "th") -> list[dict[str, str]]:
    """The cells of rows pasted from a spreadsheet, by column in the order of the table; a heading row is passed over.

    Columns that people cannot change are pasted too, so that a copied table comes back whole. Raises Unreadable.
    """
    names = list(columns_of(field))
    headings = {label_of(column, language) for column in columns_of(field).values() for language in ("th", "en")}
    lines = [line for line in cells_of(pasted) if any(cell.strip() for cell in line)]
    if lines and lines[0] and all(cell.strip() in headings for cell in lines[0] if cell.strip()):
        lines = lines[1:]
    if any(len(_trimmed(line)) > len(names) for line in lines):
        raise Unreadable(Message("The pasted rows have more than {limit} columns.", limit=len(names)))
    return [dict(zip(names, (cell.strip() for cell in line), strict=False)) for line in lines]


def cells_of(pasted: str) -> list[list[str]]:
    """The cells of what a spreadsheet put on the clipboard: the same rule as in `forms.js`, held to one table of cases.

    A quote opens a quoted cell only where a cell begins, and only if its closing quote ends the cell; any other quote was
    typed: `"สระ" บ้านเหนือ` is a name.
    """
    text = re.sub(r"\r\n?", "\n", pasted).rstrip("\n")
    rows: list[list[str]] = [[]]
    at = 0
    while at <= len(text):
        if quoted := _QUOTED_CELL.match(text, at):
            cell, at = quoted[1].replace('""', '"'), quoted.end()
        else:
            end = _CELL_END.search(text, at)
            stop = end.start() if end else len(text)
            cell, at = text[at:stop], stop
        rows[-1].append(cell)
        if text[at : at + 1] == "\n":
            rows.append([])
        at += 1
    return rows


def _trimmed(line: Sequence[str]) -> Sequence[str]:
    length = max((index for index, cell in enumerate(line, start=1) if cell.strip()), default=0)
    return line[:length]
