"""What people call the variables that no form asks for, and how the values of these read."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from flask import g

from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF
from osm_flow.domain.projects.states import PROJECT_STATES, SIDE_STATES, side_name, state_name
from osm_flow.operations.cases.overview import headings_of
from osm_flow.operations.people.hats import names_of
from osm_flow.web.site.filters import office_name, thai_date, thai_datetime
from osm_flow.web.site.i18n import current_locale, gettext, ngettext
from osm_flow.web.site.wording import with_login

NAMES = {
    "fy": "ปีงบประมาณ",
    "office": "กลุ่มจังหวัด",
    "provinces": "จังหวัด",
    "started_by": "ผู้เริ่มเรื่อง",
    "province": "จังหวัด",
    "reason": "เหตุผล",
    "note": "หมายเหตุ",
    "body": "ความเห็น",
    "filename": "ชื่อไฟล์",
    "media_type": "ชนิดไฟล์",
    "size": "ขนาด (ไบต์)",
    "sha256": "รหัสตรวจสอบ SHA-256",
    "from": "เดิม",
    "to": "เปลี่ยนเป็น",
    "message": "ข้อความ",
    "erased": "รายการที่ลบ",
    "title": "ชื่อเรื่อง",
    "business_key": "เลขที่เรื่อง",
    "parent_case_id": "เรื่องหลัก",
    "parent_task_id": "งานในเรื่องหลัก",
    "case_id": "เรื่อง",
    "subject": "เรื่องที่ทำ",
    "topic": "งานที่ระบบทำ",
    "outcome": "ผล",
    "result": "ผล",
    "source": "เรื่องต้นทาง",
    "claimed": "รับงานก่อนทำ",
    "told": "ผู้ได้รับแจ้ง",
    "recorded_for": "บันทึกคำตอบของ",
    "due_at": "ครบกำหนด",
    "action": "การแจ้งเตือน",
    "offset": "ห่างจากวันครบกำหนด (วันทำการ)",
    "rung": "ลำดับขั้นการแจ้งเตือน",
    "key": "รายการในปฏิทิน",
    "old": "เดิม",
    "new": "ใหม่",
    "moved_by": "ผู้เลื่อน",
    "projects": "โครงการ",
    "project": "โครงการ",
    "red_projects": "โครงการสีแดง",
    "visited": "โครงการที่ลงพื้นที่",
    "code": "รหัส",
    "name": "ชื่อ",
    "agency": "หน่วยงานเจ้าของโครงการ",
    "budget": "งบประมาณ (บาท)",
    "budget_type": "ประเภทงบประมาณ",
    "committed": "ผูกพัน (บาท)",
    "disbursed": "เบิกจ่าย (บาท)",
    "colour": "สี",
    "state": "สถานะ",
    "quarter": "ไตรมาส",
    "reports": "รายงานของโครงการ",
    "concept_replies": "กรอบแนวคิดจากจังหวัด",
    "concepts": "กรอบแนวคิดโครงการ",
    "concept_count": "จำนวนโครงการที่เสนอ",
    "screening": "ผลกลั่นกรอง",
    "screening_results": "ผลกลั่นกรอง",
    "concept_code": "รหัสโครงการ",
    "screenings_recorded": "จำนวนผลกลั่นกรองที่บันทึก",
    "site_visits": "ผลการลงพื้นที่",
    "report_valid": "รายงานผ่านการตรวจ",
    "projects_registered": "จำนวนโครงการที่ลงทะเบียน",
    "reports_recorded": "จำนวนรายงานที่บันทึก",
    "contracts_recorded": "จำนวนสัญญาที่ขึ้นทะเบียน",
    "projects_renewed": "จำนวนโครงการที่ปรับข้อมูลฐาน",
    "projects_moved": "จำนวนโครงการที่เปลี่ยนสถานะ",
    "opened": "จำนวนเรื่องที่เปิด",
    "disbursed_percent": "เบิกจ่าย (ร้อยละ)",
    "used_percent": "ใช้จ่ายรวมผูกพัน (ร้อยละ)",
    "attendance_percent": "ผู้เข้าร่วมเทียบเป้าหมาย (ร้อยละ)",
    "groups_present": "กลุ่มที่มาร่วม",
    "round": "รอบที่",
    "quarterly_report": "รายงานรายไตรมาส",
    "plan_mode": "ลักษณะของแผน",
    "circular": "หนังสือเวียน",
    "objection_item": "ประเด็นที่ถูกคัดค้าน",
    "rework": "ส่งกลับมาแก้ไข",
    "rework_parts": "ส่วนที่ต้องแก้ไข",
    "parts": "ส่วนที่ให้แก้ไข",
    "letter": "หนังสือ",
    "channels": "ช่องทาง",
    "act_in_force": "พ.ร.บ. งบประมาณมีผลแล้ว",
    "published_on": "วันประกาศ",
    "last_report": "รายงานครั้งล่าสุด",
    "classification": "ผลจำแนกระดับปัญหา",
    "severity": "ระดับความรุนแรง",
    "addressee": "ผู้รับข้อเสนอแนะ",
    "reminders": "จำนวนครั้งที่ติดตาม",
    "reply_status": "สถานะคำตอบของจังหวัด",
    "change": "ผลจำแนกคำขอเปลี่ยนแปลง",
    "route": "เส้นทาง",
    "to_body": "เสนอส่วนกลาง",
    "approver": "ผู้อนุมัติ",
    "report_days": "รายงานภายใน (วัน)",
    "contract_value": "มูลค่าสัญญา (บาท)",
}

# Values that services, decision tables and the register write, by the variable that holds them.
VALUES = {
    ("colour", "green"): "เขียว",
    ("colour", "yellow"): "เหลือง",
    ("colour", "orange"): "ส้ม",
    ("colour", "red"): "แดง",
    ("colour", "not_reported"): "ไม่รายงาน",
    ("colour", "not_due"): "ยังไม่ถึงกำหนดรายงาน",
    **{("state", state): state_name(state) for state in PROJECT_STATES},
    **{("side_state", state): side_name(state) for state in SIDE_STATES},
    ("budget_type", "operating"): "งบดำเนินงาน",
    ("budget_type", "durable"): "งบลงทุน (ครุภัณฑ์)",
    ("budget_type", "construction"): "งบลงทุน (ที่ดินและสิ่งก่อสร้าง)",
    ("reply_status", "confirm"): "ยืนยัน",
    ("reply_status", "adjust"): "ขอปรับ",
    ("reply_status", "refuse"): "ปฏิเสธ",
    ("reply_status", "timeout"): "ไม่ตอบภายในกำหนด",
    ("outcome", "pass"): "ผ่าน",
    ("outcome", "pass_at_risk"): "ผ่านโดยมีความเสี่ยง",
    ("outcome", "end"): "จบตามแผนภาพ",
    ("route", "record"): "บันทึกไว้ ไม่ต้องเสนอ",
    ("route", "committee"): "เสนอ ก.บ.ก.",
    ("route", "refuse"): "ไม่รับ",
    ("action", "remind"): "แจ้งเตือน",
    ("action", "remind_officially"): "ติดตามเป็นหนังสือ",
    ("action", "remind_urgently"): "ติดตามด่วน",
    ("topic", "send_letter"): "ส่งหนังสือ",
    ("topic", "open_recommendations"): "เปิดเรื่องข้อเสนอแนะ",
    ("topic", "register_concept"): "ลงทะเบียนกรอบแนวคิด",
    ("topic", "record_screening"): "บันทึกผลกลั่นกรองลงทะเบียน",
    ("topic", "register_projects"): "ลงทะเบียนโครงการ",
    ("topic", "notify"): "แจ้งผู้เกี่ยวข้อง",
    ("topic", "live_projects"): "รวบรวมโครงการที่กำลังดำเนินการ",
    ("topic", "record_results"): "บันทึกผลลงทะเบียนโครงการ",
    ("topic", "record_quarter"): "บันทึกผลของไตรมาส",
    ("topic", "record_contract"): "บันทึกสัญญา",
    ("topic", "renew_project"): "ปรับข้อมูลโครงการตามที่อนุมัติ",
    ("topic", "move_projects"): "บันทึกสถานะโครงการ",
    ("topic", "record_act"): "บันทึกว่า พ.ร.บ. งบประมาณมีผล",
    ("topic", "record_allotment"): "บันทึกการจัดสรรลงทะเบียนโครงการ",
    ("topic", "record_year_end"): "บันทึกเงินกันและเงินพับ",
    ("topic", "begin_change"): "บันทึกว่ากำลังขอเปลี่ยนแปลง",
    ("topic", "end_change"): "บันทึกว่าไม่เปลี่ยนแปลง",
}

# Variables that hold a user name, or several; the records keep the name that never changes.
_PEOPLE = frozenset({"started_by", "moved_by", "told"})
_CASES = frozenset({"parent_case_id", "case_id"})
# What decision tables answer: its parts are no fields of forms, whatever these are called.
DECIDED = frozenset({"screening", "change", "classification"})
# What only ties records together for a machine; the bundle has it.
FOR_MACHINES = frozenset({"parent_task_id"})
_RUNG = re.compile(r"due(?:([+-])(\d{1,3}))?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*(?:Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class ValueWords:
    """The words for values that no form asks for; names and cases are asked once, as far as the reader may see them."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], str] = {}

    def read(self, name: str, value: Any) -> str | None:
        """The value of the variable in words; None where it is said as it is."""
        if not isinstance(value, str):
            return None
        if words := VALUES.get((name, value)):
            return gettext(words)
        if name in _PEOPLE or name in _CASES:
            if (name, value) not in self._asked:
                self._asked[name, value] = self._person(value) if name in _PEOPLE else self._case(value)
            return self._asked[name, value]
        if name == "key" and value in MILESTONE_OF:
            milestone = MILESTONE_OF[value]
            return milestone.name_en if current_locale() == "en" else milestone.name_th
        if name == "rung" and (rung := _RUNG.fullmatch(value)):
            return _rung_words(rung[1], int(rung[2] or 0))
        return office_name(value) if name == "office" else _time_words(value)

    def _person(self, username: str) -> str:
        if username == "system":
            return gettext("ระบบ")
        return with_login(names_of(g.session, [username]).get(username), username)

    def _case(self, case_id: str) -> str:
        return headings_of(g.session, [case_id]).get(case_id) or gettext("เรื่องที่คุณเปิดดูไม่ได้")


def _rung_words(sign: str | None, days: int) -> str:
    if not days:
        return gettext("ในวันครบกำหนด")
    if sign == "-":
        return ngettext("ก่อนครบกำหนด %(num)s วันทำการ", "ก่อนครบกำหนด %(num)s วันทำการ", days)
    return ngettext("หลังครบกำหนด %(num)s วันทำการ", "หลังครบกำหนด %(num)s วันทำการ", days)


def _time_words(text: str) -> str | None:
    """A day or an instant as the product writes it; None for any other text."""
    try:
        if _INSTANT.fullmatch(text):
            return thai_datetime(datetime.fromisoformat(text))
        return thai_date(date.fromisoformat(text)) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
