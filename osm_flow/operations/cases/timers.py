"""The timers that cases wait for, as people who look after the system see them."""

from __future__ import annotations

from sqlalchemy import String, func, select, type_coerce
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, require_somewhere
from osm_flow.domain.pages import Page
from osm_flow.operations.paging import MOST, Keyset
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, Timer
from osm_flow.store.sensitive_cases import is_open

_DUE = type_coerce(Timer.due_at, String)
_ORDER = Keyset((_DUE, False, False), (Timer.task_id, False, False))


def list_timers(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> Page[tuple[Timer, Case]]:
    """The timers that cases wait for in offices that the actor looks after, with these cases, next one first.

    Raises NotYourRole.
    """
    offices = require_somewhere(actor, Verb.retry_incident)
    conditions = [] if actor.is_system else [Case.office_id.in_(offices), is_open(actor)]
    of_cases = select(func.count()).select_from(Timer).join(Case, Case.id == Timer.case_id).where(*conditions)
    total = session.scalar(of_cases) or 0
    query = select(Timer, Case).join(Case, Case.id == Timer.case_id).where(*conditions)
    if after:
        query = query.where(_ORDER.after(after))
    limit = max(1, min(limit, MOST))
    rows = [(timer, case) for timer, case in session.execute(query.order_by(*_ORDER.order()).limit(limit + 1))]
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Page(rows[:limit], _ORDER.key_of([instant_text(last.due_at), last.task_id]) if last else None, total)
