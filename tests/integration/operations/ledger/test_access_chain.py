"""The chain of reads: what it says, that it is one whoever writes at once, and what becomes of what is undone."""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.journal import GENESIS
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.log_checks import check_log, lost_cases
from osm_flow.operations.ledger.access_chain import CHAIN
from osm_flow.operations.ledger.access_log import Read, record_access
from osm_flow.store.models import Access, AccessRecord, LogLeaf
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.operations.ledger.reads import faults, forging, read_pages
from tests.integration.store.tables import assert_append_only
from tests.together import at_once


def chained(store: Store) -> list[tuple[int, int | None]]:
    with store.reading() as session:
        rows = session.execute(select(AccessRecord.seq, AccessRecord.body).order_by(AccessRecord.seq))
        return [(row.seq, row.body) for row in rows]


def test_a_record_names_nobody_and_has_a_digest_of_each_part(store: Store) -> None:
    read_pages(store, "/audit/หน้าลับ", "/audit/other")

    with store.reading() as session:
        first, second = session.scalars(select(AccessRecord).order_by(AccessRecord.seq)).all()
        everything = repr(session.execute(text("SELECT * FROM access_records")).all())
        salts = session.execute(text("SELECT salt, details_salt, reason_salt, address_salt FROM accesses")).all()
    assert (first.prev_hash, second.prev_hash) == (GENESIS, first.hash)
    assert (first.at, first.kind, first.book, first.told) == (NOW, "audit.searched", "accesses", "{}")
    assert set(json.loads(first.digests)) == {"body", "details", "reason", "address"}
    assert not any(word in everything for word in ("หน้าลับ", "สมชาย", "system"))
    different = {salt for row in salts for salt in row}
    assert len(different) == 8, "each part of each read has a salt of its own"
    assert {len(salt) for salt in different} == {32}, "128 bits"
    assert faults(store) == []


def test_the_chain_can_only_be_added_to(store: Store) -> None:
    read_pages(store, "/audit")

    with store.transaction() as session:
        assert_append_only(session, "access_records")


def test_whoever_reads_at_once_the_chain_is_one(store: Store) -> None:
    def look(name: str) -> None:
        read_pages(store, *(f"/audit/{name}/{number}" for number in range(10)))

    at_once(*(partial(look, name) for name in "abcdef"))

    numbers = chained(store)
    assert [seq for seq, _ in numbers] == list(range(1, 61))
    assert len({body for _, body in numbers}) == 60
    assert faults(store) == []


def test_what_is_undone_leaves_neither_a_body_nor_a_record(store: Store) -> None:
    with suppress(RuntimeError), store.transaction() as session:
        record_access(session, SYSTEM, NOW, Read("audit.opened", "/undone"))
        raise RuntimeError
    with store.transaction() as session:
        record_access(session, SYSTEM, NOW, Read("audit.opened", "/kept"))
        with suppress(RuntimeError), session.begin_nested():
            record_access(session, SYSTEM, NOW, Read("audit.opened", "/undone in it"))
            raise RuntimeError
        with session.begin_nested():
            record_access(session, SYSTEM, NOW, Read("audit.opened", "/kept in it"))
        record_access(session, SYSTEM, NOW, Read("audit.opened", "/kept after it"))

    with store.reading() as session:
        assert len(chained(store)) == 3
        subjects = set(session.scalars(select(Access.subject)))
    assert subjects == {"/kept", "/kept in it", "/kept after it"}
    assert faults(store) == []


def test_a_record_that_cannot_be_chained_leaves_no_body(store: Store) -> None:
    with store.transaction() as session:
        session.execute(text("ALTER TABLE access_records RENAME TO access_records_away"))
    with pytest.raises(DBAPIError), store.transaction() as session:
        record_access(session, SYSTEM, NOW, Read("audit.opened", "/audit"))
    with store.transaction() as session:
        session.execute(text("ALTER TABLE access_records_away RENAME TO access_records"))

    with store.reading() as session:
        assert session.scalars(select(Access)).all() == []


def test_nobody_waits_for_the_chain_while_somebody_still_works(store: Store) -> None:
    """An export may take its time after it was recorded; others who read meanwhile are not held up by it."""
    if store.dialect == "sqlite":
        pytest.skip("on SQLite one writes at a time, whatever it is")
    with store.transaction() as slow:
        record_access(slow, SYSTEM, NOW, Read("audit.opened", "/slow"))
        read_pages(store, "/quick")

    with store.reading() as session:
        first = session.scalars(select(AccessRecord).order_by(AccessRecord.seq)).first()
        assert first is not None
        assert session.get_one(Access, first.body).subject == "/quick"
    assert faults(store) == []


def test_the_audit_log_covers_it(store: Store) -> None:
    read_pages(store, "/a", "/b", "/c")

    with store.transaction() as session:
        assert audit_log.append_new(session) == 3
    with store.reading() as session:
        assert session.scalars(select(LogLeaf.case_id)).all() == [CHAIN] * 3
        report = check_log(session)
        assert (report.reads, report.records, report.unlogged, report.faults) == (3, 3, 0, [])
        assert lost_cases(session) == []
    with forging(store) as session:
        session.execute(text("DELETE FROM access_records WHERE seq = 3"))
        session.execute(text("DELETE FROM accesses WHERE subject = '/c'"))
        found = [(fault.case_id, fault.seq, fault.code) for fault in check_log(session).faults]
    assert found == [(CHAIN, 3, "log")], "what was cut off at the end no chain can see, and the log does"
