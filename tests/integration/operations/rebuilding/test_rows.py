"""Whatever was changed past the chains is put back, column by column and row by row, or named with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Date, select

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.states import RebuildingState
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.comparing.administration import compare_administration
from osm_flow.operations.comparing.cases import compare_cases, compare_each
from osm_flow.operations.comparing.coverage import OF_ADMINISTRATION, OF_CASES, UNPROVEN_COLUMNS
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.rebuilding.rounds import CarriedOut, put_back_administration, put_back_case
from osm_flow.operations.rebuilding.rows import A_KEY
from osm_flow.store.models import Rebuilding
from osm_flow.store.session import Store
from tests.factories import NOW, later
from tests.integration.operations.comparing.conftest import table_named
from tests.integration.operations.comparing.test_cases import _twin, another, keys_of

pytestmark = pytest.mark.sampled

Vandals = Callable[[Store], Any]
# What no chain holds: the content of a file is known by its digest alone.
_NOT_PUT_BACK = {
    ("attachments", "content"),
    ("people", "display_name"),
    ("proposed_files", "content"),
    ("erasure_requests", "items"),
    ("process_definitions", "content"),
    ("put_back_rows", "found"),
    ("put_back_rows", "recorded"),
}
# A row with another key is one that is missing and one too many; what hangs on it is moved, too.
_TABLES = frozenset((*OF_CASES, *OF_ADMINISTRATION))


def _request(session: Any) -> int:
    request = Rebuilding(
        tables="\n".join(_TABLES), reason="ทดสอบ", state=RebuildingState.CONFIRMED, asked_by="amin", asked_at=NOW
    )
    session.add(request)
    session.flush()
    return request.id


def _put_back(session: Any, actor: Actor, case_ids: list[str]) -> CarriedOut:
    request_id = _request(session) if case_ids else 1
    outcome = CarriedOut()
    for case_id in case_ids:
        outcome.add(put_back_case(session, request_id, case_id, actor, later(99), _TABLES))
    if not case_ids:
        outcome.add(put_back_administration(session, request_id, actor, later(99), _TABLES))
    return outcome


def _cases_of(session: Any) -> list[str]:
    """The cases in which anything differs, as a request finds them."""
    return [case_id for case_id, found in compare_each(session) if found]


@pytest.fixture
def logged(told: Store) -> Store:
    """As `told`, with every record in the audit log."""
    with told.transaction() as session:
        audit_log.append_new(session)
    return told


@pytest.mark.parametrize("name", OF_CASES)
def test_every_changed_column_of_cases_is_put_back(logged: Store, vandal: Vandals, name: str) -> None:
    table, wrong, tried = table_named(name), [], 0
    with logged.reading() as session:
        actor = actor_named(session, "root", NOW.date())
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for column in table.columns:
        if (name, column.name) in UNPROVEN_COLUMNS or column.primary_key:
            continue
        filled = [row for row in rows if row[column.name] not in (None, "")]
        for row in {id(one): one for one in (*rows[:1], *filled[:1])}.values():
            tried += 1
            with vandal(logged) as at_work:
                at_work.change(table, keys_of(table, row), **{column.name: another(column, row[column.name])})
                outcome = _put_back(at_work.session, actor, _cases_of(at_work.session))
                left = [one.en for one in compare_cases(at_work.session)]
            named = {(one.difference.table, one.difference.column) for one in outcome.left}
            is_named = (name, column.name) in _NOT_PUT_BACK and named == {(name, column.name)}
            if not (outcome.put_back or outcome.left) or (left and not is_named):
                wrong.append((column.name, row[column.name], left, [str(one) for one in outcome.left]))

    assert wrong == []
    assert tried > 0 or name == "journal_payloads"


@pytest.mark.parametrize(
    "name", [name for name in OF_CASES if name not in ("cases", "journal_payloads", "legal_holds")]
)
def test_a_row_of_a_case_that_is_gone_or_slipped_in_is_put_right(logged: Store, vandal: Vandals, name: str) -> None:
    table = table_named(name)
    with logged.reading() as session:
        actor = actor_named(session, "root", NOW.date())
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for row in (rows[0], rows[-1]):
        with vandal(logged) as at_work:
            at_work.remove(table, keys_of(table, row))
            gone = _put_back(at_work.session, actor, _cases_of(at_work.session))
            left = [one.en for one in compare_cases(at_work.session)]
        assert left == []
        assert [(one.table, one.found) for one in gone.put_back] == [(name, None)]
    with vandal(logged) as at_work:
        at_work.add(table, _twin(table, rows[0]))
        added = _put_back(at_work.session, actor, _cases_of(at_work.session))
        assert [one.en for one in compare_cases(at_work.session)] == []
    assert [(one.table, one.recorded) for one in added.put_back] == [(name, None)]


def test_keys_are_left_as_they_are_and_named(run: Store, vandal: Vandals) -> None:
    table = table_named("signing_keys")
    with run.reading() as session:
        actor = actor_named(session, "root", NOW.date())
    with vandal(run) as at_work:
        at_work.session.execute(table.update().where(table.c.how == "rotated").values(reason="อื่น"))
        at_work.session.execute(table.delete().where(table.c.how == "replaced"))
        outcome = _put_back(at_work.session, actor, [])
    assert outcome.put_back == []
    assert [(one.difference.column, one.why) for one in outcome.left] == [("reason", A_KEY), ("", A_KEY)]


_WRITTEN_BY_PEOPLE = tuple(name for name in OF_ADMINISTRATION if name != "signing_keys")


@pytest.mark.parametrize("name", _WRITTEN_BY_PEOPLE)
def test_every_changed_column_of_the_administration_is_put_back(run: Store, vandal: Vandals, name: str) -> None:
    table, wrong, tried = table_named(name), [], 0
    with run.reading() as session:
        actor = actor_named(session, "root", NOW.date())
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for column in table.columns:
        if (name, column.name) in UNPROVEN_COLUMNS:
            continue
        for row in {id(one): one for one in (rows[0], rows[-1])}.values():
            value = row[column.name]
            is_day = isinstance(column.type, Date)
            other = (value or date(2026, 1, 1)) + timedelta(days=900) if is_day else another(column, value)
            tried += 1
            with vandal(run) as at_work:
                at_work.change(table, keys_of(table, row), **{column.name: other})
                outcome = _put_back(at_work.session, actor, [])
                left = {(one.table, one.column) for one in compare_administration(at_work.session)}
                there = [dict(one) for one in at_work.session.execute(select(table)).mappings()]
            named = {(one.difference.table, one.difference.column) for one in outcome.left}
            if left and left <= _NOT_PUT_BACK and left == named:
                continue
            if left or _without_numbers(name, row) not in [_without_numbers(name, one) for one in there]:
                wrong.append((column.name, value, left, outcome.left))

    assert wrong == []
    assert tried > 0


def _without_numbers(table: str, row: dict[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if (table, column) not in UNPROVEN_COLUMNS}


@pytest.mark.parametrize("name", _WRITTEN_BY_PEOPLE)
def test_a_row_of_the_administration_is_put_back_or_named(run: Store, vandal: Vandals, name: str) -> None:
    table = table_named(name)
    with run.reading() as session:
        actor = actor_named(session, "root", NOW.date())
        row = dict(session.execute(select(table)).mappings().all()[-1])
    with vandal(run) as at_work:
        at_work.remove(table, keys_of(table, row))
        outcome = _put_back(at_work.session, actor, [])
        left = {one.table for one in compare_administration(at_work.session)}
    if name in ("people", "proposed_files", "process_definitions", "put_back_rows", "erasure_requests"):
        assert {(name, "", "")} <= {
            (one.difference.table, one.difference.column, one.difference.found) for one in outcome.left
        }
    else:
        assert left == set()
        assert [(one.table, one.found) for one in outcome.put_back] == [(name, None)]
