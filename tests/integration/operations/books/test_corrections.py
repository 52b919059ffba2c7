"""What lies beside the entries of a correction is held by them: whatever is changed, taken or put in there is a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import Decision
from osm_flow.operations.books import corrections
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.store.database import db
from osm_flow.store.session import Store
from tests.factories import later, make_office, make_person
from tests.integration.operations.books.test_acts import NAME, ROAD, put
from tests.integration.operations.comparing.conftest import table_named, vandal

__all__ = ["vandal"]

ALLOWED = Decision(True)
OTHERWISE: dict[str, Any] = {
    "book_id": 7,
    "seq": 3,
    "kind": "letters",
    "record_id": "P2",
    "version": 2,
    "salt": "00" * 16,
    "changes": '{"requested":1}',
    "decided_seq": None,
}


@pytest.fixture
def decided(store: Store) -> Store:
    """A book in which a correction was proposed and confirmed, another withdrawn, and a third waits."""
    with store.transaction() as session:
        make_office(session)
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        put(session, P1=ROAD, P2={"name": "สอง"})
        corrections.correct(session, NAME, anan, later(1), "P1", NewCorrection({"requested": 7}, 1, "ผิด"), ALLOWED)
        corrections.confirm(session, NAME, 2, boss, later(2), "P1", ALLOWED)
        corrections.correct(session, NAME, anan, later(3), "P1", NewCorrection({"requested": 8}, 2, "ผิด"), ALLOWED)
        corrections.withdraw(session, NAME, 4, boss, later(4), "ไม่ผิด", ALLOWED)
        corrections.correct(session, NAME, anan, later(5), "P1", NewCorrection({"requested": 9}, 2, "ผิด"), ALLOWED)
    return store


def test_untouched_it_holds_and_every_step_is_an_entry(decided: Store) -> None:
    with decided.reading() as session:
        report = check_books(session)
        acts = session.scalars(select(table_named("book_entries").c.act).order_by("seq")).all()
        assert (report.faults, report.changes) == ([], 3)
    assert acts == ["registered", "proposed", "corrected", "proposed", "withdrawn", "proposed"]


@pytest.mark.parametrize("column", [column.name for column in db.metadata.tables["corrections"].columns])
def test_each_column_that_was_changed_is_a_fault(decided: Store, vandal: Callable[[Store], Any], column: str) -> None:
    this = table_named("corrections")
    with vandal(decided) as at_work:
        # Two that wait are refused by the index; the third gives way.
        if column == "decided_seq":
            at_work.session.execute(this.update().where(this.c.seq == 6).values(decided_seq=6))
        at_work.session.execute(this.update().where(this.c.seq == 2).values({column: OTHERWISE[column]}))

        assert "proposal" in {fault.code for fault in check_books(at_work.session).faults}


def test_a_row_that_went_or_was_put_in_is_a_fault(decided: Store, vandal: Callable[[Store], Any]) -> None:
    this = table_named("corrections")
    with vandal(decided) as at_work:
        row = dict(at_work.session.execute(select(this).where(this.c.seq == 6)).mappings().one())
        at_work.remove(this, {"seq": 6})
        assert [fault.seq for fault in check_books(at_work.session).faults] == [6]
        at_work.add(this, row | {"seq": 1})
        assert [fault.seq for fault in check_books(at_work.session).faults] == [1, 6]


def test_the_system_corrects_like_anybody_else(decided: Store) -> None:
    with decided.transaction() as session:
        corrections.confirm(session, NAME, 6, SYSTEM, later(6), "P1", ALLOWED)
        assert check_books(session).faults == []
