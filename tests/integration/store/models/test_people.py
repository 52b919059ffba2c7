"""Offices and people: names that are taken once, positions that point at somebody, attempts that are counted quickly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.people.hats import actor_named, people_wearing
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.operations.people.signing_in import SignInRefused, sign_in
from osm_flow.store.models import LoginAttempt, Office, Person, Position, Province
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, make_office, make_person
from tests.integration.store.tables import keep, plans_of, refused


def a_person(username: str = "somsri") -> Person:
    return Person(username=username, display_name="สมศรี", created_at=NOW)


def a_position(person: Person, **more: object) -> Position:
    return Position(person_id=person.id, role="osm_me", valid_from=date(2026, 10, 1), **more)


def test_a_user_name_is_taken_once(session: Session) -> None:
    keep(session, a_person())

    assert refused(session, a_person())
    keep(session, a_person("Somsri"))


def test_a_new_person_reads_thai_and_cannot_sign_in_yet(session: Session) -> None:
    keep(session, a_person())

    found = session.scalars(select(Person)).one()
    assert (found.locale, found.session_epoch, found.password_hash, found.locked_at) == ("th", 0, None, None)


def test_a_position_points_at_an_office_and_at_people_that_are_there(session: Session) -> None:
    make_office(session)
    person = a_person()
    keep(session, person)

    for wrong in ({"office_id": "nowhere"}, {"province_id": "TH-00"}, {"for_person_id": 99}):
        assert refused(session, a_position(person, **wrong)), wrong
    keep(session, a_position(person, office_id=OFFICE, province_id="TH-41", kind="acting", for_person_id=person.id))
    session.expire_all()
    (position,) = person.positions
    assert position.for_person is person
    assert (position.valid_from, position.valid_to, position.kind) == (date(2026, 10, 1), None, "acting")


def test_a_position_is_substantive_unless_it_says_otherwise(session: Session) -> None:
    person = a_person()
    keep(session, person)
    keep(session, a_position(person))

    assert person.positions[0].kind == "substantive"


def test_who_is_named_somewhere_cannot_be_deleted(session: Session) -> None:
    person = a_person()
    keep(session, person)
    keep(session, a_position(person))

    assert refused(session, "DELETE FROM people")


def test_provinces_belong_to_their_office(session: Session) -> None:
    seed_clusters(session)

    office = session.get_one(Office, OFFICE)
    assert {province.id for province in office.provinces} == {"TH-38", "TH-39", "TH-41", "TH-42", "TH-43"}
    assert [province.id for province in office.provinces if province.is_centre] == ["TH-41"]
    assert session.get_one(Province, "TH-41").office is office
    assert refused(session, Province(id="TH-00", office_id="nowhere", name_th="ก", name_en="x", abbr_th="ก"))


def test_holders_of_a_role_and_their_hats_are_found_by_an_index(session: Session) -> None:
    make_office(session)
    make_person(session, "somsri", "osm_me")

    wearing = plans_of(session, lambda: people_wearing(session, "osm_me", OFFICE, NOW.date()))
    assert "ix_positions_office_id_role_province_id" in wearing
    assert "ix_positions_person_id" in plans_of(session, lambda: actor_named(session, "somsri", NOW.date()))


def test_attempts_to_sign_in_are_counted_by_an_index(store: Store) -> None:
    late = datetime(2026, 11, 20, 2, 0, tzinfo=UTC) + timedelta(minutes=1)

    def attempt() -> None:
        try:
            sign_in(store, "somsri", "a wrong password", "127.0.0.1", late)
        except SignInRefused:
            return

    with store.transaction() as session:
        make_office(session)
        make_person(session, "somsri", "osm_me")
    with store.reading() as session:
        plans = plans_of(session, attempt)
    counted = [plan for plan in plans.splitlines() if "login_attempts" in plan]
    assert counted
    assert all("ix_login_attempts" in plan for plan in counted)
    with store.reading() as session:
        assert [(row.username, row.succeeded) for row in session.scalars(select(LoginAttempt))] == [("somsri", False)]
