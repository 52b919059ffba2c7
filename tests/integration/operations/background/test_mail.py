"""Mail waits in the outbox with what caused it, once for its key."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.notify.mail import Mail
from osm_flow.operations.background.dispatches import queued
from osm_flow.operations.background.mail import queue_mail
from osm_flow.store.models import OutboxEntry
from tests.factories import NOW, deploy_tests, later, make_case, make_office

LETTER = Mail("reminder:1", "anan@example.go.th", "เตือน 🌾", "ครบกำหนด\nวันนี้", "/work-items/1")


def test_what_was_queued_is_what_is_sent(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)

    assert queue_mail(session, LETTER, later(), case_id=case.id)

    entry = session.scalars(select(OutboxEntry).where(OutboxEntry.kind == "mail")).one()
    assert (entry.key, entry.case_id, entry.due_at, entry.done_at, entry.attempts) == (
        "reminder:1",
        case.id,
        later(),
        None,
        0,
    )
    assert Mail(**asdict(queued(entry))) == LETTER


def test_a_mail_is_queued_once_for_its_key(session: Session) -> None:
    assert queue_mail(session, LETTER, NOW)
    assert not queue_mail(session, Mail(LETTER.key, "boss@example.go.th", "อื่น", "อื่น"), later())
    assert queue_mail(session, Mail("reminder:2", LETTER.to, LETTER.subject, LETTER.body), NOW)

    entries = session.scalars(select(OutboxEntry).order_by(OutboxEntry.id)).all()
    assert [queued(entry).to for entry in entries] == [LETTER.to, LETTER.to]
    assert [entry.case_id for entry in entries] == [None, None]
