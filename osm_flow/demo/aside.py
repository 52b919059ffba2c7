"""Scenes of the demo beside the annual cycle: a committee meeting, a hearing, recommendations and change requests."""

from __future__ import annotations

from datetime import date

from osm_flow.demo import papers, reports
from osm_flow.demo.stage import DemoStage, Scene

# The days of the committee's meeting and of the next one.
_MEETING, _NEXT_MEETING = "2569-11-17", "2569-12-04"
# The quarter whose report was published last, by the month and day from which on it is.
_PUBLISHED = ((1, 28, 1), (4, 29, 2), (7, 28, 3), (12, 16, 4))
# What staff recommend by hand: title, finding, text and cause.
_UNTIL_THE_ACT = (
    "เตรียมความพร้อมลงนามสัญญาเมื่อ พ.ร.บ. งบประมาณมีผล",
    "โครงการลงทุน 9 โครงการยังไม่จัดทำร่าง TOR และราคากลาง",
    "เร่งจัดทำ TOR และราคากลาง ประกาศจัดหาโดยมีเงื่อนไขลงนามเมื่อได้รับงบประมาณ",
    "budget_act",
)
_UNDER_THE_ACT = (
    "เร่งรัดการก่อหนี้และตรวจรับงวดงานของโครงการลงทุน",
    "โครงการลงทุน 4 โครงการมีผลงานต่ำกว่าแผนและส่งเบิกงวดงานล่าช้า",
    "จัดทำแผนเร่งรัดรายสัปดาห์และส่งเบิกทุกงวดที่ตรวจรับแล้วภายในเดือน",
    "payment",
)


class Aside:
    """Scenes beside the three years."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times
        self.meeting = self.hearing = ""

    def meeting_held(self) -> Scene:
        """A committee meeting was held: its invitation, quorum and resolutions."""
        stage, times = self.stage, self.times
        number, quarter = self._number_of_meeting(), published_quarter(times.day(_MEETING))
        yield self.times.at("2569-10-19", 13)
        self.meeting = stage.start("wipada", "committee_approval", times.year, f"ประชุม ก.บ.ก. ครั้งที่ {number}")
        yield self.times.at("2569-10-22")
        items = (f"ปรับแผนปฏิบัติราชการ ปีงบประมาณ {times.year}", f"รายงานผลการดำเนินงานไตรมาสที่ {quarter}")
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

    def _number_of_meeting(self) -> str:
        """The committee meets every second month; its meetings are numbered within the calendar year."""
        return f"{max(1, self.times.day(_MEETING).month // 2)}/{self.times.be(_MEETING)}"

    def _number_of_next_meeting(self) -> str:
        if self.times.be(_NEXT_MEETING) != self.times.be(_MEETING):
            return f"1/{self.times.be(_NEXT_MEETING)}"
        return f"{max(1, self.times.day(_MEETING).month // 2) + 1}/{self.times.be(_MEETING)}"

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
        awaits_act = times.today <= times.law.day("2569-12-15")
        title, finding, text, cause = _UNTIL_THE_ACT if awaits_act else _UNDER_THE_ACT
        case = stage.start("nuchanat", "recommendation", times.year, title)
        yield self.times.at("2569-11-18", 13)
        paper = reports.recommendation(finding, cause, 1, "agency", text, "หน่วยงานเจ้าของโครงการ")
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
        number = self._number_of_next_meeting()
        case = stage.start("wipada", "committee_approval", times.year, f"ประชุม ก.บ.ก. ครั้งที่ {number}")
        yield self.times.at("2569-11-19", 10)
        stage.take("anucha", case, "prepare_agenda")
        stage.say("wipada", case, "prepare_agenda", "ขอให้ใส่วาระติดตามการก่อหนี้และเบิกจ่ายด้วย")

    def reply_awaited(self) -> Scene:
        """A recommendation to an agency was signed and sent; its reply is awaited."""
        stage, times = self.stage, self.times
        yield times.at("2569-11-10", 10)
        title = "ทบทวนแผนการเบิกจ่ายของโครงการที่ต่ำกว่าเป้าหมาย"
        case = stage.start("prasert", "recommendation", times.year, title)
        finding = "หน่วยงานเจ้าของโครงการส่งเอกสารเบิกงวดงานล่าช้า"
        paper = reports.recommendation(finding, "payment", 1, "agency", "จัดทำแผนส่งเบิกรายเดือน", "หน่วยงานเจ้าของโครงการ")
        stage.do("prasert", case, "draft", project_name=title, **paper)
        yield times.at("2569-11-11", 14)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)
        yield times.at("2569-11-13", 15)
        stage.do("pornthip", case, "sign", **papers.APPROVE)


def published_quarter(day: date) -> int:
    """The quarter whose report was the newest on this day."""
    return next(
        (quarter for month, first, quarter in reversed(_PUBLISHED) if (day.month, day.day) >= (month, first)), 4
    )
