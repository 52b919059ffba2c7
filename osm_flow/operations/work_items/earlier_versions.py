"""Earlier versions of a document of a case, each about the same project or province as the one being read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.definitions.library import compiled
from osm_flow.store.models import Case, JournalPayload, JournalRecord, ProcessDefinition, WorkItem

# The fields by which a form says what it is about, where one case has many of them side by side.
_SUBJECTS = ("project_code", "project", "project_name", "name")


@dataclass(frozen=True)
class Version:
    """A document as it was completed at some time."""

    at: datetime
    actor: str
    schema: JSON
    values: JSON
    case_id: str


def versions_of(
    session: Session, item: WorkItem, document: str, *, seen: JSON | None = None, instance: int | None = None
) -> list[Version]:
    """The versions of a document up to the one that the work item is about, oldest first.

    `seen` is the document as the item's token sees it; a closed item is about what was completed when it opened.
    Followed are: the same project within the case where the form names one; nothing but the present version where the
    item is one `instance` of many that cannot be told apart; else every version in the case's family, other quarters
    left out.
    """
    versions = list(_completed(session, item, document))
    if seen is None:
        versions = [version for version in versions if version.at <= item.opened_at]
    if not versions:
        return []
    present = versions[-1].values if seen is None else with_rows_again(session, seen)
    subject = _subject(present)
    if subject:
        versions = [
            completed
            for completed in versions
            if completed.case_id == item.case_id and _subject(completed.values) == subject
        ]
    elif instance is not None:
        versions = [completed for completed in versions if completed.values == present][-1:]
    else:
        others = _cases_of_other_quarters(session, item.case)
        versions = [completed for completed in versions if completed.case_id not in others]
    return [
        completed
        for before, completed in zip([None, *versions], versions, strict=False)
        if not before or before.values != completed.values
    ]


def _completed(session: Session, item: WorkItem, document: str) -> Iterator[Version]:
    """Every completion of the document in the family of the case; of a province's own where provinces work side by side."""
    definitions = _definitions_of_family(session, item.case)
    elements = {
        element.id
        for definition in definitions.values()
        for element in compiled(session, definition).elements.values()
        if element.properties.get("document") == document
    }
    query = (
        select(JournalRecord, JournalPayload.body, WorkItem.form_key, Case.definition_id)
        .join(JournalRecord.payload)
        .join(Case, Case.id == JournalRecord.case_id)
        .join(WorkItem, WorkItem.id == JournalRecord.task_id)
        .where(
            Case.root_case_id == item.case.root_case_id,
            JournalRecord.kind == RecordKind.work_item_completed,
            JournalRecord.element.in_(elements),
            or_(WorkItem.province_id.is_(None), WorkItem.province_id == item.province_id),
        )
        .order_by(JournalRecord.at, JournalRecord.seq)
    )
    for record, body, form_key, definition_id in session.execute(query):
        schema = compiled(session, definitions[definition_id]).forms.get(form_key or "")
        if schema is not None:
            yield Version(
                record.at, record.actor, schema, with_rows_again(session, json.loads(body)["data"]), record.case_id
            )


def _definitions_of_family(session: Session, case: Case) -> dict[int, ProcessDefinition]:
    query = select(ProcessDefinition).join(Case, Case.definition_id == ProcessDefinition.id)
    family = session.scalars(query.where(Case.root_case_id == case.root_case_id).distinct())
    return {definition.id: definition for definition in family}


def _subject(values: JSON) -> Any:
    return next((values[name] for name in _SUBJECTS if values.get(name)), None)


def _cases_of_other_quarters(session: Session, case: Case) -> set[str]:
    """The cases of the family that report on another quarter than this one: their papers are no versions of its own."""
    begun = (
        select(Case.id, JournalPayload.body)
        .join(JournalPayload, JournalPayload.case_id == Case.id)
        .where(JournalPayload.seq == 1)
        .where(Case.root_case_id == case.root_case_id, Case.definition_id == case.definition_id)
    )
    quarters = {case_id: json.loads(body)["data"].get("quarter") for case_id, body in session.execute(begun)}
    return {case_id for case_id, quarter in quarters.items() if quarter != quarters.get(case.id)}
