"""Writing into books: one entry for an act, a thread for each record, tables that follow, and nothing lost at once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Hat
from osm_flow.domain.books.acts import BookAct, BookActKind, Confirmation, NewVersion
from osm_flow.domain.books.schema import FieldUnknown
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.json import JSON
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.acts import ChangedMeanwhile, RecordElsewhere, SaysTheSame, Written
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.record_types import RecordTypeUnknown
from osm_flow.operations.books.versions import as_of, newest_of, origins, values_of, versions_of
from osm_flow.store.models import Book, BookEntry, ChangeBody, Project, RecordChange, ToLog
from osm_flow.store.session import Store
from tests.factories import OFFICE, later, make_office
from tests.together import at_once

NAME = BookName("projects", OFFICE, 2571)
ROAD: JSON = {"name": "ถนนริมโขง", "agency": "แขวงทางหลวง", "requested": 1250000.5, "contact_name": "นางสมศรี"}
ON_ITSELF = BookAct(BookActKind.registered, {"record": "P1"})
CHANGE = BookAct(BookActKind.changed, {"record": "P1"})


def put(
    session: Session, act: BookAct = ON_ITSELF, minute: float = 0, name: BookName = NAME, **records: JSON
) -> Written:
    versions = [NewVersion(code, values) for code, values in records.items()]
    return books.write(session, name, act, SYSTEM, later(minute), versions)


@pytest.fixture
def office(session: Session) -> None:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})


@pytest.mark.usefixtures("office")
class TestWriting:
    def test_an_act_is_one_entry_with_a_version_of_each_record(self, session: Session) -> None:
        written = put(session, P2={"name": "สอง"}, P1=ROAD)
        again = put(session, CHANGE, 1, P1={**ROAD, "agency": "กรมเจ้าท่า"})

        assert (written.seq, {code: version for code, (version, _) in written.records.items()}) == (
            1,
            {"P1": 1, "P2": 1},
        )
        assert (again.seq, again.records["P1"][0]) == (2, 2)
        assert session.scalar(select(func.count()).select_from(BookEntry)) == 2
        assert session.execute(select(Book.name, Book.seq)).one() == ("projects/NE-U1/2571", 2)
        assert session.execute(select(ToLog.chain, ToLog.seq).order_by(ToLog.seq)).all() == [
            (str(NAME), 1),
            (str(NAME), 2),
        ]
        report = check_books(session)
        assert (report.faults, report.entries, report.changes) == ([], 2, 3)

    def test_the_table_says_what_the_record_says(self, session: Session) -> None:
        put(session, P1=ROAD)
        row = session.scalars(select(Project)).one()
        assert (row.name_th, row.requested, row.office_id, row.fiscal_year) == (
            "ถนนริมโขง",
            Decimal("1250000.50"),
            OFFICE,
            2571,
        )

        put(session, CHANGE, 1, P1={**ROAD, "name": "ถนนเลียบโขง"})

        assert row.name_th == "ถนนเลียบโขง"

    def test_amounts_are_kept_as_text_and_people_in_a_half_of_their_own(self, session: Session) -> None:
        put(session, P1=ROAD)

        body = session.scalars(select(ChangeBody)).one()
        assert '"requested":"1250000.50"' in body.body
        assert "สมศรี" not in body.body
        assert body.personal == '{"contact_name":"นางสมศรี"}'
        assert values_of(session, "projects", "P1") == ROAD

    def test_what_says_the_same_is_left_out(self, session: Session) -> None:
        put(session, P1=ROAD)

        with pytest.raises(SaysTheSame):
            put(session, CHANGE, 1, P1=dict(ROAD))
        written = put(session, CHANGE, 2, P1=dict(ROAD), P2={"name": "สอง"})

        assert written.records.keys() == {"P2"}

    def test_instants_grow_whatever_the_clock_says(self, session: Session) -> None:
        for minute, name in ((5, "หนึ่ง"), (5, "สอง"), (0, "สาม")):
            put(session, CHANGE, minute, P1={"name": name})

        times = session.scalars(select(BookEntry.at).order_by(BookEntry.seq)).all()
        assert times == [later(5), later(5) + timedelta(microseconds=1), later(5) + timedelta(microseconds=2)]

    def test_who_saw_an_older_version_is_told(self, session: Session) -> None:
        put(session, P1=ROAD)
        put(session, CHANGE, 1, P1={**ROAD, "agency": "กรมเจ้าท่า"})

        late = NewVersion("P1", {**ROAD, "name": "อื่น"}, based_on=1)
        with pytest.raises(ChangedMeanwhile, match="P1"):
            books.write(session, NAME, CHANGE, SYSTEM, later(2), [late])
        with pytest.raises(ChangedMeanwhile):
            books.write(session, NAME, CHANGE, SYSTEM, later(2), [NewVersion("P9", ROAD, based_on=1)])

    def test_a_record_stays_in_its_book(self, session: Session) -> None:
        put(session, P1=ROAD)

        with pytest.raises(RecordElsewhere):
            put(session, CHANGE, 1, BookName("projects", "NE-U2", 2571), P1={"name": "ของเขา"})

    def test_what_no_schema_knows_is_refused(self, session: Session) -> None:
        with pytest.raises(FieldUnknown, match="colour_of_door"):
            put(session, P1={"name": "ถนน", "colour_of_door": "red"})
        with pytest.raises(RecordTypeUnknown):
            put(session, name=BookName("spaceships", OFFICE, 2571), P1=ROAD)

    def test_codes_are_given_once(self, session: Session) -> None:
        given = [books.next_code(session, NAME, "PRJ") for _ in range(3)]
        put(session, P1=ROAD)

        assert given == [f"PRJ-NE-U1-2571-000{number}" for number in (1, 2, 3)]
        assert books.next_code(session, NAME, "PRJ") == "PRJ-NE-U1-2571-0004"

    def test_an_entry_says_who_for_whom_why_and_who_confirmed(self, session: Session) -> None:
        hat = Hat("osm_director", OFFICE, for_username="somchai")
        second = Confirmation("pornthip", "cluster_deputy")
        act = BookAct(BookActKind.corrected, {"record": "P1"}, hat, "พิมพ์ผิด", second)
        put(session, P1=ROAD)
        put(session, act, 1, P1={**ROAD, "requested": 1})

        first, corrected = versions_of(session, "projects", "P1")
        assert (corrected.actor_role, corrected.on_behalf_of, corrected.reason) == ("osm_director", "somchai", "พิมพ์ผิด")
        assert corrected.confirmed == {"by": "pornthip", "role": "cluster_deputy", "on_behalf_of": None}
        assert [(change.path, change.old, change.new) for change in corrected.changed] == [
            (("requested",), 1250000.5, 1)
        ]
        assert first.reason is None


@pytest.mark.usefixtures("office")
class TestReading:
    def test_a_record_as_it_was(self, session: Session) -> None:
        put(session, P1=ROAD)
        put(session, CHANGE, 10, P1={**ROAD, "agency": "กรมเจ้าท่า"})

        assert as_of(session, "projects", "P1", later(-1)) is None
        assert agency(as_of(session, "projects", "P1", later(5))) == "แขวงทางหลวง"
        assert agency(as_of(session, "projects", "P1", later(10))) == "กรมเจ้าท่า"

    def test_each_value_leads_to_the_act_that_gave_it(self, session: Session) -> None:
        put(session, P1=ROAD)
        put(session, CHANGE, 1, P1={**ROAD, "agency": "กรมเจ้าท่า"})
        put(session, CHANGE, 2, P1={**ROAD, "agency": "กรมเจ้าท่า", "state": "working"})

        found = origins(versions_of(session, "projects", "P1"))

        assert {name: version.version for name, version in found.items()} == {
            "name": 1,
            "requested": 1,
            "contact_name": 1,
            "agency": 2,
            "state": 3,
        }

    def test_many_records_are_read_in_batches(self, session: Session) -> None:
        records = {f"P{number:04}": {"name": f"โครงการ {number}"} for number in range(1201)}
        put(session, **records)

        newest = newest_of(session, "projects", [*records, "P-none"])

        assert newest.keys() == records.keys()
        assert session.scalar(select(func.count()).select_from(Project)) == 1201


def agency(version: Any) -> str:
    assert version is not None
    return str(version.values["agency"])


def test_acts_at_the_same_moment_follow_each_other(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)

    def act(number: int) -> None:
        with store.transaction() as session:
            code = books.next_code(session, NAME, "PRJ")
            put(session, **{code: {"name": f"โครงการ {number}"}})

    at_once(*[lambda number=number: act(number) for number in range(6)])

    with store.reading() as session:
        report = check_books(session)
        codes = session.scalars(select(RecordChange.record_id).order_by(RecordChange.record_id)).all()
    assert (report.faults, report.entries) == ([], 6)
    assert codes == [f"PRJ-NE-U1-2571-{number:04}" for number in range(1, 7)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE book_entries SET actor = 'x'",
        "DELETE FROM book_entries",
        "UPDATE record_changes SET hash = 'x'",
        "DELETE FROM record_changes",
        "UPDATE change_bodies SET body = '{}'",
        "UPDATE change_bodies SET personal = 'x'",
        "UPDATE change_bodies SET salt = ''",
        "DELETE FROM change_bodies",
        "UPDATE entry_reasons SET reason = 'x'",
        "UPDATE record_sets SET count = 0",
        "DELETE FROM record_sets",
    ],
)
def test_the_database_refuses_to_change_what_only_grows(store: Store, statement: str) -> None:
    from osm_flow.operations.books.sets import keep_set

    with store.transaction() as session:
        make_office(session)
        put(session, BookAct(BookActKind.registered, {"record": "P1"}, reason="เริ่มต้น"), P1=ROAD)
        keep_set(session, "projects", ["P1"])

    with pytest.raises(DBAPIError), store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_personal_half_may_go_once_an_entry_says_so(store: Store) -> None:
    gone = "UPDATE change_bodies SET personal = '', personal_salt = ''"
    with store.transaction() as session:
        make_office(session)
        put(session, P1=ROAD)
    with pytest.raises(DBAPIError), store.engine.begin() as connection:
        connection.exec_driver_sql(gone)
    with store.transaction() as session:
        put(session, BookAct(BookActKind.erased, {"request": 1}, told={"erased": {"P1": [1]}}), 1)

    with store.engine.begin() as connection:
        connection.exec_driver_sql(gone)

    with store.reading() as session:
        values = values_of(session, "projects", "P1")
        assert values is not None
        assert "contact_name" not in values
        assert check_books(session).faults == []


@pytest.mark.usefixtures("office")
class TestReadingOnce:
    def test_an_act_reads_its_book_once_however_often_it_is_locked(self, session: Session) -> None:
        put(session, P1=ROAD)
        session.commit()
        statements: list[str] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *told: statements.append(told[2]))

        books.lock_book(session, NAME)
        books.next_code(session, NAME, "PRJ")
        put(session, CHANGE, 1, P1={**ROAD, "name": "ถนนเลียบโขง"})
        assert sum("FROM books" in statement for statement in statements) == 1

        session.commit()
        books.lock_book(session, NAME)
        assert sum("FROM books" in statement for statement in statements) == 2

    def test_a_lock_that_was_given_back_with_a_savepoint_is_taken_anew(self, session: Session) -> None:
        put(session, P1=ROAD)
        session.commit()
        savepoint = session.begin_nested()
        put(session, CHANGE, 1, P1={**ROAD, "name": "ถนนเลียบโขง"})
        savepoint.rollback()

        assert put(session, CHANGE, 2, P1={**ROAD, "name": "ถนนชมโขง"}).seq == 2
        session.commit()
        assert check_books(session).faults == []

    def test_the_newest_version_of_one_record_is_the_one_that_is_found_among_several(self, session: Session) -> None:
        for minute in range(12):
            put(session, CHANGE, minute, P1={**ROAD, "requested": minute + 1}, P2={"name": f"ที่ {minute}"})

        alone, several = newest_of(session, "projects", ["P1"]), newest_of(session, "projects", ["P1", "P2"])
        assert alone == {"P1": several["P1"]}
        assert alone["P1"].version == 12
        assert newest_of(session, "projects", ["P3"]) == {}
        assert newest_of(session, "projects", []) == {}
