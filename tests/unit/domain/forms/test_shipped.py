"""Every form that ships: sound, fillable, agreeing with a JSON Schema library, and asking for what diagrams read."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from osm_flow.domain.forms.schema import fields_of, load_form
from osm_flow.domain.forms.soundness import check_form
from osm_flow.domain.forms.values import prefill, random_values, validate
from osm_flow.operations.projects.acts import RENEWED
from osm_flow.resources import resource_dir

JSON = dict[str, Any]

KEYS = sorted(path.stem for path in resource_dir("forms").glob("*.yaml"))
CASE: JSON = {
    "fy": 2571,
    "office": "NE-U1",
    "provinces": ["TH-38", "TH-39", "TH-41", "TH-42", "TH-43"],
    "province": "TH-41",
    "project": {
        "code": "P1",
        "name": "โครงการหนึ่ง",
        "agency": "แขวงทางหลวง",
        "budget": 12500000,
        "disbursed": 2500000,
        "last_report": {
            "as_of": "2026-09-30",
            "disbursed": 2500000,
            "stage": "signed",
            "physical_plan": 20,
            "physical_actual": 15.5,
            "kpi_results": [{"kpi": "รายได้", "actual": 3}],
        },
    },
    "development_issues": {"issues": [{"code": "D1", "name_th": "ท่องเที่ยว"}, {"code": "D2", "name_th": "เกษตร"}]},
    "kpis": {"kpis": [{"code": "K1", "name_th": "รายได้", "target_y1": 1200.5}]},
    "hearing_plan": {"hearing_type": "hearing_2548"},
    "agenda": {"items": [{"title": "แผน", "draft_resolution": "เห็นชอบ"}]},
    "opinions": {
        "items": [
            {"text": "ขอถนน", "disposition": "accept", "group": "public", "province": "TH-41"},
            {"text": "ขอน้ำ", "disposition": "decline", "group": "public"},
        ]
    },
    "plan_assembly": {
        "targets": [{"kpi": "รายได้", "target": 1200.5}],
        "projects": [{"name": "โครงการหนึ่ง", "amount": 12500000}, {"name": "โครงการสอง", "amount": 2500000.5}],
    },
    "resolutions": {"items": [{"item": "แผน", "type": "endorse", "text": "เห็นชอบ"}]},
    "invitation": {"meeting_at": "2026-12-20T02:00:00Z"},
    "change_request": {
        "project": "P1",
        "project_name": "โครงการหนึ่ง",
        "items": [{"item": "พื้นที่", "before": "ก", "after": "ข"}],
    },
    "around": {
        "record": {
            "code": "P1",
            "version": 3,
            "name": "โครงการหนึ่ง",
            "agency": "แขวงทางหลวง",
            "budget": 12500000,
            "disbursed": 2500000,
            "kpis": [{"kpi": "รายได้", "level": "outcome", "target": 5, "unit": "บาท"}],
            "area": [{"province": "TH-41"}],
        },
        "earlier": [{"code": "P0", "name": "โครงการก่อน", "agency": "ก", "province": "TH-41", "fiscal_year": 2570}],
        "register": [
            {"code": "P1", "name": "โครงการหนึ่ง", "agency": "แขวงทางหลวง", "budget": 12500000, "disbursed": 2500000}
        ],
        "projects": [
            {"name": "โครงการพัฒนาแหล่งท่องเที่ยวริมโขง", "agency": "ก", "issue": "D1", "priority": 1},
            {"name": "โครงการปรับปรุงถนนสายเศรษฐกิจ", "agency": "ข", "issue": "D2", "priority": 2},
        ],
        "concepts": [{"name": "โครงการพัฒนาแหล่งท่องเที่ยวริมโขง 1", "agency": "ค"}],
        "files": ["รายงาน.pdf"],
        "cut_date": "2026-12-31",
        "holidays": ["2026-12-07", "2026-12-31", "2027-01-01"],
        "working": [],
    },
}

# What gateways, decision tables and expressions of the diagrams read: the field, its type, and its options.
READ_BY_DIAGRAMS: dict[str, dict[str, Any]] = {
    "start_annual_cycle": {"plan_mode": ["new5y", "no_change", "review"], "circular": "string"},
    "start_execution_year": {"act_in_force": "boolean"},
    "start_hearing": {"title": "string"},
    "hearing_plan": {"hearing_type": ["consultation", "hearing_2548", "online", "sub_group"]},
    "hearing_notice": {"event_at": "string", "opinions_close_at": "string"},
    "representativeness": {"representative": "boolean", "note": "string"},
    "opinions": {"items": "array"},
    "hearing_summary": {"material_objection": "boolean"},
    "kpis": {"kpi_complete": "boolean"},
    "concept_call": {"concept_count": "integer"},
    "project_concept": {
        "aligned": "boolean",
        "province_count": "integer",
        "duplicates_function": "boolean",
        "prohibited_item": "boolean",
        "land_ready": "boolean",
        "is_construction": "boolean",
        "boq_ready": "boolean",
        "sign_in_q1": "boolean",
    },
    "plan_assembly": {"plan_version": "integer", "hearing_again": "boolean"},
    "approval": {"decision": ["approve", "return"], "reason": "string", "parts": "array", "signed_on_paper": "boolean"},
    "province_reply": {"reply": ["adjust", "confirm", "refuse"]},
    "integrated_plan": {"coverage": "number", "duplicates_found": "boolean"},
    "negotiation": {"negotiation_result": ["agreed", "not_agreed"]},
    "invitation": {"meeting_at": "string"},
    "second_invitation": {"meeting_at": "string"},
    "quorum": {"quorum": ["ok", "short"]},
    "second_quorum": {"quorum": ["ok", "short"]},
    "resolutions": {
        "resolution": ["conditional", "defer", "endorse", "reject", "withdraw"],
        "reconsider_needed": "boolean",
        "parts": "array",
        "assigned": "boolean",
    },
    "submission_package": {"package_complete": "boolean"},
    "review_result": {"result": ["N", "Y1", "Y2", "returned"], "items": "array"},
    "act_record": {"act_in_force": "boolean"},
    "quarterly_report": {
        "after_change": "number",
        "committed": "number",
        "disbursed": "number",
        "target_percent": "number",
    },
    "certify_report": {"report_valid": "boolean", "note": "string"},
    "recommendation": {"power_level": ["agency", "central", "cluster", "province"]},
    "reply": {"reply_type": ["accept", "counter", "reject"]},
    "verification": {"solved": "boolean"},
    "change_request": {
        "change_type": ["T1", "T2", "T3", "T4", "T5"],
        "past_cutoff": "boolean",
        "bb_agreement_required": "boolean",
    },
}


@cache
def shipped(key: str) -> JSON:
    return load_form(yaml.safe_load((resource_dir("forms") / f"{key}.yaml").read_text("utf-8")))


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - dice for tests, not a secret


@pytest.mark.parametrize("key", KEYS)
def test_every_form_is_sound(key: str) -> None:
    assert check_form(shipped(key), house_rules=True) == []


@pytest.mark.parametrize("key", KEYS)
def test_every_form_is_json_schema(key: str) -> None:
    Draft202012Validator.check_schema(shipped(key))


def test_the_state_forms_are_all_there_once() -> None:
    numbers = sorted(form["x-form"] for key in KEYS if "x-form" in (form := shipped(key)))

    assert numbers == [f"F{number:02}" for number in range(1, 24)]


# Lists of projects, and lists whose rows stand for projects of the register.
_OF_PROJECTS = re.compile(r"(around\.(register|earlier)|projects|\w+_result\.items|allocation\.items)$")


def _looked_up(node: Any) -> Iterator[tuple[str, str, Any]]:
    """Every place of a form that chooses, finds or takes over a project: from which list, in which way, by what."""
    if isinstance(node, list):
        for inner in node:
            yield from _looked_up(inner)
    if not isinstance(node, dict):
        return
    for inner in node.values():
        yield from _looked_up(inner)
    for listed in node.get("from", ()) if isinstance(node.get("from"), list) else [node.get("from", node.get("find"))]:
        if isinstance(listed, str) and _OF_PROJECTS.search(listed) and listed != "plan_assembly.projects":
            if "find" in node:
                yield listed, "find", list(node["where"])
            elif "columns" in node:
                yield listed, "rows", node["columns"].get("project")
            else:
                yield listed, "choice", node.get("value")


def test_projects_are_looked_up_by_their_code_never_by_their_name() -> None:
    """Two projects may have one name: whatever chooses one, finds one or takes one over does it by its code."""
    found = {(key, *place[:2], str(place[2])) for key in KEYS for place in _looked_up(shipped(key))}
    by = {"find": {"['code']"}, "choice": {"code"}, "rows": {"code", "project", "['project', 'code']"}}

    assert {way for _, _, way, _ in found} == {"find", "choice", "rows"}
    assert [place for place in sorted(found) if place[3] not in by[place[2]]] == []


def test_forms_about_a_record_open_with_what_it_says() -> None:
    """Each field that a change may touch stands beside the record's value, and opens with it."""
    for key in ("change_request", "project_baseline"):
        fields = fields_of(shipped(key))
        for name in (*RENEWED, "budget_after"):
            of = "budget" if name == "budget_after" else name
            assert fields[name]["x-beside"] == f"around.record.{of}", (key, name)
            assert f"around.record.{of}" in fields[name]["x-default-from"], (key, name)


@pytest.mark.parametrize("key", sorted(READ_BY_DIAGRAMS))
def test_forms_always_give_what_diagrams_read(key: str) -> None:
    schema = shipped(key)

    for name, wanted in READ_BY_DIAGRAMS[key].items():
        field = fields_of(schema)[name]
        assert name in schema["required"], name
        assert (sorted(field["enum"]) if isinstance(wanted, list) else field["type"]) == wanted, name


@given(key=st.sampled_from(KEYS), seed=st.integers(0, 2**32), in_case=st.booleans())
@settings(max_examples=250, deadline=None)
def test_drawn_values_always_keep_schema_and_rules(key: str, seed: int, in_case: bool) -> None:
    context = CASE if in_case else {}

    values = random_values(shipped(key), dice(seed), context)

    assert validate(shipped(key), values, context) == {}
    Draft202012Validator(shipped(key)).validate(values)
    assert json.loads(json.dumps(values)) == values


@given(key=st.sampled_from(KEYS), seed=st.integers(0, 2**32), data=st.data())
@settings(max_examples=250, deadline=None)
def test_what_a_json_schema_library_refuses_is_refused_here_too(key: str, seed: int, data: st.DataObject) -> None:
    """One value of a good form is spoilt at random; the library is the judge of whether it still fits."""
    schema = shipped(key)
    values = random_values(schema, dice(seed))
    name = data.draw(st.sampled_from(sorted(fields_of(schema))))
    spoilt = copy.deepcopy(values)
    spoilt[name] = data.draw(
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(-5, 10),
            st.floats(allow_nan=False),
            st.text(max_size=5),
            st.just("x" * 20001),
            st.lists(
                st.one_of(st.integers(), st.text(max_size=3), st.dictionaries(st.text(max_size=3), st.integers()))
            ),
            st.just(values[name] * 200 if isinstance(values.get(name), list) else 0),
        )
    )

    if not Draft202012Validator(schema).is_valid(spoilt):
        assert any(path.split(".")[0] == name for path in validate(schema, spoilt))


@pytest.mark.parametrize("key", KEYS)
def test_prefilled_values_fit_their_fields(key: str) -> None:
    """Only what is still missing, and rules over what is still missing, may be wrong with a form that just opened."""
    schema = shipped(key)
    filled = prefill(schema, CASE)
    bare = {word: value for word, value in schema.items() if word not in ("required", "x-rules")}

    errors = validate(bare, filled, CASE)

    assert {path for path, message in errors.items() if message.key != "This must be filled in."} == set()


def test_the_same_seed_draws_the_same_values() -> None:
    first, second = (random_values(shipped("project_concept"), dice(7)) for _ in range(2))

    assert first == second
