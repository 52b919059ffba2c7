"""The values that people of the demo put into the forms of the planning year."""

from __future__ import annotations

from typing import Any

from osm_flow.demo.briefs import brief
from osm_flow.demo.portfolio import BUENGKAN, CONCEPTS, LOEI, NONGBUA, NONGKHAI, UDON, PlannedProject
from osm_flow.demo.register import code_of
from osm_flow.demo.times import Days, Times
from osm_flow.domain.json import JSON

APPROVE: JSON = {"decision": "approve", "reason": "", "parts": [], "signed_on_paper": False}
ISSUES = (
    ("1", "ยกระดับเกษตรมูลค่าสูงและปศุสัตว์ลุ่มน้ำโขง", 35),
    ("2", "ท่องเที่ยวริมโขงเชื่อมโยงวัฒนธรรมและธรรมชาติ", 35),
    ("3", "โครงข่ายคมนาคมและการค้าชายแดน", 30),
)
_DISTRICTS = {
    BUENGKAN: ("เมืองบึงกาฬ", "เซกา", "โซ่พิสัย", "พรเจริญ", "ปากคาด", "บึงโขงหลง", "ศรีวิไล", "บุ่งคล้า"),
    LOEI: ("เมืองเลย", "เชียงคาน", "ด่านซ้าย", "ภูเรือ", "ท่าลี่", "วังสะพุง", "ภูกระดึง", "ปากชม"),
    NONGKHAI: ("เมืองหนองคาย", "ท่าบ่อ", "โพนพิสัย", "ศรีเชียงใหม่", "สังคม", "เฝ้าไร่", "รัตนวาปี", "โพธิ์ตาก", "สระใคร"),
    NONGBUA: ("เมืองหนองบัวลำภู", "นากลาง", "ศรีบุญเรือง", "สุวรรณคูหา", "โนนสัง", "นาวัง"),
    UDON: ("เมืองอุดรธานี", "กุมภวาปี", "หนองหาน", "บ้านดุง", "เพ็ญ", "หนองวัวซอ", "กุดจับ", "บ้านผือ", "น้ำโสม"),
}


def returned(reason: str, *parts: str) -> JSON:
    """A decision that returns named parts for revision."""
    return {"decision": "return", "reason": reason, "parts": list(parts), "signed_on_paper": False}


# ---- the hearing -----------------------------------------------------------------------------------------------


def hearing_plan(times: Times, title: str, kind: str, first: str, last: str, notice: str) -> JSON:
    """The plan of a hearing."""
    return {
        "title": title,
        "hearing_type": kind,
        "fy": times.year + 1,
        "issues": [name for _, name, _ in ISSUES],
        "objective": "รับฟังความคิดเห็นและความต้องการของทุกภาคส่วนเพื่อนำไปประกอบการจัดทำแผนของกลุ่มจังหวัด",
        "notice_date": times.iso(notice),
        "start_at": times.instant(first),
        "end_at": times.instant(last, 16),
        "venue": "ห้องประชุมมลฑาทิพย์ฮอลล์ อำเภอเมืองอุดรธานี",
        "method": ["public_meeting", "workshop", "survey"],
        "target_groups": [
            {"group": "government", "planned": 60},
            {"group": "local", "planned": 50},
            {"group": "civil", "planned": 40},
            {"group": "business", "planned": 40},
            {"group": "public", "planned": 30},
        ],
        "impact_summary": "ไม่มีผลกระทบรุนแรง มีมาตรการแจ้งข้อมูลล่วงหน้าและรับความเห็นทุกช่องทาง",
        "budget": 248000,
        "facilitator": "มหาวิทยาลัยราชภัฏอุดรธานี",
        "privacy_notice": "ประกาศความเป็นส่วนตัวของสำนักงานจังหวัดอุดรธานี",
    }


def hearing_notice(times: Days, number: str, notice: str, event: str, close: str) -> JSON:
    """The notice of a hearing."""
    pack = ("reason", "substance", "operator", "place", "steps", "results", "cost")
    return {
        "event_at": times.instant(event),
        "opinions_close_at": times.instant(close, 16),
        "notice_no": number,
        "notice_date": times.iso(notice),
        "posted_places": ["ศาลากลางจังหวัดทั้ง 5 จังหวัด", "ที่ว่าการอำเภอทุกแห่ง"],
        "posted_web_url": "https://osm.example.go.th/hearing",
        **{f"pack_{name}": True for name in pack},
    }


def attendance(times: Days, day: str, total: int) -> JSON:
    """The attendance of a hearing."""
    return {"held_on": times.done(day), "total": total, "sheet": f"ใบลงทะเบียน {times.thai(day)}"}


def representativeness(enough: bool, percent: float, note: str) -> JSON:
    """The check whether those who came speak for the provinces."""
    groups = ["government", "local", "business", "public", *(["civil", "state_enterprise"] if enough else [])]
    present = sorted(_DISTRICTS) if enough else sorted({*_DISTRICTS} - {BUENGKAN})
    return {
        "representative": enough,
        "attendance_percent": percent,
        "groups_present": groups,
        "provinces_present": present,
        "note": note,
    }


def opinions() -> JSON:
    """The 118 opinions of a hearing; the same wish was put down in several districts."""
    wishes = (
        (24, "ควรปรับปรุงถนนเลียบโขงให้เชื่อมต่อกันทุกจังหวัด", "accept", "", "public", NONGKHAI),
        (16, "ต้องการตลาดกลางสินค้าเกษตรที่เกษตรกรเข้าถึงได้", "accept", "", "civil", NONGBUA),
        (26, "ขอให้แก้ปัญหาน้ำท่วมซ้ำซากในเขตเมืองริมโขง", "partial", "ทำเฉพาะส่วนที่เกินกำลังของท้องถิ่น", "local", NONGKHAI),
        (18, "ควรส่งเสริมการเลี้ยงโคเนื้อและโรงเชือดมาตรฐาน", "accept", "", "business", UDON),
        (11, "ขอให้ซ่อมถนนในหมู่บ้าน", "forward", "เป็นภารกิจขององค์กรปกครองส่วนท้องถิ่น ส่งต่อ อบต.", "public", LOEI),
        (16, "ควรพัฒนาที่จอดรถและห้องน้ำในแหล่งท่องเที่ยวภูทอก", "accept", "", "business", BUENGKAN),
        (7, "ขอซื้อรถตู้สำหรับกลุ่มท่องเที่ยวชุมชน", "decline", "เป็นรายการต้องห้ามตามหลักเกณฑ์", "civil", BUENGKAN),
    )
    return {
        "items": [
            {
                "text": text,
                "disposition": disposition,
                "channel": ("meeting", "web", "post")[number % 3],
                "group": group,
                "province": province,
                "district": _DISTRICTS[province][number % len(_DISTRICTS[province])],
                **({"disposition_reason": reason} if reason else {}),
            }
            for people, text, disposition, reason, group, province in wishes
            for number in range(people)
        ]
    }


def hearing_summary(times: Days, closed: str, publish: str) -> JSON:
    """The summary of a hearing."""
    return {
        "closed_on": times.iso(closed),
        "total_participants": 250,
        "top_needs": "ถนนเชื่อมแหล่งท่องเที่ยวริมโขง แหล่งน้ำเพื่อการเกษตร ตลาดกลางและการแปรรูป การป้องกันน้ำท่วมเมืองริมโขง",
        "province_differences": "หนองคายและบึงกาฬเน้นท่องเที่ยวและการค้าชายแดน เลยเน้นแหล่งน้ำ อุดรธานีเน้นโลจิสติกส์",
        "material_objection": False,
        "publish_date": times.done(publish),
    }


def publication(times: Days, day: str) -> JSON:
    """Where and when the result was published."""
    return {"published_on": times.done(day), "channels": ["web", "facebook"], "privacy_checked": True}


def coordination(times: Days, subject: str, text: str, recipient: str, due: str) -> JSON:
    """A request to another office: its subject, text, recipient and due date."""
    return {"subject": subject, "request_text": text, "recipients": [{"recipient": recipient}], "due": times.iso(due)}


# ---- drafting --------------------------------------------------------------------------------------------------


def policy_frame(circular: str) -> JSON:
    """The policies that the plan follows."""
    return {
        "regional_goals": "ภาคตะวันออกเฉียงเหนือสู่มิติใหม่ของการพัฒนา เป็นศูนย์กลางเศรษฐกิจอนุภูมิภาคลุ่มแม่น้ำโขง",
        "criteria": "เกิดประโยชน์มากกว่าหนึ่งจังหวัด พร้อมดำเนินการ และไม่ซ้ำซ้อนกับงบภารกิจ",
        "ceiling": 348500000,
        "frame_letter": circular,
    }


def data_pack(year: int) -> JSON:
    """The data that the drafting begins with."""
    rows = (
        ("ผลิตภัณฑ์มวลรวมกลุ่มจังหวัด (GPP)", 268431, "ล้านบาท", str(year - 4), "สศช."),
        ("รายได้จากการท่องเที่ยว", 21480, "ล้านบาท", str(year - 2), "กระทรวงการท่องเที่ยวและกีฬา"),
        ("มูลค่าการค้าชายแดนหนองคายและบึงกาฬ", 84200, "ล้านบาท", str(year - 2), "กรมการค้าต่างประเทศ"),
        ("สัดส่วนคนจน", 7.8, "ร้อยละ", str(year - 3), "สำนักงานสถิติแห่งชาติ"),
    )
    names = ("indicator", "value", "unit", "as_of", "source")
    return {"indicators": [dict(zip(names, row, strict=True)) for row in rows]}


def last_plan_evaluation() -> JSON:
    """The evaluation of the plan before."""
    return {
        "results": [],
        "satisfaction": 81.5,
        "lessons": "โครงการก่อสร้างที่พื้นที่ไม่พร้อมทำให้ลงนามล่าช้า ควรตรวจใบอนุญาตก่อนบรรจุในแผน",
        "proposals": "เพิ่มน้ำหนักเกณฑ์ความพร้อม และติดตามโครงการงวดงานยาวทุกเดือน",
    }


def situation() -> JSON:
    """The situation of the cluster."""
    return {
        "strengths": "ที่ตั้งติดลุ่มน้ำโขง มีสนามบิน ทางรถไฟ และสะพานมิตรภาพ",
        "weaknesses": "ผลผลิตเกษตรมูลค่าต่ำ แหล่งน้ำไม่ทั่วถึง",
        "opportunities": "รถไฟลาว-จีน และการท่องเที่ยวเมืองรอง",
        "threats": "ภัยแล้งและน้ำโขงผันผวน สังคมสูงวัย",
        "conclusion": "ใช้ความได้เปรียบด้านที่ตั้งยกระดับเกษตร ท่องเที่ยว และการค้าชายแดนร่วมกันทั้ง 5 จังหวัด",
    }


def development_issues() -> JSON:
    """The development issues of the plan."""
    return {
        "vision": "ประตูการค้าและการท่องเที่ยวลุ่มน้ำโขง เกษตรมูลค่าสูง คุณภาพชีวิตดี",
        "issues": [
            {"code": code, "name_th": name, "objective": f"เพื่อ{name}ให้เกิดรายได้แก่ประชาชนทั้ง 5 จังหวัด", "weight": weight}
            for code, name, weight in ISSUES
        ],
    }


def kpis(year: int) -> JSON:
    """The indicators of the plan."""
    rows = (
        ("K1", "รายได้เฉลี่ยครัวเรือนเกษตรเพิ่มขึ้น", "1", "บาทต่อปี", "สำนักงานเศรษฐกิจการเกษตร", 182000, 5000),
        ("K2", "รายได้จากการท่องเที่ยวของกลุ่มจังหวัด", "2", "ล้านบาท", "กระทรวงการท่องเที่ยวและกีฬา", 21480, 900),
        ("K3", "มูลค่าการค้าชายแดน", "3", "ล้านบาท", "กรมการค้าต่างประเทศ", 84200, 2500),
    )
    return {
        "kpis": [
            {
                "code": code,
                "name_th": name,
                "issue": issue,
                "level": "outcome",
                "unit": unit,
                "direction": "higher",
                "weight": 100,
                "source": source,
                "baseline": baseline,
                "baseline_year": year - 2,
                "cascade_rule": "sum",
                **{f"target_y{n}": baseline + n * rise for n in range(1, 6)},
            }
            for code, name, issue, unit, source, baseline, rise in rows
        ],
        "kpi_complete": True,
    }


def concept(entry: PlannedProject, neighbour: str, year: int, contact: str) -> JSON:
    """The concept of a project."""
    return {
        **brief(entry, neighbour, year),
        "name": entry.full_name,
        "agency": entry.agency,
        "budget_total": round(entry.requested * 1_000_000),
        "contact_name": contact,
        "contact_post": "หัวหน้ากลุ่มงาน",
        "contact_phone": "042-000-000",
    }


def screening_note() -> JSON:
    """The note on the screening of concepts."""
    return {"screening_note": "ผ่านการกลั่นกรองทุกโครงการ จัดลำดับตามความพร้อมและจำนวนจังหวัดที่ได้ประโยชน์"}


def working_group(times: Days, day: str, chair: str) -> JSON:
    """The meeting of the working group: its day, chair and summary."""
    return {
        "met_on": times.done(day),
        "meeting_chair": chair,
        "meeting_summary": "เห็นควรเสนอทุกโครงการ ให้ตรวจใบอนุญาตใช้พื้นที่ของโครงการริมโขงก่อนเสนอ ก.บ.ก.",
    }


def plan_book(version: int, projects: int, total: float, note: str) -> JSON:
    """The plan book of a version."""
    return {
        "plan_version": version,
        "project_count": projects,
        "total_amount": total,
        "hearing_again": False,
        "change_summary": note,
        "plan_book": f"เล่มแผนพัฒนากลุ่มจังหวัด ฉบับร่างที่ {version}",
    }


# ---- provinces and committee -----------------------------------------------------------------------------------


def province_reply(times: Days, year: int, day: str, signer: str, reason: str = "") -> JSON:
    """The reply of a province to the plan of a year."""
    values: dict[str, Any] = {
        "reply": "adjust" if reason else "confirm",
        "resolution_no": f"3/{times.be(day)}",
        "resolution_date": times.done(day),
        "signer": signer,
        "signed_on": times.done(day),
        "projects": [{"project": code_of(year, number), "support": "support"} for number, _ in enumerate(CONCEPTS, 1)],
    }
    return values | ({"reason": reason} if reason else {})


def agenda(*considered: str) -> JSON:
    """The agenda of a meeting."""
    fixed = [("1", "ประธานแจ้งให้ที่ประชุมทราบ"), ("2", "รับรองรายงานการประชุมครั้งก่อน"), ("3", "เรื่องสืบเนื่อง")]
    rows = [{"agenda_no": number, "title": title, "presenter": "ฝ่ายเลขานุการ"} for number, title in fixed]
    rows += [
        {"agenda_no": "5", "title": title, "presenter": "ผู้อำนวยการ OSM", "draft_resolution": "เห็นชอบตามที่เสนอ"}
        for title in considered
    ]
    return {"items": rows}


def invitation(times: Days, number: str, sent: str, day: str) -> JSON:
    """The invitation to a meeting."""
    return {
        "meeting_no": number,
        "meeting_at": times.instant(day),
        "venue": "ห้องประชุมพระยาศรีสุริยราชวรานุวัตร ศาลากลางจังหวัดอุดรธานี",
        "sent_on": times.done(sent),
    }


def quorum(present: int, total: int = 34) -> JSON:
    """The quorum of a meeting."""
    return {"members_total": total, "members_present": present, "quorum": "ok" if 2 * present >= total else "short"}


def endorsed(*items: str) -> JSON:
    """The resolutions that endorse these items."""
    return {
        "resolution": "endorse",
        "reconsider_needed": False,
        "parts": [],
        "assigned": False,
        "items": [{"item": item, "type": "endorse", "text": "ที่ประชุมมีมติเห็นชอบตามที่เสนอ"} for item in items],
    }
