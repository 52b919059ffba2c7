"""What a form sees beyond the variables of its case: the register, what others proposed, files, the calendar.

It lies under the one name `around`, and only what the form asks for is looked up. It decides what the page offers and
whether values are taken, never what happens next: the values that were taken are in the journal, and no replay judges
them again. What a state depends on comes in through a service task, whose result is a record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import reads_whole_office
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.json import JSON
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.ledger import registers
from osm_flow.store.models import Attachment, Case, FiscalDate, WorkItem

AROUND = "around"


def form_context(session: Session, case: Case, schema: JSON | None, variables: JSON) -> JSON:
    """The variables of the case and, under `around`, what else the form names."""
    asked = needs_of(schema) if schema else frozenset()
    if not asked:
        return variables
    return {**variables, AROUND: {name: _answer(name, session, case, variables) for name in sorted(asked)}}


def context_seen(session: Session, item: WorkItem, actor: Actor, context: JSON) -> JSON:
    """The context without other parties' files and projects, for whoever does not read the whole office."""
    around = context.get(AROUND)
    if not around or actor.is_system or reads_whole_office(actor, item.office_id):
        return context
    seen = dict(around)
    provinces = {hat.province_id for hat in actor.hats if hat.role in PROVINCIAL and hat.province_id}
    if "files" in seen:
        mine = Attachment.work_item_id == item.id
        seen["files"] = list(dict.fromkeys(session.scalars(select(Attachment.filename).where(mine))))
    for name in registers.NAMES & seen.keys():
        seen[name] = [row for row in seen[name] if row.get("province") in provinces]
    return {**context, AROUND: seen}


def _answer(name: str, session: Session, case: Case, variables: JSON) -> Any:
    source = _SOURCES.get(name)
    return source(session, case, variables) if source else registers.ask(name, session, case, variables)


def needs_of(schema: JSON) -> frozenset[str]:
    """Which parts of the surroundings a form names."""
    text = orjson.dumps(schema)
    named = {name for name in {*_SOURCES, *registers.NAMES} if f"{AROUND}.{name}".encode() in text}
    if b'"file-ref"' in text:
        named.add("files")
    if b'"working_days"' in text:
        named |= {"holidays", "working"}
    return frozenset(named)


# ---- the parts -------------------------------------------------------------------------------------------------


def _files(session: Session, case: Case, variables: JSON) -> list[str]:
    """The names of the files attached to the case, its parents, children and siblings, each once, newest first."""
    query = select(Attachment.filename).join(Case, Case.id == Attachment.case_id)
    names = session.scalars(query.where(Case.root_case_id == case.root_case_id).order_by(Attachment.id.desc()))
    return list(dict.fromkeys(names))


def _cut_date(session: Session, case: Case, variables: JSON) -> str | None:
    """The day on which the figures of the case's quarter are cut, where the calendar knows it."""
    key = f"q{variables.get('quarter')}_cut"
    row = session.get(FiscalDate, (case.office_id, case.fiscal_year, key))
    return row.date.isoformat() if row else None


def _holidays(session: Session, case: Case, variables: JSON) -> list[str]:
    return sorted(day.isoformat() for day in working_calendar(session, case.office_id).holidays)


def _working(session: Session, case: Case, variables: JSON) -> list[str]:
    return sorted(day.isoformat() for day in working_calendar(session, case.office_id).working)


_SOURCES: Mapping[str, Callable[[Session, Case, JSON], Any]] = {
    "files": _files,
    "cut_date": _cut_date,
    "holidays": _holidays,
    "working": _working,
}
