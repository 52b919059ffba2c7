"""Scenes of the demo about its red projects: what is recommended to whom, and whether it helped."""

from __future__ import annotations

from osm_flow.demo import papers, reports
from osm_flow.demo.quarters import Quarters
from osm_flow.demo.stage import DemoStage, Scene
from osm_flow.domain.json import JSON

# The project whose contractor left: red since the third quarter of the year that is being closed.
RED = 3


class Recommendations:
    """The recommendations of the year being closed, in the order of their days.

    Where a scene waits for somebody today, its last acts keep their distance from today: their days are the story's.
    """

    def __init__(self, stage: DemoStage, closing: Quarters) -> None:
        self.stage = stage
        self.times = stage.times
        self.closing = closing

    def first(self) -> Scene:
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

    def second(self) -> Scene:
        """The recommendation on the red project of the third quarter: accepted after a reminder, and it did not help."""
        stage, law = self.stage, self.times.law
        yield law.at("2569-07-31")
        case = self._opened_for(RED)
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

    def later(self) -> Scene:
        """Later in the year the same project needs another one, opened by hand: accepted, and it did not help."""
        if not self._is_settled:
            return
        stage, times, closing = self.stage, self.times, self.closing
        yield times.at("2569-10-13", 10)
        project = {"code": closing.code(RED), "name": closing.name(RED)}
        about: JSON = {"project": project, "colour": "red", "power_level": "province"}
        case = stage.start("nuchanat", "recommendation", closing.fiscal_year, closing.name(RED), **about)
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
