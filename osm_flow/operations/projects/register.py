"""The register of projects: which there are, and how forms and diagrams see one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Select, select

from osm_flow.domain.json import JSON
from osm_flow.operations.projects.record_type import last_report, project_type
from osm_flow.store.models import Case, Project


def projects_of(case: Case) -> Select[Project]:
    """The projects of the case's office and fiscal year, oldest first."""
    same = (Project.office_id == case.office_id, Project.fiscal_year == case.fiscal_year)
    return select(Project).where(*same).order_by(Project.id)


def as_json(project: Project) -> JSON:
    """A project as forms and diagrams see it; `last_report` and `contract_value` only where there are any."""
    shown: JSON = {
        "code": project.code,
        "name": project.name_th,
        "agency": project.agency_th,
        "province": project.province_id,
        "budget_type": project.budget_type,
        "budget": number(budget_of(project)),
        "committed": number(project.committed),
        "disbursed": number(project.disbursed),
        "result": project.result,
        "state": project.state,
        "colour": project.colour,
    }
    if project.last_report:
        shown["last_report"] = json.loads(project.last_report)
    if project.contracted is not None:
        shown["contract_value"] = number(project.contracted)
    return shown


def drawn(values: JSON, quarter: object = None) -> JSON:
    """What forms draw from what the record of a project says: its values, and what is worked out of them.

    Nothing that names a person. `budget_total` is what the activities come to, `physical_plan` how much of it they want to
    have spent by the end of the quarter, in per cent.
    """
    personal = project_type().schema.personal
    shown = {name: value for name, value in values.items() if name not in personal}
    activities = [row for row in values.get("activities") or [] if isinstance(row, dict)]
    total = _sum(activities, "budget")
    report = last_report(values) or {}
    approved = values.get("approved")
    shown |= {"last_report": report, "budget": values.get("requested") if approved is None else approved}
    if total:
        shown["budget_total"] = number(total)
    if total and quarter in (1, 2, 3, 4):
        planned = _sum(activities, *(f"q{number_}" for number_ in range(1, int(str(quarter)) + 1)))
        reported = money(report.get("physical_plan")) or Decimal(0)
        shown["physical_plan"] = rounded(max(min(planned / total, Decimal(1)) * 100, reported))
    results = {row.get("kpi"): row for row in report.get("kpi_results", ())}
    shown["kpi_results"] = [_kpi_row(row, results) for row in values.get("kpis") or []] or list(results.values())
    if contracts := values.get("contracts"):
        shown["contract_value"] = number(_sum(contracts, "value"))
    return shown


def _sum(rows: Sequence[JSON], *columns: str) -> Decimal:
    return sum((money(row.get(name)) or Decimal(0) for row in rows for name in columns), Decimal(0))


def _kpi_row(planned: JSON, results: dict[Any, JSON]) -> JSON:
    """An indicator of the project with what was last reported on it."""
    reported = results.get(planned.get("kpi"), {})
    row = {"kpi": planned.get("kpi"), "target": planned.get("target"), "unit": planned.get("unit")}
    row |= {"actual": reported.get("actual"), "source": reported.get("source")}
    return {name: value for name, value in row.items() if value is not None}


def budget_of(project: Project) -> Decimal:
    """What the project may spend: what was approved, while nothing is what was asked for."""
    return project.requested if project.approved is None else project.approved


def money(value: object) -> Decimal | None:
    """An amount in baht with two decimals; None for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) >= 10**12:
        return None
    rounded = amount.quantize(Decimal("0.01"))
    return rounded if abs(rounded) < 10**12 else None


def number(amount: Decimal) -> int | float:
    """An amount as JSON keeps it."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def rounded(percent: Decimal) -> int | float:
    """A percentage with two decimals."""
    return number(percent.quantize(Decimal("0.01")))
