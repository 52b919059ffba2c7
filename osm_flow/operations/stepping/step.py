"""The one place where a case moves: engine, journal, state, projections and outbox in the caller's transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, bindparam, literal, select, update
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain import journal as rules
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import Decision
from osm_flow.domain.acts import Act, CaseStart
from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import IncidentKind, in_both_languages
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.search import says_nothing, searchable, visible
from osm_flow.domain.states import CaseStatus, next_case_state
from osm_flow.engine import Standstill
from osm_flow.engine.values import Command, Start, Step, Waiting
from osm_flow.errors import Refused
from osm_flow.operations.calendar.milestones import calendar_lookup
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger import case_journal
from osm_flow.operations.stepping import command_codec, kept_states, outbox_entries, projections
from osm_flow.operations.stepping.business_keys import next_business_key
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Case, CaseState, Incident, ProcessDefinition, Province
from osm_flow.store.session import Overtaken, has_locked, holds_new, lock_case
from osm_flow.store.unit_of_work import ReadOnce

_CASES = uuid.UUID("8d1f3f3c-9d0b-5d0e-8f59-4c0b8f7f2a11")
# Made once: every step runs these, and making a statement takes longer than running it.
_STATES = CaseState.__table__
_STATE = select(CaseState.seq, CaseState.digest, CaseState.snapshot).where(CaseState.case_id == bindparam("case"))
_DIGEST = select(CaseState.seq, CaseState.digest, literal(b"")).where(CaseState.case_id == bindparam("case"))
_KEEP = update(_STATES).where(_STATES.c.case_id == bindparam("case"), _STATES.c.seq == bindparam("known_seq"))  # type: ignore[arg-type]  # a table, said less exactly


class CaseSuspended(Refused):
    """The case is suspended. Nothing can be done in it until it is resumed."""


class CaseEnded(Refused):
    """The case has ended. Nothing can be done in it any more."""


class CaseFailed(Refused):
    """The case could not go on: its diagram met something it cannot handle. Nothing was changed."""


class StateLost(Refused):
    """The state of the case does not fit its journal. Ask an administrator to verify the case."""


class CachedState(NamedTuple):
    """The cached state of a case: after which record, its digest and its bytes."""

    seq: int
    digest: str
    snapshot: bytes


_READ_STATES: ReadOnce[str, CachedState] = ReadOnce()
_READ_WAITING: ReadOnce[tuple[str, str], tuple[Waiting, ...]] = ReadOnce()


def case_id_for(*parts: str) -> str:
    """The id of a case that is begun once for these parts: a sender and a key, or a parent and its waiting task."""
    return str(uuid.uuid5(_CASES, "\n".join(parts)))


def begin(
    session: Session,
    definition: ProcessDefinition,
    actor: Actor,
    now: datetime,
    start: CaseStart,
    decision: Decision | None = None,
) -> Case:
    """Begin a case of this definition and take its first step. Checks nothing about the actor.

    For a key or a calling task there is one case: a second time gives the first one. `decision` is the policy's that
    allowed it; the record names its role and for whom it is.
    """
    case_id = _new_id(actor, start)
    if start.called_by or start.key:
        take(session, AdvisoryLock.beginning, of=case_id)
        if (existing := session.get(Case, case_id)) is not None:
            return existing
    process = compiled(session, definition)
    parent = session.get_one(Case, start.called_by.case_id) if start.called_by else None
    title = process.name if says_nothing(start.title) else visible(start.title)[:255]
    business_key = next_business_key(session, process, start.office_id, start.fiscal_year)
    case = Case(
        id=case_id,
        definition=definition,
        business_key=business_key,
        title=title,
        office_id=start.office_id,
        fiscal_year=start.fiscal_year,
        province_id=start.province_id,
        state=CaseStatus.ACTIVE,
        stage=process.properties.get("stage"),
        parent_case_id=start.called_by.case_id if start.called_by else None,
        parent_task_id=start.called_by.task_id if start.called_by else None,
        root_case_id=parent.root_case_id if parent else case_id,
        is_sensitive=process.properties.get("sensitive") == "true" or _is_sensitive_now(session, parent),
        depth=parent.depth + 1 if parent else 0,
        started_by=actor.username,
        started_at=now,
        head_at=now,
        seq=0,
        head="",
        search=searchable(title, business_key),
    )
    session.add(case)
    session.flush()
    holds_new(session, case)
    about = {"title": title, "business_key": business_key}
    if start.called_by:
        about |= {"parent_case_id": start.called_by.case_id, "parent_task_id": start.called_by.task_id}
    elif start.province_id:
        about["province"] = start.province_id  # a child's is in what it was called with; nothing else says this one
    command = Start(_start_data(session, case, start.data))
    case.subject = process.subject_of(command.data) or start.subject
    kind = RecordKind.case_started
    _move(session, case, command, actor, now, Act.allowed(kind, decision) if decision else Act(kind), about)
    return case


def apply(
    session: Session,
    case: Case,
    command: Command,
    actor: Actor,
    now: datetime,
    act: Act,
    payload: Mapping[str, Any] | None = None,
) -> Step:
    """Move the case by one command: lock, engine, journal, state, projections, outbox. `payload` says more of the act.

    Raises CaseSuspended, CaseEnded, NotWaiting when the case no longer waits for this, CaseFailed when the engine
    could not go on (the edge rolls back and opens an incident), NotStorable for data that cannot be kept.
    """
    case = lock_case(session, case.id)
    refuse_unless_active(case)
    return _move(session, case, command, actor, now, act, dict(payload or {}))


def note(session: Session, case: Case, actor: Actor, now: datetime, act: Act, payload: Mapping[str, Any]) -> None:
    """Record something that happened to the case without moving it (claimed, commented, suspended …)."""
    case = lock_case(session, case.id)
    state = state_of(session, case, with_snapshot=False)
    body = {"command": None, "lookups": {}, "data": dict(payload)}
    case_journal.append(session, case, actor, case_journal.next_instant(case, now), act, body, state.digest)
    _keep(session, case, state, {"seq": case.seq})
    kept_states.keep_if_due(session, case)


def refuse_unless_active(case: Case) -> None:
    """Raises CaseSuspended or CaseEnded."""
    if case.state == CaseStatus.SUSPENDED:
        raise CaseSuspended(case_id=case.id)
    if case.state != CaseStatus.ACTIVE:
        raise CaseEnded(case_id=case.id)


def state_of(session: Session, case: Case, *, with_snapshot: bool = True) -> CachedState:
    """The cached state of the case. Raises StateLost when it is not the one after the newest record.

    A transaction that holds the case's lock reads it once.
    """
    states = _READ_STATES.of(session)
    known = states.get(case.id)
    # A step replaces the state: what was read before it is not the one after the newest record any more.
    if known is not None and known.seq == case.seq and known.snapshot:
        return known
    row = session.execute(_STATE if with_snapshot else _DIGEST, {"case": case.id}).first()
    if row is None or row[0] != case.seq:
        raise StateLost(case_id=case.id)
    state = CachedState(row[0], row[1], row[2])
    # Without the lock somebody else may move the case between two looks.
    if has_locked(session, case):
        states[case.id] = state
    return state


def waiting_of(session: Session, case: Case) -> tuple[Waiting, ...]:
    """What the case waits for now. The engine is asked once for each state within a transaction."""
    known = _READ_WAITING.of(session)
    # The hash of its newest record names a state for good, so this holds for a case that is not locked, too.
    place = (case.id, case.head)
    if place not in known:
        snapshot = state_of(session, case).snapshot
        known[place] = engine.inspect(compiled(session, case.definition), case.id, snapshot)
    return known[place]


def _move(session: Session, case: Case, command: Command, actor: Actor, now: datetime, act: Act, about: JSON) -> Step:
    state = state_of(session, case) if case.seq else None  # a case that just begins has none
    process = compiled(session, case.definition)
    at = case_journal.next_instant(case, now)
    written, data = command_codec.to_json(command)
    # A replay reads the command back from canonical JSON; the live step must be given the very same values.
    data = rules.as_recorded(data)
    lookup = calendar_lookup(session, case.office_id, case.fiscal_year, at)
    try:
        snapshot = state.snapshot if state else None
        step = engine.step(process, case.id, snapshot, command_codec.from_json(written, data), at, lookup)
    except engine.EngineFault as fault:
        raise CaseFailed(case_id=case.id, element=fault.element, reason=fault.reason) from fault
    payload = {"command": written, "lookups": step.lookups, "data": data, "about": about}
    known = projections.known_rows(session, case)
    # Written as one flush: each row once, with all of its changes.
    with session.no_autoflush:
        case_journal.append(session, case, actor, at, act, payload, step.digest)
        _keep(session, case, state, {"seq": case.seq, "digest": step.digest, "snapshot": step.snapshot})
        opened = projections.project(session, case, process, step, known, at, now)
        if opened and opened[-1]["stage"] != case.stage:
            case.stage = opened[-1]["stage"]
        outbox_entries.add_thrown(session, case, step, now, about.get("passed_on"))
        if step.ended:
            _end(session, case, step, at, now)
        session.flush()
    kept_states.keep_if_due(session, case)
    if not step.ended:
        _tell_of(session, case, engine.standstills(process, case.id, step.snapshot, waiting=not step.is_stuck), now)
    return step


def tell_standstills(session: Session, case: Case, now: datetime) -> bool:
    """Open the incidents of a case that stood still before steps told it; whether there was something to tell."""
    process, snapshot = compiled(session, case.definition), state_of(session, case).snapshot
    waiting = bool(waiting_of(session, case))
    return _tell_of(session, case, engine.standstills(process, case.id, snapshot, waiting=waiting), now)


def _tell_of(session: Session, case: Case, found: Sequence[Standstill], now: datetime) -> bool:
    """Open an incident for each join that can never fire, once for as long as its token stands there."""
    if not found:
        return False
    told = select(Incident.task_id).where(Incident.case_id == case.id, Incident.kind == IncidentKind.standstill)
    known = set(session.scalars(told))
    for standstill in found:
        if standstill.task_id not in known:
            _open_standstill(session, case, standstill, now)
    return True


def _open_standstill(session: Session, case: Case, standstill: Standstill, now: datetime) -> None:
    message = in_both_languages(standstill.words.th, standstill.words.en)
    kind, element = IncidentKind.standstill, standstill.element
    incident = Incident(
        case_id=case.id, kind=kind, message=message, element=element, task_id=standstill.task_id, opened_at=now
    )
    session.add(incident)
    session.flush()
    about = {"incident": incident.id, "kind": kind, "message": message}
    note(session, case, SYSTEM, now, Act(RecordKind.incident_opened, element), about)


def _end(session: Session, case: Case, step: Step, at: datetime, now: datetime) -> None:
    case.state = next_case_state(case.state, CaseStatus.COMPLETED, case_id=case.id)
    case.outcome = step.outcome
    case.ended_at = at
    outbox_entries.add_end(session, case, step, now)
    if step.error_code is not None and case.parent_case_id is None:
        message = in_both_languages(
            f"เรื่องจบด้วยข้อผิดพลาด {step.error_code} ซึ่งไม่มีส่วนใดในแผนภาพรับไว้",
            f"the case ended in the error {step.error_code}, which nothing in its diagram handles",
        )
        session.add(
            Incident(
                case_id=case.id, element=step.outcome, kind=IncidentKind.uncaught_error, message=message, opened_at=now
            )
        )


def _keep(session: Session, case: Case, state: CachedState | None, values: dict[str, Any]) -> None:
    if state is None:
        session.add(CaseState(case_id=case.id, **values))
        return
    result = session.execute(_KEEP, {"case": case.id, "known_seq": state.seq, **values})
    assert isinstance(result, CursorResult)  # noqa: S101 (what an UPDATE gives; the annotation is wider)
    if result.rowcount != 1:
        raise Overtaken(case_id=case.id)


def _is_sensitive_now(session: Session, parent: Case | None) -> bool:
    """Whether the calling case is sensitive, once nobody is about to mark it: whoever does marks its children with it."""
    if parent is None:
        return False
    return bool(session.scalar(select(Case.is_sensitive).where(Case.id == parent.id).with_for_update(read=True)))


def _new_id(actor: Actor, start: CaseStart) -> str:
    if start.called_by is not None:
        return case_id_for(start.called_by.case_id, start.called_by.task_id)
    return case_id_for(actor.username, start.key) if start.key else str(uuid.uuid4())


def _start_data(session: Session, case: Case, data: JSON) -> JSON:
    provinces = session.execute(select(Province.id, Province.name_th).where(Province.office_id == case.office_id))
    given = {
        "fy": case.fiscal_year,
        "office": case.office_id,
        "provinces": [row.id for row in sorted(provinces, key=lambda row: row.name_th)],
        "started_by": case.started_by,
    }
    return {**data, **given} if case.depth == 0 else {**given, **data, "office": case.office_id}
