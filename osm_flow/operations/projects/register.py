"""The register of projects: which there are, and how forms and diagrams see one."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation

from sqlalchemy import Select, select

from osm_flow.domain.json import JSON
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
