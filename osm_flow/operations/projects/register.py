"""The register of projects: how a project is read, and what reports, contracts and agreed changes write into it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.domain.states import ProjectState
from osm_flow.store.models import Case, Contract, Project

# What the next report of a project begins with.
_REPORTED = (
    "as_of",
    "budget_act",
    "allocated",
    "after_change",
    "committed",
    "disbursed",
    "contract_value",
    "leftover",
    "stage",
    "physical_plan",
    "physical_actual",
    "forecast_finish",
    "forecast_disburse",
    "kpi_results",
)


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
    if project.contracts:
        shown["contract_value"] = number(sum((contract.value for contract in project.contracts), Decimal(0)))
    return shown


def budget_of(project: Project) -> Decimal:
    """What the project may spend: what was approved, while nothing is what was asked for."""
    return project.requested if project.approved is None else project.approved


def keep_report(project: Project, figures: Mapping[str, Any]) -> None:
    """Keep the figures of a report for the next one to begin with and to be measured against."""
    kept = {name: figures[name] for name in _REPORTED if figures.get(name) is not None}
    project.last_report = json.dumps(kept, ensure_ascii=False, sort_keys=True)


def keep_contract(session: Session, project: Project, said: JSON, case: Case, now: datetime) -> None:
    """Enter a contract, or renew the one with this number."""
    contract_no = str(said["contract_no"]).strip()[:64]
    contract = next((kept for kept in project.contracts if kept.contract_no == contract_no), None)
    if contract is None:
        contract = Contract(contract_no=contract_no)
        project.contracts.append(contract)
    contract.value = money(said["value"]) or Decimal(0)
    contract.sign_date, contract.end_date = date.fromisoformat(said["sign_date"]), date.fromisoformat(said["end_date"])
    contract.case_id, contract.at = case.id, now
    session.flush()


def renew(project: Project, said: JSON) -> None:
    """Take over the new baseline: agency, budget after the change, and whether the project goes on at all."""
    budget = money(said.get("budget_after"))
    if budget is not None:
        project.approved = budget
    project.agency_th = str(said.get("agency") or project.agency_th)[:255]
    if said.get("cancelled") is True:
        project.state = ProjectState.cancelled


def money(value: object) -> Decimal | None:
    """An amount in baht with two decimals; None for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount.quantize(Decimal("0.01")) if amount.is_finite() and abs(amount) < 10**12 else None


def number(amount: Decimal) -> int | float:
    """An amount as JSON keeps it."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def rounded(percent: Decimal) -> int | float:
    """A percentage with two decimals."""
    return number(percent.quantize(Decimal("0.01")))
