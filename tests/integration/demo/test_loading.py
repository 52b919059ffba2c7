"""The demo cluster: loaded as a whole into an empty database only, with a true history and sensible inboxes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from osm_flow.demo import loading
from osm_flow.demo.cast import CAST, OFFICE, PASSWORD, logins
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.people.accounts import has_people
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.people.signing_in import sign_in
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items.inbox import Home, home_for
from osm_flow.store.models import (
    CalendarChange,
    Case,
    FiscalDate,
    Incident,
    JournalRecord,
    Person,
    Position,
    Project,
    WorkItem,
)
from osm_flow.store.session import Store

# The day the story is written for, and a day years later on which nobody works.
TODAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
YEARS_LATER = datetime(2029, 6, 17, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def loaded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One demo for the tests that only look at it."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    shutil.copyfile(sqlite_template, path)
    store = Store(f"sqlite:///{path}")
    loading.load(store, TODAY)
    yield store
    store.close()


def homes(store: Store, now: datetime) -> dict[str, Home]:
    with store.reading() as session:
        return {
            part.username: home_for(session, actor_named(session, part.username, local_day(now)), now) for part in CAST
        }


def test_the_demo_tells_a_true_history_and_leaves_sensible_inboxes(loaded: Store) -> None:
    with loaded.reading() as session:
        assert [(case, faults) for case, faults in verify_all(session) if faults] == []
        assert [difference.en for difference in compare(session)] == []
        assert session.scalars(select(Incident)).all() == []
        actors = set(session.scalars(select(JournalRecord.actor)))
        assert {part.username for part in CAST if part.roles[0].startswith("osm_")} <= actors
        late = session.scalars(select(JournalRecord).where(JournalRecord.at > TODAY)).all()
        assert late == []
        alive = select(Case.fiscal_year).where(Case.state == "ACTIVE", Case.parent_case_id.is_(None)).distinct()
        assert set(session.scalars(alive)) == {2569, 2570, 2571}

    found = homes(loaded, TODAY)
    assert found["nongbua"].overdue.total == 1
    assert found["buengkan"].this_week.total == 1
    assert found["somchai"].approvals.total >= 1
    assert found["pornthip"].approvals.total >= 2
    assert found["thanakorn"].approvals.total >= 1
    assert found["udon"].unclaimed.total >= 1
    assert found["anucha"].this_week.total == 2
    workers = [part.username for part in CAST if part.roles[0].startswith(("osm_", "cluster_"))]
    desks = {
        name: found[name].overdue.total + found[name].this_week.total + found[name].unclaimed.total for name in workers
    }
    assert [name for name, items in desks.items() if not items] == []
    assert found["kanya"].unanswered, "the Budget Act is awaited"
    assert [project.colour for project in found["thanakorn"].red_projects] == ["red"]
    assert all(home.overdue.total <= 2 for home in found.values())
    assert sum(home.overdue.total for home in found.values()) >= 3


def test_three_years_of_the_office(loaded: Store) -> None:
    with loaded.reading() as session:
        ended = session.execute(
            select(Case.fiscal_year, func.count()).where(Case.state == "COMPLETED").group_by(Case.fiscal_year)
        ).all()
        assert {row.fiscal_year: row[1] for row in ended} == {2569: 4, 2571: 2}
        assert session.scalars(select(Case.outcome).where(Case.state == "COMPLETED").distinct()).all() == ["end"]
        silent = session.scalars(
            select(WorkItem).where(WorkItem.element == "reply", WorkItem.state.in_(("READY", "CLAIMED")))
        ).one()
        assert silent.province_id == "TH-39"
        assert silent.due_at is not None
        assert silent.due_at < TODAY

        projects = session.scalars(select(Project).where(Project.fiscal_year == 2570)).all()
        asked = sum((project.requested for project in projects), Decimal(0))
        capital = sum((project.requested for project in projects if project.budget_type != "operating"), Decimal(0))
        assert 12 <= len(projects) <= 20
        assert 200_000_000 <= asked <= 450_000_000
        assert Decimal("0.8") <= capital / asked <= Decimal("0.9")

        years = session.execute(select(FiscalDate.fiscal_year, func.count()).group_by(FiscalDate.fiscal_year)).all()
        assert {year for year, _ in years} == {2569, 2570, 2571}
        moved = session.scalars(select(CalendarChange)).all()
        assert {change.key for change in moved} >= {"q4_agency", "q4_report", "act_published"}
        assert all(change.letter and change.new_date > change.old_date for change in moved if change.old_date)


def test_an_auditor_finds_approvals_made_acting_and_on_behalf(loaded: Store) -> None:
    """Each names the person for whom it was done, and a position of that day with its letter stands behind it."""
    with loaded.reading() as session:
        records = session.scalars(select(JournalRecord).where(JournalRecord.on_behalf_of.is_not(None))).all()
        found = {}
        for record in records:
            held = select(Position).join(Person, Person.id == Position.person_id).where(Person.username == record.actor)
            wanted = held.where(Position.role == record.actor_role, Position.valid_from <= local_day(record.at))
            position = session.scalars(wanted.where(Position.valid_to >= local_day(record.at))).one()
            assert position.letter
            found[record.element] = (position.kind, record.actor, record.on_behalf_of, record.kind)
        assert found == {
            "review_draft": ("acting", "kanya", "thanakorn", "work_item.completed"),
            "head_report": ("delegated", "narong", "somchai", "work_item.completed"),
        }


def test_people_with_their_hats_can_sign_in(loaded: Store) -> None:
    assert sign_in(loaded, "thanakorn", PASSWORD, "127.0.0.1", TODAY).display_name.startswith("นาย")
    with loaded.reading() as session:
        staff = select(Position.person_id).where(Position.role.startswith("osm_"), Position.kind == "substantive")
        hats = session.execute(
            select(Position.person_id, func.count()).where(Position.person_id.in_(staff)).group_by(Position.person_id)
        ).all()
        assert len(hats) == 7
        kinds = session.scalars(select(Position).where(Position.kind != "substantive")).all()
        assert {position.kind for position in kinds} == {"acting", "delegated"}
        assert all(position.letter and position.valid_to and position.for_person_id for position in kinds)
        assert {login["username"] for login in logins()} == set(session.scalars(select(Person.username)))
        deputy = actor_named(session, "pornthip", local_day(TODAY))
        assert deputy.has("cluster_head", OFFICE)


def test_years_later_and_on_a_holiday_everything_moves_along(sqlite_store: Store) -> None:
    loading.load(sqlite_store, YEARS_LATER)

    with sqlite_store.reading() as session:
        assert [(case, faults) for case, faults in verify_all(session) if faults] == []
        assert session.scalars(select(JournalRecord).where(JournalRecord.at > YEARS_LATER)).all() == []
        newest = session.scalar(select(func.max(JournalRecord.at)))
        assert newest is not None
        assert YEARS_LATER - newest < timedelta(days=7)
        assert set(session.scalars(select(Case.fiscal_year).distinct())) == {2571, 2572, 2573}
    found = homes(sqlite_store, YEARS_LATER)
    assert found["nongbua"].overdue.total == 1
    assert sum(home.approvals.total for home in found.values()) >= 5
    assert all(home.overdue.total <= 3 for home in found.values())


def test_postgresql_holds_the_same_demo(new_postgresql: Callable[[], Store], loaded: Store) -> None:
    other = new_postgresql()
    loading.load(other, TODAY)

    with other.reading() as session, loaded.reading() as first:
        assert [(case, faults) for case, faults in verify_all(session) if faults] == []
        course = select(Case.business_key, Case.state, Case.outcome, Case.seq).order_by(Case.business_key)
        assert session.execute(course).all() == first.execute(course).all()


def test_a_database_with_people_is_refused(store: Store) -> None:
    with store.transaction() as session:
        session.add(Person(username="somebody", display_name="somebody", created_at=TODAY))

    with pytest.raises(loading.DatabaseInUse):
        loading.load(store, TODAY)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 0


def test_a_story_that_breaks_leaves_nothing_behind(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(stage: object) -> None:
        raise RuntimeError("the power went")

    monkeypatch.setattr(loading, "act_out", break_down)
    with pytest.raises(RuntimeError):
        loading.load(sqlite_store, TODAY)

    with sqlite_store.reading() as session:
        assert not has_people(session)


def test_every_step_can_be_told_and_found_in_english(loaded: Store) -> None:
    with loaded.reading() as session:
        items = session.scalars(select(WorkItem)).all()
        assert {item.name_th for item in items if not item.name_en} == set()
        wanted = next(item for item in items if item.name_en == "Fill in the project report" or item.element == "fill")
        assert wanted.name_en.lower() in wanted.search
        assert wanted.name_th in wanted.search
