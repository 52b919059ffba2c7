"""Reading XML that a stranger may have made: no DOCTYPE, no entities, no network, bounded size and depth."""

from __future__ import annotations

import codecs
import re
from typing import Any

from lxml import etree

from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.values import Problem

MAX_BYTES = 4_000_000
MAX_DEPTH = 100
_ENCODINGS = frozenset({"UTF-8", "UTF8", "UTF-16", "UTF16", "UTF-16LE", "UTF-16BE"})
NAMESPACES = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "dmn": "https://www.omg.org/spec/DMN/20191111/MODEL/",
}
BPMN = f"{{{NAMESPACES['bpmn']}}}"
CAMUNDA = f"{{{NAMESPACES['camunda']}}}"

_THAI_BREAK = re.compile(r"(?<=[\u0E00-\u0E7F])[ \t]*\n\s*(?=[\u0E00-\u0E7F])")
_ENCODING = re.compile(r"""(\A\s*<\?xml[^>]*?encoding\s*=\s*["'])[^"']*(["'])""")
_ENCODED_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def refuse(code: str, th: str, en: str, element: str = "") -> DefinitionRefused:
    """The refusal of a file, with its sentence in both languages."""
    return DefinitionRefused([Problem(element, code, th, en)])


def as_utf8(content: bytes) -> bytes:
    """The file as UTF-8, which it is kept in: UTF-16 is legal, but nothing else here expects it.

    Raises UnicodeDecodeError for what claims to be UTF-16 and is not.
    """
    if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and b"\x00" not in content[:4]:
        return content
    bom = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    text = content.decode(
        "utf-16" if content.startswith(bom) else "utf-16-be" if content[:1] == b"\x00" else "utf-16-le"
    )
    return _ENCODING.sub(r"\1UTF-8\2", text, count=1).encode()


def read_xml(content: bytes) -> Any:
    """The root element of an XML file, read safely. Raises DefinitionRefused for anything malformed or hostile."""
    if len(content) > MAX_BYTES:
        raise refuse("too_big", "ไฟล์ใหญ่เกิน 4 MB", "the file is larger than 4 MB")
    if _ENCODED_DOCTYPE.search(content.replace(b"\x00", b"")):
        raise refuse("doctype", "ไฟล์มี DOCTYPE หรือ ENTITY ซึ่งไม่อนุญาต", "the file has a DOCTYPE or an ENTITY: remove it")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        huge_tree=False,
        load_dtd=False,
        dtd_validation=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise _refused_by_library(content, fault) from None
    if root.getroottree().docinfo.doctype:
        raise refuse("doctype", "ไฟล์มี DOCTYPE ซึ่งไม่อนุญาต", "the file has a DOCTYPE: remove it")
    _refuse_depth(root)
    for node in root.iter(etree.Element):
        if "\n" in (name := node.get("name") or ""):
            node.set("name", one_line(name))
    return root


# What the library says of a file that is no XML, and what people read instead; an encoding is told before.
_UNREADABLE: tuple[tuple[str, str, str], ...] = (
    (r"document is empty|start tag expected", "ไม่ใช่ไฟล์ XML", "it is no XML file"),
    (r"tag mismatch: (\S+) line (\d+)", r"ไม่ได้ปิด \1 ที่เปิดในบรรทัด \2", r"\1 of line \2 is not closed"),
    (r"entity|xmlparseentityref", "ให้เขียน &amp; แทน &", "write &amp; instead of &"),
    (r"unescaped '<'", "ให้เขียน &lt; แทน <", "write &lt; instead of <"),
    (r"attribute (\S+) redefined", r"เขียน \1 สองครั้ง", r"\1 is written twice"),
    (r"prefix (\S+) (?:on|for)", r"ไม่ได้ประกาศ xmlns:\1", r"the prefix \1 is not declared (xmlns:\1)"),
    (r"invalid (?:xml)?char", "มีอักขระควบคุมที่ XML ไม่อนุญาต", "it holds a control sign that XML does not allow"),
    (r"declaration allowed only", "<?xml …?> ต้องอยู่ต้นไฟล์", "<?xml …?> may stand at the very beginning only"),
    (r"attvalue", "ค่าต้องอยู่ในเครื่องหมายคำพูด", "a value must stand in quotes"),
    (r"comment", "หมายเหตุต้องไม่มี -- และต้องปิดด้วย -->", "a comment holds no -- and ends with -->"),
)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]{1,40})")


def _refused_by_library(content: bytes, fault: Exception) -> DefinitionRefused:
    """The refusal of a file that cannot be read, in our words: what the library says is for programmers."""
    declared = _DECLARED.search(content[:300])
    encoding = declared.group(1).decode().upper() if declared else "UTF-8"
    if encoding not in _ENCODINGS:
        en = f"the file says that it is written in {encoding}: save it as UTF-8"
        return refuse("encoding", f"ไฟล์แจ้งว่าเข้ารหัสเป็น {encoding} ให้บันทึกเป็น UTF-8", en)
    said = str(fault)
    if re.search(
        r"bytes in character encoding|not proper UTF-8|encoding error|unsupported encoding", said, re.IGNORECASE
    ):
        en = f"the file is not written in {encoding} as it says: save it as UTF-8"
        return refuse("encoding", f"ไฟล์ไม่ได้เข้ารหัสเป็น {encoding} ตามที่แจ้ง ให้บันทึกเป็น UTF-8", en)
    if "depth" in said.lower():
        return _too_deep()
    line, column = getattr(fault, "position", None) or (0, 0)
    th, en = "ไฟล์ไม่สมบูรณ์หรือเขียนผิด", "something is cut off or written wrongly"
    for pattern, thai, english in _UNREADABLE:
        if (found := re.search(pattern, said, re.IGNORECASE)) is not None:
            th, en = found.expand(thai), found.expand(english)
            break
    where_th, where_en = (f" (บรรทัด {line} ตัวที่ {column})", f" (line {line}, sign {column})") if line else ("", "")
    return refuse("not_xml", f"อ่านไฟล์ XML ไม่ได้: {th}{where_th}", f"the file is not well-formed XML: {en}{where_en}")


def _too_deep() -> DefinitionRefused:
    return refuse("too_deep", "องค์ประกอบซ้อนกันลึกเกิน 100 ชั้น", "elements are nested more than 100 deep")


def encoding_fault(root: Any) -> Problem | None:
    """The fault of a file in another encoding than UTF-8 or UTF-16, which not every reader of it could read."""
    encoding = (root.getroottree().docinfo.encoding or "UTF-8").upper()
    if encoding in _ENCODINGS:
        return None
    en = f"the file is written in {encoding}: save it as UTF-8"
    return Problem("", "encoding", f"ไฟล์เข้ารหัสเป็น {encoding} ให้บันทึกเป็น UTF-8", en)


def one_line(name: str) -> str:
    """The name of an element as people read it outside the drawing: line breaks between Thai words are no spaces."""
    return " ".join(_THAI_BREAK.sub("", name).split())


def party_asked(content: bytes, element: str) -> str:
    """The outside party whose message this element waits for, as the diagram names it; empty when it draws none."""
    root = read_xml(content)
    outside = {
        pool.get("id"): pool.get("name", "") for pool in root.iter(f"{BPMN}participant") if not pool.get("processRef")
    }
    flows = (flow for flow in root.iter(f"{BPMN}messageFlow") if flow.get("targetRef") == element)
    return next((name for flow in flows if (name := outside.get(flow.get("sourceRef")))), "")


def _refuse_depth(root: Any) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node]
        if not level:
            return
    raise _too_deep()


def local_name(node: Any) -> str:
    """The name of an XML element without its namespace."""
    return str(etree.QName(node).localname)


def properties_of(node: Any) -> dict[str, str]:
    """The camunda:property pairs of an element."""
    pairs = node.xpath("./bpmn:extensionElements/camunda:properties/camunda:property", namespaces=NAMESPACES)
    return {p.get("name"): p.get("value") or "" for p in pairs if p.get("name")}


def child_text(node: Any, path: str) -> str | None:
    """The stripped text of the first element at a `bpmn:`-prefixed path below the node, or None."""
    nodes = node.xpath(path, namespaces=NAMESPACES)
    text = (nodes[0].text or "").strip() if nodes else ""
    return text or None
