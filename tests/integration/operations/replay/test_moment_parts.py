"""What the journal alone says of a past case: turns, files, erasures, and whether a payload is the one recorded."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.cases.acts import resume_case, suspend_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.replay.moment_parts import attachments, digest_is, erasures, turns
from osm_flow.store.models import Attachment, Case, JournalPayload, JournalRecord
from tests.factories import complete_first, deploy_tests, erase, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    """Records: 1 started, 2 drafted, 3 a file."""
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")
    attach(session, case.id, anan, later(1), GivenFile("แผน.txt", "แผน".encode()), key=None)
    return case


def test_files_are_those_attached_by_then(session: Session, case: Case) -> None:
    kept = session.scalars(select(Attachment)).one()
    (given,) = attachments(session, case.id, 3)

    assert (given.seq, given.filename, given.sha256, given.attachment_id) == (3, "แผน.txt", kept.sha256, kept.id)
    assert given.size == len("แผน".encode())
    assert attachments(session, case.id, 2) == []


def test_the_turns_of_a_case_are_told_in_order(session: Session, case: Case) -> None:
    root = make_person(session, "root", "admin", office_id=None)
    suspend_case(session, case.id, root, later(2), reason="รอ")
    resume_case(session, case.id, root, later(3), reason="ต่อ")

    assert turns(session, case.id, 5) == [(4, "SUSPENDED"), (5, "ACTIVE")]
    assert turns(session, case.id, 4) == [(4, "SUSPENDED")]
    assert turns(session, case.id, 3) == []


def test_an_erased_record_is_known_with_the_one_that_says_so(session: Session, case: Case) -> None:
    assert erasures(session, case.id) == {}

    erase(session, case.id, [2, 3], SYSTEM, later(4), reason="คำขอ")

    assert erasures(session, case.id) == {2: 4, 3: 4}


def test_a_payload_is_the_one_recorded_or_not(session: Session, case: Case) -> None:
    record = session.get_one(JournalRecord, (case.id, 2))
    payload = session.get_one(JournalPayload, (case.id, 2))

    assert digest_is(payload.salt, payload.body, record.payload_digest)
    assert not digest_is(payload.salt, payload.body + " ", record.payload_digest)
    assert not digest_is("no salt", payload.body, record.payload_digest)
