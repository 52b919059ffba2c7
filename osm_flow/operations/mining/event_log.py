"""Event logs for process mining: what happened in a period, an office or a process, read from the journal in a stream.

The journal is read case by case in its own order, a page of cases at a time, so that memory stays the same however long
the log is. What people typed is never in a log; it is only looked through for the codes of projects.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Label, Row, Select, String, and_, exists, literal, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from osm_flow.documents.event_logs import LOG_FORMS
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import OfficeFacts, Verb, decide, require
from osm_flow.domain.calendar.deadlines import BANGKOK
from osm_flow.domain.event_log import Link, LogCase, LogEvent, LogObject, names_of
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.audit.log import latest_checkpoint
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.mining import objects as mining_objects
from osm_flow.operations.mining.objects import Elements, Seen
from osm_flow.operations.privacy.pseudonyms import Naming
from osm_flow.store.database import instant_text
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Office, ProcessDefinition, Project, WorkItem
from osm_flow.store.sensitive_cases import is_open

_CASES_AT_ONCE = 200
_RECORDS_AT_ONCE = 1_000
_PAYLOADS_AT_ONCE = 50  # one may hold a table of hundreds of rows

_WHICH_CASE = (Case.id, Case.business_key, Case.definition_id, Case.office_id, Case.fiscal_year, Case.province_id)
_WHERE_IT_STANDS = (Case.stage, Case.state, Case.outcome)
_OF_ITEM = ("id", "name_th", "stage", "state", "province_id", "element")
_WHICH_RECORD = (JournalRecord.case_id, JournalRecord.seq, JournalRecord.kind, JournalRecord.element)
_WHO = (JournalRecord.actor, JournalRecord.actor_role, JournalRecord.on_behalf_of)
_BY_WHICH = (JournalRecord.definition_key, JournalRecord.definition_sha256)


class NothingToMine(NotFound):
    """There is no such office or process."""


class PeriodBackwards(Invalid):
    """The period ends before it begins."""


@dataclass(frozen=True)
class LogScope:
    """The records of an event log: of these offices, of one process or all, at `start` or later and before `end`.

    for_actor  for whom it is written: sensitive cases that are closed to them are left out.
    """

    offices: tuple[str, ...]
    definition_key: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    for_actor: Actor = SYSTEM

    def of_cases(self, case: type[Case]) -> ColumnElement[bool]:
        """The condition for cases of the scope."""
        conditions = [case.office_id.in_(self.offices), is_open(self.for_actor, case.id)]
        if self.definition_key:
            known = select(ProcessDefinition.id).where(ProcessDefinition.key == self.definition_key)
            conditions.append(case.definition_id.in_(known))
        return and_(*conditions, exists().where(JournalRecord.case_id == case.id, *self.of_records()))

    def of_records(self) -> list[ColumnElement[bool]]:
        """The condition for records of the scope."""
        conditions: list[ColumnElement[bool]] = []
        if self.start is not None:
            conditions.append(JournalRecord.at >= self.start)
        if self.end is not None:
            conditions.append(JournalRecord.at < self.end)
        return conditions


@dataclass(frozen=True)
class Counts:
    """What a log came to hold; `objects` are cases where the format knows no other objects."""

    objects: int
    events: int


def scope_for(
    session: Session,
    actor: Actor,
    *,
    office_id: str | None = None,
    definition_key: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> LogScope:
    """The scope of both days and everything between, in the offices whose work the actor oversees.

    Raises NothingToMine, NotFound for a foreign office, NotYourRole, PeriodBackwards.
    """
    known = tuple(session.scalars(select(Office.id).order_by(Office.id)))
    if office_id is not None and office_id not in known:
        raise NothingToMine(office_id=office_id)
    if definition_key is not None:
        definition = select(ProcessDefinition.id).where(ProcessDefinition.key == definition_key).limit(1)
        if session.scalar(definition) is None:
            raise NothingToMine(definition_key=definition_key)
    if office_id is not None:
        require(actor, Verb.see_team, OfficeFacts(office_id))
    if first is not None and last is not None and last < first:
        raise PeriodBackwards(fields={"last": PeriodBackwards.__doc__ or ""})
    offices = tuple(id_ for id_ in known if decide(actor, Verb.see_team, OfficeFacts(id_)).allowed)
    return LogScope(
        (office_id,) if office_id is not None else offices,
        definition_key,
        _midnight(first) if first is not None else None,
        _midnight(last + timedelta(days=1)) if last is not None else None,
        actor,
    )


def prepare(
    session: Session, scope: LogScope, actor: Actor, now: datetime, *, format_: str, reason: str, names: bool
) -> None:
    """Record who exports which log and why. The log is written after this is committed.

    Raises ExportReasonMissing.
    """
    about = {"format": format_, "people": "user names" if names else "pseudonyms", **_described(scope)}
    described = ", ".join(f"{name}: {value}" for name, value in about.items())
    record_access(session, actor, now, Read(AccessKind.mining_exported, described, reason))
    for case in session.scalars(select(Case).where(scope.of_cases(Case), Case.is_sensitive).order_by(Case.id)):
        record_access(session, actor, now, Read(AccessKind.mining_exported, case, reason))


def write(session: Session, scope: LogScope, path: Path, *, format_: str, naming: Naming | None) -> Counts:
    """Write the log to a new file in this export format; without `naming` it says people's own user names."""
    about = _about(session, scope, naming)
    return Counts(*LOG_FORMS[format_].write(path, about, _Log(session, scope, naming)))


class _Log:
    """The journal within a scope, as the writers want it; read anew each time it is asked for."""

    def __init__(self, session: Session, scope: LogScope, naming: Naming | None) -> None:
        self._session = session
        self._scope = scope
        self._name: Naming = naming or (lambda username: username)
        self._elements = Elements()
        query = select(Project).where(Project.office_id.in_(scope.offices))
        self._projects = {project.code: project for project in session.scalars(query)}

    def traces(self) -> Iterator[tuple[LogCase, Iterable[LogEvent]]]:
        """The cases of the scope, each with its events."""
        for case, records in self._cases(_columns()):
            about = {key: value for key, value in mining_objects.attributes_of_case(case).items() if value}
            about.pop("name")
            yield LogCase(case.id, case.business_key, about), (self._event(case, record, ()) for record in records)

    def objects(self) -> Iterator[LogObject]:
        """The objects of the scope."""
        seen = Seen(self._projects, self._name, self._elements)
        for case, records in self._cases(self._wide_columns(), with_parents=True):
            yield from mining_objects.of_case(case, self._elements.process_of(case))
            for record in records:
                yield from seen.new_in(case, record)

    def events(self) -> Iterator[LogEvent]:
        """The events of the scope."""
        seen = Seen(self._projects, self._name, self._elements)
        for case, records in self._cases(self._wide_columns()):
            for record in records:
                yield self._event(case, record, seen.links_of(case, record))

    def _event(self, case: Row[*tuple[Any, ...]], record: Row[*tuple[Any, ...]], links: tuple[Link, ...]) -> LogEvent:
        element = self._elements.element_of(record)
        activity, transition, type_ = names_of(record.kind, element.name or element.id if element else record.element)
        return LogEvent(
            id=str(uuid.uuid5(uuid.UUID(case.id), str(record.seq))),
            at=record.at,
            activity=activity,
            transition=transition,
            type=type_,
            resource=mining_objects.person(record.actor, self._name),
            role=record.actor_role or "",
            group=case.office_id,
            attributes={"kind": record.kind, **({"element": record.element} if record.element else {})},
            links=links,
        )

    def _wide_columns(self) -> Select[*tuple[Any, ...]]:
        """With what the links of a record need: its work item, and its payload where there are projects to look for."""
        columns = _columns().add_columns(
            *(getattr(WorkItem, name).label(f"item_{name}") for name in _OF_ITEM),
            *(_text(getattr(WorkItem, name)).label(f"item_{name}") for name in ("due_at", "opened_at")),
            JournalPayload.body if self._projects else literal(None).label("body"),
        )
        columns = columns.outerjoin(WorkItem, WorkItem.id == JournalRecord.task_id)
        if self._projects:
            columns = columns.outerjoin(JournalRecord.payload)
        return columns

    def _cases(
        self, columns: Select[*tuple[Any, ...]], *, with_parents: bool = False
    ) -> Iterator[tuple[Row[*tuple[Any, ...]], Iterator[Row[*tuple[Any, ...]]]]]:
        """Each case of the scope with its records in the scope, in their order."""
        at_once = _PAYLOADS_AT_ONCE if self._projects else _RECORDS_AT_ONCE
        for page in self._pages(with_parents):
            cases = {case.id: case for case in page}
            self._elements.learn(self._session, {case.definition_id for case in page})
            query = columns.where(JournalRecord.case_id.in_(cases), *self._scope.of_records())
            query = query.order_by(JournalRecord.case_id, JournalRecord.seq)
            rows = self._session.execute(query, execution_options={"yield_per": at_once})
            for case_id, records in groupby(rows, key=_case_id):
                yield cases[case_id], records

    def _pages(self, with_parents: bool) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
        parent = aliased(Case)
        in_scope = self._scope.of_cases(parent) if with_parents else literal(False)
        query = (
            select(
                *_WHICH_CASE,
                *_WHERE_IT_STANDS,
                _text(Case.started_at),
                ProcessDefinition.key.label("definition_key"),
                ProcessDefinition.version.label("definition_version"),
                parent.id.label("parent_id"),
            )
            .join(ProcessDefinition, ProcessDefinition.id == Case.definition_id)
            .outerjoin(parent, (parent.id == Case.parent_case_id) & in_scope)
            .where(self._scope.of_cases(Case))
            .order_by(Case.id)
            .limit(_CASES_AT_ONCE)
        )
        page = self._session.execute(query).all()
        while page:
            yield page
            page = self._session.execute(query.where(Case.id > page[-1].id)).all()


def _columns() -> Select[*tuple[Any, ...]]:
    columns: Select[*tuple[Any, ...]] = select(*_WHICH_RECORD, *_WHO, *_BY_WHICH, _text(JournalRecord.at))
    return columns


def _text(instant: InstrumentedAttribute[Any]) -> Label[str]:
    """An instant as the database and every log spell it; reading and writing it again would take longer than the rest."""
    return type_coerce(instant, String).label(instant.key)


def _case_id(record: Row[*tuple[Any, ...]]) -> str:
    return str(record.case_id)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, BANGKOK)


def _described(scope: LogScope) -> dict[str, str]:
    return {
        "offices": " ".join(scope.offices),
        "process": scope.definition_key or "*",
        "from": instant_text(scope.start) if scope.start else "*",
        "until": instant_text(scope.end) if scope.end else "*",
    }


def _about(session: Session, scope: LogScope, naming: Naming | None) -> dict[str, str]:
    """What the file says of itself, the newest checkpoint of the audit log included."""
    about = {"concept:name": "OSM Flow", **_described(scope), "people": "pseudonyms" if naming else "user names"}
    checkpoint = latest_checkpoint(session)
    return about if checkpoint is None else {**about, "checkpoint": checkpoint.note}
