"""Correcting projects: who may, what waits for whom, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    AGENCIES,
    RULES,
    Decision,
    RecordFacts,
    Verb,
    decide,
    offices_where,
    reads_whole_office,
    require,
)
from osm_flow.domain.books.schema import ValueUnfit
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.thai_order import thai_order
from osm_flow.errors import NotFound
from osm_flow.operations.books import corrections
from osm_flow.operations.books.corrections import Corrected, NewCorrection, Proposal
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.people.hats import actor_for, people_wearing
from osm_flow.operations.projects.queries import ProjectNotFound, get_project
from osm_flow.operations.projects.record_type import KIND, book_of
from osm_flow.store.models import Correction, Notification, Person, Project, Province

# Nobody works through more at once; the register says it anew when these are decided.
_MOST_TO_CONFIRM = 50


@dataclass(frozen=True)
class WaitingCorrection:
    """A correction that waits: whether it can still be confirmed, and what the actor may do with it.

    who_may  what those are called who may confirm it today; None for who does not read the whole office.
    """

    proposal: Proposal
    is_outdated: bool
    may_confirm: bool
    may_withdraw: bool
    who_may: Sequence[str] | None


def correct(session: Session, code: str, actor: Actor, now: datetime, new: NewCorrection) -> Corrected:
    """Correct fields of a project, at once or by a proposal; what an agency corrects always waits for the office.

    Raises ProjectNotFound, NotYourRole and what `books` refuses.
    """
    project = get_project(session, code, actor)
    decision = _asked(project, actor, Verb.correct_record)
    province = new.fields.get("province")
    if province is not None and _office_of(session, province) != project.office_id:
        raise ValueUnfit(field="province")
    new = replace(new, always_waits=always_waits(project, actor))
    corrected = corrections.correct(session, _book(project), actor, now, code, new, decision)
    if corrected.waits:
        _tell(session, project, actor, now)
    return corrected


def require_correcting(session: Session, code: str, actor: Actor) -> Project:
    """The project. Raises ProjectNotFound, NotYourRole where the policy does not let the actor correct it."""
    project = get_project(session, code, actor)
    _asked(project, actor, Verb.correct_record)
    return project


def may_correct(project: Project, actor: Actor) -> bool:
    """Whether the policy lets the actor correct the project."""
    return decide(actor, Verb.correct_record, _facts(project)).allowed


def always_waits(project: Project, actor: Actor) -> bool:
    """Whether whatever this actor corrects waits for a second person: they speak for an agency outside the office."""
    return decide(actor, Verb.correct_record, _facts(project)).role in AGENCIES


def waiting(session: Session, project: Project, actor: Actor, now: datetime) -> WaitingCorrection | None:
    """The correction of the project that waits, for who may read what nobody has confirmed: the office, and who corrects."""
    found = corrections.waiting(session, KIND, project.code) if _reads_proposals(project, actor) else None
    if found is None:
        return None
    may = decide(actor, Verb.confirm_record, _facts(project)).allowed
    newest = newest_of(session, KIND, [project.code])[project.code]
    return WaitingCorrection(
        proposal=found,
        is_outdated=found.is_outdated(newest),
        may_confirm=may and corrections.may_confirm(session, found, actor, now),
        may_withdraw=may or corrections.is_own(session, found, actor),
        who_may=_who_may(session, project, found, now) if reads_whole_office(actor, project.office_id) else None,
    )


def withdrawn(session: Session, project: Project, actor: Actor) -> list[Proposal]:
    """The corrections of the project that were taken back, newest first, for who may read what nobody confirmed."""
    if not _reads_proposals(project, actor):
        return []
    return [one for one in corrections.decided(session, KIND, project.code) if one.is_withdrawn]


def to_confirm(session: Session, actor: Actor, now: datetime) -> list[Project]:
    """The projects of which a correction waits that the actor may confirm as the second person, by their codes."""
    offices = offices_where(actor, Verb.confirm_record)
    if not offices:
        return []
    waits = select(Correction.record_id).where(Correction.kind == KIND, Correction.decided_seq.is_(None))
    query = select(Project).where(Project.code.in_(waits), Project.office_id.in_(offices)).order_by(Project.code)
    projects = {project.code: project for project in session.scalars(query.limit(_MOST_TO_CONFIRM))}
    found = corrections.waiting_of(session, KIND, list(projects)) if projects else {}
    return [
        project
        for code, project in projects.items()
        if code in found and _is_second(session, project, found[code], actor, now)
    ]


def confirm(session: Session, code: str, seq: int, actor: Actor, now: datetime) -> None:
    """Carry out a correction that somebody else proposed. Raises ProjectNotFound, NotYourRole and what `books` refuses."""
    project = get_project(session, code, actor)
    decision = _asked(project, actor, Verb.confirm_record)
    corrections.confirm(session, _book(project), seq, actor, now, code, decision)


def withdraw(session: Session, code: str, seq: int, actor: Actor, now: datetime, *, reason: str = "") -> None:
    """Take back a correction that waits: one's own, or as who may confirm it. Raises as `confirm`."""
    project = get_project(session, code, actor)
    found = corrections.find(session, _book(project), seq, code)
    if corrections.is_own(session, found, actor):
        # Even when the post in which they proposed it is over.
        decision = decide(actor, Verb.correct_record, _facts(project))
    else:
        decision = _asked(project, actor, Verb.confirm_record)
    corrections.withdraw(session, _book(project), seq, actor, now, reason, decision)


def _office_of(session: Session, province: str) -> str | None:
    return session.scalar(select(Province.office_id).where(Province.id == province))


def _tell(session: Session, project: Project, actor: Actor, now: datetime) -> None:
    """A notice for each person who may confirm today what was just proposed."""
    proposal = corrections.waiting(session, KIND, project.code)
    for person in _second_persons(session, project, proposal, now) if proposal else ():
        session.add(
            Notification(
                person_id=person.id,
                kind="correction",
                text_th=f"{actor.name} เสนอแก้ไขข้อมูล {project.name_th} รอท่านตรวจและยืนยัน",
                text_en=f"{actor.name} proposed to correct {project.name_th}: it waits for you to confirm it",
                url=f"/projects/{project.code}",
                at=now,
            )
        )
    session.flush()


def _who_may(session: Session, project: Project, proposal: Proposal, now: datetime) -> list[str]:
    """What those people are called who may confirm the correction today, each once."""
    found = (person.display_name for person in _second_persons(session, project, proposal, now))
    return sorted(found, key=thai_order)


def _second_persons(session: Session, project: Project, proposal: Proposal, now: datetime) -> list[Person]:
    """Who may confirm the correction today, each once."""
    day, roles = local_day(now), sorted(RULES[Verb.confirm_record].roles)
    people = {person.id: person for role in roles for person in people_wearing(session, role, project.office_id, day)}
    return [
        person
        for _, person in sorted(people.items())
        if _is_second(session, project, proposal, actor_for(session, person, day), now)
    ]


def _is_second(session: Session, project: Project, proposal: Proposal, actor: Actor, now: datetime) -> bool:
    may = decide(actor, Verb.confirm_record, _facts(project)).allowed
    return may and corrections.may_confirm(session, proposal, actor, now)


def _reads_proposals(project: Project, actor: Actor) -> bool:
    return reads_whole_office(actor, project.office_id) or may_correct(project, actor)


def _asked(project: Project, actor: Actor, verb: Verb) -> Decision:
    try:
        return require(actor, verb, _facts(project))
    except NotFound as error:
        raise ProjectNotFound from error


def _facts(project: Project) -> RecordFacts:
    return RecordFacts(project.office_id, project.province_id, project.agency_th)


def _book(project: Project) -> BookName:
    return book_of(project.office_id, project.fiscal_year)
