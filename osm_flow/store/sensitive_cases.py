"""Sensitive cases as the database is asked for them: which are closed to somebody, and pages that cannot read them.

The policy's `is_open_to` as a condition. A session in which pages are read for somebody is narrowed once, at its beginning:
from then on every statement in it, of whatever list, leaves out what belongs to cases that are closed to them. What decides
or keeps the books must see everything, and says so with `EVERYTHING`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, event, false, literal, or_, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import AUDITORS, DIRECTORS
from osm_flow.domain.access.roles import OVERSIGHT, WORKERS
from osm_flow.store.database import Model
from osm_flow.store.models import (
    Access,
    Candidate,
    Case,
    CaseReader,
    Draft,
    LegalHold,
    LoggedCase,
    LogLeaf,
    Person,
    SensitiveOpening,
    WorkItem,
)

Alike = TypeVar("Alike")

# For a statement that must know all there is, whoever reads: what the policy is asked with, counts of the signed log.
EVERYTHING = {"osm_everything": True}
# For how long an auditor who said why they open a sensitive case is not asked again.
OPEN_FOR = timedelta(hours=12)

_NARROWED, _MET = "osm_narrowed_for", "osm_met_cases"
# Books that hold nothing of what a case says: its number in the log, who read it, that it is held, who was asked why.
_BARE = (Access, CaseReader, LegalHold, LogLeaf, LoggedCase, SensitiveOpening)

_CASE = Case.__table__.alias("closed_case")
_ITEM = WorkItem.__table__.alias("closed_item")
_ASKED = Candidate.__table__.alias("closed_candidate")
_READER = CaseReader.__table__.alias("closed_reader")


# ---- the policy as a condition ---------------------------------------------------------------------------------


def closed_to(actor: Actor) -> Select[str]:
    """The ids of the sensitive cases that are not open to the actor."""
    return select(_CASE.c.id).where(_CASE.c.is_sensitive, ~or_(false(), *_ways_in(actor)))


def is_open(actor: Actor, case_id: Any = Case.id) -> ColumnElement[bool]:
    """That the case with the id in this column is ordinary or open to the actor: `is_open_to` as a condition."""
    condition: ColumnElement[bool] = case_id.is_not(None) if actor.is_system else case_id.not_in(closed_to(actor))
    return condition


def closed_among(session: Session, actor: Actor, case_ids: Iterable[str | None]) -> dict[str, str]:
    """Those of these cases that are closed to the actor, with their numbers: by these alone one does what is one's duty."""
    if actor.is_system:
        return {}
    query = select(Case.id, Case.business_key).where(Case.id.in_({one for one in case_ids if one}), ~is_open(actor))
    return dict(session.execute(query, execution_options=EVERYTHING).all())


def _ways_in(actor: Actor) -> Iterator[ColumnElement[bool]]:
    directed = [office for office in actor.office_ids if actor.wearing(DIRECTORS, office)]
    audited = [office for office in actor.office_ids if actor.wearing(AUDITORS, office)]
    yield _CASE.c.office_id.in_(directed)
    yield _CASE.c.started_by == actor.username
    # Asked of each sensitive case, of which there are few, not of all work items that there ever were.
    yield _is_any(_READER.c.case_id == _CASE.c.id, _READER.c.person_id == actor.person_id)
    held = or_(*(_ITEM.c[name] == actor.person_id for name in ("assignee_id", "owner_id", "completed_by_id")))
    yield _is_any(_ITEM.c.case_id == _CASE.c.id, held)
    asked = or_(false(), *_asks(actor))
    yield _is_any(_ITEM.c.case_id == _CASE.c.id, _ASKED.c.work_item_id == _ITEM.c.id, asked)
    yield and_(_CASE.c.id.in_(actor.looked_into), _CASE.c.office_id.in_(audited))


def _is_any(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """That there is such a row. Written so that PostgreSQL never reads the whole table first, as it may for an EXISTS."""
    found = select(literal(1)).where(*conditions).limit(1).correlate(_CASE)
    return found.scalar_subquery().is_not(None)


def _asks(actor: Actor) -> Iterator[ColumnElement[bool]]:
    """The rule of `Actor.hat_for`: by role, in person, or in the place of somebody who is away."""
    # The same hat in several offices is asked for once: a statement that names eighteen offices one by one is read for long.
    for (role, province_id), hats in _alike(actor.hats, lambda hat: (hat.role, hat.province_id)):
        province = or_(_ASKED.c.province_id.is_(None), _ASKED.c.province_id == province_id)
        yield and_(_ASKED.c.role == role, province, _in_offices(hats))
    working = (WORKERS | OVERSIGHT) - AUDITORS
    offices = [office for office in actor.office_ids if actor.wearing(working, office)]
    yield and_(_ASKED.c.person_id == actor.person_id, _ITEM.c.office_id.in_(offices))
    for person_id, hats in _alike(actor.standing_in, lambda hat: hat.for_id):
        yield and_(_ASKED.c.person_id == person_id, _in_offices(hats))


def _alike(hats: Iterable[Hat], by: Callable[[Hat], Alike]) -> Iterable[tuple[Alike, list[Hat]]]:
    """The hats that differ by no more than their offices, together."""
    found: dict[Alike, list[Hat]] = {}
    for hat in hats:
        found.setdefault(by(hat), []).append(hat)
    return found.items()


def _in_offices(hats: Iterable[Hat]) -> ColumnElement[bool]:
    offices = {hat.office_id for hat in hats}
    return literal(True) if None in offices else _ITEM.c.office_id.in_(sorted(filter(None, offices)))


# ---- a session that leaves them out ------------------------------------------------------------------------------


def notice(session: Session) -> None:
    """From here on the session knows of which cases it has read something: see `met_in`."""
    session.info[_MET] = {}


def narrow(session: Session, actor: Actor) -> None:
    """From here on the session reads nothing of sensitive cases that are closed to the actor, whatever is asked of it."""
    notice(session)
    if actor.is_system:
        return
    closed = closed_to(actor)
    if session.execute(closed.limit(1)).first() is not None:
        session.info[_NARROWED] = list(_leaving_out(actor, closed))


def _leaving_out(actor: Actor, closed: Select[str]) -> Iterator[Any]:
    # Functions, so that another name of the table in the same statement is narrowed by its own columns.
    yield _criteria(Case, lambda case: case.id.not_in(closed))
    for model in [*_of_cases(), *([] if _audits(actor) else [Access])]:
        yield _criteria(model, lambda row: or_(row.case_id.is_(None), row.case_id.not_in(closed)))
    items = select(_ITEM.c.id).where(_ITEM.c.case_id.in_(closed))
    for lying in (Candidate, Draft):
        yield _criteria(lying, lambda row: row.work_item_id.not_in(items))


def _criteria(model: Any, condition: Callable[[Any], ColumnElement[bool]]) -> Any:
    # What hangs on a row that may be read is read as it was: a request to erase names records of closed cases, too.
    return with_loader_criteria(model, condition, include_aliases=True, propagate_to_loaders=False)


def _audits(actor: Actor) -> bool:
    return any(hat.role in AUDITORS for hat in actor.hats)


def _of_cases() -> list[Any]:
    """Every table whose rows belong to a case, those that are yet to come included."""
    mapped = (mapper.class_ for mapper in Model.registry.mappers)
    return [model for model in mapped if hasattr(model, "case_id") and model not in _BARE]


@event.listens_for(Session, "do_orm_execute")
def _leave_out(state: ORMExecuteState) -> None:
    narrowed = state.session.info.get(_NARROWED)
    if not narrowed or not state.is_select or state.execution_options.get("osm_everything"):
        return
    if not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*narrowed)


# ---- what was met, to be told --------------------------------------------------------------------------------------


@event.listens_for(Model, "load", propagate=True)
def _meet(row: Any, context: Any) -> None:
    met = context.session.info.get(_MET)
    if met is None:
        return
    case_id = row.__dict__.get("id") if isinstance(row, Case) else row.__dict__.get("case_id")
    if case_id is not None:
        names = met.setdefault(case_id, set())
        if isinstance(row, WorkItem):
            names.add(row.__dict__["id"])


def met_in(session: Session) -> dict[Case, set[str]]:
    """The sensitive cases of which the session has read something for a page, with what a page names them by."""
    met: dict[str, set[str]] = session.info.get(_MET) or {}
    if not met:
        return {}
    query = select(Case).where(Case.id.in_(list(met)), Case.is_sensitive)
    return {case: {case.id, case.business_key, *met[case.id]} for case in session.scalars(query)}


# ---- who is in the circle ----------------------------------------------------------------------------------------


def people_in(session: Session, case: Case) -> frozenset[int]:
    """Who did or holds a work item of the case, who started it, and who is named on it."""
    done = select(WorkItem.assignee_id, WorkItem.owner_id, WorkItem.completed_by_id).where(WorkItem.case_id == case.id)
    people = {person for row in session.execute(done, execution_options=EVERYTHING) for person in row}
    people |= set(session.scalars(select(CaseReader.person_id).where(CaseReader.case_id == case.id)))
    people |= set(session.scalars(select(Person.id).where(Person.username == case.started_by)))
    return frozenset(people - {None})


def with_reasons(session: Session, actor: Actor, now: datetime) -> Actor:
    """The actor with the sensitive cases for which they said as an auditor why they open them, and not too long ago."""
    if not _audits(actor):
        return actor
    said = select(SensitiveOpening.case_id).where(
        SensitiveOpening.person_id == actor.person_id, SensitiveOpening.at > now - OPEN_FOR
    )
    return replace(actor, looked_into=frozenset(session.scalars(said)))
