"""What is pruned and when, and that pruning brings nothing back to life."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from osm_flow.domain.access.actors import Actor
from osm_flow.notify.mail import Mail
from osm_flow.operations import sweeps
from osm_flow.operations.background import delivery, pruning
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.cases.queries import case_children
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, Comment, IdempotencyKey, JournalRecord, OutboxEntry
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, make_case, make_office, make_person
from tests.together import at_once

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def anan(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        return make_person(session, "anan", "osm_strategy")


def add_entries(store: Store, count: int, done_at: datetime | None, due_at: datetime | None = None) -> None:
    with store.transaction() as session:
        session.add_all(
            OutboxEntry(key=f"{done_at}:{number}", kind="mail", body="{}", done_at=done_at, due_at=due_at)
            for number in range(count)
        )


def count(store: Store, table: type[OutboxEntry] | type[IdempotencyKey] | type[Comment] | type[JournalRecord]) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_delivered_entries_go_after_thirty_days_and_nothing_else(store: Store) -> None:
    add_entries(store, 2, NOW - 30 * DAY - SECOND)
    add_entries(store, 3, NOW - 30 * DAY)
    add_entries(store, 1, None, NOW - 90 * DAY)  # waits

    assert pruning.prune(store, NOW, "a") == Tally(done=2)
    assert pruning.prune(store, NOW, "a") == Tally()
    assert count(store, OutboxEntry) == 4
    assert pruning.prune(store, NOW + SECOND, "a") == Tally(done=3)
    assert pruning.prune(store, NOW + 1_000 * DAY, "a") == Tally()


def test_given_up_entries_stay(store: Store) -> None:
    with store.transaction() as session:
        queue_mail(session, Mail("k", "a@example.go.th", "s", "b"), NOW)

    sweeps.sweep_all(store, NOW, "a")
    sweeps.sweep_all(store, NOW + 400 * DAY, "a")

    assert count(store, OutboxEntry) == 1


def test_keys_outlive_ninety_days_of_retries(store: Store, anan: Actor) -> None:
    with store.transaction() as session:
        case_id = make_case(session, "caller").id

    def say(at: datetime) -> None:
        with store.transaction() as session:
            comment(session, case_id, anan, at, body="หนึ่ง", key="form-1")

    say(NOW)
    for day in (1, 30, 90):
        pruning.prune(store, NOW + day * DAY, "a")
        say(NOW + day * DAY)
    assert (count(store, Comment), count(store, IdempotencyKey)) == (1, 1)

    assert pruning.prune(store, NOW + 90 * DAY + SECOND, "a").done >= 1
    assert count(store, IdempotencyKey) == 0


def test_batches_are_small_and_a_sweep_takes_as_many_as_it_needs(store: Store) -> None:
    add_entries(store, 1_203, NOW - 31 * DAY)

    assert pruning.prune(store, NOW, "a") == Tally(done=500)
    assert sweeps.sweep_all(store, NOW, "a").done["pruned"] == 703
    assert count(store, OutboxEntry) == 0


def test_two_nodes_prune_each_row_once(store: Store) -> None:
    add_entries(store, 900, NOW - 31 * DAY)
    tallies: list[Tally] = []

    at_once(*[lambda: tallies.append(pruning.prune(store, NOW, "a", limit=300))] * 3)

    assert sum(tally.done for tally in tallies) + count(store, OutboxEntry) == 900
    assert len(tallies) == 3


def test_a_case_goes_on_after_its_entries_were_pruned(store: Store, anan: Actor) -> None:
    """Parent and child meet through entries that are long gone, and every delivery still counts once."""
    with store.transaction() as session:
        parent_id = make_case(session, "caller").id
    delivery.deliver_pending(store, NOW, parent_id)
    late = NOW + 100 * DAY
    assert pruning.prune(store, late, "a").done == 1

    with store.transaction() as session:
        (child,) = case_children(session, session.get_one(Case, parent_id))
        (item,) = items_of(session, child)
        complete(session, item.id, anan, late, Completion.of({"text": "x"}, "c1"))
    delivery.deliver_pending(store, late, child.id)
    pruning.prune(store, late + 100 * DAY, "a")
    with store.transaction() as session:
        (after,) = items_of(session, session.get_one(Case, parent_id))
        complete(session, after.id, anan, late + 100 * DAY, Completion.of({"text": "y"}, "c2"))

    with store.reading() as session:
        assert session.get_one(Case, parent_id).state == "COMPLETED"
        assert len(case_children(session, session.get_one(Case, parent_id))) == 1
        assert [faults for _, faults in verify_all(session) if faults] == []
    assert count(store, OutboxEntry) == 0
