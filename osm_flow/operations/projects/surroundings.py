"""What the register of projects says to forms: its projects, what else was proposed, concepts of earlier drafts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import ENDED, PLANNED, SHORTLISTED
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_CASE, ProjectState, WorkItemStatus
from osm_flow.operations.books.versions import NewestVersion, RecordVersion, newest_of, versions_of
from osm_flow.operations.ledger.registers import RECORD, Register
from osm_flow.operations.projects.record_type import KIND, project_type
from osm_flow.operations.projects.register import as_json, drawn, projects_of
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Project, WorkItem

CONCEPT_FORM = "project_concept"
# How many projects a list to choose an earlier one from has.
_MOST_EARLIER = 2_000


def _whole(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and fiscal year as the register has them."""
    return [as_json(project) for project in session.scalars(projects_of(case))]


def _funded(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and fiscal year that were given money and have not ended."""
    given = projects_of(case).where(
        Project.approved > 0, Project.state.not_in((*ENDED, ProjectState.n, ProjectState.rejected))
    )
    return [as_json(project) for project in session.scalars(given) if project.result != "N"]


def _projects(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and year beyond the plan, and the concepts that were sent in to cases still open."""
    decided = session.scalars(projects_of(case).where(Project.state.not_in(PLANNED)))
    return [{"name": project.name_th, "agency": project.agency_th} for project in decided] + _proposed(session, case)


def _concepts(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of earlier drafts that are only planned so far; their own agency may send them in again."""
    planned = session.scalars(projects_of(case).where(Project.state.in_(PLANNED)))
    return [{"name": project.name_th, "agency": project.agency_th} for project in planned]


def _planned(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office and year on which nobody outside the office has decided: what a plan may be made of."""
    planned = session.scalars(projects_of(case).where(Project.state.in_(PLANNED)))
    return [as_json(project) for project in planned]


def _shortlisted(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """Those of them that passed their screening, or that the draft before has already."""
    chosen = session.scalars(projects_of(case).where(Project.state.in_(SHORTLISTED)))
    return [as_json(project) for project in chosen]


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


def _earlier(session: Session, case: Case, variables: JSON) -> list[JSON]:
    """The projects of the office of this fiscal year and the years before, newest first: a concept may go on from one."""
    known = select(Project).where(Project.office_id == case.office_id, Project.fiscal_year <= case.fiscal_year)
    newest = known.order_by(Project.fiscal_year.desc(), Project.id).limit(_MOST_EARLIER)
    return [{**as_json(project), "fiscal_year": project.fiscal_year} for project in session.scalars(newest)]


def _record(session: Session, case: Case, asked: JSON) -> JSON | None:
    """What the record of a project says in its newest version or in the one asked for; nothing that names a person."""
    code, version = str(asked.get("code") or "")[:64], asked.get("version")
    known = select(Project.fiscal_year).where(Project.code == code, Project.office_id == case.office_id)
    year = session.scalar(known)
    if year is None:
        return None
    kept: NewestVersion | RecordVersion | None = newest_of(session, KIND, [code])[code]
    if version is not None:
        kept = next((one for one in versions_of(session, KIND, code) if one.version == version), None)
    if kept is None:
        return None
    values = kept.values(project_type()) if isinstance(kept, NewestVersion) else kept.values
    told = {"code": code, "fiscal_year": year, "version": kept.version, "hash": kept.hash}
    return drawn(values, asked.get("quarter")) | told


# What `around` names, and what answers it.
SURROUNDINGS: Mapping[str, Register] = {
    "register": _whole,
    "funded": _funded,
    "projects": _projects,
    "concepts": _concepts,
    "planned": _planned,
    "shortlisted": _shortlisted,
    "earlier": _earlier,
    RECORD: _record,
}
