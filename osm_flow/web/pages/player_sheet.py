"""What the player shows of one moment: sentences, labels of forms, and values as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g

from osm_flow.domain.differences import Path, differences
from osm_flow.domain.forms.schema import choices_of, columns_of, fields_of, label_of
from osm_flow.domain.forms.values import Change, changes
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import Process
from osm_flow.operations.cases.queries import case_children
from osm_flow.operations.definitions.library import compiled, list_definitions
from osm_flow.operations.replay import moments
from osm_flow.operations.replay.moments import Moment
from osm_flow.store.models import Case
from osm_flow.web.forms.document import form_value
from osm_flow.web.parts.element_list import ElementLine, live_elements
from osm_flow.web.parts.history import kind_words
from osm_flow.web.parts.variable_names import DECIDED, FOR_MACHINES, NAMES, VALUES, ValueWords
from osm_flow.web.site.filters import province_name, role_name
from osm_flow.web.site.i18n import gettext
from osm_flow.web.site.wording import subject, with_login

MOST_LINES = 150
_AWAITED = {
    "timer": "รอเวลา",
    "message": "รอข้อความ",
    "signal": "รอสัญญาณ",
    "service": "รอระบบทำขั้นนี้",
    "child": "รอเรื่องย่อย",
}


@dataclass(frozen=True)
class ValueLine:
    """A value with what it is called; `path` names it exactly, `old` and `mark` where it changed."""

    path: str
    label: str
    text: str
    old: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Typed:
    """What was filled in, with what had stood there before marked."""

    title: str
    schema: JSON
    values: JSON
    changes: list[Change] | None = None


@dataclass(frozen=True)
class Judged:
    """The document that somebody had before them to decide on: `lines` are its values that no form asks for; without
    `values` none was there."""

    title: str
    schema: JSON
    values: JSON
    lines: list[ValueLine]


@dataclass(frozen=True)
class Child:
    """A case that this one called and that had begun by then; `at` is the moment to look at in it."""

    case: Case
    at: datetime


@dataclass(frozen=True)
class OpenLine:
    """A work item that was open: who had it or who could take it."""

    name: str
    subject: str
    candidates: list[str]
    holder: str
    due_at: datetime | None
    is_late: bool


@dataclass(frozen=True)
class MomentView:
    """Everything on the sheet beside the diagram."""

    moment: Moment
    who: str
    did: str
    what: str
    tone: str
    role: str
    typed: Typed | None
    judged: Judged | None
    facts: list[ValueLine]
    changes: list[ValueLine]
    more_changes: int
    data: list[ValueLine]
    data_size: int
    open_items: list[OpenLine]
    awaited: list[tuple[str, str, datetime | None]]
    children: list[Child]
    elements: list[ElementLine]

    @property
    def sentence(self) -> str:
        return f"{self.who} {self.did} {self.what}".strip()

    @property
    def proved(self) -> int:
        """How many of the four hashes of the record could be compared and are right."""
        chain = self.moment.chain
        return sum(ok is True for ok in (chain.hash_ok, chain.prev_ok, chain.payload_ok, chain.state_ok))


class Reader:
    """Makes views of the moments of one case; what they share is asked once."""

    def __init__(self, case: Case) -> None:
        self._process: Process = compiled(g.session, case.definition)
        relatives = [compiled(g.session, definition) for definition in moments.relatives_of(g.session, case)]
        newest = [compiled(g.session, definition) for definition in list_definitions(g.session)]
        self._labels = Labels(self._process, relatives, newest)
        self._children: Sequence[Case] = case_children(g.session, case, g.actor)

    def view(self, moment: Moment, *, whole: bool = False) -> MomentView:
        """With `whole`, every change and every variable, however many there are."""
        is_person = moment.actor != "system"
        did, tone = kind_words(moment.kind, is_person)
        element = self._process.elements.get(moment.element or "")
        schema = self._process.forms.get(moment.form_key or "")
        typed = self._typed(moment, schema)
        changed = self._changed(moment, schema)
        data = self._labels.lines(moment.data, schema)
        most = len(changed) + len(data) if whole else MOST_LINES
        return MomentView(
            moment=moment,
            who=moment.actor_name if is_person else gettext("ระบบ"),
            did=did,
            what=gettext(element.name) if element else "",
            tone=tone,
            role=role_name(moment.actor_role) if moment.actor_role else "",
            typed=typed,
            judged=self._judged(moment),
            facts=self._facts(moment) if typed is None else [],
            changes=changed[:most],
            more_changes=max(0, len(changed) - most),
            data=data if len(data) <= most else [],
            data_size=len(data),
            open_items=[
                OpenLine(
                    gettext(item.name),
                    subject(item),
                    [role_name(name) for name in item.candidates],
                    with_login(item.holder_name, item.holder),
                    item.due_at,
                    item.due_at is not None and item.due_at < moment.at,
                )
                for item in moment.open_items
            ],
            awaited=[
                (gettext(_AWAITED[waiting.kind]), gettext(waiting.name), waiting.due_at)
                for waiting in moment.waiting
                if waiting.kind in _AWAITED
            ],
            children=self._begun(moment),
            elements=live_elements(self._process, picture_of(moment)),
        )

    def _typed(self, moment: Moment, schema: JSON | None) -> Typed | None:
        data = (moment.payload or {}).get("data")
        if schema is None or not isinstance(data, dict):
            return None
        element = self._process.elements.get(moment.element or "")
        key = element.properties.get("document") if element else None
        seen = (moment.seen or {}).get(key, {}) if key else moment.seen or {}
        marked = changes(schema, seen, data) if isinstance(seen, dict) and any(n in seen for n in data) else None
        return Typed(title_of(schema), schema, data, marked)

    def _judged(self, moment: Moment) -> Judged | None:
        """The document that the person had before them to decide on, whole: what its form does not name, too."""
        element = self._process.elements.get(moment.element or "")
        key = element.properties.get("approves") if element else None
        if moment.kind != RecordKind.work_item_completed or not key or moment.seen is None:
            return None
        document = moment.seen.get(key)
        if not isinstance(document, dict):
            return Judged(self._labels.label((key,), None), {}, {}, [])
        schema = self._labels.form_with(document) or {}
        others = {name: value for name, value in document.items() if name not in fields_of(schema)}
        title = title_of(schema) or self._labels.label((key,), None)
        return Judged(title, schema, document, self._labels.lines(others, None))

    def _facts(self, moment: Moment) -> list[ValueLine]:
        """What was written with a record that has no form: a reason, a comment, what a service found."""
        payload = moment.payload or {}
        written = {**(payload.get("about") or {}), **(payload.get("data") or {})}
        written = {name: value for name, value in written.items() if name not in FOR_MACHINES}
        return self._labels.lines(written, None)[:MOST_LINES]

    def _changed(self, moment: Moment, schema: JSON | None) -> list[ValueLine]:
        text, label = self._labels.text, self._labels.label
        return [
            ValueLine(
                spelled(change.path),
                label(change.path, schema),
                text(change.path, change.new, schema) if change.kind != "removed" else "",
                text(change.path, change.old, schema) if change.kind != "added" else "",
                change.kind,
            )
            for change in moment.changes
        ]

    def _begun(self, moment: Moment) -> list[Child]:
        awaited = {waiting.task_id for waiting in moment.waiting if waiting.kind == "child"}
        return [
            Child(child, max(moment.at, child.started_at))
            for child in self._children
            if child.started_at <= moment.at or child.parent_task_id in awaited
        ]


class Labels:
    """What people call the variables of a case: by the forms of its process, then by those of the cases around it that
    passed them on, then as the product calls them, then by the forms of `others` (what came through the register or a
    link to another case), else by their own names."""

    def __init__(self, process: Process, relatives: Sequence[Process] = (), others: Sequence[Process] = ()) -> None:
        self._process = process
        self._fields: dict[str, JSON] = {}
        self._columns: dict[str, JSON] = {}
        self._documents: dict[str, str] = {}
        for known in (process, *relatives):
            for schema in known.forms.values():
                for name, field in fields_of(schema).items():
                    self._fields.setdefault(name, field)
                    for column, inner in columns_of(field).items():
                        self._columns.setdefault(column, inner)
            for element in known.elements.values():
                if key := element.properties.get("document"):
                    self._documents.setdefault(key, gettext(element.name))
        self._afar = Labels(others[0], others[1:]) if others else None
        self._words = ValueWords()

    def lines(self, data: Mapping[str, Any], schema: JSON | None) -> list[ValueLine]:
        """Every value in the data, one a line, in the order of their names."""
        return [
            ValueLine(spelled(value.path), self.label(value.path, schema), self.text(value.path, value.new, schema))
            for value in differences({}, dict(data))
        ]

    def label(self, path: Path, schema: JSON | None) -> str:
        words: list[str] = []
        for at, key in enumerate(path):
            if isinstance(key, int):
                words.append(gettext("รายการที่ %(n)s", n=key + 1))
                continue
            field = self._field(path[: at + 1], schema)
            if field is not None:
                words.append(label_of(field, g.locale))
            else:
                words.append(self._documents.get(key) or self._called(key))
        return " › ".join(words)

    def text(self, path: Path, value: Any, schema: JSON | None) -> str:
        field = self._field(path, schema)
        if isinstance(path[-1], int):
            field = field.get("items") if field else None
        name = next((key for key in reversed(path) if isinstance(key, str)), "")
        if field is not None and isinstance(value, str) and value not in _options(field, value):
            field = None  # a form asks for something else under this name
        if field is None and (words := self._read(name, value)):
            return words
        if field is None and self._afar and isinstance(value, str):
            return self._afar._chosen(path, value)
        return _text(field, value)

    def _read(self, name: str, value: Any) -> str | None:
        """The value in the product's own words, if it has some."""
        if not isinstance(value, str):
            words = VALUES.get((name, str(value)))
            return gettext(words) if words else None
        return self._words.read(name, value)

    def _called(self, key: str) -> str:
        """A variable that no form around the case asks for."""
        if key in NAMES or self._afar is None:
            return gettext(NAMES.get(key, key))
        field = self._afar._fields.get(key) or self._afar._columns.get(key)
        return label_of(field, g.locale) if field else self._afar._documents.get(key, key)

    def _chosen(self, path: Path, value: str) -> str:
        """A value in the words of the options that forms offer under this name, if it is one of them."""
        key = next((one for one in reversed(path) if isinstance(one, str)), "")
        field = self._fields.get(key) or self._columns.get(key) or {}
        if isinstance(path[-1], int):
            field = field.get("items", {})
        return _text(field if choices_of(field) and value in _options(field, value) else None, value)

    def form_with(self, values: Mapping[str, Any]) -> JSON | None:
        """The form whose fields these are: the one that knows the most of them."""
        fit = {key: len(fields_of(form).keys() & values.keys()) for key, form in self._process.forms.items()}
        best = max(fit, key=lambda key: fit[key], default="")
        return self._process.forms[best] if fit.get(best) else None

    def _field(self, path: Path, schema: JSON | None) -> JSON | None:
        """The field that asks for what lies at this path; None where no form does."""
        field: JSON | None = None
        for before, key in zip([None, *path], path, strict=False):
            if isinstance(key, str):
                field = None if before in DECIDED else self._inside(field, key, schema)
        return field

    def _inside(self, field: JSON | None, key: str, schema: JSON | None) -> JSON | None:
        if field is not None and key in columns_of(field):
            return columns_of(field)[key]
        if schema is not None and key in fields_of(schema):
            return fields_of(schema)[key]
        return self._fields.get(key) or (self._columns.get(key) if field is not None else None)


def _options(field: JSON, value: str) -> set[str]:
    """What the field offers; the value itself where it offers nothing."""
    return {str(option["value"]) for option in choices_of(field)} or {value}


def picture_of(moment: Moment) -> JSON:
    """The live part of the diagram at this moment."""
    return {
        "tokens": [
            {"element": token.element, "count": token.count, "overdue": token.overdue} for token in moment.tokens
        ],
        "passed": dict(moment.passed),
        "acted": moment.element,
    }


def title_of(schema: JSON) -> str:
    english = schema.get("x-en", {}).get("title") if g.locale == "en" else None
    return str(english or schema.get("title") or "")


def spelled(path: Path) -> str:
    return ".".join(map(str, path))


def _text(field: JSON | None, value: Any) -> str:
    if isinstance(value, bool):
        return gettext("ใช่") if value else gettext("ไม่ใช่")
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if field is not None:
        try:
            return form_value(field, value, g.locale)
        except (KeyError, ValueError, TypeError, AttributeError):
            pass  # an older form may have asked for something else under this name
    if isinstance(value, str) and value.startswith("TH-"):
        return province_name(value)
    return str(value)
