"""Telling the people behind candidates something inside the site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.policy import Verb, decide, is_open_to, takes_part
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.operations.people.absence import Absences, absences_in
from osm_flow.operations.people.hats import actor_for, people_wearing
from osm_flow.operations.policy_facts import case_facts
from osm_flow.store.models import Case, Notification, Person


def notify(
    session: Session, case: Case, candidates: str, now: datetime, *, kind: str, text_th: str, text_en: str
) -> int:
    """A notice about the case for everybody behind a comma list of candidates; how many people it reached."""
    absences = absences_in(session, case.office_id, local_day(now))
    people: dict[int, Person] = {}
    for spelled in filter(None, map(str.strip, candidates.split(","))):
        people |= {person.id: person for person in people_behind(session, spelled, case, absences, now)}
    told = [person for _, person in sorted(people.items()) if may_be_told(session, case, person, now)]
    for person in told:
        notice = Notification(person_id=person.id, kind=kind, text_th=text_th, text_en=text_en, at=now)
        notice.url, notice.case_id = _where(session, case, person, now), case.id
        session.add(notice)
    return len(told)


def may_be_told(session: Session, case: Case, person: Person, now: datetime) -> bool:
    """Whether the person may read of the case at all: of a sensitive one, only whom it is open to."""
    if not case.is_sensitive:
        return True
    actor = actor_for(session, person, local_day(now))
    return is_open_to(actor, case_facts(session, case, actor))


def _where(session: Session, case: Case, person: Person, now: datetime) -> str:
    """What the notice leads to: the case, or the inbox of whoever sees of it no more than their own work items."""
    reader = actor_for(session, person, local_day(now))
    sees = decide(reader, Verb.see_case, case_facts(session, case, reader)).allowed
    return f"/cases/{case.id}" if sees else "/inbox?view=groups"


def people_behind(session: Session, spelled: str, case: Case, absences: Absences, now: datetime) -> list[Person]:
    """Who is meant by one candidate, in the office of the case, today; for whoever is away their stand-ins.

    Whoever stands in for a person named must be able to see the case or take part in it; of a role it is who holds it too.
    """
    today = local_day(now)
    if not spelled.startswith("user:"):
        role, _, province_id = spelled.partition("@")
        return absences.among(people_wearing(session, role, case.office_id, today, province_id or None))

    def may(stand_in: Person) -> bool:
        actor = actor_for(session, stand_in, today)
        facts = case_facts(session, case, actor)
        return decide(actor, Verb.see_case, facts).allowed or takes_part(actor, facts)

    named = select(Person).where(Person.username == spelled.removeprefix("user:"))
    return absences.instead_of(session.scalars(named), may)
