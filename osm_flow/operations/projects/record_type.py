"""Projects as records: their schema, and what their table says of one."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import ENDED, PROJECT_STATES, SIDE_STATES, side_name, state_name
from osm_flow.domain.retention import retention_of
from osm_flow.domain.search import searchable
from osm_flow.domain.states import ProjectState
from osm_flow.operations.books.record_forms import record_form, taken_fields
from osm_flow.operations.books.record_types import RecordType
from osm_flow.store.models import Project

KIND = "projects"
# The beginning of codes: PRJ-NE-U1-2571-0007.
PREFIX = "PRJ"

# The figures of a report that the next one begins with.
REPORTED = (
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
)

# What a concept says of a project beside its name, agency, province and money, with who answers for it.
BRIEF = taken_fields(KIND)


# In these nothing is done in a project any more, so that nobody has to be reached about it.
_CLOSED = (
    *ENDED,
    ProjectState.screened_out,
    ProjectState.n,
    ProjectState.rejected,
    ProjectState.dropped,
)


@cache
def project_type() -> RecordType:
    """The kind of record that a project is."""
    form = record_form(KIND)
    names = ((state, *(state_name(state, locale) for locale in ("th", "en"))) for state in PROJECT_STATES)
    form["properties"]["state"]["x-enum"] = [{"value": state, "th": th, "en": en} for state, th, en in names]
    beside = ((state, *(side_name(state, locale) for locale in ("th", "en"))) for state in SIDE_STATES)
    form["properties"]["side_state"]["x-enum"] = [{"value": state, "th": th, "en": en} for state, th, en in beside]
    schema = RecordSchema(KIND, 4, form, _UPCASTERS)
    return RecordType(schema, Project, "code", _row, files_of, retention_of("5y"), _is_closed, prefix=PREFIX)


def _is_closed(values: JSON) -> bool:
    return values.get("state") in _CLOSED


def _as_before(values: JSON) -> JSON:
    """What was said before stays as it is.

    Version 2 added photos, files, what goes on beside the course, and the allotment; version 3 the lines of the budget request,
    the spending plan and what becomes of money at the end of the year; version 4 what the screening said, what the draft plan
    asks for, and the opinions of provinces.
    """
    return values


_UPCASTERS = {1: _as_before, 2: _as_before, 3: _as_before}


def files_of(values: JSON) -> set[str]:
    """The digests of the files that a project names: papers, photos and their small pictures."""
    rows = [*(values.get("photos") or []), *(values.get("files") or [])]
    return {row[name] for row in rows for name in ("sha256", "preview") if row.get(name)}


def book_of(office_id: str, fiscal_year: int) -> BookName:
    """The register of the projects of an office and fiscal year."""
    return BookName(KIND, office_id, fiscal_year)


def last_report(values: JSON) -> JSON | None:
    """The figures of the newest report, with what was reported on indicators; None before the first."""
    reports = values.get("reports") or []
    if not reports:
        return None
    newest = reports[-1]
    figures = {name: newest[name] for name in REPORTED if newest.get(name) is not None}
    columns = ("kpi", "actual", "source")
    results = [row for row in values.get("kpi_results") or [] if row.get("quarter") == newest.get("quarter")]
    if results:
        figures["kpi_results"] = [{name: row[name] for name in columns if name in row} for row in results]
    return figures


def _row(book: BookName, code: str, values: JSON) -> dict[str, Any]:
    """What the table says of a project with these values."""
    report = last_report(values)
    contracts = values.get("contracts") or []
    return {
        "office_id": book.office_id,
        "fiscal_year": book.year,
        "name_th": values.get("name", ""),
        "agency_th": values.get("agency", ""),
        "province_id": values.get("province"),
        "budget_type": values.get("budget_type", "other"),
        "requested": _amount(values.get("requested")) or Decimal(0),
        "approved": _amount(values.get("approved")),
        "committed": _amount(values.get("committed")) or Decimal(0),
        "disbursed": _amount(values.get("disbursed")) or Decimal(0),
        "contracted": sum((_amount(row.get("value")) or Decimal(0) for row in contracts), Decimal(0))
        if contracts
        else None,
        "result": values.get("result"),
        "state": values.get("state", "concept"),
        "colour": values.get("colour"),
        "last_report": json.dumps(report, ensure_ascii=False, sort_keys=True) if report else None,
        "agency_key": _agency_key(values.get("agency")),
        "search": searchable(values.get("name"), values.get("agency"), code),
    }


@lru_cache(maxsize=1_024)
def _agency_key(agency: str | None) -> str:
    """Many projects are of the same agency."""
    return searchable(agency)[:512]


def _amount(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.01"))
