"""Cases and their journal: the truth can only be added to, and every list of it has an index to read by."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from osm_flow.operations.cases.overview import open_incidents_of
from osm_flow.operations.cases.queries import case_children
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import (
    BusinessKeyCounter,
    Case,
    CaseState,
    ElementVisit,
    IdempotencyKey,
    Incident,
    JournalPayload,
    JournalRecord,
)
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.cli.shell import Shell
from tests.integration.store.tables import assert_append_only, keep, plans_of, refused, values_of


@pytest.fixture
def case(session: Session) -> Case:
    """A case with two records, the second of which somebody typed."""
    make_office(session)
    deploy_tests(session, "review")
    anan = make_person(session, "anan", "osm_strategy")
    case = make_case(session)
    complete(session, items_of(session, case)[0].id, anan, later(), Completion.of({"text": "ร่าง"}))
    return case


# ---- the journal -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("case")
def test_the_journal_can_only_be_added_to(session: Session) -> None:
    assert_append_only(session, "journal_records")
    assert_append_only(session, "journal_payloads", erasable=True)
    for forgery in ("journal_records SET actor = 'mallory'", "journal_payloads SET body = '{}'"):
        assert "append-only" in refused(session, f"UPDATE {forgery}")


def test_payloads_may_be_erased_and_their_records_stay(session: Session, case: Case) -> None:
    session.execute(delete(JournalPayload))

    assert session.scalar(select(func.count()).select_from(JournalPayload)) == 0
    records = select(JournalRecord.seq).where(JournalRecord.case_id == case.id).order_by(JournalRecord.seq)
    assert session.scalars(records).all() == [1, 2]


def test_a_number_in_a_journal_is_given_once(session: Session, case: Case) -> None:
    newest = values_of(session.get_one(JournalRecord, (case.id, 2)))

    assert refused(session, insert(JournalRecord).values(newest))
    keep(session, insert(JournalRecord).values({**newest, "seq": 3}))


def test_a_journal_is_of_a_case(session: Session) -> None:
    assert refused(session, JournalPayload(case_id="no such case", seq=1, salt="0", body="{}"))


def test_a_case_that_has_a_journal_cannot_be_deleted(session: Session, case: Case) -> None:
    assert refused(session, delete(Case).where(Case.id == case.id))


def test_an_instant_is_kept_to_the_microsecond_as_it_was_hashed(session: Session, case: Case) -> None:
    kept = session.execute(text("SELECT at FROM journal_records WHERE case_id = :id AND seq = 2"), {"id": case.id})

    assert kept.scalar() == "2026-11-20T02:01:00.000000Z"
    assert session.scalars(select(JournalRecord.at).where(JournalRecord.case_id == case.id)).all() == [NOW, later()]


# ---- cases -----------------------------------------------------------------------------------------------------


def another(case: Case, **more: object) -> dict[str, object]:
    """The row of another case of the same process."""
    return {**values_of(case), "id": "another", "business_key": "OTHER-1", **more}


def test_a_case_has_a_key_of_its_own_and_belongs_somewhere(session: Session, case: Case) -> None:
    for wrong in (
        {"business_key": case.business_key},
        {"office_id": "nowhere"},
        {"province_id": "TH-00"},
        {"definition_id": 999_999},
        {"parent_case_id": "no such case"},
        {"title": None},
    ):
        assert refused(session, insert(Case).values(another(case, **wrong))), wrong
    keep(session, insert(Case).values(another(case)))


def test_a_case_says_nothing_it_was_not_told(session: Session, case: Case) -> None:
    told = another(case)
    keep(session, insert(Case).values({name: told[name] for name in told if name not in ("subject", "is_sensitive")}))

    other = session.get_one(Case, "another")
    assert (other.subject, other.is_sensitive) == ("", False)


def test_a_case_has_one_state_kept_byte_for_byte(session: Session, case: Case) -> None:
    assert refused(session, f"INSERT INTO case_states SELECT * FROM case_states WHERE case_id = '{case.id}'")  # noqa: S608
    state = session.get_one(CaseState, case.id)
    state.snapshot = bytes(range(256))
    session.flush()
    session.expire_all()

    assert session.get_one(CaseState, case.id).snapshot == bytes(range(256))


def test_what_is_counted_once_is_there_once(session: Session, case: Case) -> None:
    keep(session, BusinessKeyCounter(prefix="NEW-NE-U1-2571", last=1))
    keep(session, IdempotencyKey(key="k1", at=NOW, subject=case.id, actor="anan"))
    for again in (
        BusinessKeyCounter(prefix="NEW-NE-U1-2571", last=2),
        IdempotencyKey(key="k1", at=later(), subject="other", actor="boss"),
        ElementVisit(case_id=case.id, element="draft", visits=1),
    ):
        assert refused(session, again), again


def test_an_incident_is_open_and_without_a_word_until_somebody_closes_it(session: Session, case: Case) -> None:
    keep(session, Incident(case_id=case.id, kind="engine", message="เงื่อนไขเสีย", opened_at=NOW))

    (incident,) = open_incidents_of(session, case)
    assert (incident.resolved_at, incident.note, incident.case) == (None, "", case)
    assert refused(session, Incident(case_id="no such case", kind="engine", message="", opened_at=NOW))


# ---- reading ---------------------------------------------------------------------------------------------------


def test_lists_of_cases_are_read_by_an_index(session: Session, shell: Shell) -> None:
    listing = ("case", "list", "--office", "NE-U1", "--fiscal-year", "2571", "--state", "ACTIVE")
    plans = plans_of(session, lambda: shell.json(*listing))
    assert "ix_cases_office_id_fiscal_year_state_started_at_id" in plans


def test_children_and_incidents_are_found_by_their_case(session: Session, case: Case) -> None:
    assert "ix_cases_parent_case_id" in plans_of(session, lambda: case_children(session, case))
    assert "ix_incidents_case_id" in plans_of(session, lambda: open_incidents_of(session, case))
    family = select(Case.id).where(Case.root_case_id == case.id)
    assert "ix_cases_root_case_id" in plans_of(session, lambda: session.scalars(family).all())


@pytest.mark.parametrize("column", ["actor", "kind", "element", "on_behalf_of", "actor_role"])
def test_auditors_narrow_the_whole_history_by_an_index(session: Session, column: str) -> None:
    """The newest of everything that somebody did, or that happened at a step, in the order in which it is shown."""
    newest = (JournalRecord.at.desc(), JournalRecord.case_id.desc(), JournalRecord.seq.desc())
    wanted = select(JournalRecord).where(getattr(JournalRecord, column) == "x").order_by(*newest).limit(51)

    plans = plans_of(session, lambda: session.scalars(wanted).all())

    assert f"ix_journal_records_{column}_at_case_id_seq" in plans
    assert "sort" not in plans.lower()
    assert "TEMP B-TREE" not in plans


def test_old_keys_of_writes_are_found_by_their_time(session: Session) -> None:
    old = select(func.count()).select_from(IdempotencyKey).where(IdempotencyKey.at < NOW)

    assert "ix_idempotency_keys_at" in plans_of(session, lambda: session.scalar(old))
