"""Dates as Thai officials write and read them: Buddhist years, Thai months, Thai digits in formal documents."""

from __future__ import annotations

import re
from datetime import date, datetime, tzinfo
from typing import Literal

BUDDHIST_OFFSET = 543

MONTHS_SHORT = ("ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค.")
MONTHS_LONG = (
    "มกราคม",
    "กุมภาพันธ์",
    "มีนาคม",
    "เมษายน",
    "พฤษภาคม",
    "มิถุนายน",
    "กรกฎาคม",
    "สิงหาคม",
    "กันยายน",
    "ตุลาคม",
    "พฤศจิกายน",
    "ธันวาคม",
)
MONTHS_ENGLISH_LONG = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTHS_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# As people say them, and write them in a hurry.
MONTHS_SPOKEN = tuple(re.sub("(?:คม|ยน|พันธ์)$", "", name) for name in MONTHS_LONG)
WEEKDAYS = ("วันจันทร์", "วันอังคาร", "วันพุธ", "วันพฤหัสบดี", "วันศุกร์", "วันเสาร์", "วันอาทิตย์")

_TO_THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
_TO_ARABIC = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")

Style = Literal["short", "long", "formal"]
Digits = Literal["arabic", "thai"]


def thai_digits(text: str) -> str:
    """The text with its digits as Thai digits."""
    return text.translate(_TO_THAI)


def arabic_digits(text: str) -> str:
    """The text with its Thai digits as Arabic digits."""
    return text.translate(_TO_ARABIC)


def buddhist_year(day: date) -> int:
    """The Buddhist year of a day."""
    return day.year + BUDDHIST_OFFSET


def thai_date(day: date, style: Style = "short", digits: Digits | None = None) -> str:
    """The day in Thai: `20 พ.ย. 2569`, `20 พฤศจิกายน 2569`, or `๒๐ พฤศจิกายน พ.ศ. ๒๕๖๙`.

    Without `digits` the formal style takes Thai ones and the others Arabic ones.
    """
    month = MONTHS_SHORT[day.month - 1] if style == "short" else MONTHS_LONG[day.month - 1]
    era = "พ.ศ. " if style == "formal" else ""
    text = f"{day.day} {month} {era}{buddhist_year(day)}"
    return thai_digits(text) if (digits or ("thai" if style == "formal" else "arabic")) == "thai" else text


def thai_datetime(instant: datetime, tz: tzinfo, style: Style = "short", digits: Digits | None = None) -> str:
    """The instant in Thai: `20 พ.ย. 2569 16:30 น.`, on the clock of `tz`. Raises ValueError for a naive datetime."""
    local = _localised(instant, tz)
    time = f"{local:%H:%M} น."
    thai = (digits or ("thai" if style == "formal" else "arabic")) == "thai"
    return f"{thai_date(local.date(), style, digits)} {thai_digits(time) if thai else time}"


def english_date(day: date) -> str:
    """The day in English: `20 Nov 2026 (2569)`, with the Buddhist year, because every paper carries it."""
    return f"{day.day} {MONTHS_ENGLISH[day.month - 1]} {day.year} ({buddhist_year(day)})"


def english_datetime(instant: datetime, tz: tzinfo) -> str:
    """The instant in English, on the clock of `tz`."""
    local = _localised(instant, tz)
    return f"{english_date(local.date())} {local:%H:%M}"


def _localised(instant: datetime, tz: tzinfo) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant must say its offset")
    return instant.astimezone(tz)


_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_WEEKDAY = rf"({'|'.join(name.removeprefix('วัน') for name in WEEKDAYS)}|พฤหัส)"
_BEFORE = re.compile(rf"(?:วัน)?(?:{_WEEKDAY}\s*,?\s*)?(?:(?:วัน)?ที่\s*)?(?=\d)")
_NUMBERS = re.compile(r"(\d{1,2})\s*[/.\-–]\s*(\d{1,2})\s*[/.\-–]\s*(\d{4}|\d{2})")
_WORDS = re.compile(
    r"(\d{1,2})\s*[/\-–]?\s*(?:เดือน\s*)?([^\d\s/–-]+?)\s*[/\-–]?\s*"
    r"(?:(?:ปี\s*)?(?:พ\.?\s?ศ\.?|ค\.?\s?ศ\.?|พุทธศักราช|คริสต์ศักราช)|ปี)?\s*(\d{4}|\d{2})"
    r"(?:\s*\(\d{4}\))?"
)
# The time of day that papers write behind a day; a bare `09.00` is none, because days are written with dots, too.
_HOUR = r"(?:[01]?\d|2[0-3])[.:][0-5]\d"
_TIME_OF_DAY = re.compile(rf"\s*,?\s*เวลา\s*{_HOUR}\s*(?:น\.?|นาฬิกา)?$|(?:\s*,\s*|\s+){_HOUR}\s*(?:น\.?|นาฬิกา)$")
# From this year on a four-digit year can only be meant as a Buddhist one.
_FIRST_BUDDHIST_YEAR = 2400
# Two digits from 40 on can only be a Buddhist year of our time (2540 to 2599). Those below may be a Christian one as
# well: whoever writes 26 means 2026 and hardly 2526.
_FIRST_SHORT_YEAR = 40
_CENTURY = 2500


class DayRefused(ValueError):
    """A text that is written as dates are and cannot be taken for a day all the same; `sentence` tells the person why."""

    sentence = "Write the date as day/month/year, for example 20/11/2569."


class NoSuchDay(DayRefused):
    """A day that no calendar has: 31 February."""

    sentence = "There is no such day. Look at the month and the year again."


class YearUnclear(DayRefused):
    """A year of two digits that may be of either era."""

    sentence = "Write the year with four digits, for example 2569: two digits can be read in two ways."


class WeekdayWrong(DayRefused):
    """A day that lies on another day of the week than the text says."""

    sentence = "The weekday does not fit the date. Look at both again."


def parse_thai_date(text: str) -> date:
    """The day that a person typed: `20 พ.ย. 2569`, `๒๐ พฤศจิกายน พ.ศ. ๒๕๖๙`, `20/11/2569`, `2026-11-20`, `20/11/69`.

    A two-digit year is Buddhist, where it cannot be a Christian one. A time of day behind it is passed over. Raises
    NoSuchDay, YearUnclear, WeekdayWrong, and ValueError for what is no date.
    """
    plain = without_time(" ".join(arabic_digits(text).split()))
    before = _BEFORE.match(plain)
    plain = plain[before.end() :] if before else plain
    day = _day(plain)
    if before and before[1] and not WEEKDAYS[day.weekday()].startswith(f"วัน{before[1]}"):
        raise WeekdayWrong(f"another weekday: {text!r}")
    return day


def without_time(text: str) -> str:
    """The text without the time of day that stands behind a day: `20 พ.ย. 2569 เวลา 09.00 น.`."""
    return _TIME_OF_DAY.sub("", text)


def _day(plain: str) -> date:
    if match := _ISO.fullmatch(plain):
        year, month, day = (int(part) for part in match.groups())
    elif match := _NUMBERS.fullmatch(plain):
        day, month, year = int(match[1]), int(match[2]), _year(match[3])
    elif match := _WORDS.fullmatch(plain):
        day, month, year = int(match[1]), _month(match[2]), _year(match[3])
    else:
        raise ValueError(f"not a date: {plain!r}")
    try:
        return date(year - BUDDHIST_OFFSET if year >= _FIRST_BUDDHIST_YEAR else year, month, day)
    except ValueError as error:
        raise NoSuchDay(f"no such day: {plain!r}") from error


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:
        return year
    if year < _FIRST_SHORT_YEAR:
        raise YearUnclear(f"a year of either era: {digits}")
    return _CENTURY + year


def _month(word: str) -> int:
    """The month by its name, also as it is often misspelled, or by its abbreviation."""
    bare = word.replace(".", "").replace("พฤษจิกายน", "พฤศจิกายน").casefold()
    for names in (MONTHS_SHORT, MONTHS_LONG, MONTHS_SPOKEN, MONTHS_ENGLISH, MONTHS_ENGLISH_LONG):
        for number, name in enumerate(names, start=1):
            if bare == name.replace(".", "").casefold():
                return number
    raise ValueError(f"not a month: {word!r}")
