"""Correcting a project: choosing the fields, what they are to say, and the answer of the second person."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.forms.schema import groups_of, label_of
from osm_flow.errors import Invalid, OsmFlowError
from osm_flow.operations.books.acts import ChangedMeanwhile, SaysTheSame
from osm_flow.operations.books.corrections import CorrectionWaits, NewCorrection
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects import queries as projects
from osm_flow.operations.projects.record_type import KIND
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.page import SchemaForm
from osm_flow.web.forms.posted import posted, posted_list
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import requires, signed_in
from osm_flow.web.site.i18n import current_locale, error_text, field_texts, gettext

blueprint = Blueprint("corrections", __name__)

_PAGE_NAMES = ("based_on", "reason", "field")


class NoFieldChosen(Invalid):
    """Choose at least one field that is wrong."""


class CorrectableField(NamedTuple):
    """A field that can be corrected: its name, what it is called, and whether a second person has to confirm."""

    name: str
    label: str
    is_confirmed: bool


@blueprint.get("/projects/<code>/correct")
@signed_in
def form(code: str) -> ResponseReturnValue:
    """Which fields are wrong; once they are chosen, what they are to say."""
    corrections.require_correcting(g.session, code, g.actor)
    chosen = _correctable(request.args.getlist("field"))
    if not chosen:
        return _choosing(code)
    life = projects.life_of(g.session, code, g.actor)
    page = form_page.from_values(_schema().form_of(chosen), life.values, locale=g.locale)
    return _correcting(code, page, life.version.version)


@blueprint.post("/projects/<code>/correct")
@signed_in
@lifecycle.takes("LARGEST_LONG_FORM")
def correct(code: str) -> ResponseReturnValue:
    """Correct the chosen fields; faults and collisions keep what was typed and show what is recorded now."""
    corrections.require_correcting(g.session, code, g.actor)
    chosen = _correctable(posted_list("field"))
    if not chosen:
        lifecycle.read_again()
        return _choosing(code, error_text(NoFieldChosen())), Invalid.status
    page = form_page.submitted(
        _schema().form_of(chosen), request.form, request.files, locale=g.locale, extra=_PAGE_NAMES
    )
    based_on = _number(posted("based_on"))
    if page.faults:
        lifecycle.read_again()
        return _correcting(code, page, based_on), Invalid.status
    new = NewCorrection({name: page.values.get(name) for name in chosen}, based_on, posted("reason"))
    try:
        done = corrections.correct(g.session, code, g.actor, g.now, new)
    except (Invalid, ChangedMeanwhile, CorrectionWaits, SaysTheSame) as error:
        lifecycle.read_again()
        newest = projects.life_of(g.session, code, g.actor).version.version
        return _correcting(code, page, newest, _sentence(error)), error.status
    if done.waits:
        flash(gettext("เสนอแก้ไขแล้ว ข้อมูลยังไม่เปลี่ยนจนกว่าอีกคนจะยืนยัน"), "info")
    else:
        flash(gettext("แก้ไขข้อมูลแล้ว ค่าเดิมยังดูได้ในลำดับเหตุการณ์"), "success")
    return redirect(url_for("projects.project", code=code))


@blueprint.post("/projects/<code>/corrections/<int:seq>/confirm")
@requires(Verb.confirm_record)
def confirm(code: str, seq: int) -> ResponseReturnValue:
    corrections.confirm(g.session, code, seq, g.actor, g.now)
    flash(gettext("ยืนยันแล้ว ข้อมูลใหม่มีผลแล้ว"), "success")
    return redirect(url_for("projects.project", code=code))


@blueprint.post("/projects/<code>/corrections/<int:seq>/withdraw")
@signed_in
def withdraw(code: str, seq: int) -> ResponseReturnValue:
    corrections.withdraw(g.session, code, seq, g.actor, g.now, reason=posted("reason"))
    flash(gettext("ปิดข้อเสนอแล้ว ข้อมูลคงเดิม"), "success")
    return redirect(url_for("projects.project", code=code))


def _schema() -> RecordSchema:
    return type_of(KIND).schema


def _correctable(names: list[str]) -> list[str]:
    return [name for name in _schema().correctable if name in names]


def _number(text: str) -> int:
    """The number of a version; 0, which none has, for what is no number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _sentence(error: OsmFlowError) -> str:
    return " ".join(field_texts(error).values()) or error_text(error)


def _choosing(code: str, problem: str = "") -> str:
    schema = _schema()
    locale = current_locale()
    groups = [
        (
            label_of(group, locale),
            [
                CorrectableField(name, label_of(schema.fields[name], locale), name in schema.confirmed)
                for name in group["fields"]
                if name in schema.correctable
            ],
        )
        for group in groups_of(schema.form)
    ]
    project = projects.get_project(g.session, code, g.actor)
    found = [(heading, choices) for heading, choices in groups if choices]
    return render_template(
        "projects/choose_fields.html",
        project=project,
        groups=found,
        problem=problem,
        always_waits=corrections.always_waits(project, g.actor),
    )


def _correcting(code: str, page: SchemaForm, based_on: int, problem: str = "") -> str:
    life = projects.life_of(g.session, code, g.actor)
    chosen = list(page.form_fields)
    return render_template(
        "projects/correct.html",
        project=life.project,
        form=page,
        chosen=chosen,
        recorded={name: life.values[name] for name in chosen if name in life.values},
        waits=bool(_schema().confirmed & set(chosen)) or corrections.always_waits(life.project, g.actor),
        based_on=based_on,
        reason=posted("reason"),
        problem=problem,
        errors=bool(problem or page.faults),
    )
