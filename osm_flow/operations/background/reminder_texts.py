"""The sentences of reminders, in both languages: a notice is kept, so it is written when it happens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from osm_flow.domain.calendar.deadlines import local_day, working_days_left
from osm_flow.domain.calendar.thai_dates import english_date, thai_date
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.escalation import Rung
from osm_flow.operations.stepping.subject_words import subject_words
from osm_flow.store.models import WorkItem

_ACTION_TH = {
    "remind_officially": "ติดตามครั้งที่ 1",
    "remind_urgently": "ติดตามครั้งที่ 2 (ด่วน)",
    "report": "รายงานหัวหน้ากลุ่มจังหวัดและนำเข้าวาระ ก.บ.ก.",
}
_ACTION_EN = {
    "remind_officially": "First official reminder",
    "remind_urgently": "Second official reminder (urgent)",
    "report": "Reported to the head of cluster, for the committee's agenda",
}


@dataclass(frozen=True)
class Text:
    """What is said in one line, with what is added outside the site."""

    th: str
    en: str
    detail_th: str
    detail_en: str

    def in_a_letter(self, name: str, locale: str) -> tuple[str, str]:
        """The subject and the body for a reader."""
        if locale == "en":
            return self.en, f"Dear {name},\n\n{self.en}\n\n{self.detail_en}"
        return self.th, f"เรียน {name}\n\n{self.th}\n\n{self.detail_th}"


def of_rung(item: WorkItem, rung: Rung, calendar: WorkingCalendar, now: datetime) -> Text:
    """What a rung of the ladder says of a work item that has a due date."""
    if item.due_at is None:
        raise ValueError("a work item without a due date is never late")
    left = working_days_left(calendar, now, item.due_at)
    th, en = _lateness(left, now > item.due_at)
    action_th, action_en = _ACTION_TH.get(rung.action), _ACTION_EN.get(rung.action)
    th, en = (f"{action_th}: {th}", f"{action_en}: {en}") if action_th and action_en else (th, en)
    day = local_day(item.due_at)
    return _text(item, th, en, f"ครบกำหนดวันที่ {thai_date(day, 'long')}", f"Due on {english_date(day)}")


def of_follow_up(item: WorkItem) -> Text:
    """What is said when the rest of a work item is over."""
    return _text(item, "ถึงวันที่ตั้งไว้ให้ติดตาม", "Time to follow up", "", "")


def _lateness(left: int, is_past: bool) -> tuple[str, str]:
    if left > 0:
        return f"ใกล้ครบกำหนด (อีก {left} วันทำการ)", f"Due in {left} working {'day' if left == 1 else 'days'}"
    if left < 0:
        return f"เลยกำหนด {-left} วันทำการ", f"Overdue by {-left} working {'day' if left == -1 else 'days'}"
    return ("เลยกำหนดแล้ว", "Overdue") if is_past else ("ครบกำหนดวันนี้", "Due today")


def _text(item: WorkItem, th: str, en: str, due_th: str, due_en: str) -> Text:
    case = f"{item.case.title} ({item.case.business_key})"
    about_th, about_en = (subject_words(item.subject, locale) for locale in ("th", "en"))
    what_th = " - ".join(filter(None, (item.name_th, about_th)))
    what_en = " - ".join(filter(None, (item.name_en or item.name_th, about_en)))
    return Text(
        f"{th}: {what_th} - {case}",
        f"{en}: {what_en} - {case}",
        f"เรื่อง {case}\n{due_th}".strip(),
        f"Case: {case}\n{due_en}".strip(),
    )
