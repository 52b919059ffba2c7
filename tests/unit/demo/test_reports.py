"""What the demo's people report in the closing year is what the shipped forms take."""

from __future__ import annotations

import pytest

from osm_flow.demo import reports
from osm_flow.demo.register import CLOSING
from osm_flow.domain.json import JSON
from tests.unit.demo.story import faults, times

TIMES = times()
# Project 3 has not reported in the last quarter: its contractor is gone.
REPORTED = [(n, q) for n in range(1, len(CLOSING) + 1) for q in (1, 2, 3, 4) if (n, q) != (3, 4)]


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("certify_report", reports.certified()),
        ("certify_report", reports.certified("ยอดเบิกจ่ายไม่ตรง")),
        ("site_visit", reports.site_visit(TIMES, 3, "2569-07-16", 32)),
        ("cluster_report", reports.cluster_report(3, 1)),
        ("year_end", reports.year_end(15_504_000)),
        ("spending_plan", reports.spending_plan({"โครงการหนึ่ง": 40.5, "โครงการสอง": 2.03})),
        ("reply", reports.accepted(TIMES, "ที่ บก 0017/1189", "2569-05-18", "ยื่นคำขอ", "สนง.", "2569-06-30")),
        ("action_followup", reports.followed("ยื่นคำขอ", "done", "ลงนามแล้ว", "2026-06-11")),
        ("action_followup", reports.followed("ยื่นคำขอ", "working", "ยังไม่มีผู้เสนอราคา")),
        ("verification", reports.verified(TIMES, "2569-06-15", True, "ตรวจสัญญาแล้ว")),
        ("verification", reports.verified(TIMES, "2569-10-26", False, "งานยังหยุดอยู่")),
    ],
)
def test_the_shipped_form_takes_what_the_story_reports(form: str, values: JSON) -> None:
    assert faults(form, values) == {}


@pytest.mark.parametrize(("number", "quarter"), REPORTED)
def test_every_project_reports_every_quarter(number: int, quarter: int) -> None:
    values = reports.report(TIMES, number, quarter, "2569-10-30", "นางบุปผา นาคสุข")
    project = {"code": f"PRJ-2569-{number:04}", "name": CLOSING[number - 1].name, "budget": values["budget_act"]}

    assert faults("quarterly_report", values, project=project, quarter=quarter) == {}
    assert values["disbursed"] + values["committed"] <= values["budget_act"]


def test_what_was_disbursed_and_done_only_grows() -> None:
    for quarters in reports.PROGRESS:
        assert [entry.disbursed for entry in quarters] == sorted(entry.disbursed for entry in quarters)
        assert [entry.planned for entry in quarters] == sorted(entry.planned for entry in quarters)


def test_a_report_with_a_problem_names_its_cause_and_a_finished_one_its_evidence() -> None:
    late = reports.report(TIMES, 3, 3, "2569-06-30", "ผู้รายงาน")
    paid = reports.report(TIMES, 1, 4, "2569-10-30", "ผู้รายงาน")

    assert (late["cause_code"], "evidence" in late) == (["contractor"], False)
    assert ("problem" in paid, paid["evidence"]) == (False, "ใบตรวจรับพัสดุ โครงการที่ 1")


def test_a_recommendation_fits_its_form_once_its_project_is_known() -> None:
    values = reports.recommendation("งานหยุด", "site", 2, "province", "เร่งประสานกรมป่าไม้", "ผู้ว่าราชการจังหวัดบึงกาฬ")

    assert faults("recommendation", {"project_name": "โครงการหนึ่ง", **values}) == {}
    assert list(faults("recommendation", values)) == ["project_name"]


def test_the_cluster_reports_what_its_projects_did() -> None:
    values = reports.cluster_report(2, 1)
    each = [reports.report(TIMES, number, 2, "2569-03-31", "ผู้รายงาน") for number in range(1, len(CLOSING) + 1)]

    assert values["total_budget"] == sum(row["budget_act"] for row in each)
    assert values["total_spent"] == sum(row["disbursed"] + row["committed"] for row in each)
    assert (values["green"], values["red"]) == (len(CLOSING) - 1, 1)


def test_a_spending_plan_spends_all_of_it_in_four_quarters() -> None:
    values = reports.spending_plan({"โครงการหนึ่ง": 1.000003, "โครงการสอง": 0.25})

    assert [row["total"] for row in values["items"]] == [1_000_003, 250_000]
    assert all(sum(row[f"q{quarter}"] for quarter in (1, 2, 3, 4)) == row["total"] for row in values["items"])
    assert values["spending_total"] == 1_250_003


def test_a_certificate_with_a_remark_does_not_hold() -> None:
    assert reports.certified()["report_valid"]
    assert not reports.certified("แนบใบตรวจรับไม่ครบ")["report_valid"]
