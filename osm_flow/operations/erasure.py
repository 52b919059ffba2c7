"""Lawful erasure: what people typed is deleted, the record that they did stays and the chain still verifies."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import CursorResult, delete
from sqlalchemy.orm import Session

from osm_flow.domain.actors import Actor
from osm_flow.domain.policy import Verb, require
from osm_flow.errors import Refused
from osm_flow.operations import stepping
from osm_flow.operations.facts import case_facts
from osm_flow.operations.verify import ERASED
from osm_flow.operations.work_item_access import said
from osm_flow.store.models import JournalPayload, JournalRecord
from osm_flow.store.session import lock_case


class NothingToErase(Refused):
    """These records have no payload any more."""


def erase_payloads(
    session: Session, case_id: str, numbers: Collection[int], actor: Actor, now: datetime, *, reason: str
) -> JournalRecord:
    """Delete the payloads of these records of the case and record that, with the reason.

    The case can be verified afterwards, but replayed only up to the first erased record. Raises NothingToErase.
    """
    case = lock_case(session, case_id)
    decision = require(actor, Verb.repair, case_facts(session, case, actor))
    erasing = delete(JournalPayload).where(JournalPayload.case_id == case_id, JournalPayload.seq.in_(numbers))
    result = session.execute(erasing, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101 (what a DELETE gives; the annotation is wider)
    if result.rowcount != len(set(numbers)):
        raise NothingToErase(case_id=case_id)
    return stepping.note(
        session, case, actor, now, kind=ERASED, payload={"erased": sorted(set(numbers)), "reason": said(reason)},
        role=decision.hat.role if decision.hat else None,
    )  # fmt: skip
