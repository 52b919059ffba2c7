"""The pages of milestones and holidays, and what they refuse."""

from collections.abc import Callable
from datetime import date

import pytest
from lxml import html
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.operations.calendar.holidays import Holiday, override_day
from osm_flow.operations.calendar.milestones import move_date, propose_year
from osm_flow.store.models import CalendarChange, FiscalDate, HolidayOverride, OfficeHoliday
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE
from tests.integration.web.conftest import Visitor

As = Callable[[str], Visitor]
MOVE = f"/calendar/{OFFICE}/2571/plan_submit"
LETTER = "นร 1100/ว 123 ลว. 20 พ.ย. 2569"


def _words(visitor: Visitor, path: str, status: int = 200) -> str:
    answer = visitor.get(path)
    assert answer.status_code == status
    return " ".join(html.fromstring(answer.get_data(as_text=True)).xpath("string(//main)").split())


def _move(store: Store, day: date, letter: str = LETTER) -> None:
    with store.transaction() as session:
        move_date(session, OFFICE, 2571, "plan_submit", SYSTEM, NOW, NewDate(day, letter))


# ---- reading ---------------------------------------------------------------------------------------------------


def test_the_calendar_of_the_year_being_planned_comes_first(store: Store, as_person: As) -> None:
    _move(store, date(2026, 11, 30))

    words = _words(as_person("planner"), "/calendar")

    assert "ปฏิทินรอบงาน ปีงบประมาณ 2571" in words
    assert "ส่งแผนให้ส่วนกลาง" in words
    assert "30 พ.ย. 2569" in words
    assert "อีก 6 วันทำการ" in words
    assert "ประกาศแล้ว" in words
    assert LETTER in words


def test_a_moved_date_tells_from_when_to_when_and_by_which_letter(store: Store, as_person: As) -> None:
    _move(store, date(2026, 11, 30), "หนังสือฉบับแรก")
    _move(store, date(2026, 12, 14))

    words = _words(as_person("strategy"), "/calendar?fy=2571")

    assert f"เลื่อนจาก 30 พ.ย. 2569 เป็น 14 ธ.ค. 2569 ตามหนังสือ {LETTER}" in words
    assert "กำหนดเป็น 30 พ.ย. 2569 ตามหนังสือ หนังสือฉบับแรก" in words


def test_the_calendar_is_read_in_english_too(store: Store, as_person: As) -> None:
    _move(store, date(2026, 11, 30))
    planner = as_person("planner")
    planner.post("/language", {"locale": "en", "next": "/calendar"})

    words = _words(planner, "/calendar")

    assert "Calendar of the cycle, fiscal year 2571" in words
    assert "Plan submitted to the centre" in words
    assert "30 Nov 2026 (2569)" in words
    assert "in 6 working days" in words


def test_dates_of_the_past_and_of_today_say_so(store: Store, as_person: As) -> None:
    with store.transaction() as session:
        for key, day in (("concept_due", date(2026, 9, 30)), ("committee_meeting", NOW.date())):
            session.add(FiscalDate(office_id=OFFICE, fiscal_year=2571, key=key, date=day))

    page = html.fromstring(as_person("strategy").get("/calendar").get_data(as_text=True))

    ahead = page.xpath('string(//table[contains(@class, "calendar-table")][not(ancestor::details)])')
    past = page.xpath('string(//details[@id="past" and not(@open)])')
    assert "วันนี้" in ahead
    assert "ผ่านมาแล้ว" not in ahead
    assert "ผ่านไปแล้ว (1)" in past
    assert "ผ่านมาแล้ว" in past


def test_a_year_without_dates_says_what_to_do(as_person: As) -> None:
    assert "ปีนี้ยังไม่มีปฏิทิน" in _words(as_person("strategy"), "/calendar?fy=2572")


@pytest.mark.parametrize("query", ["fy=1", "office=C-U", "office="])
def test_a_calendar_that_is_not_there_or_not_one_s_own_is_not_found(as_person: As, query: str) -> None:
    _words(as_person("strategy"), f"/calendar?{query}", 404)


@pytest.mark.parametrize("query", ["fy=abc", "fy=", "fy=99999999999999999999"])
def test_nonsense_in_the_address_does_no_harm(as_person: As, query: str) -> None:
    assert as_person("strategy").get(f"/calendar?{query}").status_code in (200, 404)


def test_strangers_are_asked_to_sign_in(visitor: Visitor) -> None:
    assert visitor.get("/calendar").status_code == 302
    assert visitor.get("/calendar/holidays").status_code == 302


# ---- moving ----------------------------------------------------------------------------------------------------


def test_a_planner_moves_a_date_with_its_letter(store: Store, as_person: As) -> None:
    _move(store, date(2026, 11, 30), "หนังสือฉบับแรก")

    answer = as_person("strategy").post(MOVE, {"new_date": "14/12/2569", "letter": LETTER, "status": "announced"})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/calendar?fy=2571&office={OFFICE}"
    with store.reading() as session:
        newest = session.scalars(select(CalendarChange).order_by(CalendarChange.id.desc()).limit(1)).one()
        assert session.get_one(FiscalDate, (OFFICE, 2571, "plan_submit")).date == date(2026, 12, 14)
    assert (newest.old_date, newest.new_date, newest.letter, newest.actor) == (
        date(2026, 11, 30),
        date(2026, 12, 14),
        LETTER,
        "strategy",
    )


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"new_date": "14/12/2569", "letter": " "}, "letter", "ต้องกรอกช่องนี้"),
        ({"new_date": "", "letter": LETTER}, "new_date", "กรอกวันที่ เช่น 20/11/2569"),
        ({"new_date": "31/2/2569", "letter": LETTER}, "new_date", "ไม่มีวันนี้ในปฏิทิน"),
        ({"new_date": "14/12/2599", "letter": LETTER}, "new_date", "วันนี้ห่างจากปีงบประมาณเกินไป"),
        ({"new_date": "14/12/2569", "letter": "x" * 300}, "letter", "ไม่เกิน 255 ตัวอักษรในบรรทัดเดียว"),
        ({"new_date": "14/12/2569", "letter": LETTER, "status": "maybe"}, "status", "ค่านี้ไม่อยู่ในตัวเลือก"),
    ],
)
def test_what_is_missing_is_named_and_what_was_typed_is_kept(
    store: Store, as_person: As, sent: dict[str, str], field: str, sentence: str
) -> None:
    answer = as_person("strategy").post(MOVE, {"status": "announced", **sent})

    page = html.fromstring(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert sentence in page.xpath(f"string(//*[@id='{field}-error'])")
    assert page.xpath("//input[@name='new_date']")[0].get("value") == sent["new_date"]
    assert page.xpath("//input[@name='letter']")[0].get("value") == sent["letter"]
    with store.reading() as session:
        assert session.scalars(select(CalendarChange)).all() == []


def test_the_form_shows_what_is_set_and_how_it_came_about(store: Store, as_person: As) -> None:
    _move(store, date(2026, 11, 30), "หนังสือฉบับแรก")

    words = _words(as_person("strategy"), MOVE)

    assert "30 พ.ย. 2569" in words
    assert "ตามหนังสือ หนังสือฉบับแรก" in words


@pytest.mark.parametrize("who", ["planner", "auditor"])
def test_those_who_may_not_move_dates_see_no_way_to_and_are_refused(store: Store, as_person: As, who: str) -> None:
    _move(store, date(2026, 11, 30))
    visitor = as_person(who)

    assert "เลื่อนวัน" not in _words(visitor, "/calendar").replace("เลื่อนวันนี้", "")
    assert visitor.get(MOVE).status_code == 403
    assert visitor.post(MOVE, {"new_date": "14/12/2569", "letter": LETTER, "status": "announced"}).status_code == 403


@pytest.mark.parametrize("path", ["/calendar/C-U/2571/plan_submit", f"/calendar/{OFFICE}/2571/party"])
def test_another_office_s_date_and_an_unknown_one_are_not_found(as_person: As, path: str) -> None:
    visitor = as_person("strategy")

    assert visitor.get(path).status_code == 404
    assert visitor.post(path, {"new_date": "14/12/2569", "letter": "x", "status": "planned"}).status_code == 404


def test_a_year_is_filled_with_the_dates_of_a_normal_one(store: Store, as_person: As) -> None:
    visitor = as_person("strategy")

    answer = visitor.post(f"/calendar/{OFFICE}/2572/propose")

    assert answer.status_code == 302
    assert "คาดการณ์" in _words(visitor, "/calendar?fy=2572")
    with store.reading() as session:
        assert session.get_one(FiscalDate, (OFFICE, 2572, "cabinet")).date == date(2028, 3, 15)


# ---- holidays --------------------------------------------------------------------------------------------------


def test_holidays_by_rule_are_listed_by_buddhist_year(as_person: As) -> None:
    words = _words(as_person("planner"), "/calendar/holidays?year=2570")

    assert "วันหยุดราชการ ปี 2570" in words
    assert "22 ก.พ. 2570 ชดเชยวันมาฆบูชา ○ หยุด ตามหลักเกณฑ์" in words
    assert "แรงงาน" not in words
    assert "วันเด็ก" not in words


@pytest.mark.parametrize(("username", "own"), [("strategy", OFFICE), ("of_all", None)])
def test_a_day_is_added_and_removed_again(store: Store, as_person: As, username: str, own: str | None) -> None:
    visitor = as_person(username)
    day = {"day": "13/5/2570", "is_working": "no", "name_th": "วันพืชมงคล", "name_en": "", "source": "มติ ครม."}
    if own is None:
        unsaid = visitor.post("/calendar/holidays", day)
        assert unsaid.status_code == 422, "for whom is never taken for granted"

    added = visitor.post("/calendar/holidays", day | ({} if own else {"office_id": "all"}))
    listed = _words(visitor, "/calendar/holidays?year=2570")
    with store.reading() as session:
        kept = [len(session.scalars(select(table)).all()) for table in (HolidayOverride, OfficeHoliday)]
    removed = visitor.post("/calendar/holidays/2027-05-13/remove", {"office_id": own} if own else {})

    assert (added.status_code, removed.status_code) == (302, 302)
    assert "13 พ.ค. 2570 วันพืชมงคล ○ หยุด มติ ครม." in listed
    assert kept == ([0, 1] if own else [1, 0])
    with store.reading() as session:
        for table in (HolidayOverride, OfficeHoliday):
            assert session.scalars(select(table)).all() == []


def test_the_days_of_all_are_changed_by_nobody_of_one_office(store: Store, as_person: As) -> None:
    with store.transaction() as session:
        override_day(session, Holiday(date(2027, 5, 13), False, "วันพืชมงคล", source="มติ ครม."), SYSTEM, NOW)
    day = {"day": "13/5/2570", "is_working": "yes", "name_th": "ทำงาน", "source": "x", "office_id": "all"}

    for username in ("strategy", "director", "admin"):
        visitor = as_person(username)
        assert visitor.post("/calendar/holidays", day).status_code == 403
        assert visitor.post("/calendar/holidays", day | {"office_id": "NE-U2"}).status_code == 404
        assert visitor.post("/calendar/holidays/2027-05-13/remove").status_code == 403
        assert "วันหยุดของทั้งประเทศเปลี่ยนได้โดยผู้ดูแลระบบกลาง" in _words(visitor, "/calendar/holidays?year=2570")


def test_a_day_without_name_and_source_is_sent_back(as_person: As) -> None:
    unsaid = as_person("strategy").post("/calendar/holidays", {"day": "13/5/2570", "name_th": "ก", "source": "ข"})
    assert html.fromstring(unsaid.get_data(as_text=True)).xpath("//*[@id='is_working-error']")
    typed = {"day": "13/5/2570", "is_working": "no", "name_th": "", "source": ""}
    answer = as_person("strategy").post("/calendar/holidays", typed)

    page = html.fromstring(answer.get_data(as_text=True))
    assert answer.status_code == 422
    assert page.xpath("//*[@id='name_th-error']")
    assert page.xpath("//*[@id='source-error']")
    assert page.xpath("//input[@name='day']")[0].get("value") == "13/5/2570"


def test_an_override_over_another_tells_what_stood_there(as_person: As) -> None:
    entered = {"day": "13/5/2570", "name_th": "วันพืชมงคล", "source": "มติ ครม. 1", "is_working": "no"}
    first, second = as_person("strategy"), as_person("director")
    assert "แทนที่รายการเดิม" not in first.post("/calendar/holidays", entered, follow_redirects=True).text

    told = second.post(
        "/calendar/holidays", entered | {"name_th": "วันหยุดพิเศษ", "source": "มติ ครม. 2"}, follow_redirects=True
    )

    assert "แทนที่รายการเดิมของวันที่ 13 พ.ค. 2570: วันพืชมงคล (หยุด) ที่มา มติ ครม. 1" in told.text


@pytest.mark.parametrize("day", ["2027-05-13", "tomorrow"])
def test_removing_what_is_not_there_is_not_found(as_person: As, day: str) -> None:
    assert as_person("of_all").post(f"/calendar/holidays/{day}/remove").status_code == 404


def test_only_planners_change_holidays(store: Store, as_person: As) -> None:
    with store.transaction() as session:
        override_day(session, Holiday(date(2027, 5, 13), False, "วันพืชมงคล", source="มติ ครม."), SYSTEM, NOW)
    auditor = as_person("auditor")

    assert "นำออก" not in _words(auditor, "/calendar/holidays?year=2570")
    assert auditor.post("/calendar/holidays", {"day": "13/5/2570"}).status_code == 403
    assert auditor.post("/calendar/holidays/2027-05-13/remove").status_code == 403


def test_every_milestone_of_a_proposed_year_has_its_line(store: Store, as_person: As) -> None:
    with store.transaction() as session:
        rows = propose_year(session, OFFICE, 2571, SYSTEM, NOW)

    page = html.fromstring(as_person("strategy").get("/calendar?fy=2571").get_data(as_text=True))

    assert len(page.xpath("//table//tbody/tr")) == len(rows)
