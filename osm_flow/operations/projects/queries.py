"""What pages ask about projects: the register, and one project with its whole life."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.orm import Session, contains_eager, joinedload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import AGENCIES, RecordFacts, Verb, decide, reads_whole_office, require
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.thai_dates import thai_date
from osm_flow.domain.json import JSON
from osm_flow.domain.pages import Page
from osm_flow.domain.search import asked, searchable
from osm_flow.domain.states import OPEN_WORK_ITEM
from osm_flow.errors import NotFound
from osm_flow.operations.books.versions import RecordVersion, origins, versions_of
from osm_flow.operations.cases.acts import visible
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.paging import Keyset
from osm_flow.operations.projects.record_type import KIND, project_type
from osm_flow.store.models import Case, Office, Project, Province, WorkItem
from osm_flow.store.unit_of_work import ReadOnce

_KEYS = {
    "code": Keyset((Project.fiscal_year, True, False), (Project.code, False, False)),
    "name": Keyset((Project.name_th, False, False), (Project.code, False, False)),
}

_READ_OFFICES: ReadOnce[None, frozenset[str]] = ReadOnce()


class ProjectNotFound(NotFound):
    """There is no project with this code here."""

    is_told_alike = True


class VersionUnknown(NotFound):
    """This project has no version {number}."""


class ProjectLater(NotFound):
    """The register has said nothing of this project before {begins}."""


@dataclass(frozen=True)
class ProjectFilter:
    """Which projects a list shows; None stands for all."""

    text: str | None = None
    fiscal_year: int | None = None
    state: str | None = None
    province_id: str | None = None
    colour: str | None = None
    sort: str = "code"


@dataclass(frozen=True)
class ContactSaid:
    """What a page says of who answers for a project without naming them: whether the newest version does, or did once.

    is_erased  whether it did, and that was erased by law.
    may_see    whether the actor may have it shown, which is recorded.
    """

    is_there: bool
    is_erased: bool
    may_see: bool


@dataclass(frozen=True)
class ProjectLife:
    """One project whole: what it says now or said then, its versions, where each value comes from, and what is open.

    `cases` are those that the actor may see of those that changed it or had work about it; `open_work` is what waits about it.
    What names a person is left out of all versions: see `contact_of`.
    """

    project: Project
    version: RecordVersion
    versions: Sequence[RecordVersion]
    origins: dict[str, RecordVersion]
    cases: Sequence[Case]
    open_work: Sequence[WorkItem]
    is_newest: bool
    contact: ContactSaid

    @property
    def values(self) -> JSON:
        """What the record says in this version."""
        return self.version.values


def list_projects(
    session: Session, actor: Actor, wanted: ProjectFilter, *, after: str | None = None, limit: int = 50
) -> Page[Project]:
    """A page of the projects that the actor may see. Raises PageKeyUnreadable."""
    query = wanted_projects(session, actor, wanted)
    keyset = _KEYS.get(wanted.sort, _KEYS["code"])

    def sorted_by(project: Project) -> list[str | int]:
        return _sorted_by(project, wanted.sort)

    if wanted.text and not after:
        return keyset.first_page(session, query, Project.id, sorted_by, limit)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    items, following = keyset.page(session, query, sorted_by, after, limit)
    return Page(items, following, total)


def export(session: Session, actor: Actor, now: datetime, wanted: ProjectFilter, *, reason: str, details: str) -> int:
    """Record that the actor takes out what the filter wants, and why; how many projects. Raises ExportReasonMissing."""
    total = session.scalar(select(func.count()).select_from(wanted_projects(session, actor, wanted).subquery())) or 0
    record_access(
        session, actor, now, Read(AccessKind.list_exported, f"/projects {total} lines", reason, details=details)
    )
    return total


def all_projects(session: Session, actor: Actor, wanted: ProjectFilter) -> Iterator[Project]:
    """Every project that the filter wants, in its order, a few hundred at a time in memory."""
    keyset = _KEYS.get(wanted.sort, _KEYS["code"])
    query = wanted_projects(session, actor, wanted).order_by(*keyset.order())
    yield from session.scalars(query.execution_options(yield_per=500))


def provinces_seen(session: Session, actor: Actor) -> list[str]:
    """The provinces of the projects that the actor may see, by their codes."""
    # Each province is looked up, which finds one project; the projects themselves are not all read.
    there = exists().where(Project.province_id == Province.id, seen_projects(session, actor))
    return list(session.scalars(select(Province.id).where(there).order_by(Province.id)))


def wanted_projects(session: Session, actor: Actor, wanted: ProjectFilter) -> Select[Project]:
    """The projects that the filter wants of those that the actor may see."""
    query = select(Project).where(seen_projects(session, actor))
    same = {
        Project.fiscal_year: wanted.fiscal_year,
        Project.state: wanted.state,
        Project.province_id: wanted.province_id,
        Project.colour: wanted.colour,
    }
    query = query.where(*(column == value for column, value in same.items() if value))
    for word in (wanted.text or "").split():
        spelled = asked(word)
        if spelled:
            query = query.where(or_(*(_has(session, text) for text in spelled)))
    return query


def _has(session: Session, text: str) -> ColumnElement[bool]:
    """That the text stands in what a project is found by. LIKE says the same, and takes PostgreSQL nearly twice as long."""
    if session.get_bind().dialect.name == "postgresql":
        return func.strpos(Project.search, text) > 0
    return Project.search.contains(text, autoescape=True)


def seen_projects(session: Session, actor: Actor) -> ColumnElement[bool]:
    """Whose projects the actor may read: of whole offices, of their province, of the agency for which they speak; no others."""
    whole = [office for office in actor.office_ids if reads_whole_office(actor, office)]
    # Who reads all offices is not asked of which one each project is: the lists are then read in their order.
    if len(whole) > 1 and _every_office(session) <= set(whole):
        return true()
    return or_(
        Project.office_id.in_(whole),
        *(_within(actor, hat, Project.province_id == hat.province_id) for hat in actor.hats if _is_of_province(hat)),
        *(
            _within(
                actor,
                hat,
                (Project.province_id == hat.province_id) & (Project.agency_key == searchable(hat.title)[:512]),
            )
            for hat in actor.hats
            if hat.role in AGENCIES and searchable(hat.title) and hat.province_id
        ),
    )


def _every_office(session: Session) -> frozenset[str]:
    known = _READ_OFFICES.of(session)
    if None not in known:
        known[None] = frozenset(session.scalars(select(Office.id)))
    return known[None]


def get_project(session: Session, code: str, actor: Actor) -> Project:
    """A project that the actor may see. Raises ProjectNotFound."""
    project = session.scalars(_of_code(), {"this": code}).one_or_none()
    if project is None:
        raise ProjectNotFound
    try:
        require(actor, Verb.see_record, _facts(project))
    except NotFound as error:
        raise ProjectNotFound from error
    return project


@cache
def _of_code() -> Select[Project]:
    """Made once: making it takes longer than running it."""
    return select(Project).where(Project.code == bindparam("this"))


def life_of(session: Session, code: str, actor: Actor, *, at: datetime | None = None) -> ProjectLife:
    """The project as it is, or as it was at an instant. Raises ProjectNotFound, also for an instant before its first version."""
    project = get_project(session, code, actor)
    whole = versions_of(session, KIND, code)
    versions = [_without_people(version) for version in whole]
    then = [version for version in versions if at is None or version.at <= at]
    if not then:
        raise ProjectLater(begins=thai_date(local_day(versions[0].at)))
    return ProjectLife(
        project=project,
        version=then[-1],
        versions=versions,
        origins=origins(then),
        cases=_cases(session, actor, code, versions),
        open_work=_open_work(session, actor, project),
        is_newest=len(then) == len(versions),
        contact=ContactSaid(
            is_there=bool(_personal(whole[-1].values)),
            is_erased=whole[-1].is_erased,
            may_see=decide(actor, Verb.see_personal, _facts(project)).allowed,
        ),
    )


def version_of(
    session: Session, code: str, actor: Actor, number: int, *, against: int | None = None
) -> tuple[Project, RecordVersion, RecordVersion | None]:
    """One version of the project beside another, by default the one before it, without what names people: None before the first.

    Raises ProjectNotFound, VersionUnknown.
    """
    project = get_project(session, code, actor)
    versions = {version.version: _without_people(version) for version in versions_of(session, KIND, code)}
    other = number - 1 if against is None else against
    for wanted in (number, *([other] if other else [])):
        if wanted not in versions:
            raise VersionUnknown(number=wanted)
    return project, versions[number], versions.get(other)


def contact_of(session: Session, code: str, actor: Actor) -> tuple[Project, JSON]:
    """The project, and what its newest version says of who answers for it. Raises ProjectNotFound, NotYourRole.

    The read is not recorded here: who shows it records it first.
    """
    project = get_project(session, code, actor)
    require(actor, Verb.see_personal, _facts(project))
    return project, _personal(versions_of(session, KIND, code)[-1].values)


def _personal(values: JSON) -> JSON:
    return {name: value for name, value in values.items() if name in project_type().schema.personal}


def _without_people(version: RecordVersion) -> RecordVersion:
    """The version as pages have it: without what names a person, and saying of such fields only that they changed."""
    personal = project_type().schema.personal
    values = {name: value for name, value in version.values.items() if name not in personal}
    changed = (
        replace(change, old=None, new=None) if change.path[0] in personal else change for change in version.changed
    )
    return replace(version, values=values, changed=tuple(changed))


def _facts(project: Project) -> RecordFacts:
    return RecordFacts(project.office_id, project.province_id, project.agency_th)


def _is_of_province(hat: Hat) -> bool:
    return hat.role in PROVINCIAL and hat.province_id is not None


def _within(actor: Actor, hat: Hat, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    offices = actor.office_ids if hat.office_id is None else (hat.office_id,)
    return and_(Project.office_id.in_(offices), condition)


def _sorted_by(project: Project, sort: str) -> list[str | int]:
    return [project.name_th, project.code] if sort == "name" else [project.fiscal_year, project.code]


def _cases(session: Session, actor: Actor, code: str, versions: Sequence[RecordVersion]) -> list[Case]:
    """Of the cases that changed the record or had work about it those that the actor may see, newest first."""
    of_acts = {str(version.cause["case"]) for version in versions if "case" in version.cause}
    of_work = select(WorkItem.case_id).where(WorkItem.record_code == code)
    query = select(Case).join(Case.definition).where(or_(Case.id.in_(of_acts), Case.id.in_(of_work)), visible(actor))
    return list(
        session.scalars(query.options(contains_eager(Case.definition)).order_by(Case.started_at.desc(), Case.id))
    )


def _open_work(session: Session, actor: Actor, project: Project) -> list[WorkItem]:
    """The open work items about the project in cases that the actor may see; first what is due.

    Those opened by earlier versions carry no code: they are found by the code in their subject, or by the project's name
    there or in their case's title where no other project of the office and year has that name.
    """
    named = [WorkItem.subject.contains(project.code, autoescape=True)]
    same = (Project.office_id == project.office_id, Project.fiscal_year == project.fiscal_year)
    same_name = select(func.count()).select_from(Project).where(*same, Project.name_th == project.name_th)
    if session.scalar(same_name) == 1:
        title = Case.title == project.name_th[:255]
        named += [WorkItem.subject.contains(project.name_th, autoescape=True), title]
    unmarked = and_(WorkItem.record_code.is_(None), WorkItem.fiscal_year == project.fiscal_year, or_(*named))
    about = or_(WorkItem.record_code == project.code, unmarked)
    here = (WorkItem.office_id == project.office_id, WorkItem.state.in_(OPEN_WORK_ITEM))
    query = select(WorkItem).join(WorkItem.case).where(*here, about, visible(actor))
    query = query.options(contains_eager(WorkItem.case), joinedload(WorkItem.assignee))
    return list(session.scalars(query.order_by(WorkItem.due_at.asc().nulls_last(), WorkItem.id).limit(50)))
