"""What is sent to people while a server is away, slow or unwilling, and who hears of what never arrived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from osm_flow.domain.retries import MOST_ATTEMPTS
from osm_flow.notify.mail import Mail, MailChannel, MailServerAway, RecordingMailer
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.background.sending import TOLD_AFTER, send_dispatches
from osm_flow.operations.cases import incidents
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.sweeps import sweep_all
from osm_flow.store.models import AdminRecord, Incident, OutboxEntry
from osm_flow.store.session import Store
from tests.factories import NOW, by_mail, later, make_office, make_person

LETTER = Mail("letter", "witness@example.go.th", "จุดตรวจสอบ", "x")


class AwayMailer(RecordingMailer):
    """A server that can be away altogether, or break down at one mail."""

    away = True
    poison = ""

    def send(self, mail: Mail, at: datetime) -> None:
        if self.away or mail.key == self.poison:
            raise MailServerAway(reason="connection refused")
        super().send(mail, at)


@pytest.fixture
def mailer() -> AwayMailer:
    return AwayMailer()


def _queue(store: Store, *mails: Mail) -> None:
    with store.transaction() as session:
        for mail in mails:
            queue_mail(session, mail, NOW)


def _entries(store: Store) -> dict[str, OutboxEntry]:
    with store.reading() as session:
        return {entry.key: entry for entry in session.scalars(select(OutboxEntry))}


def _incidents(store: Store) -> list[Incident]:
    with store.reading() as session:
        return list(session.scalars(select(Incident).order_by(Incident.id)))


def _minutes(count: int) -> Iterator[datetime]:
    return (later(minute) for minute in range(count))


def test_an_outage_of_days_counts_no_attempt_and_everything_is_sent_after_it(store: Store, mailer: AwayMailer) -> None:
    _queue(store, *(replace(LETTER, key=f"m{number}") for number in range(3)))

    for at in _minutes(40):
        assert send_dispatches(store, at, "a", [MailChannel(mailer)]) == Tally(left=1)
    while_away = _entries(store)
    mailer.away = False
    at = NOW + timedelta(days=3)
    report = sweep_all(store, at, "a", by_mail(mailer))

    assert {(entry.attempts, entry.lease_owner) for entry in while_away.values()} == {(0, None)}
    assert (report.done["mails"], report.failures, len(mailer.sent)) == (3, 0, 3)


def test_of_a_long_outage_an_administrator_is_told_once(store: Store, mailer: AwayMailer) -> None:
    _queue(store, LETTER)

    for at in (NOW, NOW + TOLD_AFTER - timedelta(minutes=1)):
        send_dispatches(store, at, "a", [MailChannel(mailer)])
    before = _incidents(store)
    for hours in (1, 2, 3):
        send_dispatches(store, NOW + hours * TOLD_AFTER, "a", [MailChannel(mailer)])

    (told,) = _incidents(store)
    assert before == []
    assert (told.case_id, told.kind) == (None, "mail")
    assert "connection refused (since 2026-11-20T02:00:00.000000Z)" in told.message


def test_a_mail_that_breaks_the_server_down_is_given_up_because_others_go_through(
    store: Store, mailer: AwayMailer
) -> None:
    mailer.away, mailer.poison = False, "poison"
    _queue(store, replace(LETTER, key="poison"))
    at = NOW
    for number in range(MOST_ATTEMPTS + 2):
        _queue(store, replace(LETTER, key=f"good{number}"))
        for _ in range(3):
            send_dispatches(store, at, "a", [MailChannel(mailer)])
            at += timedelta(minutes=1)
        at += timedelta(hours=5)

    assert [mail.key for mail in mailer.sent] == [f"good{number}" for number in range(MOST_ATTEMPTS + 2)]
    assert _entries(store)["poison"].due_at is None
    assert [incident.task_id for incident in _incidents(store)] == [f"outbox:{_entries(store)['poison'].id}"]


def test_one_channel_that_is_away_holds_up_no_other(store: Store, mailer: AwayMailer) -> None:
    other = RecordingMailer()
    _queue(store, LETTER)
    with store.transaction() as session:
        session.add(OutboxEntry(key="p", kind="pigeon", body='{"to": "a", "subject": "b", "body": "c"}', due_at=NOW))

    tally = send_dispatches(store, NOW, "a", [MailChannel(mailer), MailChannel(other, "pigeon")])

    assert (tally, [mail.key for mail in other.sent]) == (Tally(done=1, left=1), ["p"])


def test_mail_of_no_case_that_is_given_up_is_an_incident_that_an_administrator_retries(
    store: Store, mailer: AwayMailer
) -> None:
    mailer.away, mailer.refuse = False, "550 no such person"
    _queue(store, LETTER)
    for hours in range(MOST_ATTEMPTS):
        send_dispatches(store, NOW + timedelta(hours=5 * hours), "x", [MailChannel(mailer)])
    with store.transaction() as session:
        make_office(session)
        admin = make_person(session, "ekachai", "admin", office_id=None)
        assert incidents.count_open(session, admin) == 1
        (incident,) = incidents.list_incidents(session, admin).items
        assert incident.message == (
            "witness@example.go.th: จุดตรวจสอบ: The mail server did not take the mail: 550 no such person"
        )
        incidents.retry(session, incident.id, admin, later(9000))
    mailer.refuse = None

    assert send_dispatches(store, later(9000), "x", [MailChannel(mailer)]) == Tally(done=1)
    with store.reading() as session:
        record = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
        assert record is not None
        assert (record.kind, record.actor, record.subject) == (
            "system_incident.retried",
            "ekachai",
            f"incident {incident.id}",
        )
        assert admin_journal.check_chain(session).faults == []


def test_closing_an_incident_of_no_case_is_recorded_with_its_reason(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        admin = make_person(session, "ekachai", "admin", office_id=None)
        opened = incidents.open_in(session, None, NOW, kind="mail", message="away")
        assert incidents.open_in(session, None, NOW, kind="mail", message="away").id == opened.id
        incidents.resolve(session, opened.id, admin, NOW, note="เปลี่ยนเครื่องแล้ว")

    with store.transaction() as session:
        record = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
        assert record is not None
        assert admin_journal.changes_of(record)["reason"]["new"] == "เปลี่ยนเครื่องแล้ว"
        with pytest.raises(incidents.IncidentClosed):
            incidents.resolve(session, opened.id, admin, NOW, note="อีกครั้ง")


def test_told_to_stop_it_claims_nothing_more(store: Store, mailer: AwayMailer) -> None:
    mailer.away = False
    _queue(store, LETTER, replace(LETTER, key="second"))

    tally = send_dispatches(store, NOW, "a", [MailChannel(mailer)], is_stopping=lambda: len(mailer.sent) == 1)

    assert tally == Tally(done=1)
    assert _entries(store)["second"].lease_owner is None
