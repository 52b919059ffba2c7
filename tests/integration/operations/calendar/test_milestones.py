"""When the milestones of a fiscal year fall, and who moves them by which letter."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.calendar.deadlines import close_of
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.errors import NotFound
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.calendar.holidays import Holiday, override_day
from osm_flow.operations.calendar.milestones import (
    CalendarRefuses,
    DateNotAccepted,
    NoSuchMilestone,
    calendar_lookup,
    changes_of,
    fiscal_dates,
    fiscal_years,
    move_date,
    propose_year,
)
from osm_flow.operations.cases.acts import suspend_case
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.sweeps import deliver_outbox
from osm_flow.operations.work_items.plans import move_due
from osm_flow.store.models import Case, FiscalDate, JournalPayload, JournalRecord, OutboxEntry, Timer
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, items_of, make_case, make_office, make_person

LETTER = "มท 0212.2/ว 1234 ลว. 20 พ.ย. 2569"
Ask = Callable[..., Any]


# ---- what expressions ask --------------------------------------------------------------------------------------


@pytest.fixture
def ask(session: Session) -> Ask:
    """The calendar as a case of FY 2571 sees it on Friday 20 November 2026."""
    make_office(session)
    session.add(FiscalDate(office_id=OFFICE, fiscal_year=2571, key="plan_submit", date=date(2026, 12, 14)))
    session.add(FiscalDate(office_id=OFFICE, fiscal_year=2570, key="q1_report", date=date(2027, 1, 31)))
    session.flush()
    lookup = calendar_lookup(session, OFFICE, 2571, NOW)
    return lambda name, *args: lookup(name, args)


@pytest.mark.parametrize(
    ("name", "args", "answer"),
    [
        ("working_days", (1,), "2026-11-23T09:30:00.000000Z"),
        ("working_days", (0,), "2026-11-20T09:30:00.000000Z"),
        ("working_days", (12,), "2026-12-09T09:30:00.000000Z"),  # the 7th is a substitute for Father's Day
        ("working_days", (-1,), "2026-11-19T09:30:00.000000Z"),
        ("calendar_days", (15,), "2026-12-05T09:30:00.000000Z"),
        ("milestone", ("plan_submit",), "2026-12-14T09:30:00.000000Z"),
        ("milestone", ("q1_report", 2570), "2027-01-31T09:30:00.000000Z"),
        ("milestone", ("q1_report",), None),
        ("milestone", ("nobody_knows",), None),
        ("before", ("2026-12-14T09:30:00.000000Z", 2), "2026-12-09T09:30:00.000000Z"),  # the 10th is a holiday
        ("before", ("2026-12-14", 2), "2026-12-09T09:30:00.000000Z"),
        ("after", ("2026-12-14T16:30:00+07:00", 1), "2026-12-15T09:30:00.000000Z"),
        ("before", (None, 2), None),
        ("after", (None, 2), None),
    ],
)
def test_expressions_are_answered(ask: Ask, name: str, args: tuple[Any, ...], answer: str | None) -> None:
    assert ask(name, *args) == answer


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("now", ()),
        ("working_days", ()),
        ("working_days", ("5",)),
        ("working_days", (True,)),
        ("working_days", (1.5,)),
        ("working_days", (3661,)),
        ("calendar_days", (-3661,)),
        ("milestone", (7,)),
        ("milestone", ("plan_submit", "2570")),
        ("before", ("tomorrow", 1)),
        ("before", ("2026-12-14T09:30:00", 1)),
        ("before", (20261214, 1)),
        ("before", (None, "2")),
        ("after", ("9999-12-31", 1)),
    ],
)
def test_what_cannot_be_answered_is_refused(ask: Ask, name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(CalendarRefuses):
        ask(name, *args)


def test_far_working_days_know_the_holidays_of_their_year(ask: Ask, session: Session) -> None:
    planner = make_person(session, "somying", "osm_strategy")
    plain = ask("working_days", 3660)
    special = Holiday(date(2038, 3, 3), False, "วันหยุดพิเศษ", source="ประกาศจังหวัด", office_id=OFFICE)
    override_day(session, special, planner, NOW)

    assert ask("working_days", 3660) > plain


# ---- moving a date ---------------------------------------------------------------------------------------------


def test_a_moved_date_is_kept_with_its_letter_and_its_history(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "osm_strategy_head")

    move_date(session, OFFICE, 2571, "plan_submit", planner, NOW, NewDate(date(2026, 12, 1), "หนังสือฉบับแรก"))
    row = move_date(session, OFFICE, 2571, "plan_submit", planner, NOW, NewDate(date(2026, 12, 14), f" {LETTER} "))

    assert (row.date, row.letter, row.status) == (date(2026, 12, 14), LETTER, "announced")
    newest, first = changes_of(session, OFFICE, 2571)["plan_submit"]
    assert (first.old_date, first.new_date, first.letter) == (None, date(2026, 12, 1), "หนังสือฉบับแรก")
    assert (newest.old_date, newest.new_date, newest.actor) == (date(2026, 12, 1), date(2026, 12, 14), "somying")


def test_the_same_move_twice_is_one(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "osm_strategy_head")

    for _ in range(2):
        move_date(session, OFFICE, 2571, "plan_submit", planner, NOW, NewDate(date(2026, 12, 14), LETTER))

    assert len(changes_of(session, OFFICE, 2571)["plan_submit"]) == 1


@pytest.mark.parametrize(
    ("fiscal_year", "day", "letter", "status", "field"),
    [
        (2571, date(2026, 12, 14), "  ", "announced", "letter"),
        (2571, date(2026, 12, 14), "x" * 256, "announced", "letter"),
        (2571, date(2026, 12, 14), "a\0b", "announced", "letter"),
        (2571, date(2569, 12, 14), LETTER, "announced", "new_date"),
        (2571, date(2026, 12, 14), LETTER, "perhaps", "status"),
        (1, date(2026, 12, 14), LETTER, "announced", "fiscal_year"),
    ],
)
def test_a_date_needs_a_letter_and_must_make_sense(
    session: Session, fiscal_year: int, day: date, letter: str, status: Any, field: str
) -> None:
    make_office(session)
    planner = make_person(session, "somying", "osm_strategy_head")

    with pytest.raises(DateNotAccepted) as refused:
        move_date(session, OFFICE, fiscal_year, "plan_submit", planner, NOW, NewDate(day, letter, status))

    assert set(refused.value.fields) == {field}


def test_a_milestone_that_nobody_knows_cannot_be_moved(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "osm_strategy_head")

    with pytest.raises(NoSuchMilestone):
        move_date(session, OFFICE, 2571, "party", planner, NOW, NewDate(date(2026, 12, 14), LETTER))


def test_only_planners_of_the_office_move_its_dates(session: Session) -> None:
    make_office(session)
    make_office(session, "NE-U2", {})
    monitor = make_person(session, "somsak", "osm_me")
    stranger = make_person(session, "other", "osm_strategy", office_id="NE-U2")

    with pytest.raises(NotYourRole):
        move_date(session, OFFICE, 2571, "plan_submit", monitor, NOW, NewDate(date(2026, 12, 14), LETTER))
    with pytest.raises(NotFound):
        move_date(session, OFFICE, 2571, "plan_submit", stranger, NOW, NewDate(date(2026, 12, 14), LETTER))


def test_a_proposal_fills_gaps_and_touches_nothing_known(session: Session) -> None:
    make_office(session)
    planner = make_person(session, "somying", "osm_strategy_head")
    move_date(session, OFFICE, 2571, "plan_submit", planner, NOW, NewDate(date(2026, 12, 14), LETTER))

    propose_year(session, OFFICE, 2571, planner, NOW)

    dates = {row.key: row for row in fiscal_dates(session, OFFICE, 2571)}
    assert dates["plan_submit"].date == date(2026, 12, 14)
    assert (dates["cabinet"].date, dates["cabinet"].status) == (date(2027, 3, 15), "planned")
    assert [row.date for row in dates.values()] == sorted(row.date for row in dates.values())
    assert fiscal_years(session, OFFICE) == [2571]
    assert propose_year(session, OFFICE, 2571, planner, NOW) == []


# ---- cases follow ----------------------------------------------------------------------------------------------


def _planned_case(store: Store, *, count: int = 1) -> list[str]:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "somying", "osm_strategy_head")
        deploy_tests(session, "planned", "review")
        session.add(FiscalDate(office_id=OFFICE, fiscal_year=2571, key="plan_submit", date=date(2026, 12, 14)))
        session.flush()
        return [make_case(session, "planned", title=f"งาน {n}").id for n in range(count)]


def _move(store: Store, day: date, now: datetime = NOW) -> None:
    with store.transaction() as session:
        planner = make_person(session, f"planner{day:%m%d}", "osm_strategy_head")
        move_date(session, OFFICE, 2571, "plan_submit", planner, now, NewDate(day, LETTER))


def _due(session: Session, case_id: str) -> dict[str, datetime | None]:
    return {item.element: item.due_at for item in items_of(session, session.get_one(Case, case_id))}


def test_work_and_timers_follow_a_moved_date_and_periods_do_not(store: Store) -> None:
    [case_id] = _planned_case(store)
    tomorrow = NOW + timedelta(days=1)

    _move(store, date(2027, 1, 15), tomorrow)
    deliver_outbox(store, tomorrow, "test")

    with store.reading() as session:
        due = _due(session, case_id)
        assert due["dated"] == close_of(date(2027, 1, 13))
        assert due["period"] == close_of(date(2026, 11, 27))
        assert session.scalars(select(Timer.due_at)).all() == [close_of(date(2027, 1, 15))]
        assert verify_case(session, case_id) == []


def test_a_date_that_becomes_known_replaces_the_period_that_stood_for_it(store: Store) -> None:
    [case_id] = _planned_case(store)
    tomorrow = NOW + timedelta(days=4)
    with store.reading() as session:
        at_first = _due(session, case_id)["mixed"]

    _move(store, date(2027, 1, 15), tomorrow)
    deliver_outbox(store, tomorrow, "test")
    with store.reading() as session:
        still_unknown = _due(session, case_id)["mixed"]
    with store.transaction() as session:
        planner = make_person(session, "planner", "osm_strategy_head")
        move_date(session, OFFICE, 2571, "concept_due", planner, tomorrow, NewDate(date(2026, 11, 25), LETTER))
    deliver_outbox(store, tomorrow, "test")

    with store.reading() as session:
        assert at_first == still_unknown == close_of(date(2026, 12, 15))
        assert _due(session, case_id)["mixed"] == close_of(date(2026, 11, 27))
        assert verify_case(session, case_id) == []


def test_the_case_s_history_names_the_letter(store: Store) -> None:
    [case_id] = _planned_case(store)

    _move(store, date(2027, 1, 15))
    deliver_pending(store, NOW, case_id)

    with store.reading() as session:
        record = session.scalars(select(JournalRecord).where(JournalRecord.kind == "case.replanned")).one()
        payload = json.loads(session.get_one(JournalPayload, (case_id, record.seq)).body)
    assert record.actor == "system"
    assert payload["about"] | {"moved_by": ""} == {
        "letter": LETTER,
        "key": "plan_submit",
        "fy": 2571,
        "old": "2026-12-14",
        "new": "2027-01-15",
        "moved_by": "",
    }


def test_a_due_date_that_a_person_moved_by_hand_stays(store: Store) -> None:
    [case_id] = _planned_case(store)
    by_hand = close_of(date(2026, 12, 1))
    with store.transaction() as session:
        head = make_person(session, "head", "osm_director")
        [item] = [item for item in items_of(session, session.get_one(Case, case_id)) if item.element == "dated"]
        move_due(session, item.id, head, NOW, due_at=by_hand, reason="เร่งด่วน", key="k")

    _move(store, date(2027, 1, 15))
    deliver_outbox(store, NOW, "test")

    with store.reading() as session:
        assert _due(session, case_id)["dated"] == by_hand


def test_a_case_whose_diagram_never_asks_the_calendar_is_left_alone(store: Store) -> None:
    [case_id] = _planned_case(store)
    with store.transaction() as session:
        other = make_case(session, "review").id

    _move(store, date(2027, 1, 15))

    with store.reading() as session:
        asked = session.scalars(select(OutboxEntry.case_id).where(OutboxEntry.kind == "replan")).all()
    assert list(asked) == [case_id]
    assert other not in asked


def test_a_broken_case_holds_up_no_other(store: Store) -> None:
    first, broken, last = _planned_case(store, count=3)
    with store.transaction() as session:
        session.get_one(Case, broken).seq += 1

    _move(store, date(2027, 1, 15))
    tally = deliver_outbox(store, NOW, "test")

    assert (tally.done, tally.failed) == (2, 1)
    with store.reading() as session:
        for case_id in (first, last):
            assert _due(session, case_id)["dated"] == close_of(date(2027, 1, 13))


def test_a_suspended_case_follows_once_it_goes_on(store: Store) -> None:
    [case_id] = _planned_case(store)
    with store.transaction() as session:
        head = make_person(session, "head", "osm_director")
        suspend_case(session, case_id, head, NOW, reason="รอคำสั่ง")

    _move(store, date(2027, 1, 15))
    deliver_outbox(store, NOW, "test")
    with store.transaction() as session:
        session.get_one(Case, case_id).state = "ACTIVE"
    deliver_outbox(store, NOW + timedelta(hours=1), "test")

    with store.reading() as session:
        assert _due(session, case_id)["dated"] == close_of(date(2027, 1, 13))


def test_two_moves_in_a_row_end_at_the_last_one(store: Store) -> None:
    [case_id] = _planned_case(store)

    _move(store, date(2027, 1, 15))
    _move(store, date(2027, 1, 20))
    deliver_outbox(store, NOW, "test")

    with store.reading() as session:
        assert _due(session, case_id)["dated"] == close_of(date(2027, 1, 18))


@pytest.mark.parametrize("office_id", [None, OFFICE])
def test_a_new_holiday_moves_what_is_counted_from_a_date(store: Store, office_id: str | None) -> None:
    [case_id] = _planned_case(store)
    with store.transaction() as session:
        planner = make_person(
            session, "planner", "admin" if office_id is None else "osm_strategy_head", office_id=office_id
        )
        for is_working in (True, False):
            special = Holiday(date(2026, 12, 11), is_working, "พิเศษ", source="มติ ครม.", office_id=office_id)
            override_day(session, special, planner, NOW)

    deliver_outbox(store, NOW, "test")

    with store.reading() as session:
        assert _due(session, case_id)["dated"] == close_of(date(2026, 12, 8))
