"""What happens without anybody asking, in its order and once, even after days of downtime."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.retries import MOST_ATTEMPTS
from osm_flow.notify.mail import Mail, MailChannel, RecordingMailer
from osm_flow.operations import sweeps
from osm_flow.operations.background import leases, sending
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.cases import incidents
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.sweeps import Means, Sweep
from osm_flow.store.models import (
    Case,
    Incident,
    JournalRecord,
    OutboxEntry,
    OutgoingLetter,
    ServiceJob,
    Timer,
)
from osm_flow.store.session import Store
from tests.factories import NOW, by_mail, deploy_tests, make_case, make_office
from tests.together import at_once

DAY = timedelta(days=1)
LATE = NOW + 10 * DAY


def _cases(store: Store, key: str, count: int = 1, **data: object) -> list[str]:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, key)
        return [make_case(session, key, title=f"เรื่อง {n}", data=dict(data)).id for n in range(count)]


def _records(store: Store, kind: str) -> list[tuple[str, str | None, datetime]]:
    """What happened, case by case in the order of the journal: case, element, instant."""
    query = select(JournalRecord).where(JournalRecord.kind == kind).order_by(JournalRecord.case_id, JournalRecord.seq)
    with store.reading() as session:
        return [(record.case_id, record.element, record.at) for record in session.scalars(query)]


def _count(store: Store, table: type[Timer] | type[ServiceJob] | type[Incident] | type[OutgoingLetter]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def _break(store: Store, case_id: str, by: int) -> None:
    """Make the state of a case unfit for its journal, or fit again."""
    with store.transaction() as session:
        session.get_one(Case, case_id).seq += by


def _until_done(sweep: Callable[[], Tally]) -> None:
    while (tally := sweep()).done or tally.left:
        pass


# ---- timers ----------------------------------------------------------------------------------------------------


def test_nothing_fires_before_its_time(store: Store) -> None:
    _cases(store, "three_timers")

    assert sweeps.fire_due_timers(store, NOW + DAY - timedelta(seconds=1), "a") == Tally()
    assert _count(store, Timer) == 3


def test_after_days_of_downtime_every_timer_fires_once_in_order(store: Store) -> None:
    [case_id] = _cases(store, "three_timers")

    report = sweeps.sweep_all(store, LATE, "a")

    fired = _records(store, "timer.fired")
    assert [(case, element) for case, element, _ in fired] == [(case_id, e) for e in ("first", "second", "third")]
    assert all(at - LATE < timedelta(milliseconds=1) for _, _, at in fired)
    assert (report.done["timers"], report.failures, report.unfinished) == (3, 0, False)
    assert sweeps.sweep_all(store, LATE, "a").done["timers"] == 0


def test_a_repeating_timer_catches_up_one_record_for_each_time(store: Store) -> None:
    _cases(store, "repeating")

    sweeps.sweep_all(store, NOW + 2 * DAY + timedelta(hours=1), "a")
    caught_up = len(_records(store, "timer.fired"))
    sweeps.sweep_all(store, LATE, "a")

    assert caught_up == 2
    assert len(_records(store, "timer.fired")) == 3
    assert _count(store, Timer) == 0


def test_two_sweepers_fire_each_timer_once_and_in_order(store: Store) -> None:
    cases = _cases(store, "three_timers", 8)

    def sweep(owner: str) -> Callable[[], None]:
        return lambda: _until_done(lambda: sweeps.fire_due_timers(store, LATE, owner, limit=5))

    at_once(sweep("a"), sweep("b"))
    _until_done(lambda: sweeps.fire_due_timers(store, LATE + leases.LEASE, "c"))

    fired = _records(store, "timer.fired")
    assert len(fired) == 24
    for case_id in cases:
        assert [element for case, element, _ in fired if case == case_id] == ["first", "second", "third"]
    assert _count(store, Incident) == 0
    with store.reading() as session:
        assert [verify_case(session, case_id) for case_id in cases] == [[]] * 8


def test_a_timer_waits_for_an_earlier_one_that_another_sweep_holds(store: Store) -> None:
    _cases(store, "three_timers")
    held = leases.claim(store, Timer, "other", LATE, limit=1)

    meanwhile = sweeps.fire_due_timers(store, LATE, "a")
    leases.work_through(store, held, LATE, sweeps._fire)
    afterwards = sweeps.fire_due_timers(store, LATE, "a")

    assert (meanwhile, afterwards) == (Tally(left=2), Tally(done=2))
    assert [element for _, element, _ in _records(store, "timer.fired")] == ["first", "second", "third"]


def test_what_a_dead_sweep_had_claimed_is_done_after_its_lease(store: Store) -> None:
    _cases(store, "three_timers")
    dead = leases.claim(store, Timer, "dead", LATE, limit=10)

    too_soon = sweeps.fire_due_timers(store, LATE + leases.LEASE - timedelta(seconds=1), "a")
    recovered = sweeps.fire_due_timers(store, LATE + leases.LEASE, "a")

    assert len(dead.keys) == 3
    assert (too_soon.done, recovered.done) == (0, 3)


def test_a_sweep_that_dies_in_the_middle_leaves_nothing_half_done(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cases(store, "three_timers")
    fire, calls = sweeps._fire, list[str]()

    def die_at_the_second(session: object, timer: Timer, now: datetime) -> None:
        calls.append(timer.task_id)
        fire(session, timer, now)  # type: ignore[arg-type]
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sweeps, "_fire", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        sweeps.fire_due_timers(store, LATE, "dying")
    monkeypatch.setattr(sweeps, "_fire", fire)
    halfway = len(_records(store, "timer.fired"))
    sweeps.fire_due_timers(store, LATE + leases.LEASE, "a")

    assert halfway == 1
    assert [element for _, element, _ in _records(store, "timer.fired")] == ["first", "second", "third"]


def test_a_sweep_that_woke_up_too_late_does_not_touch_what_others_took_over(store: Store) -> None:
    _cases(store, "three_timers")
    asleep = leases.claim(store, Timer, "asleep", LATE, limit=10)
    leases.claim(store, Timer, "b", LATE + leases.LEASE, limit=10)

    tally = leases.work_through(store, asleep, LATE, sweeps._fire)

    assert tally == Tally()
    assert _records(store, "timer.fired") == []


def test_a_broken_case_stops_no_sweep_and_becomes_an_incident(store: Store) -> None:
    broken, sound = _cases(store, "three_timers", 2)
    _break(store, broken, 1)

    report = sweeps.sweep_all(store, LATE, "a")

    assert report.failures == 3
    assert {case for case, _, _ in _records(store, "timer.fired")} == {sound}
    with store.reading() as session:
        found = session.execute(select(Incident.case_id, Incident.kind, Incident.element).order_by(Incident.id)).all()
    assert [tuple(row) for row in found] == [(broken, "timer", e) for e in ("first", "second", "third")]
    assert sweeps.sweep_all(store, LATE + DAY, "a").failures == 0


def test_a_repaired_case_goes_on_when_its_incident_is_retried(store: Store) -> None:
    [case_id] = _cases(store, "three_timers")
    _break(store, case_id, 1)
    sweeps.sweep_all(store, LATE, "a")
    _break(store, case_id, -1)

    with store.transaction() as session:
        for incident_id in session.scalars(select(Incident.id)).all():
            incidents.retry(session, incident_id, SYSTEM, LATE)
    sweeps.sweep_all(store, LATE, "a")

    assert [element for _, element, _ in _records(store, "timer.fired")] == ["first", "second", "third"]


def test_an_unforeseen_failure_is_tried_again_later_and_at_last_an_incident(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cases(store, "repeating")

    def fail(*_: object) -> None:
        raise OSError("the disk is on fire")

    monkeypatch.setattr(sweeps, "_fire", fail)
    tries, at = 0, NOW + DAY
    while _count(store, Incident) == 0:
        tally = sweeps.fire_due_timers(store, at, "a")
        assert sweeps.fire_due_timers(store, at, "a") == Tally()
        tries += tally.failed
        at += timedelta(hours=5)

    assert tries == MOST_ATTEMPTS
    with store.reading() as session:
        assert session.scalars(select(Incident.message)).one() == "OSError: the disk is on fire"
    assert sweeps.fire_due_timers(store, at + DAY, "a") == Tally()


def test_timers_of_a_suspended_case_wait_until_it_goes_on(store: Store) -> None:
    [case_id] = _cases(store, "three_timers")
    with store.transaction() as session:
        session.get_one(Case, case_id).state = "SUSPENDED"

    while_suspended = sweeps.fire_due_timers(store, LATE, "a")
    with store.transaction() as session:
        session.get_one(Case, case_id).state = "ACTIVE"
    afterwards = sweeps.fire_due_timers(store, LATE, "a")

    assert (while_suspended.done, afterwards.done) == (0, 3)


# ---- services and the outbox -----------------------------------------------------------------------------------


def test_a_service_is_carried_out_once_by_whichever_sweep_comes_first(store: Store) -> None:
    _cases(store, "lettered", 6, recipient="สำนักงานจังหวัดอุดรธานี")

    def sweep(owner: str) -> Callable[[], None]:
        return lambda: _until_done(lambda: sweeps.run_services(store, NOW, owner, limit=2))

    at_once(sweep("a"), sweep("b"))
    _until_done(lambda: sweeps.run_services(store, NOW + leases.LEASE, "c"))

    assert _count(store, OutgoingLetter) == 6
    assert _count(store, ServiceJob) == 0
    assert len(_records(store, "service.finished")) == 6


def test_a_service_that_fails_waits_longer_each_time_and_the_others_go_on(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "lettered")
        make_case(session, "lettered", data={"recipient": ""})
        make_case(session, "lettered", data={"recipient": "สำนักงานจังหวัด"})

    first = sweeps.run_services(store, NOW, "a")
    at_once = sweeps.run_services(store, NOW, "a")
    for hours in range(1, 20):
        sweeps.run_services(store, NOW + timedelta(hours=3 * hours), "a")

    assert first == Tally(done=1, failed=1)
    assert at_once == Tally()
    with store.reading() as session:
        assert session.scalars(select(Incident.kind)).all() == ["service"]
        assert session.scalars(select(ServiceJob.due_at)).one() is None


def test_called_cases_begin_and_end_through_the_outbox(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        parent = make_case(session, "caller").id

    report = sweeps.sweep_all(store, NOW, "a")

    assert report.done["outbox"] > 0
    with store.reading() as session:
        assert session.scalars(select(Case.parent_case_id).where(Case.id != parent)).first() == parent


# ---- mail ------------------------------------------------------------------------------------------------------


def _queue(store: Store, *keys: str) -> None:
    with store.transaction() as session:
        for key in keys:
            queue_mail(session, Mail(key, f"{key}@example.go.th", "เรื่อง", "เนื้อความ", "/"), NOW)


def test_mail_is_sent_once_after_the_commit(store: Store) -> None:
    mailer = RecordingMailer()
    _queue(store, "a", "b", "a")

    report = sweeps.sweep_all(store, NOW, "x", by_mail(mailer))
    again = sweeps.sweep_all(store, NOW + DAY, "x", by_mail(mailer))

    assert [mail.to for mail in mailer.sent] == ["a@example.go.th", "b@example.go.th"]
    assert (report.done["mails"], again.done["mails"]) == (2, 0)


def test_mail_that_a_server_refuses_is_sent_when_it_works_again(store: Store) -> None:
    mailer = RecordingMailer(refuse="451 later")
    _queue(store, "a")

    refused = sending.send_dispatches(store, NOW, "x", [MailChannel(mailer)])
    mailer.refuse = None
    too_soon = sending.send_dispatches(store, NOW + timedelta(seconds=59), "x", [MailChannel(mailer)])
    sent = sending.send_dispatches(store, NOW + timedelta(minutes=1), "x", [MailChannel(mailer)])

    assert (refused, too_soon, sent) == (Tally(failed=1), Tally(), Tally(done=1))


def test_mail_that_never_gets_through_becomes_an_incident_of_its_case(store: Store) -> None:
    [case_id] = _cases(store, "repeating")
    with store.transaction() as session:
        queue_mail(session, Mail("a", "a@example.go.th", "เรื่อง", "x"), NOW, case_id=case_id)
    mailer = RecordingMailer(refuse="550 no such person")

    for hours in range(MOST_ATTEMPTS):
        sending.send_dispatches(store, NOW + timedelta(hours=5 * hours), "x", [MailChannel(mailer)])

    with store.reading() as session:
        incident = session.scalars(select(Incident)).one()
        entry = session.scalars(select(OutboxEntry).where(OutboxEntry.kind == "mail")).one()
    assert (incident.case_id, incident.kind) == (case_id, "mail")
    assert "550 no such person" in incident.message
    assert entry.due_at is None
    assert entry.done_at is None


def test_without_a_mail_server_mail_is_given_up_quietly(store: Store) -> None:
    _queue(store, "a")

    sending.send_dispatches(store, NOW, "x", [MailChannel()])

    mailer = RecordingMailer()
    assert sending.send_dispatches(store, NOW + DAY, "x", [MailChannel(mailer)]) == Tally()
    assert _count(store, Incident) == 0


def test_two_sweepers_share_out_the_mail(store: Store) -> None:
    mailer = RecordingMailer()
    _queue(store, *(f"m{n:02d}" for n in range(20)))

    def sweep(owner: str) -> Callable[[], None]:
        return lambda: _until_done(lambda: sending.send_dispatches(store, NOW, owner, [MailChannel(mailer)]))

    at_once(sweep("a"), sweep("b"))

    assert sorted(mail.key for mail in mailer.sent) == [f"m{n:02d}" for n in range(20)]


# ---- everything ------------------------------------------------------------------------------------------------


def test_a_sweep_of_everything_stops_at_its_bound_and_says_so(store: Store) -> None:
    _cases(store, "repeating")

    report = sweeps.sweep_all(store, LATE, "a", rounds=1)

    assert (report.done["timers"], report.unfinished) == (1, True)


def test_an_idle_sweep_does_not_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _cases(store, "three_timers")
    monkeypatch.setattr(Store, "transaction", lambda _: pytest.fail("an idle sweep took a lock"))

    assert sweeps.sweep_all(store, NOW, "a", by_mail(RecordingMailer())) == sweeps.SweepReport()


def test_the_report_names_every_sweep_in_its_order() -> None:
    assert list(sweeps.SweepReport().as_dict()) == [
        "timers",
        "services",
        "outbox",
        "reminders",
        "follow_ups",
        "mails",
        "refusals",
        "checkpoints",
        "erasures",
        "standstills",
        "pruned",
        "moved_files",
        "released_files",
        "left_files",
        "failures",
        "unfinished",
    ]


def test_what_cases_ask_of_one_another_comes_before_time_and_signing_comes_last() -> None:
    turns = [sweep.name for sweep in sorted(sweeps.SWEEPS, key=lambda sweep: sweep.turn)]

    assert (turns[:3], turns[-1]) == (["outbox", "services", "timers"], "checkpoints")
    assert "checkpoints" not in [sweep.name for sweep in sweeps.sweeps_with(Means())]


def test_a_new_sweep_is_one_entry_of_the_table(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [Tally(failed=1), Tally(done=2)]

    def count(store: Store, now: datetime, owner: str, means: Means) -> Tally:
        return left.pop() if left else Tally()

    monkeypatch.setattr(sweeps, "SWEEPS", (*sweeps.SWEEPS, Sweep("counted", 5, count)))

    report = sweeps.sweep_all(store, NOW, "a")

    assert (report.done["counted"], report.failures, report.unfinished) == (2, 1, False)
    assert list(report.as_dict())[-3:] == ["counted", "failures", "unfinished"]
