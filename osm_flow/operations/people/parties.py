"""Parties outside who were asked by a work item: their people are told what the office wrote down for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from osm_flow.domain.access.roles import PROVINCIAL, role_name
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.operations.people.hats import people_wearing
from osm_flow.store.models import Notification, Person, Province, WorkItem

ANSWER_RECORDED = "answer_recorded"


def name_of_party(session: Session, spelled: str) -> str:
    """What a party is called in Thai, spelled as diagrams do: a province by its name, others by role and province."""
    role, _, province_id = spelled.partition("@")
    province = session.get(Province, province_id) if province_id else None
    where = f"จังหวัด{province.name_th}" if province else ""
    return where if where and role in PROVINCIAL else " ".join(filter(None, (role_name(role), where)))


def tell_party(session: Session, item: WorkItem, now: datetime) -> int:
    """A notice for everybody of the party, and for who had the work item, that its answer was written down; how many."""
    today = local_day(now)
    people: dict[int, Person] = {one.id: one for one in (item.assignee, item.owner) if one is not None}
    for candidate in item.candidates:
        wearing = people_wearing(session, candidate.role or "", item.office_id, today, candidate.province_id)
        people |= {person.id: person for person in wearing}
    name_en = item.name_en or item.name_th
    text_th = f"สำนักงานบันทึกคำตอบของหน่วยงานท่านในงาน {item.name_th} ({item.case.title}) แล้ว โปรดตรวจว่าถูกต้อง"
    text_en = (
        f"The office wrote down your party's answer to {name_en} ({item.case.title}). Please check that it is right."
    )
    url = f"/work-items/{item.id}"
    session.add_all(
        Notification(
            person_id=id_, kind=ANSWER_RECORDED, text_th=text_th, text_en=text_en, url=url, case_id=item.case_id, at=now
        )
        for id_ in sorted(people)
    )
    return len(people)
