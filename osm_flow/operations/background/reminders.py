"""Reminding people of work that is about to be late or late, and of work whose rest is over.

Each rung of the escalation ladder is climbed once for each due date: a row says so, and is written in the same
transaction as the notices, the mails and the record in the case's journal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache, lru_cache

from sqlalchemy import ColumnElement, Select, and_, exists, not_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import Verb, decide, is_separated
from osm_flow.domain.acts import Act
from osm_flow.domain.calendar.deadlines import BANGKOK, local_day
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.escalation import Rung, is_stale, latest_day_reached, read_ladder, role_behind, rungs_due
from osm_flow.domain.kinds import IncidentKind
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_WORK_ITEM, CaseStatus
from osm_flow.engine import evaluate_decision
from osm_flow.notify.channels import Channel, Dispatch
from osm_flow.operations.background import reminder_texts
from osm_flow.operations.background.dispatches import queue_for
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.people.absence import Absences, absences_in
from osm_flow.operations.people.hats import actor_for, people_wearing
from osm_flow.operations.people.notify_people import may_be_told
from osm_flow.operations.policy_facts import work_item_facts
from osm_flow.operations.stepping import step as stepping
from osm_flow.resources import resource_dir
from osm_flow.store.database import instant_text
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import Case, Incident, Notification, Person, Reminder, WorkItem
from osm_flow.store.session import lock_case

FOLLOW_UP = "follow_up"


# ---- what is due -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def ladder(name: str) -> tuple[Rung, ...]:
    """The rungs of an escalation ladder as the decision table has them; none for a name it does not know."""
    table = (resource_dir("bpmn") / "escalation.dmn").read_bytes()
    return read_ladder(evaluate_decision(table, {"escalation": name}))


def items_to_remind(session: Session, now: datetime, limit: int) -> list[str]:
    """Open work items with a rung that is due and not climbed, earliest due date first."""
    used = select(WorkItem.escalation, WorkItem.office_id).join(Case).where(*_open(), WorkItem.escalation.is_not(None))
    calendars = cache(lambda office_id: working_calendar(session, office_id, local_day(now)))
    # Offices without days of their own share one calendar, and are asked for together.
    groups: dict[tuple[str, WorkingCalendar], list[str]] = defaultdict(list)
    for name, office_id in session.execute(used.distinct()):
        groups[name or "", calendars(office_id)].append(office_id)
    due: dict[str, datetime] = {}
    for (name, calendar), offices in groups.items():
        for rung in ladder(name):
            rows = session.execute(_due(name, rung, calendar, now).where(WorkItem.office_id.in_(offices)).limit(limit))
            due |= {row.id: row.due_at for row in rows if row.due_at is not None}
    return sorted(due, key=lambda item_id: (due[item_id], item_id))[:limit]


def items_to_follow_up(session: Session, now: datetime, limit: int) -> list[str]:
    """Open work items that rested until now and of which nobody has been told yet."""
    told = _reminded(FOLLOW_UP, WorkItem.follow_up_at)
    query = select(WorkItem.id).join(Case).where(*_open(), WorkItem.follow_up_at <= now, not_(told), not_(_broken()))
    return list(session.scalars(query.order_by(WorkItem.follow_up_at, WorkItem.id).limit(limit)))


def _due(name: str, rung: Rung, calendar: WorkingCalendar, now: datetime) -> Select[str, datetime | None]:
    last = latest_day_reached(rung, calendar, now)
    before = datetime.combine(last + timedelta(days=1), time(), BANGKOK)
    query = select(WorkItem.id, WorkItem.due_at).join(Case)
    query = query.where(*_open(), WorkItem.escalation == name, WorkItem.due_at < before)
    query = query.where(not_(_reminded(rung.key, WorkItem.due_at)), not_(_broken()))
    if rung.offset >= 0:
        query = query.where(WorkItem.opened_at < before)
    return query.order_by(WorkItem.due_at, WorkItem.id)


def _open() -> tuple[ColumnElement[bool], ...]:
    return WorkItem.state.in_(OPEN_WORK_ITEM), Case.state == CaseStatus.ACTIVE


def _reminded(rung: str, instant: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    same = and_(Reminder.work_item_id == WorkItem.id, Reminder.rung == rung, Reminder.due_at == instant)
    return exists().where(same).correlate(WorkItem)


def _broken() -> ColumnElement[bool]:
    stuck = and_(
        Incident.case_id == WorkItem.case_id, Incident.task_id == WorkItem.id, Incident.kind == IncidentKind.reminder
    )
    return exists().where(stuck, Incident.resolved_at.is_(None)).correlate(WorkItem)


# ---- telling people --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reminding:
    """What is said of a work item: at which rung, as which kind of notice, in which words."""

    item: WorkItem
    rung: str
    kind: str
    text: reminder_texts.Text


def climb(session: Session, work_item_id: str, now: datetime, channels: Sequence[Channel]) -> int:
    """Climb every rung of the work item that is due, lowest first, each with its record; how many.

    Whoever is concerned by several of them is told once, of the highest.
    """
    item = _locked(session, work_item_id)
    if item is None or item.due_at is None or item.escalation is None:
        return 0
    calendar = working_calendar(session, item.office_id, local_day(now), local_day(item.due_at))
    absences = absences_in(session, item.office_id, local_day(now))
    told: dict[int, tuple[Person, Rung]] = {}
    climbed = 0
    for rung in rungs_due(ladder(item.escalation), calendar, item.due_at, item.opened_at, now):
        if not _mark(session, item, rung.key, item.due_at, now):
            continue
        if is_stale(rung, calendar, item.due_at, item.opened_at):
            continue
        people = _people_meant(session, item, rung, absences, now)
        told |= {person.id: (person, rung) for person in people}
        _record(session, item, rung, people, now)
        climbed += 1
    for person, rung in told.values():
        reminding = _Reminding(item, rung.key, rung.action, reminder_texts.of_rung(item, rung, calendar, now))
        _tell(session, person, reminding, now, channels)
    return climbed


def follow_up(session: Session, work_item_id: str, now: datetime, channels: Sequence[Channel]) -> bool:
    """Tell whoever has the work item that its rest is over, once."""
    item = _locked(session, work_item_id)
    if item is None or item.follow_up_at is None or item.follow_up_at > now:
        return False
    if not _mark(session, item, FOLLOW_UP, item.follow_up_at, now):
        return False
    reminding = _Reminding(item, FOLLOW_UP, FOLLOW_UP, reminder_texts.of_follow_up(item))
    for person in _doers(session, item, absences_in(session, item.office_id, local_day(now)), now):
        _tell(session, person, reminding, now, channels)
    return True


def _locked(session: Session, work_item_id: str) -> WorkItem | None:
    case_id = session.scalar(select(WorkItem.case_id).where(WorkItem.id == work_item_id))
    if case_id is None or lock_case(session, case_id).state != CaseStatus.ACTIVE:
        return None
    item = session.get(WorkItem, work_item_id, populate_existing=True)
    return item if item is not None and item.state in OPEN_WORK_ITEM else None


def _mark(session: Session, item: WorkItem, rung: str, due_at: datetime, now: datetime) -> bool:
    return insert_once(session, Reminder, work_item_id=item.id, rung=rung, due_at=due_at, at=now)


def _record(session: Session, item: WorkItem, rung: Rung, people: Iterable[Person], now: datetime) -> None:
    due_at = instant_text(item.due_at) if item.due_at else None
    told = [person.username for person in people]
    payload = {"rung": rung.key, "offset": rung.offset, "action": rung.action, "due_at": due_at, "told": told}
    act = Act(RecordKind.work_item_escalated, item.element, item.id)
    stepping.note(session, item.case, SYSTEM, now, act, payload)


def _people_meant(session: Session, item: WorkItem, rung: Rung, absences: Absences, now: datetime) -> list[Person]:
    meant: dict[int, Person] = {}
    candidates = [candidate.role for candidate in item.candidates if candidate.role]
    for receiver in rung.to:
        role = role_behind(receiver, candidates, item.stage)
        if role is None:
            people = _doers(session, item, absences, now)
        else:
            people = absences.among(_wearing(session, item, role, now))
        meant |= {person.id: person for person in people}
    return [person for person in meant.values() if may_be_told(session, item.case, person, now)]


def _doers(session: Session, item: WorkItem, absences: Absences, now: datetime) -> list[Person]:
    """Who has the work item, and who gave it to them; while nobody has it, everybody who may claim it.

    For whoever is away their stand-ins, as far as these may go on with it.
    """

    def may(stand_in: Person) -> bool:
        return _may_go_on(session, item, stand_in, now)

    if item.assignee is not None:
        return absences.instead_of(filter(None, (item.assignee, item.owner)), may)
    doers: dict[int, Person] = {}
    for candidate in item.candidates:
        if candidate.person_id is not None:
            people = absences.instead_of([session.get_one(Person, candidate.person_id)], may)
        else:
            people = absences.among(_wearing(session, item, candidate.role or "", now, candidate.province_id), may)
        doers |= {person.id: person for person in people}
    return list(doers.values())


def _may_go_on(session: Session, item: WorkItem, person: Person, now: datetime) -> bool:
    """Whether the person could claim the free work item, or sees the one that somebody holds, and is not kept from it."""
    actor = actor_for(session, person, local_day(now))
    facts = work_item_facts(session, item, actor)
    verb = Verb.see_work_item if item.assignee_id else Verb.claim
    decision = decide(actor, verb, facts)
    return decision.allowed and not is_separated(actor, facts, decision.hat)


def _wearing(
    session: Session, item: WorkItem, role: str, now: datetime, province_id: str | None = None
) -> Sequence[Person]:
    return people_wearing(session, role, item.office_id, local_day(now), province_id)


def _tell(session: Session, person: Person, reminding: _Reminding, now: datetime, channels: Sequence[Channel]) -> None:
    """A notice inside the site, and the same by every channel that reaches the person."""
    item, text = reminding.item, reminding.text
    path, kind = f"/work-items/{item.id}", reminding.kind[:32]
    notice = Notification(person_id=person.id, kind=kind, text_th=text.th, text_en=text.en, url=path, at=now)
    notice.case_id = item.case_id
    session.add(notice)
    subject, body = text.in_a_letter(person.display_name, person.locale)
    key = f"{reminding.rung}:{item.id}:{instant_text(item.due_at or now)}:{person.id}"
    queue_for(session, channels, person, Dispatch(key, "", subject, body, path), now, case_id=item.case_id)
