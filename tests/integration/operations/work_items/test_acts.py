"""Work items are claimed, released, delegated and reassigned: one act, one record."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import ChosenByTheDoer, NotYourRole, NotYoursToChoose
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.people import NewPosition
from osm_flow.errors import NotFound, OsmFlowError
from osm_flow.operations.cases import comments
from osm_flow.operations.cases.acts import start_case, suspend_case
from osm_flow.operations.people import positions
from osm_flow.operations.people.accounts import say_one_person, set_number
from osm_flow.operations.people.hats import actor_for, actor_named, person_by_username
from osm_flow.operations.people.orders import NewOrder, record_order
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.operations.work_items import access, plans
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import PriorityUnknown, set_priority
from osm_flow.store.models import Case, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person
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


def given(session: Session, username: str, role: str, giver: Actor, at: datetime, **more: str) -> Actor:
    """The person once the giver has given them this post."""
    person = person_by_username(session, username)
    post = NewPosition(role, OFFICE, NOW.date(), **more)
    positions.give_position(session, username, giver, at, post)
    return actor_for(session, person, NOW.date())


def drafted(session: Session, who: Actor) -> WorkItem:
    """The check of a draft that this person has just completed."""
    case = make_case(session)
    complete(session, items_of(session, case)[0].id, who, later(1), Completion.of({"text": "ร่าง"}))
    return items_of(session, case)[0]


@pytest.mark.usefixtures("office")
class TestNobodyChoosesTheirChecker:
    def test_who_did_it_hands_the_check_to_nobody(self, session: Session) -> None:
        head, other = (make_person(session, name, "osm_strategy", "osm_director") for name in ("head", "other"))
        root = make_person(session, "root", "admin")
        kind, free = (make_person(session, name, "osm_strategy") for name in ("kind", "free"))
        check = drafted(session, head)

        for to_username in ("kind", None):
            with pytest.raises(NotYoursToChoose):
                work_items.reassign(session, check.id, head, later(), to_username=to_username, reason="ลา")
        work_items.reassign(session, check.id, other, later(), to_username="kind", reason="ลา")
        work_items.reassign(session, check.id, root, later(), to_username="free", reason="ลา")
        complete(session, check.id, free, later(), Completion.of({"approved": True, "reason": "ดี"}))
        assert (check.state, kind.username) == ("COMPLETED", "kind")

    def test_in_another_account_neither(self, session: Session) -> None:
        head = make_person(session, "head", "osm_strategy")
        make_person(session, "head2", "admin")
        make_person(session, "kind", "osm_strategy")
        check = drafted(session, head)
        say_one_person(session, "head", SYSTEM, NOW, other_username="head2")

        second = actor_named(session, "head2", NOW.date())
        with pytest.raises(NotYoursToChoose):
            work_items.reassign(session, check.id, second, later(), to_username="kind", reason="ลา")

    def test_who_chose_the_checker_does_not_do_the_work_afterwards(self, session: Session) -> None:
        """Where both are open at once: the check is handed over first, the work done next."""
        head = make_person(session, "head", "osm_strategy", "admin")
        make_person(session, "kind", "osm_strategy")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        (draft,) = items_of(session, case)
        check = open_beside(session, draft)
        work_items.reassign(session, check.id, head, later(), to_username="kind", reason="ลา")

        for act in (
            lambda: work_items.claim(session, draft.id, head, later(2)),
            lambda: complete(session, draft.id, head, later(2), Completion.of({"text": "ร่าง"})),
        ):
            with pytest.raises(NotYoursToChoose):
                act()
        with pytest.raises(access.ReceiverChosen):
            work_items.reassign(session, draft.id, head, later(2), to_username="head", reason="ลา")
        complete(session, draft.id, anan, later(2), Completion.of({"text": "ร่าง"}))

    @pytest.mark.parametrize("confirmed", [False, True])
    def test_a_post_from_who_did_it_is_no_post_to_check_it(self, session: Session, confirmed: bool) -> None:
        doer = make_person(session, "doer", "osm_strategy", "admin")
        root = make_person(session, "root", "admin")
        make_person(session, "friend", "osm_me")
        check = drafted(session, doer)
        giver, second = (root, doer) if confirmed else (doer, root)
        position = positions.give_position(
            session, "friend", giver, later(2), NewPosition("osm_director", OFFICE, NOW.date())
        )
        positions.confirm_position(session, position.id, second, later(3))
        friend = actor_named(session, "friend", NOW.date())

        for act in (
            lambda: work_items.claim(session, check.id, friend, later(4)),
            lambda: complete(session, check.id, friend, later(4), Completion.of({"approved": True, "reason": "ดี"})),
        ):
            with pytest.raises(ChosenByTheDoer):
                act()
        with pytest.raises(access.ReceiverChosen):
            work_items.reassign(session, check.id, root, later(4), to_username="friend", reason="ลา")
        other = drafted(session, make_person(session, "anan", "osm_strategy"))
        complete(session, other.id, friend, later(5), Completion.of({"approved": True, "reason": "ดี"}))

    def test_a_post_of_before_the_work_and_one_from_others_count(self, session: Session) -> None:
        doer = make_person(session, "doer", "osm_strategy", "admin")
        root = make_person(session, "root", "admin")
        make_person(session, "early", "osm_me")
        make_person(session, "late", "osm_me")
        early = given(session, "early", "osm_strategy", doer, later(-60))
        check = drafted(session, doer)
        late = given(session, "late", "osm_strategy", root, later(5))

        work_items.claim(session, check.id, early, later(6))
        work_items.release(session, check.id, early, later(7))
        complete(session, check.id, late, later(8), Completion.of({"approved": True, "reason": "ดี"}))

    def test_who_stands_in_for_somebody_chosen_is_chosen_too(self, session: Session) -> None:
        doer = make_person(session, "doer", "osm_strategy", "admin")
        root = make_person(session, "root", "admin")
        make_person(session, "friend", "osm_me")
        make_person(session, "stand", "osm_me")
        set_number(session, "stand", SYSTEM, NOW, entered="ปค-41024")
        check = drafted(session, doer)
        position = positions.give_position(
            session, "friend", doer, later(2), NewPosition("osm_director", OFFICE, NOW.date())
        )
        positions.confirm_position(session, position.id, root, later(3))
        friend = actor_named(session, "friend", NOW.date())
        order = NewOrder(position.id, "stand", "acting", "คำสั่งที่ 1/2570", NOW.date(), NOW.date())
        record_order(session, friend, later(4), order)

        with pytest.raises(ChosenByTheDoer):
            work_items.claim(session, check.id, actor_named(session, "stand", NOW.date()), later(5))


def open_beside(session: Session, draft: WorkItem) -> WorkItem:
    """A check of this work item that is open at the same time, in another case of its family."""
    case = make_case(session)
    case.root_case_id = draft.case.root_case_id
    (check,) = items_of(session, case)
    check.separate_from, check.element = "draft", "check"
    session.flush()
    return check
