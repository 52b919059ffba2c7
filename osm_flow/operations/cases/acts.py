"""Cases as people meet them: starting, finding, suspending, resuming, cancelling, answering for those outside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, false, func, or_, select, true, type_coerce
from sqlalchemy.orm import Session, contains_eager, joinedload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.party_answers import PartyAnswer
from osm_flow.domain.access.policy import ProcessFacts, Verb, reads_whole_office, require
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.acts import Act, CaseStart
from osm_flow.domain.books.form_rows import holds_reference
from osm_flow.domain.calendar.thai_dates import arabic_digits
from osm_flow.domain.forms import values as form_values
from osm_flow.domain.json import JSON
from osm_flow.domain.pages import Page
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.search import asked, seen
from osm_flow.domain.states import OPEN_CASE, CaseStatus, next_case_state
from osm_flow.engine.values import DeliverMessage
from osm_flow.engine.xml import party_asked
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.books.form_rows import RowsActor, RowsUnfit, document_in, keep_rows
from osm_flow.operations.definitions.library import compiled, latest
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.paging import Keyset
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import cancelling
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.form_context import form_context, records_of
from osm_flow.store.database import instant_text
from osm_flow.store.models import (
    Case,
    JournalRecord,
    Office,
    OutboxEntry,
    ProcessDefinition,
    WaitingMessage,
    WorkItem,
)
from osm_flow.store.sensitive_cases import EVERYTHING, is_open
from osm_flow.store.session import CaseNotFound, lock_case

_YEARS = range(2500, 2651)
_NEWEST_FIRST = Keyset((type_coerce(Case.started_at, String), True, False), (Case.id, True, False))


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are asked for; None asks for nothing. `state` may be `open` for active and suspended ones."""

    state: str | None = None
    fiscal_year: int | None = None
    stage: str | None = None
    definition_key: str | None = None
    text: str | None = None
    office_id: str | None = None


class NotStartable(Forbidden):
    """Cases of this process are not started by hand."""


class StartInvalid(Invalid):
    """Some fields need your attention."""


class AnswerInvalid(Invalid):
    """Some fields of the answer need your attention."""


class NotAwaited(NotFound):
    """Nobody waits for this answer any more."""


class AnsweredAlready(Refused):
    """{name} already wrote down this answer, and the case has moved on. Nothing of this sending was kept."""


class CancelParentInstead(Refused):
    """Another case called this one and waits for it. Cancel that one, or finish this one."""


# ---- starting and finding --------------------------------------------------------------------------------------


def start_case(session: Session, definition_key: str, actor: Actor, now: datetime, start: CaseStart) -> Case:
    """Begin a case of the newest version of a process; its `data` are the values of the start form.

    The same key twice is one case. Raises NotStartable, StartInvalid with `fields`, Forbidden, NotFound.
    """
    definition = latest(session, definition_key)
    decision = require(actor, Verb.start_case, ProcessFacts(definition_key, start.office_id))
    if not actor.is_system and not definition.startable:
        raise NotStartable(key=definition_key)
    case_id = stepping.case_id_for(actor.username, start.key) if start.key else ""
    if not first_time(session, start.key, actor, now, purpose=f"case:{case_id}"):
        return session.get_one(Case, case_id)
    if session.get(Office, start.office_id) is None:
        raise NotFound
    if start.fiscal_year not in _YEARS:
        raise StartInvalid(fields={"fiscal_year": "The year is out of range."})
    process = compiled(session, definition)
    if holds_reference(start.data):
        raise StartInvalid(fields={"data": "Rows of records are written by forms alone."})
    if process.start_form is not None:
        context = {"fy": start.fiscal_year, "office": start.office_id}
        errors = form_values.validate(process.forms[process.start_form], start.data, context)
        if errors:
            raise StartInvalid(fields=errors)
    return stepping.begin(session, definition, actor, now, start, decision)


def get_case(session: Session, case_id: str, actor: Actor) -> Case:
    """The case with its definition. Raises CaseNotFound, NotFound for a foreign office's, Forbidden."""
    query = select(Case).where(Case.id == case_id).options(joinedload(Case.definition, innerjoin=True))
    case = session.scalars(query).one_or_none()
    if case is None:
        raise CaseNotFound(case_id=case_id)
    require(actor, Verb.see_case, case_facts(session, case, actor))
    return case


def case_named(session: Session, text: str) -> Case | None:
    """The case with this business key or id, however its digits were typed. Checks nothing about the actor."""
    plain = arabic_digits(seen(text)).strip()
    spellings = {text, plain, plain.upper()}
    named = select(Case).where(or_(Case.id.in_(spellings), Case.business_key.in_(spellings)))
    return session.scalars(named, execution_options=EVERYTHING).first()


def case_with(session: Session, case_id: str | None, work_item_id: str | None) -> Case | None:
    """The case with this id, else the one with this work item. Checks nothing about the actor."""
    if case_id is None and work_item_id is not None:
        of_item = select(WorkItem.case_id).where(WorkItem.id == work_item_id)
        case_id = session.scalar(of_item, execution_options=EVERYTHING)
    return session.get(Case, case_id, execution_options=EVERYTHING) if case_id else None


def list_cases(
    session: Session,
    actor: Actor,
    wanted: CaseFilter = CaseFilter(),
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[Case]:
    """The cases that the actor may see, newest first. Raises PageKeyUnreadable."""
    conditions = [visible(actor), *_conditions(wanted)]
    total = session.scalar(select(func.count()).select_from(Case).join(Case.definition).where(*conditions)) or 0
    query = select(Case).join(Case.definition).where(*conditions).options(contains_eager(Case.definition))
    items, following = _NEWEST_FIRST.page(
        session, query, lambda case: [instant_text(case.started_at), case.id], after, limit
    )
    return Page(items, following, total)


# ---- an administrator's verbs ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Turn:
    """An administrator's verb that changes the state of a case and does not end it."""

    verb: Verb
    becomes: CaseStatus
    kind: RecordKind


_SUSPEND = _Turn(Verb.suspend_case, CaseStatus.SUSPENDED, RecordKind.case_suspended)
_RESUME = _Turn(Verb.resume_case, CaseStatus.ACTIVE, RecordKind.case_resumed)


def suspend_case(
    session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str, key: str | None = None
) -> Case:
    """Stop everything in the case until it is resumed: no work item, timer, message or service moves it."""
    return _change(session, case_id, actor, now, _SUSPEND, reason, key)


def resume_case(
    session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str = "", key: str | None = None
) -> Case:
    """Let the suspended case go on; what fell due meanwhile happens next."""
    case = _change(session, case_id, actor, now, _RESUME, reason or "-", key)
    for entry in session.scalars(_undelivered_around(case)):
        entry.due_at = now
    return case


def cancel_case(
    session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str, key: str | None = None
) -> Case:
    """End the case before its diagram does, its live children after it. Raises CancelParentInstead for a child."""
    case = lock_case(session, case_id)
    decision = require(actor, Verb.cancel_case, case_facts(session, case, actor))
    if not first_time(session, key, actor, now, purpose=f"cancel:{case_id}"):
        return case
    parent = session.get(Case, case.parent_case_id) if case.parent_case_id else None
    if parent is not None and parent.state in OPEN_CASE:
        raise CancelParentInstead(parent_case_id=parent.id)
    cancelling.cancel(session, case, actor, now, reason=said(reason), role=decision.role)
    return case


# ---- answers of those outside ----------------------------------------------------------------------------------


def record_message(
    session: Session,
    task_id: str,
    actor: Actor,
    now: datetime,
    *,
    data: JSON,
    answer: PartyAnswer,
    key: str | None = None,
) -> Case:
    """Record the answer of a party that has no login; the case that waits for it moves on. It is the recorder's own act.

    Raises NotAwaited, AnswerInvalid and AnswerUnsupported with `fields`, and what `stepping.apply` raises.
    """
    case_id = session.scalar(select(WaitingMessage.case_id).where(WaitingMessage.task_id == task_id))
    if case_id is None and key is not None:
        case_id = _recorded_before(session, task_id)
    if case_id is None:
        raise NotAwaited(task_id=task_id)
    case = lock_case(session, case_id)
    decision = require(actor, Verb.record_message, case_facts(session, case, actor))
    if not first_time(session, key, actor, now, purpose=f"message:{task_id}"):
        return case
    waiting = session.get(WaitingMessage, task_id, populate_existing=True)
    if waiting is None:
        raise NotAwaited(task_id=task_id)
    records: JSON = {}
    if holds_reference(data):
        raise AnswerInvalid(fields={"data": "Rows of records are written by forms alone."})
    if waiting.form_key is not None:
        process = compiled(session, case.definition)
        schema = process.forms[waiting.form_key]
        context = answer_context(session, case, task_id, schema, data)
        data = form_values.settled(schema, data, context)
        errors = form_values.validate(schema, data, context)
        if errors:
            raise AnswerInvalid(fields=errors)
        try:
            seen = _seen_by(session, case, task_id)
            before = document_in(seen, process.elements[waiting.element].properties.get("document"))
            data, sets = keep_rows(session, case, schema, data, RowsActor(actor, now, decision.hat), before)
        except RowsUnfit as unfit:
            raise AnswerInvalid(fields=unfit.fields) from unfit
        records = records_of(schema, context) | sets
    act = Act.allowed(RecordKind.message_received, decision, waiting.element, task_id)
    party = party_asked(case.definition.xml, waiting.element)
    about = {"message": waiting.message, "recorded_for": waiting.name_th, "answer": answer.as_payload("", party)}
    stepping.apply(session, case, DeliverMessage(task_id, data), actor, now, act, about | records)
    return case


def lock_for_answer(session: Session, case_id: str, actor: Actor) -> Case:
    """The case, locked before its awaited answer is read: form and state are those of one moment. Raises CaseNotFound."""
    case = lock_case(session, case_id)
    require(actor, Verb.see_case, case_facts(session, case, actor))
    return case


def answer_context(session: Session, case: Case, task_id: str, schema: JSON | None, values: JSON | None = None) -> JSON:
    """What the form of an awaited answer is filled from and judged by; `values` are those filled in so far."""
    seen = _seen_by(session, case, task_id)
    return form_context(session, case, schema, {"fy": case.fiscal_year, "office": case.office_id, **seen}, values)


def _seen_by(session: Session, case: Case, task_id: str) -> JSON:
    """The variables that whatever waits there sees."""
    return next(
        (dict(waiting.data) for waiting in stepping.waiting_of(session, case) if waiting.task_id == task_id), {}
    )


# ---- the inner parts -------------------------------------------------------------------------------------------


def _change(
    session: Session, case_id: str, actor: Actor, now: datetime, turn: _Turn, reason: str, key: str | None
) -> Case:
    case = lock_case(session, case_id)
    decision = require(actor, turn.verb, case_facts(session, case, actor))
    if not first_time(session, key, actor, now, purpose=f"{turn.becomes}:{case_id}"):
        return case
    case.state = next_case_state(case.state, turn.becomes, case_id=case_id)
    stepping.note(session, case, actor, now, Act(turn.kind, role=decision.role), {"reason": said(reason)})
    session.flush()
    return case


def _undelivered_around(case: Case) -> Any:
    """What the outbox holds for the case: its own entries and those of its children."""
    children = select(Case.id).where(Case.parent_case_id == case.id)
    of_these = or_(OutboxEntry.case_id == case.id, OutboxEntry.case_id.in_(children))
    return select(OutboxEntry).where(of_these, OutboxEntry.done_at.is_(None), OutboxEntry.due_at.is_not(None))


def _recorded_before(session: Session, task_id: str) -> str | None:
    query = select(JournalRecord.case_id).where(JournalRecord.task_id == task_id)
    return session.scalar(query.where(JournalRecord.kind == RecordKind.message_received).limit(1))


def visible(actor: Actor) -> ColumnElement[bool]:
    """The policy's `see_case` as a condition."""
    if actor.is_system:
        return Case.id.is_not(None)
    whole = [office for office in actor.office_ids if reads_whole_office(actor, office)]
    alternatives: list[ColumnElement[bool]] = [Case.office_id.in_(whole)]
    parts = [office for office in actor.office_ids if office not in whole]
    if parts:
        alternatives += [and_(Case.office_id.in_(parts), _of_province(hat)) for hat in actor.hats if hat.province_id]
    return and_(is_open(actor), or_(false(), *alternatives))


def _of_province(hat: Hat) -> ColumnElement[bool]:
    """The policy's `province` as a condition on cases."""
    here = Case.office_id == hat.office_id if hat.office_id else true()
    return and_(here, Case.province_id == hat.province_id) if hat.role in PROVINCIAL else false()


def _conditions(wanted: CaseFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.state is not None:
        yield Case.state.in_(OPEN_CASE) if wanted.state == "open" else Case.state == wanted.state
    for column, value in (
        (Case.fiscal_year, wanted.fiscal_year),
        (Case.stage, wanted.stage),
        (ProcessDefinition.key, wanted.definition_key),
        (Case.office_id, wanted.office_id),
    ):
        if value is not None:
            yield column == value
    if spellings := asked(wanted.text):
        yield or_(
            *(and_(*(Case.search.contains(word, autoescape=True) for word in words.split())) for words in spellings)
        )
