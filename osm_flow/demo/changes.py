"""Scenes of the demo in which contracts are signed and projects changed."""

from __future__ import annotations

from osm_flow.demo import reports
from osm_flow.demo.quarters import Quarters
from osm_flow.demo.stage import DemoStage, Scene
from osm_flow.domain.json import JSON

_CONTRACTOR = "บริษัท โขงรุ่งเรืองก่อสร้าง จำกัด"


class Changes:
    """What becomes of the projects of two execution years: their contracts, and what is asked to be changed."""

    def __init__(self, stage: DemoStage, closing: Quarters, current: Quarters) -> None:
        self.stage = stage
        self.times = stage.times
        self.closing, self.current = closing, current

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
        said: JSON = {"budget_after": budget, "cancelled": False, "effective_on": day, "reported_to_bb_on": day}
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
