"""Adding photos and papers to a project, taking them back, and getting them."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.errors import Invalid, NotFound, OsmFlowError
from osm_flow.operations.cases.attachments import GivenFile, charset_of
from osm_flow.operations.ledger.access_log import AccessKind, Read
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.project_files import (
    PARTS,
    FileKnown,
    NewPaper,
    NewPhoto,
    Part,
    TooManyFiles,
)
from osm_flow.operations.projects.record_type import KIND
from osm_flow.web.forms.posted import day_or_none, posted, posted_key
from osm_flow.web.pages.records.files_told import choices, words_of
from osm_flow.web.parts.downloads import download
from osm_flow.web.parts.uploads import FileMissing
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import signed_in
from osm_flow.web.site.i18n import error_text, field_texts, gettext
from osm_flow.web.site.recorded_reads import recorded_read

blueprint = Blueprint("project_files", __name__)

_TYPED = ("choice", "taken_on", "words")


@blueprint.get("/projects/<code>/add/<part>")
@signed_in
def form(code: str, part: str) -> ResponseReturnValue:
    return _page(code, _part(part))


@blueprint.post("/projects/<code>/add/<part>")
@signed_in
@lifecycle.takes("LARGEST_FILE")
def add(code: str, part: str) -> ResponseReturnValue:
    """Add a photo or a paper; what is refused keeps what was typed."""
    wanted = _part(part)
    project_files.require_keeping(g.session, code, g.actor)
    try:
        done = _add_photo(code) if wanted == "photos" else _add_paper(code)
    except (Invalid, FileKnown, TooManyFiles) as error:
        lifecycle.read_again()
        return _page(code, wanted, _sentence(error)), error.status
    flash(done, "success")
    return redirect(url_for("projects.project", code=code, _anchor=wanted))


@blueprint.post("/projects/<code>/files/<digest>/take-back")
@signed_in
def take_back(code: str, digest: str) -> ResponseReturnValue:
    project_files.take_back(g.session, code, digest, g.actor, g.now, reason=posted("reason"))
    flash(gettext("ถอนออกจากโครงการแล้ว รุ่นก่อนหน้ายังอ้างถึงไฟล์นี้"), "success")
    return redirect(url_for("projects.project", code=code, _anchor="photos"))


@blueprint.get("/projects/<code>/files/<digest>")
@signed_in
def file(code: str, digest: str) -> ResponseReturnValue:
    """The file, always as a download; a page shows the small picture of a photo all the same.

    It is on record before it leaves: each file by its digest, the small pictures of a project together.
    """
    found = project_files.read_file(g.session, code, digest, g.actor)
    if found.is_small:
        recorded_read(Read(AccessKind.photos_shown, f"{KIND} {code}", office_id=found.office_id))
    else:
        recorded_read(Read(AccessKind.file_downloaded, f"{KIND} {code} sha256:{digest}", office_id=found.office_id))
    media_type = found.media_type
    if media_type.startswith("text/") and (charset := charset_of(found.content)):
        media_type = f"{media_type}; charset={charset}"
    return download(found.content, found.name, media_type)


def _part(name: str) -> Part:
    for part in PARTS:
        if part == name:
            return part
    raise NotFound


def _given() -> GivenFile:
    """The first file that was chosen: a photo comes from the camera or from what is there. Raises FileMissing."""
    for upload in request.files.getlist("file"):
        if upload.filename:
            return GivenFile(upload.filename, upload.read(), current_app.config["QUOTAS"])
    raise FileMissing(fields={"file": FileMissing.__doc__ or ""})


def _add_photo(code: str) -> str:
    about = NewPhoto(posted("choice"), day_or_none(posted("taken_on"), "taken_on"), posted("words"))
    row = project_files.add_photo(g.session, code, g.actor, g.now, _given(), about, key=posted_key())
    taken = words_of((row or {}).get("taken_off", "").split())
    if taken:
        return gettext("เพิ่มภาพแล้ว และลบออกจากภาพ: %(what)s", what=taken)
    return gettext("เพิ่มภาพแล้ว")


def _add_paper(code: str) -> str:
    about = NewPaper(posted("choice"), posted("words"))
    project_files.add_paper(g.session, code, g.actor, g.now, _given(), about, key=posted_key())
    return gettext("เพิ่มเอกสารแล้ว")


def _sentence(error: OsmFlowError) -> str:
    return " ".join(field_texts(error).values()) or error_text(error)


def _page(code: str, part: Part, problem: str = "") -> str:
    return render_template(
        "projects/add_file.html",
        project=project_files.require_keeping(g.session, code, g.actor),
        part=part,
        choices=choices(part),
        typed={name: posted(name) for name in _TYPED},
        problem=problem,
    )
