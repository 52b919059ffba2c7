"""What happens to projects of the demo beside their processes: corrections, which a second person confirms."""

from __future__ import annotations

from osm_flow.demo.pictures import picture
from osm_flow.demo.register import code_of
from osm_flow.demo.stage import DemoStage, Scene
from osm_flow.domain.json import JSON
from osm_flow.operations.projects.project_files import NewPhoto

# Who took a photo of which project on which day: (its year as told, number, day, person, stage, per cent built, caption).
_PHOTOS = (
    (2569, 1, "2568-11-18", "highway", "before", 0, "ผิวทางเดิมชำรุดก่อนเริ่มงาน"),
    (2569, 3, "2568-12-16", "publicworks", "before", 0, "ริมฝั่งโขงก่อนเริ่มงาน"),
    (2569, 1, "2569-03-24", "highway", "during", 45, "งานชั้นทางช่วงที่ 1"),
    (2569, 3, "2569-07-16", "prasert", "during", 32, "งานหยุดตามที่ตรวจพบในพื้นที่"),
    (2569, 8, "2569-08-19", "prasert", "during", 70, "งานผิวทางเข้าแหล่งท่องเที่ยว"),
    (2569, 1, "2569-09-22", "highway", "after", 100, "ผิวทางแล้วเสร็จพร้อมป้ายจราจร"),
    (2570, 3, "2570-02-22", "publicworks", "before", 0, "ตลิ่งพังทลายก่อนเริ่มงาน"),
    (2570, 1, "2570-06-16", "highway", "during", 46, "งานขยายผิวจราจรช่วงต้น"),
    (2570, 3, "2570-06-22", "publicworks", "during", 44, "งานตอกเสาเข็ม"),
)


class Lives:
    """Scenes about single projects."""

    def __init__(self, stage: DemoStage) -> None:
        self.stage = stage
        self.times = stage.times

    def targets_corrected(self) -> Scene:
        """A target was typed wrongly: one proposes what is right, another confirms it."""
        code = code_of(self.times.year - 1, 2)
        yield self.times.law.at("2569-02-09", 10)
        kpis = [dict(row) for row in self.stage.project(code)["kpis"]]
        kpis[0]["target"] = 2350
        reason = "ตัวเลขพื้นที่ชลประทานในข้อเสนอเดิมนับแปลงซ้ำ 50 ไร่ ตามหนังสือโครงการชลประทานเลย"
        self.stage.correct("anucha", code, reason, {"kpis": kpis})
        yield self.times.law.at("2569-02-11", 10)
        self.stage.confirm("kanya", code)

    def places_proposed(self) -> Scene:
        """The places of a concept are to be corrected; the second person has yet to look at it."""
        code = code_of(self.times.year + 1, 8)
        yield self.times.at("2569-11-17", 15)
        area: list[JSON] = [dict(row) for row in self.stage.project(code)["area"]]
        area[1] |= {"district": "เมืองหนองบัวลำภู", "tambon": "หนองภัยศูนย์"}
        self.stage.correct("nuchanat", code, "หน่วยงานแจ้งว่าพื้นที่ที่สองอยู่ตำบลหนองภัยศูนย์", {"area": area})

    def photographed(self) -> Scene:
        """Agencies and the office photograph sites before, during and after the work."""
        law = self.times.law
        for place, (year, number, day, who, stage, done, caption) in enumerate(_PHOTOS):
            yield law.at(day, 15)
            photo = NewPhoto(stage, law.working_day(day), caption)
            code = code_of(self.times.fiscal_year(year), number)
            self.stage.photograph(who, code, picture(done, place * 3), photo)
