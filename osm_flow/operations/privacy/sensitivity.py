"""What is done about sensitive cases: marking them, naming who may open them, saying why, and taking the mark off by two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Decision, OfficeFacts, Verb, decide, offices_where, require
from osm_flow.domain.access.roles import STAFF
from osm_flow.domain.acts import Act
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.pages import Page
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import UnmarkState
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.ledger.case_journal import payload_of
from osm_flow.operations.paging import newest_first
from osm_flow.operations.people.hats import actor_for
from osm_flow.operations.people.signing_in import normal_username
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, CaseReader, JournalPayload, Person, SensitiveOpening, UnmarkProposal
from osm_flow.store.second_persons import FirstAct, is_for_oneself, is_second_person
from osm_flow.store.sensitive_cases import EVERYTHING
from osm_flow.store.session import CaseNotFound, lock_case


class NotSensitive(Refused):
    """This case is not sensitive."""


class SensitiveByProcess(Refused):
    """The process of this case says that all its cases are sensitive; nobody takes that off one of them."""


class SensitiveByParent(Refused):
    """The case that called this one is sensitive, and so is this one as long as that is."""


class ProposedAlready(Refused):
    """It was proposed already that this case is sensitive no longer; another person has to confirm it."""


class UnmarkProposalNotFound(NotFound):
    """There is no such proposal, or it was decided already."""


class AnotherMustConfirm(Forbidden):
    """Another person must confirm this: you proposed it, or one of you acts for the other."""


class ReaderUnknown(Invalid):
    """Nobody with this user name is on the staff of the office of this case today; only staff are named."""


class NamesOneself(Invalid):
    """Nobody names themselves, or whom they act for, on a sensitive case."""


@dataclass(frozen=True)
class ProposedUnmarking:
    """The open proposal to take the mark off: with why, so far as that was not erased, and whether the reader may confirm."""

    row: UnmarkProposal
    reason: str
    may_confirm: bool


# ---- the mark --------------------------------------------------------------------------------------------------


def mark(session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str) -> Case:
    """Mark a case as sensitive, and its child cases with it; one that is so already stays as it is.

    Raises CaseNotFound, NotYourRole, ReasonMissing.
    """
    case = lock_case(session, case_id)
    decision = require(actor, Verb.mark_sensitive, case_facts(session, case, actor))
    reason = said(reason)
    if case.is_sensitive:
        return case
    act = Act.allowed(RecordKind.case_marked_sensitive, decision)
    _close(session, case, actor, now, act, {"reason": reason})
    for child_id in _below(session, case):
        child = lock_case(session, child_id)
        if not child.is_sensitive:
            _close(session, child, actor, now, act, {"reason": reason, "with": case.business_key})
    return case


def propose_unmark(session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str) -> UnmarkProposal:
    """Propose that a case is sensitive no longer. It stays so until somebody else confirms it.

    Raises CaseNotFound, NotYourRole, ReasonMissing, NotSensitive, SensitiveByProcess, SensitiveByParent, ProposedAlready.
    """
    case, decision = _to_change(session, case_id, actor)
    reason = said(reason)
    _refuse_unmarking(session, case)
    if _open_proposal(session, case) is not None:
        raise ProposedAlready(case_id=case_id)
    _note(session, case, actor, now, RecordKind.case_unmark_proposed, decision, {"reason": reason})
    proposal = UnmarkProposal(case_id=case_id, seq=case.seq, proposed_by_id=actor.person_id, proposed_at=now)
    proposal.for_person_id = decision.hat.for_id if decision.hat else None
    session.add(proposal)
    session.flush()
    return proposal


def confirm_unmark(session: Session, case_id: str, proposal_id: int, actor: Actor, now: datetime) -> Case:
    """Take the mark off as another person proposed it. Who was named on the case is so no longer; child cases keep theirs.

    Raises CaseNotFound, NotYourRole, UnmarkProposalNotFound, AnotherMustConfirm, and what forbids to propose it.
    """
    case, decision = _to_change(session, case_id, actor)
    proposal = _decided(session, case, proposal_id, actor, now, UnmarkState.CONFIRMED)
    if not is_second_person(session, actor, now, _first_act(proposal)):
        raise AnotherMustConfirm(case_id=case_id)
    _refuse_unmarking(session, case)
    case.is_sensitive = False
    session.execute(delete(CaseReader).where(CaseReader.case_id == case_id))
    _note(session, case, actor, now, RecordKind.case_unmarked_sensitive, decision, {"proposal": proposal.seq})
    return case


def withdraw_unmark(session: Session, case_id: str, proposal_id: int, actor: Actor, now: datetime) -> Case:
    """End an open proposal without taking the mark off: whoever made it or may mark does. Raises UnmarkProposalNotFound."""
    case, decision = _to_change(session, case_id, actor)
    proposal = _decided(session, case, proposal_id, actor, now, UnmarkState.WITHDRAWN)
    _note(session, case, actor, now, RecordKind.case_unmark_withdrawn, decision, {"proposal": proposal.seq})
    return case


def proposed(session: Session, case: Case, actor: Actor, now: datetime) -> ProposedUnmarking | None:
    """The open proposal to take the mark off the case, if there is one."""
    proposal = _open_proposal(session, case)
    if proposal is None:
        return None
    body = select(JournalPayload.body).where(JournalPayload.case_id == case.id, JournalPayload.seq == proposal.seq)
    why = (payload_of(session.scalar(body)) or {}).get("data") or {}
    decision = decide(actor, Verb.mark_sensitive, case_facts(session, case, actor))
    may_confirm = decision.allowed and is_second_person(session, actor, now, _first_act(proposal))
    return ProposedUnmarking(proposal, str(why.get("reason", "")), may_confirm)


def is_lasting(session: Session, case: Case) -> bool:
    """Whether the case is sensitive by its process or by the case that called it, so that nobody takes it off."""
    try:
        _refuse_unmarking(session, case)
    except (SensitiveByProcess, SensitiveByParent):
        return True
    return False


# ---- who is named on it ----------------------------------------------------------------------------------------


def readers_of(session: Session, case: Case) -> list[CaseReader]:
    """Who is named on the case, in the order in which they were."""
    query = select(CaseReader).where(CaseReader.case_id == case.id).options(joinedload(CaseReader.person))
    return list(session.scalars(query.order_by(CaseReader.at, CaseReader.person_id)))


def name_reader(session: Session, case_id: str, actor: Actor, now: datetime, *, username: str) -> Case:
    """Name somebody of the staff of the office on a sensitive case: it is open to them, too. Who is named already stays so.

    Raises CaseNotFound, NotYourRole, NotSensitive, ReaderUnknown, NamesOneself.
    """
    case, decision = _to_change(session, case_id, actor)
    person = session.scalars(select(Person).where(Person.username == normal_username(username))).one_or_none()
    if person is None or person.locked_at is not None or not _belongs(session, person, case, now):
        raise ReaderUnknown(fields={"username": ReaderUnknown.__doc__ or ""})
    if is_for_oneself(session, actor, now, person):
        raise NamesOneself(fields={"username": NamesOneself.__doc__ or ""})
    if session.get(CaseReader, (case_id, person.id)) is None:
        session.add(CaseReader(case_id=case_id, person_id=person.id, named_by=actor.username, at=now))
        _note(session, case, actor, now, RecordKind.case_reader_named, decision, {"who": person.username})
    return case


def remove_reader(session: Session, case_id: str, actor: Actor, now: datetime, *, username: str) -> Case:
    """Name a person on a sensitive case no longer; who is not named stays so. Raises as `name_reader`."""
    case, decision = _to_change(session, case_id, actor)
    named = select(CaseReader).join(CaseReader.person).where(CaseReader.case_id == case_id)
    reader = session.scalars(named.where(Person.username == normal_username(username))).one_or_none()
    if reader is not None:
        session.delete(reader)
        who = reader.person.username
        _note(session, case, actor, now, RecordKind.case_reader_removed, decision, {"who": who})
    return case


# ---- auditors say why ------------------------------------------------------------------------------------------


def sensitive_cases(session: Session, actor: Actor, *, after: str | None = None, limit: int = 50) -> Page[Case]:
    """The sensitive cases of the offices that the actor audits, by number only: what they say is not shown with it."""
    offices = offices_where(actor, Verb.say_why)
    wanted = select(Case).where(Case.is_sensitive, Case.office_id.in_(offices)).execution_options(**EVERYTHING)
    return newest_first(session, wanted, Case.business_key, after, limit)


def case_to_look_into(session: Session, case_id: str, actor: Actor) -> Case:
    """The sensitive case that the actor may open as an auditor once they have said why. Raises CaseNotFound."""
    whole = select(Case).where(Case.id == case_id, Case.is_sensitive).execution_options(**EVERYTHING)
    case = session.scalars(whole).one_or_none()
    if case is None or not decide(actor, Verb.say_why, OfficeFacts(case.office_id)).allowed:
        raise CaseNotFound(case_id=case_id)
    return case


def say_why(session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str) -> Case:
    """Record why the auditor opens the case; for some hours it is open to them. Raises CaseNotFound, ReasonMissing."""
    case = case_to_look_into(session, case_id, actor)
    record_access(session, actor, now, Read(AccessKind.case_explained, case, said(reason)))
    session.add(SensitiveOpening(case_id=case_id, person_id=actor.person_id, at=now))
    session.flush()
    return case


# ---- the inner parts -------------------------------------------------------------------------------------------


def _to_change(session: Session, case_id: str, actor: Actor) -> tuple[Case, Decision]:
    case = lock_case(session, case_id)
    decision = require(actor, Verb.mark_sensitive, case_facts(session, case, actor))
    if not case.is_sensitive:
        raise NotSensitive(case_id=case_id)
    return case, decision


def _refuse_unmarking(session: Session, case: Case) -> None:
    if compiled(session, case.definition).properties.get("sensitive") == "true":
        raise SensitiveByProcess(case_id=case.id)
    above = select(Case.id).where(Case.id == case.parent_case_id, Case.is_sensitive)
    if session.scalar(above, execution_options=EVERYTHING) is not None:
        raise SensitiveByParent(case_id=case.id)


def _open_proposal(session: Session, case: Case) -> UnmarkProposal | None:
    waiting = select(UnmarkProposal).where(UnmarkProposal.case_id == case.id)
    return session.scalars(waiting.where(UnmarkProposal.state == UnmarkState.PROPOSED)).one_or_none()


def _decided(
    session: Session, case: Case, proposal_id: int, actor: Actor, now: datetime, state: UnmarkState
) -> UnmarkProposal:
    """The open proposal, read under the case's lock and decided so."""
    proposal = _open_proposal(session, case)
    if proposal is None or proposal.id != proposal_id:
        raise UnmarkProposalNotFound
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor.username, now
    return proposal


def _first_act(proposal: UnmarkProposal) -> FirstAct:
    principal = frozenset() if proposal.for_person_id is None else frozenset({proposal.for_person_id})
    return FirstAct(proposal.proposed_by.username, proposal.proposed_at, principal)


def _close(session: Session, case: Case, actor: Actor, now: datetime, act: Act, payload: dict[str, str]) -> None:
    case.is_sensitive = True
    stepping.note(session, case, actor, now, act, payload)


def _below(session: Session, case: Case) -> Iterator[str]:
    """The children of the case, and theirs: each after the one that called it, which is locked before it."""
    for child_id in session.scalars(select(Case.id).where(Case.parent_case_id == case.id).order_by(Case.id)).all():
        yield child_id
        yield from _below(session, session.get_one(Case, child_id))


def _note(
    session: Session,
    case: Case,
    actor: Actor,
    now: datetime,
    kind: RecordKind,
    decision: Decision,
    payload: dict[str, str | int],
) -> None:
    stepping.note(session, case, actor, now, Act.allowed(kind, decision), payload)


def _belongs(session: Session, person: Person, case: Case, now: datetime) -> bool:
    """Whether the person holds a post of the office's staff today: to parties outside, auditors and administrators it stays closed."""
    hats = actor_for(session, person, local_day(now)).hats
    return any(hat.role in STAFF and hat.office_id == case.office_id for hat in hats)
