"""Importing lists: choosing file, sheet, head and columns, the preview, confirming, and taking an import back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.imports.cells import CellRefused, read_year
from osm_flow.domain.imports.rows import Tell
from osm_flow.errors import Invalid, OsmFlowError
from osm_flow.operations.imports import acts, queries, sheets
from osm_flow.operations.imports.acts import GivenList, ImportDone, NothingToImport, PreviewOutdated
from osm_flow.operations.imports.kinds import kind_of
from osm_flow.operations.imports.reading import Choices, columns_chosen
from osm_flow.web.forms.posted import posted
from osm_flow.web.forms.sending import each_time
from osm_flow.web.pages.records.imports_told import choices_told, front_told, preview_told, sheets_told
from osm_flow.web.parts.uploads import FileMissing
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.i18n import error_text, field_texts, gettext

blueprint = Blueprint("imports", __name__)

_PROGRESS = "osm_import_progress"
_NO_NUMBER = 0


class YearUnreadable(Invalid):
    """Write the fiscal year as a Buddhist year of four digits, for example 2571."""


class OfficeNotChosen(Invalid):
    """Choose the office whose register the list is for."""


@blueprint.get("/imports/<kind>")
@requires(Verb.import_records)
def front(kind: str) -> ResponseReturnValue:
    """Where a file is chosen, with the lists that wait, what was imported, and the rows that were left aside."""
    return _front(kind)


@blueprint.post("/imports/<kind>")
@requires(Verb.import_records)
@lifecycle.takes("LARGEST_FILE")
def upload(kind: str) -> ResponseReturnValue:
    """Keep the file; whatever refuses it is said on the page where it is chosen again."""
    kind_of(kind)
    given = request.files.get("file")
    offices = queries.offices_for(g.actor)
    office = posted("office") if posted("office") in offices else offices[0] if len(offices) == 1 else ""
    try:
        if not office and offices:
            raise OfficeNotChosen(fields={"office": OfficeNotChosen.__doc__ or ""})
        if given is None or not given.filename:
            raise FileMissing(fields={"file": FileMissing.__doc__ or ""})
        listed = GivenList(kind, office, given.filename, given.read())
        number = acts.upload(g.session, g.actor, g.now, listed).id
    except Invalid as error:
        lifecycle.read_again()
        return _front(kind, _sentence(error)), error.status
    return redirect(url_for("imports.choosing", number=number))


@blueprint.get("/imports/<int:number>")
@requires(Verb.import_records)
def choosing(number: int) -> ResponseReturnValue:
    """Which sheet, which rows are the head, which column is what; another sheet or head is looked at before anything is kept."""
    return _choosing(number)


@blueprint.post("/imports/<int:number>")
@requires(Verb.import_records)
@each_time
def choose(number: int) -> ResponseReturnValue:
    """Keep what was chosen and show what would happen."""
    row = acts.get_import(g.session, number, g.actor)
    kind = kind_of(row.kind)
    chosen = Choices(posted("sheet"), _whole(posted("first")), _whole(posted("last")))
    fields = {int(name[4:]): value for name, value in request.form.items() if _is_column(name)}
    constants = {name: posted(f"all-{name}").strip()[:255] for name in kind.constants}
    try:
        if constants.get(kind.year):
            constants[kind.year] = str(_year(constants[kind.year]))
        chosen = replace(chosen, fields=columns_chosen(fields, kind), constants=constants)
        queries.looked_at(g.session, number, g.actor, chosen)
        acts.choose(g.session, number, g.actor, chosen)
    except ImportDone:
        return _done_before(row.kind)
    except Invalid as error:
        lifecycle.read_again()
        return _choosing(number, error, replace(chosen, fields=fields, constants=constants))
    return redirect(url_for("imports.preview", number=number))


@blueprint.get("/imports/<int:number>/preview")
@requires(Verb.import_records)
def preview(number: int) -> ResponseReturnValue:
    """What would become of each row; nothing is written."""
    return _preview(number)


@blueprint.post("/imports/<int:number>/rows")
@requires(Verb.import_records)
@each_time
def answer(number: int) -> ResponseReturnValue:
    """Keep what somebody said of rows, and show the preview again."""
    row = acts.get_import(g.session, number, g.actor)
    answers = {int(name[4:]): value for name, value in request.form.items() if _is_column(name, "row-")}
    try:
        acts.answer(g.session, number, g.actor, answers)
    except ImportDone:
        return _done_before(row.kind)
    return redirect(url_for("imports.preview", number=number, show=posted("show") or None))


@blueprint.post("/imports/<int:number>/confirm")
@requires(Verb.import_records)
@each_time
def confirm(number: int) -> ResponseReturnValue:
    """Carry the list out once, however often it is sent: the file is read first, and only then is anything locked."""
    lifecycle.read_again()
    kind = acts.get_import(g.session, number, g.actor).kind
    with _told_as_it_goes(number) as tell:
        try:
            read = queries.read(g.session, number, g.actor, tell)
            has_more = len(queries.sheets_of(g.session, number, g.actor)) > 1
            lifecycle.write_after_reading()
            done = acts.confirm(g.session, number, g.actor, g.now, posted("seen"), read, tell)
        except ImportDone:
            return _done_before(kind)
        except (PreviewOutdated, NothingToImport) as error:
            lifecycle.read_again()
            return _preview(number, error)
    said = {"added": done.added, "changed": done.changed}
    flash(gettext("นำเข้าแล้ว เพิ่ม %(added)s รายการ เปลี่ยน %(changed)s รายการ", **said), "success")
    if has_more:
        return redirect(url_for("imports.of_file", number=number))
    return redirect(url_for("imports.front", kind=kind))


@blueprint.get("/imports/<int:number>/sheets")
@requires(Verb.import_records)
def of_file(number: int) -> ResponseReturnValue:
    """The sheets of the uploaded file, with what became of each."""
    return _of_file(number)


@blueprint.post("/imports/<int:number>/sheets")
@requires(Verb.import_records)
def go_on(number: int) -> ResponseReturnValue:
    """Go on to another sheet of the same file with what was chosen; nothing is imported by it."""
    try:
        following = sheets.go_on(g.session, number, g.actor, posted("sheet"))
    except Invalid as error:
        lifecycle.read_again()
        return _of_file(number, error)
    return redirect(url_for("imports.choosing", number=following.id))


@blueprint.get("/imports/<int:number>/progress")
@requires(Verb.import_records)
def progress(number: int) -> ResponseReturnValue:
    """How far the import is that this server is carrying out now; nothing where another one does, or none."""
    acts.get_import(g.session, number, g.actor)
    done, total = _progress().get(number, (0, 0))
    return jsonify(done=done, total=total)


@blueprint.post("/imports/<int:number>/undo")
@requires(Verb.import_records)
def undo(number: int) -> ResponseReturnValue:
    """Take an import back while nothing stands on it."""
    count = acts.take_back(g.session, number, g.actor, g.now, posted("reason"))
    flash(gettext("ยกเลิกการนำเข้าแล้ว %(count)s รายการกลับเป็นอย่างเดิม", count=count), "success")
    return redirect(url_for("imports.front", kind=acts.kind_of_import(g.session, number)))


@blueprint.post("/imports/rows/<int:left>/settle")
@requires(Verb.import_records)
def settle(left: int) -> ResponseReturnValue:
    """Say that a row which an import left aside is done with."""
    kind = acts.settle(g.session, left, g.actor, g.now)
    flash(gettext("จัดการแถวนี้แล้ว"), "success")
    return redirect(url_for("imports.front", kind=kind))


def _front(kind: str, problem: str = "") -> str:
    return render_template("imports/front.html", told=front_told(kind), problem=problem)


def _choosing(number: int, problem: OsmFlowError | None = None, chosen: Choices | None = None) -> Response:
    row = acts.get_import(g.session, number, g.actor)
    if row.confirmed_at is not None:
        return _done_before(row.kind)
    said = request.args.get
    asked = Choices(said("sheet", ""), _whole(said("first", "")), _whole(said("last", "")))
    try:
        told = choices_told(row, chosen or asked)
    except Invalid as error:
        problem = problem or error
        told = choices_told(row, Choices())
    return _answered("imports/choose.html", told, problem)


def _of_file(number: int, problem: OsmFlowError | None = None) -> Response:
    return _answered("imports/sheets.html", sheets_told(acts.get_import(g.session, number, g.actor)), problem)


def _preview(number: int, problem: OsmFlowError | None = None) -> Response:
    row = acts.get_import(g.session, number, g.actor)
    if row.confirmed_at is not None:
        return _done_before(row.kind)
    if not Choices.of_text(row.choices).has_head:
        return make_response(redirect(url_for("imports.choosing", number=number)))
    told = preview_told(row, request.args.get("show", ""), request.args.get("from", ""))
    return _answered("imports/preview.html", told, problem)


def _answered(template: str, told: object, problem: OsmFlowError | None) -> Response:
    page = render_template(template, told=told, problem=_sentence(problem) if problem else "")
    return make_response(page, problem.status if problem else 200)


def _done_before(kind: str) -> Response:
    flash(error_text(ImportDone()), "info")
    return make_response(redirect(url_for("imports.front", kind=kind)))


def _sentence(error: OsmFlowError) -> str:
    return " ".join(field_texts(error).values()) or error_text(error)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else _NO_NUMBER


def _is_column(name: str, beginning: str = "col-") -> bool:
    rest = name[len(beginning) :]
    return name.startswith(beginning) and rest.isascii() and rest.isdecimal() and len(rest) < 7


def _year(typed: str) -> int:
    try:
        return read_year(typed)
    except CellRefused:
        raise YearUnreadable from None


def _progress() -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = current_app.extensions.setdefault(_PROGRESS, {})
    return found


@contextmanager
def _told_as_it_goes(number: int) -> Iterator[Tell]:
    """Say in this server how many rows are done while an import is carried out."""
    going = _progress()

    def tell(done: int, total: int) -> None:
        going[number] = (done, total)

    try:
        yield tell
    finally:
        going.pop(number, None)
