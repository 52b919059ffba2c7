"""Cases: the list, starting one, one case whole, and writing down what parties without a login answered."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.party_answers import FIELDS, AnswerUnsupported, PartyAnswer, read_answer
from osm_flow.domain.access.policy import Verb
from osm_flow.domain.acts import CaseStart
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_of
from osm_flow.domain.search import says_nothing
from osm_flow.domain.stages import STAGES
from osm_flow.domain.states import CaseStatus
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import comments
from osm_flow.operations.cases import queries as case_queries
from osm_flow.operations.cases.acts import AnsweredAlready, CaseFilter
from osm_flow.operations.definitions.library import compiled, latest, list_definitions
from osm_flow.operations.people.offices import offices
from osm_flow.store.models import ProcessDefinition
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.page import SchemaForm
from osm_flow.web.forms.posted import posted, posted_key
from osm_flow.web.pages import case_page
from osm_flow.web.parts.diagram_xml import first_steps, in_language
from osm_flow.web.parts.refusals import after_refusal, problem_of
from osm_flow.web.parts.uploads import keep_upload
from osm_flow.web.parts.years import fiscal_years, year_in
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import may, requires, signed_in
from osm_flow.web.site.i18n import error_text, gettext
from osm_flow.web.site.wording import channels, named

blueprint = Blueprint("cases", __name__)

_START_NAMES = ("case_title", "case_fiscal_year", "case_office")
# Processes that carry out or follow the present fiscal year; all others plan the next one.
_OF_THIS_YEAR = ("execution_year", "quarterly_monitoring", "recommendation", "committee_approval")
# Open cases of the same kind that a start page names before one more is begun.
_MOST_ALIKE = 5
_CHANGES = {"suspend": cases.suspend_case, "resume": cases.resume_case, "cancel": cases.cancel_case}


class TitleMissing(Invalid):
    """Give the case a name that people in the office understand."""


@blueprint.get("/cases")
@signed_in
def case_list() -> ResponseReturnValue:
    wanted = _wanted()
    page = cases.list_cases(g.session, g.actor, wanted, after=request.args.get("after") or None)
    return render_template(
        "cases/list.html",
        page=page,
        filters=wanted,
        is_filtered=wanted != CaseFilter(),
        states=_states(),
        years=fiscal_years(),
        stages=STAGES,
        definitions=list_definitions(g.session),
        may_start=may(Verb.start_case),
    )


@blueprint.get("/cases/start")
@requires(Verb.start_case)
def start() -> ResponseReturnValue:
    return render_template("cases/start.html", definitions=list_definitions(g.session, startable=True))


@blueprint.get("/cases/start/<key>")
@requires(Verb.start_case)
def start_form(key: str) -> ResponseReturnValue:
    definition = latest(g.session, key)
    schema = _start_schema(definition)
    form = form_page.blank(schema, _start_context(), locale=g.locale) if schema else None
    return _start_page(definition, form, _start_defaults(definition), {})


@blueprint.post("/cases/start/<key>")
@requires(Verb.start_case)
@lifecycle.takes("LARGEST_LONG_FORM")
def start_case(key: str) -> ResponseReturnValue:
    """Begin a case with the values of its start form; faults keep what was typed."""
    definition = latest(g.session, key)
    schema = _start_schema(definition)
    typed = {name: posted(name).strip() for name in _START_NAMES}
    form = _submitted(schema, _start_context()) if schema else None
    problems = {"title": error_text(TitleMissing())} if says_nothing(typed["case_title"]) else {}
    if problems or (form and form.faults):
        lifecycle.read_again()
        return _start_page(latest(g.session, key), form, typed, problems), Invalid.status
    year = year_in(typed["case_fiscal_year"])
    start = CaseStart(
        office_id=typed["case_office"] or g.actor.office_ids[0],
        fiscal_year=fiscal_year_of(local_day(g.now)) if year is None else year,
        title=typed["case_title"],
        data=form.values if form else {},
        key=posted_key(),
    )
    case = cases.start_case(g.session, key, g.actor, g.now, start)
    flash(gettext("เริ่มเรื่อง %(title)s แล้ว เลขที่ %(key)s", title=case.title, key=case.business_key), "success")
    return redirect(url_for("cases.case", case_id=case.id))


@blueprint.get("/cases/<case_id>")
@signed_in
def case(case_id: str) -> ResponseReturnValue:
    case = cases.get_case(g.session, case_id, g.actor)
    return case_page.render(case, after=request.args.get("history") or None)


@blueprint.get("/cases/<case_id>/picture")
@signed_in
def picture(case_id: str) -> ResponseReturnValue:
    """JSON for the viewer on the page: the diagram as BPMN XML, and where the case stands in it."""
    case = cases.get_case(g.session, case_id, g.actor)
    drawn = case_queries.case_picture(g.session, case, g.now)
    return jsonify({**drawn, "xml": in_language(drawn["xml"])})


def told_when_answered(route: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """Whoever comes after an answer was written down is told by whom it was, and reads once more what they typed."""

    @wraps(route)
    def answer(case_id: str, task_id: str) -> ResponseReturnValue:
        try:
            return route(case_id, task_id)
        except AnsweredAlready as error:
            lifecycle.read_again()
            case = cases.get_case(g.session, case_id, g.actor)
            texts = [(name, posted(name)) for name in request.form if name not in ("csrf_token", "idempotency_key")]
            typed = [(name, text) for name, text in texts if text.strip()]
            return render_template("cases/answered.html", case=case, words=error_text(error), typed=typed), error.status

    return answer


def in_place(act: str) -> Callable[..., Callable[..., ResponseReturnValue]]:
    """What a small form of the case's page got wrong is said beside it, with what was typed kept."""

    def around(route: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        @wraps(route)
        def answer(case_id: str, **more: str) -> ResponseReturnValue:
            try:
                return route(case_id, **more)
            except Invalid as error:
                lifecycle.read_again()
                case = cases.get_case(g.session, case_id, g.actor)
                problem = problem_of(more.get("act", act), error)
                return case_page.render(case, after=None, problem=problem), error.status

        return answer

    return around


@blueprint.post("/cases/<case_id>/comments")
@signed_in
@in_place("comment")
def comment_on_case(case_id: str) -> ResponseReturnValue:
    body, key = posted("body"), posted_key()
    comments.comment(g.session, case_id, g.actor, g.now, body=body, key=key)
    return redirect(url_for("cases.case", case_id=case_id, _anchor="comments"))


@blueprint.post("/cases/<case_id>/attachments")
@signed_in
@lifecycle.takes("LARGEST_FILE")
@in_place("attach")
def attach_to_case(case_id: str) -> ResponseReturnValue:
    keep_upload(case_id)
    return redirect(url_for("cases.case", case_id=case_id, _anchor="attachments"))


@blueprint.post(f"/cases/<case_id>/<any({', '.join(_CHANGES)}):act>")
@signed_in
@in_place("change")
def change_state(case_id: str, act: str) -> ResponseReturnValue:
    reason, key = posted("reason"), posted_key()
    _CHANGES[act](g.session, case_id, g.actor, g.now, reason=reason, key=key)
    said = {
        "suspend": gettext("พักเรื่องนี้แล้ว งานทุกงานของเรื่องหยุดรอ"),
        "resume": gettext("เรื่องนี้เดินต่อแล้ว"),
        "cancel": gettext("ยกเลิกเรื่องนี้แล้ว ประวัติยังอยู่ครบ"),
    }
    flash(said[act], "success")
    return redirect(url_for("cases.case", case_id=case_id))


@blueprint.get("/cases/<case_id>/answers/<task_id>")
@requires(Verb.record_message)
@told_when_answered
def answer(case_id: str, task_id: str) -> ResponseReturnValue:
    awaited = case_page.awaited(case_id, task_id, request.args)
    form = None
    if awaited.schema:
        opened = form_page.opening(awaited.schema, awaited.variables, request.args)
        form = form_page.from_values(awaited.schema, opened, context=awaited.variables, locale=g.locale)
    return _answer_page(awaited, form)


@blueprint.post("/cases/<case_id>/answers/<task_id>")
@requires(Verb.record_message)
@lifecycle.takes("LARGEST_LONG_FORM")
@told_when_answered
def record_answer(case_id: str, task_id: str) -> ResponseReturnValue:
    """Write down the answer of a party without a login; faults and lost races keep what was typed."""
    cases.lock_for_answer(g.session, case_id, g.actor)
    awaited = case_page.awaited(case_id, task_id, request.form)
    form = _submitted(awaited.schema, awaited.variables, *FIELDS) if awaited.schema else None
    said, unsupported = _answer_said()
    if said is None or (form and form.faults):
        lifecycle.read_again()
        return _answer_page(
            case_page.awaited(case_id, task_id, request.form), form, unsupported=unsupported
        ), Invalid.status
    try:
        cases.record_message(
            g.session,
            task_id,
            g.actor,
            g.now,
            data=form.values if form else {},
            answer=said,
            key=posted_key(),
        )
    except cases.AnswerInvalid as unfit:
        lifecycle.read_again()
        if form is None:
            raise
        form.show(unfit.details.get("fields", {}))
        return _answer_page(case_page.awaited(case_id, task_id, request.form), form), unfit.status
    except Refused as refusal:
        after_refusal(refusal)
        return _answer_page(
            case_page.awaited(case_id, task_id, request.form), form, lost=error_text(refusal)
        ), refusal.status
    flash(gettext("บันทึกคำตอบ %(name)s แล้ว เรื่องเดินต่อ", name=named(awaited.row)), "success")
    return redirect(url_for("cases.case", case_id=case_id))


def _answer_said() -> tuple[PartyAnswer | None, dict[str, str]]:
    """How the answer came, as it was typed; else what is wrong with it, by field."""
    try:
        return read_answer({name: posted(name) for name in FIELDS}, local_day(g.now)), {}
    except AnswerUnsupported as error:
        return None, {name: gettext(words) for name, words in error.fields.items()}


def _submitted(schema: Any, context: Any, *extra: str) -> SchemaForm:
    names = (*_START_NAMES, *extra)
    return form_page.submitted(schema, request.form, request.files, context=context, locale=g.locale, extra=names)


def _wanted() -> CaseFilter:
    """What the address asks for; what cannot be understood is left out."""
    arguments = request.args
    state, stage = arguments.get("state", ""), arguments.get("stage", "")
    return CaseFilter(
        state=state if state in set(CaseStatus) else None,
        fiscal_year=year_in(arguments.get("fy", "")),
        stage=stage if stage in STAGES else None,
        definition_key=arguments.get("kind", "")[:128] or None,
        text=arguments.get("text", "").strip()[:100] or None,
    )


def _states() -> list[tuple[str, str]]:
    words = {
        CaseStatus.ACTIVE: gettext("กำลังดำเนินการ"),
        CaseStatus.SUSPENDED: gettext("พักไว้"),
        CaseStatus.COMPLETED: gettext("เสร็จแล้ว"),
        CaseStatus.CANCELLED: gettext("ยกเลิก"),
    }
    return [(state.value, words[state]) for state in CaseStatus]


def _start_schema(definition: ProcessDefinition) -> Any:
    process = compiled(g.session, definition)
    return process.forms.get(process.start_form) if process.start_form else None


def _start_context() -> dict[str, Any]:
    """What a start form may already know: the year, the office and its provinces."""
    return case_page.start_context(posted("case_office"), posted("case_fiscal_year"))


def _start_defaults(definition: ProcessDefinition) -> dict[str, str]:
    year = fiscal_year_of(local_day(g.now)) + (definition.key not in _OF_THIS_YEAR)
    name = named(definition)
    # "ประจำปี 2571", not "ประจำปี ปี 2571": a name that says "year" already is not told it twice.
    word = gettext("ปี")
    says_year = name.startswith(word) or name.endswith(word)
    title = f"{name} {year}" if says_year else gettext("%(name)s ปี %(fy)s", name=name, fy=year)
    return {"case_title": title, "case_fiscal_year": str(year), "case_office": ""}


def _start_page(
    definition: ProcessDefinition, form: SchemaForm | None, typed: dict[str, str], problems: dict[str, str]
) -> str:
    mine = [office for office in offices(g.session) if office.id in g.actor.office_ids]
    open_ones = CaseFilter("open", definition_key=definition.key)
    alike = cases.list_cases(g.session, g.actor, open_ones, limit=_MOST_ALIKE)
    return render_template(
        "cases/start_form.html",
        definition=definition,
        form=form,
        typed=typed,
        problems=problems,
        offices=mine,
        years=fiscal_years(),
        errors=bool(problems or (form and form.faults)),
        alike=alike,
        steps=first_steps(definition.xml, compiled(g.session, definition)),
    )


def _answer_page(
    awaited: case_page.Awaited, form: SchemaForm | None, *, lost: str = "", unsupported: dict[str, str] | None = None
) -> str:
    return render_template(
        "cases/answer.html",
        case=awaited.case,
        waiting=awaited.row,
        party=awaited.party,
        form=form,
        lost=lost,
        unsupported=unsupported or {},
        typed=request.form,
        channels=channels(),
        errors=bool(unsupported or (form and form.faults)),
    )
