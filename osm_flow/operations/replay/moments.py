"""Moments: a case as it was after any of its records, with who acted, what they typed and what was open then.

Everything is worked out from the journal, and from the sets of records that it names; nothing is read from what the case
looks like today.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain import journal as rules
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.access.policy import Verb, require
from osm_flow.domain.differences import Difference, differences, is_same
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus
from osm_flow.engine import Process
from osm_flow.engine.values import Waiting
from osm_flow.errors import NotFound
from osm_flow.operations.books.form_rows import KnownRows, with_rows_again
from osm_flow.operations.cases.acts import get_case
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.case_journal import record_of
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.replay import moment_parts
from osm_flow.operations.replay.moment_parts import Given, OpenItem
from osm_flow.operations.replay.states import RecordWithStates, ReplayedState, stretch
from osm_flow.operations.stepping.kept_states import KeptState
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.store.database import LARGEST_NUMBER
from osm_flow.store.models import Case, JournalRecord, ProcessDefinition

_HUMAN = ("user", "manual")


class NoSuchMoment(NotFound):
    """The case has no record of this number."""


@dataclass(frozen=True)
class Token:
    """Where the case stood: an element, how many tokens waited in it, and how many of them were overdue."""

    element: str
    count: int
    overdue: int


@dataclass(frozen=True)
class Chain:
    """The hashes of one record computed again; `payload_ok` and `state_ok` are None where nothing can be compared."""

    hash: str
    prev_hash: str
    payload_digest: str
    state_digest: str
    hash_ok: bool
    prev_ok: bool
    payload_ok: bool | None
    state_ok: bool | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing of the evidence is wrong."""
        return self.hash_ok and self.prev_ok and self.payload_ok is not False and self.state_ok is not False


@dataclass(frozen=True)
class Moment:
    """A case after one record.

    payload     what was written with the record; None when it was erased, by record `erased_by` (None: nobody says).
    obstacle    record, cause and reason why the state cannot be worked out; then tokens, data and changes are empty.
    seen        the variables that the acting person saw, with `asked`, the sentence that asked them; None: nobody acted.
    data        the variables of the case as the newest finished element left them.
    """

    case_id: str
    seq: int
    at: datetime
    kind: str
    actor: str
    actor_name: str
    actor_role: str | None
    on_behalf_of: str | None
    on_behalf_of_name: str | None
    is_as_stated: bool
    element: str | None
    task_id: str | None
    form_key: str | None
    state: str
    payload: JSON | None
    erased_by: int | None
    obstacle: tuple[int, str, str] | None
    seen: JSON | None
    asked: str
    tokens: tuple[Token, ...]
    passed: Mapping[str, int]
    waiting: tuple[Waiting, ...]
    open_items: tuple[OpenItem, ...]
    data: JSON
    changes: tuple[Difference, ...]
    attachments: tuple[Given, ...]
    chain: Chain

    @property
    def answer(self) -> JSON | None:
        """The answer of a party outside that the act wrote down, if it did."""
        return answer_in(self.payload)

    @property
    def is_known(self) -> bool:
        """Whether the state could be worked out."""
        return self.obstacle is None


@dataclass(frozen=True)
class Moments:
    """Moments in order; `found` are states worth keeping (`kept_states.keep`), in a transaction of their own."""

    items: list[Moment]
    found: list[KeptState] = field(default_factory=list)


def audited_case(session: Session, case_id: str, actor: Actor) -> Case:
    """The case, for those who audit its office. Raises CaseNotFound, NotFound, NotYourRole."""
    case = get_case(session, case_id, actor)
    require(actor, Verb.see_audit, case_facts(session, case, actor))
    return case


def relatives_of(session: Session, case: Case) -> list[ProcessDefinition]:
    """The processes of the cases that this one exchanged data with: above it, beside it, and those it called."""
    above: list[str] = []
    parent = case.parent_case_id
    while parent is not None and parent not in above:
        above.append(parent)
        parent = session.get_one(Case, parent).parent_case_id
    near = Case.id.in_(above) | Case.parent_case_id.in_([*above, case.id])
    near_ids = session.scalars(
        select(Case.definition_id).where(near, Case.definition_id != case.definition_id).distinct()
    )
    ids = sorted(near_ids)
    return list(
        session.scalars(select(ProcessDefinition).where(ProcessDefinition.id.in_(ids)).order_by(ProcessDefinition.id))
    )


def moment(session: Session, case_id: str, seq: int) -> Moment:
    """The moment after this record. Raises NoSuchMoment."""
    return moments(session, session.get_one(Case, case_id), seq, seq).items[0]


def moments(session: Session, case: Case, first: int, last: int) -> Moments:
    """The moments after each of these records. Raises NoSuchMoment when there is none of them."""
    if not 1 <= first <= case.seq or last < first:
        raise NoSuchMoment(case_id=case.id, seq=first)
    walked = stretch(session, case, first, last)
    instants = walked.instants
    if not instants:
        raise NoSuchMoment(case_id=case.id, seq=first)
    around = _Around(session, case, instants)
    return Moments([around.moment(instant) for instant in instants], walked.found)


def course(session: Session, case_id: str, after: int = 0, limit: int = 500) -> Sequence[JournalRecord]:
    """The records after `after`, for the time line."""
    after = max(0, min(after, LARGEST_NUMBER))
    query = select(JournalRecord).where(JournalRecord.case_id == case_id, JournalRecord.seq > after)
    return session.scalars(query.order_by(JournalRecord.seq).limit(limit)).all()


def seq_at(session: Session, case_id: str, instant: datetime) -> int:
    """The newest record at this instant; the first one when the case began later."""
    query = select(JournalRecord.seq).where(JournalRecord.case_id == case_id, JournalRecord.at <= instant)
    return session.scalar(query.order_by(JournalRecord.seq.desc()).limit(1)) or 1


def first_since(session: Session, case_id: str, instant: datetime) -> int:
    """The first record at or after this instant; the newest one when nothing happened since."""
    query = select(JournalRecord.seq).where(JournalRecord.case_id == case_id, JournalRecord.at >= instant)
    seq = session.scalar(query.order_by(JournalRecord.seq).limit(1))
    return seq if seq is not None else session.get_one(Case, case_id).seq


class _Around:
    """What moments need beside the fold, asked once for all of them."""

    def __init__(self, session: Session, case: Case, instants: Sequence[RecordWithStates]) -> None:
        last = instants[-1].record.seq
        self._session, self._case = session, case
        self._rows: KnownRows = {}
        self._process: Process = compiled(session, case.definition)
        waiting = [item for instant in instants for item in _human(instant.after)]
        self._holders = moment_parts.Holders(session, case.id, {item.task_id for item in waiting}, last)
        self._erased = moment_parts.erasures(session, case.id)
        self._given = moment_parts.attachments(session, case.id, last)
        self._turns = moment_parts.turns(session, case.id, last)
        tasks = [instant.record.task_id for instant in instants if instant.record.task_id]
        self._forms = work_item_queries.form_keys_of(session, tasks)
        wanted = {name for instant in instants for name in (instant.record.actor, instant.record.on_behalf_of) if name}
        wanted |= self._holders.usernames | {item.assignee for item in waiting if item.assignee}
        self._names = names_of(session, wanted)

    def moment(self, instant: RecordWithStates) -> Moment:
        record, after = instant.record, instant.after
        state = self._state(record.seq, after)
        is_live = after is not None and state in (CaseStatus.ACTIVE, CaseStatus.SUSPENDED)
        asked = _asked(instant)
        items = self._open_items(record, after) if is_live and after else ()
        waiting = after.waiting if is_live and after else ()
        return Moment(
            case_id=self._case.id,
            seq=record.seq,
            at=record.at,
            kind=record.kind,
            actor=record.actor,
            actor_name=self._name(record.actor),
            actor_role=record.actor_role,
            on_behalf_of=record.on_behalf_of,
            on_behalf_of_name=self._name(record.on_behalf_of) if record.on_behalf_of else None,
            is_as_stated=is_as_stated(record),
            element=record.element,
            task_id=record.task_id,
            form_key=self._form_key(record, asked),
            state=state,
            payload=self._shown(instant.payload),
            erased_by=self._erased.get(record.seq) if instant.payload is None else None,
            obstacle=instant.obstacle,
            seen=self._with_rows(asked.data) if asked else None,
            asked=asked.documentation if asked else "",
            tokens=_tokens(waiting, items, record.at),
            passed=after.passed if after else {},
            waiting=waiting,
            open_items=items,
            data=self._with_rows(after.data) if after else {},
            changes=tuple(self._changes(instant, asked)),
            attachments=tuple(given for given in self._given if given.seq <= record.seq),
            chain=_chain(instant),
        )

    def _with_rows(self, data: Mapping[str, Any]) -> JSON:
        """The data as people saw it: with the rows that lie in records. Replaying needs none of them."""
        return with_rows_again(self._session, data, self._rows)

    def _shown(self, payload: JSON | None) -> JSON | None:
        data = (payload or {}).get("data")
        return {**(payload or {}), "data": self._with_rows(data)} if isinstance(data, dict) else payload

    def _changes(self, instant: RecordWithStates, asked: Waiting | None) -> Iterable[Difference]:
        """What the record changed. Where branches run side by side, what another branch wrote is no change of this one."""
        before, after = instant.before, instant.after
        if before is None or after is None or after is before:
            return []
        known = self._with_rows(before.data)
        moved = differences(self._with_rows(asked.data) if asked else known, self._with_rows(after.data))
        return [difference for difference in moved if not _known(known, difference)]

    def _name(self, username: str) -> str:
        return self._names.get(username, username)

    def _state(self, seq: int, after: ReplayedState | None) -> str:
        turns = [wanted for at, wanted in self._turns if at <= seq]
        if turns and turns[-1] is CaseStatus.CANCELLED:
            return CaseStatus.CANCELLED
        if after is not None and after.ended:
            return CaseStatus.COMPLETED
        return turns[-1] if turns else CaseStatus.ACTIVE

    def _open_items(self, record: JournalRecord, after: ReplayedState) -> tuple[OpenItem, ...]:
        subject = self._case.subject
        return tuple(self._holders.item(waiting, record.seq, self._names, subject) for waiting in _human(after))

    def _form_key(self, record: JournalRecord, asked: Waiting | None) -> str | None:
        match record.kind:
            case RecordKind.case_started:
                key = self._process.start_form
            case RecordKind.work_item_completed | RecordKind.message_received:
                element = self._process.elements.get(record.element or "")
                key = asked.form_key if asked else self._forms.get(record.task_id or "")
                key = key or (element.properties.get("form") if element else None)
            case _:
                key = None
        return key if key in self._process.forms else None


def _human(state: ReplayedState | None) -> Iterable[Waiting]:
    return [waiting for waiting in state.waiting if waiting.kind in _HUMAN] if state else []


def _asked(instant: RecordWithStates) -> Waiting | None:
    """What waited for the act of this record."""
    if instant.before is None or instant.record.task_id is None:
        return None
    return next((waiting for waiting in instant.before.waiting if waiting.task_id == instant.record.task_id), None)


def _tokens(waiting: Iterable[Waiting], items: Iterable[OpenItem], at: datetime) -> tuple[Token, ...]:
    count = Counter(token.element for token in waiting)
    overdue = Counter(token.element for token in items if token.due_at is not None and token.due_at < at)
    return tuple(Token(element, number, overdue[element]) for element, number in count.items())


def _known(data: JSON, difference: Difference) -> bool:
    """Whether the record before already had it so."""
    value: Any = data
    for key in difference.path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return difference.kind == "removed"
    return difference.kind != "removed" and is_same(value, difference.new)


def _chain(instant: RecordWithStates) -> Chain:
    record = instant.record
    sealed = record_of(record)
    payload_ok = None
    if instant.body is not None and instant.salt is not None:
        payload_ok = moment_parts.digest_is(instant.salt, instant.body, record.payload_digest)
    return Chain(
        hash=record.hash,
        prev_hash=record.prev_hash,
        payload_digest=record.payload_digest,
        state_digest=record.state_digest,
        hash_ok=rules.seal(sealed) == record.hash,
        prev_ok=record.prev_hash == instant.previous_hash,
        payload_ok=payload_ok,
        state_ok=instant.after.digest == record.state_digest if instant.after else None,
    )
