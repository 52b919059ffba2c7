"""Rows are put back only when one administrator of all offices asked for it and another person confirmed it."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import NotCompared
from osm_flow.operations.ledger.admin_journal import check_chain
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.rebuilding import requests
from osm_flow.operations.rebuilding.requests import (
    AnotherAdministratorNeeded,
    NotConfirmed,
    PersonNeeded,
    PowerDoubtful,
    RebuildingDecided,
    RebuildingNotFound,
    RequestDoubtful,
)
from osm_flow.store.models import AdminRecord, Person, Rebuilding
from tests.factories import NOW, give_role, later, make_acting, make_office, make_person


@pytest.fixture
def admins(session: Session) -> tuple[Actor, Actor]:
    """Two administrators of all offices, and one of a single office."""
    make_office(session)
    make_person(session, "local", "admin")
    return make_person(session, "root", "admin", office_id=None), make_person(session, "amin", "admin", office_id=None)


def test_one_asks_and_another_confirms_and_both_are_recorded(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, amin = admins
    request = requests.ask(session, root, NOW, tables=["comments", "timers"], reason=" ดิสก์เสีย ")
    assert requests.tables_of(request) == {"comments", "timers"}
    with pytest.raises(NotConfirmed):
        requests.to_carry_out(session, request.id, amin)
    with pytest.raises(AnotherAdministratorNeeded):
        requests.confirm(session, request.id, root, later(1))

    requests.confirm(session, request.id, amin, later(1))
    assert requests.to_carry_out(session, request.id, root).decided_by == "amin"
    for act in (requests.confirm, requests.withdraw):
        with pytest.raises(RebuildingDecided):
            act(session, request.id, amin, later(2))
    requests.finish(session, request.id, amin, later(3), put_back=2, left=1)
    requests.finish(session, request.id, amin, later(4), put_back=0, left=1)

    records = session.scalars(select(AdminRecord).order_by(AdminRecord.seq)).all()
    assert [(one.kind, one.actor, one.actor_role) for one in records] == [
        ("rebuilding.asked", "root", "admin"),
        ("rebuilding.confirmed", "amin", "admin"),
        ("rebuilding.done", "amin", "admin"),
    ]
    assert all(word in records[0].changes for word in ("comments, timers", "ดิสก์เสีย"))
    assert check_chain(session).faults == []
    with pytest.raises(RebuildingDecided):
        requests.to_carry_out(session, request.id, amin)


def test_who_may_not(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, amin = admins
    local = actor_named(session, "local", NOW.date())
    with pytest.raises(NotYourRole):
        requests.ask(session, local, NOW, tables=[], reason="เหตุ")
    with pytest.raises(PersonNeeded):
        requests.ask(session, SYSTEM, NOW, tables=[], reason="เหตุ")
    with pytest.raises(NotCompared):
        requests.ask(session, root, NOW, tables=["notifications"], reason="เหตุ")
    with pytest.raises(ReasonMissing):
        requests.ask(session, root, NOW, tables=[], reason=" ")
    request = requests.ask(session, root, NOW, tables=[], reason="เหตุ")
    for actor, refusal in ((local, NotYourRole), (SYSTEM, PersonNeeded)):
        with pytest.raises(refusal):
            requests.confirm(session, request.id, actor, later(1))
    with pytest.raises(RebuildingNotFound):
        requests.confirm(session, 99, amin, later(1))
    assert [one.id for one in requests.open_requests(session, amin)] == [request.id]
    requests.withdraw(session, request.id, amin, later(2))
    assert requests.open_requests(session, amin) == []


def test_another_account_of_the_same_person_is_nobody_else(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, _ = admins
    request = requests.ask(session, root, NOW, tables=[], reason="เหตุ")
    session.execute(update(Person).where(Person.username.in_(("root", "amin"))).values(one_person="x"))
    session.expire_all()
    with pytest.raises(AnotherAdministratorNeeded):
        requests.confirm(session, request.id, actor_named(session, "amin", NOW.date()), later(1))


def test_who_acts_for_the_other_is_nobody_else(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, _ = admins
    request = requests.ask(session, root, NOW, tables=[], reason="เหตุ")
    stand_in = make_acting(session, make_person(session, "new"), root, "admin", office_id=None)
    with pytest.raises(AnotherAdministratorNeeded):
        requests.confirm(session, request.id, stand_in, later(1))


@pytest.mark.parametrize(
    "forged",
    [
        {"asked_by": "amin"},
        {"tables": "people"},
        {"reason": "อย่างอื่น"},
        {"state": "CONFIRMED", "decided_by": "amin"},
    ],
)
def test_a_request_that_was_changed_is_not_carried_out(
    session: Session, admins: tuple[Actor, Actor], forged: dict[str, str]
) -> None:
    root, amin = admins
    request = requests.ask(session, root, NOW, tables=["comments"], reason="ดิสก์เสีย")
    session.execute(update(Rebuilding).where(Rebuilding.id == request.id).values(**forged))
    session.expire_all()

    with pytest.raises((RequestDoubtful, RebuildingDecided)):
        requests.confirm(session, request.id, amin, later(1))
    with pytest.raises((RequestDoubtful, NotConfirmed)):
        requests.to_carry_out(session, request.id, amin)


def test_a_request_that_nobody_recorded_is_none(session: Session, admins: tuple[Actor, Actor]) -> None:
    slipped = {"tables": "comments", "reason": "x", "state": "ASKED", "asked_by": "root", "asked_at": NOW}
    session.execute(insert(Rebuilding), {"id": 7, **slipped})

    with pytest.raises(RequestDoubtful):
        requests.confirm(session, 7, admins[1], later(1))


def test_a_withdrawn_request_that_is_set_back_stays_withdrawn(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, amin = admins
    request = requests.ask(session, root, NOW, tables=["comments"], reason="ดิสก์เสีย")
    requests.withdraw(session, request.id, root, later(1))
    session.execute(update(Rebuilding).values(state="ASKED", decided_by=None, decided_at=None))
    session.expire_all()

    with pytest.raises(RequestDoubtful):
        requests.confirm(session, request.id, amin, later(2))


def test_whoever_has_a_forged_post_confirms_nothing(session: Session, admins: tuple[Actor, Actor]) -> None:
    root, _ = admins
    anan = make_person(session, "anan", "osm_strategy")
    record_as_found(session, NOW)
    request = requests.ask(session, root, NOW, tables=["comments"], reason="ดิสก์เสีย")
    give_role(session, anan.person_id or 0, "admin", office_id=None)
    forged = actor_named(session, "anan", NOW.date())

    with pytest.raises(PowerDoubtful):
        requests.confirm(session, request.id, forged, later(1))
