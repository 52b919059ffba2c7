"""What is wrong with a form that cannot be read, in words for people: the library's own words are for programmers."""

from __future__ import annotations

import re

import yaml

from osm_flow.catalogues import catalogue
from osm_flow.engine.sentences.drawn import Sentence
from osm_flow.errors import Invalid

# What the library says, and what people read instead.
_UNREADABLE: tuple[tuple[str, str, str], ...] = (
    (r"cannot start any token", "ใช้ช่องว่างแทนแท็บ", "indent with blanks instead of tabs"),
    (r"mapping values are not allowed", "ใส่เครื่องหมายคำพูดรอบข้อความที่มี :", "put quotes round a text that holds a colon"),
    (
        r"undefined alias|anchor",
        "ใส่เครื่องหมายคำพูดรอบข้อความที่ขึ้นต้นด้วย * หรือ &",
        "put quotes round a text that begins with * or &",
    ),
    (
        r"constructor for the tag|tag",
        "ใส่เครื่องหมายคำพูดรอบข้อความที่ขึ้นต้นด้วย !",
        "put quotes round a text that begins with !",
    ),
    (r"quoted scalar|end of stream", "ไม่ได้ปิดเครื่องหมายคำพูดหรือวงเล็บ", "a quote or a bracket is not closed"),
    (r"flow (node|sequence|mapping)", "ไม่ได้ปิดวงเล็บ [ หรือ {", "a bracket [ or { is not closed"),
    (r"another document|single document", "หนึ่งไฟล์มีแบบฟอร์มเดียว", "a file holds one form"),
    (r"control characters|unacceptable", "มีอักขระควบคุมซึ่งไม่อนุญาต", "it holds a control sign, which is not allowed"),
    (r"unhashable|key", "ชื่อต้องเป็นข้อความ", "a name must be a text"),
    (r"merg", "<< ใช้ได้กับกลุ่มค่าเท่านั้น", "<< takes a group of values only"),
)


def unreadable(content: bytes, error: Exception) -> Sentence:
    """Why a form cannot be read."""
    if not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            content.decode()
        except UnicodeDecodeError:
            return Sentence("ไฟล์ไม่ใช่ข้อความ UTF-8 ให้บันทึกเป็น UTF-8", "the file is not UTF-8: save it as UTF-8")
    if isinstance(error, Invalid):
        return in_both(str(error))
    if not isinstance(error, yaml.YAMLError):
        th = "มีค่าที่เขียนเหมือนวันที่หรือตัวเลขแต่ไม่ใช่ ให้ใส่เครื่องหมายคำพูด"
        return Sentence(th, "a value is written like a date or a number and is none: put it in quotes")
    said = f"{getattr(error, 'problem', None) or ''} {getattr(error, 'context', None) or ''} {getattr(error, 'reason', '')}"
    mark = getattr(error, "problem_mark", None)
    th, en = "เขียนผิดรูปแบบ", "something is written wrongly"
    for pattern, thai, english in _UNREADABLE:
        if re.search(pattern, said):
            th, en = thai, english
            break
    if mark is None:
        return Sentence(th, en)
    return Sentence(f"{th} (บรรทัด {mark.line + 1})", f"{en} (line {mark.line + 1})")


def in_both(sentence: str) -> Sentence:
    """A sentence of the rules of forms in both languages; in English alone where there is no Thai."""
    return Sentence(catalogue("th").single.get(sentence, sentence), sentence)
