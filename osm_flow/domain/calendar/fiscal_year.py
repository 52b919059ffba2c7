"""The fiscal year (1 October to 30 September, named after the Buddhist year in which it ends) and its milestones.

When a milestone falls is data of each office and year. What stands here is only what a normal year looks like,
as a proposal for a year whose circular has not come yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from osm_flow.domain.calendar.thai_dates import BUDDHIST_OFFSET

_OCTOBER = 10
Lane = Literal["planning", "budget", "execution"]


class DateStatus(StrEnum):
    """How sure the date of a milestone is."""

    planned = "planned"
    announced = "announced"
    actual = "actual"


@dataclass(frozen=True)
class NewDate:
    """The day on which a milestone falls from now on, and the letter that says so; `status` is a DateStatus if right."""

    day: date
    letter: str
    status: str = DateStatus.announced


def fiscal_year_of(day: date) -> int:
    """The fiscal year of a day: 2570 from 1 October 2569 to 30 September 2570 (Buddhist years)."""
    return day.year + BUDDHIST_OFFSET + (day.month >= _OCTOBER)


def fiscal_year_bounds(fiscal_year: int) -> tuple[date, date]:
    """The first and the last day of a fiscal year."""
    ends = fiscal_year - BUDDHIST_OFFSET
    return date(ends - 1, _OCTOBER, 1), date(ends, 9, 30)


@dataclass(frozen=True)
class Milestone:
    """A date of the cycle. In a normal year it falls on `day`.`month`, `years` before the year in which FY ends."""

    key: str
    name_th: str
    name_en: str
    lane: Lane
    month: int
    day: int
    years: int

    def typical(self, fiscal_year: int) -> date:
        """The day on which the milestone falls in a normal year."""
        return date(fiscal_year - BUDDHIST_OFFSET - self.years, self.month, self.day)


def _quarterly(quarter: int, cut: tuple[int, int, int], following: tuple[int, int]) -> tuple[Milestone, ...]:
    """The data cut of a quarter and the reports of the month after it, agencies first."""
    years, month = following
    last = 30 if month == 4 else 31
    rows = (
        ("cut", f"ตัดยอดข้อมูลไตรมาส {quarter}", f"Quarter {quarter} data cut", cut),
        ("agency", f"หน่วยงานส่งรายงานไตรมาส {quarter}", f"Agencies report quarter {quarter}", (years, month, 10)),
        (
            "bb",
            f"รายงานสำนักงบประมาณ ไตรมาส {quarter}",
            f"Quarter {quarter} report to the Budget Bureau",
            (years, month, 15),
        ),
        (
            "report",
            f"รายงานผลไตรมาส {quarter} ต่อหัวหน้ากลุ่มจังหวัด",
            f"Quarter {quarter} report to the head of cluster",
            (years, month, last),
        ),
    )
    return tuple(Milestone(f"q{quarter}_{key}", th, en, "execution", m, d, y) for key, th, en, (y, m, d) in rows)


MILESTONES: tuple[Milestone, ...] = (
    Milestone("situation_data", "ข้อมูลสถานการณ์พร้อม", "Situation data ready", "planning", 6, 30, 2),
    Milestone(
        "knb_policy",
        "ก.น.บ. กำหนดนโยบาย หลักเกณฑ์ และปฏิทิน",
        "National committee sets policy and calendar",
        "planning",
        8,
        19,
        2,
    ),
    Milestone("hearing_notice", "ประกาศรับฟังความคิดเห็น", "Hearing notice published", "planning", 8, 10, 2),
    Milestone("hearing_close", "ปิดรับฟังความคิดเห็น", "Hearing closes", "planning", 9, 15, 2),
    Milestone("concept_due", "ส่งข้อเสนอโครงการ", "Project concepts due", "planning", 9, 30, 2),
    Milestone("draft_ready", "ร่างแผนแล้วเสร็จ", "Draft plan ready", "planning", 10, 15, 2),
    Milestone("province_reply_due", "จังหวัดตอบยืนยันแผน", "Province replies due", "planning", 10, 31, 2),
    Milestone(
        "committee_meeting", "ประชุม ก.บ.ก. เห็นชอบแผน", "Cluster committee meeting on the plan", "planning", 11, 20, 2
    ),
    Milestone("plan_submit", "ส่งแผนให้ส่วนกลาง", "Plan submitted to the centre", "planning", 11, 30, 2),
    Milestone("subcommittee", "คณะอนุกรรมการประจำภาคพิจารณา", "Regional subcommittee decides", "planning", 12, 15, 2),
    Milestone("knb", "ก.น.บ. พิจารณาแผน", "National committee decides", "planning", 1, 20, 1),
    Milestone("budget_request", "ส่งคำของบประมาณ", "Budget request filed", "budget", 1, 31, 1),
    Milestone("cabinet", "คณะรัฐมนตรีเห็นชอบแผน", "Cabinet approves the plan", "planning", 3, 15, 1),
    Milestone("bb_review", "สำนักงบประมาณพิจารณาคำขอ", "Budget Bureau reviews the request", "budget", 3, 31, 1),
    Milestone("budget_bill", "ร่าง พ.ร.บ. งบประมาณวาระที่ 1", "Budget bill, first reading", "budget", 5, 31, 1),
    Milestone("house_committee", "กรรมาธิการพิจารณางบประมาณ", "House committee on the budget", "budget", 7, 31, 1),
    Milestone("act_published", "พ.ร.บ. งบประมาณประกาศใช้", "Budget Act published", "budget", 9, 15, 1),
    Milestone("spending_plan", "แผนการปฏิบัติงานและแผนการใช้จ่ายงบประมาณ", "Work and spending plan", "budget", 9, 25, 1),
    Milestone("year_start", "เริ่มปีงบประมาณ", "Fiscal year begins", "execution", 10, 1, 1),
    *_quarterly(1, (1, 12, 31), (0, 1)),
    *_quarterly(2, (0, 3, 31), (0, 4)),
    *_quarterly(3, (0, 6, 30), (0, 7)),
    Milestone(
        "change_cutoff", "วันสุดท้ายของการขอเปลี่ยนแปลงโครงการ", "Last day for project changes", "execution", 7, 31, 0
    ),
    Milestone("carry_over_review", "เริ่มสำรวจเงินกันไว้เบิกเหลื่อมปี", "Carry-over review begins", "execution", 8, 15, 0),
    Milestone("year_end", "สิ้นปีงบประมาณ", "Fiscal year ends", "execution", 9, 30, 0),
    *_quarterly(4, (0, 9, 30), (0, 10)),
    Milestone("annual_report", "รายงานประจำปี", "Annual report", "execution", 11, 30, 0),
)

MILESTONE_OF: dict[str, Milestone] = {milestone.key: milestone for milestone in MILESTONES}


def typical_dates(fiscal_year: int) -> dict[str, date]:
    """The day of each milestone in a normal year, in the order in which they fall."""
    dates = {milestone.key: milestone.typical(fiscal_year) for milestone in MILESTONES}
    return dict(sorted(dates.items(), key=lambda pair: pair[1]))
