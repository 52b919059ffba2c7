"""Every change of accounts, positions and declared days past the records of administration is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Date, select, text, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.operations.audit import checkpoints
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.calendar import milestones
from osm_flow.operations.calendar.holidays import Holiday, override_day, remove_override
from osm_flow.operations.cases.acts import cancel_case
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.comparing.administration import compare_administration, record_as_found
from osm_flow.operations.comparing.coverage import OF_ADMINISTRATION, UNPROVEN_COLUMNS
from osm_flow.operations.definitions import proposals
from osm_flow.operations.people import accounts, positions
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import erasure_requests, retention
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.rebuilding import requests
from osm_flow.operations.rebuilding.rounds import carry_out
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, files, later, make_case, make_office, make_project
from tests.integration.operations.comparing.conftest import table_named
from tests.integration.operations.comparing.test_cases import another, keys_of

pytestmark = pytest.mark.sampled

Vandals = Callable[[Store], Any]
# Where a digest covers several columns, it is the one that is named.
_TOLD_BY_DIGEST = {
    "people": {"display_name"},
    "process_definitions": {"content"},
    "put_back_rows": {"found", "recorded"},
}
SINCE = date(2026, 1, 1)


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Store:
    """An office that an administrator runs: accounts, positions that two people gave, days that were declared."""
    with store.transaction() as session:
        record_as_found(session, NOW)
        make_office(session)
        deploy_tests(session, "review")
        for name in ("root", "amin", "anan", "boss", "gone"):
            accounts.create_person(session, SYSTEM, later(1), _new(name))
        for name, role in (("root", "admin"), ("amin", "admin"), ("boss", "osm_director"), ("gone", "osm_strategy")):
            positions.give_position(session, name, SYSTEM, later(2), NewPosition(role, OFFICE, SINCE))
    with store.transaction() as session:
        root, amin = (actor_named(session, name, NOW.date()) for name in ("root", "amin"))
        given = positions.give_position(session, "anan", root, later(3), NewPosition("osm_director", OFFICE, SINCE))
        positions.confirm_position(session, given.id, amin, later(4))
        positions.give_position(session, "gone", root, later(4), NewPosition("osm_director", OFFICE, SINCE))
        ended = positions.positions_of(session, accounts.managed_person(session, "gone", root))[-1]
        positions.end_position(session, ended.id, root, later(5), last_day=date(2026, 11, 1))
        accounts.lock(session, "gone", root, later(6))
        for day in (date(2026, 12, 14), date(2026, 12, 15)):
            override_day(session, Holiday(day, False, "วันหยุดพิเศษ", "", "มติ ครม."), SYSTEM, later(7))
            override_day(session, Holiday(day, False, "วันหยุดจังหวัด", "", "ประกาศ", OFFICE), SYSTEM, later(7))
        remove_override(session, date(2026, 12, 15), SYSTEM, later(8))
        _enter_dates_and_holds(session, root)
        first, second = (_administrator(session, name) for name in ("first", "second"))
        _propose_diagrams(session, first, second)
        request = requests.ask(session, first, later(20), tables=["comments", "timers"], reason="ถูกแก้")
        requests.confirm(session, request.id, second, later(21))
        request = requests.ask(session, first, later(22), tables=["positions"], reason="ถูกแก้")
        session.execute(update(table_named("positions")).where(text("role = 'admin'")).values(title_th="ปลอม"))
        requests.confirm(session, request.id, second, later(23))
    carry_out(store, request.id, second, later(24))
    _ask_for_erasures(store, root, second)
    keyring = Keyring(tmp_path / "keys", "example.go.th/journal")
    with store.transaction() as session:
        checkpoints.sign_and_send(session, later(25), SYSTEM, keyring=keyring)
        checkpoints.rotate_and_send(session, later(26), SYSTEM, keyring=keyring, reason=" ครบปี ")
        checkpoints.replace_lost(session, later(27), second, keyring=keyring, reason="เครื่องหาย")
    return store


def _ask_for_erasures(store: Store, root: Actor, second: Actor) -> None:
    """One request that waits, one that was refused, one that waits for its case to end, and one that was done."""
    with store.transaction() as session:
        running, ended = make_case(session), make_case(session)
        for case in (running, ended):
            comment(session, case.id, root, later(24), body="ดูแล้ว", key=None)
        cancel_case(session, ended.id, root, later(24), reason="เลิก")
        commented = {running.id: running.seq, ended.id: ended.seq - 1}
        numbers = [
            erasure_requests.ask(
                session, root, later(25), words="", records=[(case.id, commented[case.id])], reason="ครบอายุ"
            ).id
            for case in (running, running, running, ended)
        ]
        erasure_requests.refuse(session, numbers[1], second, later(26))
        for number in numbers[2:]:
            erasure_requests.approve(session, number, second, later(27))


def _enter_dates_and_holds(session: Session, root: Actor) -> None:
    milestones.propose_year(session, OFFICE, 2572, SYSTEM, later(9))
    for key, day in (("plan_submit", 3), ("plan_submit", 4), ("knb", 5)):
        new = NewDate(date(2027, 12, day), f"ว {day}")
        milestones.move_date(session, OFFICE, 2572, key, SYSTEM, later(10 + day), new)
    milestones.move_date(session, OFFICE, 2573, "knb", SYSTEM, later(16), NewDate(date(2029, 1, 9), "ว 9"))
    retention.hold_person(session, "anan", root, later(17), reason="คดี")
    hold = retention.hold_person(session, "gone", root, later(17), reason="คดีอื่น")
    make_project(session, "P1")
    retention.hold_in_books(session, (str(book_of(OFFICE, 2571)), "P1"), root, later(17), reason="คดีในทะเบียน")
    retention.lift_hold(session, hold.id, root, later(18), reason="จบ")


def _administrator(session: Session, name: str) -> Actor:
    accounts.create_person(session, SYSTEM, later(19), NewPerson(name, f"คุณ{name}", employee_number=f"2-{name}"))
    positions.give_position(session, name, SYSTEM, later(19), NewPosition("admin", None, SINCE))
    return actor_named(session, name, NOW.date())


def _propose_diagrams(session: Session, first: Actor, second: Actor) -> None:
    for number, key in enumerate(("timed", "provinces", "planned")):
        proposal = proposals.propose(session, files(key), first, later(19), office_id=None, note=f"รุ่นที่ {number}")
        if number == 1:
            proposals.refuse_proposal(session, proposal.id, second, later(19), reason="ยังไม่พร้อม")
        elif number == 2:
            proposals.publish_proposal(session, proposal.id, second, later(19))


def _new(name: str) -> NewPerson:
    return NewPerson(name, f"คุณ{name}", office_id=OFFICE, employee_number=f"1-{name}")


def test_an_untouched_office_has_no_differences(run: Store) -> None:
    with run.reading() as session:
        assert [one.en for one in compare_administration(session)] == []


@pytest.mark.parametrize("name", OF_ADMINISTRATION)
def test_every_change_of_a_column_is_named(run: Store, vandal: Vandals, name: str) -> None:
    table, missed, tried = table_named(name), [], 0
    pseudo = _TOLD_BY_DIGEST.get(name, set())
    with run.reading() as session:
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for column in table.columns:
        if (name, column.name) in UNPROVEN_COLUMNS and "by their digest" not in UNPROVEN_COLUMNS[name, column.name]:
            continue
        told = rows
        if name == "signing_keys" and column.name in ("actor", "at"):
            told = rows[1:]  # nothing records who had the first key made
        for row in {id(one): one for one in (told[0], told[len(told) // 2], told[-1])}.values():
            value = row[column.name]
            is_day = isinstance(column.type, Date)
            other = (value or SINCE) + timedelta(days=900) if is_day else another(column, value)
            tried += 1
            with vandal(run) as at_work:
                at_work.change(table, keys_of(table, row), **{column.name: other})
                found = list(compare_administration(at_work.session))
            if not any(one.table == name and one.column in {column.name, "", *pseudo} and one.row for one in found):
                missed.append((column.name, value, [one.en for one in found]))

    assert missed == []
    assert tried > 0


@pytest.mark.parametrize("name", OF_ADMINISTRATION)
def test_a_row_that_is_gone_or_slipped_in_is_named(run: Store, vandal: Vandals, name: str) -> None:
    table = table_named(name)
    with run.reading() as session:
        row = dict(session.execute(select(table)).mappings().first() or {})
    own = {"day": date(2026, 6, 1), "name": "x", "version": 9, "id": 999}
    twin = row | {column: value for column, value in own.items() if column in row}
    twin |= {"key": "x"} if name == "fiscal_calendar" else {}
    twin |= {"username": "ghost", "employee_number": None} if "username" in row else {}
    twin |= {"key_id": "ffffffff"} if "key_id" in row else {}
    with vandal(run) as at_work:
        at_work.remove(table, keys_of(table, row))
        gone = list(compare_administration(at_work.session))
    with vandal(run) as at_work:
        at_work.add(table, twin)
        added = list(compare_administration(at_work.session))

    assert (name, "", "") in {(one.table, one.column, one.found) for one in gone}
    assert (name, "", "") in {(one.table, one.column, one.recorded) for one in added}
