"""What the demo's people write in the year being planned is what the shipped forms take."""

from __future__ import annotations

import pytest

from osm_flow.demo import papers
from osm_flow.demo.portfolio import CONCEPTS, LOEI, NONGKHAI, PlannedProject
from osm_flow.domain.json import JSON
from tests.unit.demo.story import PROVINCES, faults, times

TIMES = times()
HEARING_DAYS = ("2569-07-16", "2569-07-16", "2569-06-25")


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("approval", papers.APPROVE),
        ("approval", papers.returned("เพิ่มกลุ่มเป้าหมาย", "กลุ่มเป้าหมาย")),
        ("hearing_plan", papers.hearing_plan(TIMES, "ร่างแผน", "consultation", *HEARING_DAYS)),
        ("hearing_notice", papers.hearing_notice(TIMES, "ที่ 7/2569", "2569-06-25", "2569-07-16", "2569-07-24")),
        ("attendance", papers.attendance(TIMES, "2569-07-16", 186)),
        ("representativeness", papers.representativeness(True, 92.0, "ครบ")),
        ("representativeness", papers.representativeness(False, 54.5, "ขาดบึงกาฬ")),
        ("opinions", papers.opinions()),
        ("publication", papers.publication(TIMES, "2569-09-09")),
        ("coordination", papers.coordination(TIMES, "เรื่อง", "โปรดพิจารณา", "อบต.", "2569-09-30")),
        ("policy_frame", papers.policy_frame("ที่ นร 1117/ว 2561")),
        ("data_pack", papers.data_pack(2571)),
        ("annual_evaluation", papers.last_plan_evaluation()),
        ("situation_analysis", papers.situation()),
        ("development_issues", papers.development_issues()),
        ("screening_review", papers.screening_note()),
        ("meeting_result", papers.working_group(TIMES, "2569-10-15", "นางพรทิพย์")),
        ("plan_assembly", papers.plan_book(1, len(CONCEPTS), 328900000, "ร่างแรก")),
        ("province_reply", papers.province_reply(TIMES, 2571, "2569-10-27", "ผู้ว่าราชการจังหวัดเลย")),
        ("province_reply", papers.province_reply(TIMES, 2571, "2569-10-27", "ผู้ว่าราชการจังหวัดเลย", "ภัยแล้ง")),
        ("agenda", papers.agenda("ปรับแผน", "ผลไตรมาสที่ 3")),
        ("invitation", papers.invitation(TIMES, "5/2569", "2569-11-02", "2569-11-17")),
        ("quorum", papers.quorum(24)),
        ("quorum", papers.quorum(10)),
    ],
)
def test_the_shipped_form_takes_what_the_story_writes(form: str, values: JSON) -> None:
    assert faults(form, values) == {}


def test_the_form_of_a_notice_would_refuse_a_paper_with_a_gap() -> None:
    notice = papers.hearing_notice(TIMES, "ที่ 7/2569", "2569-06-25", "2569-07-16", "2569-07-24")

    assert list(faults("hearing_notice", {**notice, "notice_no": ""})) == ["notice_no"]


def test_the_summary_counts_the_118_opinions_of_the_hearing() -> None:
    opinions = papers.opinions()
    summary = papers.hearing_summary(TIMES, "2569-08-26", "2569-09-09")

    assert faults("hearing_summary", summary, opinions=opinions) == {}
    assert len(opinions["items"]) == 118
    assert {item["province"] for item in opinions["items"]} == set(PROVINCES)
    unanswered = [
        item for item in opinions["items"] if item["disposition"] != "accept" and "disposition_reason" not in item
    ]
    assert unanswered == []


def test_the_indicators_belong_to_the_development_issues_and_rise_each_year() -> None:
    issues, indicators = papers.development_issues(), papers.kpis(2571)

    assert faults("kpis", indicators, development_issues=issues) == {}
    assert sum(issue["weight"] for issue in issues["issues"]) == 100
    assert {row["issue"] for row in indicators["kpis"]} == {issue["code"] for issue in issues["issues"]}
    for row in indicators["kpis"]:
        assert row["baseline"] < row["target_y1"] < row["target_y5"]


@pytest.mark.parametrize("entry", CONCEPTS, ids=lambda entry: entry.name)
def test_every_concept_of_the_register_can_be_proposed(entry: PlannedProject) -> None:
    neighbour = LOEI if entry.province == NONGKHAI else NONGKHAI
    brief = papers.concept(entry, neighbour, 2571, "นายวีระชัย สุขเกษม")

    assert faults("project_concept", brief, development_issues=papers.development_issues()) == {}
    assert brief["budget_total"] == round(entry.requested * 1_000_000)
    assert (brief["start_date"], brief["end_date"]) == ("2027-10-01", "2028-09-30")
    assert ("receiver" in brief) == brief["is_construction"] == (entry.kind == "construction")


def test_resolutions_speak_of_the_items_that_were_considered() -> None:
    values = papers.endorsed("ปรับแผน", "ผลไตรมาสที่ 3")

    assert faults("resolutions", values, agenda=papers.agenda("ปรับแผน", "ผลไตรมาสที่ 3")) == {}
    assert [item["item"] for item in values["items"]] == ["ปรับแผน", "ผลไตรมาสที่ 3"]


def test_a_meeting_considers_matters_after_the_fixed_items() -> None:
    items = papers.agenda("ปรับแผน")["items"]

    assert [item["agenda_no"] for item in items] == ["1", "2", "3", "5"]
    assert items[-1]["draft_resolution"] == "เห็นชอบตามที่เสนอ"


@pytest.mark.parametrize(("present", "answer"), [(16, "short"), (17, "ok"), (34, "ok")])
def test_half_of_the_members_are_a_quorum(present: int, answer: str) -> None:
    assert papers.quorum(present)["quorum"] == answer


def test_a_province_that_gives_a_reason_asks_to_adjust() -> None:
    confirmed = papers.province_reply(TIMES, 2571, "2569-10-27", "ผู้ว่าราชการ")
    adjusted = papers.province_reply(TIMES, 2571, "2569-10-27", "ผู้ว่าราชการ", "ภัยแล้ง")

    assert (confirmed["reply"], "reason" in confirmed) == ("confirm", False)
    assert (adjusted["reply"], adjusted["reason"]) == ("adjust", "ภัยแล้ง")


def test_a_returned_paper_names_its_parts() -> None:
    assert papers.returned("แก้", "ก", "ข")["parts"] == ["ก", "ข"]


def test_too_few_came_when_a_province_was_missing() -> None:
    assert papers.representativeness(True, 92.0, "ครบ")["provinces_present"] == PROVINCES
    assert "TH-38" not in papers.representativeness(False, 54.5, "ขาด")["provinces_present"]
