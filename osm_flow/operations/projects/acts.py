"""Writing projects: each act is one entry in the register of an office and year, with a new version of what it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.acts import BookAct, NewVersion
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import may_step
from osm_flow.domain.states import ProjectState, SideState
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.acts import SaysTheSame, Written
from osm_flow.operations.books.versions import NewestVersion, newest_of
from osm_flow.operations.projects.record_type import KIND, REPORTED, project_type
from osm_flow.operations.projects.register import money, number

# What a new baseline may change beside budget and state: what both the record and the form know.
RENEWED = ("agency", "start_date", "end_date", "kpis", "area", "activities", "cost_basis")


def register(
    session: Session, name: BookName, act: BookAct, actor: Actor, now: datetime, projects: Mapping[str, JSON]
) -> Written | None:
    """Enter projects under their codes, or renew what the register says of them; None where it says all of it already."""
    return _write(session, name, act, actor, now, projects)


def revise(
    session: Session, name: BookName, act: BookAct, actor: Actor, now: datetime, changes: Mapping[str, JSON]
) -> Written | None:
    """Change these fields of projects of one register; what they say otherwise stays. None where nothing changes."""
    books.lock_book(session, name)
    known = newest_of(session, KIND, list(changes))
    revised = {code: {**known[code].values(project_type()), **new} for code, new in changes.items()}
    return _write(session, name, act, actor, now, revised, known)


def _write(
    session: Session,
    name: BookName,
    act: BookAct,
    actor: Actor,
    now: datetime,
    projects: Mapping[str, JSON],
    known: Mapping[str, NewestVersion] | None = None,
) -> Written | None:
    versions = [NewVersion(code, values) for code, values in sorted(projects.items())]
    try:
        return books.write(session, name, act, actor, now, versions, known=known)
    except SaysTheSame:
        return None


def values_by_code(session: Session, codes: Sequence[str]) -> dict[str, JSON]:
    """What the records of these projects say now."""
    return {code: kept.values(project_type()) for code, kept in newest_of(session, KIND, codes).items()}


# ---- what processes write down ----------------------------------------------------------------------------------


def with_report(values: JSON, quarter: int | None, figures: Mapping[str, Any], colour: str) -> JSON:
    """The fields that a quarterly report changes; the same quarter again takes the place of what it said before.

    Reports stand in the order of their quarters, those of unknown quarters first: the last one is the newest.
    """
    before: Sequence[JSON] = values.get("reports") or []
    said = {name: figures[name] for name in REPORTED if figures.get(name) is not None}
    row = {"quarter": quarter, **said, "colour": colour}
    reports = [kept for kept in before if quarter is None or kept.get("quarter") != quarter]
    reports.append({name: value for name, value in row.items() if value is not None})
    changed: JSON = {"reports": sorted(reports, key=lambda one: one.get("quarter") or 0)}
    results = figures.get("kpi_results")
    if isinstance(results, list):
        others = [kept for kept in values.get("kpi_results") or [] if kept.get("quarter") != quarter]
        changed["kpi_results"] = others + [_kpi_result(quarter, item) for item in results if isinstance(item, dict)]
    return changed


def is_newest(values: JSON, quarter: int | None) -> bool:
    """Whether no later quarter has been reported on: a report put right later does not turn the newest figures back."""
    return quarter is None or all((one.get("quarter") or 0) <= quarter for one in values.get("reports") or [])


def _kpi_result(quarter: int | None, said: JSON) -> JSON:
    row = {"quarter": quarter, **{name: said.get(name) for name in ("kpi", "actual", "source")}}
    return {name: value for name, value in row.items() if value is not None}


def with_contract(values: JSON, said: JSON, case_id: str) -> JSON:
    """The contracts of a project with this one: entered, or renewed where its number is known.

    Raises KeyError and ValueError for a contract without a number, an amount or days.
    """
    contract: JSON = {
        "contract_no": str(said["contract_no"]).strip()[:64],
        "value": number(money(said["value"]) or Decimal(0)),
        "sign_date": date.fromisoformat(said["sign_date"]).isoformat(),
        "end_date": date.fromisoformat(said["end_date"]).isoformat(),
        "case": case_id,
    }
    contract |= {name: str(said[name]).strip() for name in ("contractor", "method") if said.get(name)}
    kept: list[JSON] = list(values.get("contracts") or [])
    places = [place for place, known in enumerate(kept) if known.get("contract_no") == contract["contract_no"]]
    if places:
        kept[places[0]] = contract
    else:
        kept.append(contract)
    return {"contracts": kept}


def with_baseline(values: JSON, said: JSON) -> JSON:
    """The new baseline: what was agreed to change, the budget after it, and whether the project goes on at all.

    What the document leaves empty stays as it was.
    """
    changed: JSON = {name: said[name] for name in RENEWED if said.get(name)}
    if "agency" in changed:
        changed["agency"] = str(changed["agency"])[:255]
    if (budget := money(said.get("budget_after"))) is not None:
        changed["approved"] = number(budget)
    if said.get("cancelled") is True and may_step(str(values.get("state")), ProjectState.cancelled):
        changed["state"] = str(ProjectState.cancelled)
    if values.get("side_state") == SideState.changing:
        changed["side_state"] = None
    return changed
