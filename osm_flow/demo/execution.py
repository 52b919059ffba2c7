"""Scenes of the demo in the execution years, from their money to their evaluation; their days are the law's."""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.portfolio import CURRENT
from osm_flow.demo.quarters import Quarters
from osm_flow.demo.recommendations import RED
from osm_flow.demo.reports import CLOSING_REPORTS, CURRENT_REPORTS
from osm_flow.demo.stage import DemoStage, Scene


class Execution:
    """Scenes of the execution years; the story calls them in the order of their days."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times
        self.closing = Quarters(stage, 2569, CLOSING_REPORTS)
        self.current = Quarters(stage, 2570, CURRENT_REPORTS)

    def closing_year(self) -> Scene:
        """The four quarters of the year being closed, its evaluation and its end."""
        yield from self._open_year()
        closing = self.closing
        yield from closing.collect(1, "2569-01-07", "2569-01-09", "2569-01-14")
        yield from closing.conclude(1, ("2569-01-20", "2569-01-22", "2569-01-27"))
        yield from closing.collect(2, "2569-04-07", "2569-04-09", "2569-04-10")
        yield from closing.visit(4, "2569-04-20", 5)
        yield from closing.conclude(2, ("2569-04-22", "2569-04-24", "2569-04-28"))
        yield from closing.collect(3, "2569-07-06", "2569-07-08", "2569-07-10")
        yield from closing.visit(RED, "2569-07-16", 32)
        yield from closing.conclude(3, ("2569-07-21", "2569-07-23", "2569-07-27"), head="narong")
        yield from self._close_money(closing, RED, "มีหนี้ผูกพัน อยู่ระหว่างจัดหาผู้รับจ้างรายใหม่")
        yield from self._last_reports()
        yield from self._reports_put_right()
        yield from closing.visit(RED, "2569-12-03", 34)
        yield from closing.conclude(4, ("2569-12-08", "2569-12-11", "2569-12-15"))
        yield from self._evaluate()

    def current_year(self) -> Scene:
        """The year being carried out: on the interim budget until its Act is there, then quarter by quarter."""
        yield from self._open_interim()
        yield from self._act_in_force()
        current = self.current
        yield from current.collect(1, "2570-01-07", "2570-01-11", "2570-01-14")
        yield from current.conclude(1, ("2570-01-20", "2570-01-22", "2570-01-27"))
        yield from current.collect(2, "2570-04-07", "2570-04-09", "2570-04-12")
        yield from current.conclude(2, ("2570-04-22", "2570-04-26", "2570-04-28"))
        yield from current.collect(3, "2570-07-06", "2570-07-08", "2570-07-12")
        yield from current.conclude(3, ("2570-07-20", "2570-07-22", "2570-07-27"))
        yield from self._close_money(current, 7, "มีสัญญาผูกพัน งานล่าช้าเพราะฝนและการประกาศจัดหาใหม่")

    def _open_year(self) -> Scene:
        closing = self.closing
        yield self.times.law.at("2568-10-01")
        title = f"ดำเนินงานตามแผนปฏิบัติราชการ ปีงบประมาณ {closing.fiscal_year}"
        closing.case = self.stage.start("kanya", "execution_year", closing.fiscal_year, title, act_in_force=True)
        yield self.times.law.at("2568-10-06")
        amounts = closing.approved()
        self.stage.do("anucha", closing.case, "check_spending", **reports.spending_plan(amounts))

    def _open_interim(self) -> Scene:
        """The case of the next year is started before its Act is in force."""
        stage, law, current = self.stage, self.times.law, self.current
        yield law.at("2569-09-08")
        letter = f"ที่ นร 0702/ว 3310 ลงวันที่ {law.thai('2569-09-04')}"
        stage.move("kanya", current.fiscal_year, "act_published", law.day("2569-12-15"), letter)
        yield law.at("2569-09-28")
        title = f"ดำเนินงานตามแผนปฏิบัติราชการ ปีงบประมาณ {current.fiscal_year}"
        current.case = stage.start("kanya", "execution_year", current.fiscal_year, title, act_in_force=False)
        yield law.at("2569-09-30")
        continuing = [(number, entry) for number, entry in enumerate(CURRENT, 1) if entry.kind == "operating"]
        amounts = {
            current.code(number): round(entry.approved * 0.25, 2) for number, entry in continuing if entry.approved
        }
        stage.do("anucha", current.case, "check_interim", **reports.spending_plan(amounts))

    def _act_in_force(self) -> Scene:
        """The Act is published; the year leaves the interim budget."""
        stage, law, case = self.stage, self.times.law, self.current.case
        yield law.at("2569-12-17")
        gazette = law.done("2569-12-15")
        stage.answer("kanya", case, "act_published", "ราชกิจจานุเบกษา", act_in_force=True, gazette_date=gazette)
        yield law.at("2569-12-21")
        letter = f"ที่ นร 0702/4471 ลงวันที่ {law.thai('2569-12-18')}"
        stage.do(
            "anucha", case, "allocate", **reports.allocation(letter, law.done("2569-12-18"), self.current.approved())
        )
        yield law.at("2569-12-24")
        stage.do("anucha", case, "replan", **reports.spending_plan(self.current.approved()))

    def _close_money(self, year: Quarters, number: int, reason: str) -> Scene:
        """The money that a project has not spent by the end of the year is carried over."""
        yield self.times.law.at(f"{year.told_year}-09-02")
        entry, spent = year.year.entries[number - 1], year.year.progress[number - 1][2].disbursed
        left = round((entry.approved or 0) * 1_000_000) * (100 - spent) // 100
        self.stage.do("anucha", year.case, "year_end", **reports.year_end(year.code(number), left, reason))

    def moved_dates(self) -> Scene:
        """A letter moves the days by which the last quarter is reported; its cut is the law's."""
        stage, law = self.stage, self.times.law
        yield law.at("2569-09-21")
        letter = f"ด่วนที่สุด ที่ กค 0402.2/ว 188 ลงวันที่ {law.thai('2569-09-17')}"
        moves = (("q4_agency", "2569-11-17"), ("q4_bb", "2569-11-24"), ("q4_report", "2569-11-30"))
        for key, day in (*moves, ("annual_report", "2569-12-30")):
            stage.move("kanya", self.closing.fiscal_year, key, law.day(day), letter)

    def _last_reports(self) -> Scene:
        """The reports of the last quarter come in, one project after another."""
        stage, law, closing = self.stage, self.times.law, self.closing
        yield law.at("2569-11-04")
        for number in (1, 2, 5):
            closing.fill(number, 4)
        yield law.at("2569-11-06")
        for number in (1, 2):
            closing.certify(number)
        yield law.at("2569-11-10")
        closing.validate(1)
        yield law.at("2569-11-16")
        for number in (7, 8):
            closing.fill(number, 4)
        stage.take("publicworks", closing.case, "fill", about=closing.code(RED))
        yield law.at("2569-11-17")
        for number in (4, 6):
            closing.fill(number, 4)
        closing.certify(5)
        letter = "สำนักงานจังหวัดอุดรธานี กลุ่มงานยุทธศาสตร์ฯ"
        stage.record("suriya", closing.case, "certify", letter, about=closing.code(7), **reports.certified())
        closing.validate(2, **reports.certified("ยอดเบิกจ่ายไม่ตรงกับ GFMIS ณ วันตัดยอด"))
        yield law.at("2569-11-18")
        stage.take("nuchanat", closing.case, "validate", about=closing.code(5))
        closing.certify(6, **reports.certified("แนบใบตรวจรับไม่ครบทุกเครื่อง"))
        stage.take("irrigation", closing.case, "fill", about=closing.code(2))
        stage.take("buengkan", closing.case, "certify", about=closing.code(4))

    def _reports_put_right(self) -> Scene:
        """What was sent back comes again, and what was late at last."""
        law, closing = self.times.law, self.closing
        yield law.at("2569-11-23")
        for number in (2, 6):
            closing.fill(number, 4)
        for number in (4, 8):
            closing.certify(number)
        yield law.at("2569-11-24")
        closing.validate(5, "nuchanat")
        for number in (7, 4, 8):
            closing.validate(number)
        closing.fill(RED, 4)
        for number in (2, 6):
            closing.certify(number)
        yield law.at("2569-11-26")
        for number in (2, 6):
            closing.validate(number)
        closing.certify(RED)
        yield law.at("2569-11-27")
        closing.validate(RED)

    def _evaluate(self) -> Scene:
        stage, law, case = self.stage, self.times.law, self.closing.case
        yield law.at("2569-12-22")
        stage.do("prasert", case, "evaluate", **reports.annual_evaluation())
        yield law.at("2569-12-25")
        stage.do("somchai", case, "sign_evaluation", **papers.APPROVE)
