"""What a case asks of others waits in the outbox under keys that cannot be taken twice."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.kinds import EntryKind
from osm_flow.operations.stepping import outbox_entries
from osm_flow.operations.stepping.cancelling import cancel
from osm_flow.store.models import Case, OutboxEntry
from tests.factories import NOW, deploy_tests, later, make_case, make_office


@pytest.fixture
def case(session: Session) -> Case:
    """A case that waits for a child."""
    make_office(session)
    deploy_tests(session, "caller", "callee")
    return make_case(session, "caller")


def entries(session: Session) -> list[OutboxEntry]:
    return list(session.scalars(select(OutboxEntry).order_by(OutboxEntry.id)))


def test_a_call_activity_asks_for_its_child(session: Session, case: Case) -> None:
    (entry,) = entries(session)
    body = json.loads(entry.body)

    assert (entry.kind, entry.case_id, entry.due_at) == ("child_start", case.id, NOW)
    assert entry.key == outbox_entries.start_key(body["task_id"])
    assert (body["called"], body["element"]) == ("callee", "call")


def test_the_same_key_is_never_taken_twice(session: Session, case: Case) -> None:
    key = entries(session)[0].key
    outbox_entries.add(session, key, EntryKind.child_start, case, {}, later())

    with pytest.raises(IntegrityError):
        session.flush()


def test_words_of_an_entry_stay_readable(session: Session, case: Case) -> None:
    entry = outbox_entries.add(session, "k", EntryKind.message, case, {"name": "จังหวัด"}, later())
    session.flush()

    assert (entry.body, entry.due_at, entry.done_at) == ('{"name": "จังหวัด"}', later(), None)


def test_a_child_that_nobody_waits_for_is_told_once(session: Session, case: Case) -> None:
    asked = json.loads(entries(session)[0].body)["task_id"]

    cancel(session, case, SYSTEM, later(), reason="เลิก")

    told = [entry for entry in entries(session) if entry.kind == "child_cancel"]
    assert [entry.key for entry in told] == [outbox_entries.cancel_key(asked)]
    assert json.loads(told[0].body) == {"task_id": asked}
