"""The values that people of the demo put into the forms of the years that are carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from osm_flow.demo.portfolio import CLOSING, CURRENT, PlannedProject
from osm_flow.demo.times import Days
from osm_flow.domain.json import JSON
from osm_flow.domain.projects import spending


@dataclass(frozen=True)
class Progress:
    """How far a project has come at the end of a quarter, in per cent of its budget and of its work."""

    committed: int
    disbursed: int
    stage: str
    planned: int
    done: int
    problem: str = ""
    cause: str = ""


_SITE = "รออนุญาตใช้พื้นที่ป่าไม้ ยังลงนามสัญญาไม่ได้ จึงยังไม่มีการเบิกจ่าย"
_CONTRACTOR = "ผู้รับจ้างทิ้งงานหลังงวดที่ 1 อยู่ระหว่างบอกเลิกสัญญาและจัดหาผู้รับจ้างรายใหม่"

_RAIN = "ฝนตกต่อเนื่องทำให้งานฐานรากล่าช้า ผู้รับจ้างปรับแผนเพิ่มแรงงานแล้ว"
_BIDS = "ประกาศจัดหาครั้งแรกไม่มีผู้ผ่านคุณสมบัติ ต้องประกาศใหม่จึงลงนามช้ากว่าแผน"
_PAPERS = "เอกสารส่งเบิกงวดงานไม่ครบ หน่วยงานเร่งแก้ไขและส่งเบิกภายในเดือนถัดไป"

# By project of the register, what each quarter of the year that is being closed brought.
_CLOSING_PROGRESS: tuple[tuple[Progress, ...], ...] = (
    (
        Progress(60, 5, "working", 15, 18),
        Progress(45, 35, "working", 45, 50),
        Progress(20, 75, "working", 75, 80),
        Progress(0, 98, "paid", 100, 100),
    ),
    (
        Progress(25, 0, "signed", 10, 10),
        Progress(60, 20, "working", 35, 35),
        Progress(35, 50, "working", 70, 70),
        Progress(10, 88, "working", 100, 100),
    ),
    (
        Progress(22, 0, "signed", 10, 10),
        Progress(37, 10, "working", 30, 30),
        Progress(0, 20, "working", 65, 32, _CONTRACTOR, "contractor"),
        Progress(0, 24, "working", 90, 34, _CONTRACTOR, "contractor"),
    ),
    (
        Progress(20, 0, "announced", 5, 5),
        Progress(0, 0, "evaluation", 25, 5, _SITE, "site"),
        Progress(70, 10, "working", 40, 40),
        Progress(30, 65, "working", 95, 95),
    ),
    (
        Progress(5, 22, "working", 20, 22),
        Progress(5, 50, "working", 50, 55),
        Progress(5, 78, "working", 80, 80),
        Progress(0, 99, "paid", 100, 100),
    ),
    (
        Progress(24, 0, "signed", 0, 0),
        Progress(50, 0, "signed", 30, 30),
        Progress(15, 60, "accepted", 70, 75),
        Progress(0, 96, "paid", 100, 100),
    ),
    (
        Progress(28, 0, "signed", 8, 8),
        Progress(40, 15, "working", 35, 35),
        Progress(18, 45, "working", 65, 70, _PAPERS, "payment"),
        Progress(12, 84, "working", 100, 100),
    ),
    (
        Progress(21, 0, "signed", 5, 5),
        Progress(42, 12, "working", 30, 32),
        Progress(27, 40, "working", 65, 68, _PAPERS, "payment"),
        Progress(6, 90, "accepted", 100, 100),
    ),
)


# The same of the year that is being carried out: its Act came late, so nothing was measured in its first quarter.
_BEGUN, _PLANNED_ONLY = Progress(0, 8, "working", 5, 5), Progress(0, 0, "tor", 0, 0)
_CURRENT_PROGRESS: tuple[tuple[Progress, ...], ...] = (
    (_PLANNED_ONLY, Progress(40, 8, "signed", 12, 12), Progress(38, 36, "working", 45, 46)),
    (
        _PLANNED_ONLY,
        Progress(32, 10, "signed", 12, 10, _BIDS, "no_bidder"),
        Progress(30, 35, "working", 45, 42, _RAIN, "disaster"),
    ),
    (_PLANNED_ONLY, Progress(38, 9, "signed", 10, 10), Progress(36, 37, "working", 42, 44)),
    (_PLANNED_ONLY, Progress(41, 6, "signed", 10, 11), Progress(38, 34, "working", 45, 45)),
    (_PLANNED_ONLY, Progress(44, 3, "signed", 8, 8), Progress(44, 20, "working", 40, 34, _RAIN, "disaster")),
    (_PLANNED_ONLY, Progress(33, 10, "signed", 12, 13, _PAPERS, "payment"), Progress(33, 40, "working", 48, 50)),
    (
        _PLANNED_ONLY,
        Progress(35, 0, "signed", 10, 6, _BIDS, "no_bidder"),
        Progress(38, 17, "working", 40, 30, _RAIN, "disaster"),
    ),
    (_PLANNED_ONLY, Progress(50, 0, "signed", 15, 15), Progress(45, 28, "working", 60, 60)),
    (
        _PLANNED_ONLY,
        Progress(41, 0, "signed", 15, 12, _BIDS, "no_bidder"),
        Progress(36, 30, "working", 55, 50, _PAPERS, "payment"),
    ),
    (_BEGUN, Progress(15, 34, "working", 40, 42), Progress(10, 66, "working", 70, 72)),
    (_BEGUN, Progress(18, 30, "working", 38, 38), Progress(12, 60, "working", 68, 70)),
    (_BEGUN, Progress(12, 36, "working", 40, 41), Progress(8, 68, "working", 72, 75)),
    (_BEGUN, Progress(14, 33, "working", 38, 40), Progress(10, 62, "working", 68, 68)),
)


@dataclass(frozen=True)
class YearOfReports:
    """What the projects of a year report: their progress, and per quarter the government's target of spending so far."""

    entries: tuple[PlannedProject, ...]
    progress: tuple[tuple[Progress, ...], ...]
    targets: Mapping[int, int]


# Per cent of the budget disbursed or committed. A quarter without a target is not measured.
CLOSING_REPORTS = YearOfReports(CLOSING, _CLOSING_PROGRESS, {1: 20, 2: 45, 3: 70, 4: 93})
CURRENT_REPORTS = YearOfReports(CURRENT[: len(_CURRENT_PROGRESS)], _CURRENT_PROGRESS, {1: 0, 2: 45, 3: 70})


def report(year: YearOfReports, number: int, quarter: int, as_of: str, reporter: str) -> JSON:
    """Form F18 of the project with this number in the year's register."""
    entry, progress = year.entries[number - 1], year.progress[number - 1][quarter - 1]
    budget = _baht(entry)
    revised = entry.revised if entry.revised and quarter >= entry.revised[0] else None
    values: JSON = {
        "as_of": as_of,
        "budget_act": budget,
        "allocated": budget,
        "after_change": round(revised[1] * 1_000_000) if revised else budget,
        "committed": budget * progress.committed // 100,
        "disbursed": budget * progress.disbursed // 100,
        "target_percent": year.targets[quarter],
        "stage": progress.stage,
        "physical_plan": progress.planned,
        "physical_actual": progress.done,
        "reporter": reporter,
    }
    if progress.problem:
        values |= {"problem": progress.problem, "cause_code": [progress.cause]}
    if progress.stage in ("accepted", "paid"):
        values["evidence"] = f"ใบตรวจรับพัสดุ โครงการที่ {number}"
    return values


def colour(year: YearOfReports, number: int, quarter: int) -> str:
    """The colour that the project's report of the quarter brings."""
    values, target = report(year, number, quarter, "", ""), year.targets[quarter]
    if not target:
        return "not_due"
    used = Decimal(values["committed"] + values["disbursed"]) * 100 / values["after_change"]
    return spending.colour_of(used, Decimal(target))


def _baht(entry: PlannedProject) -> int:
    return round((entry.approved or entry.requested) * 1_000_000)


def certified(note: str = "") -> JSON:
    """The certificate of a province."""
    return {"report_valid": not note, "note": note}


def site_visit(project: str, day: str, percent: int) -> JSON:
    """The minutes of a visit to the site of a project on this day."""
    return {
        "visited_on": day,
        "team": ["นายประเสริฐ แก้วมณี", "น.ส.นุชนาถ วรรณทอง", "ผู้แทนสำนักงานโยธาธิการและผังเมือง"],
        "project": project,
        "place": "พื้นที่ก่อสร้างโครงการ",
        "observed_percent": percent,
        "findings": "งานหยุดชะงักตามที่รายงาน เครื่องจักรไม่อยู่ในพื้นที่ ประชาชนขอให้เร่งดำเนินการ",
        "signed_by": "นายประเสริฐ แก้วมณี",
    }


def cluster_report(year: YearOfReports, quarter: int) -> JSON:
    """The quarterly report of the cluster."""
    numbers = range(1, len(year.entries) + 1)
    each = [report(year, number, quarter, "", "") for number in numbers]
    colours = Counter(colour(year, number, quarter) for number in numbers)
    budget = sum(row["after_change"] for row in each)
    spent = sum(row["committed"] + row["disbursed"] for row in each)
    target = year.targets[quarter]
    aim = f"เป้าหมายร้อยละ {target}" if target else "ยังไม่ถึงรอบวัดเพราะเพิ่งพ้นช่วงใช้งบประมาณไปพลางก่อน"
    return {
        "summary": f"ไตรมาสที่ {quarter} ใช้จ่ายและผูกพันร้อยละ {spent * 100 / budget:.2f} {aim}",
        "total_budget": budget,
        "total_spent": spent,
        **{name: colours[name] for name in ("green", "yellow", "orange", "red", "not_reported")},
        "issues": "เร่งรัดโครงการสีแดงและรายงานหัวหน้ากลุ่มจังหวัด" if colours["red"] else "ไม่มีปัญหาสำคัญ",
    }


def annual_evaluation() -> JSON:
    """The evaluation of the year that is closed."""
    rows = (("ระยะทางถนนที่ปรับปรุงแล้วเสร็จ (กิโลเมตร)", 10.6, 10.6), ("แหล่งท่องเที่ยวที่ได้รับการพัฒนา (แห่ง)", 5, 3))
    return {
        "results": [
            {"kpi": kpi, "target": target, "actual": actual, "achievement": round(actual * 100 / target, 2)}
            for kpi, target, actual in rows
        ],
        "satisfaction": 83.4,
        "lessons": "โครงการที่ผู้รับจ้างทิ้งงานใช้เวลาจัดหารายใหม่เกินสองไตรมาส ควรตรวจฐานะผู้รับจ้างก่อนลงนาม",
        "proposals": "เพิ่มการตรวจงวดงานทุกเดือนในไตรมาสที่ 3 และเตรียมรายชื่อผู้รับจ้างสำรอง",
    }


def allocation(letter: str, received: str, amounts: Mapping[str, float]) -> JSON:
    """The allocation of the year that is carried out, once its Act is in force; amounts in millions by project code."""
    items = [{"project": code, "amount": round(millions * 1_000_000)} for code, millions in amounts.items()]
    return {"letter": letter, "received_on": received, "total": sum(row["amount"] for row in items), "items": items}


def contract(code: str, entry: PlannedProject, number: str, contractor: str, days: tuple[str, str]) -> JSON:
    """The contract of a project, between the days on which it is signed and on which it ends."""
    signed, ends = days
    value = _baht(entry) * 98 // 100 // 1000 * 1000
    return {
        "project": code,
        "contract_no": number,
        "method": "e_bidding",
        "contractor": contractor,
        "budget": _baht(entry),
        "value": value,
        "sign_date": signed,
        "start_date": signed,
        "end_date": ends,
        "instalments": [
            {"no": 1, "amount": value // 2, "due": ends},
            {"no": 2, "amount": value - value // 2, "due": ends},
        ],
    }


def year_end(project: str, carried: int, reason: str) -> JSON:
    """The list of what is carried over at the end of the year."""
    return {
        "items": [
            {
                "project": project,
                "balance": carried,
                "decision": "carry",
                "reason": reason,
            }
        ],
        "carried_total": carried,
        "lapsed_total": 0,
    }


def spending_plan(amounts: Mapping[str, float]) -> JSON:
    """The spending plan of the next year; amounts in millions by project code."""
    items = []
    for project, millions in amounts.items():
        total = round(millions * 1_000_000)
        first, second, third = total * 20 // 100, total * 25 // 100, total * 25 // 100
        items.append(
            {
                "project": project,
                "q1": first,
                "q2": second,
                "q3": third,
                "q4": total - first - second - third,
                "total": total,
            }
        )
    return {"items": items, "spending_total": sum(item["total"] for item in items)}


# ---- recommendations -------------------------------------------------------------------------------------------


def recommendation(finding: str, cause: str, severity: int, level: str, text: str, addressee: str) -> JSON:
    """A recommendation on a project."""
    return {
        "finding": finding,
        "cause_codes": [cause],
        "severity": severity,
        "power_level": level,
        "recommendation": text,
        "addressee": addressee,
    }


def accepted(times: Days, letter: str, replied: str, step: str, owner: str, due: str) -> JSON:
    """The reply of a party that accepts the recommendation."""
    return {
        "reply_type": "accept",
        "reply_text": "รับข้อเสนอแนะและจะดำเนินการตามแผน",
        "action_plan": [{"step": step, "owner": owner, "due": times.iso(due)}],
        "letter_ref": letter,
        "replied_on": times.done(replied),
    }


def followed(step: str, status: str, note: str, done_on: str | None = None) -> JSON:
    """The follow-up of a recommendation."""
    row = {"step": step, "status": status, **({"done_on": done_on} if done_on else {})}
    return {"followup_steps": [row], "followup_note": note}


def verified(times: Days, day: str, solved: bool, note: str) -> JSON:
    """The verification of a recommendation."""
    return {"method": "visit", "verified_on": times.done(day), "solved": solved, "verification_note": note}
