"""The people of the demo: who they are, what they hold and for whom they act."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.demo import cast
from osm_flow.domain.access.roles import ROLES
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.operations.people.signing_in import sign_in
from osm_flow.store.models import AdminRecord, Person, Position
from osm_flow.store.session import Store
from tests.unit.demo.story import TODAY, times


@pytest.fixture
def hired(store: Store) -> Store:
    with store.transaction() as session:
        seed_clusters(session)
        cast.hire(session, times(), TODAY)
    return store


def held(session: Session, username: str) -> list[Position]:
    query = select(Position).join(Position.person).where(Person.username == username)
    return list(session.scalars(query.order_by(Position.id)))


def test_everybody_is_entered_with_the_roles_they_are_known_for(hired: Store) -> None:
    with hired.reading() as session:
        assert set(session.scalars(select(Person.username))) == {part.username for part in cast.CAST}
        for part in cast.CAST:
            substantive = [row for row in held(session, part.username) if row.kind == "substantive"]
            assert tuple(row.role for row in substantive) == part.roles
            assert {row.province_id for row in substantive} == {part.province}
        assert {row.office_id for row in held(session, "auditor") + held(session, "admin")} == {None}


def test_the_login_page_lists_who_can_sign_in(hired: Store) -> None:
    listed = {login["username"]: login for login in cast.logins()}

    assert set(listed) == {part.username for part in cast.CAST}
    assert {login["role"] for login in listed.values()} <= set(ROLES)
    somebody = listed["kanya"]
    assert sign_in(hired, "kanya", somebody["password"], "127.0.0.1", TODAY).display_name == somebody["name"]


def test_one_acts_for_another_for_a_time_and_one_by_delegation(hired: Store) -> None:
    with hired.reading() as session:
        names = {row.id: row.username for row in session.scalars(select(Person))}
        delegated = held(session, "pornthip")[-1]
        acting = held(session, "thanakorn")[-1]
        assert (delegated.kind, delegated.role, names[delegated.for_person_id or 0]) == (
            "delegated",
            "cluster_head",
            "somchai",
        )
        assert (acting.kind, acting.role, names[acting.for_person_id or 0]) == (
            "acting",
            "province_office_head",
            "narong",
        )
        assert delegated.letter.startswith("คำสั่งจังหวัดอุดรธานี ที่ 4512/2569")
        assert actor_named(session, "thanakorn", date(2026, 12, 4)).has("province_office_head", cast.OFFICE)
        assert not actor_named(session, "thanakorn", date(2026, 12, 5)).has("province_office_head", cast.OFFICE)


def test_entering_them_is_written_down(hired: Store) -> None:
    with hired.reading() as session:
        kinds = Counter(session.scalars(select(AdminRecord.kind)))
    assert kinds["person.created"] == len(cast.CAST)
    assert sum(kinds.values()) >= len(cast.CAST) * 2 + 2


def test_every_province_has_a_planner_and_an_agency() -> None:
    provinces = {"TH-38", "TH-39", "TH-41", "TH-42", "TH-43"}

    assert set(cast.PLANNERS) == set(cast.AGENCIES) == provinces
    assert cast.PLANNERS["TH-42"] == "loei"
    assert cast.AGENCIES["TH-43"].username == "publicworks"
    assert cast.NAMES["somchai"].startswith("นายสมชาย")
