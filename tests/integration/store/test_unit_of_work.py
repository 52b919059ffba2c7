"""What a transaction has locked and read is remembered until it ends, and not beyond."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items import access
from osm_flow.store.models import Case, JournalRecord, WorkItem
from osm_flow.store.session import Store, has_locked, lock_case
from osm_flow.store.unit_of_work import ReadOnce, unit_of
from tests.factories import deploy_tests, items_of, later, make_case, make_office

WORDS: ReadOnce[str, str] = ReadOnce()


class Undone(Exception):
    """Raised to have something rolled back."""


@pytest.fixture
def case_id(store: Store) -> str:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        return make_case(session).id


@pytest.fixture
def item_id(store: Store, case_id: str) -> str:
    with store.reading() as session:
        return items_of(session, session.get_one(Case, case_id))[0].id


def statements(session: Session, act: Callable[[], object]) -> int:
    """How many statements the act takes."""
    seen: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(session.connection(), "before_cursor_execute", count)
    act()
    event.remove(session.connection(), "before_cursor_execute", count)
    return len(seen)


def undo(session: Session, act: Callable[[], object]) -> None:
    """Do it inside of a savepoint, and roll back to that."""
    with suppress(Undone), session.begin_nested():
        act()
        raise Undone


def fail(store: Store, case_id: str) -> Session:
    """A transaction that fails once it has noted something; its session, which is at its end."""
    with suppress(Undone), store.transaction() as session:
        note(session, case_id)
        raise Undone
    return session


def note(session: Session, case_id: str) -> None:
    case = session.get_one(Case, case_id)
    stepping.note(session, case, SYSTEM, later(), Act(RecordKind.case_commented), {"body": "x"})


def records(session: Session) -> list[int]:
    return list(session.scalars(select(JournalRecord.seq).order_by(JournalRecord.seq)))


# ---- within one transaction ------------------------------------------------------------------------------------


def test_a_locked_case_is_not_asked_for_again(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        case = lock_case(session, case_id)
        stepping.state_of(session, case)

        again = statements(session, lambda: (lock_case(session, case_id), stepping.state_of(session, case)))

        assert again == 0


def test_the_state_of_a_case_that_is_not_locked_is_read_each_time(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        case = session.get_one(Case, case_id)
        stepping.state_of(session, case)

        assert statements(session, lambda: stepping.state_of(session, case)) == 1


def test_the_cases_that_were_locked_are_told_once_each_in_their_order(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        assert unit_of(session).touched_cases == ()
        begun = make_case(session)
        lock_case(session, case_id)
        lock_case(session, begun.id)

        assert unit_of(session).touched_cases == (begun.id, case_id)


def test_kinds_do_not_mix_and_neither_do_sessions(store: Store) -> None:
    others: ReadOnce[str, str] = ReadOnce()
    with store.reading() as session, store.reading() as elsewhere:
        WORDS.of(session)["a"] = "b"

        assert WORDS.of(session) == {"a": "b"}
        assert (others.of(session), WORDS.of(elsewhere)) == ({}, {})


# ---- after it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_nothing_outlives_the_transaction(store: Store, case_id: str, item_id: str, how: str) -> None:
    with store.transaction() as session:
        case = lock_case(session, case_id)
        stepping.waiting_of(session, case)
        access.lock_item(session, item_id, SYSTEM)
        WORDS.of(session)["a"] = "b"

        getattr(session, how)()

        assert not has_locked(session, case)
        assert WORDS.of(session) == {}
        assert unit_of(session).touched_cases == ()


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_what_others_changed_since_is_seen(store: Store, case_id: str, item_id: str, how: str) -> None:
    with store.transaction() as session:
        lock_case(session, case_id)
        access.lock_item(session, item_id, SYSTEM)
        getattr(session, how)()
        with store.transaction() as other:
            note(other, case_id)
            other.execute(update(WorkItem).values(priority=99))

        case = lock_case(session, case_id)
        stepping.note(session, case, SYSTEM, later(2), Act(RecordKind.case_commented), {"body": "y"})

        assert records(session) == [1, 2, 3]
        assert access.lock_item(session, item_id, SYSTEM)[0].priority == 99


def test_a_transaction_that_failed_leaves_nothing_to_the_next(store: Store, case_id: str) -> None:
    assert unit_of(fail(store, case_id)).touched_cases == ()

    with store.transaction() as session:
        note(session, case_id)
        assert records(session) == [1, 2]


# ---- savepoints ------------------------------------------------------------------------------------------------


def test_a_rollback_to_a_savepoint_takes_back_what_was_read_after_it(store: Store, case_id: str, item_id: str) -> None:
    with store.transaction() as session:
        undo(session, lambda: (note(session, case_id), access.lock_item(session, item_id, SYSTEM)))

        assert not has_locked(session, session.get_one(Case, case_id))
        note(session, case_id)
        assert records(session) == [1, 2]
        assert session.get_one(Case, case_id).seq == 2


def test_a_rollback_to_a_savepoint_leaves_the_cases_that_moved_before_it(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        begun = make_case(session).id
        undo(session, lambda: note(session, case_id))

        assert set(unit_of(session).touched_cases) >= {begun}


def test_a_savepoint_that_ends_well_leaves_its_locks_to_the_transaction(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        with session.begin_nested():
            case = lock_case(session, case_id)

        assert has_locked(session, case)


def test_a_store_within_one_transaction_forgets_after_each_of_its_own(store: Store, case_id: str) -> None:
    with store.as_a_whole() as whole:
        with whole.transaction() as session:
            note(session, case_id)
        assert unit_of(session).touched_cases == ()
        fail(whole, case_id)
        with whole.transaction() as session:
            note(session, case_id)
            assert records(session) == [1, 2, 3]
