"""Asking every case that may depend on a moved date to work out its due dates anew.

The moved date commits at once. What follows for each case is an entry of the outbox, delivered after the commit in a
transaction of its own: a crash half-way is finished by the next sweep, and one broken case holds up no other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from osm_flow.domain.kinds import EntryKind
from osm_flow.domain.states import OPEN_CASE
from osm_flow.store.models import Case, OutboxEntry, ProcessDefinition

_CALENDAR_CALLS = (b"milestone(", b"working_days(", b"before(", b"after(")


def ask_for(
    session: Session, now: datetime, key: str, reason: Mapping[str, Any], *, office_id: str | None = None
) -> int:
    """Queue one re-planning, for this reason, of each open case (of the office) whose diagram asks the calendar.

    `key` names the change: the same change asks a case once. Returns how many cases were asked.
    """
    cases = select(Case.id).where(Case.state.in_(OPEN_CASE), Case.definition_id.in_(_asking_definitions(session)))
    if office_id is not None:
        cases = cases.where(Case.office_id == office_id)
    body = json.dumps(dict(reason), ensure_ascii=False)
    rows = [
        {
            "key": f"{EntryKind.replan}:{key}:{case_id}",
            "kind": str(EntryKind.replan),
            "case_id": case_id,
            "body": body,
            "due_at": now,
        }
        for case_id in session.scalars(cases.order_by(Case.started_at, Case.id))
    ]
    if rows:
        session.execute(insert(OutboxEntry), rows)
    return len(rows)


def _asking_definitions(session: Session) -> list[int]:
    alive = select(Case.definition_id).where(Case.state.in_(OPEN_CASE)).distinct()
    rows = session.execute(select(ProcessDefinition.id, ProcessDefinition.xml).where(ProcessDefinition.id.in_(alive)))
    return [row.id for row in rows if any(call in row.xml for call in _CALENDAR_CALLS)]
