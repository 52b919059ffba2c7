"""The way back for a log whose notes of what is logged do not fit its leaves: it stops, is repaired once, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.audit.checkpoints import accept_older, keep_copies, sign_daily
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.audit.log import (
    LogContradicted,
    LogOutOfStep,
    WrongNote,
    append_new,
    inclusion,
    make_checkpoint,
    wrong_notes,
)
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.merkle_tree import Leaf, TreeDamaged, leaf_bytes
from osm_flow.operations.audit.repairs import (
    CheckpointContradicted,
    LeafMissing,
    LeafUnproven,
    NothingToRebuild,
    NothingToRepair,
    NotRebuilt,
    Rebuilt,
    Repair,
    rebuild,
    repair,
)
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.admin_journal import CHAIN, AdminFilter, AdminKind, changes_of, records
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store.models import Incident, LogCheckpoint, LoggedCase, LogLeaf, LogNode
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, deploy_unrecorded, later, make_case, make_office, make_person
from tests.rfc6962 import includes, leaf_hash, root_of
from tests.together import at_once

pytestmark = pytest.mark.sampled

WHY = "โน้ตของบันทึกรวมตามหลังรายการ"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def case_id(store: Store, keyring: Keyring) -> str:
    """A case of three records under a checkpoint whose note fell behind, and a fourth record that waits."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        for number in (1, 2):
            comment(session, case.id, anan, later(number), body="ดี", key=None)
    with store.transaction() as session:
        make_checkpoint(session, later(3), SYSTEM, keyring=keyring)
    with store.transaction() as session:
        session.execute(update(LoggedCase).where(LoggedCase.case_id == case.id).values(seq=1))
        comment(session, case.id, anan, later(4), body="รออยู่", key=None)
    return case.id


def repaired(store: Store) -> Repair:
    with store.transaction() as session:
        return repair(session, SYSTEM, later(9), reason=WHY)


def test_a_log_out_of_step_says_so_and_nothing_of_it_changes(store: Store, case_id: str, keyring: Keyring) -> None:
    for act in (append_new, lambda session: make_checkpoint(session, later(5), SYSTEM, keyring=keyring)):
        with pytest.raises(LogOutOfStep), store.transaction() as session:
            act(session)

    assert sign_daily(store, later(5), "me", keyring) == Tally(left=1)
    with store.reading() as session:
        assert wrong_notes(session) == [WrongNote(case_id, 1, 3)]
        assert [fault.code for fault in check_log(session).faults] == ["log"]


def test_a_repair_lets_the_log_go_on_and_is_recorded_with_its_reason(
    store: Store, case_id: str, keyring: Keyring
) -> None:
    with store.reading() as session:
        leaves = session.execute(select(LogLeaf.position, LogLeaf.hash).order_by(LogLeaf.position)).all()

    assert repaired(store) == Repair(notes=1, added=1)

    with store.transaction() as session:
        make_checkpoint(session, later(10), SYSTEM, keyring=keyring)
    with store.reading() as session:
        report = check_log(session, trusted=keyring.trusted())
        assert (report.faults, report.unlogged) == ([], 0)
        after = session.execute(select(LogLeaf.position, LogLeaf.hash).order_by(LogLeaf.position)).all()
        assert after[: len(leaves)] == leaves
        made = records(session, SYSTEM, AdminFilter(kinds=(AdminKind.log_repaired,))).items
        assert [(one.actor, one.subject) for one in made] == [("system", "audit log")]
        changes = changes_of(made[0])
    assert changes["wrong_notes"] == {"old": 1, "new": 0}
    assert changes["reason"] == {"old": WHY, "new": WHY}
    with pytest.raises(NothingToRepair):
        repaired(store)


def test_the_incident_of_a_log_out_of_step_ends_with_the_first_checkpoint_after_the_repair(
    store: Store, case_id: str, keyring: Keyring
) -> None:
    for minute in (5, 6):
        assert sign_daily(store, later(minute), "me", keyring).stands_in_the_way.startswith("The audit log's notes")
    repaired(store)
    assert sign_daily(store, later(10), "me", keyring) == Tally(done=1)
    assert sign_daily(store, later(11), "me", keyring) == Tally()

    with store.reading() as session:
        (incident,) = session.scalars(select(Incident)).all()
        assert (incident.kind, incident.resolved_by, incident.resolved_at) == ("signing", "system", later(10))
        made = records(session, SYSTEM, AdminFilter(kinds=(AdminKind.system_incident_resolved,))).items
        assert len(made) == 1
        assert check_log(session).faults == []


def test_notes_that_are_missing_or_too_far_are_repaired_too(store: Store, case_id: str, keyring: Keyring) -> None:
    with store.transaction() as session:
        session.execute(update(LoggedCase).where(LoggedCase.case_id == case_id).values(seq=4))  # hides the fourth
        session.execute(text("DELETE FROM logged_cases WHERE case_id = :chain"), {"chain": CHAIN})
        session.add(LoggedCase(case_id="nobody", seq=7))
    with store.reading() as session:
        assert {note.case_id for note in wrong_notes(session)} == {case_id, CHAIN, "nobody"}

    assert repaired(store) == Repair(notes=3, added=1)

    with store.reading() as session:
        assert wrong_notes(session) == []
        assert check_log(session).faults == []


def test_a_repair_takes_an_administrator_a_reason_and_something_broken(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        of_office = make_person(session, "dir", "osm_director"), make_person(session, "own", "admin")
        admin = make_person(session, "adm", "admin", office_id=None)
    for actor in of_office:
        with pytest.raises(NotYourRole), store.transaction() as session:
            repair(session, actor, NOW, reason=WHY)
    with pytest.raises(ReasonMissing), store.transaction() as session:
        repair(session, admin, NOW, reason=" ")
    with store.transaction() as session:
        assert repair(session, admin, NOW, reason=WHY).notes == 1


def test_a_log_that_contradicts_its_checkpoint_is_not_repaired(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        on = "" if store.dialect == "sqlite" else " ON log_leaves"
        session.execute(text(f"DROP TRIGGER refuse_delete_of_log_leaves{on}"))
        session.execute(text("DELETE FROM log_leaves WHERE position = 3"))

    with pytest.raises(LogContradicted):
        repaired(store)


def test_two_repairs_at_once_are_one(store: Store, case_id: str) -> None:
    answers: list[str] = []

    def act() -> None:
        try:
            answers.append(f"{repaired(store).notes}")
        except NothingToRepair:
            answers.append("nothing")

    at_once(*[act] * 4)

    assert sorted(answers) == ["1", "nothing", "nothing", "nothing"]


# ---- the tree, made again from its leaves ------------------------------------------------------------------------


@pytest.fixture
def large(store: Store, keyring: Keyring) -> str:
    """A case of 200 records, of which a checkpoint covers 150; the others are logged."""
    with store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        case = make_case(session)
        for number in range(149):
            comment(session, case.id, anan, later(number), body=str(number), key=None)
    with store.transaction() as session:
        make_checkpoint(session, later(150), SYSTEM, keyring=keyring)
    keep_copies(store, keyring)
    with store.transaction() as session:
        for number in range(50):
            comment(session, case.id, anan, later(200 + number), body=str(number), key=None)
        append_new(session)
    return case.id


def hashes_of(store: Store) -> list[tuple[int, int, str]]:
    with store.reading() as session:
        wanted = select(LogNode.level, LogNode.position, LogNode.hash).order_by(LogNode.level, LogNode.position)
        return [(row.level, row.position, row.hash) for row in session.execute(wanted)]


def expected_hashes(store: Store) -> list[tuple[int, int, str]]:
    """The hash of each full subtree of 64 leaves and more, by RFC 6962 from the leaves."""
    with store.reading() as session:
        wanted = select(LogLeaf.case_id, LogLeaf.seq, LogLeaf.hash).order_by(LogLeaf.position)
        leaves = [leaf_hash(leaf_bytes(Leaf(*row))) for row in session.execute(wanted)]
    return [
        (level, number, root_of(leaves[number << level : (number + 1) << level]).hex())
        for level in range(6, len(leaves).bit_length())
        for number in range(len(leaves) >> level)
    ]


def damage(store: Store, *statements: str) -> None:
    """As whoever owns the database writes into the log's tables."""
    with store.transaction() as session:
        on = "" if store.dialect == "sqlite" else " ON log_leaves"
        for act in ("update", "delete"):
            session.execute(text(f"DROP TRIGGER IF EXISTS refuse_{act}_of_log_leaves{on}"))
        for statement in statements:
            session.execute(text(statement), {"false": FALSE} if ":false" in statement else {})


def rebuilt(store: Store, keyring: Keyring) -> Rebuilt:
    with store.transaction() as session:
        return rebuild(session, SYSTEM, later(900), reason=WHY, keyring=keyring)


def codes(store: Store, keyring: Keyring) -> set[str]:
    with store.reading() as session:
        return {fault.code for fault in check_log(session, trusted=keyring.trusted(), kept=kept_copies(keyring)).faults}


FALSE = "f00d" * 16
HASHES = {  # how many are false, how many lack
    "UPDATE log_nodes SET hash = :false WHERE level = 6 AND position = 0": (1, 0),
    "UPDATE log_nodes SET hash = :false WHERE level = 6 AND position = 2": (1, 0),  # above what is signed
    "UPDATE log_nodes SET hash = :false": (4, 0),
    "UPDATE log_nodes SET hash = 'zz'": (4, 0),
    "UPDATE log_nodes SET position = 99 WHERE level = 7": (1, 1),
    "INSERT INTO log_nodes (level, position, hash) VALUES (6, 3, :false)": (1, 0),  # of what is not there yet
    "DELETE FROM log_nodes": (0, 4),
}


@pytest.mark.parametrize("statement", HASHES)
def test_whatever_happens_to_the_kept_hashes_no_false_root_is_signed_and_they_are_made_again(
    store: Store, large: str, keyring: Keyring, statement: str
) -> None:
    assert len(hashes_of(store)) == 4
    assert hashes_of(store) == expected_hashes(store)
    damage(store, statement)
    false, lacking = HASHES[statement]

    assert codes(store, keyring) == ({"tree"} if false else set())
    try:
        with store.transaction() as session:
            for number in range(60):  # so that the next subtree is filled
                comment(
                    session,
                    large,
                    actor_named(session, "anan", NOW.date()),
                    later(300 + number),
                    body=str(number),
                    key=None,
                )
            make_checkpoint(session, later(400), SYSTEM, keyring=keyring)
    except (TreeDamaged, LogContradicted):
        assert false
    assert "root" not in codes(store, keyring)
    with store.reading() as session:
        for seq in (1, 140, 150):
            try:
                proof = inclusion(session, large, seq, 150)
            except TreeDamaged:
                assert false
                continue
            leaf, path = bytes.fromhex(proof.leaf), [bytes.fromhex(one) for one in proof.path]
            signed = session.scalars(select(LogCheckpoint.root).where(LogCheckpoint.size == 150)).one()
            assert includes(leaf, proof.position, 150, path, bytes.fromhex(signed))
    if codes(store, keyring):
        done = rebuilt(store, keyring)
        assert (done.false, done.lacking, done.faults) == (false, lacking, [])
        assert hashes_of(store) == expected_hashes(store)
    with store.transaction() as session:
        make_checkpoint(session, later(950), SYSTEM, keyring=keyring)
    assert codes(store, keyring) == set()


def test_a_rebuilt_tree_is_recorded_and_there_is_nothing_to_do_twice(
    store: Store, large: str, keyring: Keyring
) -> None:
    damage(store, "DELETE FROM log_nodes WHERE level = 7", "UPDATE log_nodes SET hash = :false WHERE position = 1")

    assert rebuilt(store, keyring) == Rebuilt(false=1, lacking=1, leaves=200, checkpoints=2, faults=[])

    with store.reading() as session:
        (made,) = records(session, SYSTEM, AdminFilter(kinds=(AdminKind.log_rebuilt,))).items
    changes = changes_of(made)
    assert changes["false_hashes"] == {"old": 1, "new": 0}
    assert (changes["reason"]["new"], changes["leaves"]["new"]) == (WHY, 200)
    with pytest.raises(NothingToRebuild):
        rebuilt(store, keyring)


def test_a_false_hash_is_not_taken_for_an_older_copy_that_was_put_back(
    store: Store, large: str, keyring: Keyring
) -> None:
    """Or an administrator would be told to set true checkpoints aside, and a record would say what nobody did."""
    damage(store, "UPDATE log_nodes SET hash = :false WHERE level = 7")

    tally = sign_daily(store, later(60 * 24), "me", keyring)
    with pytest.raises(TreeDamaged), store.transaction() as session:
        accept_older(session, keyring, SYSTEM, later(950), reason="กู้คืน")

    assert "osm-flow audit rebuild" in str(tally.stands_in_the_way)
    rebuilt(store, keyring)
    assert sign_daily(store, later(60 * 24 + 1), "me", keyring) == Tally(done=1)


LEAVES: dict[str, type[NotRebuilt]] = {
    "UPDATE log_leaves SET hash = :false WHERE position = 3": CheckpointContradicted,
    "UPDATE log_leaves SET seq = 999 WHERE position = 140": CheckpointContradicted,
    "DELETE FROM log_leaves WHERE position = 0": CheckpointContradicted,
    "DELETE FROM log_leaves WHERE position >= 140": CheckpointContradicted,
    "DELETE FROM log_leaves WHERE position = 170": LeafMissing,
    "UPDATE log_leaves SET hash = :false WHERE position = 170": LeafUnproven,
    "UPDATE log_leaves SET case_id = 'nobody' WHERE position = 170": LeafUnproven,
}


@pytest.mark.parametrize("statement", LEAVES)
def test_nothing_is_made_from_leaves_that_contradict_what_was_signed_or_recorded(
    store: Store, large: str, keyring: Keyring, statement: str
) -> None:
    damage(store, statement, "DELETE FROM log_nodes WHERE level = 7")
    before = hashes_of(store)

    with pytest.raises(LEAVES[statement]) as refusal:
        rebuilt(store, keyring)

    assert "Nothing was changed" in str(refusal.value)
    assert refusal.value.details["faults"]
    assert hashes_of(store) == before


def test_the_first_signed_root_that_does_not_follow_is_named(store: Store, large: str, keyring: Keyring) -> None:
    with store.transaction() as session:
        make_checkpoint(session, later(300), SYSTEM, keyring=keyring)
    damage(store, "UPDATE log_leaves SET hash = :false WHERE position = 180", "DELETE FROM log_nodes")

    with pytest.raises(CheckpointContradicted, match=r"signed root of 200 records \(checkpoint 2 of "):
        rebuilt(store, keyring)


def test_a_checkpoint_in_a_file_counts_where_the_database_forgot_it(store: Store, large: str, keyring: Keyring) -> None:
    on = "" if store.dialect == "sqlite" else " ON log_checkpoints"
    with store.transaction() as session:
        session.execute(text(f"DROP TRIGGER refuse_delete_of_log_checkpoints{on}"))
        session.execute(text("DELETE FROM log_checkpoints"))
    damage(store, "UPDATE log_leaves SET hash = :false WHERE position = 3", "DELETE FROM log_nodes")

    with pytest.raises(CheckpointContradicted, match="the copy "):
        rebuilt(store, keyring)


def test_a_record_that_contradicts_a_proven_leaf_is_named_and_stays_wrong(
    store: Store, large: str, keyring: Keyring
) -> None:
    """The leaf is what was signed; the record is what was changed."""
    with store.transaction() as session:
        on = "" if store.dialect == "sqlite" else " ON journal_records"
        session.execute(text(f"DROP TRIGGER refuse_update_of_journal_records{on}"))
        session.execute(text("UPDATE journal_records SET hash = :false WHERE seq = 5"), {"false": FALSE})
        session.execute(text("DELETE FROM log_nodes"))

    done = rebuilt(store, keyring)

    assert [(fault.seq, fault.code) for fault in done.faults] == [(5, "log")]
    assert codes(store, keyring) == {"log"}


def test_rebuilding_takes_an_administrator_and_a_reason(store: Store, large: str, keyring: Keyring) -> None:
    with store.transaction() as session:
        director, admin = (
            make_person(session, "dir", "osm_director"),
            make_person(session, "adm", "admin", office_id=None),
        )
    damage(store, "DELETE FROM log_nodes")
    for actor, reason, refused in ((director, WHY, NotYourRole), (admin, " ", ReasonMissing)):
        with pytest.raises(refused), store.transaction() as session:
            rebuild(session, actor, NOW, reason=reason, keyring=keyring)
    with store.transaction() as session:
        assert rebuild(session, admin, NOW, reason=WHY, keyring=keyring).lacking == 4


def test_two_who_rebuild_at_once_do_it_once(store: Store, large: str, keyring: Keyring) -> None:
    damage(store, "DELETE FROM log_nodes")
    answers: list[str] = []

    def act() -> None:
        try:
            answers.append(f"{rebuilt(store, keyring).lacking}")
        except NothingToRebuild:
            answers.append("nothing")

    at_once(*[act] * 4)

    assert sorted(answers) == ["4", "nothing", "nothing", "nothing"]
