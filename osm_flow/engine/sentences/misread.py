"""What can be read as an expression and was meant otherwise: commas between thousands, and dates without quotes."""

from __future__ import annotations

import re

from osm_flow.engine.sentences.drawn import Sentence

_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
# A comma with exactly three digits directly behind it: both a number of a thousand and two numbers are written so.
_THOUSANDS = re.compile(r"(?<!\w)(?<!\d\.)\d{1,3}(?:\s*,\d{3})+(?!\w)")
_DATE = re.compile(r"(?<!\w)(?:(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{1,2})([-/.])(\d{1,2})\6(\d{4}))(?!\w)")
_BUDDHIST_OFFSET = 543
_BUDDHIST_YEARS = range(2400, 2700)


def misread(text: str) -> Sentence | None:
    """What to write instead of a number or a date that would be taken for something else; None: there is none."""
    code = _QUOTED.sub(lambda found: " " * len(found.group()), text)
    if (date := _DATE.search(code)) is not None:
        return _of_date(date)
    if (number := _THOUSANDS.search(code)) is not None:
        return _of_number(number.group())
    if "..." in code:
        return Sentence("ช่วงเขียนด้วยจุดสองจุด เช่น [1..3]", "a range is written with two dots, like [1..3]")
    return None


def _of_number(written: str) -> Sentence:
    groups = [group.strip() for group in written.split(",")]
    whole = "".join(groups).lstrip("0") or "0"
    th = f"{written} อ่านเป็นหลายค่า ให้เขียนจำนวนโดยไม่มีจุลภาค: {whole}"
    en = f"{written} is read as several values: write the number without commas, {whole}"
    if any(group.startswith("0") for group in groups[1:]):
        return Sentence(th, en)
    several = ", ".join(groups)
    return Sentence(f"{th} หรือถ้าหมายถึงหลายค่า ให้เว้นวรรคหลังจุลภาค: {several}", f"{en}, or several values as {several}")


def _of_date(found: re.Match[str]) -> Sentence:
    year, month, day = (found[1], found[3], found[4]) if found[1] else (found[8], found[7], found[5])
    number = int(year)
    christian = number - _BUDDHIST_OFFSET if number in _BUDDHIST_YEARS else number
    date = f"'{christian:04}-{int(month):02}-{int(day):02}'"
    th = f"{found.group()} อ่านเป็นการคำนวณ ไม่ใช่วันที่ ให้เขียน {date}"
    return Sentence(th, f"{found.group()} is read as a sum and no date: write {date}")
