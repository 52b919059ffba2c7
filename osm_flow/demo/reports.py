"""The values that people of the demo put into the forms of the year that is being closed."""

from __future__ import annotations

from dataclasses import dataclass

from osm_flow.demo.register import CLOSING
from osm_flow.demo.times import Times
from osm_flow.domain.json import JSON

# Cumulative targets of the government, per cent of the budget disbursed or committed.
TARGETS = {1: 20, 2: 45, 3: 70, 4: 93}


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

# By project of the register, what each of the first three quarters and the last one brought.
PROGRESS: tuple[tuple[Progress, ...], ...] = (
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
        Progress(0, 24, "working", 90, 34),
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
        Progress(30, 45, "working", 65, 70),
        Progress(12, 84, "working", 100, 100),
    ),
    (
        Progress(21, 0, "signed", 5, 5),
        Progress(42, 12, "working", 30, 32),
        Progress(33, 40, "working", 65, 68),
        Progress(6, 90, "accepted", 100, 100),
    ),
)


def report(times: Times, number: int, quarter: int, day: str, reporter: str) -> JSON:
    """Form F18 of the project with this number in the closing year's register."""
    entry, progress = CLOSING[number - 1], PROGRESS[number - 1][quarter - 1]
    budget = round((entry.approved or entry.requested) * 1_000_000)
    values: JSON = {
        "as_of": times.iso(day),
        "budget_act": budget,
        "allocated": budget,
        "after_change": budget,
        "committed": budget * progress.committed // 100,
        "disbursed": budget * progress.disbursed // 100,
        "target_percent": TARGETS[quarter],
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


def certified(note: str = "") -> JSON:
    """The certificate of a province."""
    return {"report_valid": not note, "note": note}


def site_visit(times: Times, number: int, day: str, percent: int) -> JSON:
    """The minutes of a site visit."""
    return {
        "visited_on": times.iso(day),
        "team": ["นายประเสริฐ แก้วมณี", "น.ส.นุชนาถ วรรณทอง", "ผู้แทนสำนักงานโยธาธิการและผังเมือง"],
        "project": f"โครงการ{CLOSING[number - 1].name}",
        "place": "พื้นที่ก่อสร้างโครงการ",
        "observed_percent": percent,
        "findings": "งานหยุดชะงักตามที่รายงาน เครื่องจักรไม่อยู่ในพื้นที่ ประชาชนขอให้เร่งดำเนินการ",
        "signed_by": "นายประเสริฐ แก้วมณี",
    }


def cluster_report(quarter: int, reds: int) -> JSON:
    """The quarterly report of the cluster."""
    numbers = range(len(CLOSING))
    budget = sum(round((entry.approved or 0) * 1_000_000) for entry in CLOSING)
    spent = sum(
        round((CLOSING[n].approved or 0) * 10_000)
        * (PROGRESS[n][quarter - 1].committed + PROGRESS[n][quarter - 1].disbursed)
        for n in numbers
    )
    return {
        "summary": f"ไตรมาสที่ {quarter} ใช้จ่ายและผูกพันร้อยละ {spent * 100 / budget:.2f} เป้าหมายร้อยละ {TARGETS[quarter]}",
        "total_budget": budget,
        "total_spent": spent,
        "green": len(CLOSING) - reds,
        "yellow": 0,
        "orange": 0,
        "red": reds,
        "not_reported": 0,
        "issues": "เร่งรัดโครงการสีแดงและรายงานหัวหน้ากลุ่มจังหวัด" if reds else "ไม่มีปัญหาสำคัญ",
    }


def year_end(carried: int) -> JSON:
    """The list of what is carried over at the end of the year."""
    return {
        "items": [
            {
                "project": f"โครงการ{CLOSING[2].name}",
                "balance": carried,
                "decision": "carry",
                "reason": "มีหนี้ผูกพัน อยู่ระหว่างจัดหาผู้รับจ้างรายใหม่",
            }
        ],
        "carried_total": carried,
        "lapsed_total": 0,
    }


def spending_plan(amounts: dict[str, float]) -> JSON:
    """The spending plan of the next year."""
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


def accepted(times: Times, letter: str, replied: str, step: str, owner: str, due: str) -> JSON:
    """The reply of a party that accepts the recommendation."""
    return {
        "reply_type": "accept",
        "reply_text": "รับข้อเสนอแนะและจะดำเนินการตามแผน",
        "action_plan": [{"step": step, "owner": owner, "due": times.iso(due)}],
        "letter_ref": letter,
        "replied_on": times.iso(replied),
    }


def followed(step: str, status: str, note: str, done_on: str | None = None) -> JSON:
    """The follow-up of a recommendation."""
    row = {"step": step, "status": status, **({"done_on": done_on} if done_on else {})}
    return {"followup_steps": [row], "followup_note": note}


def verified(times: Times, day: str, solved: bool, note: str) -> JSON:
    """The verification of a recommendation."""
    return {"method": "visit", "verified_on": times.iso(day), "solved": solved, "verification_note": note}
