"""Checking the properties of elements: each is known, written once and in its place, and names what is there."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any

from osm_flow.domain.access.separation import STARTED_BY, elements_of
from osm_flow.domain.projects.states import PROJECT_STATES
from osm_flow.domain.retention import RetentionUnknown, retention_of
from osm_flow.domain.stages import STAGES
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.lint.named.people import check_candidates
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, local_name, properties_of

_HUMAN = ("userTask", "manualTask")
_ANYWHERE = None
# The properties that mean something, with the elements on which they do.
_PLACES: Mapping[str, Collection[str] | None] = {
    **dict.fromkeys(("subject", "stage", "document", "form", "to", "body", "subject_en", "milestone"), _ANYWHERE),
    **dict.fromkeys(("business_key", "startable", "sensitive"), ("process",)),
    **dict.fromkeys(("separate_from", "escalation", "approves", "action"), _HUMAN),
    "retention": _ANYWHERE,
    "project_state": ("serviceTask",),
    "record": _HUMAN,
    "collect": _ANYWHERE,  # told of where the repetition is checked
    "payload": ("intermediateThrowEvent", "endEvent", "sendTask"),
}
_LONGEST = 255
_RESERVED = ("true", "false", "null")


def check_properties(ground: Ground, node: Any) -> None:
    """Check the properties of a process or of an element of its flow."""
    given = properties_of(node)
    _spelling(ground, node)
    for key, text in given.items():
        before = len(ground.found)
        if key == "payload":
            ground.expression(node, text)
        else:
            ground.template(node, text)
        if len(ground.found) == before and "${" not in text:
            _one(ground, node, key, text.strip())
    for_people = node.get(f"{CAMUNDA}topic") == "notify" or node.find(f"{BPMN}escalationEventDefinition") is not None
    if for_people:
        check_candidates(ground, node, given.get("to"))


def _spelling(ground: Ground, node: Any) -> None:
    """Check the names of the properties: there, known, once, and in their place."""
    path = "./bpmn:extensionElements/camunda:properties/camunda:property"
    written = [(p.get("name") or "").strip() for p in node.xpath(path, namespaces=NAMESPACES)]
    if "" in written:
        en = "a property has no name, and would be ignored: give it one, or remove it"
        ground.add(node, "property", "property ไม่มีชื่อ จะไม่มีผล ให้ตั้งชื่อหรือลบออก", en)
    for name, number in Counter(filter(None, written)).items():
        if number > 1:
            en = f"the property {name} is written {number} times, and only the last would count: leave one"
            ground.add(node, "property", f"มี property {name} อยู่ {number} แห่ง ซึ่งมีผลแห่งเดียว ให้เหลือแห่งเดียว", en)
        if name not in _PLACES:
            _unknown(ground, node, name)
        elif (places := _PLACES[name]) is not None and local_name(node) not in places:
            where = " / ".join(places)
            th = f"property {name} ไม่มีผลบน {local_name(node)} ใช้ได้เฉพาะบน {where}"
            en = f"the property {name} means nothing on a {local_name(node)}, only on {where}"
            ground.add(node, "property", th, en)


def _unknown(ground: Ground, node: Any, name: str) -> None:
    if near := get_close_matches(name, _PLACES, 1, 0.75):
        en = f"there is no property {name}: did you mean {near[0]}?"
        ground.add(node, "property", f"ไม่รู้จัก property {name} หมายถึง {near[0]} หรือไม่", en)
    else:
        en = f"the property {name} is not known here and changes nothing"
        ground.add(node, "ignored", f"ไม่รู้จัก property {name} จึงไม่มีผล", en, "warning")


def _one(ground: Ground, node: Any, key: str, text: str) -> None:
    """Check the value of one property that is written down and not worked out."""
    match key:
        case "separate_from":
            _separate(ground, node, text)
        case "approves":
            _approves(ground, node, text)
        case "escalation":
            _choice(ground, node, key, text, ground.offered.ladders)
        case "stage":
            _choice(ground, node, key, text, STAGES)
        case "project_state":
            _choice(ground, node, key, text, PROJECT_STATES)
        case "startable" | "sensitive":
            _choice(ground, node, key, text, ("true", "false"))
        case "document" | "collect" if text:
            check_variable(ground, node, text)
        case "retention":
            try:
                retention_of(text)
            except RetentionUnknown:
                en = f"the retention {text} is not known: write permanent, or years such as 10y or 2y-anonymise"
                ground.add(node, "property", f"ไม่รู้จัก retention {text} ให้เขียน permanent, 10y หรือ 2y-anonymise", en)


def _choice(ground: Ground, node: Any, key: str, text: str, offered: Collection[str] | None) -> None:
    if offered is not None and text not in offered:
        names = ", ".join(offered)
        en = f"the property {key} cannot be {text or 'empty'}: write one of {names}"
        ground.add(node, "property", f"property {key} เป็น {text or 'ค่าว่าง'} ไม่ได้ ให้เขียนค่าใดค่าหนึ่งใน {names}", en)


def check_variable(ground: Ground, node: Any, name: str) -> None:
    """Check that a variable that is written to has a name that expressions can read."""
    if not name.isidentifier() or keyword.iskeyword(name) or name in _RESERVED:
        en = f"{name} cannot be the name of a variable: write one word, such as item"
        ground.add(node, "variable", f"{name} เป็นชื่อตัวแปรไม่ได้ ให้เขียนคำเดียว เช่น item", en)


# ---- other elements ------------------------------------------------------------------------------------------------------


def _separate(ground: Ground, node: Any, text: str) -> None:
    """Check the tasks whose doers may not do this one: a misspelt one would separate nobody from anything."""
    names = elements_of(text)
    if not names or len(text) > _LONGEST:
        en = f"separate_from names tasks by their ids, in at most {_LONGEST} letters"
        ground.add(node, "separate_from", f"separate_from ต้องระบุ id ของงาน ไม่เกิน {_LONGEST} ตัวอักษร", en)
    tasks = [*ground.diagram.tasks_of_people, *(ground.offered.tasks or ()), STARTED_BY]
    for name in dict.fromkeys(names):
        if name in tasks:
            continue
        near = get_close_matches(name, tasks, 1)
        meant_th, meant_en = (f" หมายถึง {near[0]} หรือไม่", f": did you mean {near[0]}?") if near else ("", "")
        th = f"separate_from ระบุ {name} ซึ่งไม่ใช่งานของคน จึงไม่แยกใครออกจากงานนี้{meant_th}"
        en = f"separate_from names {name}, which is no user or manual task, so nobody would be kept apart{meant_en}"
        ground.add(node, "separate_from", th, en)


def _approves(ground: Ground, node: Any, text: str) -> None:
    """Check the document that is judged here: somebody must write it."""
    documents = [*ground.diagram.documents, *(ground.offered.documents or ())]
    if text not in documents:
        near = get_close_matches(text, documents, 1)
        th = f"ไม่มีงานใดเขียนเอกสาร {text} ที่ approves ระบุ" + (f" หมายถึง {near[0]} หรือไม่" if near else "")
        en = f"no task writes the document {text} that approves names" + (f": did you mean {near[0]}?" if near else "")
        ground.add(node, "approves", th, en)
