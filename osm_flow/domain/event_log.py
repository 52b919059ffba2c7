"""The values of an event log for process mining: cases, their events, and the objects that events are about.

Plain values between the journal and the file formats. Texts are already what a file may show: a person is a pseudonym
unless names were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from osm_flow.domain.record_kinds import RecordKind

ALWAYS: Final = "1970-01-01T00:00:00Z"  # the time of an attribute that never had another value
OBJECT_TYPES: Final = ("case", "work_item", "person_in_role", "project", "document", "meeting")

# What happened, as a name of its own, and as a transition of the activity that it happened to (XES lifecycle model).
_KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    RecordKind.case_started: ("เปิดเรื่อง", None),
    RecordKind.case_suspended: ("พักเรื่อง", None),
    RecordKind.case_resumed: ("ให้เรื่องเดินต่อ", None),
    RecordKind.case_cancelled: ("ยกเลิกเรื่อง", None),
    RecordKind.case_commented: ("ให้ความเห็น", None),
    RecordKind.case_attached: ("แนบเอกสาร", None),
    RecordKind.case_replanned: ("คิดวันครบกำหนดใหม่", None),
    RecordKind.case_held: ("ระงับไม่ให้ลบข้อมูล", None),
    RecordKind.case_hold_lifted: ("เลิกระงับไม่ให้ลบข้อมูล", None),
    RecordKind.case_marked_sensitive: ("ทำเครื่องหมายอ่อนไหว", None),
    RecordKind.case_unmarked_sensitive: ("เอาเครื่องหมายอ่อนไหวออก", None),
    RecordKind.case_unmark_proposed: ("เสนอให้เอาเครื่องหมายอ่อนไหวออก", None),
    RecordKind.case_unmark_withdrawn: ("ถอนข้อเสนอเอาเครื่องหมายอ่อนไหวออก", None),
    RecordKind.case_reader_named: ("เพิ่มผู้ที่เปิดเรื่องอ่อนไหวได้", None),
    RecordKind.case_reader_removed: ("เอาผู้ที่เปิดเรื่องอ่อนไหวได้ออก", None),
    RecordKind.child_ended: ("เรื่องย่อยจบ", None),
    RecordKind.child_escalated: ("เรื่องย่อยแจ้งยกระดับ", None),
    RecordKind.incident_opened: ("เกิดเหตุขัดข้อง", None),
    RecordKind.incident_retried: ("ลองใหม่หลังเหตุขัดข้อง", None),
    RecordKind.incident_resolved: ("แก้เหตุขัดข้องแล้ว", None),
    RecordKind.payloads_erased: ("ลบข้อมูลส่วนบุคคล", None),
    RecordKind.work_item_claimed: ("รับงาน", "assign"),
    RecordKind.work_item_released: ("คืนงาน", "reassign"),
    RecordKind.work_item_delegated: ("มอบงานต่อ", "reassign"),
    RecordKind.work_item_reassigned: ("เปลี่ยนผู้รับผิดชอบ", "reassign"),
    RecordKind.work_item_due_moved: ("เลื่อนวันครบกำหนด", None),
    RecordKind.work_item_follow_up_set: ("ตั้งวันเตือน", None),
    RecordKind.work_item_priority_set: ("เปลี่ยนความเร่งด่วน", None),
    RecordKind.work_item_escalated: ("แจ้งเตือนตามลำดับขั้น", None),
}
# The act is the activity itself: it is called by its name in the diagram.
_DONE: Final = frozenset(
    {RecordKind.work_item_completed, RecordKind.timer_fired, RecordKind.message_received, RecordKind.service_finished}
)


@dataclass(frozen=True, slots=True)
class Link:
    """The relation of an event or object to an object; `qualifier` says which relation."""

    object_id: str
    qualifier: str


@dataclass(frozen=True, slots=True)
class LogObject:
    """An object that events are about; attributes have the value they had since `at`."""

    id: str
    type: str
    at: str
    attributes: Mapping[str, str]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A journal record as an event. `activity`, `transition` are for logs of cases, `type` for logs of objects."""

    id: str
    at: str
    activity: str
    transition: str
    type: str
    resource: str
    role: str
    group: str
    attributes: Mapping[str, str]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class LogCase:
    """One case as the trace of an event log."""

    id: str
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def names_of(kind: str, element_name: str | None) -> tuple[str, str, str]:
    """The activity, lifecycle transition and event type of a record of this kind at the element of this name."""
    event_type, transition = _KINDS.get(kind, (kind, None))
    if kind in _DONE and element_name:
        return element_name, "complete", element_name
    if transition and element_name:
        return element_name, transition, event_type
    return event_type, "complete", event_type
