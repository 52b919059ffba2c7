"""Who is told of work that is about to be late or late, on which morning, and only once."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.calendar.deadlines import close_of, opening_of
from osm_flow.domain.escalation import Rung
from osm_flow.notify.mail import MailChannel, RecordingMailer
from osm_flow.operations import sweeps
from osm_flow.operations.background import reminders
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.cases.acts import suspend_case
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.sweeps import Means
from osm_flow.operations.work_items.acts import claim
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import move_due, set_follow_up
from osm_flow.store.models import (
    Case,
    Incident,
    JournalPayload,
    JournalRecord,
    Notification,
    OutboxEntry,
    Person,
    Reminder,
    WorkItem,
)
from osm_flow.store.session import Store
from tests.factories import NOW, by_mail, deploy_tests, items_of, make_acting, make_case, make_office, make_person
from tests.pigeons import Pigeons
from tests.together import at_once

# The item opens on Friday 20 November and is due at the close of Friday the 27th: -3 is the 24th, +2 the 1st of
# December, +5 the 4th, +10 the 15th (the 7th and the 10th are holidays).
DUE = date(2026, 11, 27)
MORNINGS = {
    "due-3": date(2026, 11, 24),
    "due": DUE,
    "due+2": date(2026, 12, 1),
    "due+5": date(2026, 12, 4),
    "due+10": date(2026, 12, 15),
}
CHAIN = {
    "planner": "province_planner",
    "strategy_head": "osm_strategy_head",
    "director": "osm_director",
    "deputy": "cluster_deputy",
    "head": "cluster_head",
}


@pytest.fixture
def item_id(store: Store) -> str:
    """A work item asked of the planners of Udon Thani, and everybody whom the ladder may reach."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "reminded")
        for username, role in CHAIN.items():
            make_person(session, username, role, province_id="TH-41" if username == "planner" else None)
        make_person(session, "elsewhere", "province_planner", province_id="TH-39")
        for person in session.scalars(select(Person)):
            person.email = f"{person.username}@example.go.th"
        items = items_of(session, make_case(session, "reminded"))
        return next(item.id for item in items if item.element == "reply")


def _climb(store: Store, at: datetime) -> Tally:
    return sweeps.climb_ladders(store, at, "a")


def _told(store: Store) -> list[tuple[str, str]]:
    """Who was told what, in order: user name and kind of notice."""
    query = select(Person.username, Notification.kind).join(Notification, Notification.person_id == Person.id)
    with store.reading() as session:
        return [(name, kind) for name, kind in session.execute(query.order_by(Notification.id))]


def _records(store: Store) -> list[tuple[str, Sequence[str]]]:
    """The rungs on record, with whom each one told."""
    with store.reading() as session:
        rows = session.scalars(select(JournalRecord).where(JournalRecord.kind == "work_item.escalated")).all()
        rows = sorted(rows, key=lambda row: row.seq)
        bodies = [json.loads(session.get_one(JournalPayload, (row.case_id, row.seq)).body)["data"] for row in rows]
    return [(body["rung"], body["told"]) for body in bodies]


def test_each_rung_is_climbed_in_its_morning_and_only_once(store: Store, item_id: str) -> None:
    for rung, day in MORNINGS.items():
        before = _climb(store, opening_of(day) - timedelta(seconds=1))
        climbed = _climb(store, opening_of(day))
        again = _climb(store, opening_of(day) + timedelta(hours=5))
        assert (rung, before.done, climbed.done, again.done) == (rung, 0, 1, 0)

    assert _records(store) == [
        ("due-3", ["planner"]),
        ("due", ["planner"]),
        ("due+2", ["planner", "strategy_head", "director"]),
        ("due+5", ["planner", "strategy_head", "director", "deputy"]),
        ("due+10", ["director", "deputy", "head"]),
    ]


def test_after_downtime_every_rung_is_recorded_but_each_person_is_told_once(store: Store, item_id: str) -> None:
    mailer = RecordingMailer()

    sweeps.sweep_all(store, opening_of(MORNINGS["due+5"]), "a", by_mail(mailer))

    assert [rung for rung, _ in _records(store)] == ["due-3", "due", "due+2", "due+5"]
    assert sorted(_told(store)) == [(n, "remind_urgently") for n in ("deputy", "director", "planner", "strategy_head")]
    assert sorted(mail.to.partition("@")[0] for mail in mailer.sent) == [
        "deputy",
        "director",
        "planner",
        "strategy_head",
    ]


def test_a_reminder_says_what_is_asked_by_when_and_leads_there(store: Store, item_id: str) -> None:
    mailer = RecordingMailer()
    with store.transaction() as session:
        session.execute(select(Person)).all()
        person = session.scalars(select(Person).where(Person.username == "deputy")).one()
        person.locale = "en"

    sweeps.sweep_all(store, opening_of(MORNINGS["due-3"]), "a", by_mail(mailer))
    sweeps.sweep_all(store, opening_of(MORNINGS["due+5"]), "a", by_mail(mailer))

    [first, *_] = mailer.sent
    assert first.to == "planner@example.go.th"
    assert first.subject.startswith("ใกล้ครบกำหนด (อีก 3 วันทำการ): ตอบแบบสอบถาม - แผนพัฒนากลุ่มจังหวัด (RMD-")
    assert "เรียน คุณplanner" in first.body
    assert "ครบกำหนดวันที่ 27 พฤศจิกายน 2569" in first.body
    assert first.path == f"/work-items/{item_id}"
    [english] = [mail for mail in mailer.sent if mail.to == "deputy@example.go.th"]
    assert english.subject.startswith("Second official reminder (urgent): Overdue by 5 working days")
    assert "Due on 27 Nov 2026 (2569)" in english.body


def test_who_holds_the_item_is_told_instead_of_all_who_may_take_it(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        second = make_person(session, "second", "province_planner", province_id="TH-41")
        claim(session, item_id, second, NOW)

    _climb(store, opening_of(DUE))

    assert _told(store) == [("second", "remind")]


def test_a_locked_person_is_not_told(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        session.scalars(select(Person).where(Person.username == "planner")).one().locked_at = NOW

    _climb(store, opening_of(DUE))

    assert _told(store) == []
    assert [rung for rung, _ in _records(store)] == ["due-3", "due"]


def test_finished_work_is_never_late(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        planner = make_person(session, "second", "province_planner", province_id="TH-41")
        claim(session, item_id, planner, NOW)
        complete(session, item_id, planner, NOW, Completion.of({"text": "ตอบแล้ว"}, "k"))

    assert _climb(store, opening_of(MORNINGS["due+10"])) == Tally()


def test_a_suspended_case_is_left_in_peace(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        director = make_person(session, "boss", "osm_director")
        suspend_case(session, session.get_one(WorkItem, item_id).case_id, director, NOW, reason="รอคำสั่ง")

    assert _climb(store, opening_of(MORNINGS["due+10"])) == Tally()


def test_a_moved_due_date_has_a_ladder_of_its_own(store: Store, item_id: str) -> None:
    _climb(store, opening_of(DUE))
    later = date(2026, 12, 18)
    with store.transaction() as session:
        director = make_person(session, "boss", "osm_director")
        move_due(session, item_id, director, opening_of(DUE), due_at=close_of(later), reason="ขยายเวลา", key="k")

    quiet = _climb(store, opening_of(MORNINGS["due+2"]))
    _climb(store, opening_of(later))

    assert quiet == Tally()
    assert [rung for rung, _ in _records(store)] == ["due-3", "due", "due-3", "due"]


def test_a_reminder_whose_time_was_over_before_the_work_opened_is_passed_over(store: Store, item_id: str) -> None:
    opened = opening_of(date(2026, 11, 26))
    with store.transaction() as session:
        session.get_one(WorkItem, item_id).opened_at = opened

    first, second = _climb(store, opened + timedelta(minutes=1)), _climb(store, opened + timedelta(minutes=2))

    assert (first, second) == (Tally(left=1), Tally())
    assert _records(store) == []


def test_work_that_opens_late_is_not_reported_upwards_at_once(store: Store, item_id: str) -> None:
    opened = opening_of(MORNINGS["due+10"])
    with store.transaction() as session:
        session.get_one(WorkItem, item_id).opened_at = opened

    _climb(store, opened + timedelta(minutes=1))
    at_once = [rung for rung, _ in _records(store)]
    _climb(store, opened + timedelta(days=2))

    assert at_once == ["due"]
    assert [rung for rung, _ in _records(store)] == ["due", "due+2"]


def test_work_without_a_ladder_is_not_chased(store: Store, item_id: str) -> None:
    _climb(store, opening_of(MORNINGS["due+10"]))

    with store.reading() as session:
        assert set(session.scalars(select(Reminder.work_item_id))) == {item_id}


def test_two_sweepers_climb_each_rung_once(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        for _ in range(5):
            make_case(session, "reminded")
    at = opening_of(MORNINGS["due+10"])
    tallies: list[Tally] = []

    def sweep() -> None:
        while (tally := _climb(store, at)).done:
            tallies.append(tally)

    at_once(sweep, sweep)

    assert len(_records(store)) == 6 * 5
    assert sum(tally.done for tally in tallies) == 6
    assert sum(tally.failed for tally in tallies) == 0


def test_one_broken_item_stops_nobody_s_reminder_and_becomes_an_incident(
    store: Store, item_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as session:
        sound = make_case(session, "reminded").id
        session.get_one(Case, session.get_one(WorkItem, item_id).case_id).seq += 1

    tally = _climb(store, opening_of(DUE))
    again = _climb(store, opening_of(MORNINGS["due+2"]))

    assert (tally.done, tally.failed) == (1, 1)
    assert (again.done, again.failed) == (1, 0)
    with store.reading() as session:
        assert session.execute(select(Incident.kind, Incident.task_id)).all() == [("reminder", item_id)]
        assert verify_case(session, sound) == []


def test_the_shipped_ladder_goes_from_the_doer_to_the_head_of_cluster() -> None:
    rungs = reminders.ladder("standard")

    assert [(rung.key, rung.offset) for rung in rungs] == [
        ("due-3", -3),
        ("due", 0),
        ("due+2", 2),
        ("due+5", 5),
        ("due+10", 10),
    ]
    assert rungs[0] == Rung("due-3", -3, ("doer",), "remind")
    assert "head" in rungs[-1].to
    assert reminders.ladder("unheard-of") == ()


def test_a_follow_up_is_told_once_when_its_day_has_come(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        second = make_person(session, "second", "province_planner", province_id="TH-41")
        claim(session, item_id, second, NOW)
        set_follow_up(session, item_id, second, NOW, follow_up_at=NOW + timedelta(days=2))

    early = sweeps.raise_follow_ups(store, NOW + timedelta(days=1), "a")
    due = sweeps.raise_follow_ups(store, NOW + timedelta(days=3), "a")
    again = sweeps.raise_follow_ups(store, NOW + timedelta(days=4), "a")

    assert (early.done, due.done, again.done) == (0, 1, 0)
    assert _told(store) == [("second", "follow_up")]


def test_a_person_without_an_address_gets_the_notice_only(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        session.scalars(select(Person).where(Person.username == "planner")).one().email = None

    _climb(store, opening_of(DUE))

    assert _told(store) == [("planner", "remind")]
    with store.reading() as session:
        assert session.scalars(select(OutboxEntry).where(OutboxEntry.kind == "mail")).all() == []


def test_a_reminder_goes_through_every_channel_that_is_registered(store: Store, item_id: str) -> None:
    mailer, pigeons = RecordingMailer(), Pigeons(known=["planner", "elsewhere"])

    sweeps.sweep_all(store, opening_of(DUE), "a", Means((MailChannel(mailer), pigeons)))

    [mail], [carried] = mailer.sent, pigeons.carried
    assert (mail.to, carried.to) == ("planner@example.go.th", "the loft of planner")
    assert (carried.subject, carried.body, carried.path) == (mail.subject, mail.body, mail.path)
    assert _told(store) == [("planner", "remind")]


# ---- who is away -----------------------------------------------------------------------------------------------


def _stand_in(store: Store, principal: str, role: str, **how: str) -> Actor:
    """Somebody who acts for the person."""
    with store.transaction() as session:
        away = actor_named(session, principal, NOW.date())
        return make_acting(session, make_person(session, "stand-in", "osm_me"), away, role, **how)  # type: ignore[arg-type]


def test_the_stand_in_of_who_is_away_is_told_instead(store: Store, item_id: str) -> None:
    _stand_in(store, "director", "osm_director")

    _climb(store, opening_of(MORNINGS["due+2"]))

    assert _records(store)[-1] == ("due+2", ["planner", "strategy_head", "stand-in"])
    assert sorted(_told(store)) == [
        ("planner", "remind_officially"),
        ("stand-in", "remind_officially"),
        ("strategy_head", "remind_officially"),
    ]


def test_whoever_acts_for_one_of_those_who_may_take_it_is_told_instead(store: Store, item_id: str) -> None:
    _stand_in(store, "planner", "province_planner", province_id="TH-41")

    _climb(store, opening_of(DUE))

    assert _told(store) == [("stand-in", "remind")]


def test_whoever_acts_in_another_post_is_not_told_what_they_cannot_take(store: Store, item_id: str) -> None:
    _stand_in(store, "planner", "province_planner", province_id="TH-39")

    _climb(store, opening_of(DUE))

    assert _told(store) == [("planner", "remind")]


@pytest.mark.parametrize("is_locked", [False, True])
def test_when_the_holder_is_away_the_stand_in_is_told(store: Store, item_id: str, is_locked: bool) -> None:
    with store.transaction() as session:
        claim(session, item_id, make_person(session, "second", "province_planner", province_id="TH-41"), NOW)
        make_person(session, "anan", "osm_strategy")
    _stand_in(store, "second", "province_planner", province_id="TH-41")
    with store.transaction() as session:
        session.scalars(select(Person).where(Person.username == "second")).one().locked_at = NOW if is_locked else None

    _climb(store, opening_of(DUE))

    assert _told(store) == [("stand-in", "remind")]


def test_after_the_last_day_of_acting_the_person_is_told_again(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        planner = actor_named(session, "planner", NOW.date())
        other = make_person(session, "stand-in")
        make_acting(session, other, planner, "province_planner", province_id="TH-41", valid_to=MORNINGS["due-3"])

    _climb(store, opening_of(MORNINGS["due-3"]))
    _climb(store, opening_of(DUE))

    assert _records(store) == [("due-3", ["stand-in"]), ("due", ["planner"])]


def test_a_stand_in_who_must_not_do_it_does_not_keep_it_from_the_person(store: Store, item_id: str) -> None:
    """Four eyes: who drafted something cannot approve it, be it for somebody who is away."""
    stand_in = _stand_in(store, "planner", "province_planner", province_id="TH-41")
    with store.transaction() as session:
        item = session.get_one(WorkItem, item_id)
        item.separate_from = "draft"
        done = WorkItem(id="done", case_id=item.case_id, office_id=item.office_id, fiscal_year=item.fiscal_year)
        done.element, done.name_th, done.opened_at = "draft", "ร่าง", NOW
        done.state, done.completed_by_id = "COMPLETED", stand_in.person_id
        session.add(done)

    _climb(store, opening_of(DUE))

    assert sorted(_told(store)) == [("planner", "remind"), ("stand-in", "remind")]


def test_a_follow_up_is_told_to_the_stand_in(store: Store, item_id: str) -> None:
    with store.transaction() as session:
        second = make_person(session, "second", "province_planner", province_id="TH-41")
        claim(session, item_id, second, NOW)
        set_follow_up(session, item_id, second, NOW, follow_up_at=NOW + timedelta(days=2))
    _stand_in(store, "second", "province_planner", province_id="TH-41")

    sweeps.raise_follow_ups(store, NOW + timedelta(days=3), "a")

    assert _told(store) == [("stand-in", "follow_up")]
