"""Cases are started, found, suspended, resumed and cancelled, and answered for those outside."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.errors import NotFound
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import queries as case_queries
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, JournalRecord, Timer
from osm_flow.store.session import CaseNotFound, Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review", "provinces", "caller", "callee", "timed", "broken")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def boss(session: Session, anan: Actor) -> Actor:
    return make_person(session, "boss", "osm_director")


class TestStarting:
    def test_what_every_case_begins_with(self, session: Session, anan: Actor) -> None:
        case = make_case(session, actor=anan, data={"fy": 1, "office": "X", "topic": "น้ำ"})

        (item,) = items_of(session, case)
        assert work_items.variables_of(session, item) == {
            "fy": 2571,
            "office": "NE-U1",
            "provinces": ["TH-39", "TH-41"],
            "started_by": "anan",
            "topic": "น้ำ",
        }
        assert (case.business_key, case.stage, case.seq, case.state) == ("REV-NE-U1-2571-01", "drafting", 1, "ACTIVE")

    def test_numbers_rise_by_kind_office_and_year(self, session: Session, anan: Actor) -> None:
        made = [make_case(session), make_case(session), make_case(session, fiscal_year=2572)]

        assert [case.business_key for case in made] == [
            "REV-NE-U1-2571-01",
            "REV-NE-U1-2571-02",
            "REV-NE-U1-2572-01",
        ]

    def test_the_same_key_is_one_case(self, session: Session, anan: Actor) -> None:
        def start() -> Case:
            return cases.start_case(session, "review", anan, NOW, CaseStart("NE-U1", 2571, "แผน", {}, key="s1"))

        assert start() is start()

    def test_who_may_not(self, session: Session, anan: Actor) -> None:
        make_office(session, "S-GULF", {})
        planner = make_person(session, "udon", "province_planner", province_id="TH-41")
        stranger = make_person(session, "stranger", "osm_strategy", office_id="S-GULF")

        with pytest.raises(NotYourRole):
            make_case(session, actor=planner)
        with pytest.raises(NotFound):
            make_case(session, actor=stranger)
        with pytest.raises(cases.NotStartable):
            make_case(session, "callee", actor=anan)

    @pytest.mark.parametrize("wrong", [{"key": "nothing"}, {"office_id": "nowhere"}])
    def test_unknown_things_are_not_found(self, session: Session, anan: Actor, wrong: dict[str, str]) -> None:
        with pytest.raises(NotFound):
            make_case(session, **wrong)  # type: ignore[arg-type]

    def test_a_year_out_of_range_names_the_field(self, session: Session, anan: Actor) -> None:
        with pytest.raises(cases.StartInvalid) as caught:
            make_case(session, fiscal_year=2026)

        assert "fiscal_year" in caught.value.fields


class TestFinding:
    def test_filters_and_pages(self, session: Session, anan: Actor) -> None:
        made = [make_case(session, title=f"แผน {number}", now=later(number)) for number in range(5)]
        make_case(session, "provinces", title="ถามจังหวัด", fiscal_year=2572)

        def found(**wanted: object) -> list[str]:
            return [case.title for case in cases.list_cases(session, anan, cases.CaseFilter(**wanted)).items]  # type: ignore[arg-type]

        assert found(definition_key="review") == [case.title for case in reversed(made)]
        assert found(fiscal_year=2572) == found(stage="integration") == found(text="จังหวัด") == ["ถามจังหวัด"]
        assert (found(state="COMPLETED"), len(found(state="open"))) == ([], 6)
        first = cases.list_cases(session, anan, limit=4)
        second = cases.list_cases(session, anan, limit=4, after=first.next)
        assert (first.total, second.total, len(second.items), second.next) == (6, 6, 2, None)
        assert not {case.id for case in first.items} & {case.id for case in second.items}

    def test_a_planner_sees_the_cases_of_their_province_and_no_other(self, session: Session, anan: Actor) -> None:
        udon = make_person(session, "udon", "province_planner", province_id="TH-41")
        asked, own, other = make_case(session, "provinces"), make_case(session), make_case(session)
        own.province_id, other.province_id = "TH-41", "TH-39"
        session.flush()

        assert [case.id for case in cases.list_cases(session, udon).items] == [own.id]
        assert cases.get_case(session, own.id, udon) is own
        for hidden in (asked, other):
            with pytest.raises(NotFound):
                cases.get_case(session, hidden.id, udon)

    def test_a_case_by_its_number_its_id_or_its_work_item(self, session: Session, anan: Actor) -> None:
        case, other = make_case(session), make_case(session)
        item = items_of(session, case)[0]

        assert cases.case_named(session, case.business_key) is cases.case_named(session, case.id) is case
        assert cases.case_named(session, "REV-NE-U1-2571-99") is None
        assert cases.case_with(session, case.id, None) is cases.case_with(session, None, item.id) is case
        assert cases.case_with(session, other.id, item.id) is other
        assert (cases.case_with(session, None, None), cases.case_with(session, None, "none")) == (None, None)

    def test_unknown_and_foreign_cases_are_not_found(self, session: Session, anan: Actor) -> None:
        make_office(session, "S-GULF", {})
        stranger = make_person(session, "stranger", "osm_strategy", office_id="S-GULF")

        with pytest.raises(CaseNotFound):
            cases.get_case(session, "none", anan)
        with pytest.raises(NotFound):
            cases.get_case(session, make_case(session).id, stranger)
        assert cases.list_cases(session, stranger).total == 0


class TestStopping:
    def test_suspended_nothing_moves_resumed_it_does(self, session: Session, anan: Actor, boss: Actor) -> None:
        case = make_case(session)
        item = items_of(session, case)[0]
        cases.suspend_case(session, case.id, boss, NOW, reason="รอหนังสือ", key="s1")
        cases.suspend_case(session, case.id, boss, NOW, reason="รอหนังสือ", key="s1")

        with pytest.raises(CaseSuspended):
            complete(session, item.id, anan, NOW, Completion.of({"text": "x"}, "k0"))
        cases.resume_case(session, case.id, boss, NOW)
        complete(session, item.id, anan, NOW, Completion.of({"text": "x"}, "k1"))

        kinds = session.scalars(select(JournalRecord.kind).order_by(JournalRecord.seq)).all()
        assert kinds == ["case.started", "case.suspended", "case.resumed", "work_item.completed"]
        assert verify_case(session, case.id) == []

    def test_cancelled_nothing_waits(self, session: Session, boss: Actor) -> None:
        from datetime import date

        from osm_flow.operations.calendar.milestones import move_date

        move_date(session, "NE-U1", 2571, "plan_submit", SYSTEM, NOW, NewDate(date(2026, 12, 1), "ว 1"))
        case = make_case(session, "timed")
        assert session.scalars(select(Timer)).all()

        cases.cancel_case(session, case.id, boss, NOW, reason="เลิกทำ", key="c1")

        assert (case.state, items_of(session, case), session.scalars(select(Timer)).all()) == ("CANCELLED", [], [])
        assert [item.state for item in items_of(session, case, "CANCELLED")] == ["CANCELLED"]
        assert verify_case(session, case.id) == []

    def test_staff_may_not(self, session: Session, anan: Actor) -> None:
        with pytest.raises(NotYourRole):
            cases.cancel_case(session, make_case(session).id, anan, NOW, reason="x")

    def test_a_waited_for_child_is_not_cancelled_alone(self, store: Store) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "caller", "callee")
            boss = make_person(session, "boss", "osm_director")
            parent_id = make_case(session, "caller").id
        deliver_pending(store, NOW, parent_id)

        with store.transaction() as session:
            child_id = session.scalars(select(Case.id).where(Case.parent_case_id == parent_id)).one()
            with pytest.raises(cases.CancelParentInstead):
                cases.cancel_case(session, child_id, boss, NOW, reason="x")


class TestPages:
    def test_the_picture_shows_tokens_and_paths(self, session: Session, anan: Actor, boss: Actor) -> None:
        case = make_case(session)
        for number, values in enumerate([{"text": "ก"}, {"approved": False}, {"text": "ข"}]):
            actor = boss if number == 1 else anan
            complete(session, items_of(session, case)[0].id, actor, NOW, Completion.of(values, f"k{number}"))
        items_of(session, case)[0].due_at = NOW
        session.flush()

        picture = case_queries.case_picture(session, case, later())

        assert picture["xml"].startswith(b"<?xml")
        assert picture["tokens"] == [{"element": "check", "count": 1, "overdue": 1}]
        assert (picture["passed"]["draft"], picture["passed"]["check"], picture["passed"]["good"]) == (2, 1, 1)

    def test_history_and_documents(self, session: Session, anan: Actor) -> None:
        case = make_case(session)
        complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": "ร่าง"}, "k"))

        page = case_queries.case_history(session, case)
        (document,) = case_queries.case_documents(session, case)

        assert [(one.record.kind, one.actor_name, one.element_name) for one in page.items] == [
            ("work_item.completed", "คุณanan", "ร่างแผน"),
            ("case.started", "system", None),
        ]
        assert page.items[0].payload is not None
        assert page.items[0].payload["data"] == {"text": "ร่าง"}
        assert (document.key, document.values, document.schema["title"]) == ("plan", {"text": "ร่าง"}, "บันทึก")
        first = case_queries.case_history(session, case, limit=1)
        assert [one.record.seq for one in case_queries.case_history(session, case, after=first.next).items] == [1]
