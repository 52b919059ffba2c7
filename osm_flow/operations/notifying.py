"""Telling the people behind candidates something inside the site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.deadlines import local_day
from osm_flow.operations.people import people_wearing
from osm_flow.store.models import Case, Notification, Person


def notify(
    session: Session, case: Case, candidates: str, now: datetime, *, kind: str, text_th: str, text_en: str
) -> int:
    """A notice about the case for everybody behind a comma list of candidates; how many people it reached."""
    people: dict[int, Person] = {}
    for spelled in filter(None, map(str.strip, candidates.split(","))):
        people |= {person.id: person for person in people_behind(session, spelled, case, now)}
    session.add_all(
        Notification(person_id=person_id, kind=kind, text_th=text_th, text_en=text_en, url=f"/cases/{case.id}", at=now)
        for person_id in sorted(people)
    )
    return len(people)


def people_behind(session: Session, spelled: str, case: Case, now: datetime) -> list[Person]:
    """Who is meant by one candidate, in the office of the case, today."""
    if spelled.startswith("user:"):
        named = select(Person).where(Person.username == spelled.removeprefix("user:"), Person.locked_at.is_(None))
        return list(session.scalars(named))
    role, _, province_id = spelled.partition("@")
    return people_wearing(session, role, case.office_id, local_day(now), province_id or None)
