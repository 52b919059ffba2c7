"""What pages show of a case: its diagram with the live tokens, its history, its documents, its children."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, undefer

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON
from osm_flow.domain.pages import Page
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_CASE
from osm_flow.engine import Process
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.cases.acts import visible
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.paging import MOST, Keyset
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import (
    Case,
    ElementVisit,
    JournalPayload,
    JournalRecord,
    ProcessDefinition,
    WorkItem,
)

_NEWEST_FIRST = Keyset((JournalRecord.seq, True, False))


@dataclass(frozen=True)
class HistoryEntry:
    """A record of the journal with the names that people read; `payload` is None once it was lawfully erased."""

    record: JournalRecord
    payload: JSON | None
    actor_name: str
    on_behalf_of_name: str | None
    element_name: str | None

    @property
    def is_as_stated(self) -> bool:
        """Whether on whose behalf it was done is only what somebody stated then."""
        return is_as_stated(self.record)

    @property
    def answer(self) -> JSON | None:
        """The answer of a party outside that the act wrote down, if it did."""
        return answer_in(self.payload)


@dataclass(frozen=True)
class Document:
    """A document of the case as it was last completed: `key` is the variable that holds its values."""

    key: str
    element: str
    form_key: str
    schema: JSON
    values: JSON
    at: datetime
    actor: str


def case_picture(session: Session, case: Case, now: datetime | None = None) -> JSON:
    """The diagram of a case with its tokens (how many, how many overdue at `now`) and how often each element passed."""
    xml = session.scalar(select(ProcessDefinition.xml).where(ProcessDefinition.id == case.definition_id)) or b""
    return {"xml": xml, **case_standing(session, case, now)}


def case_standing(session: Session, case: Case, now: datetime | None = None) -> JSON:
    """The tokens of a case and how often each element passed, without the diagram."""
    count: Counter[str] = Counter()
    overdue: Counter[str] = Counter()
    if case.state in OPEN_CASE:
        now = now or case.head_at
        due = dict(session.execute(select(WorkItem.id, WorkItem.due_at).where(WorkItem.case_id == case.id)).all())
        for waiting in stepping.waiting_of(session, case):
            count[waiting.element] += 1
            due_at = due.get(waiting.task_id)
            overdue[waiting.element] += due_at is not None and due_at < now
    visits = select(ElementVisit.element, ElementVisit.visits).where(ElementVisit.case_id == case.id)
    return {
        "tokens": [{"element": name, "count": number, "overdue": overdue[name]} for name, number in count.items()],
        "passed": dict(session.execute(visits).all()),
    }


def case_history(
    session: Session, case: Case, after: str | None = None, limit: int = 100, *, oldest_first: bool = False
) -> Page[HistoryEntry]:
    """The records of the case, newest first."""
    keyset = Keyset((JournalRecord.seq, False, False)) if oldest_first else _NEWEST_FIRST
    query = (
        select(JournalRecord, JournalPayload.body)
        .outerjoin(JournalRecord.payload)
        .where(JournalRecord.case_id == case.id)
    )
    if after:
        query = query.where(keyset.after(after))
    limit = max(1, min(limit, MOST))
    rows = session.execute(query.order_by(*keyset.order()).limit(limit + 1)).all()
    shown = rows[:limit]
    names = names_of(session, (name for record, _ in shown for name in (record.actor, record.on_behalf_of) if name))
    process = compiled(session, case.definition)
    entries = [_entry(record, body, names, process) for record, body in shown]
    following = keyset.key_of([shown[-1][0].seq]) if len(rows) > limit else None
    return Page(entries, following, case.seq)


def case_parent(session: Session, case: Case, actor: Actor = SYSTEM) -> Case | None:
    """The case that called this one, if the actor may see it; None for one that was begun by itself."""
    return session.scalars(select(Case).where(Case.id == case.parent_case_id, visible(actor))).one_or_none()


def case_children(session: Session, case: Case, actor: Actor = SYSTEM) -> Sequence[Case]:
    """The cases that this one called and the actor may see, oldest first."""
    query = select(Case).where(Case.parent_case_id == case.id, visible(actor)).options(joinedload(Case.definition))
    return session.scalars(query.order_by(Case.started_at, Case.id)).all()


def case_documents(session: Session, case: Case) -> list[Document]:
    """The documents of the case, each as last completed, in the order in which they first appeared."""
    process = compiled(session, case.definition)
    keys = {
        drawn.id: drawn.properties["document"] for drawn in process.elements.values() if "document" in drawn.properties
    }
    query = (
        select(JournalRecord, JournalPayload.body, WorkItem.form_key)
        .join(JournalRecord.payload)
        .outerjoin(WorkItem, WorkItem.id == JournalRecord.task_id)
        .where(
            JournalRecord.case_id == case.id,
            JournalRecord.element.in_(keys),
            JournalRecord.kind.in_((RecordKind.work_item_completed, RecordKind.message_received)),
        )
        .order_by(JournalRecord.seq)
    )
    documents: dict[str, Document] = {}
    for record, body, form_key in session.execute(query):
        element = record.element or ""
        form_key = form_key or process.elements[element].properties.get("form")
        if form_key is not None and form_key in process.forms:
            values = with_rows_again(session, json.loads(body)["data"])
            key = keys[element]
            schema = process.forms[form_key]
            documents[key] = Document(key, element, form_key, schema, values, record.at, record.actor)
    return list(documents.values())


def definition_with_forms(session: Session, case: Case) -> ProcessDefinition:
    """The definition of the case with everything that was deployed with it."""
    query = select(ProcessDefinition).where(ProcessDefinition.id == case.definition_id)
    whole = query.options(*map(undefer, (ProcessDefinition.xml, ProcessDefinition.forms, ProcessDefinition.decisions)))
    return session.scalars(whole.execution_options(populate_existing=True)).one()


def _entry(record: JournalRecord, body: str | None, names: dict[str, str], process: Process) -> HistoryEntry:
    element = process.elements.get(record.element or "")
    return HistoryEntry(
        record,
        json.loads(body) if body is not None else None,
        names.get(record.actor, record.actor),
        names.get(record.on_behalf_of, record.on_behalf_of) if record.on_behalf_of else None,
        element.name if element else None,
    )
