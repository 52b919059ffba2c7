"""What reports, contracts and agreed changes make of what a project says."""

from __future__ import annotations

from osm_flow.domain.json import JSON
from osm_flow.operations.projects.acts import with_baseline, with_contract, with_report
from osm_flow.operations.projects.record_type import last_report

SIGNED = {"contract_no": " 12/2570 ", "value": 800, "sign_date": "2026-12-01", "end_date": "2027-06-30"}


def test_the_next_report_begins_with_figures_and_not_with_words() -> None:
    figures = {"disbursed": 300, "stage": "working", "physical_actual": 0, "forecast_finish": None, "problem": "ฝน"}
    values = with_report({}, 1, figures, "green")

    assert last_report(values) == {"disbursed": 300, "stage": "working", "physical_actual": 0}
    assert values["reports"][-1]["colour"] == "green"


def test_a_quarter_that_is_reported_again_takes_the_place_of_what_it_said() -> None:
    values: JSON = {}
    for quarter, spent, kpi in ((1, 100, 5), (2, 200, 7), (2, 250, 8)):
        results = [{"kpi": "นักท่องเที่ยว", "actual": kpi}]
        values |= with_report(values, quarter, {"disbursed": spent, "kpi_results": results}, "green")

    assert [(row["quarter"], row["disbursed"]) for row in values["reports"]] == [(1, 100), (2, 250)]
    assert [(row["quarter"], row["actual"]) for row in values["kpi_results"]] == [(1, 5), (2, 8)]
    assert last_report(values) == {"disbursed": 250, "kpi_results": [{"kpi": "นักท่องเที่ยว", "actual": 8}]}


def test_a_project_without_a_report_has_none() -> None:
    assert last_report({}) is None


def test_a_contract_is_entered_once_and_renewed_by_its_number() -> None:
    values = with_contract({}, SIGNED, "first")
    values = with_contract(
        values, {**SIGNED, "contract_no": "12/2570", "value": "none", "end_date": "2027-09-30"}, "two"
    )
    values = with_contract(values, {**SIGNED, "contract_no": "13/2570", "value": 0.5, "contractor": "บริษัท ก"}, "two")

    first, second = values["contracts"]
    assert (first["contract_no"], first["value"], first["end_date"], first["case"]) == (
        "12/2570",
        0,
        "2027-09-30",
        "two",
    )
    assert (second["value"], second["contractor"]) == (0.5, "บริษัท ก")


def test_an_agreed_change_renews_what_it_names() -> None:
    before = {"agency": "แขวงทางหลวง", "approved": 900, "state": "signed"}

    said = with_baseline(before, {"budget_after": 850, "agency": "กรมเจ้าท่า", "cancelled": "yes"})
    assert said == {"approved": 850, "agency": "กรมเจ้าท่า"}
    assert with_baseline(before, {"budget_after": "none", "agency": ""}) == {}
    assert with_baseline(before, {"cancelled": True})["state"] == "cancelled"
