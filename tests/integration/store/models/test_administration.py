"""Records of administration: one row for each act, never changed, found by whoever asks about somebody."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.store.models import AdminRecord
from tests.factories import NOW
from tests.integration.cli.shell import Shell
from tests.integration.store.tables import assert_append_only, keep, plans_of, refused


def a_record(seq: int = 1, **more: Any) -> AdminRecord:
    of = {"kind": "person.locked", "actor": "boss", "subject": "somsri", "changes": "{}", "prev_hash": "0", "hash": "1"}
    return AdminRecord(seq=seq, at=NOW, **{**of, **more})


def test_a_record_can_only_be_added(session: Session) -> None:
    keep(session, a_record())

    assert_append_only(session, "admin_records")
    assert session.scalars(select(AdminRecord.seq)).all() == [1]


def test_a_number_is_given_once(session: Session) -> None:
    keep(session, a_record(1))

    assert refused(session, a_record(1, hash="2"))
    keep(session, a_record(2))


def test_a_record_says_who_did_what_to_whom(session: Session) -> None:
    for name in ("kind", "actor", "subject", "changes", "prev_hash", "hash"):
        assert name in refused(session, a_record(**{name: None}))


def test_auditors_find_records_by_an_index(session: Session, shell: Shell) -> None:
    for column, wanted in (("actor", "--actor boss"), ("subject", "--about somsri"), ("kind", "--kind person.locked")):
        plans = plans_of(session, lambda wanted=wanted: shell.json("audit", "administration", *wanted.split()))
        assert f"ix_admin_records_{column}_seq" in plans
