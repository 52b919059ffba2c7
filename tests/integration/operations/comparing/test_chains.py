"""Every change of a row of what only grows is found by the checks of chains and signatures, or its column is named unproven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import Decision
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.audit import checkpoints, log_checks
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books import corrections
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.books.sets import keep_set
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.comparing.coverage import CHAINS, UNPROVEN_COLUMNS
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.ledger.security_events import EventKind, Happening, record_event
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy.book_erasing import BookErasure, erase_texts
from osm_flow.operations.privacy.book_texts import TextName
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.record_type import KIND, book_of
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store.models import Book, ToLog
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, later, make_case, make_office, make_person, make_project
from tests.integration.operations.comparing.conftest import table_named
from tests.integration.operations.comparing.test_cases import another, keys_of

pytestmark = pytest.mark.sampled

Vandals = Callable[[Store], Any]
TABLES = (*CHAINS, "signing_keys")


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "example.go.th/journal")


@pytest.fixture
def signed(store: Store, keyring: Keyring) -> Store:
    """A case, projects with reasons and a set, reads and refusals, all signed under two keys; and some not logged yet."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "aud", "auditor")
        auditor = actor_named(session, "aud", NOW.date())
        case = make_case(session)
        record_access(session, auditor, NOW, Read(AccessKind.case_exported, case, "ตรวจสอบ", details="PRJ"))
        record_event(session, NOW, Happening(EventKind.sign_in_failed, details="aud", address="127.0.0.1"))
        make_project(session, "P1")
        make_project(session, "P2", contact_name="นางสมศรี", contact_phone="042-123456")
        corrected = BookAct(BookActKind.corrected, {"record": "P1"}, reason="พิมพ์ผิด")
        revise(session, book_of(OFFICE, 2571), corrected, SYSTEM, NOW, {"P1": {"name": "ชื่อใหม่"}})
        keep_set(session, KIND, ["P1", "P2"])
        _correct(session)
        _erase(session)
        record_as_found(session, NOW)
    with store.transaction() as session:
        checkpoints.sign_and_send(session, later(1), SYSTEM, keyring=keyring)
    with store.transaction() as session:
        checkpoints.rotate_and_send(session, later(2), SYSTEM, keyring=keyring, reason="ครบปี")
    checkpoints.keep_copies(store, keyring)
    with store.transaction() as session:
        make_project(session, "P3")
    return store


def _correct(session: Session) -> None:
    """One correction of two people, and one that waits."""
    book, allowed = book_of(OFFICE, 2571), Decision(True)
    anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
    proposed = session.scalars(select(Book.seq).where(Book.name == str(book))).one() + 1
    corrections.correct(session, book, anan, later(1), "P2", NewCorrection({"requested": 7}, 1, "ผิด"), allowed)
    corrections.confirm(session, book, proposed, boss, later(1), "P2", allowed)
    corrections.correct(session, book, anan, later(1), "P1", NewCorrection({"requested": 8}, 2, "ผิด"), allowed)


def _erase(session: Session) -> None:
    """What the first version of P2 says of a person, and the correction that was confirmed; the second version stays."""
    book = str(book_of(OFFICE, 2571))
    names = [TextName(book, 2, "personal", "P2"), TextName(book, 4, "proposal", "P2")]
    erase_texts(session, names, SYSTEM, later(1), BookErasure("คำขอเลขที่ 12", {"request": 1}))


def faults(session: Session, keyring: Keyring) -> set[str]:
    """All that `osm-flow case verify --all` and `osm-flow audit verify` find."""
    of_cases = [str(fault) for _, found in verify_all(session) for fault in found]
    log = log_checks.check_log(session, trusted=keyring.trusted(), kept=kept_copies(keyring))
    # The vandal has the triggers out of the way, which is told, too.
    of_tables = [one.en for one in compare(session) if one.table != "(schema)"]
    return {*of_cases, *map(str, log.faults), *log.notices, *of_tables}


def test_untouched_it_holds_and_has_rows_of_every_kind(signed: Store, keyring: Keyring) -> None:
    with signed.reading() as session:
        assert faults(session, keyring) == set()
        assert [name for name in TABLES if not session.execute(select(table_named(name)).limit(1)).first()] == []
        waits = session.scalars(select(ToLog.chain).order_by(ToLog.chain)).all()
        assert waits == ["administration", "projects/NE-U1/2571"]


@pytest.mark.parametrize("name", TABLES)
def test_every_change_of_a_column_is_found(signed: Store, vandal: Vandals, keyring: Keyring, name: str) -> None:
    table, missed, tried = table_named(name), [], 0
    with signed.reading() as session:
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    for column in table.columns:
        if (name, column.name) in UNPROVEN_COLUMNS:
            continue
        told = rows
        if name == "signing_keys" and column.name in ("actor", "at"):
            told = rows[1:]  # nothing records who had the first key made
        filled = [row for row in told if row[column.name] not in (None, "")]
        for row in {id(one): one for one in (told[0], told[-1], *filled[:1])}.values():
            tried += 1
            with vandal(signed) as at_work:
                at_work.change(table, keys_of(table, row), **{column.name: another(column, row[column.name])})
                if not faults(at_work.session, keyring):
                    missed.append((column.name, row[column.name]))
    assert missed == []
    assert tried > 0


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_is_gone_is_found(signed: Store, vandal: Vandals, keyring: Keyring, name: str) -> None:
    table, missed = table_named(name), []
    with signed.reading() as session:
        rows = [dict(row) for row in session.execute(select(table)).mappings()]
    if name == "record_sets":
        rows = []  # whatever names a set has its digest, and nothing names this one
    for row in rows:
        with vandal(signed) as at_work:
            at_work.remove(table, keys_of(table, row))
            if not faults(at_work.session, keyring):
                missed.append(keys_of(table, row))
    assert missed == []
