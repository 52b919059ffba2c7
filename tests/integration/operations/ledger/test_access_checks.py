"""Whoever owns the database may change any column of the chain of reads or beside it: it is found, each time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Integer, text

from osm_flow.operations.ledger import access_chain
from osm_flow.operations.ledger.access_chain import BodyTable, ChainKind
from osm_flow.operations.ledger.security_events import EventKind, Happening, record_event
from osm_flow.store.database import Model
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.operations.ledger.reads import BODIES, faults, found_after, read_pages

pytestmark = pytest.mark.sampled

TABLES = ("access_records", *BODIES)
_SWAP = ((1, 90), (2, 1), (90, 2))


@pytest.fixture
def filled(store: Store) -> Store:
    """Three reads and three events."""
    read_pages(store, "/audit/a", "/audit/b", "/audit/c")
    for number in range(3):
        happening = Happening(
            EventKind.signed_out, "malee", subject=f"/logout/{number}", details="x", address="10.0.0.1"
        )
        with store.transaction() as session:
            record_event(session, NOW, happening)
    assert faults(store) == []
    return store


def columns() -> list[tuple[str, str]]:
    return [(table, column.name) for table in TABLES for column in Model.metadata.tables[table].columns]


@pytest.mark.parametrize(("table", "column"), columns())
def test_every_column_is_covered(filled: Store, table: str, column: str) -> None:
    """Each column of the second row gets other values, and none of them stays unseen."""
    key = "seq" if table == "access_records" else "id"
    with filled.reading() as session:
        present = session.execute(text(f"SELECT {column} FROM {table} WHERE {key} = 2")).scalar()  # noqa: S608
    instant = "'2020-01-01T00:00:00.000000Z'"
    is_number = isinstance(Model.metadata.tables[table].columns[column].type, Integer)
    others = (
        ["777"] if is_number else [instant] if column in {"at", "until"} else ["'zz'", *(["''"] if present else [])]
    )

    for other in others:
        found = found_after(filled, f"UPDATE {table} SET {column} = {other} WHERE {key} = 2")  # noqa: S608
        assert found, (table, column, other)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_taken_out_or_put_in_is_found(filled: Store, table: str) -> None:
    key = "seq" if table == "access_records" else "id"
    names = [column.name for column in Model.metadata.tables[table].columns]
    copied = ", ".join("99" if name in {key, "body"} else name for name in names)

    assert found_after(filled, f"DELETE FROM {table} WHERE {key} = 2")  # noqa: S608
    assert found_after(filled, f"INSERT INTO {table} ({', '.join(names)}) SELECT {copied} FROM {table} WHERE {key} = 2")  # noqa: S608


def test_bodies_that_changed_places_are_found(filled: Store) -> None:
    swapped = [f"UPDATE accesses SET id = {new} WHERE id = {old}" for old, new in _SWAP]  # noqa: S608

    assert {(fault.seq, fault.code) for fault in found_after(filled, *swapped)} >= {(1, "body"), (2, "body")}


def test_records_that_changed_places_are_found(filled: Store) -> None:
    swapped = [f"UPDATE access_records SET seq = {new} WHERE seq = {old}" for old, new in _SWAP]  # noqa: S608

    assert {fault.code for fault in found_after(filled, *swapped)} == {"hash", "link"}


@pytest.mark.parametrize("value", ["'never'", "'9999-99-99T00:00:00.000000Z'"])
@pytest.mark.parametrize("table", TABLES)
def test_an_instant_that_is_none_is_a_fault_and_no_crash(filled: Store, table: str, value: str) -> None:
    assert found_after(filled, f"UPDATE {table} SET at = {value}")  # noqa: S608


def test_words_that_are_blanked_without_a_record_of_it_are_missed(filled: Store) -> None:
    """The database lets words go, since the law asks for it; the chain says that nobody recorded why."""
    found = found_after(filled, "UPDATE accesses SET details = '', details_salt = '' WHERE id = 2")

    assert [(fault.seq, fault.code) for fault in found] == [(2, "missing")]


def test_a_record_of_letting_go_excuses_nothing_that_is_young(filled: Store) -> None:
    with filled.transaction() as session:
        told = {"before": "2099-01-01T00:00:00.000000Z"}
        access_chain.add_note(session, NOW, ChainKind.bodies_pruned, told, BodyTable.reads)

    assert faults(filled) == [(7, "early")]
    found = found_after(filled, "DELETE FROM accesses WHERE id = 2")
    assert {(fault.seq, fault.code) for fault in found} == {(7, "early"), (2, "missing")}


def test_an_erasure_excuses_only_what_it_names(filled: Store) -> None:
    with filled.transaction() as session:
        access_chain.erase(session, NOW, BodyTable.reads, "details", [1])

    assert faults(filled) == []
    found = found_after(filled, "UPDATE accesses SET details = '', details_salt = '' WHERE id = 2")
    assert [(fault.seq, fault.code) for fault in found] == [(2, "missing")]
    reason = found_after(filled, "UPDATE accesses SET reason = '', reason_salt = '' WHERE id = 1")
    assert [(fault.seq, fault.code) for fault in reason] == [(1, "missing")]
    later = "UPDATE accesses SET details = 'x' WHERE id = 1"
    assert [(fault.seq, fault.code) for fault in found_after(filled, later)] == [(1, "missing")]


def test_a_row_that_claims_to_be_of_an_earlier_version_long_afterwards_is_found(filled: Store) -> None:
    with filled.transaction() as session:
        session.execute(
            text(
                "INSERT INTO accesses (at, actor, kind, subject, reason, details) "
                "VALUES ('2026-11-20T03:00:00.000000Z', 'malee', 'case.opened', 'REV', '', '')"
            )
        )
    assert faults(filled) == [(0, "added")]
    with filled.transaction() as session:
        row = session.get_one(Access, 4)
        access_chain.add_body(session, row, written=NOW + timedelta(days=2), told={"carried_over": True})

    assert faults(filled) == [(7, "carried")]
