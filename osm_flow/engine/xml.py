"""Reading XML that a stranger may have made: no DOCTYPE, no entities, no network, bounded size and depth."""

from __future__ import annotations

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
_ENCODED_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


def refuse(code: str, th: str, en: str, element: str = "") -> DefinitionRefused:
    """The refusal of a file, with its sentence in both languages."""
    return DefinitionRefused([Problem(element, code, th, en)])


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
        raise refuse("not_xml", f"อ่านไฟล์ XML ไม่ได้: {fault}", f"the file is not well-formed XML: {fault}") from None
    if root.getroottree().docinfo.doctype:
        raise refuse("doctype", "ไฟล์มี DOCTYPE ซึ่งไม่อนุญาต", "the file has a DOCTYPE: remove it")
    _refuse_depth(root)
    for node in root.iter(etree.Element):
        if "\n" in (name := node.get("name") or ""):
            node.set("name", one_line(name))
    return root


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


def _refuse_depth(root: Any) -> None:
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node]
        if not level:
            return
    raise refuse("too_deep", "องค์ประกอบซ้อนกันลึกเกิน 100 ชั้น", "elements are nested more than 100 deep")


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
