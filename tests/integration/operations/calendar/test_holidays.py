"""The working days of civil servants, by rule and as an office corrects them."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.calendar.holidays import (
    Holiday,
    HolidayNotAccepted,
    NoSuchOverride,
    holidays_of,
    override_day,
    remove_override,
    working_calendar,
)
from osm_flow.store.models import AdminRecord
from tests.factories import NOW, OFFICE, make_office, make_person

# The cabinet's list for civil servants, 20 Nov 2569 to 31 Dec 2570; only the days that fall on a working weekday.
OFFICIAL = [
    date(2026, 12, 7),
    date(2026, 12, 10),
    date(2026, 12, 31),
    date(2027, 1, 1),
    date(2027, 2, 22),
    date(2027, 4, 6),
    date(2027, 4, 13),
    date(2027, 4, 14),
    date(2027, 4, 15),
    date(2027, 5, 4),
    date(2027, 5, 20),
    date(2027, 6, 3),
    date(2027, 7, 19),
    date(2027, 7, 20),
    date(2027, 7, 28),
    date(2027, 8, 12),
    date(2027, 10, 13),
    date(2027, 10, 25),
    date(2027, 12, 6),
    date(2027, 12, 10),
    date(2027, 12, 31),
]


def test_the_rules_agree_with_the_official_list(session: Session) -> None:
    calendar = working_calendar(session, None)
    days = [day for day in calendar.holidays if day.weekday() < 5 and date(2026, 11, 20) <= day <= date(2027, 12, 31)]

    assert sorted(days) == OFFICIAL


def test_labour_day_and_its_substitute_are_working_days(session: Session) -> None:
    calendar = working_calendar(session, None)

    assert calendar.is_working(date(2026, 5, 1))
    assert calendar.is_working(date(2027, 5, 3))


def test_a_special_day_of_the_cabinet_is_known(session: Session) -> None:
    assert not working_calendar(session, None).is_working(date(2026, 1, 2))


def test_days_far_away_are_known_when_asked_for(session: Session) -> None:
    assert not working_calendar(session, None, date(2041, 4, 15)).is_working(date(2041, 4, 15))


def test_an_override_counts_at_once_in_either_direction(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "admin", office_id=None)
    assert working_calendar(session, None).is_working(date(2027, 5, 13))

    override_day(session, Holiday(date(2027, 5, 13), False, "วันพืชมงคล", source="มติ ครม."), planner, NOW)
    override_day(session, Holiday(date(2027, 4, 10), True, "ทำงานชดเชย", source="มติ ครม."), planner, NOW)

    assert not working_calendar(session, None).is_working(date(2027, 5, 13))
    assert working_calendar(session, None).is_working(date(2027, 4, 10))
    remove_override(session, date(2027, 5, 13), planner, NOW)
    assert working_calendar(session, None).is_working(date(2027, 5, 13))


def test_the_list_shows_rules_and_overrides_together(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "admin", office_id=None)
    override_day(session, Holiday(date(2026, 12, 10), True, "ทำงานตามปกติ", source="มติ ครม."), planner, NOW)

    found = {holiday.day: holiday for holiday in holidays_of(session, date(2026, 12, 1), date(2026, 12, 31))}

    assert found[date(2026, 12, 10)].is_working
    assert found[date(2026, 12, 10)].source == "มติ ครม."
    assert found[date(2026, 12, 31)].name_th == "วันสิ้นปี"
    assert found[date(2026, 12, 31)].name_en == "New Year's Eve"
    assert found[date(2026, 12, 31)].source is None


@pytest.mark.parametrize(
    ("day", "name", "source", "field"),
    [
        (date(1900, 1, 1), "วันหยุด", "มติ", "day"),
        (date(2027, 5, 13), " ", "มติ", "name_th"),
        (date(2027, 5, 13), "วันหยุด", "", "source"),
        (date(2027, 5, 13), "วันหยุด", "ม" * 256, "source"),
        (date(2027, 5, 13), "วัน\nหยุด", "มติ", "name_th"),
    ],
)
def test_an_override_needs_a_day_a_name_and_a_source(
    session: Session, day: date, name: str, source: str, field: str
) -> None:
    make_office(session)
    planner = make_person(session, "somying", "admin", office_id=None)

    with pytest.raises(HolidayNotAccepted) as refused:
        override_day(session, Holiday(day, False, name, source=source), planner, NOW)

    assert set(refused.value.fields) == {field}


def test_an_english_name_of_two_lines_is_refused(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "admin", office_id=None)

    with pytest.raises(HolidayNotAccepted) as refused:
        override_day(session, Holiday(date(2027, 5, 13), False, "วันหยุด", name_en="a\0b", source="มติ"), planner, NOW)

    assert set(refused.value.fields) == {"name_en"}


def test_only_planners_change_holidays(session: Session) -> None:
    make_office(session)
    auditor = make_person(session, "audit", "auditor")

    with pytest.raises(NotYourRole):
        override_day(session, Holiday(date(2027, 5, 13), False, "x", source="y"), auditor, NOW)
    with pytest.raises(NotYourRole):
        remove_override(session, date(2027, 5, 13), auditor, NOW)


def test_an_override_that_is_not_there_cannot_be_removed(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "admin", office_id=None)

    with pytest.raises(NoSuchOverride):
        remove_override(session, date(2027, 5, 13), planner, NOW)


# ---- what holds in one office only -----------------------------------------------------------------------------


def test_an_office_has_days_of_its_own(session: Session) -> None:
    make_office(session)
    make_office(session, "NE-U2", {})
    planner = make_person(session, "somying", "osm_strategy")
    day, substitute = date(2027, 5, 13), date(2027, 4, 10)

    override_day(session, Holiday(day, False, "งานทุ่งศรีเมือง", source="ประกาศจังหวัด", office_id=OFFICE), planner, NOW)
    override_day(session, Holiday(substitute, True, "ทำงานชดเชย", source="ประกาศ", office_id=OFFICE), planner, NOW)

    def is_working(office_id: str | None, one: date) -> bool:
        return working_calendar(session, office_id).is_working(one)

    assert [is_working(office, day) for office in (OFFICE, "NE-U2", None)] == [False, True, True]
    assert [is_working(office, substitute) for office in (OFFICE, "NE-U2", None)] == [True, False, False]
    listed = holidays_of(session, day, day, OFFICE)
    assert [(holiday.office_id, holiday.name_th) for holiday in listed] == [(OFFICE, "งานทุ่งศรีเมือง")]
    assert holidays_of(session, day, day) == holidays_of(session, day, day, "NE-U2") == []
    newest = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
    assert newest is not None
    assert (newest.kind, newest.office_id) == ("holiday.set", OFFICE)
    remove_override(session, day, planner, NOW, office_id=OFFICE)
    with pytest.raises(NoSuchOverride):
        remove_override(session, day, planner, NOW, office_id=OFFICE)
    assert is_working(OFFICE, day)


def test_what_an_office_declares_goes_before_what_is_declared_for_all(session: Session) -> None:
    make_office(session)
    planner, root = (
        make_person(session, "somying", "osm_strategy"),
        make_person(session, "root", "admin", office_id=None),
    )
    day = date(2027, 5, 13)
    override_day(session, Holiday(day, False, "วันพืชมงคล", source="มติ ครม."), root, NOW)
    override_day(session, Holiday(day, True, "ทำงานตามปกติ", source="ประกาศจังหวัด", office_id=OFFICE), planner, NOW)

    assert working_calendar(session, OFFICE).is_working(day)
    assert not working_calendar(session, None).is_working(day)
    remove_override(session, day, root, NOW)
    assert working_calendar(session, OFFICE).is_working(day)


@pytest.mark.parametrize("role", ["osm_director", "osm_strategy", "admin"])
def test_nobody_of_one_office_changes_the_days_of_all_or_of_another(session: Session, role: str) -> None:
    make_office(session)
    make_office(session, "NE-U2", {})
    person, root = make_person(session, "own", role), make_person(session, "root", "admin", office_id=None)
    day = date(2027, 5, 13)
    override_day(session, Holiday(day, False, "วันพืชมงคล", source="มติ ครม."), root, NOW)
    override_day(session, Holiday(day, False, "งาน", source="ประกาศ", office_id="NE-U2"), root, NOW)

    for office_id, refusal in ((None, NotYourRole), ("NE-U2", NotFound)):
        with pytest.raises(refusal):
            override_day(session, Holiday(day, True, "ทำงาน", source="x", office_id=office_id), person, NOW)
        with pytest.raises(refusal):
            remove_override(session, day, person, NOW, office_id=office_id)
    assert not working_calendar(session, "NE-U2").is_working(day)
