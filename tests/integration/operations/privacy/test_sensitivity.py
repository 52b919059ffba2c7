"""Sensitive cases: marked by one, with their children; open to few; the mark taken off by two; auditors say why."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.people import PositionKind
from osm_flow.errors import NotFound
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.acts import get_case, list_cases, suspend_case
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.hats import actor_for
from osm_flow.operations.privacy import retention, sensitivity
from osm_flow.operations.privacy.sensitivity import (
    AnotherMustConfirm,
    NamesOneself,
    NotSensitive,
    ProposedAlready,
    ReaderUnknown,
    SensitiveByParent,
    SensitiveByProcess,
    UnmarkProposalNotFound,
)
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, Case, CaseReader, JournalRecord, Person, UnmarkProposal
from osm_flow.store.sensitive_cases import OPEN_FOR, with_reasons
from osm_flow.store.session import Store
from tests.factories import (
    NOW,
    deploy_tests,
    files,
    give_role,
    items_of,
    later,
    make_acting,
    make_case,
    make_office,
    make_person,
)
from tests.together import at_once

ROLES = {
    "director": "osm_director",
    "head": "osm_admin_head",
    "strategy": "osm_strategy",
    "data": "osm_data",
    "governor": "cluster_head",
    "auditor": "auditor",
    "root": "admin",
}


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """One of each in an office; the case's first work item is drawn for `osm_strategy`."""
    return arrange(session)


def arrange(session: Session) -> dict[str, Actor]:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review", "caller", "callee")
    made = {name: make_person(session, name, role) for name, role in ROLES.items()}
    made["boss"] = make_person(session, "boss", "admin", office_id=None)
    made["other"] = make_person(session, "other", "osm_director", office_id="NE-U2")
    return made


@pytest.fixture
def case(session: Session, people: dict[str, Actor]) -> Case:
    """A sensitive case."""
    made = make_case(session)
    return sensitivity.mark(session, made.id, people["director"], later(1), reason="ข้อมูลสุขภาพ")


def kinds(session: Session, case: Case) -> list[str]:
    query = select(JournalRecord.kind).where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq)
    return list(session.scalars(query))


def who_opens(session: Session, case: Case, people: dict[str, Actor]) -> set[str]:
    """Who reads the case; and lists show it to the same people."""
    opened, listed = set(), set()
    for name, actor in people.items():
        try:
            get_case(session, case.id, actor)
            opened.add(name)
        except NotFound:
            pass
        if case.id in {one.id for one in list_cases(session, actor).items}:
            listed.add(name)
    assert opened == listed
    return opened


# ---- to whom it is open ------------------------------------------------------------------------------------------


def test_it_is_open_to_its_candidates_and_the_director_and_to_nobody_else(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    assert who_opens(session, case, people) == {"director", "strategy"}


def test_it_stays_open_to_who_did_a_step_and_to_who_started_it(session: Session, people: dict[str, Actor]) -> None:
    case = make_case(session, actor=people["data"])
    complete(session, items_of(session, case)[0].id, people["strategy"], later(1), Completion.of({"text": "x"}))
    sensitivity.mark(session, case.id, people["director"], later(2), reason="x")

    assert {"director", "strategy", "data"} <= who_opens(session, case, people)
    assert not {"root", "boss", "auditor", "head", "other"} & who_opens(session, case, people)


def test_who_acts_for_the_director_opens_it(session: Session, people: dict[str, Actor], case: Case) -> None:
    people["head"] = make_acting(session, people["head"], people["director"], "osm_director")

    assert "head" in who_opens(session, case, people)


def test_nobody_else_does_anything_with_it(session: Session, people: dict[str, Actor], case: Case) -> None:
    item = items_of(session, case)[0]
    for name in ("head", "data", "governor", "root", "boss", "auditor", "other"):
        actor = people[name]
        acts: list[Callable[[], object]] = [
            partial(comment, session, case.id, actor, later(3), body="x", key=None),
            partial(suspend_case, session, case.id, actor, later(3), reason="x"),
            partial(complete, session, item.id, actor, later(3), Completion.of({"text": "x"})),
            partial(sensitivity.mark, session, case.id, actor, later(3), reason="x"),
            partial(sensitivity.propose_unmark, session, case.id, actor, later(3), reason="x"),
            partial(sensitivity.name_reader, session, case.id, actor, later(3), username=actor.username),
        ]
        for act in acts:
            with pytest.raises(NotFound):
                act()


def test_an_administrator_holds_it_by_its_number_and_sees_no_more(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    retention.hold_case(session, case.id, people["root"], later(3), reason="คดี")
    held = retention.current_holds(session, people["root"])

    assert [(one.case, one.number) for one in held] == [(None, case.business_key)]
    retention.lift_hold(session, held[0].row.id, people["root"], later(4), reason="จบ")


# ---- the mark --------------------------------------------------------------------------------------------------


def test_a_process_may_make_all_its_cases_sensitive(session: Session, people: dict[str, Actor]) -> None:
    plain = make_case(session)
    said = b'<camunda:property name="sensitive" value="true"/>'
    drawn = files("review")
    drawn["review.bpmn"] = drawn["review.bpmn"].replace(b"<camunda:properties>", b"<camunda:properties>" + said, 1)
    deploy(session, drawn, SYSTEM, NOW)
    case = make_case(session)

    assert [one.is_sensitive for one in (plain, case)] == [False, True]
    with pytest.raises(SensitiveByProcess):
        sensitivity.propose_unmark(session, case.id, people["director"], NOW, reason="x")


def test_who_decides_about_data_marks_cases_with_a_reason(session: Session, people: dict[str, Actor]) -> None:
    case = make_case(session)

    with pytest.raises(NotYourRole):
        sensitivity.mark(session, case.id, people["strategy"], NOW, reason="x")
    with pytest.raises(ReasonMissing):
        sensitivity.mark(session, case.id, people["root"], NOW, reason=" ")
    sensitivity.mark(session, case.id, people["root"], later(1), reason="x")
    with pytest.raises(NotFound):  # who marks it need not be one of those to whom it is open
        sensitivity.mark(session, case.id, people["root"], later(2), reason="x")
    sensitivity.mark(session, case.id, people["director"], later(3), reason="x")
    assert kinds(session, case)[1:] == ["case.marked_sensitive"]


def called(store: Store) -> tuple[str, str]:
    with store.transaction() as session:
        arrange(session)
        parent = make_case(session, "caller")
    deliver_pending(store, NOW + timedelta(minutes=1), parent.id)
    with store.reading() as session:
        return parent.id, session.scalars(select(Case.id).where(Case.parent_case_id == parent.id)).one()


def test_children_are_sensitive_with_it_and_its_parent_is_not(store: Store) -> None:
    parent_id, child_id = called(store)
    with store.transaction() as session:
        director = actor_for(
            session, session.scalars(select(Person).where(Person.username == "director")).one(), NOW.date()
        )
        sensitivity.mark(session, parent_id, director, later(5), reason="x")
        parent, child = session.get_one(Case, parent_id), session.get_one(Case, child_id)
        assert (parent.is_sensitive, child.is_sensitive) == (True, True)
        assert "case.marked_sensitive" in kinds(session, child)
        with pytest.raises(SensitiveByParent):
            sensitivity.propose_unmark(session, child_id, director, later(6), reason="x")
        assert verify_case(session, child_id) == verify_case(session, parent_id) == []


def test_a_sensitive_child_leaves_its_parent_as_it_was(store: Store) -> None:
    parent_id, child_id = called(store)
    with store.transaction() as session:
        director = actor_for(
            session, session.scalars(select(Person).where(Person.username == "director")).one(), NOW.date()
        )
        sensitivity.mark(session, child_id, director, later(5), reason="x")
        assert not session.get_one(Case, parent_id).is_sensitive


def test_a_child_that_begins_later_is_sensitive_too(store: Store) -> None:
    with store.transaction() as session:
        people = arrange(session)
        parent = make_case(session, "caller")
        sensitivity.mark(session, parent.id, people["director"], NOW, reason="x")
    deliver_pending(store, NOW + timedelta(minutes=1), parent.id)
    with store.reading() as session:
        assert session.scalars(select(Case.is_sensitive).where(Case.parent_case_id == parent.id)).one()


# ---- taking it off ---------------------------------------------------------------------------------------------


def test_taking_it_off_takes_two_persons(session: Session, people: dict[str, Actor], case: Case) -> None:
    director = people["director"]
    sensitivity.name_reader(session, case.id, director, later(2), username="head")
    proposal = sensitivity.propose_unmark(session, case.id, director, later(3), reason="เปิดเผยแล้ว")
    assert case.is_sensitive
    with pytest.raises(ProposedAlready):
        sensitivity.propose_unmark(session, case.id, people["head"], later(4), reason="x")
    told = sensitivity.proposed(session, case, people["head"], NOW)
    assert told is not None
    assert (told.reason, told.may_confirm) == ("เปิดเผยแล้ว", True)

    sensitivity.confirm_unmark(session, case.id, proposal.id, people["head"], later(5))
    assert not case.is_sensitive
    assert session.scalars(select(CaseReader)).all() == []
    assert kinds(session, case)[1:] == [
        "case.marked_sensitive",
        "case.reader_named",
        "case.unmark_proposed",
        "case.unmarked_sensitive",
    ]
    assert verify_case(session, case.id) == []
    with pytest.raises(NotSensitive):
        sensitivity.confirm_unmark(session, case.id, proposal.id, people["head"], later(6))


def test_nobody_confirms_what_they_proposed_whatever_post_they_hold(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    proposal = sensitivity.propose_unmark(session, case.id, people["director"], later(3), reason="x")
    told = sensitivity.proposed(session, case, people["director"], NOW)
    assert told is not None
    assert not told.may_confirm
    both = make_acting(session, people["director"], people["head"], "osm_admin_head")
    for_them = make_acting(session, people["head"], people["director"], "osm_director", kind=PositionKind.delegated)
    for actor in (people["director"], both, for_them):
        with pytest.raises(AnotherMustConfirm), session.begin_nested():
            sensitivity.confirm_unmark(session, case.id, proposal.id, actor, later(4))
    assert case.is_sensitive
    assert session.scalars(select(UnmarkProposal.state)).one() == "PROPOSED"


def test_a_proposal_is_withdrawn_and_made_again(session: Session, people: dict[str, Actor], case: Case) -> None:
    director = people["director"]
    first = sensitivity.propose_unmark(session, case.id, director, later(3), reason="x")
    sensitivity.withdraw_unmark(session, case.id, first.id, director, later(4))
    with pytest.raises(UnmarkProposalNotFound):
        sensitivity.withdraw_unmark(session, case.id, first.id, director, later(5))
    sensitivity.name_reader(session, case.id, director, later(5), username="head")
    second = sensitivity.propose_unmark(session, case.id, director, later(6), reason="x")
    with pytest.raises(UnmarkProposalNotFound):
        sensitivity.confirm_unmark(session, case.id, first.id, people["head"], later(7))
    sensitivity.confirm_unmark(session, case.id, second.id, people["head"], later(8))
    assert not case.is_sensitive


def test_two_who_propose_or_confirm_at_once_do_so_once(store: Store) -> None:
    with store.transaction() as session:
        people = arrange(session)
        case = make_case(session)
        sensitivity.mark(session, case.id, people["director"], later(1), reason="x")
        sensitivity.name_reader(session, case.id, people["director"], later(2), username="head")
        give_role(session, people["data"].person_id or 0, "osm_admin_head")
        people["data"] = actor_for(session, session.get_one(Person, people["data"].person_id), NOW.date())
        sensitivity.name_reader(session, case.id, people["director"], later(2), username="data")
    done: list[str] = []

    def propose(name: str) -> None:
        with store.transaction() as session:
            sensitivity.propose_unmark(session, case.id, people[name], later(3), reason=name)
        done.append(name)

    at_once(*(partial(tolerant, propose, name) for name in ("head", "data", "director")))
    assert len(done) == 1
    with store.reading() as session:
        proposal = session.scalars(select(UnmarkProposal)).one()
    others = [name for name in ("head", "data", "director") if name != done[0]]
    confirmed: list[str] = []

    def confirm(name: str) -> None:
        with store.transaction() as session:
            sensitivity.confirm_unmark(session, case.id, proposal.id, people[name], later(4))
        confirmed.append(name)

    at_once(*(partial(tolerant, confirm, name) for name in others))
    assert len(confirmed) == 1
    with store.reading() as session:
        assert kinds(session, session.get_one(Case, case.id)).count("case.unmarked_sensitive") == 1
        assert verify_case(session, case.id) == []


def tolerant(act: Callable[[str], None], name: str) -> None:
    """One of several who do the same: all but the first are told in a sentence."""
    with suppress(ProposedAlready, UnmarkProposalNotFound, NotSensitive):
        act(name)


# ---- who is named ----------------------------------------------------------------------------------------------


def test_a_person_who_is_named_opens_it_until_they_are_no_longer(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    director = people["director"]
    for _ in range(2):
        sensitivity.name_reader(session, case.id, director, later(2), username=" DATA ")
    assert "data" in who_opens(session, case, people)
    for _ in range(2):
        sensitivity.remove_reader(session, case.id, director, later(3), username="data")
    assert "data" not in who_opens(session, case, people)
    assert kinds(session, case)[2:] == ["case.reader_named", "case.reader_removed"]


@pytest.mark.parametrize("username", ["nobody", "other", ""])
def test_only_people_of_the_office_are_named(
    session: Session, people: dict[str, Actor], case: Case, username: str
) -> None:
    with pytest.raises(ReaderUnknown):
        sensitivity.name_reader(session, case.id, people["director"], later(2), username=username)


def test_nobody_names_themselves_nor_anybody_before_it_is_sensitive(session: Session, people: dict[str, Actor]) -> None:
    case = make_case(session)
    with pytest.raises(NotSensitive):
        sensitivity.name_reader(session, case.id, people["root"], later(1), username="boss")
    sensitivity.mark(session, case.id, people["director"], later(1), reason="x")
    with pytest.raises(NamesOneself):
        sensitivity.name_reader(session, case.id, people["director"], later(2), username="director")


# ---- auditors say why ------------------------------------------------------------------------------------------


def test_an_auditor_says_why_and_opens_it_for_some_hours(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    auditor = people["auditor"]
    assert [one.business_key for one in sensitivity.sensitive_cases(session, auditor).items] == [case.business_key]
    with pytest.raises(ReasonMissing):
        sensitivity.say_why(session, case.id, auditor, NOW, reason=" ")
    sensitivity.say_why(session, case.id, auditor, NOW, reason="แผนตรวจสอบ 1/2570")

    for after, is_open in ((timedelta(), True), (OPEN_FOR - timedelta(seconds=1), True), (OPEN_FOR, False)):
        people["auditor"] = with_reasons(session, auditor, NOW + after)
        assert ("auditor" in who_opens(session, case, people)) is is_open
    assert [(one.kind, one.reason) for one in session.scalars(select(Access))] == [
        ("case.explained", "แผนตรวจสอบ 1/2570")
    ]


def test_nobody_but_an_auditor_of_the_office_may_say_why(
    session: Session, people: dict[str, Actor], case: Case
) -> None:
    ordinary = make_case(session)
    elsewhere = make_person(session, "elsewhere", "auditor", office_id="NE-U2")
    for actor in (people["root"], people["boss"], people["head"], people["strategy"], elsewhere):
        with pytest.raises(NotFound):
            sensitivity.say_why(session, case.id, actor, NOW, reason="x")
    with pytest.raises(NotFound):
        sensitivity.say_why(session, ordinary.id, people["auditor"], NOW, reason="x")
