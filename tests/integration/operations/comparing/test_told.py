"""The records of administration tell rows as they became, one after another."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.domain.people import NewPerson, digest_of_name
from osm_flow.operations.calendar import milestones
from osm_flow.operations.comparing.administration import compare_administration, read_told, record_as_found
from osm_flow.operations.comparing.coverage import OF_ADMINISTRATION
from osm_flow.operations.comparing.told import FOUND_MARK
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, check_chain
from osm_flow.operations.people import accounts
from osm_flow.store.database import instant_text
from osm_flow.store.models import AdminRecord, ErasureRequest, Person
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_office, make_person
from tests.together import at_once


def test_a_row_is_what_the_newest_record_made_of_it(session: Session) -> None:
    make_office(session)
    person = accounts.create_person(session, SYSTEM, NOW, NewPerson("anan", "คุณอนันต์"))
    accounts.lock(session, "anan", SYSTEM, later(1))
    milestones.propose_year(session, OFFICE, 2571, SYSTEM, later(2))
    milestones.move_date(session, OFFICE, 2571, "knb", SYSTEM, later(3), NewDate(date(2028, 1, 5), "ว 5"))
    told = read_told(session)

    assert told.since == instant_text(NOW)
    assert told.tables["people"]["anan"] == {
        "username": "anan",
        "locked_at": instant_text(later(1)),
        "one_person": None,
        "created_at": instant_text(NOW),
        "office_id": None,
        "display_name": digest_of_name(person.name_salt, "คุณอนันต์"),
    }
    moved = told.tables["fiscal_calendar"][f"{OFFICE} 2571 knb"]
    assert (moved["date"], moved["status"], moved["letter"]) == ("2028-01-05", "announced", "ว 5")
    change = told.tables["calendar_changes"][f"{OFFICE} 2571 knb {instant_text(later(3))}"]
    assert (change["old_date"], change["new_date"]) == ("2027-01-20", "2028-01-05")


def test_what_no_record_told_is_recorded_once_as_it_is_found(session: Session) -> None:
    make_office(session)
    make_person(session, "old", "osm_strategy")
    assert record_as_found(session, later(1)) == 2
    assert record_as_found(session, later(2)) == 0
    told = read_told(session)

    assert told.found_at == dict.fromkeys(OF_ADMINISTRATION, instant_text(later(1)))
    assert told.tables["people"]["old"]["created_at"] == instant_text(NOW)
    assert {table: len(rows) for table, rows in told.found.items()} == {"people": 1, "positions": 1}
    salt = session.query(Person.name_salt).scalar() or ""
    assert told.tables["people"]["old"]["display_name"] == digest_of_name(salt, "คุณold")
    assert "คุณold" not in str(told.tables["people"])


def test_tables_that_a_later_version_compares_are_recorded_as_they_are_found_then(session: Session) -> None:
    make_office(session)
    make_person(session, "anan", "osm_strategy")
    of_before = AdminAct(AdminKind.rows_found, FOUND_MARK, new={"count": 0})
    admin_journal.record(session, SYSTEM, NOW, of_before)
    request = ErasureRequest(office_id=OFFICE, subject="", reason="x", asked_by="anan", asked_at=NOW)
    session.add(request)
    session.flush()

    assert record_as_found(session, later(1)) == 1
    assert record_as_found(session, later(2)) == 0

    told = read_told(session)
    assert told.found_at["people"] == instant_text(NOW)
    assert told.found_at["erasure_requests"] == instant_text(later(1))
    assert told.tables["erasure_requests"][str(request.id)]["asked_by"] == "anan"
    request.asked_by = "boss"
    session.flush()
    differences = [one for one in compare_administration(session) if one.table == "erasure_requests"]
    assert [(one.column, one.recorded, one.found) for one in differences] == [("asked_by", "anan", "boss")]


def test_nodes_that_start_together_record_it_once(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "old", "osm_strategy")
    counts: list[int] = []

    def start() -> None:
        with store.transaction() as session:
            counts.append(record_as_found(session, later(1)))

    at_once(start, start, start)
    assert sorted(counts) == [0, 0, 2]
    with store.reading() as session:
        assert check_chain(session).faults == []
        kinds = session.scalars(select(AdminRecord.subject).where(AdminRecord.kind == "rows.found")).all()
        assert sorted(kinds) == ["everything", "people", "positions"]
        assert list(compare_administration(session)) == []
