"""What happens to projects of the demo beside their processes: corrections, which a second person confirms."""

from __future__ import annotations

from osm_flow.demo.register import code_of
from osm_flow.demo.stage import DemoStage, Scene
from osm_flow.domain.json import JSON


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
