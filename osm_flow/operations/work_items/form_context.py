"""What a form sees beyond the variables of its case: the register, what others proposed, files, the calendar.

It lies under the one name `around`, and only what the form asks for is looked up. It decides what the page offers and
whether values are taken, never what happens next: the values that were taken are in the journal, and no replay judges
them again. What a state depends on comes in through a service task, whose result is a record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_CASE, ProjectState, WorkItemStatus
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.projects.register import as_json, projects_of
from osm_flow.store.models import Attachment, Case, FiscalDate, JournalPayload, JournalRecord, Project, WorkItem

AROUND = "around"
CONCEPT_FORM = "project_concept"


def form_context(session: Session, case: Case, schema: JSON | None, variables: JSON) -> JSON:
    """The variables of the case and, under `around`, what else the form names."""
    asked = needs_of(schema) if schema else frozenset()
    if not asked:
        return variables
    return {**variables, AROUND: {name: _SOURCES[name](session, case, variables) for name in sorted(asked)}}


def needs_of(schema: JSON) -> frozenset[str]:
    """Which parts of the surroundings a form names."""
    text = orjson.dumps(schema)
    named = {name for name in _SOURCES if f"{AROUND}.{name}".encode() in text}
    if b'"file-ref"' in text:
        named.add("files")
    if b'"working_days"' in text:
        named |= {"holidays", "working"}
    return frozenset(named)


# ---- the parts -------------------------------------------------------------------------------------------------


def _register(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and fiscal year as the register has them."""
    return [as_json(project) for project in session.scalars(projects_of(case))]


def _projects(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and year beyond a concept, and the concepts that were sent in to cases still open."""
    decided = session.scalars(projects_of(case).where(Project.state != ProjectState.concept))
    return [{"name": project.name_th, "agency": project.agency_th} for project in decided] + _proposed(session, case)


def _concepts(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The concepts of earlier drafts that the register keeps; their own agency may send them in again."""
    planned = session.scalars(projects_of(case).where(Project.state == ProjectState.concept))
    return [{"name": project.name_th, "agency": project.agency_th} for project in planned]


def _proposed(session: Session, case: Case) -> list[JSON]:
    query = (
        select(JournalPayload.body)
        .select_from(JournalRecord)
        .join(JournalRecord.payload)
        .join(WorkItem, (WorkItem.id == JournalRecord.task_id) & (WorkItem.case_id == JournalRecord.case_id))
        .join(Case, Case.id == WorkItem.case_id)
        .where(
            Case.office_id == case.office_id,
            Case.fiscal_year == case.fiscal_year,
            Case.state.in_(OPEN_CASE),
            WorkItem.form_key == CONCEPT_FORM,
            WorkItem.state == WorkItemStatus.COMPLETED,
            JournalRecord.kind == RecordKind.work_item_completed,
        )
    )
    sent = (json.loads(body).get("data") for body in session.scalars(query) if body)
    columns = ("name", "agency", "issue", "priority")
    return [{name: concept.get(name) for name in columns} for concept in sent if isinstance(concept, dict)]


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
    return sorted(day.isoformat() for day in working_calendar(session).holidays)


def _working(session: Session, case: Case, variables: JSON) -> list[str]:
    return sorted(day.isoformat() for day in working_calendar(session).working)


_SOURCES: Mapping[str, Callable[[Session, Case, JSON], Any]] = {
    "register": _register,
    "projects": _projects,
    "concepts": _concepts,
    "files": _files,
    "cut_date": _cut_date,
    "holidays": _holidays,
    "working": _working,
}
