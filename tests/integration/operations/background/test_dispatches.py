"""What people are sent outside the site, by whichever channels reach them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.retries import MOST_ATTEMPTS
from osm_flow.notify.channels import Dispatch
from osm_flow.notify.mail import MailChannel, RecordingMailer
from osm_flow.operations import sweeps
from osm_flow.operations.background import sending
from osm_flow.operations.background.dispatches import queue, queue_for, queued
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.sweeps import Means
from osm_flow.store.models import Incident, OutboxEntry, Person
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.pigeons import Pigeons

NEWS = Dispatch("news:1", "", "เรื่อง 🌾", "เนื้อความ\nสองบรรทัด", "/work-items/1")


def person(session: Session, username: str, email: str | None = None) -> Person:
    make_person(session, username)
    found = session.scalars(select(Person).where(Person.username == username)).one()
    found.email = email
    return found


def entries(session: Session) -> list[tuple[str, Dispatch]]:
    rows = session.scalars(select(OutboxEntry).order_by(OutboxEntry.id))
    return [(row.kind, queued(row)) for row in rows]


def test_every_channel_that_reaches_the_person_carries_it(session: Session) -> None:
    channels = [MailChannel(), Pigeons(known=["both", "loft"])]

    assert queue_for(session, channels, person(session, "both", "both@example.go.th"), NEWS, NOW) == 2
    assert entries(session) == [
        ("mail", replace(NEWS, key="mail:news:1", to="both@example.go.th")),
        ("pigeon", replace(NEWS, key="pigeon:news:1", to="the loft of both")),
    ]
    assert queue_for(session, channels, person(session, "nobody"), replace(NEWS, key="2"), NOW) == 0


def test_a_dispatch_is_queued_once_for_its_key(session: Session) -> None:
    channels, anan = [Pigeons(known=["anan"])], person(session, "anan")

    assert [queue_for(session, channels, anan, NEWS, NOW) for _ in range(2)] == [1, 0]
    assert not queue(session, "mail", replace(NEWS, key="pigeon:news:1"), NOW)


def test_each_channel_sends_its_own_and_leaves_what_no_channel_knows(store: Store) -> None:
    pigeons, mailer = Pigeons(), RecordingMailer()
    with store.transaction() as session:
        for kind in ("mail", "pigeon", "unheard-of"):
            queue(session, kind, replace(NEWS, key=kind, to=f"to {kind}"), NOW)

    report = sweeps.sweep_all(store, NOW, "a", Means((MailChannel(mailer), pigeons)))

    assert (report.done["mails"], report.failures) == (2, 0)
    assert ([mail.to for mail in mailer.sent], [one.to for one in pigeons.carried]) == (["to mail"], ["to pigeon"])
    with store.reading() as session:
        waiting = select(OutboxEntry.kind).where(OutboxEntry.done_at.is_(None))
        assert session.scalars(waiting).all() == ["unheard-of"]


def test_a_channel_that_fails_holds_up_no_other_and_is_tried_again(store: Store) -> None:
    pigeons, mailer = Pigeons(lost="a hawk"), RecordingMailer()
    channels = [pigeons, MailChannel(mailer)]
    with store.transaction() as session:
        for kind in ("pigeon", "mail"):
            queue(session, kind, replace(NEWS, key=kind, to=kind), NOW)

    first = sending.send_dispatches(store, NOW, "a", channels)
    pigeons.lost = ""
    too_soon = sending.send_dispatches(store, later(0.9), "a", channels)
    second = sending.send_dispatches(store, later(1), "a", channels)

    assert (first, too_soon, second) == (Tally(done=1, failed=1), Tally(), Tally(done=1))
    assert (len(mailer.sent), len(pigeons.carried)) == (1, 1)


def test_what_never_gets_through_becomes_an_incident_of_the_channel_s_name(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        case_id = make_case(session).id
        queue(session, "pigeon", NEWS, NOW, case_id=case_id)

    for number in range(MOST_ATTEMPTS):
        sending.send_dispatches(store, NOW + timedelta(hours=5 * number), "a", [Pigeons(lost="a hawk")])

    with store.reading() as session:
        incident = session.scalars(select(Incident)).one()
    assert (incident.case_id, incident.kind) == (case_id, "pigeon")
    assert incident.message == "The pigeon did not arrive: a hawk"


@pytest.mark.parametrize("channel", [Pigeons(closed="the loft is shut"), MailChannel()])
def test_what_a_closed_channel_was_to_send_is_given_up_quietly(store: Store, channel: Pigeons | MailChannel) -> None:
    with store.transaction() as session:
        queue(session, channel.name, NEWS, NOW)

    assert sending.send_dispatches(store, NOW, "a", [channel]) == Tally(done=1)
    with store.reading() as session:
        entry = session.scalars(select(OutboxEntry)).one()
    assert (entry.due_at, entry.done_at, entry.last_error) == (None, None, channel.closed)
