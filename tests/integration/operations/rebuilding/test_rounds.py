"""A request is carried out while the site runs, case by case: repeated, broken off, beside writers, and never from a doubtful chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.retention import GONE
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.comparing.cases import compare_cases
from osm_flow.operations.comparing.coverage import COMPARED
from osm_flow.operations.ledger.admin_journal import check_chain
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.rebuilding import requests, rounds
from osm_flow.operations.rebuilding.requests import RebuildingDecided
from osm_flow.operations.rebuilding.rounds import LogDoubtful, carry_out, digest_of, put_back_case
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store.models import AdminRecord, Case, Comment, PutBackRow, Rebuilding, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, erase, later, make_person
from tests.integration.operations.comparing.conftest import table_named
from tests.together import at_once

Vandals = Callable[[Store], Any]


@pytest.fixture
def admins(told: Store) -> tuple[Actor, Actor]:
    """Two administrators of all offices, and every record logged."""
    with told.transaction() as session:
        audit_log.append_new(session)
        return tuple(make_person(session, name, "admin", office_id=None) for name in ("first", "second"))  # type: ignore[return-value]


def agreed(store: Store, admins: tuple[Actor, Actor], *tables: str) -> int:
    first, second = admins
    with store.transaction() as session:
        request = requests.ask(session, first, later(30), tables=tables, reason="ถูกแก้")
        requests.confirm(session, request.id, second, later(31))
        return request.id


def differences(store: Store) -> list[str]:
    with store.reading() as session:
        return [one.en for one in compare_cases(session)]


def vandalise(store: Store) -> None:
    """Changes in several cases, none of which a trigger refuses."""
    with store.transaction() as session:
        session.execute(update(Comment).values(body="ปลอม"))
        session.execute(update(Case).values(title="ปลอม"))
        session.execute(update(WorkItem).values(on_behalf_of="boss", priority=7))
        session.execute(table_named("timers").delete())


def test_what_differs_is_put_back_and_recorded(told: Store, admins: tuple[Actor, Actor]) -> None:
    vandalise(told)
    before = differences(told)
    outcome = carry_out(told, agreed(told, admins), admins[1], later(32))

    assert len(before) > 20
    assert outcome.left == []
    assert differences(told) == []
    with told.reading() as session:
        assert [fault for _, faults in verify_all(session) for fault in faults] == []
        assert check_chain(session).faults == []
        kept = {row.name: row for row in session.scalars(select(PutBackRow))}
        records = session.scalars(select(AdminRecord).where(AdminRecord.kind == "rows.put_back")).all()
        changes = {
            name: (one["old"], one["new"])
            for record in records
            for name, one in json.loads(record.changes).items()
            if name not in ("case", "rebuilding")
        }
        assert {record.actor for record in records} == {"second"}
        assert {record.office_id for record in records} == {"NE-U1"}
        assert session.scalars(select(Rebuilding.state)).all() == ["DONE"]
    assert len(changes) == len(outcome.put_back) == len(kept)
    for name, (old, new) in changes.items():
        row = kept[name]
        assert new == digest_of(row.salt, row.recorded)
        assert old == (digest_of(row.salt, row.found) if row.found else None)
    assert any("ปลอม" in row.found for row in kept.values())


def test_only_the_named_tables_are_touched(told: Store, admins: tuple[Actor, Actor]) -> None:
    vandalise(told)
    carry_out(told, agreed(told, admins, "comments"), admins[1], later(32))
    left = differences(told)
    assert left
    assert not any(one.startswith("comments") for one in left)


def test_carried_out_twice_it_does_nothing_more(told: Store, admins: tuple[Actor, Actor]) -> None:
    vandalise(told)
    request_id = agreed(told, admins)
    carry_out(told, request_id, admins[1], later(32))
    with pytest.raises(RebuildingDecided):
        carry_out(told, request_id, admins[1], later(33))
    again = carry_out(told, agreed(told, admins), admins[1], later(34))
    assert (again.put_back, again.left) == ([], [])


def test_broken_off_it_goes_on(told: Store, admins: tuple[Actor, Actor], monkeypatch: pytest.MonkeyPatch) -> None:
    vandalise(told)
    request_id, begun, real = agreed(told, admins), list[str](), put_back_case

    def dying(*arguments: Any) -> Any:
        begun.append(arguments[2])
        outcome = real(*arguments)
        if len(begun) == 3:
            raise KeyboardInterrupt  # after it was put back, before the commit
        return outcome

    monkeypatch.setattr(rounds, "put_back_case", dying)
    with pytest.raises(KeyboardInterrupt):
        carry_out(told, request_id, admins[1], later(32))
    monkeypatch.undo()
    with told.reading() as session:
        done = set(session.scalars(select(PutBackRow.case_id)))
    assert done == set(begun[:2])

    carry_out(told, request_id, admins[0], later(33))
    assert differences(told) == []
    with told.reading() as session:
        names = session.scalars(select(PutBackRow.name)).all()
    assert len(names) == len(set(names))


def test_two_at_once_put_each_row_back_once_beside_people_at_work(told: Store, admins: tuple[Actor, Actor]) -> None:
    vandalise(told)
    request_id = agreed(told, admins)
    with told.reading() as session:
        boss = actor_named(session, "boss", NOW.date())
        case_ids = session.scalars(select(Case.id).order_by(Case.id)).all()

    def say() -> None:
        for number, case_id in enumerate(case_ids):
            with told.transaction() as session:
                comment(session, case_id, boss, later(40 + number), body="กำลังทำงาน", key=None)

    def carry() -> None:
        try:
            carry_out(told, request_id, admins[1], later(32))
        except RebuildingDecided:
            return  # the other one was quicker

    at_once(carry, carry, say)
    assert differences(told) == []
    with told.reading() as session:
        names = session.scalars(select(PutBackRow.name)).all()
        assert check_chain(session).faults == []
        said = session.scalars(select(Comment.body).where(Comment.body == "กำลังทำงาน")).all()
    assert len(names) == len(set(names))
    assert len(said) == len(case_ids)


def test_nothing_is_taken_from_a_journal_that_was_changed(
    told: Store, admins: tuple[Actor, Actor], vandal: Vandals
) -> None:
    request_id, tables = agreed(told, admins), frozenset(COMPARED)
    with told.reading() as session:
        said = session.scalars(select(Comment).order_by(Comment.id)).first()
    assert said is not None
    for change in (
        "UPDATE journal_payloads SET body = replace(body, 'ดูแล้ว', 'ไม่ดู') WHERE case_id = :case",
        "UPDATE journal_records SET actor = 'boss' WHERE case_id = :case AND seq = 2",
        "DELETE FROM journal_records WHERE case_id = :case AND seq = (SELECT seq FROM cases WHERE id = :case)",
    ):
        with vandal(told) as at_work:
            at_work.session.execute(text(change), {"case": said.case_id})
            at_work.session.execute(update(Comment).where(Comment.id == said.id).values(body="ปลอม"))
            outcome = put_back_case(at_work.session, request_id, said.case_id, admins[1], later(32), tables)
            body = at_work.session.scalar(select(Comment.body).where(Comment.id == said.id))
        assert (outcome.put_back, body) == ([], "ปลอม")
        assert {one.why.en for one in outcome.left} == {
            "its chain does not verify, so nothing is taken from it: verify it first"
        }


def test_the_end_of_a_journal_that_is_cut_off_is_not_the_truth(
    told: Store, admins: tuple[Actor, Actor], vandal: Vandals
) -> None:
    with told.transaction() as session:
        boss = actor_named(session, "boss", NOW.date())
        case_id = session.scalars(select(Case.id).order_by(Case.id)).first() or ""
        comment(session, case_id, boss, later(20), body="รายการท้าย", key=None)  # not in the audit log yet
    request_id = agreed(told, admins)
    with vandal(told) as at_work:
        for table in ("journal_payloads", "journal_records"):
            last = f"DELETE FROM {table} WHERE case_id = :case AND seq = (SELECT seq FROM cases WHERE id = :case)"  # noqa: S608
            at_work.session.execute(text(last), {"case": case_id})
        outcome = put_back_case(at_work.session, request_id, case_id, admins[1], later(32), frozenset(COMPARED))
    assert outcome.put_back == []
    assert any("not in the audit log yet" in one.why.en for one in outcome.left)
    assert any(one.difference.table == "comments" for one in outcome.left)


def test_what_was_erased_stays_erased(told: Store, admins: tuple[Actor, Actor]) -> None:
    with told.transaction() as session:
        said = session.scalars(select(Comment).order_by(Comment.id)).first()
        assert said is not None
        erase(session, said.case_id, [1, 5, 6], admins[0], later(25), reason="ขอ")
        audit_log.append_new(session)
    assert differences(told) == []
    with told.transaction() as session:
        session.execute(update(Comment).where(Comment.id == said.id).values(body="ปลอม"))
        session.execute(update(Case).where(Case.id == said.case_id).values(subject="ปลอม", state="CANCELLED"))
    carry_out(told, agreed(told, admins), admins[1], later(32))

    assert differences(told) == []
    with told.reading() as session:
        assert session.scalar(select(Comment.body).where(Comment.id == said.id)) == GONE
        assert session.scalar(select(Case.subject).where(Case.id == said.case_id)) == ""


def test_an_erasure_takes_what_rows_were_with_it(told: Store, admins: tuple[Actor, Actor]) -> None:
    vandalise(told)
    carry_out(told, agreed(told, admins), admins[1], later(32))
    with told.transaction() as session:
        said = session.scalars(select(Comment).order_by(Comment.id)).first()
        assert said is not None
        erase(session, said.case_id, [5], admins[0], later(40), reason="ขอ")
        left = session.execute(
            select(PutBackRow.found, PutBackRow.recorded, PutBackRow.salt).where(PutBackRow.case_id == said.case_id)
        )
        assert set(left.all()) == {("", "", "")}


def test_nothing_is_put_back_from_a_log_that_is_not_the_signed_one(
    told: Store, admins: tuple[Actor, Actor], vandal: Vandals, tmp_path: Path
) -> None:
    """Record, hashes and leaf fit each other; the signed root says that they were others."""
    keyring = Keyring(tmp_path / "keys", "osm.example.go.th/journal")
    with told.transaction() as session:
        audit_log.make_checkpoint(session, later(28), SYSTEM, keyring=keyring)
    with vandal(told) as at_work:
        leaves = table_named("log_leaves")
        at_work.session.execute(leaves.update().where(leaves.c.position == 3).values(hash="0" * 64))
        at_work.session.commit()
    vandalise(told)
    request = agreed(told, admins, "comments")

    with pytest.raises(LogDoubtful):
        carry_out(told, request, admins[0], later(40))
    with told.reading() as session:
        assert set(session.scalars(select(Comment.body))) == {"ปลอม"}
