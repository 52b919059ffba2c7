"""Photos and papers of a project: added by the office and the agency, taken back with a reason, and fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.documents.pictures import ENDINGS, read_photo
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    AGENCIES,
    Decision,
    RecordFacts,
    Verb,
    decide,
    reads_whole_office,
    require,
)
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.forms.schema import columns_of
from osm_flow.domain.json import JSON
from osm_flow.domain.search import straight
from osm_flow.errors import Forbidden, Invalid, NotFound, OverQuota, Refused
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.cases.attachments import (
    FileEmpty,
    FileTooLarge,
    GivenFile,
    clean_name,
    judge,
    refuse_without_room_in_office,
)
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.projects.queries import ProjectNotFound, get_project
from osm_flow.operations.projects.record_type import KIND, book_of, files_of, project_type
from osm_flow.operations.reasons import said
from osm_flow.store import file_store
from osm_flow.store.models import KeptFile, Project, RecordFile
from osm_flow.store.quotas import Quotas, megabytes

Part = Literal["photos", "files"]
PARTS: Sequence[Part] = ("photos", "files")


class ProjectFileNotFound(NotFound):
    """The project has no such file."""

    is_told_alike = True


class FileKnown(Refused):
    """This project has this very file already. Nothing was added."""


class ProjectFull(OverQuota):
    """The files of this project would have more than {mb} MB together. Nothing was kept: add a smaller file."""


class TooManyFiles(Refused):
    """A project has at most {most} of these. Take one back that is not needed, and add it again."""


class NotOfTheAgency(Forbidden):
    """The office added this file; it takes it back itself."""


class DetailsUnfit(Invalid):
    """Say of the file what it is: choose one of the kinds, and a day and words that fit."""


@dataclass(frozen=True)
class NewPhoto:
    """A photo as somebody gives it: of which stage of the work, taken when, and what it shows."""

    milestone: str
    taken_on: date | None = None
    caption: str = ""


@dataclass(frozen=True)
class NewPaper:
    """A paper as somebody gives it: of which kind, and what it is called."""

    kind: str
    title: str = ""


@dataclass(frozen=True)
class ReadFile:
    """A file of a project: its bytes, under which name and as what it leaves, whose it is, and whether it is a small picture."""

    content: bytes
    name: str
    media_type: str
    office_id: str
    is_small: bool = False


def may_keep(project: Project, actor: Actor) -> bool:
    """Whether the policy lets the actor add photos and papers to the project."""
    return decide(actor, Verb.keep_record_file, _facts(project)).allowed


def require_keeping(session: Session, code: str, actor: Actor) -> Project:
    """The project. Raises ProjectNotFound, NotYourRole where the policy does not let the actor add to it."""
    return _asked(session, code, actor)[0]


def is_of_office(project: Project, actor: Actor) -> bool:
    """Whether the actor keeps the project for the office, and takes back whatever was added."""
    return decide(actor, Verb.keep_record_file, _facts(project)).role not in AGENCIES


def add_photo(
    session: Session, code: str, actor: Actor, now: datetime, file: GivenFile, about: NewPhoto, *, key: str | None
) -> JSON | None:
    """Add a photo without what its camera wrote into it; its row, or None when the same key added it already.

    Raises ProjectNotFound, NotYourRole, FileTooLarge, FileEmpty, ProjectFull, OfficeFull, FileKnown, TooManyFiles,
    DetailsUnfit and what `read_photo` raises.
    """
    project, decision = _asked(session, code, actor)
    books.lock_book(session, _book(project))
    if not first_time(session, key, actor, now, purpose=f"photo:{code}"):
        return None
    if not file.content:
        raise FileEmpty(fields={"file": FileEmpty.__doc__ or ""})
    if len(file.content) > file.quotas.file:
        raise FileTooLarge(mb=megabytes(file.quotas.file), fields={"file": FileTooLarge.__doc__ or ""})
    photo = read_photo(file.content)
    said_of = {"milestone": about.milestone, "caption": straight(about.caption).strip()}
    row: JSON = {**said_of, "taken_on": about.taken_on.isoformat() if about.taken_on else None}
    row |= {"type": photo.media_type, "size": len(photo.content), "taken_off": " ".join(photo.taken)}
    _refuse_unfit("photos", row, chosen="milestone")
    _refuse_without_room(session, project, len(photo.content) + len(photo.preview), file.quotas)
    row["sha256"] = file_store.keep(session, photo.content, photo.media_type)
    row["preview"] = file_store.keep(session, photo.preview, "image/jpeg")
    return _add(session, project, "photos", row, actor, now, decision)


def add_paper(
    session: Session, code: str, actor: Actor, now: datetime, file: GivenFile, about: NewPaper, *, key: str | None
) -> JSON | None:
    """Add a paper as it was given; its row, or None when the same key added it already. Raises as `add_photo` and `judge`."""
    project, decision = _asked(session, code, actor)
    books.lock_book(session, _book(project))
    if not first_time(session, key, actor, now, purpose=f"paper:{code}"):
        return None
    name = clean_name(file.name)
    media_type = judge(name, file.content, file.quotas.file)
    row: JSON = {"kind": about.kind, "title": straight(about.title).strip(), "name": name}
    row |= {"type": media_type, "size": len(file.content)}
    _refuse_unfit("files", row, chosen="kind")
    _refuse_without_room(session, project, len(file.content), file.quotas)
    row["sha256"] = file_store.keep(session, file.content, media_type)
    return _add(session, project, "files", row, actor, now, decision)


def take_back(session: Session, code: str, digest: str, actor: Actor, now: datetime, *, reason: str) -> None:
    """Take a photo or paper off the project, with a reason. Earlier versions name it still, and its bytes stay.

    Raises ProjectNotFound, NotYourRole, ReasonMissing, ProjectFileNotFound, NotOfTheAgency.
    """
    project, decision = _asked(session, code, actor)
    books.lock_book(session, _book(project))
    reason = said(reason)
    values = values_by_code(session, [code])[code]
    part, row = _row(values, digest)
    if decision.role in AGENCIES and not _is_of_agency(session, code, digest):
        raise NotOfTheAgency
    act = BookAct(
        BookActKind.file_taken_back, {"record": code}, decision.hat, reason, told={"part": part, "sha256": digest}
    )
    books.write(session, _book(project), act, actor, now, [NewVersion(code, _without(values, part, row))])


def files_there(session: Session, code: str) -> frozenset[str]:
    """The digests of the files that versions of the project name and that were not erased by law."""
    noted = select(RecordFile.sha256).where(RecordFile.kind == KIND, RecordFile.record_id == code)
    return frozenset(session.scalars(noted))


def read_file(session: Session, code: str, digest: str, actor: Actor) -> ReadFile:
    """A file that the project names now, for who may see the project; one taken back, for who reads the whole office.

    Raises ProjectNotFound, ProjectFileNotFound, FileDamaged.
    """
    project = get_project(session, code, actor)
    noted = session.get(RecordFile, (KIND, code, digest))
    values = values_by_code(session, [code])[code]
    if noted is None or not (digest in files_of(values) or reads_whole_office(actor, project.office_id)):
        raise ProjectFileNotFound
    kept = session.get_one(KeptFile, digest)
    names = {row["sha256"]: row["name"] for row in values.get("files") or []}
    name = names.get(digest) or f"{code}-{digest[:8]}.{ENDINGS.get(kept.type, 'bin')}"
    is_small = any(row.get("preview") == digest for row in values.get("photos") or [])
    return ReadFile(file_store.read(session, digest), name, kept.type, project.office_id, is_small)


def _is_of_agency(session: Session, code: str, digest: str) -> bool:
    """Whether somebody of the agency added the file."""
    naming = (version for version in versions_of(session, KIND, code) if digest in files_of(version.values))
    first = next(naming, None)
    return first is not None and first.actor_role in AGENCIES


def _asked(session: Session, code: str, actor: Actor) -> tuple[Project, Decision]:
    project = get_project(session, code, actor)
    try:
        return project, require(actor, Verb.keep_record_file, _facts(project))
    except NotFound as error:
        raise ProjectNotFound from error


def _add(
    session: Session, project: Project, part: Part, row: JSON, actor: Actor, now: datetime, decision: Decision
) -> JSON:
    values = values_by_code(session, [project.code])[project.code]
    rows: list[JSON] = list(values.get(part) or [])
    if any(known.get("sha256") == row["sha256"] for known in rows):
        raise FileKnown
    most = int(project_type().schema.fields[part]["maxItems"])
    if len(rows) >= most:
        raise TooManyFiles(most=most)
    told = {"part": part, "sha256": row["sha256"]}
    act = BookAct(BookActKind.file_added, {"record": project.code}, decision.hat, told=told)
    given = {name: value for name, value in row.items() if value not in (None, "")}
    version = NewVersion(project.code, {**values, part: [*rows, given]})
    books.write(session, _book(project), act, actor, now, [version])
    return given


def _row(values: JSON, digest: str) -> tuple[Part, JSON]:
    for part in PARTS:
        for row in values.get(part) or []:
            if row.get("sha256") == digest:
                return part, row
    raise ProjectFileNotFound


def _without(values: JSON, part: Part, row: JSON) -> JSON:
    return {**values, part: [one for one in values[part] if one != row]}


def _refuse_unfit(part: Part, row: JSON, *, chosen: str) -> None:
    columns = columns_of(project_type().schema.fields[part])
    is_chosen = row[chosen] in {one["value"] for one in columns[chosen]["x-enum"]}
    too_long = [
        name
        for name, value in row.items()
        if isinstance(value, str) and len(value) > columns[name].get("maxLength", 64)
    ]
    if not is_chosen or too_long:
        raise DetailsUnfit(fields={too_long[0] if too_long else chosen: DetailsUnfit.__doc__ or ""})


def _refuse_without_room(session: Session, project: Project, size: int, quotas: Quotas) -> None:
    """Raises ProjectFull, OfficeFull. The book is locked; the office is from here on."""
    kept = (
        select(func.coalesce(func.sum(KeptFile.size), 0))
        .join(RecordFile, RecordFile.sha256 == KeptFile.sha256)
        .where(RecordFile.kind == KIND, RecordFile.record_id == project.code)
    )
    if session.scalars(kept).one() + size > quotas.case_files:
        raise ProjectFull(mb=megabytes(quotas.case_files), fields={"file": ProjectFull.__doc__ or ""})
    refuse_without_room_in_office(session, project.office_id, size, quotas)


def _facts(project: Project) -> RecordFacts:
    return RecordFacts(project.office_id, project.province_id, project.agency_th)


def _book(project: Project) -> BookName:
    return book_of(project.office_id, project.fiscal_year)
