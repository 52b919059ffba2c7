"""Scenes of the demo beside the annual cycle: a committee meeting, a hearing, recommendations and change requests."""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.execution import Execution
from osm_flow.demo.register import code_of
from osm_flow.demo.stage import DemoStage, Scene


class Aside:
    """Scenes beside the three years."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times
        self.meeting = self.hearing = ""

    def meeting_held(self) -> Scene:
        """A committee meeting was held: its invitation, quorum and resolutions."""
        stage, times = self.stage, self.times
        number = f"5/{times.be(2569)}"
        yield self.times.at("2569-10-19", 13)
        self.meeting = stage.start("wipada", "committee_approval", times.year, f"ประชุม ก.บ.ก. ครั้งที่ {number}")
        yield self.times.at("2569-10-22")
        items = (f"ปรับแผนปฏิบัติราชการ ปีงบประมาณ {times.year}", "รายงานผลการดำเนินงานไตรมาสที่ 3")
        stage.do("wipada", self.meeting, "prepare_agenda", **papers.agenda(*items))
        yield self.times.at("2569-10-26", 13)
        stage.do("thanakorn", self.meeting, "director_agenda", **papers.APPROVE)
        yield self.times.at("2569-10-28", 13)
        stage.do("pornthip", self.meeting, "deputy_agenda", **papers.APPROVE)
        yield self.times.at("2569-11-02")
        stage.do("suriya", self.meeting, "invite", **papers.invitation(times, number, "2569-11-02", "2569-11-17"))
        yield self.times.at("2569-11-13")
        stage.do("suriya", self.meeting, "rsvp", **papers.quorum(24))
        yield self.times.at("2569-11-17", 14)
        stage.do("anucha", self.meeting, "check_quorum", **papers.quorum(26))
        yield self.times.at("2569-11-18", 10)
        item = f"ปรับแผนปฏิบัติราชการ ปีงบประมาณ {times.year}"
        stage.do("anucha", self.meeting, "record_resolutions", **papers.endorsed(item))
        stage.take("suriya", self.meeting, "draft_minutes")

    def hearing_planned(self) -> Scene:
        """A hearing of its own is planned and waits for the deputy governor's approval."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-11-09", 13)
        title = "รับฟังความคิดเห็นโครงการก่อสร้างเขื่อนป้องกันตลิ่งริมแม่น้ำโขง"
        self.hearing = stage.start("anucha", "hearing", times.year + 1, title, title=title, hearing_type="hearing_2548")
        yield self.times.at("2569-11-11")
        plan = papers.hearing_plan(times, title, "hearing_2548", "2569-12-21", "2569-12-21", "2569-11-30")
        stage.do("anucha", self.hearing, "plan_hearing", **plan)
        yield self.times.at("2569-11-13", 13)
        stage.do("thanakorn", self.hearing, "review_plan", **papers.APPROVE)

    def recommended(self) -> Scene:
        """Staff start a recommendation by hand; the director has yet to look at it."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-11-16", 13)
        title = "เตรียมความพร้อมลงนามสัญญาเมื่อ พ.ร.บ. งบประมาณมีผล"
        case = stage.start("nuchanat", "recommendation", times.year, title)
        yield self.times.at("2569-11-18", 13)
        finding = "โครงการลงทุน 9 โครงการยังไม่จัดทำร่าง TOR และราคากลาง"
        text = "เร่งจัดทำ TOR และราคากลาง ประกาศจัดหาโดยมีเงื่อนไขลงนามเมื่อได้รับงบประมาณ"
        paper = reports.recommendation(finding, "budget_act", 1, "agency", text, "หน่วยงานเจ้าของโครงการ")
        stage.do("nuchanat", case, "draft", project_name=title, **paper)

    def hearing_returned(self) -> Scene:
        """The plan of another hearing is returned for revision by the director."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-11-13", 10)
        title = "รับฟังความคิดเห็นโครงการพัฒนาเส้นทางท่องเที่ยวเชื่อมโยงภูกระดึงและภูป่าเปาะ"
        case = stage.start("anucha", "hearing", times.year + 1, title, title=title, hearing_type="hearing_2548")
        yield self.times.at("2569-11-16", 10)
        plan = papers.hearing_plan(times, title, "hearing_2548", "2569-12-24", "2569-12-24", "2569-12-01")
        stage.do("anucha", case, "plan_hearing", **plan)
        yield self.times.at("2569-11-18", 14)
        words = "ผู้มีส่วนได้เสียอยู่ที่จังหวัดเลย แต่กำหนดเวทีไว้ที่อุดรธานี และยังไม่มีช่องทางสำหรับผู้ที่เดินทางไม่สะดวก"
        stage.do("thanakorn", case, "review_plan", **papers.returned(words, "สถานที่", "ช่องทางออนไลน์", "กลุ่มเป้าหมาย"))
        stage.take("anucha", case, "plan_hearing")

    def meeting_prepared(self) -> Scene:
        """The agenda of the next meeting is being drawn up."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-11-18", 15)
        number = f"6/{times.be(2569)}"
        case = stage.start("wipada", "committee_approval", times.year, f"ประชุม ก.บ.ก. ครั้งที่ {number}")
        yield self.times.at("2569-11-19", 10)
        stage.take("anucha", case, "prepare_agenda")
        stage.say("wipada", case, "prepare_agenda", "ขอให้ใส่วาระติดตามการใช้งบประมาณไปพลางก่อนด้วย")

    def changes_asked(self, execution: Execution) -> Scene:
        """Two requests to change projects arrive: one for the committee, one only to be recorded."""
        stage = self.stage
        yield self.times.at("2569-11-12")
        for kind, number, subject, before, after in (
            ("T1", 6, "จัดหาเครื่องจักรแปรรูปโคเนื้อคุณภาพสูง", "ติดตั้งที่อำเภอเมือง", "ติดตั้งที่อำเภอกุดจับ"),
            ("T5", 8, "ปรับปรุงถนนทางเข้าแหล่งท่องเที่ยวภูป่าเปาะ", "สัญญาสิ้นสุดเดือนตุลาคม", "ขยายเวลา 45 วันเพราะน้ำป่า"),
        ):
            stage.answer(
                "kanya",
                execution.case,
                "change_asked",
                "หน่วยงานเจ้าของโครงการ",
                project=code_of(execution.closing, number),
                change_type=kind,
                reason=f"ขอเปลี่ยนจาก{before} เป็น{after}",
                effect="ไม่กระทบวัตถุประสงค์และค่าเป้าหมาย",
                items=[{"item": subject, "before": before, "after": after}],
                past_cutoff=False,
                bb_agreement_required=False,
                commit_ready=True,
            )
        yield self.times.at("2569-11-13", 14)
        stage.take("kanya", execution.case, "update_project")
        stage.take("wipada", execution.case, "prepare_agenda")
