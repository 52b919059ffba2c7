"""The demo on any day of the year: the law's days stay, nothing is told of before it happened, and what is promised is there."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import pytest
from sqlalchemy import func, select

from osm_flow.demo import loading
from osm_flow.demo.cast import CAST, OFFICE
from osm_flow.domain.calendar.deadlines import BANGKOK, local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_bounds, fiscal_year_of, typical_dates
from osm_flow.domain.states import OPEN_WORK_ITEM
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.ledger.case_journal import data_of
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items.inbox import Home, home_for
from osm_flow.store.models import (
    AdminRecord,
    BookEntry,
    Case,
    FiscalDate,
    Incident,
    JournalPayload,
    JournalRecord,
    Person,
    Project,
    WorkItem,
)
from osm_flow.store.session import Store

# The first and the last day of a fiscal year, a leap day, and the first day of work after Songkran.
SAMPLE = ("2026-10-01", "2028-02-29", "2027-04-19", "2027-09-30")
WHOLE = tuple((date(2026, 10, 1) + timedelta(days=n)).isoformat() for n in range(365))
DAYS = [*SAMPLE, *(day for day in WHOLE if day not in SAMPLE)] if os.environ.get("OSM_ALL_DAYS") else SAMPLE

DAY = re.compile(r"\d{4}-\d\d-\d\d")
STATUTORY = ("year_start", "q1_cut", "q2_cut", "q3_cut", "q4_cut", "year_end")
# Fields in which people say on which day something was done: none of them lies behind the day on which they say it.
DONE_ON = {
    "as_of",
    "held_on",
    "met_on",
    "published_on",
    "visited_on",
    "verified_on",
    "replied_on",
    "signed_on",
    "resolution_date",
    "received_on",
    "gazette_date",
    "sign_date",
    "effective_on",
    "reported_to_bb_on",
    "done_on",
    "sent_on",
    "closed_on",
}
# How long after the end of a quarter its reports are in and its case is calm; the last quarter is dated by letter.
CALM_AFTER = {1: timedelta(28), 2: timedelta(29), 3: timedelta(28), 4: timedelta(77)}


@dataclass(frozen=True)
class Loaded:
    """A demo that was loaded at nine o'clock on a day."""

    store: Store
    now: datetime

    @property
    def today(self) -> date:
        return local_day(self.now)

    @property
    def year(self) -> int:
        return fiscal_year_of(self.today)

    @cached_property
    def homes(self) -> dict[str, Home]:
        with self.store.reading() as session:
            return {
                part.username: home_for(session, actor_named(session, part.username, self.today), self.now)
                for part in CAST
            }


@pytest.mark.parametrize("day", DAYS)
def test_the_demo_on_this_day(day: str, sqlite_store: Store) -> None:
    """One load for all that is asked of a day: a load takes seconds."""
    now = datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=BANGKOK).astimezone(UTC)
    loading.load(sqlite_store, now)
    demo = Loaded(sqlite_store, now)

    it_is_proven(demo)
    the_days_of_the_law_are_the_law_s(demo)
    nobody_did_anything_before_its_day(demo)
    the_quarters_that_ended_are_reported_and_calm(demo)
    what_docs_promise_is_there(demo)
    nobody_is_in_arrears(demo)


def it_is_proven(demo: Loaded) -> None:
    with demo.store.reading() as session:
        assert [(case, faults) for case, faults in verify_all(session) if faults] == []
        assert [difference.en for difference in compare(session)] == []
        assert session.scalars(select(Incident)).all() == []


def the_days_of_the_law_are_the_law_s(demo: Loaded) -> None:
    with demo.store.reading() as session:
        rows = {(row.fiscal_year, row.key): row.date for row in session.scalars(select(FiscalDate))}
        for year in (demo.year - 1, demo.year, demo.year + 1):
            assert {key: rows[year, key] for key in STATUTORY} == {key: typical_dates(year)[key] for key in STATUTORY}
            assert (rows[year, "year_start"], rows[year, "year_end"]) == fiscal_year_bounds(year)


def nobody_did_anything_before_its_day(demo: Loaded) -> None:
    """Nothing lies in the future; people act on working days; what they say was done, was done by then."""
    with demo.store.reading() as session:
        for model in (JournalRecord, BookEntry, AdminRecord):
            newest = session.scalar(select(func.max(model.at)))
            assert newest is not None
            assert newest <= demo.now, model
        calendar = working_calendar(session, OFFICE, demo.today - timedelta(days=800), demo.today)
        query = select(JournalRecord, JournalPayload.body).outerjoin(
            JournalPayload,
            (JournalPayload.case_id == JournalRecord.case_id) & (JournalPayload.seq == JournalRecord.seq),
        )
        people = {part.username for part in CAST}
        early: list[object] = []
        for record, body in session.execute(query):
            day = local_day(record.at)
            if record.actor in people and not calendar.is_working(day):
                early.append((record.kind, record.element, day))
            early += [(record.element, *said) for said in told_days(data_of(body)) if said[1] > day.isoformat()]
        assert early == []


def told_days(value: object, name: str = "") -> list[tuple[str, str]]:
    """The fields, however deep, that say on which day something was done."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in told_days(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in told_days(inner, name)]
    return [(name, value)] if name in DONE_ON and isinstance(value, str) and DAY.fullmatch(value) else []


def the_quarters_that_ended_are_reported_and_calm(demo: Loaded) -> None:
    for year in (demo.year - 1, demo.year):
        cuts = {quarter: typical_dates(year)[f"q{quarter}_cut"] for quarter in (1, 2, 3, 4)}
        calm = {quarter for quarter, cut in cuts.items() if demo.today > cut + CALM_AFTER[quarter]}
        ended = {quarter for quarter, cut in cuts.items() if demo.today > cut}
        reported = {quarter for report in reports_of(demo, year).values() for quarter in report}
        assert calm <= reported <= ended
        for quarters in reports_of(demo, year).values():
            assert calm <= quarters
    ends = fiscal_year_bounds(demo.year - 1)[1]
    with demo.store.reading() as session:
        closed = select(Case.state).join(Case.definition).where(Case.fiscal_year == demo.year - 1)
        execution = session.scalars(closed.where(Case.business_key.contains("EXE"))).one()
        if demo.today > date(ends.year, 12, 25):
            assert execution == "COMPLETED"
        elif demo.today < date(ends.year, 12, 15):
            assert execution == "ACTIVE"


def reports_of(demo: Loaded, year: int) -> dict[str, set[int]]:
    """The quarters that each project of a year has reported; only those that are carried out."""
    with demo.store.reading() as session:
        query = select(Project.code).where(Project.fiscal_year == year, Project.approved > 0)
        values = values_by_code(session, list(session.scalars(query)))
        return {code: {row["quarter"] for row in said.get("reports") or []} for code, said in values.items()}


def open_items(demo: Loaded, element: str) -> list[WorkItem]:
    with demo.store.reading() as session:
        return list(
            session.scalars(select(WorkItem).where(WorkItem.element == element, WorkItem.state.in_(OPEN_WORK_ITEM)))
        )


def what_docs_promise_is_there(demo: Loaded) -> None:
    found = demo.homes
    assert found["nongbua"].overdue.total >= 1
    (silent,) = open_items(demo, "reply")
    assert silent.province_id == "TH-39"
    assert silent.due_at is not None
    assert silent.due_at < demo.now
    assert found["somchai"].approvals.total >= 1, "the recommendation on the red project waits for the head"
    assert found["pornthip"].approvals.total >= 2, "by delegation also for the head"
    assert found["thanakorn"].approvals.total >= 1
    with demo.store.reading() as session:
        of_anucha = (
            select(WorkItem.element)
            .join(Person, Person.id == WorkItem.assignee_id)
            .where(Person.username == "anucha", WorkItem.state.in_(OPEN_WORK_ITEM))
        )
        assert {"plan_hearing", "prepare_agenda"} <= set(session.scalars(of_anucha))
    assert found["wipada"].overdue.total >= 1, "the agenda of the next meeting"
    assert found["kanya"].unanswered, "a reply, and in the autumn the Budget Act"
    assert [project.colour for project in found["thanakorn"].red_projects] == ["red"]
    assert len(open_items(demo, "update_project")) == 1
    with demo.store.reading() as session:
        records = session.scalars(select(JournalRecord).where(JournalRecord.on_behalf_of.is_not(None)))
        assert {(record.element, record.actor) for record in records} == {
            ("review_draft", "kanya"),
            ("head_report", "narong"),
        }
        years = select(Case.fiscal_year).where(Case.state == "ACTIVE").distinct()
        assert {demo.year, demo.year + 1} <= set(session.scalars(years))


def nobody_is_in_arrears(demo: Loaded) -> None:
    assert all(home.overdue.total <= 3 for home in demo.homes.values())
    with demo.store.reading() as session:
        open_ones = session.scalars(select(WorkItem).where(WorkItem.state.in_(OPEN_WORK_ITEM)))
        late = [
            (item.element, item.due_at)
            for item in open_ones
            if item.due_at and demo.now - item.due_at > timedelta(days=31)
        ]
        assert late == []
