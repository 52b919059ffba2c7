"""Files attached to cases and work items: of a few kinds, checked by their content, kept as they were sent."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

import filetype
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy import case as case_
from sqlalchemy.orm import Session, joinedload, undefer
from sqlalchemy.orm.attributes import set_committed_value

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Reason, Verb, WorkItemFacts, decide, require
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.search import visible
from osm_flow.errors import Invalid, NotFound, OverQuota, Refused
from osm_flow.operations.cases.comments import element_in_case, facts_at
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.stepping import step as stepping
from osm_flow.store import file_store
from osm_flow.store.models import Attachment, Book, Case, KeptFile, Office, RecordFile
from osm_flow.store.quotas import MEGABYTE, USUAL, Quotas, megabytes
from osm_flow.store.sensitive_cases import EVERYTHING
from osm_flow.store.session import lock_case

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "png": "image/png",
    "jpg": "image/jpeg",
    "csv": "text/csv",
    "txt": "text/plain",
}
_OFFICE_PARTS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
_TEXTS = frozenset({"csv", "txt"})
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Of a container; what whoever opens it gets, for here it is never unpacked.
MOST_PARTS, MOST_UNPACKED = 5_000, 1_000 * MEGABYTE
_LONGEST_NAME, _LONGEST_KIND = 200, 20


class AttachmentNotFound(NotFound):
    """There is no such file."""

    is_told_alike = True


class TakesCommentsAlone(Refused):
    """What has ended or is finished takes comments alone."""


class FileTooLarge(OverQuota):
    """The file is larger than {mb} MB. Nothing was kept: make it smaller and attach it again."""


class CaseFull(OverQuota):
    """The files of this case would have more than {mb} MB together. Nothing was kept: attach a smaller file."""


class OfficeFull(OverQuota):
    """The files of the office would have more than {mb} MB together. Nothing was kept: tell the administrator."""


class FileEmpty(Invalid):
    """The file is empty."""


class KindNotAllowed(Invalid):
    """Files of this kind are not taken. Use PDF, Word, Excel, PowerPoint, PNG, JPEG, CSV or plain text."""


class ContentMismatch(Invalid):
    """The content of the file is not what its name says."""


class TextUnreadable(ContentMismatch):
    """The text of the file is written neither in UTF-8 nor in Windows-874. Save it again, in Excel as “CSV UTF-8”."""


@dataclass(frozen=True)
class GivenFile:
    """A file as somebody gives it, under the name that it has with them; and how much the installation lets people keep."""

    name: str
    content: bytes
    quotas: Quotas = USUAL


def attach(
    session: Session,
    case_id: str,
    actor: Actor,
    now: datetime,
    file: GivenFile,
    *,
    work_item_id: str | None = None,
    key: str | None,
) -> Attachment | None:
    """Attach a file to the case; None when the same key attached it already.

    Raises TakesCommentsAlone, CaseSuspended, FileTooLarge, CaseFull, OfficeFull, FileEmpty, KindNotAllowed, ContentMismatch, Forbidden.
    """
    case = lock_case(session, case_id)
    decision = require(actor, Verb.attach, facts_at(session, case, work_item_id, actor))
    if not first_time(session, key, actor, now, purpose=f"attach:{case_id}"):
        return None
    if decision.reason is Reason.state:
        raise TakesCommentsAlone(case_id=case_id)
    stepping.refuse_unless_active(case)
    name, size = clean_name(file.name), len(file.content)
    media_type = judge(name, file.content, file.quotas.file)
    _refuse_without_room(session, case, file)
    digest = file_store.keep(session, file.content, media_type)
    about = {"filename": name, "media_type": media_type, "size": size, "sha256": digest}
    element = element_in_case(session, case_id, work_item_id)
    act = Act.allowed(RecordKind.case_attached, decision, element, work_item_id)
    stepping.note(session, case, actor, now, act, about)
    attachment = Attachment(
        case_id=case_id,
        work_item_id=work_item_id,
        person_id=actor.person_id,
        filename=name,
        media_type=media_type,
        size=size,
        sha256=digest,
        file=digest,
        at=now,
    )
    session.add(attachment)
    session.flush()
    return attachment


def get_attachment(session: Session, attachment_id: int, actor: Actor) -> Attachment:
    """The file with its content, for who may see the case or the work item at which it lies.

    Raises AttachmentNotFound, and FileDamaged where the bytes are not those that were attached.
    """
    query = select(Attachment).where(Attachment.id == attachment_id).options(undefer(Attachment.content))
    attachment = session.scalars(query).one_or_none()
    if attachment is None or (attachment.size and attachment.file is None and not attachment.content):
        raise AttachmentNotFound(attachment_id=attachment_id)
    case = session.get_one(Case, attachment.case_id)
    if not decide(actor, Verb.see_case, case_facts(session, case, actor)).allowed:
        facts = facts_at(session, case, attachment.work_item_id, actor)
        seeing = Verb.see_work_item if isinstance(facts, WorkItemFacts) else Verb.see_case
        require(actor, seeing, facts)
    set_committed_value(attachment, "content", content_of(session, attachment))
    return attachment


def content_of(session: Session, attachment: Attachment) -> bytes:
    """The bytes of the file, from wherever they lie; none of one that was erased. Raises FileDamaged."""
    return attachment.content if attachment.file is None else file_store.read(session, attachment.file)


def attachment_with_case(session: Session, attachment_id: int) -> tuple[Attachment, Case]:
    """The file without its content, and its case. Checks nothing about the actor. Raises AttachmentNotFound."""
    query = select(Attachment, Case).join(Case, Case.id == Attachment.case_id).where(Attachment.id == attachment_id)
    row = session.execute(query).one_or_none()
    if row is None:
        raise AttachmentNotFound(attachment_id=attachment_id)
    return row[0], row[1]


def case_of_attachment(session: Session, attachment_id: int) -> Case | None:
    """The case of the file. Checks nothing about the actor."""
    query = select(Case).join(Attachment, Attachment.case_id == Case.id).where(Attachment.id == attachment_id)
    return session.scalars(query, execution_options=EVERYTHING).one_or_none()


def attachments_of(session: Session, case: Case, work_item_id: str | None = None) -> list[Attachment]:
    """The files of the case, or of this one of its work items, without their content, oldest first."""
    query = select(Attachment).where(Attachment.case_id == case.id).options(joinedload(Attachment.person))
    if work_item_id is not None:
        query = query.where(Attachment.work_item_id == work_item_id)
    return list(session.scalars(query.order_by(Attachment.id)))


def _refuse_without_room(session: Session, case: Case, file: GivenFile) -> None:
    """Raises CaseFull, OfficeFull. The case is locked; the office is from here on: of two files at once for the last
    room, one is refused."""
    kept = select(func.coalesce(func.sum(_kept_size()), 0)).where(Attachment.case_id == case.id)
    if session.scalars(kept).one() + len(file.content) > file.quotas.case_files:
        raise CaseFull(mb=megabytes(file.quotas.case_files), fields={"file": CaseFull.__doc__ or ""})
    refuse_without_room_in_office(session, case.office_id, len(file.content), file.quotas)


def refuse_without_room_in_office(session: Session, office_id: str, size: int, quotas: Quotas) -> None:
    """Raises OfficeFull. The office is locked from here on: of two files at once for the last room, one is refused."""
    session.execute(select(Office.id).where(Office.id == office_id).with_for_update(key_share=True))
    attached = select(func.coalesce(func.sum(_kept_size()), 0)).join(Case, Case.id == Attachment.case_id)
    recorded = (
        select(func.coalesce(func.sum(KeptFile.size), 0))
        .join(RecordFile, RecordFile.sha256 == KeptFile.sha256)
        .join(Book, Book.id == RecordFile.book_id)
    )
    kept = session.scalars(attached.where(Case.office_id == office_id)).one()
    kept += session.scalars(recorded.where(Book.office_id == office_id)).one()
    if kept + size > quotas.office_files:
        raise OfficeFull(mb=megabytes(quotas.office_files), fields={"file": OfficeFull.__doc__ or ""})


def _kept_size() -> ColumnElement[int]:
    """The size of a file; nothing of one that was erased."""
    is_there = or_(Attachment.file.is_not(None), func.length(Attachment.content) > 0)
    return case_((is_there, Attachment.size), else_=0)


def judge(name: str, content: bytes, largest: int = USUAL.file) -> str:
    """The media type of a file that may be attached; its name and its content must agree."""
    if len(content) > largest:
        raise FileTooLarge(mb=megabytes(largest), fields={"file": FileTooLarge.__doc__ or ""})
    if not content:
        raise FileEmpty(fields={"file": FileEmpty.__doc__ or ""})
    kind = _kind(name)
    if kind not in MEDIA_TYPES:
        raise KindNotAllowed(fields={"file": KindNotAllowed.__doc__ or ""})
    if kind in _TEXTS and charset_of(content) is None:
        raise TextUnreadable(fields={"file": TextUnreadable.__doc__ or ""})
    if not _is_of_kind(kind, content):
        raise ContentMismatch(fields={"file": ContentMismatch.__doc__ or ""})
    return MEDIA_TYPES[kind]


def clean_name(filename: str) -> str:
    """The name of a file without folders, control characters or signs that a file system refuses."""
    name = unicodedata.normalize("NFC", filename).replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else char for char in name)
    name = visible(name)
    name = re.sub(r'[<>:"|?*]', "_", re.sub(r"\s+", " ", name)).rstrip(" .")
    stem, dot, kind = name.rpartition(".") if "." in name else (name, "", "")
    stem = stem.strip(" .") or "file"
    return f"{stem[: _LONGEST_NAME - len(kind) - 1]}{dot}{kind[:_LONGEST_KIND]}"


def _kind(name: str) -> str:
    suffix = PurePath(name).suffix.lower().lstrip(".")
    return "jpg" if suffix == "jpeg" else suffix


def _is_of_kind(kind: str, content: bytes) -> bool:
    if kind in _TEXTS:
        return True
    if kind in _OFFICE_PARTS:
        return _is_office(kind, content)
    guess = filetype.guess(content)
    return guess is not None and guess.extension == kind


def charset_of(content: bytes) -> str | None:
    """In which of the two encodings of Thai text this is written; None for neither.

    Excel for Windows saves CSV in Windows-874 unless told otherwise; such a file is kept as it is.
    """
    if b"\0" in content:
        return None
    for charset in ("utf-8", "windows-874"):
        with contextlib.suppress(UnicodeDecodeError):
            text = content.decode("cp874" if charset == "windows-874" else charset)
            return charset if _CONTROLS.search(text) is None else None
    return None


def _is_office(kind: str, content: bytes) -> bool:
    """Whether the container holds the main part of this kind; macros are refused, and what swells when it is opened."""
    guess = filetype.guess(content)
    if guess is None or guess.extension not in {kind, "zip"}:
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            parts, size = container.namelist(), sum(part.file_size for part in container.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    macros = any(part.lower().endswith("vbaproject.bin") for part in parts)
    swells = len(parts) > MOST_PARTS or size > MOST_UNPACKED
    return not swells and not macros and {"[Content_Types].xml", _OFFICE_PARTS[kind]} <= set(parts)
