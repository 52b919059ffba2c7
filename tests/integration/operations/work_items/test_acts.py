"""Work items are claimed, released, delegated and reassigned: one act, one record."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.acts import CaseStart
from osm_flow.errors import NotFound, OsmFlowError
from osm_flow.operations.cases import comments
from osm_flow.operations.cases.acts import start_case, suspend_case
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.operations.work_items import access, plans
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import PriorityUnknown, set_priority
from osm_flow.store.models import Case, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person
from tests.together import at_once


@pytest.fixture
def office(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review", "provinces")


@pytest.mark.usefixtures("office")
class TestClaiming:
    def test_a_candidate_claims(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        item = items_of(session, make_case(session))[0]

        work_items.claim(session, item.id, anan, now)

        assert (item.state, item.assignee_id) == ("CLAIMED", anan.person_id)
        newest = session.scalars(select(JournalRecord).order_by(JournalRecord.seq.desc())).first()
        assert newest is not None
        assert (newest.kind, newest.actor, newest.actor_role) == ("work_item.claimed", "anan", "osm_strategy")

    def test_claiming_again_changes_nothing(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        item = items_of(session, case)[0]
        work_items.claim(session, item.id, anan, now)

        work_items.claim(session, item.id, anan, later())

        assert case.seq == 2

    def test_somebody_else_holds_it(self, session: Session, now: datetime) -> None:
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        item = items_of(session, make_case(session))[0]
        work_items.claim(session, item.id, anan, now)

        with pytest.raises(access.AlreadyHeld, match="คุณanan already holds this work item"):
            work_items.claim(session, item.id, busaba, now)

    def test_a_foreign_office_does_not_see_it(self, session: Session, now: datetime) -> None:
        make_office(session, "S-GULF", {})
        stranger = make_person(session, "stranger", "osm_strategy", office_id="S-GULF")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(NotFound):
            work_items.claim(session, item.id, stranger, now)

    def test_another_role_may_not(self, session: Session, now: datetime) -> None:
        clerk = make_person(session, "clerk", "osm_admin")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(NotYourRole):
            work_items.claim(session, item.id, clerk, now)

    def test_only_the_planner_of_the_province(self, session: Session, now: datetime) -> None:
        udon = make_person(session, "udon", "province_planner", province_id="TH-41")
        items = {item.province_id: item for item in items_of(session, make_case(session, "provinces"))}

        work_items.claim(session, items["TH-41"].id, udon, now)

        assert items["TH-41"].assignee_id == udon.person_id
        with pytest.raises((NotYourRole, NotFound)):
            work_items.claim(session, items["TH-39"].id, udon, now)

    def test_not_in_a_suspended_case(self, session: Session, now: datetime) -> None:
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session)
        suspend_case(session, case.id, boss, now, reason="รอหนังสือ")

        with pytest.raises(CaseSuspended):
            work_items.claim(session, items_of(session, case)[0].id, anan, now)


@pytest.mark.usefixtures("office")
class TestHandingOn:
    def test_a_delegate_gives_it_back_to_the_owner(self, session: Session, now: datetime) -> None:
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        item = items_of(session, make_case(session))[0]
        work_items.claim(session, item.id, anan, now)

        work_items.delegate(session, item.id, anan, now, to_username="busaba", reason="ไปราชการ")
        assert (item.assignee_id, item.owner_id) == (busaba.person_id, anan.person_id)

        work_items.release(session, item.id, busaba, now)
        assert (item.assignee_id, item.owner_id, item.state) == (anan.person_id, None, "CLAIMED")

    def test_release_returns_it_to_the_candidates(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        item = items_of(session, make_case(session))[0]
        work_items.claim(session, item.id, anan, now)

        work_items.release(session, item.id, anan, now)

        assert (item.state, item.assignee_id, item.claimed_at) == ("READY", None, None)

    def test_a_head_reassigns_with_a_reason(self, session: Session, now: datetime) -> None:
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(ReasonMissing):
            work_items.reassign(session, item.id, boss, now, to_username="anan", reason=" ")
        work_items.reassign(session, item.id, boss, now, to_username="anan", reason="รู้เรื่องดี")

        assert (item.state, item.assignee_id) == ("CLAIMED", anan.person_id)
        work_items.reassign(session, item.id, boss, now, to_username=None, reason="คืนกลุ่ม")
        assert (item.state, item.assignee_id) == ("READY", None)

    def test_nobody_of_that_name(self, session: Session, now: datetime) -> None:
        boss = make_person(session, "boss", "osm_director")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(access.PersonUnknown):
            work_items.reassign(session, item.id, boss, now, to_username="nobody", reason="x")


@pytest.mark.usefixtures("office")
class TestPlans:
    def test_a_moved_due_date_has_its_reason_on_record(self, session: Session, now: datetime) -> None:
        boss = make_person(session, "boss", "osm_director")
        case = make_case(session)
        item = items_of(session, case)[0]

        plans.move_due(session, item.id, boss, now, due_at=later(60), reason="รอข้อมูล", key="m1")
        plans.move_due(session, item.id, boss, now, due_at=later(90), reason="รอข้อมูล", key="m1")

        assert item.due_at == later(60)
        assert case.seq == 2

    def test_a_draft_survives_and_is_its_writers_own(self, session: Session, now: datetime) -> None:
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        item = items_of(session, make_case(session))[0]

        plans.save_draft(session, item.id, anan, now, {"text": "ครึ่ง"})
        plans.save_draft(session, item.id, anan, later(), {"text": "ครึ่งทาง"})

        assert plans.get_draft(session, item.id, anan) == {"text": "ครึ่งทาง"}
        assert plans.get_draft(session, item.id, busaba) is None
        complete(session, item.id, anan, now, Completion.of({"text": "เต็ม"}, "k1"))
        assert plans.get_draft(session, item.id, anan) is None

    def test_priority_has_bounds(self, session: Session, now: datetime) -> None:
        boss = make_person(session, "boss", "osm_director")
        item = items_of(session, make_case(session))[0]

        with pytest.raises(PriorityUnknown):
            plans.set_priority(session, item.id, boss, now, priority=101)

    def test_comments_are_said_once(self, session: Session, now: datetime) -> None:
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)

        said = comments.comment(session, case.id, anan, now, body="ดูหน้า 3", key="c1")
        again = comments.comment(session, case.id, anan, now, body="ดูหน้า 3", key="c1")

        assert said is not None
        assert (said.body, again, case.seq) == ("ดูหน้า 3", None, 2)


class TestTwoPeopleAtOnce:
    def test_one_claims_the_other_reads_a_sentence(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "review")
            people = [make_person(session, name, "osm_strategy") for name in ("anan", "busaba")]
            item_id = items_of(session, make_case(session))[0].id
        outcomes = race(
            store, [lambda session, one=one: work_items.claim(session, item_id, one, now) for one in people]
        )

        assert sorted(outcomes) == ["AlreadyHeld", "done"]
        with store.reading() as session:
            assert session.get_one(WorkItem, item_id).state == "CLAIMED"

    def test_one_completes_the_other_reads_a_sentence(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "review")
            people = [make_person(session, name, "osm_strategy") for name in ("anan", "busaba")]
            case = make_case(session)
            item_id = items_of(session, case)[0].id

        def act(one):  # type: ignore[no-untyped-def]
            return lambda session: complete(
                session, item_id, one, now, Completion.of({"text": one.username}, f"k-{one.username}")
            )

        outcomes = race(store, [act(one) for one in people])

        assert sorted(outcomes) == ["AlreadyCompleted", "done"]
        with store.reading() as session:
            assert verify_case(session, case.id) == []

    def test_cases_begun_at_once_get_different_numbers(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "review")

        outcomes = race(store, [make_case] * 4)

        assert outcomes == ["done"] * 4
        with store.reading() as session:
            keys = session.scalars(select(Case.business_key).order_by(Case.business_key)).all()
        assert keys == [f"REV-NE-U1-2571-0{number}" for number in range(1, 5)]

    def test_a_case_begun_twice_at_once_with_one_key_is_one(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "review")
            anan = make_person(session, "anan", "osm_strategy")

        def start(session: Session) -> None:
            start_case(session, "review", anan, now, CaseStart("NE-U1", 2571, "x", {}, key="s"))

        assert race(store, [start] * 3) == ["done"] * 3
        with store.reading() as session:
            assert len(session.scalars(select(Case)).all()) == 1

    def test_a_double_post_at_the_same_moment_is_one_act(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "review")
            anan = make_person(session, "anan", "osm_strategy")
            case = make_case(session)
            item_id = items_of(session, case)[0].id

        def post(session: Session) -> None:
            complete(session, item_id, anan, now, Completion.of({"text": "x"}, "same"))

        outcomes = race(store, [post, post, post])

        assert outcomes == ["done"] * 3
        with store.reading() as session:
            assert len(items_of(session, case)) == 1


class TestSeveralAtOnce:
    def test_what_stands_in_the_way_of_one_is_told_and_the_others_are_done(
        self, session: Session, now: datetime
    ) -> None:
        make_office(session)
        deploy_tests(session, "review")
        anan, busaba = make_person(session, "anan", "osm_strategy"), make_person(session, "busaba", "osm_strategy")
        first, held, last = (items_of(session, make_case(session))[0] for _ in range(3))
        work_items.claim(session, held.id, busaba, now)

        told = work_items.each(session, work_items.claim, [first.id, held.id, "none", last.id], anan, later())

        assert {key: type(error).__name__ for key, error in told.items()} == {
            first.id: "NoneType",
            held.id: "AlreadyHeld",
            "none": "WorkItemNotFound",
            last.id: "NoneType",
        }
        assert [item.assignee_id for item in (first, held, last)] == [
            anan.person_id,
            busaba.person_id,
            anan.person_id,
        ]

    def test_nothing_is_kept_of_an_act_that_failed_half_way(self, store: Store, now: datetime) -> None:
        with store.transaction() as session:
            make_office(session)
            deploy_tests(session, "provinces")
            case = make_case(session, "provinces")
            first, second = items_of(session, case)[:2]
            boss = make_person(session, "boss", "admin", "osm_director")

        def act(session: Session, work_item_id: str, actor: Actor, now: datetime) -> WorkItem:
            item = set_priority(session, work_item_id, actor, now, priority=90)
            if work_item_id == first.id:
                raise CaseSuspended(case_id=item.case_id)
            return item

        with store.transaction() as session:
            told = work_items.each(session, act, [first.id, second.id], boss, now)

        assert [type(error) for error in told.values()] == [CaseSuspended, type(None)]
        with store.reading() as session:
            assert [session.get_one(WorkItem, id_).priority for id_ in (first.id, second.id)] == [50, 90]
            assert session.scalars(select(JournalRecord.seq).order_by(JournalRecord.seq)).all() == [1, 2]
            assert verify_case(session, case.id) == []


def race(store: Store, acts) -> list[str]:  # type: ignore[no-untyped-def]
    """Every act in a thread and a transaction of its own, begun together: `done`, or the error's name."""
    outcomes: list[str] = []

    def run(act) -> None:  # type: ignore[no-untyped-def]
        try:
            with store.transaction() as session:
                act(session)
            outcomes.append("done")
        except OsmFlowError as error:
            outcomes.append(type(error).__name__)

    at_once(*(partial(run, act) for act in acts))
    return outcomes
