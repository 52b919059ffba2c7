"""What a form sees beyond the variables of its case: the register, what others proposed, files, the calendar.

It lies under the one name `around`, and only what the form asks for is looked up. It decides what the page offers and
whether values are taken, never what happens next: the values that were taken are in the journal, and no replay judges
them again. What a state depends on comes in through a service task, whose result is a record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import AGENCIES, reads_whole_office
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.differences import is_same
from osm_flow.domain.forms.schema import Message, chooser_of, drawn_from_record, fields_of, record_meant
from osm_flow.domain.json import JSON
from osm_flow.domain.search import searchable
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.books.form_rows import sets_in, with_rows_again
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.ledger import registers
from osm_flow.store.models import Attachment, Case, FiscalDate, WorkItem

AROUND = "around"


class RecordMoved(Refused):
    """Somebody changed this in the register meanwhile. What you typed is kept: choose what is to stand, and send it."""


class RecordForeign(Invalid):
    """Choose one of the options."""


def form_context(
    session: Session,
    case: Case,
    schema: JSON | None,
    variables: JSON,
    values: JSON | None = None,
    *,
    shown: Collection[str] = (),
) -> JSON:
    """The variables of the case and, under `around`, what else the form names.

    `values` are what was filled in so far: a form may be about the record that is chosen in one of its fields. Where rows lie
    in records, documents that the form names have the rows; so have those that are `shown` beside it.
    """
    variables = variables | with_rows_again(session, _asked_for(variables, schema, shown))
    asked = needs_of(schema) if schema else frozenset()
    around = {name: _answer(name, session, case, variables) for name in sorted(asked)}
    code = record_meant(schema, values or {}, variables) if schema else None
    if code and (record := record_around(session, case, code, variables)) is not None:
        around[registers.RECORD] = record
    return {**variables, AROUND: around} if around else variables


def _asked_for(variables: JSON, schema: JSON | None, shown: Collection[str]) -> JSON:
    """The documents with rows in records that a form names, by its paths, or that are shown beside it: of others nobody sees a row."""
    held = {name: value for name, value in variables.items() if any(sets_in(value)) or any(sets_in({name: value}))}
    text = orjson.dumps(schema or {}) if held else b""
    return {name: value for name, value in held.items() if name in shown or f'"{name}.'.encode() in text}


def record_around(session: Session, case: Case, code: str, variables: JSON, version: int | None = None) -> JSON | None:
    """What the office record of this code says now, or said in a version; None where the office of the case has none."""
    asked = {"code": code, "version": version, "quarter": variables.get("quarter")}
    found: JSON | None = registers.ask(registers.RECORD, session, case, asked)
    return found


def refuse_foreign(schema: JSON, whole: JSON, seen: JSON) -> None:
    """Raises RecordForeign where the record that was chosen is none of those that this person may read."""
    chooser = chooser_of(schema)
    if chooser and _record_in(whole) and not _record_in(seen):
        raise RecordForeign(fields={chooser: Message(RecordForeign.__doc__ or "")})


def judged_by(whole: JSON, seen: JSON) -> JSON:
    """The whole context, without a record that this person may not read: no field is filled from it."""
    if not _record_in(whole) or _record_in(seen):
        return whole
    around = {name: part for name, part in whole[AROUND].items() if name != registers.RECORD}
    return {**whole, AROUND: around}


def moved_in(session: Session, case: Case, schema: JSON, context: JSON, seen: str | None) -> dict[str, Message]:
    """Which fields of the form show what the record no longer says: somebody wrote a version after the one that was `seen`.

    `seen` is `code@version` as the page had it; None where nobody looked.
    """
    now = _record_in(context)
    code, _, version = (seen or "").rpartition("@")
    if now is None or code != now["code"] or not version.isdecimal() or int(version) >= now["version"]:
        return {}
    then = record_around(session, case, code, context, int(version)) or {}
    drawn = {name: drawn_from_record(field) for name, field in fields_of(schema).items()}
    changed = [name for name, of in drawn.items() if of and not is_same(then.get(of), now.get(of))]
    return {name: Message(RecordMoved.__doc__ or "") for name in changed}


def records_of(schema: JSON, context: JSON) -> JSON:
    """What a payload keeps of the record that the form was filled in about: `{"records": […]}`, or nothing."""
    record = _record_in(context)
    if record is None:
        return {}
    told = {"kind": schema["x-record"]["kind"], "id": record["code"]}
    return {"records": [told | {name: record[name] for name in ("version", "hash")}]}


def _record_in(context: JSON) -> JSON | None:
    found: JSON | None = context.get(AROUND, {}).get(registers.RECORD)
    return found


def context_seen(session: Session, item: WorkItem, actor: Actor, context: JSON) -> JSON:
    """The context without other parties' files and projects, for whoever does not read the whole office."""
    around = context.get(AROUND)
    if not around or actor.is_system or reads_whole_office(actor, item.office_id):
        return context
    seen = dict(around)
    if "files" in seen:
        mine = Attachment.work_item_id == item.id
        seen["files"] = list(dict.fromkeys(session.scalars(select(Attachment.filename).where(mine))))
    for name in (registers.NAMES - {registers.RECORD}) & seen.keys():
        seen[name] = [row for row in seen[name] if _is_own(actor, row)]
    if registers.RECORD in seen and not _is_own(actor, seen[registers.RECORD]):
        del seen[registers.RECORD]
    return {**context, AROUND: seen}


def _is_own(actor: Actor, row: JSON) -> bool:
    """Whether a row of a register is of a province for which the actor speaks; for an agency, of that agency there."""
    province = row.get("province")
    hats = [hat for hat in actor.hats if province and hat.province_id == province]
    agency = searchable(row.get("agency"))
    return any(hat.role in PROVINCIAL or (hat.role in AGENCIES and agency == searchable(hat.title)) for hat in hats)


def _answer(name: str, session: Session, case: Case, variables: JSON) -> Any:
    source = _SOURCES.get(name)
    return source(session, case, variables) if source else registers.ask(name, session, case, variables)


def needs_of(schema: JSON) -> frozenset[str]:
    """Which parts of the surroundings a form names."""
    text = orjson.dumps(schema)
    named = {name for name in {*_SOURCES, *registers.NAMES} - {registers.RECORD} if f"{AROUND}.{name}".encode() in text}
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
