"""What the lists for auditors are narrowed by, and how a search that was recorded reads: a period of days, questions."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from flask import current_app

from osm_flow.domain.calendar.thai_dates import parse_thai_date
from osm_flow.operations.audit.questions import Question
from osm_flow.web.parts.history import kind_words
from osm_flow.web.site.filters import office_name
from osm_flow.web.site.i18n import gettext

QUESTIONS = {
    Question.on_behalf: "ทำแทนผู้อื่น",
    Question.own_draft: "อนุมัติร่างของตนเอง",
    Question.late: "ทำเสร็จหลังครบกำหนด",
    Question.returned: "ส่งคืนเกินสองครั้ง",
    Question.repaired: "ผู้ดูแลระบบแก้ไข",
    Question.stopped: "พักหรือยกเลิกเรื่อง",
}
# What a search is asked by, by the names in its address.
ASKED = {
    "who": "ผู้ทำ",
    "behalf": "ทำแทน",
    "kind": "ทำอะไร",
    "step": "ขั้นตอน",
    "office": "กลุ่มจังหวัด",
    "fy": "ปีงบประมาณ",
    "from": "ตั้งแต่วันที่",
    "to": "ถึงวันที่",
    "since": "ตั้งแต่วันที่",
    "until": "ถึงวันที่",
    "text": "ข้อความที่กรอก",
    "q": "คำถามที่ถามบ่อย",
}


def period_of(first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last one; None for what is no date."""
    since, until = _day(first), _day(last)
    return _start_of(since) if since else None, _start_of(until + timedelta(days=1)) if until else None


def asked_words(details: str) -> str:
    """What was recorded of a search, in the words of its fields; any other text as it is."""
    asked = parse_qsl(details) if "=" in details else []
    if not asked or not {name for name, _ in asked} <= ASKED.keys():
        return gettext("ไม่รวมสิ่งที่กรอก") if details == "without payloads" else details
    return " · ".join(f"{gettext(ASKED[name])}: {_value_words(name, value)}" for name, value in asked)


def _value_words(name: str, value: str) -> str:
    if name == "q" and value in set(Question):
        return gettext(QUESTIONS[Question(value)])
    return {"kind": lambda: kind_words(value)[0], "office": lambda: office_name(value)}.get(name, lambda: value)()


def _day(text: str) -> date | None:
    try:
        return parse_thai_date(text)
    except ValueError:
        return None


def _start_of(day: date) -> datetime:
    zone: ZoneInfo = current_app.config["TIMEZONE"]
    return datetime.combine(day, time(), zone).astimezone(UTC)
