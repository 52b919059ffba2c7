"""Completing a work item: what was filled into its form is read and judged once, under the lock of its case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import party_meant, read_answer, refuse_too_early
from osm_flow.domain.access.policy import Decision, Verb, require
from osm_flow.domain.acts import Act
from osm_flow.domain.books.form_rows import tables_in_records
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms.values import Filled, faults_in, settled
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import WorkItemStatus, next_work_item_state
from osm_flow.engine.values import CompleteTask
from osm_flow.errors import Invalid
from osm_flow.operations.books.form_rows import RowsActor, RowsUnfit, document_in, keep_rows, sets_in
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.people.parties import name_of_party, tell_party
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.access import lock_item, refuse_closed, refuse_held
from osm_flow.operations.work_items.acts import context_of, element_of, form_of, variables_of
from osm_flow.operations.work_items.form_context import (
    RecordMoved,
    context_seen,
    judged_by,
    moved_in,
    records_of,
    refuse_foreign,
)
from osm_flow.store.models import Draft, WorkItem
from osm_flow.store.session import Overtaken, write

_DRAFTS = Draft.__table__
_FORGET_DRAFTS = delete(_DRAFTS).where(_DRAFTS.c.work_item_id == bindparam("item"))  # type: ignore[arg-type]  # a table, said less exactly


class FormInvalid(Invalid):
    """Some fields need your attention."""


@dataclass(frozen=True)
class Completion:
    """How somebody completes a work item.

    read          reads what they filled in, once the form (None: there is none) and the context it is judged by are sure.
    key           the same key a second time is the same act.
    version       of the work item as they saw it; None when they did not look.
    record        the office record as they saw it, `code@version`; None when they did not look.
    """

    read: Callable[[JSON | None, JSON], Filled]
    key: str | None = None
    version: int | None = None
    record: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any], key: str | None = None, **more: Any) -> Completion:
        """With values that are there already, whatever the form says."""
        return cls(lambda _form, _context: Filled(dict(values), {}), key, **more)


@dataclass(frozen=True)
class _Doing:
    """Who finishes it, when, as what the policy allowed; with what the payload says of a party's answer."""

    actor: Actor
    now: datetime
    decision: Decision
    answer: JSON | None = None


def complete(session: Session, work_item_id: str, actor: Actor, now: datetime, completion: Completion) -> WorkItem:
    """Finish the work item with what was filled into its form; the case moves on. Claims it first if nobody holds it.

    The same key twice is one act: the repeat is answered before anything is refused. Nothing gets into a case that was
    not judged here by the form of the locked work item. Raises FormInvalid with `fields`, AlreadyHeld, AlreadyCompleted,
    NoLongerNeeded, Overtaken when it changed since `version`, and what `stepping.apply` raises.
    """
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, completion.key, actor, now, purpose=f"work_item:{item.id}"):
        return item
    refuse_closed(session, item)
    refuse_held(session, item, actor)
    decision = require(actor, Verb.complete, facts)
    _finish(session, item, _Doing(actor, now, decision), completion)
    return item


def record_answer(
    session: Session, work_item_id: str, actor: Actor, now: datetime, completion: Completion, said: Mapping[str, str]
) -> WorkItem:
    """Write down what a party outside answered to the work item that asks nobody else: the recorder's own act.

    `said` has the FIELDS of a party's answer as they were typed. It may be written down after the due day, or from the
    party's letter at any time; whoever of the party holds the work item gets to know. Twice is one act. Raises
    AnswerUnsupported with `fields`, and what `complete` raises but AlreadyHeld.
    """
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, completion.key, actor, now, purpose=f"work_item:{item.id}"):
        return item
    refuse_closed(session, item)
    decision = require(actor, Verb.record_answer, facts)
    answer = read_answer(said, local_day(now))
    party = party_meant(answer, facts.candidates)
    refuse_too_early(answer, item.due_at, now)
    _finish(
        session, item, _Doing(actor, now, decision, answer.as_payload(party, name_of_party(session, party))), completion
    )
    tell_party(session, item, now)
    return item


def _finish(session: Session, item: WorkItem, doing: _Doing, completion: Completion) -> None:
    if completion.version is not None and completion.version != item.version:
        raise Overtaken(work_item_id=item.id)
    stepping.refuse_unless_active(item.case)
    values, records = _judged(session, item, completion, doing.actor)
    values, sets = _kept_in_records(session, item, doing, values)
    about: JSON = {"claimed": item.assignee_id is None}
    if doing.answer is not None:
        about = {"claimed": False, "answer": doing.answer}
    about |= records | sets
    write(session, item, **_finished(item, doing))
    act = Act.allowed(RecordKind.work_item_completed, doing.decision, item.element, item.id)
    stepping.apply(session, item.case, CompleteTask(item.id, values), doing.actor, doing.now, act, about)
    session.execute(_FORGET_DRAFTS, {"item": item.id})


def _judged(session: Session, item: WorkItem, completion: Completion, actor: Actor) -> tuple[JSON, JSON]:
    """What was filled in, and what the payload keeps of the office record that it is about."""
    form = form_of(session, item)
    if form is None:
        return completion.read(None, {}).values, {}
    context = context_of(session, item)
    filled = completion.read(form, context)
    if "x-record" in form:
        return _judged_about_record(session, item, completion, actor, filled.values)
    if faults := faults_in(form, filled, context):
        raise FormInvalid(fields=faults)
    return filled.values, {}


def _kept_in_records(session: Session, item: WorkItem, doing: _Doing, values: JSON) -> tuple[JSON, JSON]:
    """The values as the case keeps them, and the sets of records that this act writes or approves."""
    form, properties = form_of(session, item) or {}, element_of(session, item).properties
    if not tables_in_records(form) and "approves" not in properties:
        return (
            values,
            {},
        )  # nothing of its variables is asked for: reading them once more is no part of most completions
    seen, by = variables_of(session, item), RowsActor(doing.actor, doing.now, doing.decision.hat)
    try:
        values, told = keep_rows(session, item.case, form, values, by, document_in(seen, properties.get("document")))
    except RowsUnfit as unfit:
        raise FormInvalid(fields=unfit.fields) from unfit
    sets = [*told.get("sets", ()), *sets_in(seen.get(properties.get("approves", "")))]
    return values, {"sets": sets} if sets else {}


def _judged_about_record(
    session: Session, item: WorkItem, completion: Completion, actor: Actor, chosen: JSON
) -> tuple[JSON, JSON]:
    form = form_of(session, item) or {}
    whole = context_of(session, item, chosen)
    seen = context_seen(session, item, actor, whole)
    refuse_foreign(form, whole, seen)
    context = judged_by(whole, seen)
    filled = completion.read(form, context)
    filled = Filled(settled(form, filled.values, context), filled.faults)
    moved = moved_in(session, item.case, form, context, completion.record)
    if moved:
        raise RecordMoved(fields={**faults_in(form, filled, context), **moved})
    if faults := faults_in(form, filled, context):
        raise FormInvalid(fields=faults)
    return filled.values, records_of(form, context)


def _finished(item: WorkItem, doing: _Doing) -> dict[str, Any]:
    """What its row says once it is completed; who holds it completes it, and one that nobody holds is claimed first.

    Whoever writes an answer down does not get the work item: it stays whose it was.
    """
    on_behalf_of = doing.decision.on_behalf_of
    row = {"completed_by_id": doing.actor.person_id, "closed_at": doing.now, "on_behalf_of": on_behalf_of}
    state = item.state
    if state == WorkItemStatus.READY:
        state = next_work_item_state(state, WorkItemStatus.CLAIMED, work_item_id=item.id)
        if doing.answer is None:
            row |= {"assignee_id": doing.actor.person_id, "claimed_at": doing.now}
    return row | {"state": next_work_item_state(state, WorkItemStatus.COMPLETED, work_item_id=item.id)}
