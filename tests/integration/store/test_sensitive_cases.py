"""A session in which somebody reads pages leaves closed cases out of whatever is asked of it, by lists yet to come, too."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import exists, func, select, union_all
from sqlalchemy.orm import Session, aliased, joinedload

from osm_flow.domain.access.actors import SYSTEM, Actor, Hat
from osm_flow.errors import NotFound
from osm_flow.operations.cases.acts import get_case, list_cases
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.privacy import sensitivity
from osm_flow.store import sensitive_cases
from osm_flow.store.database import Model
from osm_flow.store.models import (
    Candidate,
    Case,
    Comment,
    Incident,
    JournalPayload,
    JournalRecord,
    Notification,
    WorkItem,
)
from osm_flow.store.sensitive_cases import EVERYTHING, closed_among, is_open, met_in, narrow
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person

ROLES = ("osm_director", "osm_strategy", "osm_data", "cluster_head", "admin", "auditor", "province_planner")


class World:
    """Actors by name, an ordinary case and a sensitive one."""

    def __init__(self, session: Session) -> None:
        make_office(session)
        deploy_tests(session, "review")
        self.people = {
            role: make_person(session, role, role, province_id="TH-41" if role.startswith("prov") else None)
            for role in ROLES
        }
        self.people["starter"] = make_person(session, "starter", "osm_me")
        self.ordinary = make_case(session).id
        case = make_case(session, actor=self.people["starter"])
        self.closed = case.id
        comment(session, case.id, self.people["osm_strategy"], NOW, body="x", key=None)
        session.add(Incident(case_id=case.id, kind="service", message="x", opened_at=NOW))
        session.add(Incident(case_id=None, kind="mail", message="x", opened_at=NOW))
        session.flush()
        sensitivity.mark(session, case.id, self.people["osm_director"], later(1), reason="x")


@pytest.fixture
def world(store: Store) -> World:
    with store.transaction() as session:
        return World(session)


def test_the_condition_is_the_policy(store: Store, world: World) -> None:
    open_to = set()
    for name, actor in world.people.items():
        with store.reading() as session:
            seen = session.scalar(select(Case.id).where(Case.id == world.closed, is_open(actor)))
            closed = closed_among(session, actor, [world.closed, world.ordinary, None])
            assert bool(closed) == (seen is None)
            with nullcontext() if seen else pytest.raises(NotFound):
                get_case(session, world.closed, actor)
                open_to.add(name)
    assert open_to == {"osm_director", "osm_strategy", "starter"}


@pytest.mark.parametrize(
    ("hats", "is_open_to_them"),
    [
        ((("osm_strategy", "NE-U1"), ("osm_strategy", "NE-U2")), True),
        ((("osm_strategy", "NE-U2"), ("osm_strategy", "NE-U1")), True),
        ((("osm_strategy", "NE-U2"), ("osm_strategy", "NE-M")), False),
        ((("osm_strategy", "NE-U2"), ("osm_data", "NE-U1")), False),
        ((("osm_strategy", None), ("osm_strategy", "NE-U2")), True),
        ((), False),
    ],
)
def test_the_same_hat_in_several_offices_is_asked_for_in_each_of_them(
    store: Store, world: World, hats: tuple[tuple[str, str | None], ...], is_open_to_them: bool
) -> None:
    worn = tuple(Hat(role, office_id) for role, office_id in hats)
    actor = Actor(9_999, "elsewhere", "elsewhere", worn, every_office=("NE-U1", "NE-U2", "NE-M"))
    with store.reading() as session:
        assert bool(closed_among(session, actor, [world.closed])) is not is_open_to_them
        with nullcontext() if is_open_to_them else pytest.raises(NotFound):
            get_case(session, world.closed, actor)


def statements(case_id: str) -> dict[str, Any]:
    """Ways in which a list may ask for something of a case, as somebody who never heard of closed ones would."""
    other, item = aliased(Case), aliased(WorkItem)
    return {
        "count": select(func.count()).select_from(WorkItem).where(WorkItem.case_id == case_id),
        "columns": select(Case.title).where(Case.id == case_id),
        "alias": select(func.count()).select_from(other).where(other.id == case_id),
        "alias of items": select(func.count(item.id)).where(item.case_id == case_id),
        "subquery": select(func.count()).select_from(select(Case).where(Case.id == case_id).subquery()),
        "joined": select(Comment.body).join(Case, Case.id == Comment.case_id).where(Case.id == case_id),
        "exists": select(WorkItem.id).where(exists().where(Case.id == WorkItem.case_id, Case.id == case_id)),
        "union": union_all(
            select(Comment.case_id).where(Comment.case_id == case_id),
            select(JournalRecord.case_id).where(JournalRecord.case_id == case_id),
        ),
        "payload": select(JournalPayload.body).where(JournalPayload.case_id == case_id),
        "candidates": select(Candidate.role).join(WorkItem).where(WorkItem.case_id == case_id),
        "whole": select(WorkItem).where(WorkItem.case_id == case_id).options(joinedload(WorkItem.case)),
        "incident": select(Incident.message).where(Incident.case_id == case_id),
    }


def found(session: Session, statement: Any, **options: Any) -> list[Any]:
    rows = (
        session.execute(statement, execution_options=options).unique().all()
        if options
        else session.execute(statement).all()
    )
    return [row for row in rows if row[0] not in (0, None)]


def test_a_list_that_never_heard_of_closed_cases_leaves_them_out(store: Store, world: World) -> None:
    for name in ("osm_data", "cluster_head", "admin", "auditor", "province_planner"):
        with store.reading() as session:
            narrow(session, world.people[name])
            for way, statement in statements(world.closed).items():
                assert found(session, statement) == [], (name, way)
            assert session.get(Case, world.closed) is None
            assert session.get(Case, world.ordinary) is not None
            assert session.scalars(select(Incident.kind)).all() == ["mail"]
            assert [case.id for case in list_cases(session, world.people[name]).items] in ([world.ordinary], [])


@pytest.mark.parametrize("name", ["osm_director", "osm_strategy", "starter"])
def test_whom_they_are_open_to_reads_them(store: Store, world: World, name: str) -> None:
    with store.reading() as session:
        narrow(session, world.people[name])
        assert [way for way, statement in statements(world.closed).items() if not found(session, statement)] == []
        assert set(met_in(session)) == {session.get(Case, world.closed)}


def test_what_decides_sees_everything(store: Store, world: World) -> None:
    with store.reading() as session:
        narrow(session, world.people["admin"])
        ways = statements(world.closed)
        assert [way for way in ways if not found(session, ways[way], **EVERYTHING)] == []


def test_a_narrowed_session_stays_so_after_a_roll_back(store: Store, world: World) -> None:
    with store.reading() as session:
        narrow(session, world.people["admin"])
        session.rollback()
        assert session.get(Case, world.closed) is None


def test_one_persons_session_says_nothing_about_anothers(store: Store, world: World) -> None:
    """The statements are alike and kept compiled: only what is looked for differs."""
    for name in ("admin", "osm_director", "cluster_head", "osm_strategy", "admin"):
        with store.reading() as session:
            narrow(session, world.people[name])
            is_seen = session.scalar(select(func.count()).select_from(Case)) == 2
            assert is_seen == (name in {"osm_director", "osm_strategy"})


def test_the_system_reads_everything(store: Store, world: World) -> None:
    with store.reading() as session:
        narrow(session, SYSTEM)
        assert session.scalar(select(func.count()).select_from(Case)) == 2


def test_every_table_of_cases_is_left_out_or_named_as_bare() -> None:
    """A table that is added with the id of a case is narrowed by itself; those that are not are few and known."""
    tables = {mapper.class_.__name__ for mapper in Model.registry.mappers if hasattr(mapper.class_, "case_id")}
    narrowed = {model.__name__ for model in sensitive_cases._of_cases()}
    assert tables - narrowed == {"Access", "CaseReader", "LegalHold", "LogLeaf", "LoggedCase", "SensitiveOpening"}
    assert {"WorkItem", "Comment", "Attachment", "JournalRecord", "JournalPayload", "Incident", "Timer"} <= narrowed


def test_a_notice_of_a_closed_case_is_not_read(store: Store, world: World) -> None:
    admin: Actor = world.people["admin"]
    with store.transaction() as session:
        for case_id in (world.closed, world.ordinary, None):
            session.add(
                Notification(person_id=admin.person_id, kind="x", text_th="x", text_en="x", case_id=case_id, at=NOW)
            )
    with store.reading() as session:
        narrow(session, admin)
        assert set(session.scalars(select(Notification.case_id))) == {world.ordinary, None}
