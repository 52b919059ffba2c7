"""Reads and events for tests of their chain, and forging it as somebody who owns the database would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.journal import Fault
from osm_flow.operations.ledger.access_checks import check_chain
from osm_flow.operations.ledger.access_log import Read, record_access
from osm_flow.store.session import Store
from tests.factories import NOW

BODIES = ("accesses", "security_events")


def read_pages(store: Store, *pages: str, days: float = 0, details: str = "text=สมชาย") -> None:
    """The system reads each of these pages, in a transaction of its own, so many days ago."""
    for page in pages:
        with store.transaction() as session:
            record_access(session, SYSTEM, NOW - timedelta(days=days), Read("audit.searched", page, details=details))


def faults(store: Store) -> list[tuple[int, str]]:
    """What the verification of the chain finds: numbers of records, and codes."""
    with store.reading() as session:
        return [(fault.seq, fault.code) for fault in check_chain(session).faults]


@contextmanager
def forging(store: Store) -> Iterator[Session]:
    """A session without triggers, whose changes are thrown away."""
    with store.transaction() as session:
        if store.dialect == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all()
            for name in names:
                session.execute(text(f"DROP TRIGGER {name}"))
        yield session
        session.rollback()


def found_after(store: Store, *statements: str) -> list[Fault]:
    """What the verification finds after these statements, which are undone again."""
    with forging(store) as session:
        for statement in statements:
            session.execute(text(statement))
        return check_chain(session).faults
