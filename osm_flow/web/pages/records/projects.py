"""Projects: the register, and one project with its whole life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.documents.sheets import SHEET_FORMS, Sheet
from osm_flow.domain.access.policy import OfficeFacts, SystemFacts, Verb
from osm_flow.domain.forms.values import changes
from osm_flow.domain.projects.states import PROJECT_STATES, state_name
from osm_flow.errors import Invalid
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.ledger.access_log import AccessKind, Read
from osm_flow.operations.projects import likeness
from osm_flow.operations.projects import queries as projects
from osm_flow.operations.projects.corrections import to_confirm
from osm_flow.operations.projects.queries import ProjectFilter
from osm_flow.operations.projects.record_type import KIND
from osm_flow.store.models import Project
from osm_flow.web.forms.sending import each_time
from osm_flow.web.pages.records.corrections_told import told_of_corrections
from osm_flow.web.pages.records.files_told import described, told_of_files
from osm_flow.web.pages.records.project_page import (
    figures_of,
    origins_told,
    people_of,
    side_words,
    spent_percent,
    state_words,
    told,
    track,
    until_now,
)
from osm_flow.web.parts.audit_filters import period_of
from osm_flow.web.parts.downloads import sheet_form, written_sheet
from osm_flow.web.parts.years import fiscal_years, year_in
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import may, signed_in
from osm_flow.web.site.i18n import current_locale, gettext
from osm_flow.web.site.recorded_reads import recorded_read
from osm_flow.web.site.wording import names_of

blueprint = Blueprint("projects", __name__)

_NO_FILTER = ProjectFilter()
_FILTERS = ("text", "fy", "state", "province", "colour", "sort")
_INSTANT = timedelta(microseconds=1)
# A number of a version with more digits is none.
_LONGEST_NUMBER = 6


@blueprint.get("/projects")
@signed_in
def register() -> ResponseReturnValue:
    return _list_page(request.args)


@blueprint.post("/projects/export/<form>")
@signed_in
@each_time
def export(form: str) -> ResponseReturnValue:
    """Record who takes the list out and why; then, nobody waiting for it, write the file and send it."""
    sheet_form(form)
    wanted = _wanted(request.form)
    details = urlencode(_asked(request.form))
    try:
        projects.export(g.session, g.actor, g.now, wanted, reason=request.form.get("reason", ""), details=details)
    except Invalid as error:
        lifecycle.read_again()
        return _list_page(request.form, {name: gettext(text) for name, text in error.fields.items()}), error.status
    return written_sheet(form, "projects", lambda: _sheet(projects.all_projects(g.session, g.actor, wanted)))


@blueprint.get("/projects/alike")
@signed_in
def alike() -> ResponseReturnValue:
    asked = year_in(request.args.get("fy", ""))
    year = asked or likeness.newest_year(g.session, g.actor) or fiscal_years()[0]
    return render_template(
        "projects/alike.html",
        year=year,
        years=fiscal_years(),
        pairs=likeness.pairs(g.session, g.actor, year),
        thresholds=(likeness.ALIKE, likeness.ALIKE_BESIDE),
        state=state_words,
    )


@blueprint.get("/projects/<code>")
@signed_in
def project(code: str) -> ResponseReturnValue:
    until = period_of("", request.args.get("as_of", ""))[1]
    life = projects.life_of(g.session, code, g.actor, at=until - _INSTANT if until else None)
    schema = type_of(KIND).schema.form
    return render_template(
        "projects/project.html",
        life=life,
        project=life.project,
        values=life.values,
        schema=schema,
        otherwise=[] if life.is_newest else until_now(schema, life),
        as_of=request.args.get("as_of", "") if until else "",
        figures=figures_of(life.values),
        told=[told(version, schema) for version in reversed(life.versions)],
        origins=origins_told(life, schema),
        corrections=told_of_corrections(life) if life.is_newest else None,
        files=told_of_files(life),
        may_erase=may(Verb.erase, OfficeFacts(life.project.office_id)),
        described=described,
        names=names_of(people_of(life)),
        state=state_words,
        side_words=side_words,
        track=track(life),
        alike=likeness.alike(g.session, g.actor, life.project),
        thresholds=(likeness.ALIKE, likeness.ALIKE_BESIDE),
    )


@blueprint.get("/projects/<code>/versions/<int:number>")
@signed_in
def version(code: str, number: int) -> ResponseReturnValue:
    """One version of the record beside another, field by field: the one before it, or the one asked for."""
    given = request.args.get("against", "")
    against = int(given) if given.isdecimal() and len(given) <= _LONGEST_NUMBER else None
    found, newer, older = projects.version_of(g.session, code, g.actor, number, against=against)
    schema = type_of(KIND).schema
    before = older.values if older else {}
    touched = {change.field for change in changes(schema.form, before, newer.values)}
    form = schema.form_of(touched)
    people = {name for one in (newer, older) if one for name in (one.actor, one.on_behalf_of) if name}
    return render_template(
        "projects/version.html",
        project=found,
        newer=newer,
        older=older,
        schema=form,
        values={name: value for name, value in newer.values.items() if name in touched},
        changes=changes(form, {name: value for name, value in before.items() if name in touched}, newer.values),
        told=told(newer, schema.form),
        names=names_of(people),
    )


@blueprint.get("/projects/<code>/contact")
@signed_in
def contact(code: str) -> ResponseReturnValue:
    """Who answers for the project, once it is on record who looks."""
    found, said = projects.contact_of(g.session, code, g.actor)
    recorded_read(Read(AccessKind.personal_opened, f"{KIND} {found.code}", office_id=found.office_id))
    schema = type_of(KIND).schema
    return render_template("projects/contact.html", project=found, schema=schema.form_of(schema.personal), values=said)


# ---- the list ---------------------------------------------------------------------------------------------------


def _list_page(given: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    wanted, asked = _wanted(given), _asked(given)
    return render_template(
        "projects/list.html",
        page=projects.list_projects(g.session, g.actor, wanted, after=request.args.get("after") or None),
        filters=wanted,
        is_filtered=wanted != _NO_FILTER,
        years=fiscal_years(),
        states=[(state, state_name(state, current_locale())) for state in PROJECT_STATES],
        provinces=projects.provinces_seen(g.session, g.actor),
        spent=spent_percent,
        state=state_words,
        errors=errors or {},
        asked=asked,
        sees_chains=may(Verb.see_audit, SystemFacts()),
        to_confirm=to_confirm(g.session, g.actor, g.now),
        sheet_forms=[(name, gettext(form.button)) for name, form in SHEET_FORMS.items()],
    )


def _wanted(given: Mapping[str, str]) -> ProjectFilter:
    said = given.get
    return ProjectFilter(
        text=said("text") or None,
        fiscal_year=year_in(said("fy", "")),
        state=said("state") or None,
        province_id=said("province") or None,
        colour=said("colour") or None,
        sort=said("sort") or "code",
    )


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in _FILTERS if given.get(name)}


def _sheet(found: Iterable[Project]) -> Sheet:
    head = (
        "รหัสโครงการ",
        "ชื่อโครงการ",
        "หน่วยงานดำเนินงาน",
        "จังหวัด",
        "ปีงบประมาณ",
        "สถานะ",
        "ผลการพิจารณา",
        "วงเงินที่ขอ (บาท)",
        "วงเงินที่ได้รับ (บาท)",
        "ก่อหนี้ผูกพัน (บาท)",
        "เบิกจ่าย (บาท)",
        "เบิกจ่าย (ร้อยละ)",
    )
    return Sheet(gettext("ทะเบียนโครงการ"), [gettext(words) for words in head], map(_line, found))


def _line(project: Project) -> list[str | int | float | None]:
    return [
        project.code,
        project.name_th,
        project.agency_th,
        project.province_id,
        project.fiscal_year,
        state_words(project)[0],
        project.result,
        float(project.requested),
        None if project.approved is None else float(project.approved),
        float(project.committed),
        float(project.disbursed),
        float(round(spent_percent(project), 2)),
    ]
