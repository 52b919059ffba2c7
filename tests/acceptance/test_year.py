"""One whole year of the office, from the circular to the signed annual report, worked through on the pages."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.demo import loading
from osm_flow.demo.cast import OFFICE
from osm_flow.demo.register import code_of
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.form_rows import is_reference
from osm_flow.domain.people import NewPosition, PositionKind
from osm_flow.operations.books.form_rows import rows_behind
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.people.positions import give_position
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.operations.work_items import acts as work_items
from osm_flow.store.models import (
    Incident,
    JournalPayload,
    JournalRecord,
    Notification,
    OutgoingLetter,
    Project,
    Reminder,
    WorkItem,
)
from osm_flow.store.session import Store
from tests.acceptance.driver import DAY, OPEN, Year

FY = 2571
BEGINS = datetime(2026, 6, 8, 2, 0, tzinfo=UTC)
LAID_OUT_FOR = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
UDON, LOEI, NONGKHAI, NONGBUA, BUENGKAN = "TH-41", "TH-42", "TH-43", "TH-39", "TH-38"
ANSWERING = {UDON: "udon", LOEI: "loei", NONGKHAI: "nongkhai", BUENGKAN: "buengkan"}
# What the centre says of each project of the register, and what the Budget Bureau leaves of it (millions of baht).
RESULTS = {1: ("Y1", 36.0, 34.0), 3: ("Y1", 41.0, 41.0), 5: ("Y2", 28.0, 0.0), 9: ("Y1", 52.0, 50.0)}
LIVE = {1: "tourism", 3: "irrigation", 9: "highway"}
PLANNER_OF = {1: "buengkan", 3: "loei", 9: "udon"}
FOUR_EYES = "ต้องให้ผู้อื่นตรวจ"
YES: dict[str, Any] = {"decision": "approve", "reason": "", "parts": [], "signed_on_paper": False}
BACK: dict[str, Any] = {
    "decision": "return",
    "reason": "ขอให้ทบทวนประเด็นที่ 2",
    "parts": ["ประเด็นที่ 2"],
    "signed_on_paper": False,
}


@pytest.fixture
def year(store: Store) -> Year:
    """The demo's cluster, people, calendar and projects, without any case; the clock stands at the circular."""
    with store.transaction() as session:
        deploy(session, shipped_files(), SYSTEM, BEGINS - DAY)
        loading.furnish(session, LAID_OUT_FOR)
        delegation = NewPosition(
            "cluster_head",
            OFFICE,
            date(2027, 10, 1),
            date(2028, 12, 31),
            kind=PositionKind.delegated,
            for_username="somchai",
            letter="คำสั่งจังหวัดอุดรธานี ที่ 4620/2570",
        )
        give_position(session, "pornthip", SYSTEM, BEGINS, delegation)
    return Year(store, BEGINS)


@pytest.mark.timeout(900)
def test_a_whole_year(year: Year) -> None:
    title = f"แผนพัฒนากลุ่มจังหวัด ปีงบประมาณ {FY}"
    year.as_("kanya").start("annual_cycle", title, FY, plan_mode="new5y", circular="ที่ นร 1117/ว 2561")

    hear_with_a_supplementary_round(year)
    draft_the_plan_that_is_returned_once(year)
    integrate_without_the_silent_province(year)
    meet_without_and_then_with_a_quorum(year)
    submit_and_get_results(year)
    open_the_year_on_the_interim_budget(year)
    report_four_quarters(year)
    close_the_year(year)

    projects_have_passed_their_states(year)
    rows_of_projects_lie_in_their_records(year)
    everything_is_proved_and_closed(year)


# ---- the planning year -----------------------------------------------------------------------------------------


def hear_with_a_supplementary_round(year: Year) -> None:
    year.as_("anucha").complete("plan_hearing", hearing_type="consultation", fy=FY)
    year.as_("thanakorn").complete("review_plan", **YES)
    year.as_("pornthip").complete("approve_plan", **YES)
    for round_, representative in enumerate((False, True)):
        event, close = year.now + 20 * DAY, year.now + 25 * DAY
        year.as_("suriya").complete("publish_notice", event_at=stamp(event), opinions_close_at=stamp(close))
        year.advance_to(event)
        year.as_("kanya").complete("hold_event")
        year.advance_to(close)
        percent = 90 if representative else 40
        found: dict[str, Any] = {
            "representative": representative,
            "attendance_percent": percent,
            "note": f"รอบที่ {round_ + 1}",
        }
        year.as_("anucha").complete("assess", **found)
    said: dict[str, Any] = {
        "text": "ขอให้ซ่อมถนนในหมู่บ้าน",
        "disposition": "forward",
        "disposition_reason": "เป็นหน้าที่ของ อบต.",
    }
    year.as_("kanya").complete("code_opinions", items=[said])
    year.as_("anucha").complete("forward_opinions")
    year.as_("kanya").complete("summarise", material_objection=True, objections=["คัดค้านการก่อสร้างเขื่อน"])
    year.as_("thanakorn").complete("approve_summary", **YES)
    year.as_("suriya").complete("publish_summary")
    year.as_("anucha").complete("answer_objection")


def draft_the_plan_that_is_returned_once(year: Year) -> None:
    year.as_("kanya").complete("set_frame")
    year.as_("nuchanat").complete("data_pack")
    year.as_("prasert").complete("evaluate_last")
    year.as_("anucha").complete("analyse")
    for version, decision in ((1, BACK), (2, YES)):
        year.as_("kanya").complete("draft_issues")
        year.as_("kanya").complete("draft_kpis", kpi_complete=True)
        if ("answer_call", NONGBUA) in year.open_items():
            ask_for_concepts(year, how_many=1 if version == 1 else 0)
        year.as_("anucha").complete("shortlist")
        year.as_("pornthip").complete("working_group")
        year.as_("anucha").complete("assemble", plan_version=version, hearing_again=False)
        year.as_("thanakorn").complete("review_plan", **decision)


# What a concept says that passes its screening.
FIT: dict[str, Any] = {
    "province_count": 2,
    "duplicates_function": False,
    "prohibited_item": False,
    "land_ready": True,
    "is_construction": False,
    "boq_ready": True,
    "sign_in_q1": True,
}


def ask_for_concepts(year: Year, how_many: int) -> None:
    """Four provinces answer the call, the fifth stays silent until the cycle goes on without it."""
    for province, planner in ANSWERING.items():
        year.as_(planner).complete("answer_call", province, concept_count=how_many, reason="ไม่มีโครงการเพิ่ม")
        for _ in range(how_many):
            year.as_(planner).complete("propose", province, **FIT, aligned=province != LOEI)
    wait_for_silence(year, "answer_call")


def integrate_without_the_silent_province(year: Year) -> None:
    replies = {UDON: "confirm", LOEI: "confirm", NONGKHAI: "adjust", BUENGKAN: "refuse"}
    with year.store.reading() as session:
        named = session.scalars(select(Project.code).where(Project.fiscal_year == FY, Project.state == "in_plan"))
        said = [{"project": code, "support": "conditional", "condition": "จัดซื้อให้ทันปี"} for code in named]
    for province, reply in replies.items():
        answer = {"reply": reply, "reason": "ภัยแล้งกระทบเป้าหมาย", "projects": said}
        year.as_(ANSWERING[province]).complete("reply", province, **answer)
    silent = year.open_items()
    assert silent == [("reply", NONGBUA)]
    wait_for_silence(year, "reply")

    with year.store.reading() as session:
        merged = work_items.variables_of(session, year.find(session, "merge_replies"))["province_replies"]
    assert {row["province"]: row["reply_status"] for row in merged} == {**replies, NONGBUA: "timeout"}

    figures: dict[str, Any] = {"coverage_note": "รอจังหวัดหนองบัวลำภู", "duplicates_found": False}
    year.as_("kanya").complete("merge_replies", coverage=90, **figures)
    year.as_("pornthip").complete("negotiate", negotiation_result="agreed")
    year.as_("kanya").complete("merge_replies", coverage=97, missing_provinces=[NONGBUA], **figures)
    year.as_("thanakorn").complete("approve_integrated", **YES)


def meet_without_and_then_with_a_quorum(year: Year) -> None:
    year.as_("wipada").complete("prepare_agenda")
    year.as_("thanakorn").complete("director_agenda", **YES)
    year.as_("pornthip").complete("deputy_agenda", **YES)
    meeting = year.now + 12 * DAY
    invitation: dict[str, Any] = {"meeting_at": stamp(meeting), "sent_on": day(year.now)}
    year.as_("suriya").complete("invite", **invitation)
    year.as_("suriya").complete("rsvp", members_total=34, members_present=20, quorum="ok")
    year.advance_to(meeting)
    year.as_("suriya").complete("check_quorum", members_total=34, members_present=14, quorum="short")
    meeting = year.now + 10 * DAY
    invitation = {"meeting_at": stamp(meeting), "sent_on": day(year.now)}
    year.as_("suriya").complete("invite_again", **invitation)
    year.advance_to(meeting)
    year.as_("suriya").complete("second_quorum", members_total=34, members_present=14, quorum="ok")
    resolved: dict[str, Any] = {
        "resolution": "endorse",
        "reconsider_needed": False,
        "parts": [],
        "assigned": False,
    }
    year.as_("anucha").complete("record_resolutions", **resolved)
    year.as_("somchai").complete("sign_notice", **YES)
    year.as_("suriya").complete("draft_minutes", taker="นายสุริยา พลเยี่ยม", checker="น.ส.วิภาดา จันทร์เพ็ง")
    year.as_("thanakorn").complete("check_minutes", **YES)


def submit_and_get_results(year: Year) -> None:
    checks = ("has_briefs", "has_minutes", "has_alignment", "totals_match", "has_admin_line", "package_complete")
    checked: dict[str, Any] = dict.fromkeys(checks, True)
    year.as_("kanya").complete("prepare_package", **checked)
    year.as_("thanakorn").complete("review_package", **YES)
    year.as_("somchai").complete("sign_package", **YES)
    year.as_("anucha").answer("asked_to_clarify", "สศช. ภาค", question="ขอรายละเอียดแบบก่อสร้าง")
    year.as_("anucha").complete("answer")
    year.as_("thanakorn").complete("check_answer", **YES)
    rows = [row(number, result, asked, asked) for number, (result, asked, _) in RESULTS.items()]
    rows += [row(number, "N", 10.0, 0.0) for number in range(1, 13) if number not in RESULTS]
    year.as_("kanya").answer("reviewed", "สศช. ภาค", level="subcommittee", result="N", items=rows)
    year.as_("anucha").complete("place_rejected")
    year.advance_to(datetime(2027, 2, 1, 3, tzinfo=UTC))
    year.as_("kanya").answer("await_knb", "ก.น.บ.", level="knb", result="Y1", items=[])
    year.as_("kanya").answer("await_cabinet", "สำนักเลขาธิการคณะรัฐมนตรี", level="cabinet", result="Y1", items=[])
    year.as_("kanya").complete("prepare_request")
    year.as_("somchai").complete("sign_request", **YES)
    cuts = [row(number, result, asked, left) for number, (result, asked, left) in RESULTS.items()]
    year.as_("kanya").answer("await_bureau", "สำนักงบประมาณ", level="bb", result="Y1", items=cuts)
    year.as_("anucha").answer("house_asks", "กรรมาธิการ", question="เหตุใดราคาต่อหน่วยสูง")
    year.as_("anucha").complete("answer_house")

    with year.store.reading() as session:
        found = {project.code: project for project in session.scalars(select(Project).where(Project.fiscal_year == FY))}
    for number, (result, _, left) in RESULTS.items():
        assert found[code_of(FY, number)].result == result
        assert float(found[code_of(FY, number)].approved or 0) == left * 1_000_000
    assert found[code_of(FY, 2)].result == "N"


# ---- the execution year ----------------------------------------------------------------------------------------


def open_the_year_on_the_interim_budget(year: Year) -> None:
    year.advance_to(datetime(2027, 10, 1, 10, tzinfo=UTC))
    year.as_("kanya").complete("set_interim")
    assert [case.outcome for case in year.cases("budget_submission")] == ["interim"]
    assert [case.state for case in year.cases("annual_cycle")] == ["COMPLETED"]
    year.as_("anucha").complete("check_interim")


def report_four_quarters(year: Year) -> None:
    year.advance_to(datetime(2027, 12, 31, 10, tzinfo=UTC))
    report_quarter(year, 1, target=0, spent={1: 0, 3: 0, 9: 0}, four_eyes=True)
    year.as_("kanya").answer("act_published", "ราชกิจจานุเบกษา", act_in_force=True, gazette_date="2028-01-25")
    year.as_("anucha").complete("allocate")
    year.as_("anucha").complete("replan")
    year.advance_to(datetime(2028, 3, 31, 10, tzinfo=UTC))
    report_quarter(year, 2, target=40, spent={1: 45, 3: 50, 9: 10}, red=9)
    solve_the_red_project(year)
    change_a_project(year)
    year.advance_to(datetime(2028, 6, 30, 10, tzinfo=UTC))
    report_quarter(year, 3, target=60, spent={1: 70, 3: 65, 9: None})
    year.as_("anucha").complete("year_end")
    year.advance_to(datetime(2028, 9, 30, 10, tzinfo=UTC))
    report_quarter(year, 4, target=90, spent={1: 95, 3: 96, 9: 92})


def report_quarter(
    year: Year, quarter: int, target: int, spent: dict[int, int | None], red: int | None = None, four_eyes: bool = False
) -> None:
    """Every live project reports (or stays silent: None), the office reports on all of them, leaders sign."""
    for number, percent in spent.items():
        if percent is None:
            continue
        code, budget = code_of(FY, number), int(RESULTS[number][2] * 1_000_000)
        figures = {
            "budget_act": budget,
            "allocated": budget,
            "after_change": budget,
            "committed": 0,
            "disbursed": budget * percent // 100,
            "target_percent": target,
            "stage": "working",
            "physical_plan": 20 * quarter,
            "physical_actual": 20 * quarter,
            "contract_value": None,
            "leftover": None,
        }
        if four_eyes and number == 1:
            year.as_("nuchanat").record("fill", code, "แขวงทางหลวงอุดรธานีที่ 1", **figures)
        else:
            year.as_(LIVE[number]).complete("fill", code, **figures)
        year.as_(PLANNER_OF[number]).complete("certify", code, report_valid=True)
        if four_eyes and number == 1:
            assert FOUR_EYES in year.as_("nuchanat").cannot_complete("validate", code)
        year.as_("prasert").complete("validate", code, report_valid=True)
    if None in spent.values():
        wait_for_silence(year, "fill")
    if red is not None:
        year.as_("prasert").complete("visit")
    year.as_("nuchanat").complete("draft_report", red=int(red is not None), total_budget=125_000_000, total_spent=0)
    year.as_("thanakorn").complete("director_report", **YES)
    year.as_("pornthip").complete("deputy_report", **YES)
    if four_eyes:
        assert FOUR_EYES in year.as_("pornthip").cannot_complete("head_report")
    year.as_("somchai").complete("head_report", **YES)
    year.as_("suriya").complete("publish")
    assert [case.outcome for case in year.cases("quarterly_monitoring")] == ["end"] * quarter


def change_a_project(year: Year) -> None:
    """A project is to end later and to do one activity more: agreed, and written into its record by its code."""
    code = code_of(FY, 3)
    activities = [{"name": "ทางเดิน", "budget": 500_000, "q4": 500_000}]
    others = dict.fromkeys(("items", "sources", "targets", "agency", "budget_after", "start_date", "end_date"))
    others |= dict.fromkeys(("kpis", "area", "cost_basis"))
    said = {**others, "project": code, "change_type": "T5", "past_cutoff": False, "bb_agreement_required": False}
    year.as_("kanya").answer("change_asked", "หน่วยงานเจ้าของโครงการ", **said, activities=activities)
    kept = dict.fromkeys(("agency", "budget_after", "start_date", "end_date", "kpis", "area", "cost_basis", "note"))
    year.as_("kanya").complete("update_project", **kept, cancelled=False)
    with year.store.reading() as session:
        versions = versions_of(session, "projects", code)
    assert versions[-1].values["activities"] == activities
    assert {change.path[0] for change in versions[-1].changed} <= {"activities", "side_state"}
    assert versions[-1].values["name"] == versions[-2].values["name"]


def solve_the_red_project(year: Year) -> None:
    opened = year.cases("recommendation")
    assert len(opened) == 1
    with year.store.reading() as session:
        assert year.find(session, "draft").case_id == opened[0].id
    year.as_("nuchanat").complete("draft")
    year.as_("thanakorn").complete("review_draft", **YES)
    year.as_("pornthip").complete("sign", **YES)
    year.advance_to(year.now + 20 * DAY)
    step = {"step": "จัดหาผู้รับจ้างใหม่", "owner": "แขวงทางหลวงอุดรธานีที่ 1", "due": day(year.now)}
    year.as_("nuchanat").answer("replied", "จังหวัดอุดรธานี", reply_type="accept", action_plan=[step])
    year.as_("nuchanat").complete("track")
    assert FOUR_EYES in year.as_("nuchanat").cannot_complete("verify")
    year.as_("prasert").complete("verify", solved=True)
    assert [(case.state, case.outcome) for case in year.cases("recommendation")] == [("COMPLETED", "end")]


def close_the_year(year: Year) -> None:
    year.as_("prasert").complete("evaluate")
    year.as_("somchai").complete("sign_evaluation", **YES)


# ---- after it --------------------------------------------------------------------------------------------------


def projects_have_passed_their_states(year: Year) -> None:
    """Each project of the register has the state that its processes brought it to, by versions that say so in their order."""
    judged = {number: result for number, (result, _, _) in RESULTS.items()}
    with year.store.reading() as session:
        rows = session.scalars(select(Project).where(Project.fiscal_year == FY))
        passed = {project.code: versions_of(session, "projects", project.code) for project in rows}
        states = {project.code: project.state for project in session.scalars(select(Project))}
    for number in range(1, 13):
        result = judged.get(number, "N")
        told = passed.pop(code_of(FY, number))
        course = list(dict.fromkeys(str(version.values["state"]) for version in told))
        expected = ["concept", "y1", "requested", "working"] if number in LIVE else ["concept", result.lower()]
        assert course == expected, number
        assert states[code_of(FY, number)] == expected[-1]
        levels = [str(row["level"]) for row in told[-1].values["results"]]
        assert levels == ["subcommittee", *(["bb"] if number in RESULTS else []), *(["act"] if number in LIVE else [])]
        reported = [row["quarter"] for row in told[-1].values.get("reports", [])]
        silent = {9: [3]}.get(number, [])
        assert [quarter for quarter in (1, 2, 3, 4) if number in LIVE and quarter not in (*reported, *silent)] == []
        assert [version.cause.keys() for version in told[1:]] == [{"case", "seq"}] * (len(told) - 1)
    # The concepts got their codes as they came; the plan book named those that passed, was endorsed, and nobody judged them yet.
    courses = {
        str(told[-1].values["province"]): list(dict.fromkeys(version.values["state"] for version in told))
        for told in passed.values()
    }
    came = {province: ["screened", "in_plan", "endorsed"] for province in ANSWERING} | {LOEI: ["screened_out"]}
    assert courses == came
    assert [told[0].cause.keys() for told in passed.values()] == [{"case", "seq"}] * len(ANSWERING)
    planned = {
        province: told[-1].values for told in passed.values() if (province := told[-1].values["province"]) != LOEI
    }
    for values in planned.values():
        assert [row["plan_version"] for row in values["draft"]] == [2]
        assert values["requested"] == values["draft"][0]["amount"]
        assert {row["province"] for row in values["opinions"]} == set(ANSWERING)


def rows_of_projects_lie_in_their_records(year: Year) -> None:
    """What is said of each project is in its record; the case has the set, its sums, and shows the rows as they were decided on."""
    with year.store.reading() as session:
        bodies = session.scalars(select(JournalPayload.body).order_by(JournalPayload.case_id, JournalPayload.seq)).all()
        told = [one for body in bodies if (one := json.loads(body)).get("about", {}).get("sets")]
        lines = [
            data
            for data in (one["data"] for one in told)
            if is_reference(data.get("items")) or is_reference(data.get("lines"))
        ]
        judged = next(data for data in lines if data.get("level") == "subcommittee")["items"]
        rows = rows_behind(session, judged)
    assert {"level", "letter", "total", "spending_total"} <= {name for data in lines for name in data}
    assert [row["project"] for row in rows] == [code_of(FY, number) for number in range(1, 13)]
    assert {row["project"]: row["result"] for row in rows} == {
        code_of(FY, number): RESULTS[number][0] if number in RESULTS else "N" for number in range(1, 13)
    }
    counted = {name: sum(row["result"] == name for row in rows) for name in ("Y1", "Y2", "N", "returned")}
    assert judged["summary"]["result"] == counted
    # The head who signs the request names the set that is signed.
    assert [one["about"]["sets"] for one in told if "decision" in one["data"]] != []


def everything_is_proved_and_closed(year: Year) -> None:
    assert year.open_items() == []
    ends = {case.business_key: (case.state, case.outcome) for case in year.cases()}
    assert set(ends.values()) == {("COMPLETED", "end"), ("COMPLETED", "endorsed"), ("COMPLETED", "interim")}, ends
    drawn = {(case.definition.key, case.outcome) for case in year.cases()}
    assert len(drawn) == 9, "each of the nine processes ended"
    with year.store.reading() as session:
        assert [(case_id, deep.faults) for case_id, deep in verify_all_deep(session) if deep.faults] == []
        assert [difference.en for difference in compare(session)] == []
        assert session.scalars(select(Incident)).all() == []
        actors = set(session.scalars(select(JournalRecord.actor)))
        assert "" not in actors
        assert {
            "kanya",
            "anucha",
            "thanakorn",
            "pornthip",
            "somchai",
            "prasert",
            "nuchanat",
            "suriya",
            "udon",
        } <= actors
        letters = set(session.scalars(select(OutgoingLetter.subject)))
        assert any("ติดตาม" in subject or "ขอทราบ" in subject for subject in letters)
        four_eyes_held(session.scalars(select(WorkItem).where(WorkItem.state == "COMPLETED")).all())


def four_eyes_held(items: Any) -> None:
    doers = {(item.case_id, item.element): item.completed_by_id for item in items}
    for item in items:
        for element in filter(None, (item.separate_from or "").split(",")):
            earlier = [one for one in items if (one.case_id, one.element) == (item.case_id, element)]
            if len(earlier) == 1:
                assert doers[(item.case_id, element)] != item.completed_by_id, item.element


def wait_for_silence(year: Year, element: str) -> None:
    """Wait until the work goes on without the party that never answers, and see that it was reminded on the way."""
    with year.store.reading() as session:
        item = year.find(session, element)
        item_id, due_at = item.id, item.due_at
    assert due_at is not None
    year.advance_to(due_at + timedelta(days=25))
    with year.store.reading() as session:
        item = session.get_one(WorkItem, item_id)
        rungs = session.scalars(select(Reminder.rung).where(Reminder.work_item_id == item_id)).all()
        told = session.scalars(select(Notification.id).where(Notification.url.contains(item_id))).all()
    assert item.state not in OPEN
    assert len(rungs) >= 4, rungs
    assert told


def row(number: int, result: str, asked: float, supported: float) -> dict[str, Any]:
    return {
        "project": code_of(FY, number),
        "result": result,
        "amount_requested": int(asked * 1_000_000),
        "amount_supported": int(supported * 1_000_000),
    }


def stamp(instant: datetime) -> str:
    return instant.replace(minute=0, second=0, microsecond=0).isoformat().replace("+00:00", "Z")


def day(instant: datetime) -> str:
    return date(instant.year, instant.month, instant.day).isoformat()
