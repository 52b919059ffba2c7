"""Who read what and why: what is recorded, once, with a reason, and who may see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.ledger.access_log import (
    AccessFilter,
    AccessKind,
    ExportReasonMissing,
    Read,
    accesses,
    record_access,
)
from osm_flow.store.models import Access, Case
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, later, make_case, make_office, make_person

pytestmark = pytest.mark.sampled

NAME = "นายสมชาย ใจดี"


@pytest.fixture
def malee(session: Session) -> Actor:
    """An auditor of an office with one case."""
    make_office(session)
    deploy_tests(session, "review")
    make_case(session)
    return make_person(session, "malee", "osm_data", "auditor")


def the_case(session: Session) -> Case:
    return session.scalars(select(Case)).one()


def seen(session: Session, actor: Actor, after: str | None = None, limit: int = 50, **wanted: Any) -> list[str]:
    return [one.subject for one in accesses(session, actor, AccessFilter(**wanted), after=after, limit=limit).items]


def reads(store: Store) -> list[tuple[str, str, str]]:
    with store.reading() as session:
        rows = session.execute(select(Access.actor, Access.kind, Access.details).order_by(Access.id))
        return [(row.actor, row.kind, row.details) for row in rows]


def test_accesses_cannot_be_changed_but_their_words_can_be_blanked(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        auditor = make_person(session, "auditor", "auditor")
        record_access(session, auditor, NOW, Read("audit.searched", "/audit", details=f"text={NAME}"))
        with pytest.raises(ExportReasonMissing):
            record_access(session, auditor, NOW, Read("case.exported", make_case(session)))
    for statement in ("DELETE FROM accesses", "UPDATE accesses SET actor = 'x'", "UPDATE accesses SET details = 'x'"):
        with pytest.raises(DBAPIError, match="append-only"), store.transaction() as session:
            session.execute(text(statement))
    with store.transaction() as session:
        session.execute(text("UPDATE accesses SET details = ''"))

    assert reads(store) == [("auditor", "audit.searched", "")]


# ---- what is recorded ------------------------------------------------------------------------------------------


def test_a_read_of_a_case_is_known_by_its_number_and_office(session: Session, malee: Actor) -> None:
    case = the_case(session)

    read = record_access(session, malee, NOW, Read(AccessKind.case_exported, case, " ตรวจประจำปี "))

    assert read is not None
    assert (read.subject, read.case_id, read.office_id) == (case.business_key, case.id, OFFICE)
    assert (read.at, read.actor, read.role, read.reason) == (NOW, "malee", "auditor", "ตรวจประจำปี")


def test_what_else_was_read_is_said_in_words_beside_its_case(session: Session, malee: Actor) -> None:
    case = the_case(session)

    of_case = record_access(session, malee, NOW, Read(AccessKind.attachment_downloaded, "REV sha256:ab", case=case))
    of_none = record_access(session, malee, NOW, Read(AccessKind.audit_opened, "/audit"))

    assert of_case is not None
    assert of_none is not None
    assert (of_case.subject, of_case.case_id) == ("REV sha256:ab", case.id)
    assert (of_none.subject, of_none.case_id, of_none.office_id) == ("/audit", None, OFFICE)


@pytest.mark.parametrize("reason", ["", " \t ", "\0", "\0 \0"])
@pytest.mark.parametrize("kind", [kind for kind in AccessKind if kind.endswith(".exported")])
def test_nothing_leaves_without_a_reason(session: Session, malee: Actor, kind: AccessKind, reason: str) -> None:
    with pytest.raises(ExportReasonMissing) as refused:
        record_access(session, malee, NOW, Read(kind, "x", reason))

    assert refused.value.fields.keys() == {"reason"}
    assert seen(session, malee) == []


def test_texts_of_any_length_and_kind_can_be_recorded(session: Session, malee: Actor) -> None:
    long = "ก\0" * 5_000

    read = record_access(session, malee, NOW, Read(AccessKind.audit_searched, long, long, details=long))

    assert read is not None
    assert [len(text) for text in (read.subject, read.reason, read.details)] == [128, 2000, 1000]
    assert "\0" not in read.subject + read.reason + read.details


def test_the_same_look_within_a_while_is_recorded_once(session: Session, malee: Actor) -> None:
    other = make_person(session, "seer", "auditor")
    while_ = timedelta(minutes=15)

    def look(minutes: float, actor: Actor = malee, details: str = "text=ก", subject: str = "/audit") -> bool:
        read = Read(AccessKind.audit_searched, subject, details=details)
        found = record_access(session, actor, later(minutes), read, once_within=while_)
        return found is not None

    assert [look(0), look(10), look(15), look(15.1)] == [True, False, False, True]
    assert [look(16, details="text=ข"), look(16, subject="/audit/x"), look(16, other)] == [True, True, True]
    assert (
        record_access(session, malee, later(16), Read(AccessKind.audit_searched, "/audit", details="text=ก"))
        is not None
    )


# ---- who sees it -----------------------------------------------------------------------------------------------


def test_auditors_see_the_reads_of_their_offices_and_those_of_all_what_is_of_none(
    session: Session, malee: Actor
) -> None:
    make_office(session, "NE-U2", {})
    far = make_person(session, "far", "auditor", office_id="NE-U2")
    record_access(session, malee, NOW, Read(AccessKind.audit_opened, "here"))
    record_access(session, far, NOW, Read(AccessKind.audit_opened, "there"))
    record_access(session, SYSTEM, NOW, Read(AccessKind.audit_opened, "nowhere"))

    whole = make_person(session, "whole", "auditor", office_id=None)

    assert seen(session, malee) == ["here"]
    assert seen(session, far) == ["there"]
    assert seen(session, SYSTEM) == seen(session, whole) == ["nowhere", "there", "here"]
    with pytest.raises(NotYourRole):
        accesses(session, make_person(session, "anan", "osm_strategy"))


def test_reads_are_found_by_who_what_which_case_and_when(session: Session, malee: Actor) -> None:
    case, seer = the_case(session), make_person(session, "seer", "auditor")
    record_access(session, malee, later(0), Read(AccessKind.case_opened, case))
    record_access(session, malee, later(1), Read(AccessKind.audit_opened, "/audit"))
    record_access(session, seer, later(2), Read(AccessKind.audit_opened, "/audit/log"))

    assert seen(session, malee, who="seer") == ["/audit/log"]
    assert seen(session, malee, kind=AccessKind.audit_opened) == ["/audit/log", "/audit"]
    assert seen(session, malee, case_id=case.id) == [case.business_key]
    assert seen(session, malee, since=later(1)) == ["/audit/log", "/audit"]
    assert seen(session, malee, until=later(1)) == [case.business_key]
    assert seen(session, malee, who="", kind="") == ["/audit/log", "/audit", case.business_key]
    first = accesses(session, malee, limit=2)
    assert (first.total, [one.subject for one in first.items]) == (3, ["/audit/log", "/audit"])
    assert seen(session, malee, limit=2, after=first.next) == [case.business_key]
