"""What a forger who owns the database can do to history after a checkpoint, and that each of it shows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain import merkle_note
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.merkle_note import Head
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.checkpoints import keep_copies
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.audit.log import append_new, make_checkpoint, rotate_key
from osm_flow.operations.audit.log_checks import LogReport, check_log
from osm_flow.operations.audit.merkle_tree import LogTree
from osm_flow.operations.audit.signing_keys import KeyMissing, Keyring, ReasonNeeded, kept_keys, public_half
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay.verify import verify_all, verify_case
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import LogCheckpoint
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_unrecorded, items_of, later, make_case, make_office, make_person

pytestmark = pytest.mark.sampled

TRIGGERS = dict.fromkeys(("journal_records", "log_leaves", "log_checkpoints", "signing_keys"), ("update", "delete"))


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def case_id(store: Store, keyring: Keyring) -> str:
    """A case of four records under a checkpoint, with its copy on the disk."""
    with store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
        case = make_case(session)
        draft = items_of(session, case)[0]
        complete(session, draft.id, anan, NOW, Completion.of({"text": "ร่าง"}, "k1"))
        comment(session, case.id, boss, later(), body="ดี", key="c1")
        comment(session, case.id, boss, later(2), body="ดีมาก", key="c2")
    sign(store, keyring, 10)
    return case.id


def sign(store: Store, keyring: Keyring, minute: float) -> str:
    with store.transaction() as session:
        note = make_checkpoint(session, later(minute), SYSTEM, keyring=keyring).note
    keep_copies(store, keyring)
    return note


def forge(store: Store, *statements: str) -> None:
    """Run statements as somebody who owns the database would: without triggers and foreign keys in the way."""
    if store.dialect == "sqlite":
        with closing(sqlite3.connect(str(store.url.database))) as connection, connection:
            for table, acts in TRIGGERS.items():
                for act in acts:
                    connection.execute(f"DROP TRIGGER IF EXISTS refuse_{act}_of_{table}")
            for statement in statements:
                connection.execute(statement)
        return
    with store.transaction() as session:
        session.execute(text("SET session_replication_role = replica"))
        for statement in statements:
            session.execute(text(statement))
        session.execute(text("SET session_replication_role = origin"))


def report(store: Store, keyring: Keyring, *, pinned: bool = True, kept: bool = True) -> LogReport:
    with store.reading() as session:
        trusted = keyring.trusted() if pinned else []
        return check_log(session, trusted=trusted, kept=kept_copies(keyring) if kept else [])


def codes(store: Store, keyring: Keyring, **more: bool) -> set[str]:
    return {fault.code for fault in report(store, keyring, **more).faults}


def consistent_truncation(case_id: str) -> list[str]:
    """Cut the newest record of the case, and make the case and its state fit the new end."""
    return [
        f"DELETE FROM journal_records WHERE case_id = '{case_id}' AND seq = 4",  # noqa: S608
        f"DELETE FROM journal_payloads WHERE case_id = '{case_id}' AND seq = 4",  # noqa: S608
        f"UPDATE cases SET seq = 3, head = (SELECT hash FROM journal_records WHERE case_id = '{case_id}' AND seq = 3)",  # noqa: S608
        "UPDATE case_states SET seq = 3",
        "DELETE FROM comments WHERE id = (SELECT max(id) FROM comments)",
    ]


def test_an_honest_log_has_no_faults(store: Store, keyring: Keyring, case_id: str) -> None:
    found = report(store, keyring)

    assert (found.faults, found.notices, found.records, found.checkpoints, found.unlogged) == ([], [], 4, 1, 0)
    with store.reading() as session:
        assert list(verify_all(session)) == [(case_id, [])]


def test_a_cut_that_the_chain_alone_cannot_see_is_found(store: Store, keyring: Keyring, case_id: str) -> None:
    forge(store, *consistent_truncation(case_id))

    with store.reading() as session:
        assert [(fault.seq, fault.code) for fault in verify_case(session, case_id)] == [(4, "log")]
        assert [(one, [f.code for f in faults]) for one, faults in verify_all(session)] == [(case_id, ["log"])]
    assert codes(store, keyring) == {"log"}


def test_cutting_the_log_too_is_found(store: Store, keyring: Keyring, case_id: str) -> None:
    cut = ["DELETE FROM log_leaves WHERE position = 3", "UPDATE logged_cases SET seq = 3"]
    forge(store, *consistent_truncation(case_id), *cut)

    assert codes(store, keyring, pinned=False, kept=False) == {"future"}


def test_cutting_log_and_checkpoints_is_found_by_whoever_kept_one(store: Store, keyring: Keyring, case_id: str) -> None:
    cut = [
        "DELETE FROM log_leaves WHERE position = 3",
        "UPDATE logged_cases SET seq = 3",
        "DELETE FROM log_checkpoints",
    ]
    forge(store, *consistent_truncation(case_id), *cut)

    assert codes(store, keyring, kept=False) == set()
    assert codes(store, keyring) == {"future"}


@pytest.mark.parametrize(
    ("forgery", "expected"),
    [
        ("UPDATE journal_records SET hash = 'f00d' WHERE seq = 2", {"log"}),
        ("DELETE FROM journal_records WHERE seq = 2", {"log"}),
        ("UPDATE log_leaves SET hash = 'f00d' WHERE position = 1", {"log", "root"}),
        ("UPDATE log_leaves SET seq = 9 WHERE position = 1", {"log", "root"}),
        ("DELETE FROM log_leaves WHERE position = 1", {"log", "root"}),
        ("UPDATE log_leaves SET position = 5 WHERE position = 3", {"log", "future", "root"}),
        ("UPDATE log_checkpoints SET note = replace(note, '4', '5')", {"note", "signature"}),
        ("UPDATE log_checkpoints SET note = 'nothing'", {"note"}),
        ("UPDATE log_checkpoints SET size = 3", {"note"}),
        ("UPDATE log_checkpoints SET key_id = 'abcdef01'", {"signature"}),
        (
            "UPDATE signing_keys SET public_key = replace(public_key, substr(public_key, 1, 2), '00')",
            {"key", "signature"},
        ),
        ("UPDATE signing_keys SET how = 'rotated'", {"key"}),
        ("DELETE FROM signing_keys", {"signature"}),
        ("UPDATE logged_cases SET seq = 99", {"log"}),
    ],
)
def test_what_was_changed_is_named(
    store: Store, keyring: Keyring, case_id: str, forgery: str, expected: set[str]
) -> None:
    forge(store, forgery)

    found = codes(store, keyring)
    assert found, forgery
    assert found <= expected


def test_kept_subtrees_are_not_believed(store: Store, keyring: Keyring, case_id: str) -> None:
    with store.transaction() as session:
        for number in range(140):
            comment(session, case_id, _boss(session), later(20 + number), body=str(number), key=None)
    sign(store, keyring, 500)
    forge(store, "UPDATE log_leaves SET hash = 'f00d' WHERE position = 5", "UPDATE log_nodes SET hash = hash")

    with store.reading() as session:
        assert (
            LogTree(session).root(144).hex()
            == session.scalars(select(LogCheckpoint.root).where(LogCheckpoint.size == 144)).one()
        )
    assert codes(store, keyring) == {"log", "root"}


def test_resigning_with_another_key_is_found(store: Store, keyring: Keyring, case_id: str, tmp_path: Path) -> None:
    """The forger rewrites the log and signs it with a key of their own that they put in place of ours."""
    elsewhere = Keyring(tmp_path / "forger", keyring.origin)
    key = elsewhere.make(keyring.origin)
    cut = [
        "DELETE FROM log_leaves WHERE position = 3",
        "UPDATE logged_cases SET seq = 3",
        "DELETE FROM log_checkpoints",
    ]
    mine = f"UPDATE signing_keys SET key_id = '{key.key_id}', public_key = '{key.public.hex()}'"  # noqa: S608
    forge(store, *consistent_truncation(case_id), *cut, mine)
    with store.transaction() as session:
        make_checkpoint(session, later(20), SYSTEM, keyring=elsewhere)

    assert codes(store, keyring, pinned=False, kept=False) == set()
    assert codes(store, keyring, kept=False) == {"key"}
    assert codes(store, keyring, pinned=False) == {"key"}


def test_a_record_slipped_in_below_is_found(store: Store, keyring: Keyring, case_id: str) -> None:
    forge(
        store,
        "INSERT INTO journal_records SELECT case_id, 0, at, kind, actor, actor_role, on_behalf_of, element, "
        "task_id, payload_digest, definition_key, definition_version, definition_sha256, engine_version, "
        "state_digest, prev_hash, hash FROM journal_records WHERE seq = 1",
    )

    assert codes(store, keyring) == {"log"}


def test_a_record_that_says_it_is_old_is_noticed(store: Store, keyring: Keyring, case_id: str) -> None:
    with store.transaction() as session:
        make_case(session, now=later(-300))
        append_new(session)

    found = report(store, keyring)
    assert found.faults == []
    assert len(found.notices) == 1
    assert "was logged after a checkpoint signed at" in found.notices[0]


# ---- keys ------------------------------------------------------------------------------------------------------


def test_a_rotation_is_signed_by_both_keys(store: Store, keyring: Keyring, case_id: str) -> None:
    with store.transaction() as session:
        rotated = rotate_key(session, later(20), SYSTEM, keyring=keyring, reason="ครบกำหนด")
    keep_copies(store, keyring)
    with store.transaction() as session:
        comment(session, case_id, _boss(session), later(21), body="ต่อ", key=None)
    sign(store, keyring, 22)

    with store.reading() as session:
        old, new = map(public_half, kept_keys(session))
        note = merkle_note.read_note(rotated.note)
    assert (signing_keys.signed_by(note, old), signing_keys.signed_by(note, new)) == (True, True)
    assert f"successor {new}\n" in note.text
    found = report(store, keyring)
    assert (found.faults, found.notices, found.checkpoints) == ([], [], 3)


def test_nobody_becomes_the_next_key_by_signing_beside_the_last_one(
    store: Store, keyring: Keyring, case_id: str, tmp_path: Path
) -> None:
    elsewhere = Keyring(tmp_path / "forger", keyring.origin)
    key = elsewhere.make(keyring.origin)
    with store.reading() as session:
        note = merkle_note.read_note(session.scalars(select(LogCheckpoint.note)).one())
    both = merkle_note.Note(note.text, (*note.signatures, *signing_keys.sign(note.text, key, elsewhere).signatures))
    with store.transaction() as session:
        signing_keys._add(session, key, SYSTEM, later(20), how="rotated", endorsement=str(both))

    assert codes(store, keyring, pinned=False) == {"key"}


def test_a_lost_key_is_replaced_with_a_gap_that_shows(store: Store, keyring: Keyring, case_id: str) -> None:
    with store.reading() as session:
        lost = kept_keys(session)[0].key_id
    (keyring.folder / f"{lost}.pem").unlink()
    with store.transaction() as session:
        comment(session, case_id, _boss(session), later(21), body="ต่อ", key=None)
    with pytest.raises(KeyMissing, match=lost), store.transaction() as session:
        make_checkpoint(session, later(20), SYSTEM, keyring=keyring)
    with pytest.raises(KeyMissing), store.transaction() as session:
        rotate_key(session, later(20), SYSTEM, keyring=keyring)
    with pytest.raises(ReasonNeeded), store.transaction() as session:
        signing_keys.replace_lost(session, keyring, SYSTEM, later(20), reason="  ")
    with store.transaction() as session:
        signing_keys.replace_lost(session, keyring, SYSTEM, later(20), reason="ดิสก์เสีย")
    sign(store, keyring, 22)

    found = report(store, keyring)
    assert found.faults == []
    assert len(found.notices) == 1
    assert lost in found.notices[0]
    assert "ดิสก์เสีย" in found.notices[0]


def test_an_endorsement_names_log_and_head(store: Store, keyring: Keyring, case_id: str) -> None:
    with store.transaction() as session:
        root = LogTree(session).root()
        rotate_key(session, later(20), SYSTEM, keyring=keyring)
    with store.reading() as session:
        head = merkle_note.read_head(merkle_note.read_note(kept_keys(session)[1].endorsement))

    assert (head.origin, head.size, head.root) == (keyring.origin, 4, root)
    assert isinstance(head, Head)


def _boss(session: Session) -> Actor:
    return actor_named(session, "boss", NOW.date())
