"""The journal of a case as a story: who did what to what, when, on whose behalf, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from osm_flow.domain.books.form_rows import is_reference
from osm_flow.domain.forms.schema import fields_of, is_table, label_of
from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import in_language
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import Process
from osm_flow.operations.cases.queries import HistoryEntry
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.store.models import Case, JournalRecord
from osm_flow.web.forms.document import form_value
from osm_flow.web.site.filters import role_name, thai_date, thai_datetime
from osm_flow.web.site.i18n import current_locale, gettext, ngettext
from osm_flow.web.site.wording import for_whom, with_login

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# What happened, as the middle of a sentence: "สมชาย <รับงาน> ยกร่างแผน"; and how the mark beside it looks.
_TOLD: Mapping[str, tuple[str, str]] = {
    RecordKind.case_started: ("เปิดเรื่องนี้", "done"),
    RecordKind.case_suspended: ("สั่งพักเรื่อง", "bad"),
    RecordKind.case_resumed: ("สั่งให้เรื่องเดินต่อ", "done"),
    RecordKind.case_cancelled: ("สั่งยกเลิกเรื่อง", "bad"),
    RecordKind.case_commented: ("ให้ความเห็น", "plain"),
    RecordKind.case_attached: ("แนบเอกสาร", "plain"),
    RecordKind.case_replanned: ("คิดวันครบกำหนดใหม่ตามปฏิทิน", "clock"),
    RecordKind.work_item_completed: ("ทำเสร็จ", "done"),
    RecordKind.work_item_claimed: ("รับงานไปทำ", "plain"),
    RecordKind.work_item_released: ("คืนงานให้กลุ่ม", "plain"),
    RecordKind.work_item_delegated: ("มอบงานต่อ", "plain"),
    RecordKind.work_item_reassigned: ("เปลี่ยนตัวผู้รับผิดชอบ", "plain"),
    RecordKind.work_item_due_moved: ("เลื่อนวันกำหนด", "clock"),
    RecordKind.work_item_follow_up_set: ("ตั้งวันเตือนของงาน", "clock"),
    RecordKind.work_item_priority_set: ("เปลี่ยนความเร่งด่วน", "plain"),
    RecordKind.work_item_escalated: ("แจ้งเตือนตามลำดับขั้น", "clock"),
    RecordKind.message_received: ("ได้รับข้อความ", "done"),
    RecordKind.timer_fired: ("ถึงเวลาที่ตั้งไว้", "clock"),
    RecordKind.service_finished: ("ระบบทำขั้นนี้ให้แล้ว", "done"),
    RecordKind.child_ended: ("เรื่องย่อยจบแล้ว", "done"),
    RecordKind.child_escalated: ("เรื่องย่อยแจ้งยกระดับ", "clock"),
    RecordKind.incident_opened: ("เกิดเหตุขัดข้อง", "bad"),
    RecordKind.incident_retried: ("ลองใหม่หลังเหตุขัดข้อง", "plain"),
    RecordKind.incident_resolved: ("ปิดเหตุขัดข้อง", "plain"),
    RecordKind.payloads_erased: ("ลบข้อมูลที่กรอกตามกฎหมาย", "bad"),
    RecordKind.case_held: ("ระงับไม่ให้ลบข้อมูล", "bad"),
    RecordKind.case_hold_lifted: ("เลิกระงับไม่ให้ลบข้อมูล", "plain"),
    RecordKind.case_marked_sensitive: ("ทำเครื่องหมายอ่อนไหว", "plain"),
    RecordKind.case_unmarked_sensitive: ("เอาเครื่องหมายอ่อนไหวออก", "plain"),
    RecordKind.case_unmark_proposed: ("เสนอให้เอาเครื่องหมายอ่อนไหวออก", "plain"),
    RecordKind.case_unmark_withdrawn: ("ถอนข้อเสนอเอาเครื่องหมายอ่อนไหวออก", "plain"),
    RecordKind.case_reader_named: ("เพิ่มผู้ที่เปิดเรื่องอ่อนไหวได้", "plain"),
    RecordKind.case_reader_removed: ("เอาผู้ที่เปิดเรื่องอ่อนไหวได้ออก", "plain"),
}
# A message that a person received is an answer from outside that they wrote down.
_WRITTEN_DOWN = ("บันทึกคำตอบจากภายนอก", "done")
_CLOCKWORK = (RecordKind.work_item_escalated, RecordKind.case_replanned)
_QUOTED = ("reason", "body", "note", "message", "filename")
_VERDICT = ("decision", "result", "resolution", "approved", "reply", "reason", "parts", "note")
_NOTHING: tuple[Any, ...] = (None, "", [])
_LONGEST_FACT = 400


@dataclass(frozen=True)
class Told:
    """One sentence of the story; `facts` are what was typed, by the labels of the form."""

    seq: int
    at: datetime
    who: str
    did: str
    what: str
    tone: str
    hash: str
    for_whom: str = ""
    role: str = ""
    quote: str = ""
    facts: list[tuple[str, str]] = field(default_factory=list)
    is_work: bool = False
    is_clockwork: bool = False
    folded: tuple[Told, ...] = ()


def kind_words(kind: str, is_person: bool = True) -> tuple[str, str]:
    """What a kind of record means, as the middle of a sentence, and the tone of its mark."""
    is_written_down = is_person and kind == RecordKind.message_received
    did, tone = _WRITTEN_DOWN if is_written_down else _TOLD.get(kind, ("", "plain"))
    return gettext(did) if did else kind, tone


def kinds() -> list[tuple[str, str]]:
    """Every kind of record with its words, in the order in which people think of them."""
    return [(kind, gettext(did)) for kind, (did, _) in _TOLD.items()]


def tell(session: Session, case: Case, entries: Sequence[HistoryEntry], *, logins: bool = False) -> list[Told]:
    """The entries as sentences, in the order in which they came; with `logins`, beside names the recorded user names."""
    process = compiled(session, case.definition)
    forms = work_item_queries.form_keys_of(session, [e.record.task_id for e in entries if e.record.task_id])
    shown = [_with_logins(entry) for entry in entries] if logins else entries
    return [_told(entry, _schema_of(entry.record, process, forms)) for entry in shown]


def schemas_of(session: Session, case: Case, records: Sequence[JournalRecord]) -> dict[int, JSON]:
    """The forms in which the data of these records of a case were typed, by their numbers; none for records without one."""
    process = compiled(session, case.definition)
    forms = work_item_queries.form_keys_of(session, [record.task_id for record in records if record.task_id])
    found = ((record.seq, _schema_of(record, process, forms)) for record in records)
    return {seq: schema for seq, schema in found if schema is not None}


def fold(told: Sequence[Told]) -> list[Told]:
    """The same story with repeated acts of the clock in a row (reminders, new due dates) as one line each."""
    lines: list[Told] = []
    for _, run in groupby(told, key=lambda line: line.did if line.is_clockwork else line.seq):
        first, *others = run
        lines.append(replace(first, folded=(first, *others)) if others else first)
    return lines


def _with_logins(entry: HistoryEntry) -> HistoryEntry:
    record = entry.record
    for_whom = with_login(entry.on_behalf_of_name, record.on_behalf_of) or None
    return replace(entry, actor_name=with_login(entry.actor_name, record.actor), on_behalf_of_name=for_whom)


def _told(entry: HistoryEntry, schema: JSON | None) -> Told:
    record = entry.record
    is_person = record.actor != "system"
    did, tone = kind_words(record.kind, is_person)
    payload = entry.payload or {}
    data = payload.get("data")
    typed = data if schema is not None and isinstance(data, dict) else None
    return Told(
        seq=record.seq,
        at=record.at,
        who=entry.actor_name if is_person else gettext("ระบบ"),
        did=did,
        what=gettext(entry.element_name or ""),
        tone=tone,
        hash=record.hash,
        for_whom=for_whom(entry, entry.on_behalf_of_name),
        role=role_name(record.actor_role) if record.actor_role else "",
        quote=_verdict(schema, typed) if schema is not None and typed is not None else _quote(record.kind, payload),
        facts=_facts(schema, typed) if schema is not None and typed is not None else [],
        is_clockwork=record.kind in _CLOCKWORK,
        is_work=record.kind in (RecordKind.work_item_completed, RecordKind.case_started, RecordKind.case_commented)
        or (record.kind == RecordKind.message_received and is_person),
    )


def _schema_of(record: JournalRecord, process: Process, forms: Mapping[str, str]) -> JSON | None:
    """The form in which the data of a record were typed; None for records without one."""
    element = process.elements.get(record.element or "")
    match record.kind:
        case RecordKind.case_started:
            key = process.start_form
        case RecordKind.work_item_completed:
            key = forms.get(record.task_id or "")
        case RecordKind.message_received:
            key = element.properties.get("form") if element else None
        case _:
            key = None
    return process.forms.get(key) if key else None


def _verdict(schema: JSON, typed: JSON) -> str:
    """What was decided and why, for those who read nothing else."""
    known = fields_of(schema)
    said = [_fact(known[name], typed[name]) for name in _VERDICT if name in known and typed.get(name) not in _NOTHING]
    return "\n".join(said)


def _quote(kind: str, payload: JSON) -> str:
    """The words somebody wrote with the act: a reason, a comment; and where a date moved to."""
    data = payload.get("data") or {}
    words = next((str(data[key]) for key in _QUOTED if data.get(key)), "")
    match kind:
        case RecordKind.work_item_completed | RecordKind.message_received | RecordKind.case_started:
            return ""
        case RecordKind.work_item_due_moved:
            moved = gettext("จาก %(a)s เป็น %(b)s", a=thai_date(data.get("from")) or "–", b=thai_date(data.get("to")))
            return f"{moved}\n{words}".strip()
        case RecordKind.work_item_follow_up_set:
            return thai_datetime(data.get("to"))
        case RecordKind.incident_opened:
            return in_language(str(data.get("kind", "")), words, current_locale())
        case _:
            return words


def _facts(schema: JSON, typed: JSON) -> list[tuple[str, str]]:
    """What was typed, by the labels of the form that asked for it; tables are told by their number of rows."""
    return [
        (label_of(form_field, current_locale()), _fact(form_field, typed[name]))
        for name, form_field in fields_of(schema).items()
        if typed.get(name) not in _NOTHING
    ]


def _fact(schema: JSON, value: Any) -> str:
    if is_table(schema):
        count = value["count"] if is_reference(value) else len(value) if isinstance(value, list) else 0
        return ngettext("%(num)s แถว", "%(num)s แถว", count)
    text = form_value(schema, value)
    return text if len(text) <= _LONGEST_FACT else f"{text[:_LONGEST_FACT]}…"
