"""Rows of records are made anew of their books, when two administrators agree, and never of a book that does not verify."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import delete, insert, select, update

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.sealing import BookName
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.books import acts as books
from osm_flow.operations.books import versions
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.rebuilding.rounds import carry_out
from osm_flow.store.models import AdminRecord, ChangeBody, Project, PutBackRow, ToLog
from osm_flow.store.session import Store
from tests.factories import OFFICE, later, make_office, make_person, make_project
from tests.integration.operations.comparing.conftest import table_named, vandal
from tests.integration.operations.rebuilding.test_rounds import Vandals, agreed

__all__ = ["vandal"]


@pytest.fixture
def admins(store: Store) -> tuple[Actor, Actor]:
    """Two administrators of all offices, and a register that somebody changed."""
    with store.transaction() as session:
        make_office(session)
        make_project(session, "P1", approved=900)
        make_project(session, "P2", name="โครงการที่หายไป")
        first, second = (make_person(session, name, "admin", office_id=None) for name in ("first", "second"))
    with store.transaction() as session:
        session.execute(update(Project).where(Project.code == "P1").values(approved=Decimal(1), state="closed"))
        session.execute(delete(Project).where(Project.code == "P2"))
        slipped = {"code": "P3", "office_id": OFFICE, "fiscal_year": 2571, "name_th": "ปลอม", "agency_th": "ปลอม"}
        money = {"budget_type": "other", "requested": Decimal(1), "committed": Decimal(0), "disbursed": Decimal(0)}
        session.execute(insert(Project), {**slipped, **money, "state": "concept", "search": "", "agency_key": ""})
    return first, second


def test_rows_say_again_what_their_books_say(store: Store, admins: tuple[Actor, Actor]) -> None:
    request = agreed(store, admins, "projects")

    outcome = carry_out(store, request, admins[0], later(40))

    assert ({one.row for one in outcome.put_back}, outcome.left) == ({"P1", "P2", "P3"}, [])
    with store.reading() as session:
        assert list(compare(session)) == []
        rows = session.execute(select(Project.code, Project.approved, Project.name_th).order_by(Project.code)).all()
        kept = session.scalars(select(PutBackRow.name).order_by(PutBackRow.name)).all()
        told = session.scalars(select(AdminRecord.changes).where(AdminRecord.kind == "rows.put_back")).all()
    assert [tuple(row) for row in rows] == [("P1", Decimal(900), "โครงการ P1"), ("P2", None, "โครงการที่หายไป")]
    assert kept == ["projects P1", "projects P2", "projects P3"]
    assert len(told) == 1
    assert "projects P3" in told[0]


def test_many_rows_are_told_by_several_records(
    store: Store, admins: tuple[Actor, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_BATCH", 2)
    request = agreed(store, admins, "projects")

    outcome = carry_out(store, request, admins[0], later(40))

    assert sorted(one.row for one in outcome.put_back) == ["P1", "P2", "P3"]
    by_row = {one.row: (one.found, one.recorded) for one in outcome.put_back}
    assert by_row == {"P1": ({}, {}), "P2": (None, {}), "P3": ({}, None)}
    with store.reading() as session:
        assert list(compare(session)) == []
        told = session.scalars(select(AdminRecord.changes).where(AdminRecord.kind == "rows.put_back")).all()
        kept = session.execute(select(PutBackRow.name, PutBackRow.found, PutBackRow.recorded)).all()
    assert sorted(len(json.loads(one)) for one in told) == [2, 3]  # one and two rows, each with the request
    words = {name: (json.loads(found or "null"), json.loads(recorded or "null")) for name, found, recorded in kept}
    assert words["projects P1"] == (
        {"approved": "1.00", "state": "closed"},
        {"approved": "900.00", "state": "signed"},
    )
    assert (words["projects P2"][0], words["projects P3"][1]) == (None, None)


def test_nothing_is_taken_from_a_book_that_does_not_verify(
    store: Store, admins: tuple[Actor, Actor], vandal: Vandals
) -> None:
    bodies = table_named("change_bodies")
    with vandal(store) as at_work:
        at_work.change(bodies, {"record_id": "P1"}, body='{"name":"ปลอม"}')
        at_work.session.commit()
    request = agreed(store, admins, "projects")

    outcome = carry_out(store, request, admins[0], later(40))

    assert outcome.put_back == []
    assert {one.difference.row for one in outcome.left} == {"P1", "P2", "P3"}
    with store.reading() as session:
        assert session.scalars(select(ChangeBody.body).where(ChangeBody.record_id == "P1")).one() == '{"name":"ปลอม"}'


def test_nothing_is_taken_from_a_book_that_was_written_anew(
    store: Store, admins: tuple[Actor, Actor], vandal: Vandals
) -> None:
    """Hashes that fit each other prove nothing: the log was told of others."""
    with store.transaction() as session:
        audit_log.append_new(session)
    with vandal(store) as at_work:
        session = at_work.session
        for table in ("change_bodies", "record_changes", "book_entries"):
            session.execute(table_named(table).delete())
        session.execute(table_named("books").update().values(seq=0, head=None, head_at=None))
        session.commit()
    with store.transaction() as session:
        session.execute(delete(ToLog))
        books.write(
            session,
            BookName("projects", OFFICE, 2571),
            BookAct(BookActKind.imported, {"import": "forged"}),
            admins[0],
            later(20),
            [NewVersion("P1", {"name": "ปลอม", "approved": 5}), NewVersion("P2", {"name": "ปลอม"})],
        )
        session.execute(delete(ToLog))
        session.execute(update(Project).where(Project.code == "P1").values(approved=Decimal(1)))
    request = agreed(store, admins, "projects")

    outcome = carry_out(store, request, admins[0], later(40))

    assert outcome.put_back == []
    assert {one.difference.row for one in outcome.left} >= {"P1"}
