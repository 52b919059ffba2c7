"""Ready-made questions of auditors, as conditions on journal records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.record_kinds import RecordKind
from osm_flow.engine import Process
from osm_flow.operations.definitions.library import compiled
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Person, ProcessDefinition, WorkItem

# How a form says "not like this", in the canonical JSON of a payload: a text that somebody typed cannot look so.
_RETURNS = ('"decision":"return"', '"approved":false')
_OFTEN = 2


class Question(StrEnum):
    """The ready-made questions."""

    on_behalf = "on_behalf"
    own_draft = "own_draft"
    late = "late"
    returned = "returned"
    repaired = "repaired"
    stopped = "stopped"


def condition(session: Session, question: Question) -> ColumnElement[bool]:
    """The condition for the records that answer a question."""
    return _CONDITIONS[question](session)


def _on_behalf(_session: Session) -> ColumnElement[bool]:
    """For a person whose post or signature the actor had; answers written down for outsiders name nobody who signs in."""
    return JournalRecord.on_behalf_of.in_(select(Person.username))


def _own_draft(session: Session) -> ColumnElement[bool]:
    """Somebody decided on what they wrote themselves, anywhere in the family of cases."""
    pairs = sorted(_decided_and_drafted(session))
    if not pairs:
        return false()
    decided, drafted = aliased(WorkItem), aliased(WorkItem)
    here, there = aliased(Case), aliased(Case)
    same_person_drafted = exists().where(
        drafted.completed_by_id == decided.completed_by_id,
        drafted.closed_at <= decided.closed_at,
        tuple_(decided.element, drafted.element).in_(pairs),
        there.id == drafted.case_id,
        here.id == decided.case_id,
        there.root_case_id == here.root_case_id,
    )
    return and_(
        JournalRecord.kind == RecordKind.work_item_completed,
        JournalRecord.element.in_(sorted({decides for decides, _ in pairs})),
        exists().where(decided.id == JournalRecord.task_id, same_person_drafted),
    )


def _late(_session: Session) -> ColumnElement[bool]:
    was_late = exists().where(WorkItem.id == JournalRecord.task_id, WorkItem.due_at < WorkItem.closed_at)
    return and_(JournalRecord.kind == RecordKind.work_item_completed, was_late)


def _returned(session: Session) -> ColumnElement[bool]:
    """The third return and every later one of the same step, for the same province where provinces answer side by side."""
    deciding = sorted({decides for decides, _ in _decided_and_drafted(session)})
    if not deciding:
        return false()
    record, payload, item = aliased(JournalRecord), aliased(JournalPayload), aliased(WorkItem)
    one_step = (record.case_id, record.element, func.coalesce(item.province_id, ""))
    returns = (
        select(
            record.case_id,
            record.seq,
            func.row_number().over(partition_by=one_step, order_by=record.seq).label("nth"),
        )
        .join(record.payload.of_type(payload))
        .join(item, item.id == record.task_id)
        .where(record.kind == RecordKind.work_item_completed, record.element.in_(deciding), _says_return(payload))
        .subquery()
    )
    too_often = select(returns.c.case_id, returns.c.seq).where(returns.c.nth > _OFTEN)
    return tuple_(JournalRecord.case_id, JournalRecord.seq).in_(too_often)


def _repaired(_session: Session) -> ColumnElement[bool]:
    return JournalRecord.actor_role == "admin"


def _stopped(_session: Session) -> ColumnElement[bool]:
    return JournalRecord.kind.in_((RecordKind.case_suspended, RecordKind.case_cancelled))


_CONDITIONS: Mapping[Question, Callable[[Session], ColumnElement[bool]]] = {
    Question.on_behalf: _on_behalf,
    Question.own_draft: _own_draft,
    Question.late: _late,
    Question.returned: _returned,
    Question.repaired: _repaired,
    Question.stopped: _stopped,
}


def _says_return(payload: type[JournalPayload]) -> ColumnElement[bool]:
    return or_(*(payload.body.contains(spelled, autoescape=True) for spelled in _RETURNS))


def _decided_and_drafted(session: Session) -> set[tuple[str, str]]:
    """Which step decides on what which step wrote, in any version of any process."""
    processes = [compiled(session, definition) for definition in session.scalars(select(ProcessDefinition))]
    drafters: dict[str, set[str]] = {}
    for process in processes:
        for element in process.elements.values():
            if document := element.properties.get("document"):
                drafters.setdefault(document, set()).add(element.id)
    return {pair for process in processes for pair in _pairs(process, drafters)}


def _pairs(process: Process, drafters: Mapping[str, set[str]]) -> set[tuple[str, str]]:
    pairs = set()
    for element in process.elements.values():
        document, apart = element.properties.get("approves"), element.properties.get("separate_from", "")
        wrote = (
            drafters.get(document, set())
            if document
            else {element_id.strip() for element_id in apart.split(",") if element_id.strip()}
        )
        pairs |= {(element.id, drafter) for drafter in wrote if drafter != element.id}
    return pairs
