"""The topics that service tasks may name, each with the JSON Schema of its result."""

from __future__ import annotations

from collections.abc import Mapping

from osm_flow.domain.json import JSON
from osm_flow.domain.projects import spending

_TEXT: JSON = {"type": "string", "minLength": 1, "maxLength": 100}
_MONEY: JSON = {"type": "number", "minimum": 0, "maximum": 60_000_000, "multipleOf": 0.01}
_COUNT: JSON = {"type": "integer", "minimum": 0, "maximum": 20}
_PERCENT: JSON = {"type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.01}


def _object(**fields: JSON) -> JSON:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list_of(items: JSON) -> JSON:
    return {"type": "array", "items": items, "maxItems": 20}


_PROJECT: JSON = _object(
    code=_TEXT,
    name=_TEXT,
    agency=_TEXT,
    province=_TEXT,
    budget_type=_TEXT,
    budget=_MONEY,
    committed=_MONEY,
    disbursed=_MONEY,
    result=_TEXT,
    state=_TEXT,
    colour={"type": "string", "enum": list(spending.COLOURS)},
) | {"additionalProperties": True}

# The bounds are those of a simulated result, which is drawn from its schema.
RESULT_SCHEMAS: Mapping[str, JSON] = {
    "send_letter": _object(),
    "notify": _object(),
    "live_projects": _object(projects=_list_of(_PROJECT)),
    "register_concept": _object(concept_code=_TEXT),
    "record_screening": _object(screenings_recorded=_COUNT),
    "register_projects": _object(projects_registered=_COUNT),
    "record_results": _object(
        results_recorded=_COUNT,
        count_y1=_COUNT,
        count_y2=_COUNT,
        count_n=_COUNT,
        amount_supported=_MONEY,
    ),
    "record_quarter": _object(
        reports_recorded=_COUNT,
        red_projects=_list_of(_PROJECT),
        not_reported=_list_of(_TEXT),
        disbursed_percent=_PERCENT,
        used_percent=_PERCENT,
    ),
    "record_contract": _object(contracts_recorded=_COUNT),
    "renew_project": _object(projects_renewed=_COUNT),
    **dict.fromkeys(
        ("move_projects", "record_act", "record_allotment", "record_year_end", "begin_change", "end_change"),
        _object(projects_moved=_COUNT),
    ),
    "open_recommendations": _object(opened=_COUNT),
}
