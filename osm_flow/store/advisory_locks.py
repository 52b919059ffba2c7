"""Locks that belong to no row: an act that only one process at a time may do, anywhere in the installation.

On SQLite the transaction itself is the lock: one that writes begins with BEGIN IMMEDIATE, and no other writes beside it.
"""

from __future__ import annotations

from enum import IntEnum
from hashlib import sha256

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
    beginning = 7_305_803
    """Beginning the one case for a key: who asks at the same moment gets the same case."""
    # 7_305_804 was that of the register of projects, whose books are locked by their rows.
    witnesses = 7_305_805
    """Adding a witness to one office: each address is on the list once."""
    incidents = 7_305_806
    """Opening an incident of no case: the same failure again finds the one still open."""
    loading = 7_305_807
    """Filling an empty database: nodes that start together do it once."""
    one_person = 7_305_820
    """Giving accounts an employee number or saying that they are one person's: two who have one number find each other."""
    signing_in = 7_305_812
    """Counting attempts to sign in from one address: guesses sent all at once are counted one by one."""
    reads = 7_305_813
    """Adding to the chain of reads and security events: taken last of all, at the commit."""
    refusals = 7_305_814
    """Counting the same refusal: what is counted at once by several is added up."""


def take(where: Session | Connection, lock: AdvisoryLock, of: str | None = None) -> None:
    """Wait until nobody else has the lock; it is given back when the transaction ends.

    `of`: only that of this one thing, so that others are not waited for (but for the few whose digests are alike).
    """
    connection = where.connection() if isinstance(where, Session) else where  # begins the transaction, if it has not
    if connection.dialect.name != "postgresql":
        return
    if of is None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": int(lock)})
    else:
        digest = int.from_bytes(sha256(of.encode("utf-8", "surrogatepass")).digest()[:4], signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key, :of)"), {"key": int(lock), "of": digest})
