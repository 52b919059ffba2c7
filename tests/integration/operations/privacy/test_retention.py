"""What must be kept: for how long by its class, and whatever its class by a hold."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.retention import ORDINARY, PERMANENT
from osm_flow.errors import NotFound
from osm_flow.operations.cases.acts import cancel_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.people.accounts import say_one_person
from osm_flow.operations.people.hats import PersonNotFound, actor_named
from osm_flow.operations.privacy import retention
from osm_flow.operations.privacy.retention import HeldByLaw, HoldNotFound
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Position
from osm_flow.store.session import Store
from tests.factories import (
    NOW,
    complete_first,
    deploy_tests,
    files,
    later,
    make_case,
    make_office,
    make_person,
)

YEAR = timedelta(days=365)


@pytest.fixture
def root(session: Session) -> Actor:
    """An administrator of one of two offices."""
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review")
    return make_person(session, "root", "admin")


@pytest.fixture
def anan(session: Session, root: Actor) -> Actor:
    return make_person(session, "anan", "osm_strategy")


def deploy_with(session: Session, name: str, value: str, element: str | None = None) -> None:
    """The test diagram with this property, of the process or of one of its elements."""
    content = files("review")
    written = f'<camunda:property name="{name}" value="{value}"/>'.encode()
    begin = (
        b'<camunda:property name="document" value="plan"/>'
        if element
        else b'<camunda:property name="stage" value="drafting"/>'
    )
    content["review.bpmn"] = content["review.bpmn"].replace(begin, begin + written, 1)
    deploy(session, content, SYSTEM, NOW)


def ended(session: Session, **more: Any) -> Case:
    case = make_case(session, **more)
    cancel_case(session, case.id, SYSTEM, later(), reason="เลิก")
    return case


def kinds(session: Session, case: Case) -> list[str]:
    query = select(JournalRecord.kind).where(JournalRecord.case_id == case.id)
    return list(session.scalars(query.order_by(JournalRecord.seq)))


# ---- classes ---------------------------------------------------------------------------------------------------


def test_an_ordinary_case_is_kept_for_ten_years_after_its_end(session: Session, root: Actor) -> None:
    running, over = make_case(session), ended(session)

    assert retention.retention_of_case(session, over) == ORDINARY
    assert (retention.kept_until(session, running), retention.kept_until(session, over)) == (None, date(2036, 11, 20))


def test_the_day_of_the_end_is_the_one_in_bangkok(session: Session, root: Actor) -> None:
    case = make_case(session)
    cancel_case(session, case.id, SYSTEM, NOW + timedelta(hours=16), reason="เลิก")

    assert retention.kept_until(session, case) == date(2036, 11, 21)


@pytest.mark.parametrize(
    ("spelled", "key", "until"),
    [
        ("permanent", "permanent", None),
        ("2y", "2y", date(2028, 11, 20)),
        ("2y-anonymise", "2y-anonymise", date(2028, 11, 20)),
    ],
)
def test_the_process_says_how_long_its_cases_are_kept(
    session: Session, root: Actor, spelled: str, key: str, until: date | None
) -> None:
    deploy_with(session, "retention", spelled)
    case = ended(session)

    assert retention.retention_of_case(session, case).key == key
    assert retention.kept_until(session, case) == until


def test_cases_come_of_age_where_there_is_anything_left(session: Session, root: Actor) -> None:
    make_case(session)
    case, empty = ended(session), ended(session)
    session.execute(delete(JournalPayload).where(JournalPayload.case_id == empty.id))

    def due(days: int, actor: Actor = root) -> list[tuple[str, date, bool]]:
        found = retention.due_cases(session, actor, NOW + timedelta(days=days))
        return [(one.case.id, one.since, one.is_held) for one in found]

    assert due(3652) == []
    assert due(3653) == [(case.id, date(2036, 11, 20), False)]
    retention.hold_case(session, case.id, root, NOW, reason="คดี")
    assert due(4000) == [(case.id, date(2036, 11, 20), True)]
    assert due(4000, make_person(session, "far", "admin", office_id="NE-U2")) == []
    with pytest.raises(NotYourRole):
        due(4000, make_person(session, "clerk", "osm_data"))
    # whoever may ask for an erasure is shown what there is to be asked for
    assert due(4000, make_person(session, "boss", "osm_director")) == [(case.id, date(2036, 11, 20), True)]


def test_what_is_kept_for_ever_never_comes_of_age(session: Session, root: Actor) -> None:
    deploy_with(session, "retention", "permanent")
    case = ended(session)

    assert retention.retention_of_case(session, case) == PERMANENT
    assert retention.due_cases(session, root, NOW + 99 * YEAR) == []


def test_the_longest_overdue_comes_first_and_no_more_than_asked_for(session: Session, root: Actor) -> None:
    first, second = make_case(session), make_case(session)
    for case, minutes in ((second, 60 * 24 * 3), (first, 60 * 24 * 9)):
        cancel_case(session, case.id, SYSTEM, later(minutes), reason="เลิก")

    found = retention.due_cases(session, root, NOW + 11 * YEAR)

    assert [one.case.id for one in found] == [second.id, first.id]
    assert [one.case.id for one in retention.due_cases(session, root, NOW + 11 * YEAR, limit=1)] == [second.id]


def test_an_element_with_a_class_of_its_own_comes_of_age_alone(session: Session, root: Actor, anan: Actor) -> None:
    deploy_with(session, "retention", "2y-anonymise", element="draft")
    case, untouched = make_case(session), ended(session)
    complete_first(session, case, anan, text="รายชื่อ")
    cancel_case(session, case.id, SYSTEM, later(), reason="เลิก")

    assert {one.key: elements for one, elements in retention.shorter_lived(session, case).items()} == {
        "2y-anonymise": ("draft",)
    }
    (due,) = retention.due_cases(session, root, NOW + timedelta(days=740))
    assert (due.case.id, due.elements, due.retention.then, due.since) == (
        case.id,
        ("draft",),
        "anonymise",
        date(2028, 11, 20),
    )
    session.execute(delete(JournalPayload).where(JournalPayload.seq == 2, JournalPayload.case_id == case.id))
    assert retention.due_cases(session, root, NOW + timedelta(days=740)) == []
    assert {one.case.id for one in retention.due_cases(session, root, NOW + 11 * YEAR)} == {case.id, untouched.id}


# ---- holds -----------------------------------------------------------------------------------------------------


def test_a_hold_on_a_case_stands_until_it_is_lifted_and_both_are_on_record(session: Session, root: Actor) -> None:
    case, other = make_case(session), make_case(session)
    hold = retention.hold_case(session, case.id, root, NOW, reason=" คดีปกครอง ")

    assert (hold.reason, hold.actor, hold.at) == ("คดีปกครอง", "root", NOW)
    assert [retention.hold_on(session, one) for one in (case, other)] == [hold, None]
    with pytest.raises(HeldByLaw):
        retention.refuse_held(session, case, [])
    retention.refuse_held(session, other, [1])

    lift = retention.lift_hold(session, hold.id, root, later(), reason="คดีสิ้นสุด")

    assert (lift.lifts_id, retention.hold_on(session, case)) == (hold.id, None)
    retention.refuse_held(session, case, [1])
    assert kinds(session, case) == ["case.started", "case.held", "case.hold_lifted"]
    assert verify_case(session, case.id) == []
    for gone in (hold.id, lift.id, 999):
        with pytest.raises(HoldNotFound):
            retention.lift_hold(session, gone, root, later(2), reason="อีกครั้ง")


def test_of_two_holds_one_stands_when_the_other_is_lifted(session: Session, root: Actor) -> None:
    case = make_case(session)
    first, second = (retention.hold_case(session, case.id, root, NOW, reason="คดี") for _ in range(2))

    retention.lift_hold(session, first.id, root, later(), reason="จบ")

    assert retention.hold_on(session, case) == second
    assert [held.row.id for held in retention.current_holds(session, root)] == [second.id]


def test_a_hold_on_a_person_keeps_what_was_done_by_or_for_them(session: Session, root: Actor, anan: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    deputy = make_person(session, "deputy")
    session.add(
        Position(
            person_id=deputy.person_id,
            office_id="NE-U1",
            role="osm_director",
            kind="acting",
            for_person_id=boss.person_id,
            valid_from=date(2026, 1, 1),
        )
    )
    session.flush()
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")
    complete_first(session, case, actor_named(session, "deputy", NOW.date()), later(), approved=False)

    retention.hold_person(session, "boss", root, NOW, reason="สอบสวน")

    retention.refuse_held(session, case, [1, 2])
    with pytest.raises(HeldByLaw):
        retention.refuse_held(session, case, [1, 3])
    assert retention.hold_on(session, case) is None


def test_a_hold_on_a_person_holds_what_they_did_in_another_account(session: Session, root: Actor, anan: Actor) -> None:
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")
    make_person(session, "anan2", "osm_strategy")
    retention.hold_person(session, "anan2", root, NOW, reason="สอบสวน")
    retention.refuse_held(session, case, [2])

    say_one_person(session, "anan2", root, NOW, other_username="anan")

    with pytest.raises(HeldByLaw):
        retention.refuse_held(session, case, [2])


def test_only_administrators_hold_with_a_reason(session: Session, root: Actor, anan: Actor) -> None:
    case = make_case(session)
    hold = retention.hold_case(session, case.id, root, NOW, reason="คดี")
    for actor in (anan, make_person(session, "boss", "osm_director"), make_person(session, "seer", "auditor")):
        for act in (
            lambda actor=actor: retention.hold_case(session, case.id, actor, NOW, reason="x"),
            lambda actor=actor: retention.hold_person(session, "anan", actor, NOW, reason="x"),
            lambda actor=actor: retention.lift_hold(session, hold.id, actor, NOW, reason="x"),
            lambda actor=actor: retention.current_holds(session, actor),
        ):
            with pytest.raises(NotYourRole):
                act()
    for act in (
        lambda: retention.hold_case(session, case.id, root, NOW, reason=" "),
        lambda: retention.hold_person(session, "anan", root, NOW, reason=""),
        lambda: retention.lift_hold(session, hold.id, root, NOW, reason="\n"),
    ):
        with pytest.raises(ReasonMissing):
            act()
    with pytest.raises(PersonNotFound):
        retention.hold_person(session, "nobody", root, NOW, reason="x")


def test_an_administrator_of_another_office_neither_sees_nor_lifts_a_hold(session: Session, root: Actor) -> None:
    far = make_person(session, "far", "admin", office_id="NE-U2")
    case = make_case(session)
    hold = retention.hold_case(session, case.id, root, NOW, reason="คดี")
    person = retention.hold_person(session, "root", root, NOW, reason="สอบสวน")

    with pytest.raises(NotFound):
        retention.hold_case(session, case.id, far, NOW, reason="x")
    with pytest.raises(HoldNotFound):
        retention.lift_hold(session, hold.id, far, later(), reason="x")
    with pytest.raises(HoldNotFound):
        retention.lift_hold(session, person.id, far, later(), reason="x")
    with pytest.raises(PersonNotFound):
        retention.hold_person(session, "root", far, NOW, reason="x")
    assert retention.current_holds(session, far) == []
    assert [held.row.id for held in retention.current_holds(session, root)] == [hold.id, person.id]
    assert [held.row.id for held in retention.current_holds(session, SYSTEM)] == [hold.id, person.id]
    assert retention.hold_on(session, case) == hold


def test_history_of_holds_is_kept(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        root = make_person(session, "root", "admin")
        retention.hold_case(session, make_case(session).id, root, NOW, reason="x")
    for statement in ("DELETE FROM legal_holds", "UPDATE legal_holds SET reason = 'y'"):
        with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
            session.execute(text(statement))
