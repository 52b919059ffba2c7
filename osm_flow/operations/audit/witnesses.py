"""The witnesses: people outside the office who get every checkpoint by mail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import OfficeFacts, Verb, require
from osm_flow.domain.search import says_nothing, visible
from osm_flow.errors import Invalid, NotFound
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import Witness

_ADDRESS = re.compile(r"[^@\s,;<>\"\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,186}[A-Za-z0-9])?")


class WitnessNotAccepted(Invalid):
    """A witness has a name and one mail address."""


class WitnessKnown(Invalid):
    """This address gets the checkpoints already."""


class WitnessNotFound(NotFound):
    """There is no such witness."""


def current(session: Session) -> Sequence[Witness]:
    """The witnesses of all offices: the log is one."""
    return session.scalars(select(Witness).where(Witness.removed_at.is_(None)).order_by(Witness.id)).all()


def witnesses_of(session: Session, office_id: str, actor: Actor) -> Sequence[Witness]:
    """The present and former witnesses of the office, present ones first. Raises NotYourRole."""
    require(actor, Verb.manage_witnesses, OfficeFacts(office_id))
    wanted = select(Witness).where(Witness.office_id == office_id)
    return session.scalars(wanted.order_by(Witness.removed_at.is_not(None), Witness.id)).all()


def add_witness(session: Session, office_id: str, actor: Actor, now: datetime, *, name: str, email: str) -> Witness:
    """Have every further checkpoint mailed to this address. Raises WitnessNotAccepted, WitnessKnown, NotYourRole."""
    require(actor, Verb.manage_witnesses, OfficeFacts(office_id))
    name, email = visible(name)[:255], email.strip()
    if says_nothing(name) or not name.isprintable() or not _ADDRESS.fullmatch(email) or not email.isprintable():
        raise WitnessNotAccepted
    take(session, AdvisoryLock.witnesses, of=office_id)
    there = select(Witness.id).where(
        Witness.office_id == office_id, Witness.email == email, Witness.removed_at.is_(None)
    )
    if session.scalar(there) is not None:
        raise WitnessKnown
    witness = Witness(office_id=office_id, name=name, email=email, added_by=actor.username, added_at=now)
    session.add(witness)
    session.flush()
    return witness


def remove_witness(session: Session, witness_id: int, actor: Actor, now: datetime) -> Witness:
    """Send a witness no further checkpoints; that it was one stays known. Raises WitnessNotFound, NotYourRole."""
    witness = session.get(Witness, witness_id, with_for_update=True, populate_existing=True)
    if witness is None:
        raise WitnessNotFound
    require(actor, Verb.manage_witnesses, OfficeFacts(witness.office_id))
    if witness.removed_at is None:
        witness.removed_by, witness.removed_at = actor.username, now
        session.flush()
    return witness
