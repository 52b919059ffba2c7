"""The objects that the records of a journal are about: cases, work items, people, projects, documents, meetings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.event_log import ALWAYS, Link, LogObject
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import Element, Process
from osm_flow.errors import OsmFlowError
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.privacy.pseudonyms import Naming
from osm_flow.store.models import ProcessDefinition, Project

_MEETING: Final = "MTG"  # the prefix of the numbers of cases in which a committee meets
_NAMING_PROJECTS: Final = frozenset({"code", "project", "project_code"})
_DEEPEST: Final = 20
_VERBS: Final[Mapping[str, str]] = {
    RecordKind.work_item_completed: "completes",
    RecordKind.work_item_claimed: "claims",
    RecordKind.work_item_released: "releases",
    RecordKind.work_item_delegated: "delegates",
    RecordKind.work_item_reassigned: "reassigns",
}
_OF_A_CASE: Final = ("work_item:", "document:")
# The id of an object, what a record has to do with it, and the object itself for whoever needs it.
_Named = tuple[str, str, Callable[[], LogObject]]
_ANSWERS: Final = frozenset({RecordKind.work_item_completed, RecordKind.message_received})


class Elements:
    """The names of elements of the processes that a log is about."""

    def __init__(self) -> None:
        self._by_content: dict[str, Process | None] = {}
        self._by_id: dict[int, Process | None] = {}

    def learn(self, session: Session, definition_ids: Iterable[int]) -> None:
        """Read these definitions; one that this version cannot read leaves its elements without names."""
        if not (new := set(definition_ids) - self._by_id.keys()):
            return
        for definition in session.scalars(select(ProcessDefinition).where(ProcessDefinition.id.in_(new))):
            process = _compiled(session, definition)
            self._by_id[definition.id] = self._by_content[definition.sha256] = process

    def process_of(self, case: Row[*tuple[Any, ...]]) -> Process | None:
        """The compiled process of a record."""
        return self._by_id.get(case.definition_id)

    def element_of(self, record: Row[*tuple[Any, ...]]) -> Element | None:
        """The element at which the record happened."""
        process = self._by_content.get(record.definition_sha256)
        return process.elements.get(record.element) if process is not None and record.element else None


class Seen:
    """The objects of a log in the order in which its records name them, each of them once."""

    def __init__(self, projects: Mapping[str, Project], name: Naming, elements: Elements) -> None:
        self._projects = projects
        self._name = name
        self._elements = elements
        self._everywhere: set[str] = set()  # people in their roles, and projects: as many as there are
        self._case_id = ""
        self._in_case: set[str] = set()

    def new_in(self, case: Row[*tuple[Any, ...]], record: Row[*tuple[Any, ...]]) -> Iterator[LogObject]:
        """The objects that this record is the first to name, apart from its case."""
        if case.id != self._case_id:
            self._case_id, self._in_case = case.id, set()
        for id_, _, make in self._named_by(case, record):
            known = self._in_case if id_.startswith(_OF_A_CASE) else self._everywhere
            if id_ not in known:
                known.add(id_)
                yield make()

    def links_of(self, case: Row[*tuple[Any, ...]], record: Row[*tuple[Any, ...]]) -> tuple[Link, ...]:
        """The objects that the record is about, each once in each relation."""
        links = [Link(id_of("case", case.id), "belongs to")]
        if is_meeting(self._elements.process_of(case)):
            links.append(Link(id_of("meeting", case.id), "happens in"))
        links += [Link(id_, qualifier) for id_, qualifier, _ in self._named_by(case, record)]
        return tuple(dict.fromkeys(links))

    def _named_by(self, case: Row[*tuple[Any, ...]], record: Row[*tuple[Any, ...]]) -> Iterator[_Named]:
        if record.item_id is not None:
            id_ = id_of("work_item", record.item_id)
            yield id_, _VERBS.get(record.kind, "concerns"), partial(_work_item, id_, case, record)
        if record.actor != SYSTEM.username:
            yield self._person(record.actor, record.actor_role, "performed by")
        if record.on_behalf_of:
            yield self._person(record.on_behalf_of, None, "performed for")
        for key, qualifier in _documents(self._elements.element_of(record), record.kind):
            # Where every province writes its own, each is a document.
            id_ = id_of("document", ":".join(filter(None, (case.id, key, record.item_province_id))))
            yield id_, qualifier, partial(_document, id_, case, key, record.item_province_id)
        for code in sorted(self._projects_in(record.body)):
            id_ = id_of("project", code)
            yield id_, "concerns", partial(_project, id_, self._projects[code])

    def _person(self, username: str, role: str | None, qualifier: str) -> _Named:
        name = person(username, self._name)
        id_ = id_of("person", f"{name}:{role}" if role else name)
        attributes = {"person": name, "role": role or ""}
        return id_, qualifier, partial(LogObject, id_, "person_in_role", ALWAYS, attributes)

    def _projects_in(self, body: str | None) -> set[str]:
        """Codes of projects among what was typed or passed on; none where the payload was erased."""
        if body is None or not self._projects:
            return set()
        try:
            return {code for code in _codes(json.loads(body).get("data"), 0) if code in self._projects}
        except (ValueError, AttributeError, RecursionError):
            return set()


def of_case(case: Row[*tuple[Any, ...]], process: Process | None) -> Iterator[LogObject]:
    """The case as an object of the event log, and a second object, the meeting, where its process is one of meetings."""
    called = (Link(id_of("case", case.parent_id), "called by"),) if case.parent_id else ()
    at = case.started_at
    yield LogObject(id_of("case", case.id), "case", at, attributes_of_case(case), called)
    if is_meeting(process):
        held = (Link(id_of("case", case.id), "is held as"),)
        yield LogObject(id_of("meeting", case.id), "meeting", at, {"name": case.business_key}, held)


def attributes_of_case(case: Row[*tuple[Any, ...]]) -> dict[str, str]:
    """The attributes of a case as an object."""
    return {
        "name": case.business_key,
        "definition": case.definition_key,
        "version": str(case.definition_version),
        "office": case.office_id,
        "fiscal_year": str(case.fiscal_year),
        "province": case.province_id or "",
        "stage": case.stage or "",
        "state": case.state,
        "outcome": case.outcome or "",
    }


def id_of(type_: str, key: str) -> str:
    """The id of an object in the log."""
    return f"{type_}:{key}"


def is_meeting(process: Process | None) -> bool:
    """Whether the case is a meeting."""
    return process is not None and process.properties.get("business_key") == _MEETING


def person(username: str, name: Naming) -> str:
    """The name that the log uses for somebody; the system needs no pseudonym."""
    return username if username == SYSTEM.username else name(username)


def _work_item(id_: str, case: Row[*tuple[Any, ...]], record: Row[*tuple[Any, ...]]) -> LogObject:
    attributes = {
        "name": record.item_name_th,
        "element": record.item_element,
        "stage": record.item_stage or "",
        "state": record.item_state,
        "province": record.item_province_id or "",
        "due_at": record.item_due_at or "",
    }
    belongs = (Link(id_of("case", case.id), "belongs to"),)
    return LogObject(id_, "work_item", record.item_opened_at, attributes, belongs)


def _documents(element: Element | None, kind: str) -> Iterator[tuple[str, str]]:
    if element is not None and kind in _ANSWERS:
        if key := element.properties.get("document"):
            yield key, "writes"
        if key := element.properties.get("approves"):
            yield key, "decides on"


def _document(id_: str, case: Row[*tuple[Any, ...]], key: str, province_id: str | None) -> LogObject:
    belongs = (Link(id_of("case", case.id), "belongs to"),)
    attributes = {"key": key, "province": province_id or ""}
    return LogObject(id_, "document", case.started_at, attributes, belongs)


def _project(id_: str, project: Project) -> LogObject:
    attributes = {
        "name": project.name_th,
        "agency": project.agency_th,
        "province": project.province_id or "",
        "fiscal_year": str(project.fiscal_year),
        "state": project.state,
    }
    return LogObject(id_, "project", ALWAYS, attributes)


def _codes(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                if name in _NAMING_PROJECTS:
                    yield inner
            else:
                yield from _codes(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _codes(inner, depth + 1)


def _compiled(session: Session, definition: ProcessDefinition) -> Process | None:
    try:
        return compiled(session, definition)
    except (OsmFlowError, ValueError):
        return None
