"""The topics with which diagrams move projects on from one state of the list to the next."""

from __future__ import annotations

from collections.abc import Iterable

from osm_flow.domain.json import JSON
from osm_flow.domain.projects.states import BEYOND_ACT, JUDGED, PROJECT_STATES, may_step
from osm_flow.domain.states import ProjectState, SideState
from osm_flow.operations.project_topics.known import (
    KnownProjects,
    document_of,
    revise_known,
)
from osm_flow.operations.projects.record_type import project_type
from osm_flow.operations.projects.register import money, number
from osm_flow.operations.stepping.service_work import TopicRefused, Work

# What is decided at the end of the year about money that is left: the state, or what goes on beside it.
_CARRIED, _LAPSED = "carry", "lapse"


def move_projects(work: Work) -> JSON:
    """Move the projects of the office and year on into the state that the diagram names; those that may not step there stay.

    Raises TopicRefused for a state that is not on the list.
    """
    wanted = work.needed("project_state")
    if wanted not in PROJECT_STATES:
        raise TopicRefused(reason=f"there is no project state {wanted}")
    known = KnownProjects.of(work)
    return _moved(work, {code: {"state": wanted} for code in _may_step(known, wanted)})


def record_act(work: Work) -> JSON:
    """The Budget Act is in force: the projects of the request are in it, since the day of the Gazette."""
    if work.data.get("act_in_force") is False:
        return {"projects_moved": 0}
    known = KnownProjects.of(work)
    said: JSON = {"level": "act", "decided_on": work.data.get("gazette_date"), "conditions": work.data.get("act_note")}
    level = {name: value for name, value in said.items() if isinstance(value, str) and value}
    steps = set(_may_step(known, ProjectState.in_act))
    changed: dict[str, JSON] = {}
    for code, values in known.values.items():
        # Work that began on the interim budget is further than that already; the Act is written down all the same.
        if code not in steps and values.get("state") not in BEYOND_ACT:
            continue
        rows = [row for row in values.get("results") or [] if row.get("level") != "act"]
        told = {**level, "result": values["result"]} if values.get("result") else level
        changed[code] = {"results": [*rows, told], **({"state": str(ProjectState.in_act)} if code in steps else {})}
    return _moved(work, changed)


def record_allotment(work: Work) -> JSON:
    """Write what was allotted to each project into the register, with its budget code and the day of the letter."""
    said = document_of(work, "allocation")
    known = KnownProjects.of(work)
    received = said.get("received_on")
    changed: dict[str, JSON] = {}
    for row in _rows_of(said):
        amount = money(row.get("amount"))
        code = known.find_judged({**row, "amount_requested": None}) if row.get("project") else None
        if code is None or amount is None:
            continue
        told: JSON = {"allotted": number(amount), "budget_code": row.get("budget_code"), "allotted_on": received}
        fitting, _left = project_type().schema.fit({name: value for name, value in told.items() if value is not None})
        changed[code] = {**changed.get(code, {}), **fitting}
        if may_step(str(known.values[code].get("state")), ProjectState.allotted):
            changed[code]["state"] = str(ProjectState.allotted)
    return _moved(work, changed)


def record_year_end(work: Work) -> JSON:
    """Write down whose money is carried over and whose lapses; a project whose money lapses has ended."""
    known = KnownProjects.of(work)
    changed: dict[str, JSON] = {}
    for row in _rows_of(document_of(work, "year_end")):
        code = known.find_judged({**row, "amount_requested": None}) if row.get("project") else None
        if code is None:
            continue
        if row.get("decision") == _CARRIED:
            changed[code] = {"side_state": str(SideState.carried)}
        elif row.get("decision") == _LAPSED and may_step(str(known.values[code].get("state")), ProjectState.lapsed):
            changed[code] = {"state": str(ProjectState.lapsed)}
    return _moved(work, changed)


def begin_change(work: Work) -> JSON:
    """Say of the project that somebody asks to change it; its own course stands meanwhile."""
    return _mark(work, str(SideState.changing))


def end_change(work: Work) -> JSON:
    """Say of the project that nothing about it is being changed any more: the request was not agreed to."""
    return _mark(work, None)


def _mark(work: Work, side_state: str | None) -> JSON:
    said = document_of(work, "change_request")
    known = KnownProjects.of(work)
    code = known.find_alone(str(said.get("project") or ""), str(said.get("project_name") or ""))
    if code is None or known.values[code].get("side_state") not in (None, "", SideState.changing):
        return {"projects_moved": 0}
    return _moved(work, {code: {"side_state": side_state}})


def _may_step(known: KnownProjects, wanted: str) -> Iterable[str]:
    """The projects that step into the state.

    Of those that were judged Y1 alone go on to the request and the Act; what was built or bought is closed once it is handed over.
    """
    for code, values in known.values.items():
        state = str(values.get("state"))
        is_judged_otherwise = state in JUDGED and values.get("result") not in (None, "Y1")
        is_still_held = wanted == ProjectState.closed and state == ProjectState.paid and _has_assets(values)
        if may_step(state, wanted) and not is_judged_otherwise and not is_still_held:
            yield code


def _has_assets(values: JSON) -> bool:
    return values.get("budget_type") in ("durable", "construction", "capital")


def _rows_of(document: JSON) -> Iterable[JSON]:
    rows = document.get("items")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _moved(work: Work, changed: dict[str, JSON]) -> JSON:
    revise_known(work, changed)
    return {"projects_moved": len(changed)}
