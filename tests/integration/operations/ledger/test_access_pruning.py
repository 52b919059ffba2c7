"""What stands beside the chain of reads goes when its days are over, by its record, and the chain verifies."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from osm_flow.operations.background.pruning import prune
from osm_flow.operations.ledger import access_pruning
from osm_flow.operations.ledger.access_chain import ChainKind
from osm_flow.operations.ledger.access_pruning import Keeping, prune_accesses
from osm_flow.operations.ledger.security_events import Counted, EventKind, Happening, record_event
from osm_flow.store.models import Access, AccessRecord, SecurityEvent
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.operations.ledger.reads import faults, read_pages
from tests.together import at_once

DAY = timedelta(days=1)


def sign_out(store: Store, days: float) -> None:
    with store.transaction() as session:
        record_event(session, NOW - days * DAY, Happening(EventKind.signed_out, "malee", address="10.0.0.1"))


def kept(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        rows = session.execute(select(Access.subject, Access.details, Access.reason).order_by(Access.id))
        return [tuple(row) for row in rows]


def notes(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        rows = session.scalars(select(AccessRecord).where(AccessRecord.kind.in_(ChainKind)).order_by(AccessRecord.seq))
        return [(row.kind, row.book, json.loads(row.told)["before"][:10]) for row in rows]


def test_addresses_and_words_go_after_their_days_and_events_as_a_whole(store: Store) -> None:
    for days in (200, 92, 89):
        read_pages(store, f"/audit/{days}", days=days)
        sign_out(store, days)

    assert prune(store, NOW, "me").done == 4
    assert prune(store, NOW, "me").done == 0

    assert kept(store) == [("/audit/200", "", ""), ("/audit/92", "", ""), ("/audit/89", "text=สมชาย", "")]
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(SecurityEvent)) == 1
        assert session.scalar(select(func.count()).select_from(AccessRecord)) == 8
    limit = f"{NOW - 90 * DAY:%Y-%m-%d}"
    assert notes(store) == [("words.pruned", "accesses", limit), ("bodies.pruned", "security_events", limit)]
    assert faults(store) == []


def test_who_read_what_goes_after_days_of_its_own(store: Store) -> None:
    for days in (500, 300):
        read_pages(store, f"/audit/{days}", days=days)

    assert prune_accesses(store, NOW, Keeping(reads=400), 100) == 3

    assert [subject for subject, *_ in kept(store)] == ["/audit/300"]
    assert faults(store) == []


def test_nobody_can_set_fewer_days_than_the_law_asks(store: Store) -> None:
    read_pages(store, "/audit", days=89)
    sign_out(store, 89)

    assert prune_accesses(store, NOW, Keeping(events=1, reads=1), 100) == 0
    assert faults(store) == []


def test_a_long_backlog_goes_in_rounds_under_one_record(store: Store) -> None:
    read_pages(store, *(f"/audit/{number}" for number in range(7)), days=95)

    assert [prune_accesses(store, NOW, Keeping(), 3) for _ in range(4)] == [3, 3, 1, 0]
    assert len(notes(store)) == 1
    assert faults(store) == []


def test_nodes_that_prune_at_once_do_it_once(store: Store) -> None:
    read_pages(store, *(f"/audit/{number}" for number in range(6)), days=95)

    at_once(*[lambda: prune_accesses(store, NOW, Keeping(), 100)] * 3)

    assert {details for _, details, _ in kept(store)} == {""}
    assert faults(store) == []


def test_what_was_counted_is_as_old_as_its_first(store: Store) -> None:
    """A count that a stopped scheduler closed late: its row goes by when it happened, and so the chain sees it."""
    happened = NOW - 91 * DAY
    with store.transaction() as session:
        record_event(session, NOW - 80 * DAY, Happening(EventKind.refused_role, "anan"), Counted(9, happened, happened))

    assert prune_accesses(store, NOW, Keeping(), 100) == 1
    assert faults(store) == []


@pytest.mark.parametrize(("after", "found"), [(0.5, []), (1.5, [(0, "added")])])
def test_what_an_earlier_version_writes_meanwhile_is_carried_over_for_a_day(
    store: Store, after: float, found: list[tuple[int, str]]
) -> None:
    read_pages(store, "/audit/new")
    with store.transaction() as session:
        columns = "(at, actor, kind, subject, reason, details)"
        values = "('2026-11-20T03:00:00.000000Z', 'malee', 'case.opened', 'REV', 'x', 'ปี')"
        session.execute(text(f"INSERT INTO accesses {columns} VALUES {values}"))  # noqa: S608
    assert faults(store) == [(0, "added")]

    access_pruning.carry_over(store, NOW + after * DAY, 100)

    assert faults(store) == found
    if not found:
        with store.reading() as session:
            record = session.get_one(AccessRecord, 2)
            assert (record.at, record.kind) == (NOW + after * DAY, "case.opened")
            assert json.loads(record.told) == {"carried_over": True, "since": "2026-11-20T03:00:00.000000Z"}


def test_after_all_events_are_gone_somebody_can_sign_out_again(store: Store) -> None:
    """The chain goes on naming rows that are gone: their numbers are never given anew."""
    read_pages(store, "/audit/500", days=500)
    sign_out(store, 500)
    prune_accesses(store, NOW, Keeping(reads=400), 100)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(SecurityEvent)) == 0
        assert kept(store) == []

    sign_out(store, 0)
    read_pages(store, "/audit/0", days=0)

    with store.reading() as session:
        assert session.scalars(select(SecurityEvent.id)).all() == [2]
    assert faults(store) == []
