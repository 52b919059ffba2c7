"""The topics of projects that are decided on and carried out: results, contracts, reports, new baselines, recommendations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.json import JSON
from osm_flow.domain.projects import spending
from osm_flow.domain.projects.states import NOT_LIVE, OF_STAGE, may_step
from osm_flow.domain.states import OPEN_CASE, ProjectState
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.definitions.library import latest
from osm_flow.operations.ledger.case_journal import data_of
from osm_flow.operations.project_topics.known import (
    MOST_TOLD,
    KnownProjects,
    code_of_row,
    document_of,
    held_projects,
    revise_known,
    rows_with,
    told_rows,
)
from osm_flow.operations.projects.acts import (
    is_newest,
    with_baseline,
    with_contract,
    with_report,
)
from osm_flow.operations.projects.record_type import project_type
from osm_flow.operations.projects.register import as_json, budget_of, money, number, projects_of, rounded
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.stepping.service_work import Work
from osm_flow.store.models import Case, JournalPayload, Project

RECOMMENDATION = "recommendation"

RECOMMENDATION = "recommendation"
_OF_RESULT = {"Y1": ProjectState.y1, "Y2": ProjectState.y2, "N": ProjectState.n}


def live_projects(work: Work) -> JSON:
    """The projects of the office and year that are being carried out, as a report about each begins with them."""
    found = work.session.scalars(projects_of(work.case).where(Project.state.not_in(NOT_LIVE)))
    return {"projects": [as_json(project) for project in found if project.result != "N" and project.approved != 0]}


def record_results(work: Work) -> JSON:
    """Write the results (Y1, Y2, N …) of the projects into the register, from every row that names project and result."""
    known = KnownProjects.of(work)
    changed: dict[str, JSON] = {}
    for row, document in told_rows(with_rows_again(work.session, work.data), ("project", "result")):
        code = known.find_judged(row)
        if code is not None and isinstance(row["result"], str) and row["result"]:
            before = {**known.values[code], **changed.get(code, {})}
            said, _left = project_type().schema.fit(_result(before, row, document))
            changed[code] = {**changed.get(code, {}), **said}
    revise_known(work, changed)
    counts = {"Y1": 0, "Y2": 0, "N": 0}
    supported = Decimal(0)
    for code in sorted(changed):
        values = {**known.values[code], **changed[code]}
        result = str(values.get("result") or "")
        counts[result] = counts.get(result, 0) + 1
        supported += money(values.get("approved")) or Decimal(0)
    return {
        "results_recorded": len(changed),
        "count_y1": counts["Y1"],
        "count_y2": counts["Y2"],
        "count_n": counts["N"],
        "amount_supported": number(supported),
    }


def record_quarter(work: Work) -> JSON:
    """Write spending and colour of each project that was asked about; one without figures is shown as not reported."""
    known = KnownProjects.of(work)
    quarter = work.data.get("quarter")
    quarter = quarter if isinstance(quarter, int) and not isinstance(quarter, bool) else None
    target = money(work.data.get("disbursement_target"))
    if target is None:
        target = spending.USUAL_TARGETS.get(quarter or 0, Decimal(0))
    changed: dict[str, JSON] = {}
    for code, figures in _reports(work.data):
        if code in known.values:
            values = {**known.values[code], **changed.get(code, {})}
            said, _left = project_type().schema.fit(_reported(values, figures, target, quarter))
            changed[code] = {**changed.get(code, {}), **said}
    revise_known(work, changed)
    projects = {project.code: project for project in held_projects(work)}
    asked = [projects[code] for code in changed]
    budget = sum((budget_of(project) for project in asked), Decimal(0))
    disbursed = sum((project.disbursed for project in asked), Decimal(0))
    committed = sum((project.committed for project in asked), Decimal(0))
    return {
        "reports_recorded": len(asked),
        "red_projects": [as_json(project) for project in asked if project.colour == "red"],
        "not_reported": [project.code for project in asked if project.colour == "not_reported"],
        "disbursed_percent": rounded(spending.disbursed_percent(budget, disbursed)),
        "used_percent": rounded(spending.used_percent(budget, disbursed, committed)),
    }


def record_contract(work: Work) -> JSON:
    """Write the contract that was recorded into the register; the same number again renews what is known of it."""
    said = document_of(work, "contract")
    known = KnownProjects.of(work)
    code = known.find(str(said.get("project") or ""))
    if code is None:
        return {"contracts_recorded": 0}
    values = known.values[code]
    signed = {"state": str(ProjectState.signed)} if may_step(str(values.get("state")), ProjectState.signed) else {}
    revise_known(work, {code: {**with_contract(values, said, work.case.id), **signed}})
    return {"contracts_recorded": 1}


def renew_project(work: Work) -> JSON:
    """Write the new baseline of a project whose change was agreed into the register, which keeps the one before.

    Raises TopicRefused where the document gives no code and several projects have the name that it gives.
    """
    said = document_of(work, "project_baseline")
    known = KnownProjects.of(work)
    code = known.find(str(said.get("code") or ""), str(said.get("project_name") or ""))
    if code is None:
        return {"projects_renewed": 0}
    changed, left = project_type().schema.fit(with_baseline(known.values[code], said))
    if changed:
        revise_known(work, {code: changed}, {"left_out": {code: left[:MOST_TOLD]}} if left else {})
    return {"projects_renewed": 1}


def open_recommendations(work: Work) -> JSON:
    """Begin one recommendation case for each red project of the office and year that has none open."""
    advised = _advised(work)
    reds = [p for p in held_projects(work) if p.colour == "red" and p.code not in advised]
    definition = latest(work.session, RECOMMENDATION) if reds else None
    reports = {code_of_row(row): row for row in rows_with(work.data, ("project", "quarterly_report"))}
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
        office_id, fiscal_year, key = work.case.office_id, work.case.fiscal_year, _advice_key(work, project.code)
        start = CaseStart(office_id, fiscal_year, project.name_th, data, project.province_id, key=key)
        stepping.begin(work.session, definition, SYSTEM, work.now, start)
    return {"opened": len(reds)}


def _result(values: JSON, row: JSON, document: JSON) -> JSON:
    """The fields that the result of an authority changes: the newest one, and the list of those of each level."""
    changed: JSON = {"result": str(row["result"])[:16]}
    state = _OF_RESULT.get(changed["result"])
    if state is not None and may_step(str(values.get("state")), state):
        changed["state"] = str(state)
    amount = money(row.get("amount_supported"))
    if amount is not None:
        changed["approved"] = number(amount)
    if document.get("level"):
        told = {**{name: document.get(name) for name in ("level", "decided_on", "doc_ref", "conditions")}}
        told |= {name: row[name] for name in ("result", "amount_requested", "amount_supported") if name in row}
        told |= {"conditions": row.get("conditions") or told["conditions"]}
        level = {name: value for name, value in told.items() if value not in (None, "")}
        kept = [one for one in values.get("results") or [] if not _is_same_level(one, level)]
        changed["results"] = [*kept, level]
    return changed


def _is_same_level(one: JSON, other: JSON) -> bool:
    """Whether both say what the same authority decided on the same day: what is said last is meant."""
    return all(one.get(name) == other.get(name) for name in ("level", "decided_on"))


def _advised(work: Work) -> set[str]:
    """The codes of the projects about which a recommendation is still open, those begun by this very task left out."""
    is_advice = Case.definition.has(key=RECOMMENDATION)
    query = (
        select(Case.id, JournalPayload.body)
        .join(JournalPayload, (JournalPayload.case_id == Case.id) & (JournalPayload.seq == 1))
        .where(Case.office_id == work.case.office_id, is_advice, Case.state.in_(OPEN_CASE))
    )
    begun_with = {case_id: data_of(body).get("project") for case_id, body in work.session.execute(query)}
    codes = {case_id: str(said.get("code")) for case_id, said in begun_with.items() if isinstance(said, dict)}
    own = {stepping.case_id_for(SYSTEM.username, _advice_key(work, code)) for code in codes.values()}
    return {code for case_id, code in codes.items() if case_id not in own}


def _advice_key(work: Work, code: str) -> str:
    return f"{work.waiting.task_id}:{code}"


def _reported(values: JSON, figures: Mapping[str, Any], target: Decimal, quarter: int | None) -> JSON:
    """The fields that a report of a quarter changes."""
    disbursed, committed = money(figures.get("disbursed")), money(figures.get("committed"))
    if disbursed is None:
        return {"colour": "not_reported"}
    approved = money(values.get("approved"))
    budget = approved if approved is not None else (money(values.get("requested")) or Decimal(0))
    said = figures.get("colour")
    computed = spending.colour_of(spending.disbursed_percent(budget, disbursed), target)
    colour = str(said if said in spending.COLOURS else computed)
    changed: JSON = {"disbursed": number(disbursed), "colour": colour} if is_newest(values, quarter) else {}
    if changed and committed is not None:
        changed["committed"] = number(committed)
    reached = OF_STAGE.get(str(figures.get("stage")))
    if changed and reached is not None and may_step(str(values.get("state")), reached):
        changed["state"] = str(reached)
    return changed | with_report(values, quarter, figures, colour)


def _reports(data: JSON) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Project code and figures of each report: figures lie beside the project or in a document of their own."""
    for row in rows_with(data, ("project",)):
        documents = [value for name, value in row.items() if name != "project" and isinstance(value, dict)]
        figures: dict[str, Any] = {name: value for name, value in row.items() if not isinstance(value, dict)}
        for document in documents:
            if "disbursed" in document:
                figures |= document
        yield code_of_row(row), figures
