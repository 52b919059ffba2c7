"""Scenes of the demo in the year being planned: the circular, hearing and drafting, the provinces' replies."""

from __future__ import annotations

from osm_flow.demo import papers
from osm_flow.demo.briefs import NEIGHBOUR
from osm_flow.demo.cast import AGENCIES, NAMES, PLANNERS
from osm_flow.demo.portfolio import BUENGKAN, CONCEPTS, LOEI, NONGBUA, NONGKHAI, UDON
from osm_flow.demo.stage import DemoStage, Scene


class Planning:
    """The annual cycle, scene by scene; the story calls them in the order of their days."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times
        self.year = stage.times.year + 1
        self.circular = f"ที่ นร 1117/ว 2561 ลงวันที่ {self.times.thai('2569-06-04')}"
        self.cycle = ""

    def cycle_so_far(self) -> Scene:
        """The annual cycle up to the provinces' replies."""
        yield from self._hear()
        yield from self._draft()
        yield from self._replies()

    def _hear(self) -> Scene:
        """The hearing with its supplementary round."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-06-08")
        title = f"แผนพัฒนากลุ่มจังหวัด พ.ศ. {self.year}-{self.year + 4} และแผนปฏิบัติราชการ ปี {self.year}"
        self.cycle = stage.start("kanya", "annual_cycle", self.year, title, plan_mode="new5y", circular=self.circular)
        yield self.times.at("2569-06-12")
        plan = papers.hearing_plan(
            times, "รับฟังความคิดเห็นต่อร่างแผนพัฒนากลุ่มจังหวัด", "consultation", "2569-07-16", "2569-07-16", "2569-06-25"
        )
        stage.do("anucha", self.cycle, "plan_hearing", **plan)
        yield self.times.at("2569-06-16")
        stage.do("thanakorn", self.cycle, "review_plan", **papers.APPROVE)
        yield self.times.at("2569-06-18")
        remark = papers.returned("เพิ่มกลุ่มผู้ประกอบการท่องเที่ยวริมโขงในกลุ่มเป้าหมาย", "กลุ่มเป้าหมาย")
        stage.do("pornthip", self.cycle, "approve_plan", **remark)
        yield self.times.at("2569-06-19")
        stage.do("anucha", self.cycle, "plan_hearing", **{**plan, "budget": 262000})
        yield self.times.at("2569-06-22")
        stage.do("thanakorn", self.cycle, "review_plan", **papers.APPROVE)
        stage.do("pornthip", self.cycle, "approve_plan", **papers.APPROVE)
        yield from self._round("2569-06-25", "2569-07-16", "2569-07-24", "ที่ 7", 186)
        yield self.times.at("2569-07-27")
        short = papers.representativeness(False, 54.5, "ขาดผู้แทนภาคประชาสังคมและจังหวัดบึงกาฬ ให้จัดรอบเสริมที่บึงกาฬ")
        stage.do("anucha", self.cycle, "assess", **short)
        yield from self._round("2569-07-31", "2569-08-19", "2569-08-26", "ที่ 9", 64)
        yield self.times.at("2569-08-27")
        enough = papers.representativeness(True, 92.0, "ครบทุกจังหวัดและครบห้ากลุ่ม")
        stage.do("anucha", self.cycle, "assess", **enough)
        yield from self._conclude_hearing()

    def _draft(self) -> Scene:
        """Drafting, concepts of all provinces, the plan book."""
        stage, times, cycle = self.stage, self.times, self.cycle
        yield self.times.at("2569-09-14")
        stage.do("kanya", cycle, "set_frame", **papers.policy_frame(self.circular))
        yield self.times.at("2569-09-16")
        stage.do("nuchanat", cycle, "data_pack", **papers.data_pack(self.year))
        stage.do("prasert", cycle, "evaluate_last", **papers.last_plan_evaluation())
        yield self.times.at("2569-09-18")
        stage.do("anucha", cycle, "analyse", **papers.situation())
        yield self.times.at("2569-09-22")
        stage.do("kanya", cycle, "draft_issues", **papers.development_issues())
        yield self.times.at("2569-09-24")
        stage.do("kanya", cycle, "draft_kpis", **papers.kpis(self.year))
        yield self.times.at("2569-09-29")
        for province, planner in PLANNERS.items():
            count = sum(entry.province == province for entry in CONCEPTS)
            stage.do(planner, cycle, "answer_call", about=province, concept_count=count)
        yield self.times.at("2569-10-06")
        self._propose()
        yield self.times.at("2569-10-09")
        stage.do("kanya", cycle, "shortlist", **papers.screening_note())
        yield self.times.at("2569-10-15")
        chair = f"{NAMES['pornthip']} รองผู้ว่าราชการจังหวัดอุดรธานี"
        stage.do("pornthip", cycle, "working_group", **papers.working_group(times, "2569-10-15", chair))
        yield self.times.at("2569-10-19")
        total = round(sum(entry.requested for entry in CONCEPTS) * 1_000_000)
        book = papers.plan_book(1, len(CONCEPTS), total, "ร่างแรกหลังคณะทำงานพิจารณา")
        stage.do("anucha", cycle, "assemble", **book)
        yield self.times.at("2569-10-21")
        stage.do("thanakorn", cycle, "review_plan", **papers.APPROVE)

    def _replies(self) -> Scene:
        """Three provinces confirm, one asks to adjust, one takes its item and stays silent."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-10-28")
        confirmed = papers.province_reply(times, self.year, "2569-10-27", "ผู้ว่าราชการจังหวัดอุดรธานี")
        stage.do("udon", self.cycle, "reply", about=UDON, **confirmed)
        yield self.times.at("2569-11-03")
        confirmed = papers.province_reply(times, self.year, "2569-11-02", "ผู้ว่าราชการจังหวัดหนองคาย")
        stage.do("nongkhai", self.cycle, "reply", about=NONGKHAI, **confirmed)
        yield self.times.at("2569-11-05")
        stage.take("nongbua", self.cycle, "reply", about=NONGBUA)
        stage.say("nongbua", self.cycle, "reply", "รอ ก.บ.จ. ประชุมก่อนจึงจะตอบได้", about=NONGBUA)
        yield self.times.at("2569-11-09")
        reason = "ขอลดค่าเป้าหมายรายได้เกษตรของจังหวัดเลยลงร้อยละ 3 เพราะภัยแล้ง"
        adjusted = papers.province_reply(times, self.year, "2569-11-06", "ผู้ว่าราชการจังหวัดเลย", reason)
        stage.do("loei", self.cycle, "reply", about=LOEI, **adjusted)
        yield self.times.at("2569-11-12")
        confirmed = papers.province_reply(times, self.year, "2569-11-11", "ผู้ว่าราชการจังหวัดบึงกาฬ")
        stage.do("buengkan", self.cycle, "reply", about=BUENGKAN, **confirmed)

    def _round(self, notice: str, event: str, close: str, number: str, total: int) -> Scene:
        """One round of the hearing, from its notice to the day when opinions close."""
        stage, times = self.stage, self.times
        yield self.times.at(notice)
        values = papers.hearing_notice(times, f"{number}/{times.be(notice)}", notice, event, close)
        stage.do("suriya", self.cycle, "publish_notice", **values)
        yield self.times.at(event, 16)
        stage.do("kanya", self.cycle, "hold_event", **papers.attendance(times, event, total))
        yield self.times.at(close, 16, 30)

    def _conclude_hearing(self) -> Scene:
        stage, times, cycle = self.stage, self.times, self.cycle
        yield self.times.at("2569-09-01")
        stage.do("kanya", cycle, "code_opinions", **papers.opinions())
        yield self.times.at("2569-09-02")
        passed_on = papers.coordination(
            times, "ส่งความเห็นเรื่องถนนในหมู่บ้าน", "โปรดพิจารณาตามอำนาจหน้าที่", "อบต. ในพื้นที่จังหวัดเลย", "2569-09-30"
        )
        stage.do("anucha", cycle, "forward_opinions", **passed_on)
        yield self.times.at("2569-09-04")
        stage.do("kanya", cycle, "summarise", **papers.hearing_summary(times, "2569-08-26", "2569-09-09"))
        yield self.times.at("2569-09-08")
        stage.do("thanakorn", cycle, "approve_summary", **papers.APPROVE)
        yield self.times.at("2569-09-09")
        stage.do("suriya", cycle, "publish_summary", **papers.publication(times, "2569-09-09"))

    def _propose(self) -> None:
        for province, planner in PLANNERS.items():
            for number, entry in enumerate(concept for concept in CONCEPTS if concept.province == province):
                who = AGENCIES[province].username if number == 0 else planner
                brief = papers.concept(entry, NEIGHBOUR[province], self.year, NAMES[who])
                self.stage.do(who, self.cycle, "propose", about=province, **brief)
