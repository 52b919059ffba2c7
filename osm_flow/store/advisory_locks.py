"""Locks that belong to no row: an act that only one process at a time may do, anywhere in the installation.

On SQLite the transaction itself is the lock: one that writes begins with BEGIN IMMEDIATE, and no other writes beside it.
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session


class AdvisoryLock(IntEnum):
    """Every advisory lock of the product. PostgreSQL knows them by these numbers alone, so none may be used twice."""

    upgrade = 7_305_801
    """Bringing the tables to this version: nodes that start together wait for the first one."""
    deployments = 7_305_802
    """Making versions of process definitions: two deployments at once would both make the same next version."""
    audit_log = 7_305_810
    """Giving records their places in the audit log: the places are numbered without gaps."""
    administration = 7_305_811
    """Adding to the records of administration: each is chained to the one before it."""


def take(where: Session | Connection, lock: AdvisoryLock) -> None:
    """Wait until nobody else has the lock; it is given back when the transaction ends."""
    connection = where.connection() if isinstance(where, Session) else where  # begins the transaction, if it has not
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(lock)})
