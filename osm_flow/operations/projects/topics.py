"""The topics that read and write the register of projects for diagrams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from osm_flow.domain import spending
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.json import JSON
from osm_flow.domain.states import OPEN_CASE, ProjectState
from osm_flow.operations.definitions.library import latest
from osm_flow.operations.projects.register import (
    as_json,
    budget_of,
    keep_contract,
    keep_report,
    money,
    number,
    projects_of,
    renew,
    rounded,
)
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.stepping.service_work import Work
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Case, Project, Province

RECOMMENDATION = "recommendation"


_INSTANCES = ("subcommittee_result", "knb_result", "cabinet_result", "bb_result", "change_result")


# Before anybody outside the office decided on a project.
_PLANNED = (ProjectState.concept, ProjectState.supported, ProjectState.rejected)


_NOT_LIVE = (
    ProjectState.concept,
    ProjectState.rejected,
    ProjectState.not_ready,
    ProjectState.dropped,
    ProjectState.cancelled,
    ProjectState.lapsed,
    ProjectState.closed,
)


def live_projects(work: Work) -> JSON:
    """The projects of the office and year that are being carried out, as a report about each begins with them."""
    found = work.session.scalars(projects_of(work.case).where(Project.state.not_in(_NOT_LIVE)))
    return {"projects": [as_json(project) for project in found if project.result != "N" and project.approved != 0]}


def register_projects(work: Work) -> JSON:
    """Enter the projects of the plan book into the register of the office and year, with what their concepts say.

    A project is known by its code, else by its name; a plan that is revised renews what is only planned so far.
    """
    known = {key: project for project in _held_projects(work) for key in (project.code, project.name_th)}
    concepts = _concepts(work)
    registered = 0
    for row in _planned(work.data, concepts):
        concept = concepts.get(row["name"], {})
        code = str(row.get("project") or "").strip()[:32]
        project = known.get(code) or known.get(row["name"])
        if project is None:
            project = Project(
                code=_free_code(work, code), office_id=work.case.office_id, fiscal_year=work.case.fiscal_year
            )
            work.session.add(project)
        if project.state in (None, ProjectState.concept):
            _describe(project, row, concept)
        work.session.flush()
        known[project.code] = known[project.name_th] = project
        registered += 1
    return {"projects_registered": registered}


def record_results(work: Work) -> JSON:
    """Write the results (Y1, Y2, N …) of the projects into the register, from every row that names project and result."""
    known = _held_projects(work)
    projects = {project.name_th: project for project in known} | {project.code: project for project in known}
    counts = {"Y1": 0, "Y2": 0, "N": 0}
    supported, recorded = Decimal(0), set()
    for row in _rows(work.data, ("project", "result")):
        project = projects.get(_code(row))
        if project is None:
            continue
        project.result = str(row["result"])[:16]
        if project.state in _PLANNED:
            project.state = ProjectState.rejected if project.result == "N" else ProjectState.supported
        amount = money(row.get("amount_supported"))
        if amount is not None:
            project.approved = amount
        recorded.add(project.code)
    for code in sorted(recorded):
        result = projects[code].result or ""
        counts[result] = counts.get(result, 0) + 1
        supported += projects[code].approved or Decimal(0)
    return {
        "results_recorded": len(recorded),
        "count_y1": counts["Y1"],
        "count_y2": counts["Y2"],
        "count_n": counts["N"],
        "amount_supported": number(supported),
    }


def record_quarter(work: Work) -> JSON:
    """Write spending and colour of each project that was asked about; one without figures is shown as not reported."""
    projects = {project.code: project for project in _held_projects(work)}
    quarter = work.data.get("quarter")
    target = money(work.data.get("disbursement_target"))
    if target is None:
        target = spending.USUAL_TARGETS.get(quarter if isinstance(quarter, int) else 0, Decimal(0))
    coloured: dict[str, str] = {}
    for code, figures in _reports(work.data):
        if (project := projects.get(code)) is not None:
            coloured[code] = _record_report(project, figures, target)
    asked = [projects[code] for code in coloured]
    budget = sum((budget_of(project) for project in asked), Decimal(0))
    disbursed = sum((project.disbursed for project in asked), Decimal(0))
    committed = sum((project.committed for project in asked), Decimal(0))
    return {
        "reports_recorded": len(asked),
        "red_projects": [as_json(project) for project in asked if project.colour == "red"],
        "not_reported": [code for code, colour in coloured.items() if colour == "not_reported"],
        "disbursed_percent": rounded(spending.disbursed_percent(budget, disbursed)),
        "used_percent": rounded(spending.used_percent(budget, disbursed, committed)),
    }


def record_contract(work: Work) -> JSON:
    """Write the contract that was recorded into the register; the same number again renews what is known of it."""
    said = _said(work, "contract")
    project = _project_with(work, Project.code, said, "project")
    if project is None:
        return {"contracts_recorded": 0}
    keep_contract(work.session, project, said, work.case, work.now)
    return {"contracts_recorded": 1}


def renew_project(work: Work) -> JSON:
    """Write the new baseline of a project whose change was agreed into the register; the journal keeps the old one."""
    said = _said(work, "project_baseline")
    project = _project_with(work, Project.name_th, said, "project_name")
    if project is None:
        return {"projects_renewed": 0}
    renew(project, said)
    return {"projects_renewed": 1}


def open_recommendations(work: Work) -> JSON:
    """Begin one recommendation case for each red project of the office and year that has none open."""
    reds = [p for p in _held_projects(work) if p.colour == "red" and not _is_advised(work, p)]
    definition = latest(work.session, RECOMMENDATION) if reds else None
    reports = {_code(row): row for row in _rows(work.data, ("project", "quarterly_report"))}
    for project in reds:
        if definition is None:
            break
        data = {
            "project": as_json(project),
            "quarter": work.data.get("quarter"),
            "colour": "red",
            "power_level": "agency",
            "source": work.case.business_key,
        }
        if project.code in reports:
            data["quarterly_report"] = reports[project.code]["quarterly_report"]
        office_id, fiscal_year, key = work.case.office_id, work.case.fiscal_year, _advice_key(work, project)
        start = CaseStart(office_id, fiscal_year, project.name_th, data, project.province_id, key=key)
        stepping.begin(work.session, definition, SYSTEM, work.now, start)
    return {"opened": len(reds)}


def _said(work: Work, key: str) -> JSON:
    """The document as the case has it; empty where it has none."""
    found = work.data.get(key)
    return found if isinstance(found, dict) else {}


def _held_projects(work: Work) -> Sequence[Project]:
    """The projects of the case's office and year as they are now; nobody else writes them before this work is kept."""
    take(work.session, AdvisoryLock.register, of=f"{work.case.office_id} {work.case.fiscal_year}")
    return work.session.scalars(projects_of(work.case).execution_options(populate_existing=True)).all()


def _project_with(work: Work, column: InstrumentedAttribute[str], said: JSON, field: str) -> Project | None:
    """The newest project of the case's office and year that the document names in this field."""
    found = [project for project in _held_projects(work) if getattr(project, column.key) == str(said.get(field))]
    return found[-1] if found else None


def _is_advised(work: Work, project: Project) -> bool:
    """Whether a recommendation about the project is still open; one begun by this very task does not count."""
    own = stepping.case_id_for(SYSTEM.username, _advice_key(work, project))
    office, title = Case.office_id == work.case.office_id, Case.title == project.name_th[:255]
    is_advice = Case.definition.has(key=RECOMMENDATION)
    is_open = Case.state.in_(OPEN_CASE)
    return (
        work.session.scalar(select(Case.id).where(office, title, is_advice, is_open, Case.id != own).limit(1))
        is not None
    )


def _advice_key(work: Work, project: Project) -> str:
    return f"{work.waiting.task_id}:{project.code}"


def _planned(data: JSON, concepts: Mapping[str, JSON]) -> Iterator[JSON]:
    """The rows of the plan book's list of projects, or, while it has none, one for each concept received."""
    book = data.get("plan_assembly")
    rows = book.get("projects") if isinstance(book, dict) else None
    for row in rows or [{"name": name, "amount": c.get("budget_total")} for name, c in concepts.items()]:
        if isinstance(row, dict) and str(row.get("name") or "").strip():
            yield {**row, "name": str(row["name"]).strip()[:512]}


def _concepts(work: Work) -> dict[str, JSON]:
    """The project concepts that the provinces of the office sent, by name, each with its province."""
    found: dict[str, JSON] = {}
    own = set(work.session.scalars(select(Province.id).where(Province.office_id == work.case.office_id)))
    replies = work.data.get("concept_replies")
    for reply in replies if isinstance(replies, list) else []:
        for answer in reply.get("concepts") or [] if isinstance(reply, dict) else []:
            concept = answer.get("project_concept") if isinstance(answer, dict) else None
            if isinstance(concept, dict) and concept.get("name"):
                province = reply.get("province") if reply.get("province") in own else None
                found[str(concept["name"]).strip()[:512]] = {**concept, "province": province}
    return found


def _describe(project: Project, row: JSON, concept: JSON) -> None:
    kinds = [kind for kind in concept.get("budget_types") or [] if isinstance(kind, dict)]
    largest = max(kinds, key=lambda kind: money(kind.get("amount")) or Decimal(0), default={})
    project.name_th = row["name"]
    project.agency_th = str(row.get("agency") or concept.get("agency") or project.agency_th or "")[:255]
    project.province_id = concept.get("province") or project.province_id
    project.budget_type = str(largest.get("category") or project.budget_type or "other")[:32]
    asked = money(row.get("amount"))
    project.requested = asked if asked is not None else (money(concept.get("budget_total")) or Decimal(0))
    project.state = ProjectState.concept


def _free_code(work: Work, code: str) -> str:
    """The code that the plan gives, unless it is one of another office or year; else the next number of this one."""
    is_free = code and work.session.scalar(select(Project.id).where(Project.code == code)) is None
    return code if is_free else _next_code(work)


def _next_code(work: Work) -> str:
    """The next free number of the office and year; the register is written by one case at a time under its lock."""
    prefix = f"PRJ-{work.case.office_id}-{work.case.fiscal_year}-"
    used = work.session.scalars(select(Project.code).where(Project.code.startswith(prefix)))
    newest = max((int(code[len(prefix) :]) for code in used if code[len(prefix) :].isdigit()), default=0)
    return f"{prefix}{newest + 1:04}"


def _record_report(project: Project, figures: Mapping[str, Any], target: Decimal) -> str:
    disbursed, committed = money(figures.get("disbursed")), money(figures.get("committed"))
    if disbursed is None:
        project.colour = "not_reported"
        return "not_reported"
    project.disbursed = disbursed
    project.committed = project.committed if committed is None else committed
    said = figures.get("colour")
    computed = spending.colour_of(spending.disbursed_percent(budget_of(project), disbursed), target)
    project.colour = said if said in spending.COLOURS else computed
    keep_report(project, figures)
    return str(project.colour)


def _reports(data: JSON) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Project code and figures of each report: figures lie beside the project or in a document of their own."""
    for row in _rows(data, ("project",)):
        documents = [value for name, value in row.items() if name != "project" and isinstance(value, dict)]
        figures: dict[str, Any] = {name: value for name, value in row.items() if not isinstance(value, dict)}
        for document in documents:
            if "disbursed" in document:
                figures |= document
        yield _code(row), figures


def _rows(data: JSON, names: tuple[str, ...]) -> Iterator[JSON]:
    """Every row with these columns in the lists of the variables and of their documents; who decides last comes last."""
    for _name, value in sorted(data.items(), key=_by_instance):
        lists = [value] if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
        for rows in lists:
            if isinstance(rows, list):
                yield from (row for row in rows if isinstance(row, dict) and all(name in row for name in names))


def _by_instance(item: tuple[str, Any]) -> tuple[int, str]:
    """Names in their order, the results of one authority after another behind them."""
    return (_INSTANCES.index(item[0]) if item[0] in _INSTANCES else -1, item[0])


def _code(row: JSON) -> str:
    project = row["project"]
    return str(project.get("code", "") if isinstance(project, dict) else project)
