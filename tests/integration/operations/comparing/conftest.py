"""A database in which something of each kind has happened, and somebody who changes it past all rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Table, insert, text, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.calendar.milestones import move_date
from osm_flow.operations.cases.acts import cancel_case, suspend_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import retention, sensitivity
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.database import db
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person

DIAGRAMS = ("review", "timed", "provinces", "caller", "callee", "asking", "lettered", "planned")


@pytest.fixture
def told(store: Store) -> Store:
    """Cases that wait for everything that a case can wait for, that have ended, were suspended and cancelled."""
    with store.transaction() as session:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, *DIAGRAMS)
        move_date(session, "NE-U1", 2571, "plan_submit", SYSTEM, NOW, NewDate(date(2026, 12, 1), "ว 1"))
        make_person(session, "anan", "osm_strategy")
        make_person(session, "nida", "osm_strategy")
        make_person(session, "boss", "osm_director")
        make_person(session, "root", "admin")
    anan, nida, boss, admin = (_actor(store, name) for name in ("anan", "nida", "boss", "root"))
    with store.transaction() as session:
        case = make_case(session, actor=anan)
        draft = items_of(session, case)[0]
        work_items.claim(session, draft.id, anan, NOW)
        work_items.delegate(session, draft.id, anan, later(1), to_username="nida", reason="ไปราชการ")
        work_items.release(session, draft.id, nida, later(2))
        comment(session, case.id, anan, later(3), body="ดูแล้ว", work_item_id=draft.id, key=None)
        comment(session, case.id, boss, later(3), body="ดูแล้ว", key=None)
        attach(session, case.id, anan, later(4), GivenFile("a.txt", b"a"), work_item_id=draft.id, key=None)
        attach(session, case.id, anan, later(5), GivenFile("b.txt", b"b"), key=None)
        complete(session, draft.id, anan, later(6), Completion.of({"text": "ร่าง"}))
        check = items_of(session, case)[0]
        complete(session, check.id, boss, later(7), Completion.of({"approved": True, "reason": "ดี"}))
    with store.transaction() as session:
        moved = items_of(session, make_case(session, now=later(8)))[0]
        plans.move_due(session, moved.id, boss, later(9), due_at=later(9_000), reason="ขอเลื่อน", key=None)
        plans.set_priority(session, moved.id, boss, later(10), priority=90)
        work_items.reassign(session, moved.id, boss, later(11), to_username="nida", reason="ไม่ว่าง")
        plans.set_follow_up(session, moved.id, nida, later(12), follow_up_at=later(5_000))
        for key in ("timed", "provinces", "asking", "lettered", "planned"):
            make_case(session, key, now=later(13), data={"recipient": "x"})
        suspend_case(session, make_case(session, now=later(14)).id, admin, later(15), reason="รอ")
        cancel_case(session, make_case(session, "timed", now=later(16)).id, admin, later(17), reason="เลิก")
        caller = make_case(session, "caller", now=later(18), data={"province": "TH-41", "recipient": "x"})
        _make_sensitive(session, boss, admin)
    deliver_pending(store, later(19), caller.id)
    return store


def _make_sensitive(session: Session, boss: Any, admin: Any) -> None:
    """Cases on which people are named and holds stand, which auditors open, and of which somebody would take the mark."""
    make_person(session, "nan", "osm_strategy")
    auditor, second = make_person(session, "aud", "auditor"), make_person(session, "deputy", "osm_director")
    for number in (1, 2):
        case = make_case(session, now=later(20 + number))
        sensitivity.mark(session, case.id, boss, later(23), reason="ร้องเรียน")
        sensitivity.say_why(session, case.id, auditor, later(24), reason="ตรวจสอบ")
        for name in ("nan", "nida"):
            sensitivity.name_reader(session, case.id, boss, later(25), username=name)
        sensitivity.remove_reader(session, case.id, boss, later(26), username="nida")
        retention.hold_case(session, case.id, admin, later(27), reason="คดี")
        hold = retention.hold_case(session, case.id, admin, later(28), reason="คดีอื่น")
        retention.lift_hold(session, hold.id, admin, later(29), reason="จบ")
        first = sensitivity.propose_unmark(session, case.id, boss, later(30), reason="จบแล้ว")
        sensitivity.withdraw_unmark(session, case.id, first.id, boss, later(31))
        again = sensitivity.propose_unmark(session, case.id, boss, later(32), reason="จบจริง")
    sensitivity.confirm_unmark(session, case.id, again.id, second, later(33))


def _actor(store: Store, username: str) -> Any:
    with store.reading() as session:
        return actor_named(session, username, NOW.date())


class Vandal:
    """Changes rows in a transaction of which nothing is kept, with triggers and foreign keys out of the way."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def change(self, table: Table, key: dict[str, Any], /, **values: Any) -> None:
        """Change columns of a row."""
        self.session.execute(
            update(table).where(*(table.c[name] == value for name, value in key.items())).values(values)
        )

    def remove(self, table: Table, key: dict[str, Any]) -> None:
        """Take a row out."""
        self.session.execute(table.delete().where(*(table.c[name] == value for name, value in key.items())))

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """Slip a row in."""
        self.session.execute(insert(table), row)


@pytest.fixture
def vandal() -> Callable[[Store], Any]:
    """Opens such a transaction on a store."""

    @contextmanager
    def at_work(store: Store) -> Iterator[Vandal]:
        with Session(store.engine.execution_options(osm_begin="IMMEDIATE"), expire_on_commit=False) as session:
            if store.dialect == "sqlite":
                session.execute(text("PRAGMA defer_foreign_keys = ON"))
                names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
                for name in names:
                    session.execute(text(f'DROP TRIGGER "{name}"'))
            else:
                session.execute(text("SET LOCAL session_replication_role = replica"))
            yield Vandal(session)
            session.rollback()

    return at_work


def table_named(name: str) -> Table:
    """A table of the database."""
    return db.metadata.tables[name]
