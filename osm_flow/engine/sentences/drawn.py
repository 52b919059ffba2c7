"""What elements of a diagram are called in sentences: the name that is drawn and the id, in both languages."""

from __future__ import annotations

from typing import NamedTuple

_KINDS = {
    "userTask": ("งาน", "user task"),
    "manualTask": ("งาน", "manual task"),
    "task": ("งาน", "task"),
    "serviceTask": ("งานบริการ", "service task"),
    "sendTask": ("งานส่ง", "send task"),
    "receiveTask": ("งานรอรับ", "receive task"),
    "businessRuleTask": ("ตารางการตัดสินใจ", "business rule task"),
    "scriptTask": ("งานสคริปต์", "script task"),
    "callActivity": ("เรื่องย่อย", "call activity"),
    "subProcess": ("กระบวนการย่อย", "subprocess"),
    "startEvent": ("จุดเริ่ม", "start event"),
    "endEvent": ("จุดจบ", "end event"),
    "intermediateCatchEvent": ("เหตุการณ์รอรับ", "catching event"),
    "intermediateThrowEvent": ("เหตุการณ์แจ้งออก", "throwing event"),
    "boundaryEvent": ("เหตุการณ์ขอบ", "boundary event"),
    "exclusiveGateway": ("เกตเวย์ทางเลือก", "exclusive gateway"),
    "inclusiveGateway": ("เกตเวย์หลายทางเลือก", "inclusive gateway"),
    "parallelGateway": ("เกตเวย์ขนาน", "parallel gateway"),
    "eventBasedGateway": ("เกตเวย์เหตุการณ์", "event-based gateway"),
    "sequenceFlow": ("เส้น", "flow"),
    "process": ("กระบวนการ", "process"),
}


class Sentence(NamedTuple):
    """The same words in both languages."""

    th: str
    en: str


UNSEEN = Sentence(
    "มีอักขระที่มองไม่เห็นปนอยู่ ให้ลบแล้วพิมพ์ใหม่", "a sign that nobody sees stands in it: delete it and type it anew"
)


def called(element: str, name: str = "", kind: str = "") -> Sentence:
    """The element as people find it in the drawing: `“ตรวจแผน” (check)`; without a name its kind and its id."""
    if name:
        return Sentence(f"“{name}” ({element})", f"“{name}” ({element})")
    th, en = _KINDS.get(kind, (kind, kind))
    return Sentence(f"{th} {element}".strip(), f"{en} {element}".strip())


def listed(names: list[Sentence]) -> Sentence:
    """Several elements in a row."""
    return Sentence(" และ ".join(n.th for n in names), " and ".join(n.en for n in names))
