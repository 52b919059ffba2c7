"""Small makers of what tests need: offices, people with hats, deployed test diagrams, cases."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.party_answers import LETTER, PartyAnswer
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.domain.people import PositionKind
from osm_flow.notify.mail import MailChannel, Mailer
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions import deployments
from osm_flow.operations.definitions.deployments import Deployed, deploy
from osm_flow.operations.people.hats import actor_for
from osm_flow.operations.privacy.erasing import Erasure, erase_in
from osm_flow.operations.projects.acts import register
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.sweeps import Means
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, Office, Person, Position, Project, Province, WorkItem

BPMN = Path(__file__).parent / "bpmn"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
OFFICE = "NE-U1"
# A party's answer, as an operation is given it and as it is typed into a page.
ANSWER = PartyAnswer("นางสมศรี ใจดี สำนักงบประมาณ", LETTER, "นร 0701/12", date(2026, 11, 20))
SAID = {
    "party_answerer": "นางสมศรี ใจดี สำนักงบประมาณ",
    "party_channel": LETTER,
    "party_number": "นร 0701/12",
    "party_date": "20/11/2569",
}
PROVINCES = {"TH-41": "อุดรธานี", "TH-39": "หนองบัวลำภู"}


def make_office(session: Session, office_id: str = OFFICE, provinces: dict[str, str] | None = None) -> Office:
    """An office with its provinces."""
    office = Office(id=office_id, name_th="กลุ่มจังหวัดทดสอบ", name_en="Test cluster", region_th="ภาค", region_en="Region")
    session.add(office)
    for code, name in (PROVINCES if provinces is None else provinces).items():
        session.add(Province(id=code, office_id=office_id, name_th=name, name_en=code, abbr_th=name[:4]))
    session.flush()
    return office


def make_person(
    session: Session, username: str, *roles: str, office_id: str | None = OFFICE, province_id: str | None = None
) -> Actor:
    """A person who wears these roles, as an actor."""
    person = Person(username=username, display_name=f"คุณ{username}", office_id=office_id, created_at=NOW)
    session.add(person)
    session.flush()
    for role in roles:
        give_role(session, person.id, role, office_id=office_id, province_id=province_id)
    return actor_for(session, person, NOW.date())


def give_role(
    session: Session, person_id: int, role: str, *, office_id: str | None = OFFICE, province_id: str | None = None
) -> None:
    session.add(
        Position(
            person_id=person_id, office_id=office_id, province_id=province_id, role=role, valid_from=date(2026, 1, 1)
        )
    )
    session.flush()


def make_agency(session: Session, username: str, agency: str, province_id: str = "TH-41") -> Actor:
    """Somebody of an agency of the province, which is named as the projects that it owns name it."""
    person = make_person(session, username, "agency_owner", province_id=province_id)
    session.scalars(select(Position).where(Position.person_id == person.person_id)).one().title_th = agency
    return person


def make_acting(
    session: Session,
    stand_in: Actor,
    principal: Actor,
    role: str,
    *,
    kind: str = PositionKind.acting,
    office_id: str | None = OFFICE,
    province_id: str | None = None,
    valid_from: date = date(2026, 11, 1),
    valid_to: date | None = None,
) -> Actor:
    """The first person holds the second one's post for a time (or signs for them); as an actor."""
    position = Position(
        person_id=stand_in.person_id,
        for_person_id=principal.person_id,
        office_id=office_id,
        province_id=province_id,
        role=role,
        kind=kind,
        letter="คำสั่งที่ 1/2570",
        valid_from=valid_from,
        valid_to=valid_to,
    )
    session.add(position)
    session.flush()
    return actor_for(session, session.get_one(Person, stand_in.person_id), NOW.date())


def files(*names: str) -> dict[str, bytes]:
    """Test diagrams by key, with every test form."""
    found = {f"{name}.bpmn": (BPMN / f"{name}.bpmn").read_bytes() for name in names}
    return found | {path.name: path.read_bytes() for path in BPMN.glob("*.yaml")}


def deploy_tests(session: Session, *names: str, now: datetime = NOW) -> Deployed:
    return deploy(session, files(*names), SYSTEM, now)


def deploy_unrecorded(session: Session, *names: str) -> Deployed:
    """As an earlier version deployed: nothing but the journals of cases goes into the audit log."""
    with patch.object(deployments, "record"):
        return deploy_tests(session, *names)


def make_case(
    session: Session,
    key: str = "review",
    actor: Actor = SYSTEM,
    *,
    now: datetime = NOW,
    data: JSON | None = None,
    title: str = "แผนพัฒนากลุ่มจังหวัด",
    fiscal_year: int = 2571,
    office_id: str = OFFICE,
) -> Case:
    """A case of a deployed test diagram, just begun."""
    return start_case(session, key, actor, now, CaseStart(office_id, fiscal_year, title, data or {}))


def make_project(
    session: Session, code: str, *, office_id: str = OFFICE, fiscal_year: int = 2571, **changes: Any
) -> Project:
    """A project in the register of the usual office and year, signed and with nothing spent; `changes` are of its record."""
    values: JSON = {
        "name": f"โครงการ {code}",
        "agency": "แขวงทางหลวง",
        "province": "TH-41",
        "budget_type": "capital",
        "requested": 1000,
        "state": "signed",
        **changes,
    }
    act = BookAct(BookActKind.imported, {"import": "test"})
    register(session, book_of(office_id, fiscal_year), act, SYSTEM, NOW, {code: values})
    return session.scalars(select(Project).where(Project.code == code)).one()


def items_of(session: Session, case: Case, *states: str) -> list[WorkItem]:
    """The work items of a case in these states (open ones), oldest first."""
    wanted: Iterable[str] = states or ("READY", "CLAIMED")
    query = select(WorkItem).where(WorkItem.case_id == case.id, WorkItem.state.in_(tuple(wanted)))
    return list(session.scalars(query.order_by(WorkItem.opened_at, WorkItem.id)))


def complete_first(session: Session, case: Case, actor: Actor, at: datetime = NOW, **values: Any) -> str:
    """Complete the oldest open work item of the case with these values; its id."""
    item = items_of(session, case)[0]
    complete(session, item.id, actor, at, Completion.of(values))
    return item.id


def erase(
    session: Session, case_id: str, numbers: Collection[int], actor: Actor, now: datetime, *, reason: str
) -> None:
    """Erase the payloads of these records of the case."""
    erase_in(session, session.get_one(Case, case_id), actor, now, Erasure(numbers, reason))


def later(minutes: float = 1) -> datetime:
    return NOW + timedelta(minutes=minutes)


def by_mail(mailer: Mailer) -> Means:
    """What sweeps need to send mail by this mailer."""
    return Means((MailChannel(mailer),))
