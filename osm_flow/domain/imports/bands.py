"""Rows between the records of a list: headings that hold for what is below them, totals, and activities of a record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from osm_flow.domain.calendar.thai_dates import arabic_digits
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.imports.cells import spelled_place

# What a heading between the rows says for those below it.
OF_BANDS = {
    "province": Message("a heading; the rows below it are of this province"),
    "fiscal_year": Message("a heading; the rows below it are of this fiscal year"),
    "agency": Message("a heading; the rows below it are of this agency"),
}
_TOTAL = re.compile(
    r"(?:ยอด|ผล)?รวม(?:ยอด|เป็น)?(?:ทั้งสิ้น|ทั้งหมด|เงิน|งบประมาณ|วงเงิน|ย่อย|สุทธิ|ทุก|ปี|จังหวัด|กลุ่ม|หน่วย|แผนงาน|ยุทธศาสตร์|ประเด็น|\s|\(|:|\d|$).*"
    r"|(?:sub|grand\s*)?total\b.*",
    re.IGNORECASE | re.DOTALL,
)
_ACTIVITY = re.compile(r"(?:[-–—•*]\s*\S|(?:กิจกรรม|ขั้นตอน)(?:ย่อย|หลัก|ที่)?\s*(?:\d|[:.]|$)).*", re.DOTALL)
_YEAR_BAND = re.compile(r"(?:ประจำ)?ปี(?:งบประมาณ)?\s*(?:พ\.?\s*ศ\.?)?\s*(\d{4})(?!\s*[-–]\s*\d{4}).*", re.DOTALL)
_AGENCY_BAND = re.compile(
    r"(?:หน่วยงาน|ส่วนราชการ|หน่วยดำเนินการ)\S*\s*[:：]?\s+(.+)|((?:สำนักงาน|สนง|ที่ทำการ|แขวง|องค์การ|องค์กร|เทศบาล|ศูนย์|วิทยาลัย|มหาวิทยาลัย|กรม|สถาบัน).+)",
    re.DOTALL,
)
# What stands around the words of a band: its number before, how many follow behind.
_BAND_NUMBER, _BAND_COUNT = re.compile(r"^\(?\d+(?:\.\d+)*[.)]?\s+"), re.compile(r"\s*\([^()]*\)$")


def said_by_band(text: str, provinces: Mapping[str, str]) -> tuple[str, Any] | None:
    """The field and value that a heading between the rows says for those below it; `provinces` are codes by spelling."""
    bare = _BAND_COUNT.sub("", _BAND_NUMBER.sub("", arabic_digits(text)))
    if province := provinces.get(spelled_place(bare)):
        return ("province", province)
    if year := _YEAR_BAND.fullmatch(bare) or _YEAR_BAND.fullmatch(arabic_digits(text)):
        return ("fiscal_year", int(year[1]))
    if agency := _AGENCY_BAND.fullmatch(_BAND_COUNT.sub("", _BAND_NUMBER.sub("", text))):
        return ("agency", (agency[1] or agency[2])[:255])
    return None


def is_total(text: str) -> bool:
    """Whether the words are those of a total."""
    return bool(_TOTAL.fullmatch(text))


def is_activity(text: str) -> bool:
    """Whether the words are those of an activity, a part of the record above."""
    return bool(_ACTIVITY.fullmatch(text))
