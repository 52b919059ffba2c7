"""What a case asks of others: entries of the outbox, written with the step that asks and delivered after its commit.

Two cases are never locked at once. Every entry has a unique key and its delivery does nothing a second time.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import EntryKind
from osm_flow.engine.values import Step, Thrown, Waiting
from osm_flow.store.models import Case, OutboxEntry


def add(session: Session, key: str, kind: EntryKind, case: Case, body: JSON, now: datetime) -> OutboxEntry:
    """Put an entry into the outbox, due at once."""
    text = json.dumps(body, ensure_ascii=False)
    entry = OutboxEntry(key=key, kind=str(kind), case_id=case.id, body=text, due_at=now)
    session.add(entry)
    return entry


def start_key(task_id: str) -> str:
    """The key of the outbox entry that asks for the child case of this call activity."""
    return f"{EntryKind.child_start}:{task_id}"


def cancel_key(task_id: str) -> str:
    """The key of the outbox entry that asks to cancel the child case of this call activity."""
    return f"{EntryKind.child_cancel}:{task_id}"


def ask_child(session: Session, case: Case, waiting: Waiting, now: datetime) -> None:
    """Ask for the child case that the case's call activity waits for."""
    body = {
        "task_id": waiting.task_id,
        "called": waiting.called,
        "data": waiting.data,
        "element": waiting.element,
        "subject": waiting.subject or case.subject,
    }
    add(session, start_key(waiting.task_id), EntryKind.child_start, case, body, now)


def ask_cancel(session: Session, case: Case, task_id: str, now: datetime) -> None:
    """Ask for the end of a child case that nobody waits for any more."""
    add(session, cancel_key(task_id), EntryKind.child_cancel, case, {"task_id": task_id}, now)


def add_end(session: Session, case: Case, step: Step, now: datetime) -> None:
    """Tell the parent that its child ended, with what it brings back."""
    if case.parent_case_id is not None:
        body = {"data": step.data, "error_code": step.error_code}
        add(session, f"{EntryKind.child_end}:{case.id}", EntryKind.child_end, case, body, now)


def add_thrown(session: Session, case: Case, step: Step, now: datetime, passed_on: JSON | None = None) -> None:
    """Pass on the messages that the step threw, and its escalations: to the parent, from the outermost case to people.

    `passed_on` says which element of which case below threw the escalation that leaves this case at its call activity.
    """
    escalated = EntryKind.notice if case.parent_case_id is None else EntryKind.child_escalation
    for number, thrown in enumerate(step.thrown):
        kind = {"message": EntryKind.message, "escalation": escalated}.get(thrown.kind)
        if kind is None:
            continue
        body: JSON = {"name": thrown.name, "element": thrown.element, "data": thrown.data}
        if thrown.kind == "escalation":
            comes_from_below = passed_on is not None and passed_on["call"] == thrown.element
            body["origin"] = passed_on["origin"] if passed_on and comes_from_below else _origin(case, thrown)
        add(session, f"thrown:{case.id}:{case.seq}:{number}", kind, case, body, now)


def _origin(case: Case, thrown: Thrown) -> JSON:
    return {"case_id": case.id, "element": thrown.element}
