"""What a forger with the triggers dropped can do, and that each of it shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text

from osm_flow.domain.journal import Fault
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.replay.verify import replay, verify_all, verify_case
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, erase, items_of, later, make_case, make_office, make_person


@pytest.fixture
def case_id(store: Store) -> str:
    """A case of five records: started, completed, claimed, commented, completed."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session)
        draft = items_of(session, case)[0]
        complete(
            session,
            draft.id,
            anan,
            NOW,
            Completion.of(
                {
                    "text": "ร่าง",
                },
                "k1",
            ),
        )
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, boss, NOW)
        comment(session, case.id, boss, later(), body="ดี", key="c1")
        complete(session, check.id, boss, NOW, Completion.of({"approved": True, "reason": "1.0"}, "k2"))
        return case.id


def forge(store: Store, *statements: str) -> None:
    with store.transaction() as session:
        for name in (
            "refuse_update_of_journal_records",
            "refuse_delete_of_journal_records",
            "refuse_update_of_journal_payloads",
            "refuse_replace_of_journal_records",
        ):
            if store.dialect == "sqlite":
                session.execute(text(f"DROP TRIGGER {name}"))
            elif "replace" not in name:
                session.execute(text(f"DROP TRIGGER {name} ON {name.rpartition('_of_')[2]}"))
        for statement in statements:
            session.execute(text(statement))


def faults(store: Store, case_id: str) -> list[tuple[int, str]]:
    with store.reading() as session:
        return [(fault.seq, fault.code) for fault in verify_case(session, case_id)]


def test_an_honest_history_is_proved(store: Store, case_id: str) -> None:
    assert faults(store, case_id) == []
    with store.reading() as session:
        assert list(verify_all(session)) == [(case_id, [])]


def test_a_replay_tells_what_was_open_when(store: Store, case_id: str) -> None:
    with store.reading() as session:
        course = [(one.kind, [w.element for w in one.waiting]) for one in replay(session, case_id)]

    assert course == [
        ("case.started", ["draft"]),
        ("work_item.completed", ["check"]),
        ("work_item.claimed", ["check"]),
        ("case.commented", ["check"]),
        ("work_item.completed", []),
    ]


@pytest.mark.parametrize(
    ("forgery", "first"),
    [
        ("UPDATE journal_records SET actor = 'boss' WHERE seq = 2", (2, "hash")),
        ("UPDATE journal_records SET at = '2026-11-20T02:00:00.900000Z' WHERE seq = 2", (2, "hash")),
        ("UPDATE journal_records SET on_behalf_of = 'boss' WHERE seq = 5", (5, "hash")),
        ("UPDATE journal_payloads SET body = replace(body, 'ร่าง', 'แก้') WHERE seq = 2", (2, "payload")),
        ("UPDATE journal_payloads SET salt = '00' WHERE seq = 2", (2, "payload")),
        ("UPDATE journal_payloads SET salt = 'not hex' WHERE seq = 2", (2, "payload")),
        ("UPDATE journal_payloads SET body = 'not json' WHERE seq = 2", (2, "payload")),
        ("DELETE FROM journal_records WHERE seq = 3", (3, "payload")),
        ("DELETE FROM journal_records WHERE seq = 1", (1, "payload")),
        ("DELETE FROM journal_records WHERE seq = 5", (4, "head")),
        ("DELETE FROM journal_payloads WHERE seq = 4", (4, "payload")),
        ("DELETE FROM journal_records", (0, "head")),
        ("UPDATE cases SET head = repeat_a", (5, "head")),
        ("UPDATE case_states SET seq = 4", (5, "state")),
        ("UPDATE process_definitions SET forms = replace(forms, '2000', '9000')", (0, "definition")),
    ],
)
def test_the_first_faulty_record_is_named(store: Store, case_id: str, forgery: str, first: tuple[int, str]) -> None:
    forge(store, forgery.replace("repeat_a", f"'{'a' * 64}'"))

    assert faults(store, case_id)[0] == first


def test_a_forger_who_seals_again_is_found_by_the_replay(store: Store, case_id: str) -> None:
    """Payload, digest, hashes, links and head all fit again; only the state that the engine computes does not."""
    _rewrite_history(store, case_id, "ร่าง", "แก้")

    assert faults(store, case_id) == [(2, "state")]


def test_a_changed_snapshot_is_found(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        session.execute(text("UPDATE case_states SET snapshot = :junk"), {"junk": b"junk"})

    assert faults(store, case_id) == [(5, "snapshot")]


def test_a_case_of_a_definition_that_is_not_there_is_named_and_the_others_checked(
    sqlite_store: Store,
) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        wrong, right = make_case(session).id, make_case(session).id
    sqlite_store.close()
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as file:
        file.execute("UPDATE cases SET definition_id = 99 WHERE id = ?", (wrong,))
        file.commit()
    with sqlite_store.reading() as session:
        found = {case_id: [fault.code for fault in faults] for case_id, faults in verify_all(session)}
    assert found == {wrong: ["definition"], right: []}


def test_records_of_a_case_that_is_gone_are_found(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        if store.dialect == "sqlite":
            pytest.skip("foreign keys are enforced while the transaction runs")
        for statement in ("ALTER TABLE journal_records DROP CONSTRAINT fk_journal_records_case_id",):
            session.execute(text(statement))
        for table in (
            "journal_payloads",
            "case_states",
            "candidates",
            "comments",
            "drafts",
            "work_items",
            "element_visits",
            "cases",
        ):
            session.execute(text(f"DELETE FROM {table}"))  # noqa: S608

    with store.reading() as session:
        ((found, wrong),) = verify_all(session)
    assert (found, [(fault.seq, fault.code) for fault in wrong]) == (case_id, [(0, "case")])


def test_an_erasure_that_is_on_record_is_no_fault(store: Store, case_id: str) -> None:
    from osm_flow.domain.access.actors import SYSTEM

    with store.transaction() as session:
        erase(session, case_id, [4], SYSTEM, later(60), reason="คำขอตาม PDPA")

    assert faults(store, case_id) == []
    with store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM journal_payloads WHERE seq = 4")).scalar() == 0


def test_faults_read_as_sentences(store: Store, case_id: str) -> None:
    forge(store, "UPDATE journal_records SET actor = 'boss' WHERE seq = 2")

    with store.reading() as session:
        assert Fault(case_id, 2, "hash", "the record was changed after it was written") in verify_case(session, case_id)


def _rewrite_history(store: Store, case_id: str, old: str, new: str) -> None:
    from dataclasses import replace

    from sqlalchemy import select

    from osm_flow.domain import journal
    from osm_flow.operations.ledger.case_journal import record_of
    from osm_flow.store.models import JournalPayload, JournalRecord

    forge(store)
    with store.transaction() as session:
        rows = session.scalars(select(JournalRecord).order_by(JournalRecord.seq)).all()
        payloads = session.scalars(select(JournalPayload).order_by(JournalPayload.seq)).all()
        previous = journal.GENESIS
        for row, payload in zip(rows, payloads, strict=True):
            payload.body = payload.body.replace(old, new)
            digest = journal.digest_payload(payload.salt, payload.body)
            record = replace(record_of(row), payload_digest=digest, prev_hash=previous)
            row.payload_digest, row.prev_hash, row.hash = digest, previous, journal.seal(record)
            previous = row.hash
        session.execute(text("UPDATE cases SET head = :head"), {"head": previous})
