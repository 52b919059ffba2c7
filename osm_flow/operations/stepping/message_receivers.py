"""Finding the cases that a thrown message is for: by office, fiscal year and what the message says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.store.models import Case, ProcessDefinition, WaitingMessage


def receivers(session: Session, sender: Case, name: str, data: JSON) -> Sequence[WaitingMessage]:
    """The waiting events of the sender's office that a message with these data is for, the longest waiting first.

    Its fiscal year is the one that it says, else the sender's. Those who wait in that year get it, and of them only the
    sender's family where some are of it. When nobody waits in that year, the family gets it; when nobody of the family
    does either, the nearest year, but only where the waiting process has no case in the message's own year: a
    message that came too early or too late for its case must not move the case of another year.
    """
    year = year_of(data, sender)
    waiting = _waiting(session, sender, name)
    in_year = [(message, case) for message, case in waiting if message.fiscal_year == year]
    family = [(message, case) for message, case in in_year or waiting if case.root_case_id == sender.root_case_id]
    if not (family or in_year):
        return _of_nearest_year(session, waiting, sender, year)
    return [message for message, _ in family or in_year]


def year_of(data: JSON, sender: Case) -> int:
    """The fiscal year that a message is about."""
    year = data.get("fy")
    return year if isinstance(year, int) and not isinstance(year, bool) else sender.fiscal_year


def _waiting(session: Session, sender: Case, name: str) -> list[tuple[WaitingMessage, Case]]:
    """The events of other cases that wait for the message; those of the sender took it within the step."""
    query = (
        select(WaitingMessage, Case)
        .join(Case, Case.id == WaitingMessage.case_id)
        .where(WaitingMessage.office_id == sender.office_id, WaitingMessage.message == name, Case.id != sender.id)
        .order_by(WaitingMessage.since, WaitingMessage.task_id)
    )
    return [(message, case) for message, case in session.execute(query)]


def _of_nearest_year(
    session: Session, waiting: Iterable[tuple[WaitingMessage, Case]], sender: Case, year: int
) -> list[WaitingMessage]:
    known = (
        select(ProcessDefinition.key)
        .join(Case, Case.definition_id == ProcessDefinition.id)
        .where(Case.office_id == sender.office_id, Case.fiscal_year == year)
    )
    of_that_year = set(session.scalars(known.distinct()))
    left = [message for message, case in waiting if case.definition.key not in of_that_year]
    nearest = min(
        (message.fiscal_year for message in left), key=lambda other: (abs(other - year), -other), default=None
    )
    return [message for message in left if message.fiscal_year == nearest]
