"""What reminders say, in both languages: how late it is, what is asked, in which case, by when."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.calendar.deadlines import close_of, opening_of
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.escalation import Rung
from osm_flow.operations.background import reminder_texts
from osm_flow.store.models import WorkItem
from tests.factories import deploy_tests, items_of, make_case, make_office

# Friday the 27th; Monday the 7th of December is a holiday.
DUE = date(2026, 11, 27)
CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 7)}))
REMIND = Rung("due", 0, ("doer",))


@pytest.fixture
def item(session: Session) -> WorkItem:
    make_office(session)
    deploy_tests(session, "reminded")
    (reply,) = [item for item in items_of(session, make_case(session, "reminded")) if item.element == "reply"]
    reply.name_en = "Answer the survey"
    reply.due_at = close_of(DUE)
    return reply


@pytest.mark.parametrize(
    ("now", "th", "en"),
    [
        (opening_of(date(2026, 11, 24)), "ใกล้ครบกำหนด (อีก 3 วันทำการ)", "Due in 3 working days"),
        (opening_of(date(2026, 11, 26)), "ใกล้ครบกำหนด (อีก 1 วันทำการ)", "Due in 1 working day"),
        (opening_of(DUE), "ครบกำหนดวันนี้", "Due today"),
        (close_of(date(2026, 11, 28)), "เลยกำหนดแล้ว", "Overdue"),
        (opening_of(date(2026, 11, 30)), "เลยกำหนด 1 วันทำการ", "Overdue by 1 working day"),
        (opening_of(date(2026, 12, 8)), "เลยกำหนด 6 วันทำการ", "Overdue by 6 working days"),
    ],
)
def test_it_says_how_many_working_days_are_left_or_over(item: WorkItem, now: datetime, th: str, en: str) -> None:
    text = reminder_texts.of_rung(item, REMIND, CALENDAR, now)

    assert (text.th.partition(": ")[0], text.en.partition(": ")[0]) == (th, en)


@pytest.mark.parametrize(
    ("action", "th", "en"),
    [
        ("remind", "ครบกำหนดวันนี้: ", "Due today: "),
        ("remind_officially", "ติดตามครั้งที่ 1: ครบกำหนดวันนี้: ", "First official reminder: Due today: "),
        ("report", "รายงานหัวหน้ากลุ่มจังหวัดและนำเข้าวาระ ก.บ.ก.: ", "Reported to the head of cluster"),
        ("unheard-of", "ครบกำหนดวันนี้: ", "Due today: "),
    ],
)
def test_a_rung_says_what_it_does(item: WorkItem, action: str, th: str, en: str) -> None:
    text = reminder_texts.of_rung(item, Rung("due", 0, ("doer",), action), CALENDAR, opening_of(DUE))

    assert (text.th[: len(th)], text.en[: len(en)]) == (th, en)


def test_it_names_the_work_the_case_and_the_day(item: WorkItem) -> None:
    text = reminder_texts.of_rung(item, REMIND, CALENDAR, opening_of(DUE))

    case = f"{item.case.title} ({item.case.business_key})"
    assert text.th == f"ครบกำหนดวันนี้: {item.name_th} - {case}"
    assert text.en == f"Due today: Answer the survey - {case}"
    assert text.detail_th == f"เรื่อง {case}\nครบกำหนดวันที่ 27 พฤศจิกายน 2569"
    assert text.detail_en == f"Case: {case}\nDue on 27 Nov 2026 (2569)"


def test_work_without_an_english_name_keeps_its_thai_one(item: WorkItem) -> None:
    item.name_en = ""

    assert item.name_th in reminder_texts.of_follow_up(item).en


def test_a_letter_greets_its_reader_in_their_language(item: WorkItem) -> None:
    text = reminder_texts.of_follow_up(item)

    thai, english = text.in_a_letter("คุณอนันต์", "th"), text.in_a_letter("Anan", "en")

    assert (thai[0], english[0]) == (text.th, text.en)
    assert thai[1] == f"เรียน คุณอนันต์\n\n{text.th}\n\n{text.detail_th}"
    assert english[1] == f"Dear Anan,\n\n{text.en}\n\n{text.detail_en}"


def test_what_is_never_due_is_never_late(item: WorkItem) -> None:
    item.due_at = None

    with pytest.raises(ValueError, match="due date"):
        reminder_texts.of_rung(item, REMIND, CALENDAR, opening_of(DUE))
