"""Whatever somebody with the database in hand changes in a book is a fault: every column, every row, forks, false erasures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, select, text, type_coerce
from sqlalchemy.types import String

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.sets import keep_set
from osm_flow.operations.books.versions import newest_of
from osm_flow.store.database import Instant, db
from osm_flow.store.session import Store
from tests.factories import NOW, later, make_office
from tests.integration.operations.books.test_acts import CHANGE, NAME, ROAD, put
from tests.integration.operations.comparing.conftest import table_named, vandal

pytestmark = pytest.mark.sampled

__all__ = ["vandal"]

TABLES = ("books", "book_entries", "entry_reasons", "record_changes", "change_bodies", "record_sets", "to_log")
# Which row of each table is changed: the second version of P1, with the entry that has a reason.
ROW: dict[str, dict[str, Any]] = {
    "books": {"name": str(NAME)},
    "book_entries": {"seq": 2},
    "entry_reasons": {"seq": 2},
    "record_changes": {"record_id": "P1", "version": 2},
    "change_bodies": {"record_id": "P1", "version": 2},
    "record_sets": {},
    "to_log": {"seq": 3},
}
# What no chain holds: numbers that databases give, and the next code, of which a doubled one is refused.
FREE = {("books", "id"), ("books", "next_number")}
COLUMNS = [
    (table, column.name)
    for table in TABLES
    for column in db.metadata.tables[table].columns
    if (table, column.name) not in FREE
]


@pytest.fixture
def written(store: Store, tmp_path: Path) -> Store:
    """A book of three entries, of which two are logged, and a set."""
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        put(session, P1=ROAD, P2={"name": "สอง"})
        corrected = BookAct(BookActKind.corrected, {"record": "P1"}, reason="พิมพ์ผิด")
        put(session, corrected, 1, P1={**ROAD, "name": "ถนนเลียบโขง"})
        keep_set(session, "projects", ["P1", "P2"])
        make_checkpoint(session, later(2), SYSTEM, keyring=Keyring(tmp_path / "keys", "osm.example.go.th/journal"))
        put(session, CHANGE, 3, P2={"name": "สองใหม่"})
    return store


def test_an_untouched_book_holds(written: Store) -> None:
    with written.reading() as session:
        report = check_log(session)
        books_report = check_books(session)

    assert (report.faults, report.entries, report.unlogged) == ([], 3, 1)
    assert (books_report.books, books_report.changes, books_report.sets) == (1, 4, 1)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_each_column_that_was_changed_is_a_fault(
    written: Store, vandal: Callable[[Store], Any], table: str, column: str
) -> None:
    this = table_named(table)
    with vandal(written) as at_work:
        where = [this.c[name] == value for name, value in ROW[table].items()]
        before = at_work.session.execute(select(type_coerce(this.c[column], String)).where(*where)).scalar_one()
        at_work.session.execute(this.update().where(*where).values({column: other(this, column, before)}))
        at_work.session.expire_all()

        assert check_log(at_work.session).faults


def other(table: Table, column: str, before: Any) -> Any:
    """Another value that the column takes."""
    kind = table.c[column].type
    if isinstance(kind, Instant):
        return later(-5) if table.name == "book_entries" else NOW - timedelta(days=1)
    if column == "office_id":
        return "NE-U2"
    if kind.python_type is int:
        return int(before) + 7
    if column in ("cause", "told", "confirmed"):
        return '{"case":"x","seq":1}'
    if column == "members":
        return "[]"
    if column in ("salt", "personal_salt"):
        return "00" * 16
    return {"body": '{"name":"x"}', "personal": '{"contact_name":"x"}'}.get(column, f"{before or 'a'}x"[-64:])


@pytest.mark.parametrize(
    "table", ["book_entries", "entry_reasons", "record_changes", "change_bodies", "to_log", "books"]
)
def test_a_row_that_went_is_a_fault(written: Store, vandal: Callable[[Store], Any], table: str) -> None:
    with vandal(written) as at_work:
        at_work.remove(table_named(table), ROW[table])

        assert check_log(at_work.session).faults


def test_an_entry_that_was_put_in_is_a_fault_although_its_hashes_fit(
    written: Store, vandal: Callable[[Store], Any]
) -> None:
    """A forged act behind the last logged one seals rightly; the log was told of another."""
    entries, changes, bodies = (table_named(name) for name in ("book_entries", "record_changes", "change_bodies"))
    with vandal(written) as at_work:
        session = at_work.session
        for table in (changes, bodies):
            keys = {"record_id": "P2", "version": 2}
            at_work.remove(table, keys)
        at_work.remove(entries, {"seq": 3})
        newest = session.execute(select(entries.c.hash, entries.c.at).where(entries.c.seq == 2)).one()
        session.execute(table_named("books").update().values(seq=2, head=newest.hash, head_at=newest.at))
        noted = session.execute(select(table_named("to_log"))).mappings().all()
        session.execute(table_named("to_log").delete())
        session.expire_all()
        books.write(session, NAME, CHANGE, SYSTEM, later(3), [NewVersion("P2", {"name": "ปลอม"})])
        session.execute(table_named("to_log").delete())
        session.execute(table_named("to_log").insert(), [dict(row) for row in noted])

        assert [fault.code for fault in check_log(session).faults] == ["log"]


@pytest.mark.parametrize("seq", [0, 2, 999])
def test_a_version_under_no_entry_is_a_fault_and_nothing_reads_it(
    written: Store, vandal: Callable[[Store], Any], seq: int
) -> None:
    """Put in past the keys, with an entry number that is taken or never was."""
    with vandal(written) as at_work:
        session = at_work.session
        changes, bodies = table_named("record_changes"), table_named("change_bodies")
        row = dict(
            session.execute(select(changes).where(changes.c.record_id == "P1", changes.c.version == 2)).mappings().one()
        )
        body = dict(
            session.execute(select(bodies).where(bodies.c.record_id == "P1", bodies.c.version == 2)).mappings().one()
        )
        if written.dialect == "sqlite":
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
        at_work.add(changes, row | {"version": 9, "seq": seq})
        at_work.add(bodies, body | {"version": 9, "body": '{"name":"ปลอม"}'})

        assert "changes" in {fault.code for fault in check_books(session).faults}
        if seq != 2:
            assert newest_of(session, "projects", ["P1"])["P1"].version == 2


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("book_entries", {"at": "?"}),
        ("book_entries", {"told": '{"a": 99999999999999999999}'}),
        ("book_entries", {"cause": "x"}),
        ("entry_reasons", {"salt": "zz"}),
        ("change_bodies", {"salt": "zz"}),
        ("change_bodies", {"body": "x"}),
        ("record_sets", {"members": "x"}),
        ("record_sets", {"members": "{}"}),
    ],
)
def test_garbage_is_a_fault_of_its_row_and_no_end_of_the_check(
    written: Store, vandal: Callable[[Store], Any], table: str, values: dict[str, Any]
) -> None:
    this = table_named(table)
    with vandal(written) as at_work:
        where = [this.c[name] == value for name, value in ROW[table].items()]
        sets = ", ".join(f"{name} = :{name}" for name in values)
        keys = " AND ".join(f"{name} = :k_{name}" for name in ROW[table]) or "1 = 1"
        keyed = {f"k_{name}": value for name, value in ROW[table].items()}
        assert where or table == "record_sets"
        at_work.session.execute(text(f"UPDATE {table} SET {sets} WHERE {keys}"), {**values, **keyed})  # noqa: S608
        at_work.session.expire_all()

        assert check_books(at_work.session).faults


def test_an_erasure_that_an_entry_tells_is_none_and_no_other_is_excused(
    written: Store, vandal: Callable[[Store], Any]
) -> None:
    bodies = table_named("change_bodies")
    with written.transaction() as session:
        act = BookAct(BookActKind.erased, {"record": "P1"}, told={"erased": {"P1": [1]}, "erased_reasons": [2]})
        books.write(session, NAME, act, SYSTEM, later(4), [])
    with vandal(written) as at_work:
        at_work.change(bodies, {"record_id": "P1", "version": 1}, personal="", personal_salt="")
        at_work.remove(table_named("entry_reasons"), {"seq": 2})
        assert check_books(at_work.session).faults == []

        at_work.change(bodies, {"record_id": "P1", "version": 2}, personal="", personal_salt="")
        assert [fault.code for fault in check_books(at_work.session).faults] == ["erased"]


def test_what_was_erased_cannot_be_said_anew(written: Store, vandal: Callable[[Store], Any]) -> None:
    with vandal(written) as at_work:
        new = '{"contact_name":"คนอื่น"}'
        keys = {"record_id": "P2", "version": 1}
        at_work.change(table_named("change_bodies"), keys, personal=new, personal_salt="00" * 16)

        assert [fault.code for fault in check_books(at_work.session).faults] == ["body"]


def test_what_entries_say_was_erased_and_is_there_all_the_same_is_a_fault(written: Store) -> None:
    """Of halves that name nobody and of later ones an entry can say nothing; nor of its own."""
    told = {"erased": {"P1": [1, 9, -1], "P2": [1]}, "erased_reasons": [2, 4, 9, -1]}
    with written.transaction() as session:
        act = BookAct(BookActKind.erased, {"record": "P1"}, reason="คำขอ", told=told)
        books.write(session, NAME, act, SYSTEM, later(4), [])

    with written.reading() as session:
        faults = check_books(session).faults

    assert [(fault.seq, fault.code) for fault in faults] == [(1, "erased"), (2, "erased")]
    assert all("all the same" in fault.message for fault in faults)


def test_a_set_that_an_entry_names_must_be_kept_as_large_as_it_says(
    written: Store, vandal: Callable[[Store], Any]
) -> None:
    with written.transaction() as session:
        chosen = keep_set(session, "projects", ["P1"])
        act = BookAct(BookActKind.changed, {"record": "P2"}, told={"sets": [chosen]})
        books.write(session, NAME, act, SYSTEM, later(4), [NewVersion("P2", {"name": "ตามมติ"})])
        assert check_books(session).faults == []
        wrong = BookAct(BookActKind.changed, {"record": "P2"}, told={"sets": [chosen | {"count": 7}]})
        books.write(session, NAME, wrong, SYSTEM, later(5), [NewVersion("P2", {"name": "ตามมติอื่น"})])

    with vandal(written) as at_work:
        assert [(fault.seq, fault.code) for fault in check_books(at_work.session).faults] == [(5, "set")]
        at_work.remove(table_named("record_sets"), {"digest": chosen["digest"]})
        assert [(fault.seq, fault.code) for fault in check_books(at_work.session).faults] == [(5, "set")]
