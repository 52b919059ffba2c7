"""The record of administration: what is in it, what never is, that it cannot be changed unseen, and who sees what."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.domain.people import NewPerson, NewPosition, digest_of_name
from osm_flow.errors import OsmFlowError
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.log_checks import check_log, lost_cases
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.calendar.holidays import Holiday, override_day, remove_override
from osm_flow.operations.calendar.milestones import move_date, propose_year
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import (
    AdminAct,
    AdminFilter,
    AdminKind,
    changes_of,
    check_chain,
    on_behalf_of,
    record,
    records,
)
from osm_flow.operations.people import accounts, hats, positions
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, later, make_acting, make_case, make_office, make_person
from tests.together import at_once

pytestmark = pytest.mark.sampled

PASSWORD = "rubber boots in May"
TODAY = NOW.date()


@pytest.fixture
def boss(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        return make_person(session, "boss", "admin", "osm_director")


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


def told(store: Store, actor: Actor = SYSTEM, **wanted: Any) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Kind, actor, subject and changes (old and new), oldest first."""
    with store.reading() as session:
        page = records(session, actor, AdminFilter(**wanted))
        shown = [(one.kind, one.actor, one.subject, changes_of(one)) for one in reversed(page.items)]
    return [(kind, who, about, {k: (v["old"], v["new"]) for k, v in said.items()}) for kind, who, about, said in shown]


def make_kanya(store: Store, boss: Actor) -> None:
    with store.transaction() as session:
        kanya = NewPerson("kanya", "กัญญา ใจดี", "kanya@example.go.th", PASSWORD)
        accounts.create_person(session, boss, NOW, kanya)


def forge(store: Store, statement: str) -> None:
    """As somebody who owns the database would."""
    if store.dialect == "sqlite":
        with closing(sqlite3.connect(str(store.url.database))) as connection, connection:
            for act in ("update", "delete", "replace"):
                connection.execute(f"DROP TRIGGER refuse_{act}_of_admin_records")
            connection.execute(statement)
        return
    with store.transaction() as session:
        session.execute(text("SET session_replication_role = replica"))
        session.execute(text(statement))
        session.execute(text("SET session_replication_role = origin"))


# ---- what is recorded ------------------------------------------------------------------------------------------


def test_the_life_of_an_account_is_told_without_its_secrets(store: Store, boss: Actor) -> None:
    make_kanya(store, boss)
    with store.transaction() as session:
        accounts.set_password(session, "kanya", boss, later(1), password=PASSWORD + "!")
        person = hats.person_by_username(session, "kanya")
        accounts.change_password(session, person, later(2), current=PASSWORD + "!", new=PASSWORD + "?")
        accounts.lock(session, "kanya", boss, later(3))
        accounts.lock(session, "kanya", boss, later(4))
        accounts.unlock(session, "kanya", boss, later(5))
        accounts.unlock(session, "kanya", boss, later(6))
        hashed, name_digest = person.password_hash, digest_of_name(person.name_salt, person.display_name)

    made = {"username": (None, "kanya"), "locale": (None, "th"), "password": (None, "set")}
    assert told(store) == [
        ("person.created", "boss", "kanya", made | {"name_digest": (None, name_digest)}),
        ("person.password_set", "boss", "kanya", {"password": ("set", "set anew")}),
        ("person.password_changed", "kanya", "kanya", {"password": ("set", "set anew")}),
        ("person.locked", "boss", "kanya", {"locked": (False, True)}),
        ("person.unlocked", "boss", "kanya", {"locked": (True, False)}),
    ]
    with store.reading() as session:
        everything = repr(session.execute(text("SELECT * FROM admin_records")).all())
    for secret in (PASSWORD, hashed, "กัญญา", "kanya@"):
        assert str(secret) not in everything


def test_positions_acting_and_delegation_are_told(store: Store, boss: Actor) -> None:
    make_kanya(store, boss)
    with store.transaction() as session:
        accounts.set_number(session, "kanya", boss, NOW, entered="4102")
        last, letter = TODAY + timedelta(days=30), "คำสั่ง 12/2569"
        post = NewPosition("osm_director", OFFICE, TODAY, last, kind="acting", for_username="boss", letter=letter)
        given = positions.give_position(session, "kanya", boss, later(1), post)
        positions.end_position(session, given.id, boss, later(2), last_day=TODAY)
        positions.end_position(session, given.id, boss, later(3), last_day=TODAY)
        number = given.id

    (_, numbered, acting, ended) = told(store)
    assert numbered == ("person.numbered", "boss", "kanya", {"employee_number": (None, "set")})
    assert acting[:3] == ("position.given", "boss", "kanya")
    assert acting[3] == {
        "position": (None, number),
        "role": (None, "osm_director"),
        "office_id": (None, OFFICE),
        "kind": (None, "acting"),
        "for": (None, "boss"),
        "letter": (None, "คำสั่ง 12/2569"),
        "valid_from": (None, "2026-11-20"),
        "valid_to": (None, "2026-12-20"),
        "title_th": (None, ""),
        "title_en": (None, ""),
    }
    assert ended == (
        "position.ended",
        "boss",
        "kanya",
        {
            "position": (number, number),
            "role": ("osm_director", "osm_director"),
            "kind": ("acting", "acting"),
            "office_id": (OFFICE, OFFICE),
            "valid_to": ("2026-12-20", "2026-11-20"),
        },
    )


def test_what_is_refused_leaves_no_record(store: Store, boss: Actor) -> None:
    with pytest.raises(OsmFlowError), store.transaction() as session:
        accounts.lock(session, "boss", boss, NOW)
    with pytest.raises(OsmFlowError), store.transaction() as session:
        accounts.create_person(session, boss, NOW, NewPerson("K Y", "x"))
    with store.reading() as session, pytest.raises(OsmFlowError):
        accounts.create_person(session, boss, NOW, NewPerson("kanya", "x", password="short"))

    assert told(store) == []


def test_calendar_holidays_and_processes_are_told(store: Store, boss: Actor) -> None:
    with store.transaction() as session:
        propose_year(session, OFFICE, 2571, boss, NOW)
        move_date(session, OFFICE, 2571, "plan_submit", boss, later(1), NewDate(date(2026, 12, 1), "มท 0211/ว 1"))
        move_date(session, OFFICE, 2571, "plan_submit", boss, later(2), NewDate(date(2026, 12, 1), "มท 0211/ว 1"))
        day = date(2026, 12, 30)
        override_day(session, Holiday(day, False, "หยุดพิเศษ", source="มติ ครม."), SYSTEM, later(3))
        override_day(session, Holiday(day, False, "หยุดพิเศษ", source="มติ ครม."), SYSTEM, later(4))
        remove_override(session, day, SYSTEM, later(5))
        deployed = deploy_tests(session, "review").deployment
        deploy_tests(session, "review")
        assert deployed is not None
        sha256 = deployed.definitions[0].sha256

    proposed, moved, declared, taken_back, deployment = told(store)
    assert proposed[:3] == ("calendar.proposed", "boss", "NE-U1 2571")
    before = proposed[3]["plan_submit"][1]
    assert moved == (
        "calendar.moved",
        "boss",
        "NE-U1 2571 plan_submit",
        {"date": (before, "2026-12-01"), "status": ("planned", "announced"), "letter": ("", "มท 0211/ว 1")},
    )
    fields = {"is_working": False, "name_th": "หยุดพิเศษ", "name_en": "", "source": "มติ ครม."}
    assert declared == ("holiday.set", "system", "2026-12-30", {k: (None, v) for k, v in fields.items()})
    assert taken_back == ("holiday.removed", "system", "2026-12-30", {k: (v, None) for k, v in fields.items()})
    assert deployment[0] == "definitions.deployed"
    assert deployment[3] == {"review": (None, {"version": 1, "sha256": sha256}), "note": ("", "")}


# ---- that it stays as it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["UPDATE admin_records SET actor = 'x'", "DELETE FROM admin_records"])
def test_the_database_refuses_to_change_it(store: Store, boss: Actor, statement: str) -> None:
    make_kanya(store, boss)

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(statement))


def test_sqlite_refuses_to_replace_and_postgresql_to_empty_it(store: Store, boss: Actor) -> None:
    make_kanya(store, boss)
    statement = {
        "sqlite": "INSERT OR REPLACE INTO admin_records SELECT * FROM admin_records",
        "postgresql": "TRUNCATE admin_records",
    }[store.dialect]

    with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE admin_records SET actor = 'mallory' WHERE seq = 2", {(2, "hash")}),
        ("UPDATE admin_records SET changes = replace(changes, 'true', 'false') WHERE seq = 2", {(2, "hash")}),
        ("UPDATE admin_records SET changes = '{' WHERE seq = 2", {(2, "hash")}),
        ("UPDATE admin_records SET hash = prev_hash WHERE seq = 2", {(2, "hash"), (3, "link")}),
        ("DELETE FROM admin_records WHERE seq = 2", {(3, "gap"), (3, "link")}),
    ],
)
def test_a_change_behind_its_back_is_found(store: Store, boss: Actor, statement: str, found: set[Any]) -> None:
    make_kanya(store, boss)
    with store.transaction() as session:
        accounts.lock(session, "kanya", boss, later(1))
        accounts.unlock(session, "kanya", boss, later(2))
        assert check_chain(session).faults == []
    forge(store, statement)

    with store.reading() as session:
        checked = check_chain(session)
        report = check_log(session)

    assert {(fault.seq, fault.code) for fault in checked.faults} == found
    assert {fault.case_id for fault in checked.faults} == {admin_journal.CHAIN}
    assert set(checked.faults) <= set(report.faults)


def test_signed_checkpoints_cover_it(store: Store, boss: Actor, keyring: Keyring) -> None:
    make_kanya(store, boss)
    with store.transaction() as session:
        deploy_tests(session, "review")
        case_id = make_case(session).id
        accounts.lock(session, "kanya", boss, later(1))
        made = audit_log.make_checkpoint(session, later(2), SYSTEM, keyring=keyring)

    with store.reading() as session:
        report = check_log(session, trusted=keyring.trusted())
        assert (made.size, report.records, report.administration) == (4, 4, 3)
        assert (report.faults, report.unlogged, lost_cases(session)) == ([], 0, [])
        proof = audit_log.inclusion(session, admin_journal.CHAIN, 3, made.size)
        assert proof.position == 3
        assert audit_log.inclusion(session, case_id, 1, made.size).size == 4
    with store.transaction() as session:
        accounts.unlock(session, "kanya", boss, later(3))
        assert check_log(session, trusted=keyring.trusted()).unlogged == 1
        assert audit_log.append_new(session) == 1
        assert audit_log.append_new(session) == 0


def test_cutting_off_the_newest_after_a_checkpoint_is_found(store: Store, boss: Actor, keyring: Keyring) -> None:
    make_kanya(store, boss)
    with store.transaction() as session:
        accounts.lock(session, "kanya", boss, later(1))
        audit_log.make_checkpoint(session, later(2), SYSTEM, keyring=keyring)
    forge(store, "DELETE FROM admin_records WHERE seq = 2")

    with store.reading() as session:
        assert check_chain(session).faults == []
        faults = check_log(session, trusted=keyring.trusted()).faults

    assert [(fault.case_id, fault.seq, fault.code) for fault in faults] == [("administration", 2, "log")]


def test_many_at_once_make_one_chain(store: Store, boss: Actor) -> None:
    def create(number: int) -> None:
        for turn in range(3):
            with store.transaction() as session:
                accounts.create_person(session, boss, NOW, NewPerson(f"p{number}.{turn}", "x"))

    at_once(*(partial(create, number) for number in range(4)))

    with store.reading() as session:
        checked = check_chain(session)
    assert (checked.records, checked.faults) == (12, [])


# ---- who sees it -----------------------------------------------------------------------------------------------


def test_auditors_see_their_office_and_what_holds_for_all(store: Store, boss: Actor) -> None:
    with store.transaction() as session:
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        here = make_person(session, "here", "auditor")
        everywhere = make_person(session, "everywhere", "auditor", office_id=None)
        for username, office in (("kanya", OFFICE), ("malee", "NE-U2")):
            accounts.create_person(session, SYSTEM, NOW, NewPerson(username, username))
            positions.give_position(session, username, SYSTEM, NOW, NewPosition("osm_me", office, TODAY))
        deploy_tests(session, "review")
        here, everywhere = (actor_named(session, name, TODAY) for name in ("here", "everywhere"))
        strategist = make_person(session, "strategist", "osm_strategy")

    of_here = [(kind, subject) for kind, _, subject, _ in told(store, here)]
    assert of_here == [
        ("person.created", "kanya"),
        ("position.given", "kanya"),
        ("definitions.deployed", "deployment 1"),
    ]
    assert {subject for _, _, subject, _ in told(store, everywhere)} == {"kanya", "malee", "deployment 1"}
    with pytest.raises(OsmFlowError):
        told(store, strategist)


def test_it_is_filtered_and_paged(store: Store, boss: Actor) -> None:
    with store.transaction() as session:
        for number in range(7):
            accounts.create_person(session, boss, later(number), NewPerson(f"p{number}", "x"))
        accounts.lock(session, "p3", boss, later(10))
    seen: list[int] = []
    after = None
    with store.reading() as session:
        while True:
            page = records(session, SYSTEM, after=after, limit=3)
            seen += [one.seq for one in page.items]
            if (after := page.next) is None:
                break
    assert (seen, page.total) == ([8, 7, 6, 5, 4, 3, 2, 1], 8)
    assert [kind for kind, *_ in told(store, about="p3")] == ["person.created", "person.locked"]
    assert [subject for _, _, subject, _ in told(store, kinds=(str(AdminKind.person_locked),))] == ["p3"]
    assert [subject for _, _, subject, _ in told(store, since=later(5), until=later(6))] == ["p5"]
    assert told(store, who="nobody") == []


# What takes no rule: one's own password, and what the program itself records as it finds it.
OWN = (AdminKind.password_changed, AdminKind.rows_found)


@pytest.mark.parametrize("kind", list(AdminKind))
@pytest.mark.parametrize("office_id", [OFFICE, None])
def test_the_record_says_in_which_role_it_was_allowed_and_on_whose_behalf(
    session: Session, kind: AdminKind, office_id: str | None
) -> None:
    """Whoever acts for an administrator is an agency's official first: that role allowed nothing of this."""
    make_office(session)
    root = make_person(session, "chief", "admin", office_id=None)
    make_person(session, "owner", "agency_owner")
    owner = make_acting(session, actor_named(session, "owner", NOW.date()), root, "admin", office_id=None)

    for actor, role, principal in ((owner, "admin", "chief"), (root, "admin", None)):
        made = record(session, actor, NOW, AdminAct(kind, "x", office_id, new={"a": actor.username}))
        assert made is not None
        as_oneself = kind in OWN and actor is owner
        assert (made.actor_role, on_behalf_of(made)) == (("agency_owner", None) if as_oneself else (role, principal))
    assert check_chain(session).faults == []
