"""The way back for a log whose notes of what is logged do not fit its leaves: it stops, is repaired once, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.audit.checkpoints import sign_daily
from osm_flow.operations.audit.log import LogContradicted, LogOutOfStep, append_new, make_checkpoint
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.repairs import NothingToRepair, Repair, WrongNote, repair, wrong_notes
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.admin_journal import CHAIN, AdminFilter, AdminKind, changes_of, records
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store.models import Incident, LoggedCase, LogLeaf
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.together import at_once

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
