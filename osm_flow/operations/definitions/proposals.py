"""New versions of processes, proposed by an office and published for all by somebody else who looks after the system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from sqlalchemy import ColumnElement, Select, or_, select, true
from sqlalchemy.orm import Session, undefer

from osm_flow import engine
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    SystemFacts,
    Verb,
    decide,
    is_everywhere,
    offices_where,
    place,
    require,
    require_somewhere,
)
from osm_flow.domain.pages import Page
from osm_flow.domain.states import ProposalState
from osm_flow.engine import Process
from osm_flow.errors import Invalid, NotFound, Refused
from osm_flow.operations.definitions.deployments import Deployed, Examined, Prepared, Proposed, examine, publish
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.paging import newest_first
from osm_flow.operations.reasons import said
from osm_flow.store.models import DiagramProposal, ProposedFile
from osm_flow.store.second_persons import FirstAct, is_by, is_second_person


class ProposalNotFound(NotFound):
    """There is no such proposal."""


class NothingChanges(Invalid):
    """These files are the same as the newest versions already."""


class ProposalDecided(Refused):
    """This proposal is published, refused or withdrawn already."""


def propose(
    session: Session,
    files: Mapping[str, bytes],
    actor: Actor,
    now: datetime,
    *,
    office_id: str | None,
    note: str = "",
) -> DiagramProposal:
    """Keep the files until another person publishes them. `office_id` None: proposed for the system.

    Raises Forbidden, NothingChanges, and what a deployment of these files would raise.
    """
    require(actor, Verb.propose_diagrams, place(office_id))
    if not examine(session, files).changed:
        raise NothingChanges
    proposal = DiagramProposal(
        office_id=office_id,
        proposed_by=actor.username,
        proposed_at=now,
        note=note.strip(),
        state=ProposalState.PROPOSED,
        files=[ProposedFile(name=name, content=content) for name, content in sorted(files.items())],
    )
    session.add(proposal)
    session.flush()
    new = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
    act = AdminAct(AdminKind.definitions_proposed, _named(proposal), office_id, new=new, told={"note": proposal.note})
    record(session, actor, now, act)
    return proposal


def publish_proposal(session: Session, proposal_id: int, actor: Actor, now: datetime) -> Deployed:
    """Make what another person proposed the newest version for every office.

    Raises Forbidden, TwoPeopleNeeded, ProposalDecided, ProposalNotFound, and what a deployment raises, since what was
    right when it was proposed may be wrong by now.
    """
    proposal = _to_decide(session, proposal_id, actor)
    proposed = Proposed(proposal.id, proposal.proposed_by, proposal.proposed_at, proposal.office_id, proposal.note)
    deployed = publish(session, files_of(session, proposal), actor, now, proposed)
    if deployed.deployment is None:
        raise NothingChanges
    proposal.deployment_id = deployed.deployment.id
    _decide(proposal, ProposalState.PUBLISHED, actor, now)
    session.flush()
    return deployed


def refuse_proposal(session: Session, proposal_id: int, actor: Actor, now: datetime, *, reason: str) -> DiagramProposal:
    """Say why a proposal is not published; of whoever proposed it, that they take it back.

    Raises Forbidden, ReasonMissing, ProposalDecided, ProposalNotFound.
    """
    proposal = _to_decide(session, proposal_id, actor)
    taken_back = is_own(proposal, actor)
    if taken_back:
        hat = decide(actor, Verb.propose_diagrams, place(proposal.office_id)).hat
    else:
        hat = require(actor, Verb.deploy, SystemFacts()).hat
    proposal.reason = said(reason)
    state = ProposalState.WITHDRAWN if taken_back else ProposalState.REFUSED
    _decide(proposal, state, actor, now)
    session.flush()
    told = {"reason": proposal.reason, "proposed_by": proposal.proposed_by}
    old, new = {"state": ProposalState.PROPOSED.value}, {"state": state.value}
    act = AdminAct(
        AdminKind.definitions_refused, _named(proposal), proposal.office_id, old=old, new=new, told=told, hat=hat
    )
    record(session, actor, now, act)
    return proposal


def list_proposals(
    session: Session, actor: Actor, *, is_open: bool | None = None, after: str | None = None, limit: int = 50
) -> Page[DiagramProposal]:
    """The proposals of the offices where the actor may propose, or of all for whoever publishes, newest first.

    Raises NotYourRole.
    """
    require_somewhere(actor, Verb.propose_diagrams)
    return newest_first(session, _reached(actor, is_open=is_open), DiagramProposal.id, after, limit)


def count_open(session: Session, actor: Actor, now: datetime) -> int:
    """How many proposals wait for whoever may publish them: 0 for everybody else."""
    if not is_everywhere(actor, Verb.deploy):
        return 0
    waiting = session.scalars(_reached(actor, is_open=True)).all()
    return sum(is_second_person(session, actor, now, _first_act(proposal)) for proposal in waiting)


def get_proposal(session: Session, proposal_id: int, actor: Actor) -> DiagramProposal:
    """Raises ProposalNotFound for another office's, too, and NotYourRole."""
    require_somewhere(actor, Verb.propose_diagrams)
    found = session.scalars(_reached(actor).where(DiagramProposal.id == proposal_id)).one_or_none()
    if found is None:
        raise ProposalNotFound
    return found


def files_of(session: Session, proposal: DiagramProposal) -> dict[str, bytes]:
    """The files of a proposal, by name."""
    query = select(ProposedFile).where(ProposedFile.proposal_id == proposal.id).options(undefer(ProposedFile.content))
    return {file.name: file.content for file in session.scalars(query.order_by(ProposedFile.name))}


def examined(session: Session, proposal: DiagramProposal) -> Examined:
    """What publishing the proposal would change now. Raises DefinitionRefused when it has become wrong."""
    return examine(session, files_of(session, proposal))


def process_of(prepared: Prepared) -> Process:
    """A process as it would run once it is published."""
    return engine.compile_process(prepared.key, prepared.xml, prepared.forms, prepared.decisions)


def may_publish(session: Session, proposal: DiagramProposal, actor: Actor, now: datetime) -> bool:
    """Whether the actor is the second person whom this proposal needs."""
    return is_everywhere(actor, Verb.deploy) and is_second_person(session, actor, now, _first_act(proposal))


def is_own(proposal: DiagramProposal, actor: Actor) -> bool:
    """Whether the actor proposed it, in whichever of their accounts, so that they may take it back."""
    return is_by(actor, _first_act(proposal))


# ---- the inner parts -------------------------------------------------------------------------------------------


def _first_act(proposal: DiagramProposal) -> FirstAct:
    return FirstAct(proposal.proposed_by, proposal.proposed_at)


def _named(proposal: DiagramProposal) -> str:
    return f"proposal {proposal.id}"


def _reached(actor: Actor, *, is_open: bool | None = None) -> Select[DiagramProposal]:
    query = select(DiagramProposal).where(_theirs(actor))
    if is_open is not None:
        proposed = DiagramProposal.state == ProposalState.PROPOSED
        query = query.where(proposed if is_open else ~proposed)
    return query


def _theirs(actor: Actor) -> ColumnElement[bool]:
    if is_everywhere(actor, Verb.propose_diagrams):
        return true()
    offices = offices_where(actor, Verb.propose_diagrams)
    return or_(DiagramProposal.office_id.in_(offices), DiagramProposal.proposed_by.in_(actor.usernames))


def _to_decide(session: Session, proposal_id: int, actor: Actor) -> DiagramProposal:
    """The proposal as it is now, held until the end of the transaction."""
    proposal = get_proposal(session, proposal_id, actor)
    session.refresh(proposal, with_for_update=True)
    if proposal.state != ProposalState.PROPOSED:
        raise ProposalDecided
    return proposal


def _decide(proposal: DiagramProposal, state: ProposalState, actor: Actor, now: datetime) -> None:
    proposal.state, proposal.decided_by, proposal.decided_at = state, actor.username, now
