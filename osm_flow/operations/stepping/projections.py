"""What a case waits for, as rows that people and sweeps find: work items, timers, messages, service jobs, children.

Rows are compared by task id with what the engine says after a step; rows whose task is gone are closed or removed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    String,
    bindparam,
    delete,
    insert,
    literal,
    null,
    or_,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from osm_flow.catalogues import catalogue
from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import EntryKind, IncidentKind
from osm_flow.domain.search import searchable
from osm_flow.domain.states import OPEN_CASE, OPEN_WORK_ITEM, WorkItemStatus
from osm_flow.domain.subjects import record_code_of
from osm_flow.engine import Process
from osm_flow.engine.values import Step, Waiting
from osm_flow.operations.stepping import outbox_entries
from osm_flow.operations.stepping.subject_words import names_of_subject
from osm_flow.store.database import instant_text
from osm_flow.store.inserts import insert_or_add
from osm_flow.store.models import (
    Candidate,
    Case,
    Draft,
    ElementVisit,
    Incident,
    OutboxEntry,
    Person,
    Province,
    ServiceJob,
    Timer,
    WaitingMessage,
    WorkItem,
)
from osm_flow.store.unit_of_work import ReadOnce

_HUMAN = ("user", "manual")
# Into the tables themselves, as the journal: the step that opens a work item does nothing more with it.
_ADD_WORK_ITEMS = insert(WorkItem.__table__)  # type: ignore[arg-type]  # a table, said less exactly
_ADD_CANDIDATES = insert(Candidate.__table__)  # type: ignore[arg-type]
# No lock guards them, and none has to: a province is set up once and stays.
_READ_PROVINCES: ReadOnce[None, frozenset[str]] = ReadOnce()
_NOBODY = {"role": None, "province_id": None, "person_id": None}


@dataclass
class KnownRows:
    """What the rows of a case say: task ids, with the due date or the state beside them."""

    work_items: dict[str, str | None] = field(default_factory=dict)
    timers: dict[str, str | None] = field(default_factory=dict)
    messages: dict[str, str | None] = field(default_factory=dict)
    services: dict[str, str | None] = field(default_factory=dict)
    children: dict[str, str | None] = field(default_factory=dict)
    outbox: dict[str, str | None] = field(default_factory=dict)


def project(
    session: Session, case: Case, process: Process, step: Step, known: KnownRows, at: datetime, now: datetime
) -> list[JSON]:
    """Bring the rows of the case in line with the step; the rows of the work items that it opened.

    `at` is the record's time; what has to be done next is due `now`, which may be a few microseconds before it.
    """
    # The whole of what the case waits for is compared with the rows that it had, rather than the changes of this step
    # applied to them: so a row can never drift from the state, and a replayed step writes nothing twice. `known` was read
    # under the case's lock, before the step; nobody else writes these rows while the lock is held.
    by_kind: dict[str, dict[str, Waiting]] = {}
    for waiting in step.waiting:
        by_kind.setdefault("user" if waiting.kind in _HUMAN else waiting.kind, {})[waiting.task_id] = waiting
    opened = _project_work_items(session, case, process, by_kind.get("user", {}), known.work_items, at)
    _project_timers(session, case, by_kind.get("timer", {}), known.timers)
    _project_messages(session, case, by_kind.get("message", {}), known.messages, at)
    _project_services(session, case, by_kind.get("service", {}), known.services, now)
    _project_children(session, case, by_kind.get("child", {}), known, now)
    _count_visits(session, case, step)
    return opened


def close_all(session: Session, case: Case, at: datetime, now: datetime) -> None:
    """The case waits for nothing any more: it was cancelled."""
    known = known_rows(session, case)
    _cancel_work_items(session, known.work_items, at)
    _remove(session, Timer, known.timers)
    _remove(session, WaitingMessage, known.messages)
    _remove(session, ServiceJob, known.services)
    _project_children(session, case, {}, known, now)


def known_rows(session: Session, case: Case) -> KnownRows:
    """What the rows of the case say, in one statement."""
    rows: Iterable[Any] = session.execute(_known(), {"case": case.id})
    known = KnownRows()
    for what, task_id, detail in rows:
        getattr(known, what)[task_id] = detail
    return known


@cache
def _known() -> CompoundSelect[Any]:
    # Spelled out with OR: the values of an IN are put into the statement anew each time.
    nothing, case_id = null().cast(String), bindparam("case", type_=String)
    return union_all(
        select(literal("work_items"), WorkItem.id, type_coerce(WorkItem.planned_due_at, String)).where(
            WorkItem.case_id == case_id, or_(*(WorkItem.state == state for state in sorted(OPEN_WORK_ITEM)))
        ),
        select(literal("timers"), Timer.task_id, type_coerce(Timer.due_at, String)).where(Timer.case_id == case_id),
        select(literal("messages"), WaitingMessage.task_id, nothing).where(WaitingMessage.case_id == case_id),
        select(literal("services"), ServiceJob.task_id, nothing).where(ServiceJob.case_id == case_id),
        select(literal("children"), Case.parent_task_id, Case.state).where(Case.parent_case_id == case_id),
        select(literal("outbox"), OutboxEntry.key, nothing).where(
            OutboxEntry.case_id == case_id,
            or_(OutboxEntry.kind == EntryKind.child_start, OutboxEntry.kind == EntryKind.child_cancel),
            OutboxEntry.done_at.is_(None),
        ),
    )


# ---- work items ------------------------------------------------------------------------------------------------


def _project_work_items(
    session: Session,
    case: Case,
    process: Process,
    waiting: Mapping[str, Waiting],
    known: Mapping[str, str | None],
    at: datetime,
) -> list[JSON]:
    _cancel_work_items(session, known.keys() - waiting.keys(), at)
    for task_id in known.keys() & waiting.keys():
        planned = waiting[task_id].due_at
        if (instant_text(planned) if planned else None) != known[task_id]:
            _replan(session, waiting[task_id])
    fresh = [item for task_id, item in waiting.items() if task_id not in known]
    if not fresh:
        return []
    people = _people_named(session, fresh)
    provinces = _provinces(session) if any(_province_wish(item) for item in fresh) else frozenset()
    rows = [work_item_row(case, process, item, people, provinces, at) for item in fresh]
    session.execute(_ADD_WORK_ITEMS, rows)
    candidates = []
    for item, row in zip(fresh, rows, strict=True):
        invited = list(candidate_rows(item, people, provinces))
        if not invited and row["assignee_id"] is None:
            _report_nobody(session, case, item, at)
        candidates += [{"work_item_id": row["id"], **_NOBODY, **who} for who in invited]
    if candidates:
        session.execute(_ADD_CANDIDATES, candidates)
    return rows


def _cancel_work_items(session: Session, ids: Iterable[str], at: datetime) -> None:
    if gone := list(ids):
        session.execute(
            update(WorkItem)
            .where(WorkItem.id.in_(gone), WorkItem.state.in_(OPEN_WORK_ITEM))
            .values(state=WorkItemStatus.CANCELLED, closed_at=at, version=WorkItem.version + 1)
        )
        session.execute(delete(Draft).where(Draft.work_item_id.in_(gone)))


def _replan(session: Session, waiting: Waiting) -> None:
    """The calendar moved the due date; one that a person set by hand stays."""
    item = session.get_one(WorkItem, waiting.task_id)
    if item.due_at == item.planned_due_at:
        item.due_at = waiting.due_at
    item.planned_due_at = waiting.due_at
    item.follow_up_at = waiting.follow_up_at or item.follow_up_at


def work_item_row(
    case: Case,
    process: Process,
    waiting: Waiting,
    people: Mapping[str, int],
    provinces: frozenset[str],
    at: datetime,
) -> JSON:
    assignee_id = people.get(waiting.assignee or "")
    province_id = _province_wish(waiting)
    subject = waiting.subject or case.subject
    name_en = catalogue("en").single.get(waiting.name, "")
    return {
        "id": waiting.task_id,
        "case_id": case.id,
        "element": waiting.element,
        "name_th": waiting.name[:255] or waiting.element,
        "name_en": name_en[:255],
        "subject": subject,
        "record_code": record_code_of(waiting.properties, waiting.data),
        "form_key": waiting.form_key,
        "state": WorkItemStatus.CLAIMED if assignee_id else WorkItemStatus.READY,
        "assignee_id": assignee_id,
        "claimed_at": at if assignee_id else None,
        "office_id": case.office_id,
        "fiscal_year": case.fiscal_year,
        "province_id": province_id if province_id in provinces else case.province_id,
        "stage": _stage(process, waiting),
        "priority": waiting.priority,
        "due_at": waiting.due_at,
        "planned_due_at": waiting.due_at,
        "follow_up_at": waiting.follow_up_at,
        "separate_from": waiting.properties.get("separate_from"),
        "escalation": waiting.properties.get("escalation"),
        "search": searchable(waiting.name, name_en, *names_of_subject(subject), case.title, case.business_key),
        "opened_at": at,
    }


def candidate_rows(waiting: Waiting, people: Mapping[str, int], provinces: frozenset[str]) -> Iterable[JSON]:
    for spelled in dict.fromkeys(waiting.candidates):
        role, _, province_id = spelled.partition("@")
        if spelled.startswith("user:"):
            if (person_id := people.get(spelled.removeprefix("user:"))) is not None:
                yield {"person_id": person_id}
        elif role and (not province_id or province_id in provinces):
            yield {"role": role[:64], "province_id": province_id or None}
    # Whom the diagram names alone is its candidate too, so that every rule about candidates holds for them.
    if not waiting.candidates and (person_id := people.get(waiting.assignee or "")) is not None:
        yield {"person_id": person_id}


def _report_nobody(session: Session, case: Case, waiting: Waiting, at: datetime) -> None:
    message = f"no known candidate among: {', '.join(waiting.candidates) or '(none)'}"
    session.add(
        Incident(
            case_id=case.id,
            element=waiting.element,
            task_id=waiting.task_id,
            kind=IncidentKind.no_candidate,
            message=message,
            opened_at=at,
        )
    )


def _people_named(session: Session, waiting: Iterable[Waiting]) -> dict[str, int]:
    names = {item.assignee for item in waiting if item.assignee}
    for item in waiting:
        names |= {spelled.removeprefix("user:") for spelled in item.candidates if spelled.startswith("user:")}
    if not names:
        return {}
    return {
        row.username: row.id
        for row in session.execute(select(Person.username, Person.id).where(Person.username.in_(names)))
    }


def _province_wish(waiting: Waiting) -> str | None:
    """The province a work item is about: the one its candidates are in, else the instance's own."""
    of_candidates = {spelled.partition("@")[2] for spelled in waiting.candidates if "@" in spelled}
    if len(of_candidates) == 1:
        return of_candidates.pop()
    province = waiting.data.get("province")
    return province if isinstance(province, str) else (min(of_candidates) if of_candidates else None)


def _provinces(session: Session) -> frozenset[str]:
    known = _READ_PROVINCES.of(session)
    if None not in known:
        known[None] = frozenset(session.scalars(select(Province.id)))
    return known[None]


def _stage(process: Process, waiting: Waiting) -> str | None:
    element = process.elements.get(waiting.element)
    return waiting.properties.get("stage") or (element and element.stage) or process.properties.get("stage")


# ---- timers, messages, services, children ----------------------------------------------------------------------


def _project_timers(
    session: Session, case: Case, waiting: Mapping[str, Waiting], known: Mapping[str, str | None]
) -> None:
    due = {task_id: one for task_id, one in waiting.items() if one.due_at is not None}
    _remove(session, Timer, known.keys() - due.keys())
    for task_id, one in due.items():
        if one.due_at is None or known.get(task_id) == instant_text(one.due_at):
            continue
        if task_id in known:
            moved = update(Timer).where(Timer.task_id == task_id)
            session.execute(moved.values(due_at=one.due_at, lease_owner=None, lease_until=None))
        else:
            session.add(
                Timer(task_id=task_id, case_id=case.id, element=one.element, name_th=one.name[:255], due_at=one.due_at)
            )


def _project_messages(
    session: Session, case: Case, waiting: Mapping[str, Waiting], known: Mapping[str, str | None], at: datetime
) -> None:
    _remove(session, WaitingMessage, known.keys() - waiting.keys())
    session.add_all(
        WaitingMessage(
            task_id=task_id,
            case_id=case.id,
            element=one.element,
            name_th=one.name[:255],
            message=(one.message or "")[:128],
            form_key=one.form_key,
            office_id=case.office_id,
            fiscal_year=case.fiscal_year,
            since=at,
        )
        for task_id, one in waiting.items()
        if task_id not in known
    )


def _project_services(
    session: Session, case: Case, waiting: Mapping[str, Waiting], known: Mapping[str, str | None], now: datetime
) -> None:
    _remove(session, ServiceJob, known.keys() - waiting.keys())
    session.add_all(
        ServiceJob(task_id=task_id, case_id=case.id, element=one.element, topic=one.topic or "", due_at=now)
        for task_id, one in waiting.items()
        if task_id not in known
    )


def _project_children(
    session: Session, case: Case, waiting: Mapping[str, Waiting], known: KnownRows, now: datetime
) -> None:
    pending = {key.partition(":")[2] for key in known.outbox if key.startswith(outbox_entries.start_key(""))}
    for task_id, one in waiting.items():
        if task_id not in known.children and task_id not in pending:
            outbox_entries.ask_child(session, case, one, now)
    live = {task_id for task_id, state in known.children.items() if state in OPEN_CASE}
    for task_id in (live | pending) - waiting.keys():
        if outbox_entries.cancel_key(task_id) not in known.outbox:
            outbox_entries.ask_cancel(session, case, task_id, now)


def _count_visits(session: Session, case: Case, step: Step) -> None:
    passed = Counter(passage.element for passage in step.passed if passage.kind == "completed")
    if passed:
        rows = [{"case_id": case.id, "element": element, "visits": times} for element, times in passed.items()]
        insert_or_add(session, ElementVisit, rows, "visits")


def _remove(session: Session, table: type[Timer] | type[WaitingMessage] | type[ServiceJob], ids: Iterable[str]) -> None:
    if gone := list(ids):
        session.execute(delete(table).where(table.task_id.in_(gone)))
