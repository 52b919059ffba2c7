"""The log: what is in it, proofs that a stranger's checker accepts, signatures, and one sequence whatever happens."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import delete, event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.log import (
    Checkpoint,
    LogContradicted,
    LogOutOfStep,
    NotLogged,
    SizeUnknown,
    append_new,
    consistency,
    inclusion,
    latest_checkpoint,
    logged_records,
    make_checkpoint,
)
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.repairs import Repair, repair
from osm_flow.operations.audit.signing_keys import Keyring, kept_keys, public_half
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger import access_log
from osm_flow.operations.ledger.access_log import AccessKind, Read
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.hats import PersonNotFound, actor_named
from osm_flow.store.models import AdminRecord, JournalRecord, LogCheckpoint, LogLeaf, ToLog
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_unrecorded, later, make_case, make_office, make_person
from tests.rfc6962 import includes, leaf_hash, root_of
from tests.stress import log_contention
from tests.together import at_once


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def case_id(store: Store) -> str:
    with store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        return make_case(session).id


def say(store: Store, case_id: str, body: str, minute: float) -> None:
    with store.transaction() as session:
        comment(session, case_id, writer(session), later(minute), body=body, key=None)


def writer(session: Session) -> Actor:
    try:
        return actor_named(session, "anan", NOW.date())
    except PersonNotFound:
        return make_person(session, "anan", "osm_strategy")


def checkpoint(store: Store, keyring: Keyring, minute: float = 0) -> Checkpoint:
    with store.transaction() as session:
        return make_checkpoint(session, later(minute), SYSTEM, keyring=keyring)


# ---- what is in it ---------------------------------------------------------------------------------------------


def test_every_record_is_logged_once_in_the_order_of_time(store: Store, case_id: str) -> None:
    say(store, case_id, "หนึ่ง", 1)
    with store.transaction() as session:
        assert append_new(session) == 2
    say(store, case_id, "สอง", 2)
    with store.transaction() as session:
        assert append_new(session) == 1
        assert append_new(session) == 0

    with store.reading() as session:
        assert logged_records(session) == 3
        logged = session.execute(select(LogLeaf.position, LogLeaf.case_id, LogLeaf.seq, LogLeaf.hash)).all()
        records = session.execute(
            select(JournalRecord.case_id, JournalRecord.seq, JournalRecord.hash).order_by(JournalRecord.at)
        ).all()
    assert [row[1:] for row in sorted(logged)] == [tuple(row) for row in records]
    assert [row.position for row in sorted(logged)] == [0, 1, 2]


# ---- what waits ------------------------------------------------------------------------------------------------


def waiting(store: Store) -> set[tuple[str, int]]:
    with store.reading() as session:
        return {(row.chain, row.seq) for row in session.execute(select(ToLog.chain, ToLog.seq))}


def test_a_record_waits_from_the_transaction_that_writes_it_until_it_is_logged(store: Store, case_id: str) -> None:
    with contextlib.suppress(ZeroDivisionError), store.transaction() as session:
        comment(session, case_id, writer(session), later(1), body="เปล่า", key=None)
        raise ZeroDivisionError
    assert waiting(store) == {(case_id, 1)}

    with store.transaction() as session:
        comment(session, case_id, writer(session), later(2), body="ดี", key=None)
        record(session, SYSTEM, later(3), AdminAct(AdminKind.log_rebuilt, "x", new={"false_hashes": 0}))
        access_log.record_access(session, writer(session), later(4), Read(AccessKind.list_exported, "x", "ตรวจ"))
    assert waiting(store) == {(case_id, 1), (case_id, 2), ("administration", 1), ("reads", 1)}

    with store.transaction() as session:
        assert append_new(session) == 4
    assert waiting(store) == set()
    with store.reading() as session:
        assert check_log(session).faults == []


def test_what_an_older_version_logged_beside_this_one_is_not_logged_again(store: Store, case_id: str) -> None:
    """It goes by its notes alone, and leaves lying what waits."""
    with store.transaction() as session:
        before = [dict(row) for row in session.execute(select(ToLog.__table__)).mappings()]
        append_new(session)
        session.execute(insert(ToLog.__table__), before)
    say(store, case_id, "ต่อมา", 1)

    with store.transaction() as session:
        assert append_new(session) == 1
    assert waiting(store) == set()
    with store.reading() as session:
        assert check_log(session).faults == []


def _taken_out(session: Session, case_id: str) -> None:
    session.execute(delete(ToLog).where(ToLog.chain == case_id, ToLog.seq == 2))


def _of_another_hash(session: Session, case_id: str) -> None:
    session.execute(update(ToLog).where(ToLog.chain == case_id, ToLog.seq == 2).values(hash="0" * 64))


def _of_another_time(session: Session, case_id: str) -> None:
    session.execute(update(ToLog).where(ToLog.chain == case_id, ToLog.seq == 2).values(at=later(99)))


def _of_no_record(session: Session, case_id: str) -> None:
    session.execute(insert(ToLog).values(chain=case_id, seq=9, hash="0" * 64, at=later(9)))


def _of_no_chain(session: Session, case_id: str) -> None:
    session.execute(insert(ToLog).values(chain="projects/NE-U1/2571", seq=1, hash="0" * 64, at=later(9)))


@pytest.mark.parametrize("vandal", [_taken_out, _of_another_hash, _of_another_time, _of_no_record, _of_no_chain])
def test_nothing_is_logged_over_what_was_done_to_those_that_wait_until_it_is_repaired(
    store: Store, case_id: str, vandal: Callable[[Session, str], None]
) -> None:
    for minute in (1, 2):
        say(store, case_id, "ดี", minute)
    with store.transaction() as session:
        vandal(session, case_id)
    with store.reading() as session:
        assert [fault.code for fault in check_log(session).faults] == ["log"]
    with pytest.raises(LogOutOfStep), store.transaction() as session:
        append_new(session)
    with store.reading() as session:
        assert logged_records(session) == 0

    with store.transaction() as session:
        assert repair(session, SYSTEM, later(9), reason="มีคนแก้ฐานข้อมูล") == Repair(notes=0, added=3, waiting=1)
    with store.reading() as session:
        assert check_log(session).faults == []
        logged = session.scalars(select(LogLeaf.seq).where(LogLeaf.case_id == case_id).order_by(LogLeaf.position))
        assert logged.all() == [1, 2, 3]


def test_the_newest_record_that_does_not_wait_any_more_is_named(store: Store, case_id: str) -> None:
    say(store, case_id, "ดี", 1)
    with store.transaction() as session:
        _taken_out(session, case_id)
        append_new(session)
    with store.reading() as session:
        said = "the log does not have the record and will not get it"
        assert [(fault.case_id, fault.seq, fault.message) for fault in check_log(session).faults] == [
            (case_id, 2, said)
        ]


def test_what_is_read_to_log_ten_records_does_not_grow_with_the_chains(sqlite_store: Store) -> None:
    """Every table but that of what waits is searched by a key, none read whole."""
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        make_case(session)
    read: list[tuple[str, Any]] = []
    with sqlite_store.transaction() as session:
        connection = session.connection()
        listen = (connection, "before_cursor_execute", lambda *told: read.append((told[2], told[3])))
        event.listen(*listen)
        append_new(session)
        event.remove(*listen)
        plans = [
            line.detail
            for statement, values in read
            if statement.lstrip().startswith(("SELECT", "DELETE", "UPDATE"))
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert [
        line for line in plans if line.startswith("SCAN") and not line.startswith(("SCAN to_log", "SCAN CONST"))
    ] == []
    assert any(line.startswith("SCAN to_log") for line in plans)


@pytest.mark.parametrize("table", ["log_leaves", "log_checkpoints", "signing_keys"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {}"])
def test_the_database_refuses_to_change_what_was_logged(
    store: Store, case_id: str, keyring: Keyring, table: str, change: str
) -> None:
    checkpoint(store, keyring)
    column = {"log_leaves": "hash = 'x'"}.get(table, "key_id = 'x'")

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(change.format(table, column)))


# ---- roots and proofs ------------------------------------------------------------------------------------------


def test_proofs_of_what_is_not_there_are_refused(store: Store, case_id: str, keyring: Keyring) -> None:
    checkpoint(store, keyring)
    with store.reading() as session:
        for sought, seq in (("no such case", None), (case_id, 2)):
            with pytest.raises(NotLogged):
                inclusion(session, sought, seq, 1)
        for old, new in ((0, 1), (2, 1), (1, 2), (-1, 1)):
            with pytest.raises(SizeUnknown):
                consistency(session, old, new)
        with pytest.raises(SizeUnknown):
            inclusion(session, case_id, 1, 2)


# ---- checkpoints -----------------------------------------------------------------------------------------------


def test_a_stranger_checks_a_checkpoint_with_the_standards_alone(store: Store, case_id: str, keyring: Keyring) -> None:
    say(store, case_id, "ดี", 1)
    made = checkpoint(store, keyring, 2)

    text_, _, signatures = made.note.rpartition("\n\n")
    origin, size, root, extension = text_.split("\n")
    dash, name, encoded = signatures.rstrip("\n").split(" ")
    with store.reading() as session:
        key = public_half(kept_keys(session)[0])
        proof = inclusion(session, case_id, 1, 2)
        record = session.get_one(JournalRecord, (case_id, 1))
        data = rfc8785.dumps({"case_id": case_id, "seq": 1, "hash": record.hash})
    raw = base64.b64decode(encoded)
    assert (origin, size, dash, name) == ("osm.example.go.th/journal", "2", "—", origin)
    assert extension == "bundles osm-flow-bundle/2"
    assert raw[:4].hex() == made.key_id == str(key).split("+")[1]
    Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], (text_ + "\n").encode())
    path = [bytes.fromhex(step) for step in proof.path]
    assert includes(leaf_hash(data), proof.position, 2, path, base64.b64decode(root))


def test_without_news_the_newest_checkpoint_is_the_answer(store: Store, case_id: str, keyring: Keyring) -> None:
    first = checkpoint(store, keyring)

    assert checkpoint(store, keyring, 5) == first
    say(store, case_id, "ใหม่", 6)
    second = checkpoint(store, keyring, 7)
    assert (first.size, second.size, second.key_id) == (1, 2, first.key_id)
    with store.reading() as session:
        assert latest_checkpoint(session) == second
        for kept in (first, second):
            assert check_log(session, kept=[("kept", kept.note)]).faults == []


def test_an_empty_log_can_be_signed(store: Store, keyring: Keyring) -> None:
    made = checkpoint(store, keyring)

    assert (made.size, made.root) == (0, root_of([]).hex())
    with store.reading() as session:
        assert check_log(session, kept=[("kept", made.note)]).faults == []


def test_two_at_once_make_one_sequence(store: Store, case_id: str, keyring: Keyring) -> None:
    checkpoint(store, keyring)
    for number in range(5):
        say(store, case_id, str(number), number + 1)

    at_once(*[lambda: checkpoint(store, keyring, 10)] * 4)

    with store.reading() as session:
        assert session.scalars(select(LogCheckpoint.size).order_by(LogCheckpoint.id)).all() == [1, 6]
        assert session.scalar(select(func.count()).select_from(LogLeaf)) == 6


def test_a_crash_between_logging_and_signing_is_harmless(
    store: Store, case_id: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(signing_keys, "sign", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            checkpoint(store, keyring)
    with store.reading() as session:
        assert (latest_checkpoint(session), kept_keys(session)) == (None, [])
    with store.transaction() as session:
        append_new(session)

    assert checkpoint(store, keyring, 1).size == 1


def test_a_log_that_contradicts_its_checkpoint_is_not_signed_again(
    store: Store, case_id: str, keyring: Keyring
) -> None:
    say(store, case_id, "ดี", 1)
    checkpoint(store, keyring, 2)
    with store.transaction() as session:
        on = "" if store.dialect == "sqlite" else " ON log_leaves"
        session.execute(text(f"DROP TRIGGER refuse_delete_of_log_leaves{on}"))
        session.execute(text("DELETE FROM log_leaves WHERE position = 1"))

    with pytest.raises(LogContradicted):
        checkpoint(store, keyring, 3)


# ---- what others bring -----------------------------------------------------------------------------------------


def test_foreign_cut_and_future_checkpoints_are_refused_in_words(
    store: Store, case_id: str, keyring: Keyring, tmp_path: Path
) -> None:
    made = checkpoint(store, keyring)
    elsewhere = Keyring(tmp_path / "else", keyring.origin)
    stranger = elsewhere.make(keyring.origin)
    body, _, below = made.note.rpartition("\n\n")
    with store.reading() as session:
        key = public_half(kept_keys(session)[0])

        def codes(note: str) -> list[str]:
            return [fault.code for fault in check_log(session, kept=[("kept", note)]).faults]

        future = signing_keys.sign(f"{keyring.origin}\n9\n{base64.b64encode(bytes(32)).decode()}\n", key, keyring)
        other = signing_keys.sign(f"{keyring.origin}\n1\n{base64.b64encode(bytes(32)).decode()}\n", key, keyring)
        foreign = signing_keys.sign(f"else\n1\n{base64.b64encode(bytes(32)).decode()}\n", key, keyring)
        resigned = signing_keys.sign(f"{body}\n", stranger, elsewhere)
        assert codes(str(future)) == ["future"]
        assert codes(str(other)) == ["root"]
        assert codes(str(foreign)) == ["origin"]
        assert codes(str(resigned)) == ["key"]
        assert codes(made.note.replace("\n1\n", "\n2\n")) == ["signature"]
        assert codes(made.note.replace("\n1\n", "\n01\n")) == ["note"]
        assert codes(f"{body}\n\n{below[:20]}\n") == ["note"]
        for junk in (
            "",
            "a",
            "\n\n\n",
            "a\n\n— b c\n",
            "\ufffd\ufffd",
            made.note[:-1],
            json.dumps({"a": 1}),
            "x" * 70_000,
        ):
            assert codes(junk) == ["note"]


# ---- beside everything else ------------------------------------------------------------------------------------


def test_the_log_stays_whole_beside_writers_erasers_and_administrators(store: Store, keyring: Keyring) -> None:
    with store.transaction() as session:
        deploy_unrecorded(session, "review")
    case_ids = log_contention.prepare(store)

    found = log_contention.contend(store, keyring, case_ids, log_contention.seconds(3))

    assert found.failures == []
    assert len(found.done) == 10, found  # every act had its turn
    with store.transaction() as session:
        append_new(session)
    with store.reading() as session:
        report = check_log(session, trusted=keyring.trusted())
        assert (report.faults, report.unlogged) == ([], 0)
        assert report.records == sum(
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (JournalRecord, AdminRecord)
        )
