"""Scenes of the demo in the execution years: quarters, red projects and recommendations, contracts and changes.

The days of a fiscal year are the law's. Where a scene waits for somebody today, its last acts keep their distance from
today: their days are the story's.
"""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.portfolio import CURRENT
from osm_flow.demo.quarters import Quarters
from osm_flow.demo.reports import CLOSING_REPORTS, CURRENT_REPORTS
from osm_flow.demo.stage import DemoStage, Scene
from osm_flow.domain.json import JSON

# The project whose contractor left: red since the third quarter of the year that is being closed.
_RED = 3
_CONTRACTOR = "บริษัท โขงรุ่งเรืองก่อสร้าง จำกัด"


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
        yield from closing.visit(_RED, "2569-07-16", 32)
        yield from closing.conclude(3, ("2569-07-21", "2569-07-23", "2569-07-27"), head="narong")
        yield from self._close_money(closing, _RED, "มีหนี้ผูกพัน อยู่ระหว่างจัดหาผู้รับจ้างรายใหม่")
        yield from self._last_reports()
        yield from self._reports_put_right()
        yield from closing.visit(_RED, "2569-12-03", 34)
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
        amounts = {entry.full_name: entry.approved or 0 for entry in CLOSING_REPORTS.entries}
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
        continuing = [entry for entry in CURRENT if entry.kind == "operating" and entry.approved]
        amounts = {entry.full_name: round((entry.approved or 0) * 0.25, 2) for entry in continuing}
        stage.do("anucha", current.case, "check_interim", **reports.spending_plan(amounts))

    def _act_in_force(self) -> Scene:
        """The Act is published; the year leaves the interim budget."""
        stage, law, case = self.stage, self.times.law, self.current.case
        yield law.at("2569-12-17")
        gazette = law.done("2569-12-15")
        stage.answer("kanya", case, "act_published", "ราชกิจจานุเบกษา", act_in_force=True, gazette_date=gazette)
        yield law.at("2569-12-21")
        letter = f"ที่ นร 0702/4471 ลงวันที่ {law.thai('2569-12-18')}"
        stage.do("anucha", case, "allocate", **reports.allocation(letter, law.done("2569-12-18")))
        yield law.at("2569-12-24")
        amounts = {entry.full_name: entry.approved or 0 for entry in CURRENT_REPORTS.entries}
        stage.do("anucha", case, "replan", **reports.spending_plan(amounts))

    def _close_money(self, year: Quarters, number: int, reason: str) -> Scene:
        """The money that a project has not spent by the end of the year is carried over."""
        yield self.times.law.at(f"{year.told_year}-09-02")
        entry, spent = year.year.entries[number - 1], year.year.progress[number - 1][2].disbursed
        left = round((entry.approved or 0) * 1_000_000) * (100 - spent) // 100
        self.stage.do("anucha", year.case, "year_end", **reports.year_end(year.name(number), left, reason))

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
        stage.take("publicworks", closing.case, "fill", about=closing.code(_RED))
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
        closing.fill(_RED, 4)
        for number in (2, 6):
            closing.certify(number)
        yield law.at("2569-11-26")
        for number in (2, 6):
            closing.validate(number)
        closing.certify(_RED)
        yield law.at("2569-11-27")
        closing.validate(_RED)

    def _evaluate(self) -> Scene:
        stage, law, case = self.stage, self.times.law, self.closing.case
        yield law.at("2569-12-22")
        stage.do("prasert", case, "evaluate", **reports.annual_evaluation())
        yield law.at("2569-12-25")
        stage.do("somchai", case, "sign_evaluation", **papers.APPROVE)

    # -- recommendations ----------------------------------------------------------------------------------------

    def first_recommendation(self) -> Scene:
        """The recommendation on the red project of the second quarter: accepted, followed and verified."""
        stage, law = self.stage, self.times.law
        yield law.at("2569-05-06")
        case = self._opened_for(4)
        text = "เร่งประสานกรมป่าไม้ขออนุญาตใช้พื้นที่และเตรียมลงนามสัญญาภายในเดือนมิถุนายน"
        finding = "ยังไม่ได้รับอนุญาตใช้พื้นที่ป่าไม้ จึงลงนามสัญญาไม่ได้"
        paper = reports.recommendation(finding, "site", 2, "province", text, "ผู้ว่าราชการจังหวัดบึงกาฬ")
        stage.do("prasert", case, "draft", **paper)
        stage.do("kanya", case, "review_draft", **papers.APPROVE)
        yield law.at("2569-05-08")
        stage.do("pornthip", case, "sign", **papers.APPROVE)
        yield law.at("2569-05-19")
        step = "ยื่นคำขออนุญาตและลงนามสัญญา"
        reply = reports.accepted(law, "ที่ บก 0017/1189", "2569-05-18", step, "สนง.ท่องเที่ยวและกีฬาบึงกาฬ", "2569-06-30")
        stage.answer("nuchanat", case, "replied", "จังหวัดบึงกาฬ", **reply)
        yield law.at("2569-06-12")
        stage.do(
            "nuchanat", case, "track", **reports.followed(step, "done", "ได้รับอนุญาตและลงนามแล้ว", law.done("2569-06-11"))
        )
        yield law.at("2569-06-15")
        stage.do("thanakorn", case, "verify", **reports.verified(law, "2569-06-15", True, "ตรวจสัญญาแล้ว"))

    def second_recommendation(self) -> Scene:
        """The recommendation on the red project of the third quarter: accepted after a reminder, and it did not help."""
        stage, law = self.stage, self.times.law
        yield law.at("2569-07-31")
        case = self._opened_for(_RED)
        text = "บอกเลิกสัญญาตามระเบียบและจัดหาผู้รับจ้างรายใหม่ภายใน 45 วัน"
        finding = "ผู้รับจ้างทิ้งงาน ผลงานร้อยละ 32 จากแผนร้อยละ 65"
        paper = reports.recommendation(finding, "contractor", 2, "province", text, "ผู้ว่าราชการจังหวัดหนองคาย")
        stage.do("nuchanat", case, "draft", **paper)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)
        yield law.at("2569-08-05")
        stage.do("pornthip", case, "sign", **papers.APPROVE)
        yield law.at("2569-08-21")
        step = "บอกเลิกสัญญาและประกาศจัดหาผู้รับจ้างรายใหม่"
        reply = reports.accepted(law, "ที่ นค 0017/2031", "2569-08-20", step, "โยธาธิการและผังเมืองหนองคาย", "2569-09-25")
        stage.answer("nuchanat", case, "replied", "จังหวัดหนองคาย", **reply)
        yield law.at("2569-09-03")
        stage.do("nuchanat", case, "track", **reports.followed(step, "working", "บอกเลิกสัญญาแล้ว ยังไม่มีผู้เสนอราคา"))
        yield from self._settled(case) if self._is_settled else self._raised(case)

    def later_recommendation(self) -> Scene:
        """Later in the year the same project needs another one, opened by hand: accepted, and it did not help."""
        if not self._is_settled:
            return
        stage, times, closing = self.stage, self.times, self.closing
        yield times.at("2569-10-13", 10)
        project = {"code": closing.code(_RED), "name": closing.name(_RED)}
        about: JSON = {"project": project, "colour": "red", "power_level": "province"}
        case = stage.start("nuchanat", "recommendation", closing.fiscal_year, closing.name(_RED), **about)
        text = "เร่งประกาศจัดหาผู้รับจ้างรายใหม่ตามราคากลางที่ปรับแล้ว และรายงานผลทุกสองสัปดาห์"
        finding = "เงินกันไว้เบิกเหลื่อมปีแล้วแต่งานยังหยุด ผลงานร้อยละ 34"
        paper = reports.recommendation(finding, "contractor", 2, "province", text, "ผู้ว่าราชการจังหวัดหนองคาย")
        stage.do("nuchanat", case, "draft", **paper)
        yield times.at("2569-10-14")
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)
        yield times.at("2569-10-15", 10)
        stage.do("pornthip", case, "sign", **papers.APPROVE)
        yield times.at("2569-10-19", 10)
        step = "ประกาศจัดหาผู้รับจ้างรายใหม่ตามราคากลางที่ปรับแล้ว"
        reply = reports.accepted(times, "ที่ นค 0017/2688", "2569-10-19", step, "โยธาธิการและผังเมืองหนองคาย", "2569-10-30")
        stage.answer("nuchanat", case, "replied", "จังหวัดหนองคาย", **reply)
        yield times.at("2569-10-22", 10)
        stage.do("nuchanat", case, "track", **reports.followed(step, "working", "ประกาศแล้ว ยังไม่มีผู้เสนอราคา"))
        yield from self._raised(case)

    @property
    def _is_settled(self) -> bool:
        """Whether the recommendation on the red project was closed so long ago that another one is under way today."""
        return self.times.today > self.times.law.day("2570-01-31")

    def _raised(self, case: str) -> Scene:
        """It did not help; the next draft goes to the committee's level and waits for the head of cluster today."""
        stage, times = self.stage, self.times
        yield times.at("2569-10-26")
        note = "ประกาศจัดหาแล้วไม่มีผู้เสนอราคา งานยังหยุดอยู่"
        stage.do("prasert", case, "verify", **reports.verified(times, "2569-10-26", False, note))
        yield times.at("2569-11-12", 13)
        stage.do("nuchanat", case, "draft", **self._for_the_committee())
        yield times.at("2569-11-17", 13)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)

    def _settled(self, case: str) -> Scene:
        """It did not help at first; the committee had the price raised, and the case was closed with that."""
        stage, law = self.stage, self.times.law
        yield law.at("2569-09-10")
        note = "ประกาศจัดหาแล้วไม่มีผู้เสนอราคา งานยังหยุดอยู่"
        stage.do("prasert", case, "verify", **reports.verified(law, "2569-09-10", False, note))
        yield law.at("2569-11-12", 13)
        stage.do("nuchanat", case, "draft", **self._for_the_committee())
        yield law.at("2569-11-17", 13)
        stage.do("thanakorn", case, "review_draft", **papers.APPROVE)
        yield law.at("2569-11-20", 13)
        stage.do("somchai", case, "sign", **papers.APPROVE)
        yield law.at("2569-11-23", 13)
        stage.do("wipada", case, "put_on_agenda", **papers.agenda("ปรับราคากลางโครงการภูมิทัศน์ริมฝั่งโขง"))
        yield law.at("2569-11-27")
        step = "ปรับราคากลางและประกาศจัดหาใหม่ด้วยวิธีคัดเลือก"
        reply = reports.accepted(law, "ที่ ก.บ.ก. 6/118", "2569-11-26", step, "โยธาธิการและผังเมืองหนองคาย", "2569-12-18")
        stage.answer("nuchanat", case, "replied", "ก.บ.ก.", **reply)
        yield law.at("2569-12-18", 13)
        done = reports.followed(step, "done", "อนุมัติราคากลางใหม่แล้ว", law.done("2569-12-17"))
        stage.do("nuchanat", case, "track", **done)
        yield law.at("2569-12-22", 13)
        stage.do("thanakorn", case, "verify", **reports.verified(law, "2569-12-22", True, "ราคากลางใหม่ประกาศแล้ว"))

    def _for_the_committee(self) -> JSON:
        text = "เสนอ ก.บ.ก. พิจารณาปรับราคากลางและวิธีจัดหา พร้อมรายงานกรมโยธาธิการและผังเมือง"
        finding = "ไม่มีผู้เสนอราคาสองครั้ง งานหยุดตั้งแต่เดือนมิถุนายน"
        addressee = "ก.บ.ก. และกรมโยธาธิการและผังเมือง"
        return reports.recommendation(finding, "no_bidder", 3, "cluster", text, addressee)

    def _opened_for(self, number: int) -> str:
        return self.stage.newest("recommendation", self.closing.name(number))

    # -- contracts and changes ----------------------------------------------------------------------------------

    def contracts(self) -> Scene:
        """The contracts of both years are written down as they are signed."""
        yield from self._sign(self.closing, "2568-11-17", (1, 7), "2569-08-31")
        yield from self._sign(self.closing, "2568-12-15", (2, 3, 6, 8), "2569-09-15")
        yield from self._sign(self.closing, "2569-06-12", (4,), "2569-12-10")
        yield from self._sign(self.current, "2570-02-15", (1, 3, 4, 6), "2570-09-10")
        yield from self._sign(self.current, "2570-03-18", (2, 5, 7, 8, 9), "2570-09-25")

    def _sign(self, year: Quarters, day: str, numbers: tuple[int, ...], ends: str) -> Scene:
        law = self.times.law
        yield law.at(day, 11)
        for number in numbers:
            entry = year.year.entries[number - 1]
            paper = f"จ {number}/{law.be(day)}"
            days = (law.done(day), law.iso(ends))
            values = reports.contract(year.code(number), entry, paper, _CONTRACTOR, days)
            self.stage.answer("nuchanat", year.case, "contract_signed", entry.agency, **values)

    def baselines_changed(self) -> Scene:
        """In each year a project gives back what bidding saved: its baseline is changed."""
        yield from self._give_back(self.closing, 1, ("2569-07-06", "2569-07-08"))
        yield from self._give_back(self.current, 2, ("2570-05-18", "2570-05-20"))

    def _give_back(self, year: Quarters, number: int, days: tuple[str, str]) -> Scene:
        law, (asked, agreed) = self.times.law, days
        entry = year.year.entries[number - 1]
        if entry.revised is None:
            return
        yield law.at(asked, 14)
        saved = f"{entry.approved:g} ล้านบาท", f"{entry.revised[1]:g} ล้านบาท"
        self.stage.answer(
            "kanya", year.case, "change_asked", entry.agency, **change(year.code(number), "T5", "วงเงิน", saved)
        )
        yield law.at(agreed, 14)
        budget, day = round(entry.revised[1] * 1_000_000), law.done(agreed)
        said: JSON = {"budget_after": budget, "effective_on": day, "reported_to_bb_on": day}
        self.stage.do("anucha", year.case, "update_project", about=entry.full_name, **said)

    def changes_asked(self) -> Scene:
        """Two requests to change projects arrive: one for the committee, one only to be recorded."""
        # Three working days are given for what follows: over long holidays a distance in days would leave it in time.
        stage, asked = self.stage, self.times.working_days_ago(6)
        yield asked
        # The year being closed takes no request any more once its last report is out.
        is_open = asked < self.times.law.at("2569-12-15")
        year, (detail, contract) = (self.closing, (6, 8)) if is_open else (self.current, (8, 11))
        requests = (
            (detail, "T1", "สถานที่ติดตั้ง", ("ติดตั้งที่อำเภอเมือง", "ติดตั้งที่อำเภอใกล้เคียงตามความพร้อมของพื้นที่")),
            (contract, "T5", "สัญญา", ("สัญญาสิ้นสุดตามกำหนดเดิม", "ขยายเวลา 45 วันเพราะน้ำป่า")),
        )
        for number, kind, item, change_of in requests:
            values = change(year.code(number), kind, item, change_of)
            stage.answer("kanya", year.case, "change_asked", year.year.entries[number - 1].agency, **values)
        yield self.times.working_days_ago(5, 14)
        stage.take("kanya", year.case, "update_project", about=year.name(contract))
        stage.take("wipada", year.case, "prepare_agenda")


def change(project: str, kind: str, item: str, change_of: tuple[str, str]) -> JSON:
    """A request to change an item of a project from one thing to another."""
    before, after = change_of
    return {
        "project": project,
        "change_type": kind,
        "reason": f"ขอเปลี่ยนจาก{before} เป็น{after}",
        "effect": "ไม่กระทบวัตถุประสงค์และค่าเป้าหมาย",
        "items": [{"item": item, "before": before, "after": after}],
        "past_cutoff": False,
        "bb_agreement_required": False,
        "commit_ready": True,
    }
