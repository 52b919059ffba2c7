"""Who changed people, the calendar and the processes, for auditors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF, DateStatus
from osm_flow.domain.people import PositionKind
from osm_flow.domain.states import ProposalState
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import ABOUT_PEOPLE, AdminFilter, AdminKind
from osm_flow.operations.people.hats import names_of
from osm_flow.store.models import AdminRecord
from osm_flow.web.parts.audit_filters import period_of
from osm_flow.web.site import filters
from osm_flow.web.site.access import requires
from osm_flow.web.site.i18n import current_locale, gettext

blueprint = Blueprint("administration", __name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")

# What the filter offers beside each kind of its own.
_GROUPS = {"people": ABOUT_PEOPLE, "others": tuple(kind for kind in AdminKind if kind not in ABOUT_PEOPLE)}


@blueprint.get("/audit/administration")
@requires(Verb.see_audit)
def record_list() -> ResponseReturnValue:
    arguments = request.args
    chosen = {name: arguments.get(name, "").strip()[:64] for name in ("who", "about", "kind", "since", "until")}
    kinds = _GROUPS.get(chosen["kind"]) or ((chosen["kind"],) if chosen["kind"] in set(AdminKind) else ())
    since, until = period_of(chosen["since"], chosen["until"])
    wanted = AdminFilter(chosen["who"], chosen["about"], tuple(map(str, kinds)), since, until)
    page = admin_journal.records(g.session, g.actor, wanted, after=arguments.get("after") or None)
    groups = {"people": gettext("ผู้ใช้และตำแหน่ง"), "others": gettext("ปฏิทิน กระบวนการ และบันทึกรวม")}
    return render_template(
        "admin_journal/records.html",
        page=page,
        filters=chosen,
        groups=groups,
        kinds=_kinds(),
        names=names_of(g.session, {name for record in page.items for name in (record.actor, record.subject)}),
        lines=lines_of,
        subject=subject_of,
    )


def lines_of(record: AdminRecord) -> list[tuple[str, str | None, str]]:
    """Each change as a label, what it was (None where that is all the same) and what it became."""
    labels = _labels()
    lines = []
    for field, change in admin_journal.changes_of(record).items():
        old, new = (_said(field, change[side]) for side in ("old", "new"))
        was_something = change["old"] is not None and change["old"] != change["new"]
        if change["new"] is not None or was_something:
            lines.append((labels.get(field) or _milestone(field), old if was_something else None, new))
    return lines


def subject_of(record: AdminRecord) -> str:
    """What it was done to: a milestone and a day by their names, anything else as it is recorded."""
    if record.kind == AdminKind.calendar_moved:
        place, _, key = record.subject.rpartition(" ")
        return f"{place} {_milestone(key)}"
    kind, _, number = record.subject.partition(" ")
    if number.isdigit() and (named := _numbered().get(kind)):
        return f"{named} {number}"
    return _date(record.subject)


def _said(field: str, value: Any) -> str:
    if value is None or value == "":
        return gettext("ไม่มี")
    if isinstance(value, bool):
        return gettext("ใช่") if value else gettext("ไม่ใช่")
    if isinstance(value, dict):
        return gettext("รุ่น %(number)s", number=value["version"]) + f" ({str(value['sha256'])[:12]})"
    if _DIGEST.fullmatch(str(value)):
        return str(value)[:12]
    return _WORDS[field](value) if field in _WORDS else str(_date(value))


def _date(value: Any) -> str:
    """A date as people write it; any other text as it is."""
    is_date = isinstance(value, str) and len(value) == len("2026-11-20") and value[4::3] == "--"
    return filters.thai_date(value) if is_date else str(value)


def _password(value: str) -> str:
    return {"set": gettext("มีแล้ว"), "set anew": gettext("ตั้งใหม่ (ไม่เก็บรหัส)"), "changed": gettext("แก้ไข (ไม่เก็บเลข)")}.get(
        value, value
    )


def _held(value: str) -> str:
    words: dict[str, str] = {
        PositionKind.substantive: gettext("ดำรงตำแหน่ง"),
        PositionKind.acting: gettext("รักษาราชการแทน"),
        PositionKind.delegated: gettext("ปฏิบัติราชการแทน"),
    }
    return words.get(value, value)


def _status(value: str) -> str:
    words: dict[str, str] = {
        DateStatus.planned: gettext("แผน"),
        DateStatus.announced: gettext("ประกาศแล้ว"),
        DateStatus.actual: gettext("เกิดขึ้นแล้ว"),
    }
    return words.get(value, value)


def _proposal_state(value: str) -> str:
    words: dict[str, str] = {
        ProposalState.PROPOSED: gettext("รอประกาศใช้"),
        ProposalState.REFUSED: gettext("ไม่ประกาศใช้"),
        ProposalState.WITHDRAWN: gettext("ถอนแล้ว"),
    }
    return words.get(value, value)


_WORDS: dict[str, Callable[[str], str]] = {
    "password": _password,
    "employee_number": _password,
    "kind": _held,
    "status": _status,
    "role": filters.role_name,
    "office_id": filters.office_name,
    "proposed_in": filters.office_name,
    "state": _proposal_state,
    "province_id": filters.province_name,
}


def _milestone(key: str) -> str:
    milestone = MILESTONE_OF.get(key)
    return key if milestone is None else (milestone.name_en if current_locale() == "en" else milestone.name_th)


def _numbered() -> dict[str, str]:
    return {
        "proposal": gettext("ข้อเสนอที่"),
        "deployment": gettext("การติดตั้งที่"),
        "incident": gettext("เหตุขัดข้องที่"),
    }


def _labels() -> dict[str, str]:
    return {
        "username": gettext("ชื่อผู้ใช้"),
        "password": gettext("รหัสผ่าน"),
        "employee_number": gettext("เลขประจำตัวเจ้าหน้าที่"),
        "one_person": gettext("รหัสร่วมของบัญชีที่เป็นคนเดียวกัน"),
        "locale": gettext("ภาษา"),
        "locked": gettext("ถูกระงับ"),
        "position": gettext("ตำแหน่งที่"),
        "role": gettext("บทบาท"),
        "office_id": gettext("กลุ่มจังหวัด"),
        "province_id": gettext("จังหวัด"),
        "kind": gettext("ลักษณะ"),
        "for": gettext("แทนใคร"),
        "letter": gettext("คำสั่งหรือหนังสือ"),
        "valid_from": gettext("ตั้งแต่วันที่"),
        "valid_to": gettext("ถึงวันที่"),
        "title_th": gettext("ชื่อตำแหน่ง (ไทย)"),
        "title_en": gettext("ชื่อตำแหน่ง (อังกฤษ)"),
        "date": gettext("วันที่"),
        "status": gettext("สถานะ"),
        "is_working": gettext("เป็นวันทำการ"),
        "name_th": gettext("ชื่อ (ไทย)"),
        "name_en": gettext("ชื่อ (อังกฤษ)"),
        "source": gettext("ที่มา"),
        "wrong_notes": gettext("เรื่องที่บันทึกรวมจดไว้ไม่ตรง"),
        "leaves": gettext("รายการในบันทึกรวม"),
        "incident": gettext("เหตุขัดข้อง"),
        "records": gettext("จำนวนรายการในบันทึกรวม"),
        "root": gettext("รากของบันทึกรวม"),
        "checkpoints": gettext("จุดตรวจที่ฐานข้อมูลไม่ต่อเนื่อง"),
        "reason": gettext("เหตุผล"),
        "proposal": gettext("ข้อเสนอที่"),
        "proposed_by": gettext("เสนอโดย"),
        "proposed_in": gettext("เสนอในนามของ"),
        "state": gettext("สถานะ"),
        "given_by": gettext("บันทึกโดย"),
        "waits": gettext("รอยืนยัน"),
    }


def _kinds() -> dict[str, str]:
    return {
        AdminKind.person_created: gettext("เพิ่มบัญชีผู้ใช้"),
        AdminKind.person_locked: gettext("ระงับบัญชี"),
        AdminKind.person_unlocked: gettext("เปิดใช้บัญชีอีกครั้ง"),
        AdminKind.password_set: gettext("ผู้ดูแลตั้งรหัสผ่านใหม่"),
        AdminKind.password_changed: gettext("เจ้าของเปลี่ยนรหัสผ่าน"),
        AdminKind.person_numbered: gettext("บันทึกเลขประจำตัวเจ้าหน้าที่"),
        AdminKind.person_tied: gettext("กำหนดว่าบัญชีเป็นของคนเดียวกันหรือไม่"),
        AdminKind.position_given: gettext("ให้ตำแหน่ง"),
        AdminKind.position_confirmed: gettext("ยืนยันตำแหน่ง"),
        AdminKind.position_ended: gettext("สิ้นสุดตำแหน่ง"),
        AdminKind.calendar_proposed: gettext("เสนอปฏิทินทั้งปี"),
        AdminKind.calendar_moved: gettext("เลื่อนวันในปฏิทิน"),
        AdminKind.holiday_set: gettext("กำหนดวันหยุดหรือวันทำการ"),
        AdminKind.holiday_removed: gettext("ยกเลิกการกำหนดวันหยุด"),
        AdminKind.definitions_proposed: gettext("เสนอกระบวนการรุ่นใหม่"),
        AdminKind.definitions_refused: gettext("ไม่ประกาศใช้หรือถอนข้อเสนอ"),
        AdminKind.definitions_deployed: gettext("ติดตั้งกระบวนการรุ่นใหม่"),
        AdminKind.log_repaired: gettext("ซ่อมบันทึกรวม"),
        AdminKind.log_turned_back: gettext("ยอมรับฐานข้อมูลสำเนาเก่า"),
        AdminKind.system_incident_retried: gettext("สั่งให้ลองใหม่ เหตุที่ไม่ใช่ของเรื่องใด"),
        AdminKind.system_incident_resolved: gettext("ปิดเหตุที่ไม่ใช่ของเรื่องใด"),
    }
