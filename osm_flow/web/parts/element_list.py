"""A diagram as a list: its elements in the order of the drawing's document, with where the case stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from osm_flow.engine import Element, Process
from osm_flow.web.site.i18n import gettext, ngettext
from osm_flow.web.site.wording import element_kind

_READ = ("Task", "Event", "Activity", "subProcess", "Gateway")


@dataclass(frozen=True)
class ElementLine:
    """One line of the list."""

    name: str
    kind: str
    lane: str
    state: Literal["done", "now", "late", "next"]
    words: str


def plain_elements(process: Process) -> list[ElementLine]:
    """The elements of a definition that have a name."""
    return [
        ElementLine(gettext(element.name), element_kind(element), gettext(element.lane or ""), "next", "")
        for element in _read(process)
    ]


def live_elements(process: Process, picture: Mapping[str, Any]) -> list[ElementLine]:
    """The diagram's elements in words, each with where the case stands: passed how often, being done, overdue, not reached."""
    tokens = {token["element"]: token for token in picture["tokens"]}
    passed: Mapping[str, int] = picture["passed"]
    lines = []
    for element in _read(process):
        token, visits = tokens.get(element.id), passed.get(element.id, 0)
        if token is not None:
            state: Literal["done", "now", "late", "next"] = "late" if token["overdue"] else "now"
            words = gettext("เกินกำหนด") if token["overdue"] else gettext("กำลังทำ")
        elif visits:
            state = "done"
            words = ngettext("ผ่านแล้ว %(num)s ครั้ง", "ผ่านแล้ว %(num)s ครั้ง", visits) if visits > 1 else gettext("ผ่านแล้ว")
        else:
            state, words = "next", gettext("ยังไม่ถึง")
        lines.append(
            ElementLine(gettext(element.name), element_kind(element), gettext(element.lane or ""), state, words)
        )
    return lines


def _read(process: Process) -> list[Element]:
    return [element for element in process.elements.values() if element.name and element.type.endswith(_READ)]
