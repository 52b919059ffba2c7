"""Asking that rows be put back as the chains record them, naming the tables and why; another administrator confirms it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import RULES, SystemFacts, Verb, require
from osm_flow.domain.states import RebuildingState
from osm_flow.errors import Forbidden, NotFound, Refused
from osm_flow.operations.comparing.administration import compare_administration
from osm_flow.operations.comparing.checks import NotCompared
from osm_flow.operations.comparing.coverage import COMPARED
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, changes_of, record
from osm_flow.operations.reasons import said
from osm_flow.store.models import AdminRecord, Person, Position, Rebuilding
from osm_flow.store.second_persons import FirstAct, is_second_person

_STEPS = (
    AdminKind.rebuilding_asked,
    AdminKind.rebuilding_confirmed,
    AdminKind.rebuilding_withdrawn,
    AdminKind.rebuilding_done,
)
# What gives the power to put rows back, and what of a post gives none.
_POWERS = RULES[Verb.rebuild_tables].roles
_HARMLESS = frozenset({"title_th", "title_en", "letter"})
_OPEN = (RebuildingState.ASKED, RebuildingState.CONFIRMED)


class RebuildingNotFound(NotFound):
    """There is no such request to put rows back."""


class RebuildingDecided(Refused):
    """This request to put rows back was confirmed, done or withdrawn already."""


class NotConfirmed(Refused):
    """This request to put rows back waits for another administrator to confirm it."""


class AnotherAdministratorNeeded(Forbidden):
    """Another administrator must confirm this: you asked for it, or one of you acts for the other."""


class RequestDoubtful(Refused):
    """This request is not what the records of administration tell of it. Nothing is done; find out who changed it."""


class PowerDoubtful(Forbidden):
    """An account or a post of those who asked for this or confirm it is not as it was recorded. Somebody else has to."""


class PersonNeeded(Forbidden):
    """Putting rows back is asked for and confirmed by two people, never by the program itself."""


def ask(session: Session, actor: Actor, now: datetime, *, tables: Collection[str], reason: str) -> Rebuilding:
    """Ask that the rows of these tables be put back, or of all that are compared where none is named.

    Raises Forbidden, ReasonMissing, NotCompared.
    """
    _require(actor)
    for table in tables:
        if table not in COMPARED:
            raise NotCompared(table=table, tables=", ".join(COMPARED))
    wanted = [name for name in COMPARED if name in tables or not tables]
    why = said(reason)
    request = Rebuilding(
        tables="\n".join(wanted), reason=why, state=RebuildingState.ASKED, asked_by=actor.username, asked_at=now
    )
    session.add(request)
    session.flush()
    new = {"state": RebuildingState.ASKED.value, "tables": ", ".join(wanted), "reason": why}
    record(session, actor, now, AdminAct(AdminKind.rebuilding_asked, named(request.id), new=new))
    return request


def confirm(session: Session, request_id: int, actor: Actor, now: datetime) -> Rebuilding:
    """Let what another person asked for be carried out. Raises Forbidden, RebuildingNotFound, RebuildingDecided."""
    _require(actor)
    request = _held(session, request_id, RebuildingState.ASKED)
    _require_recorded(session, request)
    _require_known(session, {request.asked_by, actor.username})
    if not is_second_person(session, actor, now, FirstAct(request.asked_by, request.asked_at)):
        raise AnotherAdministratorNeeded
    _decide(session, request, actor, now, RebuildingState.CONFIRMED, AdminKind.rebuilding_confirmed)
    return request


def withdraw(session: Session, request_id: int, actor: Actor, now: datetime) -> Rebuilding:
    """End a request that nobody confirmed; any administrator of all offices may. Raises as `confirm`."""
    _require(actor)
    request = _held(session, request_id, RebuildingState.ASKED)
    _decide(session, request, actor, now, RebuildingState.WITHDRAWN, AdminKind.rebuilding_withdrawn)
    return request


def to_carry_out(session: Session, request_id: int, actor: Actor) -> Rebuilding:
    """A request that two people agreed on and that is not done yet. Raises Forbidden and what says why it is none."""
    _require(actor)
    request = get(session, request_id)
    if request.state == RebuildingState.ASKED:
        raise NotConfirmed
    if request.state != RebuildingState.CONFIRMED:
        raise RebuildingDecided
    _require_recorded(session, request)
    return request


def finish(session: Session, request_id: int, actor: Actor, now: datetime, *, put_back: int, left: int) -> None:
    """Say that a request is carried out: how many rows were put back in this round, how many could not be."""
    request = session.get(Rebuilding, request_id, with_for_update=True, populate_existing=True)
    if request is None or request.state != RebuildingState.CONFIRMED:
        return  # somebody who carried it out beside us said so already
    request.state, request.done_at = RebuildingState.DONE, now
    old, new = {"state": RebuildingState.CONFIRMED.value}, {"state": RebuildingState.DONE.value}
    told = {"put_back": put_back, "left": left}
    record(session, actor, now, AdminAct(AdminKind.rebuilding_done, named(request.id), old=old, new=new, told=told))


def get(session: Session, request_id: int) -> Rebuilding:
    """The request. Raises RebuildingNotFound."""
    request = session.get(Rebuilding, request_id)
    if request is None:
        raise RebuildingNotFound
    return request


def open_requests(session: Session, actor: Actor) -> list[Rebuilding]:
    """The requests that wait for a second person or to be carried out, oldest first. Raises Forbidden."""
    require(actor, Verb.rebuild_tables, SystemFacts())
    return list(session.scalars(select(Rebuilding).where(Rebuilding.state.in_(_OPEN)).order_by(Rebuilding.id)))


def tables_of(request: Rebuilding) -> frozenset[str]:
    """The tables whose rows are to be put back."""
    return frozenset(request.tables.split("\n"))


def named(request_id: int) -> str:
    """How records call the request."""
    return f"rebuilding {request_id}"


def _require_recorded(session: Session, request: Rebuilding) -> None:
    """Raise RequestDoubtful where the row says otherwise than its records: who asked, for what, why, and who confirmed it."""
    of_request = (AdminRecord.subject == named(request.id), AdminRecord.kind.in_(_STEPS))
    records = session.scalars(select(AdminRecord).where(*of_request).order_by(AdminRecord.seq)).all()
    steps = [one.kind for one in records]
    confirmed = request.state == RebuildingState.CONFIRMED
    if steps != [AdminKind.rebuilding_asked, *([AdminKind.rebuilding_confirmed] if confirmed else [])]:
        raise RequestDoubtful
    asked = {name: change["new"] for name, change in changes_of(records[0]).items()}
    said = (request.asked_by, request.tables.replace("\n", ", "), request.reason)
    if said != (records[0].actor, asked.get("tables"), asked.get("reason")):
        raise RequestDoubtful
    decided = [] if request.decided_by is None else [request.decided_by]
    if decided != [one.actor for one in records[1:]]:
        raise RequestDoubtful


def _require_known(session: Session, usernames: Collection[str]) -> None:
    """Raise PowerDoubtful where somebody of these has no post for it that is as it was recorded."""
    holding = select(Person.username, Position.id).join(Person, Person.id == Position.person_id)
    powers = session.execute(holding.where(Position.role.in_(_POWERS), Position.office_id.is_(None))).all()
    compared = compare_administration(session, lambda _: None)
    doubtful = {one.row for one in compared if one.table == "positions" and one.column not in _HARMLESS}
    for account in usernames:
        mine = [str(position_id) for username, position_id in powers if username == account]
        if mine and doubtful.issuperset(mine):
            raise PowerDoubtful


def _require(actor: Actor) -> None:
    require(actor, Verb.rebuild_tables, SystemFacts())
    if actor.is_system:
        raise PersonNeeded


def _held(session: Session, request_id: int, state: RebuildingState) -> Rebuilding:
    request = session.get(Rebuilding, request_id, with_for_update=True, populate_existing=True)
    if request is None:
        raise RebuildingNotFound
    if request.state != state:
        raise RebuildingDecided
    return request


def _decide(
    session: Session, request: Rebuilding, actor: Actor, now: datetime, state: RebuildingState, kind: AdminKind
) -> None:
    old, new = {"state": request.state}, {"state": state.value}
    request.state, request.decided_by, request.decided_at = state, actor.username, now
    session.flush()
    told = {"asked_by": request.asked_by, "tables": request.tables.replace("\n", ", ")}
    record(session, actor, now, AdminAct(kind, named(request.id), old=old, new=new, told=told))
