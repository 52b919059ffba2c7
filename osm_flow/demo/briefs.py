"""The briefs of the demo's projects: places, activities by quarter, cost lines, indicators, risks and readiness."""

from __future__ import annotations

from collections.abc import Sequence

from osm_flow.demo.details import DETAILS, SHARED, CostLine
from osm_flow.demo.portfolio import BUENGKAN, LOEI, NONGBUA, NONGKHAI, UDON, PlannedProject
from osm_flow.domain.calendar.fiscal_year import fiscal_year_bounds
from osm_flow.domain.json import JSON

NEIGHBOUR = {BUENGKAN: NONGKHAI, NONGKHAI: UDON, UDON: NONGBUA, NONGBUA: LOEI, LOEI: NONGBUA}
_ISSUE_OF = {"operating": "1", "durable": "1", "construction": "3"}
# Per cent of an activity that the first three quarters take; the fourth takes the rest.
_QUARTERS = {"operating": (20, 30, 30), "durable": (0, 30, 55), "construction": (5, 25, 35)}
_RATIONALE = (
    "กลุ่มจังหวัดภาคตะวันออกเฉียงเหนือตอนบน 1 มีพื้นที่ติดแม่น้ำโขงและเป็นประตูสู่ สปป.ลาว มีมูลค่าการค้าชายแดนเพิ่มขึ้นต่อเนื่อง "
    "แต่รายได้ต่อหัวยังต่ำกว่าค่าเฉลี่ยของประเทศ โครงสร้างพื้นฐานและมาตรฐานสินค้ายังไม่เพียงพอ โครงการนี้จึงแก้ปัญหาร่วมของหลายจังหวัด "
    "ลดต้นทุนการขนส่ง เพิ่มรายได้ของเกษตรกรและผู้ประกอบการ และกระจายนักท่องเที่ยวไปยังเมืองรอง"
)
_SUPERVISION = "ควบคุมงาน บริหารโครงการ และประชาสัมพันธ์"


def brief(entry: PlannedProject, neighbour: str, year: int) -> JSON:
    """What the agency says of a project for a fiscal year, as form F08 has it; a neighbouring province shares it."""
    detail = DETAILS[entry.plain_name]
    total = round(entry.requested * 1_000_000)
    first, last = fiscal_year_bounds(year)
    builds = entry.kind == "construction"
    lines = cost_lines(detail.lines, total)
    output, outcome = (
        dict(zip(("kpi", "target", "unit"), row, strict=True)) for row in (detail.output, detail.outcome)
    )
    return {
        "issue": _ISSUE_OF[entry.kind],
        "rationale": _RATIONALE,
        "objectives": [f"เพื่อให้{detail.outcome[0]}", "เพื่อเพิ่มรายได้และโอกาสทางเศรษฐกิจของประชาชนในพื้นที่"],
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "kpis": [output | {"level": "output"}, outcome | {"level": "outcome"}],
        "area": [_place(entry.province, place) for place in detail.places] + [_place(neighbour, SHARED[neighbour])],
        "province_count": 2,
        "activities": _activities(entry, lines),
        "cost_basis": lines,
        "budget_types": _budget_types(entry, lines),
        "output": f"{detail.output[0]} {detail.output[1]:g} {detail.output[2]}",
        "outcome": f"{detail.outcome[0]}ร้อยละ {detail.outcome[1]:g}",
        "impact": "เศรษฐกิจของกลุ่มจังหวัดขยายตัวและรายได้ของประชาชนเพิ่มขึ้น",
        "beneficiaries": detail.people,
        "beneficiary_group": "เกษตรกร ผู้ประกอบการ และประชาชนในพื้นที่",
        "alignment": "แผนแม่บทประเด็นการพัฒนาพื้นที่และเมืองน่าอยู่ เป้าหมายการพัฒนาภาคตะวันออกเฉียงเหนือ",
        "aligned": True,
        "duplicates_function": False,
        "prohibited_item": False,
        "land_ready": True,
        "permit_ready": not detail.risk.startswith(("รอ", "การขออนุญาต")),
        "is_construction": builds,
        "boq_ready": builds,
        "tor_ready": entry.kind != "operating",
        "personnel_ready": True,
        **({"receiver": "องค์การบริหารส่วนจังหวัด"} if builds else {}),
        "sign_in_q1": entry.requested < 40,
        "duplicates_checked": True,
        "community_evidence": "เวทีรับฟังความคิดเห็นระดับอำเภอเห็นว่าเป็นความต้องการลำดับต้น",
        "co_agencies": ["องค์กรปกครองส่วนท้องถิ่นในพื้นที่"],
        "risks": [{"risk": detail.risk, "mitigation": "ติดตามทุกเดือนและรายงานคณะทำงานเร่งรัดของจังหวัด"}],
    }


def cost_lines(lines: Sequence[CostLine], total: int) -> list[JSON]:
    """What is paid for with its unit prices; supervision takes what is left, so that all of it is the budget."""
    rows: list[JSON] = []
    left = total
    for line in lines:
        price = max(1, int(total * line.share / 100 / line.quantity))
        # Prices are round, as in a table of standard prices.
        price = price // 100 * 100 if price >= 1000 else price
        left -= round(price * line.quantity)
        rows.append(_cost(line.item, line.quantity, line.unit, price))
    return [*rows, _cost(_SUPERVISION, 1, "งาน", left)]


def _cost(item: str, quantity: float, unit: str, price: int) -> JSON:
    row: JSON = {"item": item, "quantity": quantity, "unit": unit, "unit_price": price}
    return row | {"price_reference": "บัญชีราคามาตรฐานของสำนักงบประมาณ"}


def _activities(entry: PlannedProject, lines: Sequence[JSON]) -> list[JSON]:
    rows = []
    for line in lines:
        budget = round(line["quantity"] * line["unit_price"])
        first, second, third = (budget * percent // 100 for percent in _QUARTERS[entry.kind])
        quarters = {"q1": first, "q2": second, "q3": third, "q4": budget - first - second - third}
        rows.append({"name": line["item"], "budget": budget, **quarters, "agency": entry.agency})
    return rows


def _budget_types(entry: PlannedProject, lines: Sequence[JSON]) -> list[JSON]:
    amounts = [round(line["quantity"] * line["unit_price"]) for line in lines]
    if entry.kind == "operating":
        return [{"category": "operating", "amount": sum(amounts)}]
    capital, rest = sum(amounts[:-1]), amounts[-1]
    return [{"category": entry.kind, "amount": capital}, {"category": "operating", "amount": rest}]


def _place(province: str, place: tuple[str, str]) -> JSON:
    district, tambon = place
    return {"province": province, "district": district, "tambon": tambon}
