"""Tables that enter new records: a row without a code gets one, and keeps it however often the form is filled in."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from osm_flow.domain.json import JSON
from osm_flow.operations.books.form_rows import rows_behind
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay.verify import verify_deep
from osm_flow.operations.work_items.acts import context_of, variables_of
from osm_flow.operations.work_items.completing import Completion, FormInvalid, complete
from osm_flow.store.models import Book, Case, Project
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person, make_project
from tests.together import at_once

NEW: JSON = {"name": " โครงการคันกั้นน้ำ ", "agency": "สำนักงานชลประทาน", "amount": 7_000_000.25}


@pytest.fixture
def case_ids(store: Store) -> list[str]:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "listing")
        make_person(session, "anan", "osm_strategy")
        make_person(session, "boss", "osm_director")
        make_project(session, "P1")
        return [make_case(session, "listing").id for _ in range(3)]


def finish(store: Store, case_id: str, who: str, values: JSON, minutes: int = 1, key: str | None = None) -> str:
    with store.transaction() as session:
        item = items_of(session, session.get_one(Case, case_id))[0]
        complete(session, item.id, actor_named(session, who, NOW.date()), later(minutes), Completion.of(values, key))
        return item.id


def shown(store: Store, case_id: str) -> list[JSON]:
    with store.reading() as session:
        rows: list[JSON] = context_of(session, items_of(session, session.get_one(Case, case_id))[0])["listed"]["items"]
        return rows


def test_a_row_without_a_code_enters_a_project_and_gets_its_code(store: Store, case_ids: list[str]) -> None:
    finish(store, case_ids[0], "anan", {"plan_version": 1, "items": [NEW, {"project": "P1", "amount": 5}]})

    code = "PRJ-NE-U1-2571-0001"
    named = {"project": code, "name": "โครงการคันกั้นน้ำ", "agency": "สำนักงานชลประทาน", "amount": 7_000_000.25}
    assert shown(store, case_ids[0]) == [{"project": "P1", "name": "โครงการ P1", "amount": 5}, named]
    with store.reading() as session:
        project = session.scalars(select(Project).where(Project.code == code)).one()
        assert (project.name_th, project.agency_th, project.state) == (named["name"], named["agency"], "concept")
        first = versions_of(session, "projects", code)
        assert [(one.act, one.actor, one.cause["case"]) for one in first] == [("registered", "anan", case_ids[0])]
        item = items_of(session, session.get_one(Case, case_ids[0]))[0]
        kept = variables_of(session, item)["listed"]["items"]
        assert rows_behind(session, kept) == shown(store, case_ids[0])
        assert list(compare(session)) == []
        assert verify_deep(session, case_ids[0]).faults == []


def test_a_returned_list_keeps_the_codes_that_its_rows_got(store: Store, case_ids: list[str]) -> None:
    finish(store, case_ids[0], "anan", {"plan_version": 1, "items": [NEW]})
    rows = shown(store, case_ids[0])
    finish(store, case_ids[0], "boss", {"approved": False, "reason": "ขอวงเงินใหม่"}, 2)
    finish(store, case_ids[0], "anan", {"plan_version": 2, "items": [{**rows[0], "amount": 6}]}, 3)

    with store.reading() as session:
        assert session.scalars(select(Project.code).order_by(Project.code)).all() == ["P1", rows[0]["project"]]
        assert (values_of(session, "projects", rows[0]["project"]) or {})["draft"] == [
            {"plan_version": 2, "agency": NEW["agency"], "amount": 6}
        ]
        assert list(compare(session)) == []


def test_the_same_list_sent_twice_enters_its_projects_once(store: Store, case_ids: list[str]) -> None:
    item_id = finish(store, case_ids[0], "anan", {"items": [NEW]}, key="k1")
    with store.transaction() as session:
        anan = actor_named(session, "anan", NOW.date())
        complete(session, item_id, anan, later(2), Completion.of({"items": [NEW]}, "k1"))

    with store.reading() as session:
        assert len(session.scalars(select(Project)).all()) == 2
        assert session.scalars(select(Book.next_number)).all() == [2]


def test_lists_that_enter_projects_at_once_get_codes_of_their_own(store: Store, case_ids: list[str]) -> None:
    at_once(*[lambda case_id=case_id: finish(store, case_id, "anan", {"items": [NEW, NEW]}) for case_id in case_ids])

    with store.reading() as session:
        codes = session.scalars(select(Project.code).where(Project.code != "P1").order_by(Project.code)).all()
        assert codes == [f"PRJ-NE-U1-2571-000{number}" for number in range(1, 7)]
        assert list(compare(session)) == []


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({"amount": 5}, "items.0.project"),
        ({"name": "  ", "amount": 5}, "items.0.project"),
        ({"agency": "แขวงทางหลวง", "amount": 5}, "items.0.project"),
        ({"project": "PRJ-NE-U1-2571-0001", "name": "ใหม่", "amount": 5}, "items.0.project"),
        ({"project": "P1", "name": "โครงการอื่น", "amount": 5}, "items.0.name"),
    ],
)
def test_a_row_that_names_nothing_or_calls_a_project_otherwise_is_refused_and_no_code_is_given(
    store: Store, case_ids: list[str], row: JSON, place: str
) -> None:
    with pytest.raises(FormInvalid) as refused:
        finish(store, case_ids[0], "anan", {"items": [row, NEW]})

    assert set(refused.value.fields) == {place}
    with store.reading() as session:
        assert session.scalars(select(Project.code)).all() == ["P1"]
        assert session.scalars(select(Book.next_number)).all() == [1]
