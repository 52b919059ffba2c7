"""For auditors: who changed people, the calendar and the processes; who signed in and out, and what was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.documents.sheets import SHEET_FORMS, Cell, Sheet
from osm_flow.domain.access.policy import Verb
from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF, DateStatus
from osm_flow.domain.people import PositionKind
from osm_flow.domain.states import ErasureState, ProposalState, RebuildingState
from osm_flow.errors import Invalid
from osm_flow.operations.ledger import admin_journal, security_events
from osm_flow.operations.ledger.admin_journal import ABOUT_PEOPLE, AdminFilter, AdminKind
from osm_flow.operations.ledger.security_events import EventFilter, EventKind, Line
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.people.signing_in import UNKNOWN
from osm_flow.store.models import AdminRecord
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts import downloads
from osm_flow.web.parts.audit_filters import period_of
from osm_flow.web.site import filters, lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.filters import office_name, role_name, thai_datetime
from osm_flow.web.site.i18n import current_locale, gettext
from osm_flow.web.site.wording import with_login

blueprint = Blueprint("administration", __name__)

_DIGEST = re.compile(r"[0-9a-f]{64}")

# What the filter offers beside each kind of its own.
_GROUPS = {"people": ABOUT_PEOPLE, "others": tuple(kind for kind in AdminKind if kind not in ABOUT_PEOPLE)}

# What holds a user name.
_NAMING = frozenset({"for", "proposed_by", "given_by", admin_journal.ON_BEHALF_OF})


@blueprint.get("/audit/administration")
@requires(Verb.see_audit)
def record_list() -> ResponseReturnValue:
    arguments = request.args
    chosen = {name: arguments.get(name, "").strip()[:64] for name in ("who", "about", "kind", "since", "until")}
    kinds = _GROUPS.get(chosen["kind"]) or ((chosen["kind"],) if chosen["kind"] in set(AdminKind) else ())
    since, until = period_of(chosen["since"], chosen["until"])
    wanted = AdminFilter(chosen["who"], chosen["about"], tuple(map(str, kinds)), since, until)
    page = admin_journal.records(g.session, g.actor, wanted, after=arguments.get("after") or None)
    names = names_of(g.session, {name for record in page.items for name in _named_in(record)})
    groups = {"people": gettext("ผู้ใช้และตำแหน่ง"), "others": gettext("ปฏิทิน กระบวนการ และบันทึกรวม")}
    return render_template(
        "admin_journal/records.html",
        page=page,
        filters=chosen,
        groups=groups,
        kinds=_kinds(),
        names=names,
        behalf=admin_journal.on_behalf_of,
        lines=partial(lines_of, names=names),
        subject=subject_of,
    )


def _named_in(record: AdminRecord) -> set[str]:
    changed = admin_journal.changes_of(record)
    values = [value for field in _NAMING & changed.keys() for value in changed[field].values()]
    return {record.actor, record.subject, *(value for value in values if isinstance(value, str))}


def lines_of(record: AdminRecord, names: Mapping[str, str]) -> list[tuple[str, str | None, str]]:
    """Each change as a label, what it was (None where that is all the same) and what it became; people by `names`."""
    labels = _labels()
    lines = []
    for field, change in admin_journal.changes_of(record).items():
        old, new = (_named(names, change[side]) if field in _NAMING else None for side in ("old", "new"))
        old, new = old or _said(field, change["old"]), new or _said(field, change["new"])
        was_something = change["old"] is not None and change["old"] != change["new"]
        if change["new"] is not None or was_something:
            lines.append((labels.get(field) or _milestone(field), old if was_something else None, new))
    return lines


def _named(names: Mapping[str, str], value: object) -> str | None:
    """The display name beside a recorded user name; None for what is nobody's."""
    return with_login(names[value], value) if isinstance(value, str) and value in names else None


def subject_of(record: AdminRecord) -> str:
    """What it was done to: a milestone and a day by their names, anything else as it is recorded."""
    if record.kind == AdminKind.calendar_moved:
        place, _, key = record.subject.rpartition(" ")
        office_id, _, year = place.partition(" ")
        return " ".join(filter(None, (office_name(office_id), year, _milestone(key))))
    kind, _, number = record.subject.partition(" ")
    if number.isdigit() and (named := _numbered().get(kind)):
        return f"{named} {number}"
    return _date(record.subject)


def _said(field: str, value: Any) -> str:
    if value is None or value == "":
        return gettext("ไม่มี")
    if isinstance(value, bool):
        return gettext("ใช่") if value else gettext("ไม่ใช่")
    if isinstance(value, dict) and not {"version", "sha256"} <= value.keys():
        labels = _labels()
        return " · ".join(f"{labels.get(name, name)}: {_said(name, part)}" for name, part in value.items())
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
        RebuildingState.ASKED: gettext("รอผู้ดูแลระบบอีกคนยืนยัน"),
        RebuildingState.CONFIRMED: gettext("ยืนยันแล้ว"),
        RebuildingState.DONE: gettext("เสร็จแล้ว"),
    }
    return words.get(value, value)


def _erasure_state(value: str) -> str:
    words: dict[str, str] = {
        ErasureState.ASKED: gettext("รอผู้อื่นพิจารณา"),
        ErasureState.APPROVED: gettext("อนุมัติแล้ว"),
        ErasureState.REFUSED: gettext("ไม่อนุมัติ"),
        ErasureState.WITHDRAWN: gettext("ถอนแล้ว"),
    }
    return words.get(value, value)


_WORDS: dict[str, Callable[[str], str]] = {
    "erasure": _erasure_state,
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
        "rebuilding": gettext("คำขอสร้างแถวข้อมูลคืนที่"),
        "erasure": gettext("คำขอลบข้อมูลที่"),
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
        "wrong_waiting": gettext("รายการที่รอเข้าบันทึกรวมซึ่งไม่ตรง"),
        "leaves": gettext("รายการในบันทึกรวม"),
        "incident": gettext("เหตุขัดข้อง"),
        "records": gettext("จำนวนรายการในบันทึกรวม"),
        "root": gettext("รากของบันทึกรวม"),
        "checkpoints": gettext("จุดตรวจที่ฐานข้อมูลไม่ต่อเนื่อง"),
        "signed_roots": gettext("รากที่ลงนามไว้ซึ่งรายการนำไปถึง"),
        "false_hashes": gettext("ค่าแฮชที่ไม่ใช่ของรายการ"),
        "lacking_hashes": gettext("ค่าแฮชที่ขาด"),
        "key": gettext("กุญแจลงนาม"),
        "signed_before": gettext("จำนวนรายการที่ลงนามไว้ก่อนหน้า"),
        "trusted": gettext("เครื่องเชื่อกุญแจนี้"),
        "machine": gettext("เครื่อง"),
        "reason": gettext("เหตุผล"),
        "proposal": gettext("ข้อเสนอที่"),
        "proposed_by": gettext("เสนอโดย"),
        "proposed_in": gettext("เสนอในนามของ"),
        "state": gettext("สถานะ"),
        "given_by": gettext("บันทึกโดย"),
        "name_digest": gettext("ค่าย่อยของชื่อที่แสดง"),
        "hold": gettext("การระงับการลบที่"),
        "lift": gettext("การยกเลิกที่"),
        "note": gettext("หมายเหตุ"),
        "count": gettext("จำนวนแถว"),
        "tables": gettext("ตาราง"),
        "asked_by": gettext("ขอโดย"),
        "case": gettext("เรื่อง"),
        "rebuilding": gettext("คำขอสร้างแถวข้อมูลคืนที่"),
        "erasure": gettext("สถานะคำขอลบข้อมูล"),
        "items": gettext("ค่าย่อยของรายการที่ขอลบ"),
        "lists": gettext("บัญชีที่อัปโหลดที่ขอลบ"),
        "put_back": gettext("แถวที่สร้างคืน"),
        "left": gettext("แถวที่สร้างคืนไม่ได้"),
        "waits": gettext("รอยืนยัน"),
        admin_journal.ON_BEHALF_OF: gettext("แทนใคร"),
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
        AdminKind.person_held: gettext("ระงับการลบข้อมูลของบุคคล"),
        AdminKind.person_hold_lifted: gettext("ยกเลิกการระงับการลบข้อมูลของบุคคล"),
        AdminKind.record_held: gettext("ระงับการลบข้อมูลในทะเบียน"),
        AdminKind.record_hold_lifted: gettext("ยกเลิกการระงับการลบข้อมูลในทะเบียน"),
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
        AdminKind.log_rebuilt: gettext("สร้างโครงสร้างบันทึกรวมใหม่"),
        AdminKind.log_turned_back: gettext("ยอมรับฐานข้อมูลสำเนาเก่า"),
        AdminKind.erasure_asked: gettext("ขอให้ลบข้อมูลส่วนบุคคล"),
        AdminKind.erasure_approved: gettext("อนุมัติให้ลบข้อมูลส่วนบุคคล"),
        AdminKind.erasure_refused: gettext("ไม่อนุมัติให้ลบข้อมูลส่วนบุคคล"),
        AdminKind.erasure_withdrawn: gettext("ถอนคำขอลบข้อมูลส่วนบุคคล"),
        AdminKind.key_rotated: gettext("เปลี่ยนกุญแจลงนาม"),
        AdminKind.key_replaced: gettext("เริ่มกุญแจลงนามใหม่แทนที่หาย"),
        AdminKind.key_trusted: gettext("ให้เครื่องหนึ่งเชื่อกุญแจ"),
        AdminKind.rows_found: gettext("บันทึกแถวข้อมูลที่รุ่นก่อนไม่ได้บันทึกไว้ ตามที่พบ"),
        AdminKind.rebuilding_asked: gettext("ขอให้สร้างแถวข้อมูลคืนจากสายบันทึก"),
        AdminKind.rebuilding_confirmed: gettext("ยืนยันให้สร้างแถวข้อมูลคืนจากสายบันทึก"),
        AdminKind.rebuilding_withdrawn: gettext("ถอนคำขอสร้างแถวข้อมูลคืน"),
        AdminKind.rows_put_back: gettext("สร้างแถวข้อมูลคืนจากสายบันทึก"),
        AdminKind.rebuilding_done: gettext("สร้างแถวข้อมูลคืนเสร็จ"),
        AdminKind.system_incident_retried: gettext("สั่งให้ลองใหม่ เหตุที่ไม่ใช่ของเรื่องใด"),
        AdminKind.system_incident_resolved: gettext("ปิดเหตุที่ไม่ใช่ของเรื่องใด"),
    }


# ---- security events -------------------------------------------------------------------------------------------

_EVENT_FILTERS = ("who", "kind", "since", "until")
_EVENT_GROUPS: Mapping[str, tuple[str, ...]] = {
    "sign_in": (EventKind.signed_in, EventKind.sign_in_failed, EventKind.sign_in_throttled, EventKind.signed_out),
    "refused": tuple(kind for kind in EventKind if kind.startswith("refused.")),
    "accounts": tuple(map(str, ABOUT_PEOPLE)),
}
_EVENT_HEAD = ("เมื่อ", "ถึง", "ใคร", "ชื่อผู้ใช้", "หน้าที่", "อะไร", "ที่ใด", "เกี่ยวกับ", "จากที่อยู่", "จำนวนครั้ง")


@blueprint.get("/audit/security")
@requires(Verb.see_audit)
def event_list() -> ResponseReturnValue:
    return _event_page(_events_asked(request.args), after=request.args.get("after") or None)


@blueprint.post("/audit/security/export/<form>")
@requires(Verb.see_audit)
@each_time
def export_events(form: str) -> ResponseReturnValue:
    """Record who takes it out and why; then, nobody waiting for it, write the file and send it."""
    downloads.sheet_form(form)
    typed = _events_asked(request.form)
    wanted, details = _events_wanted(typed), urlencode({name: value for name, value in typed.items() if value})
    try:
        reason = request.form.get("reason", "")
        security_events.export(g.session, g.actor, g.now, wanted, reason=reason, details=details)
    except Invalid as error:
        lifecycle.read_again()
        return _event_page(typed, errors={name: gettext(text) for name, text in error.fields.items()}), error.status
    return downloads.written_sheet(form, "osm-flow-security", lambda: _sheet_of(wanted))


def _sheet_of(wanted: EventFilter) -> Sheet:
    kinds = _event_kinds()
    # Few people do most of what is listed: each is looked up once.
    name_of = cache(lambda username: names_of(g.session, [username]).get(username, ""))
    rows = (_row_of(line, kinds, name_of) for line in security_events.everything(g.session, g.actor, wanted))
    return Sheet(gettext("เหตุการณ์ความปลอดภัย"), list(map(gettext, _EVENT_HEAD)), rows)


def _event_page(typed: dict[str, str], after: str | None = None, errors: dict[str, str] | None = None) -> str:
    page = security_events.events(g.session, g.actor, _events_wanted(typed), after=after)
    named = {name for line in page.items for name in (line.happening.actor, line.happening.details, _about_whom(line))}
    return render_template(
        "admin_journal/events.html",
        page=page,
        filters=typed,
        errors=errors or {},
        groups=_event_groups(),
        kinds=_event_kinds(),
        names=names_of(g.session, named - {""}),
        about=_about_whom,
        where=_page_of,
        told=_more_of,
        sheet_forms=[(name, gettext(form.button)) for name, form in SHEET_FORMS.items()],
    )


def _events_asked(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(name, "").strip()[:64] for name in _EVENT_FILTERS}


def _events_wanted(typed: Mapping[str, str]) -> EventFilter:
    kind = typed["kind"]
    kinds = _EVENT_GROUPS.get(kind) or ((kind,) if kind in _event_kinds() else ())
    since, until = period_of(typed["since"], typed["until"])
    return EventFilter(typed["who"] or None, tuple(map(str, kinds)), since, until)


def _row_of(line: Line, kinds: Mapping[str, str], name_of: Callable[[str], str]) -> list[Cell]:
    happening = line.happening
    return [
        thai_datetime(line.at),
        thai_datetime(line.until) if line.count > 1 else "",
        name_of(happening.actor) if happening.actor else "",
        happening.actor,
        role_name(happening.role) if happening.role else "",
        kinds.get(happening.kind, happening.kind),
        _page_of(line),
        _about_whom(line) or _more_of(line),
        happening.address,
        line.count,
    ]


def _page_of(line: Line) -> str:
    """The page; nothing for an act of administration, nor where the kind says it."""
    is_plain = line.record is not None or line.happening.kind in _EVENT_GROUPS["sign_in"]
    return "" if is_plain else line.happening.subject


def _about_whom(line: Line) -> str:
    """The user name that it is about, beside who did it."""
    if line.record is not None:
        return line.happening.subject
    is_name = line.happening.kind in {EventKind.sign_in_failed, EventKind.sign_in_throttled}
    return line.happening.details if is_name and not line.happening.details.startswith(UNKNOWN) else ""


def _more_of(line: Line) -> str:
    """What else is known: that nobody has the typed name, or the reference of a crash."""
    details = line.happening.details
    if line.happening.kind == EventKind.crashed:
        return gettext("เลขอ้างอิง %(number)s", number=details)
    if details.startswith(UNKNOWN):
        return gettext("ชื่อที่ไม่มีในระบบ (%(mark)s)", mark=details[1:7])
    return ""


def _event_groups() -> dict[str, str]:
    return {
        "sign_in": gettext("การเข้าและออกจากระบบ"),
        "refused": gettext("คำขอที่ระบบไม่ให้ทำ"),
        "accounts": gettext("บัญชีและตำแหน่ง"),
    }


def _event_kinds() -> dict[str, str]:
    of_accounts = _kinds()
    return {
        EventKind.signed_in: gettext("เข้าสู่ระบบ"),
        EventKind.sign_in_failed: gettext("เข้าสู่ระบบไม่สำเร็จ"),
        EventKind.sign_in_throttled: gettext("เข้าสู่ระบบถี่เกินไป ระบบให้รอ"),
        EventKind.signed_out: gettext("ออกจากระบบ"),
        EventKind.refused_role: gettext("ขอทำสิ่งที่ไม่ใช่หน้าที่"),
        EventKind.refused_hidden: gettext("ขอดูสิ่งที่ไม่ได้เกี่ยวข้อง"),
        EventKind.refused_token: gettext("ส่งแบบฟอร์มที่ไม่ได้มาจากหน้าของระบบหรือหมดอายุ"),
        EventKind.refused_size: gettext("ส่งข้อมูลใหญ่เกินกำหนด"),
        EventKind.refused_quota: gettext("เก็บเกินจำนวนที่กำหนด"),
        EventKind.crashed: gettext("ระบบขัดข้อง"),
        **{str(kind): of_accounts[kind] for kind in ABOUT_PEOPLE},
    }
