"""Who gets a notice inside the site when a diagram or an escalation tells the people behind candidates."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.people.notify_people import notify
from osm_flow.store.models import Case, Notification, Person
from tests.factories import NOW, deploy_tests, make_acting, make_case, make_office, make_person


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    make_office(session, "NE-U2", {"TH-40": "ขอนแก่น"})
    deploy_tests(session, "review")
    make_person(session, "boss", "osm_director")
    make_person(session, "far-boss", "osm_director", office_id="NE-U2")
    for username, province_id in (("udon", "TH-41"), ("nong", "TH-39")):
        make_person(session, username, "province_planner", province_id=province_id)
    return make_case(session)


def told(session: Session, case: Case, candidates: str) -> list[str]:
    """Tell them; who has got a notice."""
    count = notify(session, case, candidates, NOW, kind="notice", text_th="ประชุม", text_en="Meeting")
    query = select(Person.username).join(Notification, Notification.person_id == Person.id)
    names = list(session.scalars(query.order_by(Person.username)))
    assert count == len(names)
    return names


def actor(session: Session, username: str) -> Actor:
    person = session.scalars(select(Person).where(Person.username == username)).one()
    return Actor(person.id, username, person.display_name)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        ("osm_director", ["boss"]),
        ("province_planner", ["nong", "udon"]),
        ("province_planner@TH-41", ["udon"]),
        ("user:far-boss", ["far-boss"]),
        (" osm_director , user:boss,, province_planner@TH-39 ", ["boss", "nong"]),
        ("osm_me, user:nobody, province_planner@TH-40", []),
    ],
)
def test_candidates_are_people_of_the_case_s_office(
    session: Session, case: Case, candidates: str, expected: list[str]
) -> None:
    assert told(session, case, candidates) == expected


def test_the_notice_is_kept_in_both_languages_and_leads_to_the_case(session: Session, case: Case) -> None:
    told(session, case, "osm_director")

    notice = session.scalars(select(Notification)).one()
    assert (notice.kind, notice.text_th, notice.text_en, notice.url, notice.at, notice.read_at) == (
        "notice",
        "ประชุม",
        "Meeting",
        f"/cases/{case.id}",
        NOW,
        None,
    )


def test_a_locked_person_is_not_told(session: Session, case: Case) -> None:
    session.scalars(select(Person).where(Person.username == "boss")).one().locked_at = NOW

    assert told(session, case, "osm_director, user:boss") == []


@pytest.mark.parametrize("candidate", ["osm_director", "user:boss"])
def test_whoever_stands_in_is_told_instead(session: Session, case: Case, candidate: str) -> None:
    make_acting(session, make_person(session, "deputy", "osm_me"), actor(session, "boss"), "osm_director")

    assert told(session, case, candidate) == ["deputy"]


def test_who_stands_in_for_a_locked_person_is_told(session: Session, case: Case) -> None:
    make_acting(session, make_person(session, "deputy", "osm_me"), actor(session, "boss"), "osm_director")
    session.scalars(select(Person).where(Person.username == "boss")).one().locked_at = NOW

    assert told(session, case, "user:boss") == ["deputy"]


def test_a_stand_in_who_may_not_see_the_case_does_not_keep_it_from_the_person(session: Session, case: Case) -> None:
    outsider = make_person(session, "outsider")
    make_acting(session, outsider, actor(session, "boss"), "province_planner", province_id="TH-39")

    assert told(session, case, "user:boss") == ["boss"]
