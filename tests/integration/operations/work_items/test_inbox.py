"""The inbox shows the work items that a person may see, filtered, sorted and counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.errors import NotFound
from osm_flow.operations.cases.acts import CaseFilter, get_case, list_cases, suspend_case
from osm_flow.operations.paging import PageKeyUnreadable
from osm_flow.operations.policy_facts import spell
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.inbox import (
    InboxFilter,
    count_for,
    home_for,
    inbox_for,
    is_candidate,
    waiting_answers,
)
from osm_flow.store.models import Candidate, FiscalDate, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review", "provinces", "asking")
    return make_person(session, "anan", "osm_strategy")


def drafts(session: Session, count: int) -> list[WorkItem]:
    """Work items of as many cases: due one, two … minutes from now, every third without a due date."""
    made = []
    for number in range(count):
        (item,) = items_of(session, make_case(session, title=f"แผน {number}"))
        item.due_at = None if number % 3 == 2 else later(number)
        item.priority = 50 + number % 2
        made.append(item)
    session.flush()
    return made


def titles(items: list[WorkItem]) -> list[str]:
    return [item.case.title for item in items]


def test_views(session: Session, anan: Actor) -> None:
    boss, clerk = make_person(session, "boss", "osm_director"), make_person(session, "clerk", "osm_admin")
    first, second = drafts(session, 2)
    work_items.claim(session, first.id, anan, NOW)

    def seen(actor: Actor, view: str) -> list[str]:
        return [item.id for item in inbox_for(session, actor, NOW, InboxFilter(view)).items]  # type: ignore[arg-type]

    assert (seen(anan, "mine"), seen(anan, "groups"), seen(anan, "team")) == ([first.id], [second.id], [])
    assert (seen(boss, "mine"), seen(boss, "groups"), set(seen(boss, "team"))) == ([], [], {first.id, second.id})
    assert (seen(clerk, "mine"), seen(clerk, "groups"), seen(clerk, "team")) == ([], [], [])


def test_a_province_sees_its_own_only(session: Session, anan: Actor) -> None:
    udon = make_person(session, "udon", "province_planner", province_id="TH-41")
    make_case(session, "provinces")

    page = inbox_for(session, udon, NOW, InboxFilter("groups"))

    assert ([item.province_id for item in page.items], page.total) == (["TH-41"], 1)


def test_another_office_sees_nothing(session: Session, anan: Actor) -> None:
    make_office(session, "S-GULF", {})
    stranger = make_person(session, "stranger", "osm_strategy", "osm_director", office_id="S-GULF")
    drafts(session, 1)

    assert [inbox_for(session, stranger, NOW, InboxFilter(view)).total for view in ("mine", "groups", "team")] == [
        0,
        0,
        0,
    ]


def test_filters(session: Session, anan: Actor) -> None:
    items = drafts(session, 4)
    make_case(session, title="แผนจัดการนํ้า", fiscal_year=2572)
    make_case(session, "provinces")

    def total(**wanted: object) -> int:
        page = inbox_for(session, anan, later(2), InboxFilter("groups", **wanted))  # type: ignore[arg-type]
        assert len(page.items) == page.total
        return page.total

    assert total() == 5
    assert (total(overdue=True), total(overdue=False)) == (2, 3)
    assert (total(fiscal_year=2571), total(fiscal_year=2572)) == (4, 1)
    assert (total(stage="drafting"), total(stage="hearing")) == (5, 0)
    assert total(province_id="TH-41") == 0
    assert total(text="จัดการน้ำ") == 1  # typed with SARA AM, kept with NIKHAHIT and SARA AA
    assert total(text=items[1].case.business_key.lower()) == 1
    assert (total(text="ร่าง แผน"), total(text="100%"), total(text="_")) == (5, 0, 0)
    items[0].follow_up_at = later(10)
    session.flush()
    assert (total(resting=True), total(resting=False)) == (1, 4)


@pytest.mark.parametrize("sort", ["due", "opened", "priority"])
def test_paging_by_key_meets_everything_once(session: Session, anan: Actor, sort: str) -> None:
    drafts(session, 8)
    whole = inbox_for(session, anan, NOW, InboxFilter("groups", sort=sort))  # type: ignore[arg-type]
    seen: list[str] = []
    after = None

    for _ in range(3):
        page = inbox_for(session, anan, NOW, InboxFilter("groups", sort=sort), after=after, limit=3)  # type: ignore[arg-type]
        seen += [item.id for item in page.items]
        after = page.next
        assert page.total == 8

    assert after is None
    assert seen == [item.id for item in whole.items]


def test_sorting(session: Session, anan: Actor) -> None:
    drafts(session, 4)

    def order(sort: str) -> list[str]:
        return titles(inbox_for(session, anan, NOW, InboxFilter("groups", sort=sort)).items)  # type: ignore[arg-type]

    assert order("due") == ["แผน 0", "แผน 1", "แผน 3", "แผน 2"]
    assert order("priority") == ["แผน 1", "แผน 3", "แผน 0", "แผน 2"]


@pytest.mark.parametrize("key", ["x", "W10", "WzEsMl0", "eyJhIjoxfQ", "WyIyMDI2IixudWxsXQ", "💥"])
def test_a_made_up_key_is_refused(session: Session, anan: Actor, key: str) -> None:
    with pytest.raises(PageKeyUnreadable):
        inbox_for(session, anan, NOW, InboxFilter("groups"), after=key)


def test_a_suspended_case_is_not_in_the_inbox(session: Session, anan: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    (item,) = drafts(session, 1)

    suspend_case(session, item.case_id, boss, NOW, reason="รอ")

    assert inbox_for(session, anan, NOW, InboxFilter("groups")).total == 0


def test_the_home_page_lists_what_must_be_done_now(session: Session, anan: Actor) -> None:
    overdue, soon, _ = drafts(session, 3)
    for item in (overdue, soon):
        work_items.claim(session, item.id, anan, NOW - timedelta(minutes=1))
    make_case(session, "asking")

    home = home_for(session, anan, later(0.5))

    assert titles(home.overdue.items) == ["แผน 0"]
    assert titles(home.this_week.items) == ["แผน 1"]
    assert titles(home.unclaimed.items) == ["แผน 2"]
    assert [one.message for one in home.unanswered] == ["msg.answer"]
    assert count_for(session, anan, later(0.5), InboxFilter(overdue=True)) == 1


def test_the_dates_on_the_home_page_begin_with_today_in_the_office(session: Session, anan: Actor) -> None:
    for day in (19, 20, 21):
        date_ = date(2026, 11, day)
        session.add(FiscalDate(office_id=OFFICE, fiscal_year=2571, key=f"d{day}", date=date_, status="planned"))
    session.flush()

    def shown(at: datetime) -> list[str]:
        return [row.key for row in home_for(session, anan, at).next_dates]

    assert shown(datetime(2026, 11, 20, 16, 59, tzinfo=UTC)) == ["d20", "d21"]
    assert shown(datetime(2026, 11, 20, 17, 0, tzinfo=UTC)) == ["d21"]


def test_only_those_who_record_answers_see_what_is_unanswered(session: Session, anan: Actor) -> None:
    udon = make_person(session, "udon", "province_planner", province_id="TH-41")
    make_case(session, "asking")

    assert (len(waiting_answers(session, anan)), waiting_answers(session, udon)) == (1, [])


def test_a_page_takes_two_statements(session: Session, anan: Actor) -> None:
    drafts(session, 5)
    session.expunge_all()
    statements: list[str] = []
    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    page = inbox_for(session, anan, NOW, InboxFilter("groups"))
    _ = [(item.case.title, item.assignee, item.owner) for item in page.items]

    assert len(statements) == 2


@pytest.mark.parametrize(
    ("view", "index"),
    [
        ("mine", "ix_work_items_assignee_id_state_due_at_id"),
        ("groups", "ix_work_items_office_id_state_due_at_id"),
        ("team", "ix_work_items_office_id_state_due_at_id"),
    ],
)
def test_every_view_has_its_index(sqlite_store: Store, view: str, index: str) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        actor = make_person(session, "anan", "osm_strategy", "osm_director")
        caught: list[tuple[str, tuple[object, ...]]] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: caught.append((args[2], args[3])))
        inbox_for(session, actor, NOW, InboxFilter(view))  # type: ignore[arg-type]
        plans = [
            " / ".join(row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters))
            for sql, parameters in list(caught)
        ]

    assert len(plans) == 2
    for plan in plans:
        assert index in plan
        assert "SCAN work_items" not in plan


def test_the_journal_has_no_scan_in_a_history_page(sqlite_store: Store) -> None:
    with sqlite_store.reading() as session:
        plan = session.execute(
            text("EXPLAIN QUERY PLAN SELECT * FROM journal_records WHERE case_id = 'x' ORDER BY seq DESC LIMIT 101")
        ).all()

    assert all("SCAN" not in row[3] and "TEMP B-TREE" not in row[3] for row in plan)


# ---- who is a candidate ------------------------------------------------------------------------------------------


def hand_over(session: Session, item: WorkItem, *candidates: Candidate) -> None:
    """Leave these candidates alone with the work item."""
    for one in list(item.candidates):
        session.delete(one)
    for one in candidates:
        one.work_item_id = item.id
        session.add(one)
    session.flush()
    session.expire_all()


HATS = [
    (),
    *(
        (Hat(role, office_id, province_id),)
        for role, office_id, province_id in product(
            ("osm_strategy", "province_planner"), (None, OFFICE, "S-GULF"), (None, "TH-41", "TH-39")
        )
    ),
    (Hat("osm_strategy", "S-GULF"), Hat("province_planner", OFFICE, "TH-41")),
]
CANDIDATES = [
    (),
    (("osm_strategy", None),),
    (("province_planner", "TH-41"),),
    (("osm_strategy", None), ("province_planner", "TH-39")),
]


@pytest.mark.parametrize("candidates", CANDIDATES)
def test_the_condition_chooses_whom_the_policy_chooses(
    session: Session, anan: Actor, candidates: tuple[tuple[str, str | None], ...]
) -> None:
    item = items_of(session, make_case(session))[0]
    hand_over(session, item, *(Candidate(role=role, province_id=province) for role, province in candidates))

    for hats in HATS:
        actor = Actor(anan.person_id, "anan", "อนันต์", hats)
        chosen = session.scalars(select(WorkItem.id).where(is_candidate(actor))).all()
        by_policy = actor.hat_for(spell(item.candidates, actor), item.office_id)
        assert chosen == ([item.id] if by_policy else []), (hats, candidates)


def test_a_candidate_by_name_is_one_under_any_hat(session: Session, anan: Actor) -> None:
    item = items_of(session, make_case(session))[0]
    hand_over(session, item, Candidate(person_id=anan.person_id))

    assert session.scalars(select(WorkItem.id).where(is_candidate(anan))).all() == [item.id]


def test_whoever_is_asked_in_a_case_finds_their_work_item_and_not_the_case(session: Session, anan: Actor) -> None:
    planner = make_person(session, "nong", "province_planner", province_id="TH-39")
    hidden, asked = make_case(session), make_case(session, "provinces")
    for item in items_of(session, asked):
        if item.province_id != "TH-39":
            hand_over(session, item)

    found = inbox_for(session, planner, NOW, InboxFilter("groups")).items

    assert [(item.case_id, item.province_id) for item in found] == [(asked.id, "TH-39")]
    assert list_cases(session, planner, CaseFilter(fiscal_year=2571)).items == []
    for case in (asked, hidden):
        with pytest.raises(NotFound):
            get_case(session, case.id, planner)
