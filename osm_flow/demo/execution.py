"""Scenes of the demo in the execution years: quarters, red projects and recommendations, and the year to come."""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.cast import AGENCIES, NAMES, PLANNERS
from osm_flow.demo.register import CLOSING, CURRENT, code_of
from osm_flow.demo.stage import DemoStage, Scene

_ALL = tuple(range(1, len(CLOSING) + 1))


class Execution:
    """Scenes of the execution years; the story calls them in the order of their days."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times
        self.closing = stage.times.year - 1
        self.case = self.next_case = ""

    def closing_year(self) -> Scene:
        """The four quarters of the year being closed; the last is still being reported."""
        yield from self._open_year()
        yield from self._first_quarters()
        yield from self._close_money()
        yield from self._last_quarter()

    def _open_year(self) -> Scene:
        stage = self.stage
        yield self.times.at("2568-10-01")
        title = f"ดำเนินงานตามแผนปฏิบัติราชการ ปีงบประมาณ {self.closing}"
        self.case = stage.start("kanya", "execution_year", self.closing, title, act_in_force=True)
        yield self.times.at("2568-10-06")
        amounts = {f"โครงการ{entry.name}": entry.approved or 0 for entry in CLOSING}
        stage.do("anucha", self.case, "check_spending", **reports.spending_plan(amounts))

    def _first_quarters(self) -> Scene:
        yield self.times.at("2568-12-31", 17)
        yield from self._collect(1, "2568-12-31", ("2569-01-07", "2569-01-09", "2569-01-14"))
        yield from self._conclude(1, ("2569-01-20", "2569-01-22", "2569-01-27"))
        yield self.times.at("2569-03-31", 17)
        yield from self._collect(2, "2569-03-31", ("2569-04-07", "2569-04-09", "2569-04-10"))
        yield from self._visit(4, "2569-04-20", 5)
        yield from self._conclude(2, ("2569-04-22", "2569-04-24", "2569-04-28"), reds=1)
        yield self.times.at("2569-06-30", 17)
        yield from self._collect(3, "2569-06-30", ("2569-07-06", "2569-07-08", "2569-07-10"))
        yield from self._visit(3, "2569-07-16", 32)
        yield from self._conclude(3, ("2569-07-21", "2569-07-23", "2569-07-27"), reds=1, head="narong")

    def first_recommendation(self) -> Scene:
        """The recommendation on the red project of the second quarter: accepted, followed and verified."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-05-06")
        case = self._opened_for(4)
        text = "เร่งประสานกรมป่าไม้ขออนุญาตใช้พื้นที่และเตรียมลงนามสัญญาภายในเดือนมิถุนายน"
        finding = "ยังไม่ได้รับอนุญาตใช้พื้นที่ป่าไม้ จึงลงนามสัญญาไม่ได้"
        paper = reports.recommendation(finding, "site", 2, "province", text, "ผู้ว่าราชการจังหวัดบึงกาฬ")
        stage.do("prasert", case, "draft", **paper)
        stage.do("kanya", case, "review_draft", **papers.APPROVE)
        yield self.times.at("2569-05-08")
        stage.do("pornthip", case, "sign", **papers.APPROVE)
        yield self.times.at("2569-05-19")
        step = "ยื่นคำขออนุญาตและลงนามสัญญา"
        reply = reports.accepted(times, "ที่ บก 0017/1189", "2569-05-18", step, "สนง.ท่องเที่ยวและกีฬาบึงกาฬ", "2569-06-30")
        stage.answer("nuchanat", case, "replied", "จังหวัดบึงกาฬ", **reply)
        yield self.times.at("2569-06-12")
        stage.do(
            "nuchanat", case, "track", **reports.followed(step, "done", "ได้รับอนุญาตและลงนามแล้ว", times.iso("2569-06-11"))
        )
        yield self.times.at("2569-06-15")
        stage.do("thanakorn", case, "verify", **reports.verified(times, "2569-06-15", True, "ตรวจสัญญาแล้ว"))

    def second_recommendation(self) -> Scene:
        """The recommendation on the red project of the third quarter: accepted, and it did not help."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-07-31")
        case = self._opened_for(3)
        text = "บอกเลิกสัญญาตามระเบียบและจัดหาผู้รับจ้างรายใหม่ภายใน 45 วัน"
        finding = "ผู้รับจ้างทิ้งงาน ผลงานร้อยละ 32 จากแผนร้อยละ 65"
        paper = reports.recommendation(finding, "contractor", 2, "province", text, "ผู้ว่าราชการจังหวัดหนองคาย")
        stage.do("nuchanat", case, "draft", **paper)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)
        yield self.times.at("2569-08-05")
        stage.do("pornthip", case, "sign", **papers.APPROVE)
        yield self.times.at("2569-08-28")
        step = "บอกเลิกสัญญาและประกาศจัดหาผู้รับจ้างรายใหม่"
        reply = reports.accepted(times, "ที่ นค 0017/2031", "2569-08-27", step, "โยธาธิการและผังเมืองหนองคาย", "2569-09-25")
        stage.answer("nuchanat", case, "replied", "จังหวัดหนองคาย", **reply)
        yield self.times.at("2569-09-24")
        stage.do("nuchanat", case, "track", **reports.followed(step, "working", "บอกเลิกสัญญาแล้ว ยังไม่มีผู้เสนอราคา"))
        yield self.times.at("2569-10-26")
        note = "ประกาศจัดหาแล้วไม่มีผู้เสนอราคา งานยังหยุดอยู่"
        stage.do("prasert", case, "verify", **reports.verified(times, "2569-10-26", False, note))
        yield self.times.at("2569-11-12", 13)
        text = "เสนอ ก.บ.ก. พิจารณาปรับราคากลางและวิธีจัดหา พร้อมรายงานกรมโยธาธิการและผังเมือง"
        finding = "ไม่มีผู้เสนอราคาสองครั้ง งานหยุดตั้งแต่เดือนมิถุนายน"
        addressee = "ก.บ.ก. และกรมโยธาธิการและผังเมือง"
        paper = reports.recommendation(finding, "no_bidder", 3, "cluster", text, addressee)
        stage.do("nuchanat", case, "draft", **paper)
        yield self.times.at("2569-11-17", 13)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)

    def _close_money(self) -> Scene:
        stage = self.stage
        yield self.times.at("2569-09-02")
        left = round((CLOSING[2].approved or 0) * 1_000_000) * 76 // 100
        stage.do("anucha", self.case, "year_end", **reports.year_end(left))

    def moved_dates(self) -> Scene:
        """A letter moves the dates of the last quarter."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-09-21")
        letter = f"ด่วนที่สุด ที่ กค 0402.2/ว 188 ลงวันที่ {times.thai('2569-09-17')}"
        moves = (
            ("q4_cut", "2569-10-30"),
            ("q4_agency", "2569-11-17"),
            ("q4_bb", "2569-11-24"),
            ("q4_report", "2569-11-30"),
        )
        for key, day in (*moves, ("annual_report", "2569-12-30")):
            stage.move("kanya", self.closing, key, day, letter)

    def next_year(self) -> Scene:
        """The case of the next year is started before its Act is in force."""
        stage, times = self.stage, self.times
        yield self.times.at("2569-09-08")
        letter = f"ที่ นร 0702/ว 3310 ลงวันที่ {times.thai('2569-09-04')}"
        stage.move("kanya", times.year, "act_published", "2569-12-15", letter)
        yield self.times.at("2569-10-01")
        title = f"ดำเนินงานตามแผนปฏิบัติราชการ ปีงบประมาณ {times.year} (ใช้งบประมาณไปพลางก่อน)"
        self.next_case = stage.start("kanya", "execution_year", times.year, title, act_in_force=False)
        yield self.times.at("2569-10-07")
        continuing = [entry for entry in CURRENT if entry.kind == "operating" and entry.approved]
        amounts = {f"โครงการ{entry.name}": round((entry.approved or 0) * 0.25, 2) for entry in continuing}
        stage.do("anucha", self.next_case, "check_interim", **reports.spending_plan(amounts))

    def _last_quarter(self) -> Scene:
        """The reports of the last quarter come in, one project after another."""
        stage = self.stage
        yield self.times.at("2569-10-30", 17)
        yield self.times.at("2569-11-04")
        for number in (1, 2, 5):
            self._fill(number, 4, "2569-10-30")
        yield self.times.at("2569-11-06")
        for number in (1, 2):
            self._certify(number)
        yield self.times.at("2569-11-10")
        stage.do("prasert", self.case, "validate", about=self._code(1), **reports.certified())
        yield self.times.at("2569-11-16")
        for number in (7, 8):
            self._fill(number, 4, "2569-10-30")
        stage.take("publicworks", self.case, "fill", about=self._code(3))
        yield self.times.at("2569-11-17")
        for number in (4, 6):
            self._fill(number, 4, "2569-10-30")
        self._certify(5)
        letter = "สำนักงานจังหวัดอุดรธานี กลุ่มงานยุทธศาสตร์ฯ"
        stage.record("suriya", self.case, "certify", letter, about=self._code(7), **reports.certified())
        returned = reports.certified("ยอดเบิกจ่ายไม่ตรงกับ GFMIS ณ วันตัดยอด")
        stage.do("prasert", self.case, "validate", about=self._code(2), **returned)
        yield self.times.at("2569-11-18")
        stage.take("nuchanat", self.case, "validate", about=self._code(5))
        wrong = reports.certified("แนบใบตรวจรับไม่ครบทุกเครื่อง")
        stage.do("udon", self.case, "certify", about=self._code(6), **wrong)
        stage.take("irrigation", self.case, "fill", about=self._code(2))
        stage.take("buengkan", self.case, "certify", about=self._code(4))

    # -- the inner parts ----------------------------------------------------------------------------------------

    def _code(self, number: int) -> str:
        return code_of(self.closing, number)

    def _fill(self, number: int, quarter: int, cut: str) -> None:
        agency = AGENCIES[CLOSING[number - 1].province]
        values = reports.report(self.times, number, quarter, cut, NAMES[agency.username])
        self.stage.do(agency.username, self.case, "fill", about=self._code(number), **values)

    def _certify(self, number: int) -> None:
        planner = PLANNERS[CLOSING[number - 1].province]
        self.stage.do(planner, self.case, "certify", about=self._code(number), **reports.certified())

    def _collect(self, quarter: int, cut: str, days: tuple[str, str, str]) -> Scene:
        """The reports of every project: filled in, certified by the province, checked by the office."""
        filled, certified, checked = days
        yield self.times.at(filled)
        for number in _ALL:
            self._fill(number, quarter, cut)
        yield self.times.at(certified)
        for number in _ALL:
            self._certify(number)
        yield self.times.at(checked)
        for number in _ALL:
            self.stage.do("prasert", self.case, "validate", about=self._code(number), **reports.certified())

    def _visit(self, number: int, day: str, percent: int) -> Scene:
        yield self.times.at(day)
        self.stage.do("prasert", self.case, "visit", **reports.site_visit(self.times, number, day, percent))

    def _conclude(self, quarter: int, days: tuple[str, str, str], reds: int = 0, head: str = "somchai") -> Scene:
        """The cluster's report up to its signature, by the head or on behalf of the head, and publication."""
        stage, (drafted, considered, signed) = self.stage, days
        yield self.times.at(drafted)
        stage.do("nuchanat", self.case, "draft_report", **reports.cluster_report(quarter, reds))
        stage.do("thanakorn", self.case, "director_report", **papers.APPROVE)
        yield self.times.at(considered)
        stage.do("pornthip", self.case, "deputy_report", **papers.APPROVE)
        yield self.times.at(signed)
        stage.do(head, self.case, "head_report", **papers.APPROVE)
        stage.do("suriya", self.case, "publish", **papers.publication(self.times, signed))

    def _opened_for(self, number: int) -> str:
        return self.stage.newest("recommendation", f"โครงการ{CLOSING[number - 1].name}")
