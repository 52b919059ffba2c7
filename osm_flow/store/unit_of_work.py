"""What a session's present transaction has locked and read so far, and will write at its end; forgotten when it ends.

Nobody else can change a case while its row is locked, so within one transaction what was read under the lock need not be
read again. After a commit or a rollback anybody may have changed it: nothing kept here may outlive the transaction. A
rollback to a savepoint gives back locks that were taken after the savepoint, and takes back rows that were changed.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from osm_flow.store.models import Case

Key = TypeVar("Key")
Value = TypeVar("Value")

_PLACE = "osm_unit_of_work"


class ReadOnce(Generic[Key, Value]):
    """One kind of thing that a transaction need not read twice. The module that reads it makes one, at its head."""

    def of(self, session: Session) -> dict[Key, Value]:
        """What the present transaction has read of this kind, by key; the reader adds to it."""
        return unit_of(session).read(self)


class UnitOfWork:
    """What one transaction holds and knows. It begins with the first question for it and ends with the transaction."""

    def __init__(self) -> None:
        # The objects themselves: a session holds its rows weakly, and a case that is locked must stay the same object.
        self._locked: dict[str, Case] = {}
        # Kept through a rollback to a savepoint, which leaves what happened to other cases before it.
        self._touched: dict[str, None] = {}
        self._read: dict[ReadOnce[Any, Any], dict[Any, Any]] = {}
        self._waiting: list[tuple[SessionTransaction | None, Any]] = []

    @property
    def touched_cases(self) -> tuple[str, ...]:
        """The cases that this transaction may have moved: each one that it locked at any time."""
        return tuple(self._touched)

    def hold(self, case: Case) -> None:
        """Count the case as locked by this transaction."""
        self._locked[case.id] = case
        self._touched[case.id] = None

    def locked(self, case_id: str) -> Case | None:
        """The case if this transaction holds its lock."""
        return self._locked.get(case_id)

    def read(self, kind: ReadOnce[Key, Value]) -> dict[Key, Value]:
        """What this transaction has read of one kind."""
        return self._read.setdefault(kind, {})

    @property
    def has_waiting(self) -> bool:
        """Whether something is still to be written at the commit."""
        return bool(self._waiting)

    def wait(self, within: SessionTransaction | None, what: Any) -> None:
        """Keep what is to be written at the commit, unless the transaction or savepoint that it is of is undone."""
        self._waiting.append((within, what))

    def take_waiting(self) -> list[Any]:
        """What is to be written at the commit, in its order; it waits no longer."""
        taken, self._waiting = [what for _, what in self._waiting], []
        return taken

    def forget(self, undone: SessionTransaction) -> None:
        """Ask the database anew for everything, the locks included; nothing of what is undone waits any more."""
        self._locked.clear()
        self._read.clear()
        self._waiting = [(within, what) for within, what in self._waiting if undone.nested and within is not undone]


def unit_of(session: Session) -> UnitOfWork:
    """The unit of work of the session's present transaction."""
    unit: UnitOfWork | None = session.info.get(_PLACE)
    if unit is None:
        unit = session.info[_PLACE] = UnitOfWork()
    return unit


@event.listens_for(Session, "after_transaction_end")
def _end(session: Session, transaction: SessionTransaction) -> None:
    # A savepoint that ends well leaves its locks and its rows to the transaction around it.
    if transaction.parent is None:
        session.info.pop(_PLACE, None)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, undone: SessionTransaction) -> None:
    unit: UnitOfWork | None = session.info.get(_PLACE)
    if unit is not None:
        unit.forget(undone)
