"""Reading one cell of a list as a value of a record: amounts, years, days, provinces and choices as Thai offices write them."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Literal

from osm_flow.domain.calendar.thai_dates import BUDDHIST_OFFSET, DayRefused, arabic_digits, parse_thai_date
from osm_flow.domain.forms.amounts import NoAmount, amount_of
from osm_flow.domain.forms.schema import FIRST_YEAR, LAST_YEAR, Message
from osm_flow.domain.forms.typed_text import clean_text
from osm_flow.domain.search import searchable, visible

ValueKind = Literal["text", "code", "money", "date", "year", "province", "choice"]

_NOTHING = frozenset({"", "-", "–", "—", "−", "--", "---", "n/a", "na", "ไม่มี", "ไม่ระบุ", ".", "..."})
_SATANG = Decimal("0.01")
_MOST_BAHT = Decimal(10) ** 12
# Nobody writes so much where the head says million baht: the cell is meant in baht.
_MOST_IN_MILLIONS = Decimal(100_000)
_MULTIPLE = re.compile("ล้าน|ลบ\\.")
_YEAR = re.compile(r"(?:ปี)?(?:งบประมาณ|งบฯ|งบ)?(?:พ\.?ศ\.?|ค\.?ศ\.?|fy)?(\d{4}|\d{2})", re.IGNORECASE)
_FIRST_YEAR, _LAST_YEAR = 2500, 2650
_FIRST_SHORT_YEAR = 40
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_BEFORE_PROVINCE = re.compile(r"^(?:จังหวัด|จว\.?|จ\.)")
# `ทุกจังหวัด`, `5 จังหวัด`.
_SEVERAL = re.compile(r"(?:ทุก|ทั้ง)?\d*จังหวัด|ทั้งกลุ่ม(?:จังหวัด)?|กลุ่มจังหวัด")
_SHORTEST_BEGINNING = 4
_FIRST_EXCEL_DAY, _LAST_EXCEL_DAY = 2400, 2700


class CellRefused(ValueError):
    """A cell says nothing that its column can take; `message` says why and what to do."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclasses.dataclass(frozen=True)
class ImportColumn:
    """A field that a column of a list may fill.

    heads       patterns of what such a column is called, spelled as `heads.spelled` spells.
    general     patterns that name it only where no other words of the head name a field.
    longest     how many characters a text may have.
    choices     the values of a choice, by the spelled words that mean them; `words` are those that people read.
    is_lenient  whether unknown words of a choice are left out and told, and do not refuse the row.
    """

    field: str
    kind: ValueKind
    heads: Sequence[str] = ()
    general: Sequence[str] = ()
    longest: int = 255
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    words: str = ""
    is_lenient: bool = False


@dataclasses.dataclass(frozen=True)
class CellRead:
    """What a cell says, and what was done to it that somebody may want to know."""

    value: Any
    note: Message | None = None


@lru_cache(maxsize=4096)
def shown(text: str) -> str:
    """The text of a cell as it is seen; lists say the same in many cells."""
    return visible(text)


@lru_cache(maxsize=4096)
def spelled_place(text: str) -> str:
    """The name of a province as names are compared: without the word province, blanks and dots."""
    plain = re.sub(r"\s", "", searchable(text).partition("\n")[0])
    return _BEFORE_PROVINCE.sub("", plain).replace(".", "")


def is_nothing(value: object) -> bool:
    """Whether a cell says that there is nothing: empty, a dash, `ไม่มี`."""
    return isinstance(value, str) and (value == "" or (len(value) < 12 and shown(value).casefold() in _NOTHING))


def read_cell(column: ImportColumn, value: Any, unit: int, provinces: Mapping[str, str]) -> CellRead:
    """The value of a cell for this field; None where it says nothing. Raises CellRefused."""
    if is_nothing(value):
        return CellRead(None)
    if isinstance(value, bool):
        raise CellRefused(Message("TRUE or FALSE stands here. Write what is meant."))
    match column.kind:
        case "money":
            return CellRead(read_amount(value, unit))
        case "year":
            return CellRead(read_year(value))
        case "date":
            return CellRead(read_day(value).isoformat())
        case "province":
            return _province(plain_text(value), provinces)
        case "choice":
            return _choice(column, plain_text(value))
    text = plain_text(value)
    if len(text) > column.longest:
        raise CellRefused(Message("The text is longer than {most} characters. Shorten it.", most=column.longest))
    hides = isinstance(value, str) and shown(value) != " ".join(value.split())
    return CellRead(text or None, Message("Characters that nobody can see were left out.") if hides else None)


def plain_text(value: Any) -> str:
    """What a cell says as a text on one line. Raises CellRefused for what no text can hold."""
    if isinstance(value, datetime | date | time | timedelta):
        raise CellRefused(Message("A date or time stands where a text is expected."))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _cleaned(str(value))


@lru_cache(maxsize=4096)
def _cleaned(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise CellRefused(Message("The cell has characters that no text can hold. Type it again."))
    return visible(clean_text(text))


def read_amount(value: Any, unit: int = 1) -> int | float:
    """An amount in baht, where the head says that the column is in this many baht. Raises CellRefused."""
    if isinstance(value, float) and not math.isfinite(value):
        raise CellRefused(Message("This is no amount. Write it as 1,250,000.00."))
    if isinstance(value, int | float):
        amount, times = Decimal(repr(value)), unit
        # What a program worked out has traces of binary fractions behind its digits.
        amount = amount.quantize(Decimal("1e-9")) if abs(amount) < _MOST_BAHT else amount
    elif isinstance(value, str):
        text = plain_text(value)
        if "%" in text:
            raise CellRefused(Message("A percentage stands where an amount is expected."))
        try:
            amount = amount_of(text)
        except NoAmount as refusal:
            raise CellRefused(refusal.message or Message("This is no amount. Write it as 1,250,000.00.")) from None
        times = 1 if _MULTIPLE.search(text) else unit
    else:
        raise CellRefused(Message("A date stands where an amount is expected."))
    return _in_baht(amount, times)


def _in_baht(amount: Decimal, times: int) -> int | float:
    if amount < 0:
        raise CellRefused(Message("The amount is below zero. A project asks for, gets and spends amounts above it."))
    if times == 1_000_000 and amount >= _MOST_IN_MILLIONS:
        raise CellRefused(
            Message("The head says million baht, and this looks like baht. Write the amount in million baht.")
        )
    baht = amount * times
    kept = baht.quantize(_SATANG, ROUND_HALF_UP)
    if kept >= _MOST_BAHT:
        raise CellRefused(Message("The amount is larger than any project has. Look at the figure and its unit again."))
    if abs(kept - baht) > Decimal("0.00001"):
        raise CellRefused(Message("The amount has more than two decimals. Round it to satang."))
    return int(kept) if kept == kept.to_integral_value() else float(kept)


def read_year(value: Any) -> int:
    """A fiscal year in the Buddhist era: 2569, 69, `ปีงบประมาณ พ.ศ. ๒๕๖๙`, 2026. Raises CellRefused."""
    refused = CellRefused(Message("This is no fiscal year. Write a Buddhist year of four digits, for example 2571."))
    if isinstance(value, datetime | date | time | timedelta):
        raise refused
    match = _YEAR.fullmatch(re.sub(r"\s", "", arabic_digits(plain_text(value))))
    if not match:
        raise refused
    year = int(match[1])
    if len(match[1]) == 2:
        if year < _FIRST_SHORT_YEAR:
            raise refused
        year += 2500
    elif year < 2200:
        year += BUDDHIST_OFFSET
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise refused
    return year


def read_day(value: Any) -> date:
    """A day, by whichever calendar its year is written. Raises CellRefused."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        # Whoever types 20/11/2569 into Excel gets a day of the year 2569 of the Christian era.
        if _FIRST_EXCEL_DAY <= value.year <= _LAST_EXCEL_DAY:
            return _moved(value)
        return _within(value)
    if not isinstance(value, str):
        raise CellRefused(Message("A number stands where a date is expected. Write the date as 20/11/2569."))
    try:
        return _within(parse_thai_date(plain_text(value)))
    except DayRefused as refusal:
        raise CellRefused(Message(refusal.sentence)) from None
    except ValueError as error:
        if isinstance(error, CellRefused):
            raise
        raise CellRefused(Message("Write the date as day/month/year, for example 20/11/2569.")) from None


def _moved(day: date) -> date:
    try:
        return day.replace(year=day.year - BUDDHIST_OFFSET)
    except ValueError:
        raise CellRefused(Message("There is no such day. Look at the month and the year again.")) from None


def _within(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        first, last = FIRST_YEAR + BUDDHIST_OFFSET, LAST_YEAR + BUDDHIST_OFFSET
        raise CellRefused(Message("The year must be one from {first} to {last}.", first=first, last=last))
    return day


def _province(text: str, provinces: Mapping[str, str]) -> CellRead:
    """The province; none, and said so, where the cell names several: such a project is of no single one."""
    place = spelled_place(text)
    found = provinces.get(place) or provinces.get(place.removesuffix("ฯ")) or _abbreviated(place, provinces)
    if found is not None:
        return CellRead(found)
    parts = [spelled_place(part) for part in re.split(r"[\s,/;+&]|และ", text) if part.strip()]
    if _SEVERAL.fullmatch(place) or (len(parts) > 1 and all(part in provinces for part in parts)):
        return CellRead(
            None, Message("Several provinces stand here ({text}); the project is of no single one.", text=text[:60])
        )
    raise CellRefused(Message("The office has no province {text}. Write one of its provinces.", text=text[:60]))


def _abbreviated(place: str, provinces: Mapping[str, str]) -> str | None:
    """The one province whose name begins with what stands before the sign of abbreviation: `อุดรฯ`."""
    if not place.endswith("ฯ") or len(place) < _SHORTEST_BEGINNING:
        return None
    found = {code for name, code in provinces.items() if name.startswith(place[:-1])}
    return found.pop() if len(found) == 1 else None


def _choice(column: ImportColumn, text: str) -> CellRead:
    found = column.choices.get(spelled_choice(text))
    if found is not None:
        return CellRead(found)
    if column.is_lenient:
        return CellRead(None, Message("The register does not know {text}; it was left out.", text=text[:60]))
    message = Message("{text} is none of the values that fit here ({words}).", text=text[:60], words=column.words)
    raise CellRefused(message)


def spelled_choice(text: str) -> str:
    """A word of a choice as such words are compared."""
    return re.sub(r"[\s.()]", "", searchable(text).partition("\n")[0])
