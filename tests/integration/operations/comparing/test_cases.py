"""Every change of a row of a case past its journal is found and named with table, row and column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, Integer, LargeBinary, Numeric, select, text
from sqlalchemy.schema import Column

from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import GONE
from osm_flow.domain.states import CaseStatus
from osm_flow.operations.comparing.cases import compare_cases
from osm_flow.operations.comparing.coverage import OF_CASES, UNPROVEN_COLUMNS
from osm_flow.operations.comparing.differences import NotRecorded, RowDifference
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.database import Instant
from osm_flow.store.models import Case, Comment, JournalRecord
from osm_flow.store.session import Store
from tests.factories import NOW, erase, later
from tests.integration.operations.comparing.conftest import table_named

pytestmark = pytest.mark.sampled

Vandals = Callable[[Store], Any]


def another(column: Column[Any], value: Any) -> Any:
    """A value of the same kind that nobody recorded."""
    if isinstance(column.type, Boolean):
        return not value
    if isinstance(column.type, Instant):
        return datetime(2039, 1, 1, tzinfo=UTC)
    if isinstance(column.type, LargeBinary):
        return (value or b"") + b"!"
    if isinstance(column.type, Integer | Numeric):
        return (value or 0) + 100_007
    longest = getattr(column.type, "length", None) or 1_000
    return f"{str(value or '')[: longest - 1]}x"


def keys_of(table: Any, row: Any) -> dict[str, Any]:
    return {column.name: row[column.name] for column in table.primary_key.columns}


def test_an_untouched_database_has_no_differences(told: Store) -> None:
    with told.reading() as session:
        assert [one.en for one in compare_cases(session)] == []
        rows = {name: len(session.execute(select(table_named(name))).all()) for name in OF_CASES}
    assert {name: count for name, count in rows.items() if count < 1} == {}


@pytest.mark.parametrize("name", OF_CASES)
def test_every_change_of_a_column_is_named(told: Store, vandal: Vandals, name: str) -> None:
    table, missed, tried = table_named(name), [], 0
    with told.reading() as session:
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for column in table.columns:
        if (name, column.name) in UNPROVEN_COLUMNS:
            continue
        filled = [row for row in rows if row[column.name] not in (None, "")]
        for row in {id(one): one for one in (*rows[:1], *filled[:1])}.values():
            tried += 1
            with vandal(told) as at_work:
                at_work.change(table, keys_of(table, row), **{column.name: another(column, row[column.name])})
                found = list(compare_cases(at_work.session))
            if not any(_names(one, name, column) for one in found):
                missed.append((column.name, row[column.name], [one.en for one in found]))

    assert missed == []
    assert tried > 0


def _names(one: RowDifference, table: str, column: Column[Any]) -> bool:
    is_key = column.primary_key or bool(column.foreign_keys) or column.name in ("case_id", "seq")
    return one.table == table and (one.column == column.name or (is_key and one.column == "")) and bool(one.row)


@pytest.mark.parametrize("name", OF_CASES)
def test_a_row_that_is_gone_or_slipped_in_is_named(told: Store, vandal: Vandals, name: str) -> None:
    table = table_named(name)
    with told.reading() as session:
        row = dict(session.execute(select(table)).mappings().first() or {})
    with vandal(told) as at_work:
        at_work.remove(table, keys_of(table, row))
        gone = list(compare_cases(at_work.session))
    with vandal(told) as at_work:
        at_work.add(table, _twin(table, row))
        added = list(compare_cases(at_work.session))

    assert (name, "", "") in {(one.table, one.column, one.found) for one in gone}
    assert (name, "", "") in {(one.table, one.column, one.recorded) for one in added}


def _twin(table: Any, row: dict[str, Any]) -> dict[str, Any]:
    """A row like this one, with a key of its own in the same case."""
    own = [column for column in table.primary_key.columns if not column.foreign_keys] or list(table.primary_key.columns)
    twin = row | {column.name: another(column, row[column.name]) for column in own}
    if "business_key" in twin:
        twin["business_key"] = "X-1"
    return (
        twin
        | ({"seq": 999} if table.name == "journal_payloads" else {})
        | ({"case_id": row["case_id"]} if "case_id" in row else {})
    )


def test_what_an_erasure_took_is_no_difference_and_not_told(told: Store, vandal: Vandals) -> None:
    with told.transaction() as session:
        said = session.scalars(select(Comment).order_by(Comment.id)).first()
        assert said is not None
        admin = actor_named(session, "root", NOW.date())
        erase(session, said.case_id, [5, 6], admin, later(60), reason="ขอ")
    with told.reading() as session:
        assert [one.en for one in compare_cases(session)] == []
        assert session.scalars(select(Comment.body).where(Comment.case_id == said.case_id)).all() == [GONE, GONE]
    with vandal(told) as at_work:
        at_work.change(table_named("comments"), {"id": said.id}, body="ปลอม")
        found = list(compare_cases(at_work.session))
    assert [(one.table, one.column, one.recorded) for one in found] == [("comments", "body", GONE)]


def _erased_in_the_middle(told: Store) -> str:
    """A case that has ended, of which the first act lost what was typed: the replay stops there."""
    with told.transaction() as session:
        ended = session.scalars(
            select(Case).where(Case.state == CaseStatus.COMPLETED).order_by(Case.started_at)
        ).first()
        assert ended is not None
        completed = select(JournalRecord.seq).where(
            JournalRecord.case_id == ended.id, JournalRecord.kind == RecordKind.work_item_completed
        )
        first = session.scalars(completed.order_by(JournalRecord.seq)).first()
        assert first is not None
        erase(session, ended.id, [first], actor_named(session, "root", NOW.date()), later(100), reason="ขอลบ")
        return ended.id


FALSE_AFTER_AN_ERASURE: dict[str, tuple[str, str]] = {
    "cancelled without a record": ("cases", "UPDATE cases SET state = 'CANCELLED' WHERE id = :case"),
    "suspended after its end": ("cases", "UPDATE cases SET state = 'SUSPENDED' WHERE id = :case"),
    "ended when nothing happened": (
        "cases",
        "UPDATE cases SET ended_at = '2026-11-20T03:00:00.000000Z' WHERE id = :case",
    ),
    "still open": ("work_items", "UPDATE work_items SET state = 'READY' WHERE case_id = :case"),
    "done by nobody": (
        "work_items",
        "UPDATE work_items SET id = 'false-one' WHERE id = (SELECT max(id) FROM work_items WHERE case_id = :case)",
    ),
    "waiting for a message": (
        "waiting_messages",
        "UPDATE waiting_messages SET case_id = :case WHERE task_id = (SELECT max(task_id) FROM waiting_messages)",
    ),
    "waiting for a day": (
        "timers",
        "UPDATE timers SET case_id = :case WHERE task_id = (SELECT max(task_id) FROM timers)",
    ),
}


@pytest.mark.parametrize("name", FALSE_AFTER_AN_ERASURE)
def test_an_erasure_excuses_nothing_that_records_tell_by_themselves(told: Store, vandal: Vandals, name: str) -> None:
    case_id = _erased_in_the_middle(told)
    table, statement = FALSE_AFTER_AN_ERASURE[name]
    unproven: list[NotRecorded] = []
    with told.reading() as session:
        assert list(compare_cases(session, unproven.append)) == []
    assert [(one.table, one.row) for one in unproven if "erasure" in one.why] == [("cases", case_id)]
    with vandal(told) as at_work:
        at_work.session.execute(text(statement), {"case": case_id})
        at_work.session.expire_all()
        assert table in {one.table for one in compare_cases(at_work.session)}
