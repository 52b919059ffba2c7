"""For auditors: the search over all histories, its ready-made questions, and its results as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import cast
from urllib.parse import urlencode

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.documents.sheets import SHEET_FORMS, Cell, Sheet
from osm_flow.domain.access.policy import SystemFacts, Verb
from osm_flow.domain.calendar.thai_dates import parse_thai_date
from osm_flow.errors import Invalid
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import search as history_search
from osm_flow.operations.audit.questions import Question
from osm_flow.operations.audit.search import FoundRecord, Wanted
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases.acts import CaseFilter
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts import downloads
from osm_flow.web.parts.audit_filters import ASKED, QUESTIONS
from osm_flow.web.parts.history import kind_words, kinds
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import may, requires
from osm_flow.web.site.filters import office_name, role_name, thai_datetime, zone
from osm_flow.web.site.i18n import gettext
from osm_flow.web.site.wording import for_whom, named, subject

blueprint = Blueprint("audit_search", __name__)

_NAMES = ("who", "behalf", "kind", "step", "office", "fy", "from", "to", "text", "q")
_HEAD = (
    "เวลา",
    "ผู้ทำ",
    "ชื่อผู้ใช้",
    "หน้าที่",
    "ทำแทน",
    "ทำอะไร",
    "ขั้นตอน",
    "เกี่ยวกับ",
    "เลขที่",
    "ชื่อเรื่อง",
    "กลุ่มจังหวัด",
    "ปีงบประมาณ",
    "ลำดับ",
    "รหัสหลักฐาน",
)
# Cases that the front page offers to verify.
_MOST_CASES = 5


@dataclass(frozen=True)
class SearchAsked:
    """What was typed into the search, what it means, and the names of what cannot be read."""

    typed: dict[str, str]
    wanted: Wanted
    unread: list[str]


@blueprint.get("/audit")
@requires(Verb.see_audit)
def front() -> ResponseReturnValue:
    """What an auditor begins with: verify a case, search the histories, the newest checkpoints."""
    text = request.args.get("case", "").strip()[:200]
    return render_template(
        "audit_search/front.html",
        typed=text,
        found=cases.list_cases(g.session, g.actor, CaseFilter(text=text or None), limit=_MOST_CASES),
        questions=[(question.value, gettext(label)) for question, label in QUESTIONS.items()],
        checkpoints=audit_log.recent_checkpoints(g.session),
        logged=audit_log.logged_records(g.session),
        sees_all=may(Verb.see_audit, SystemFacts()),
    )


@blueprint.get("/audit/search")
@requires(Verb.see_audit)
def search() -> ResponseReturnValue:
    asked = _asked(request.args)
    page = None
    if not asked.unread:
        page = history_search.search(g.session, g.actor, asked.wanted, after=request.args.get("after") or None)
    return _page(asked, page), 422 if asked.unread else 200


@blueprint.post("/audit/search/export/<form>")
@requires(Verb.see_audit)
@each_time
def export(form: str) -> ResponseReturnValue:
    """Record who takes it out and why; then, nobody waiting for it, write the file and send it."""
    downloads.sheet_form(form)
    asked = _asked(request.form)
    if asked.unread:
        lifecycle.read_again()
        return _page(asked, None), 422
    try:
        history_search.export(
            g.session,
            g.actor,
            g.now,
            asked.wanted,
            reason=request.form.get("reason", ""),
            details=urlencode(asked.typed),
        )
    except Invalid as error:
        lifecycle.read_again()
        page = history_search.search(g.session, g.actor, asked.wanted)
        return _page(asked, page, {name: gettext(text) for name, text in error.fields.items()}), error.status
    return downloads.written_sheet(form, "osm-flow-history", lambda: _sheet_of(asked))


def _sheet_of(asked: SearchAsked) -> Sheet:
    rows = (_row(record) for record in history_search.everything(g.session, g.actor, asked.wanted))
    return Sheet(gettext("ผลการค้นหา"), list(map(gettext, _HEAD)), rows, _notes())


def _page(asked: SearchAsked, page: object, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "audit_search/search.html",
        asked=asked,
        page=page,
        errors=errors or {},
        kinds=kinds(),
        kind_words=kind_words,
        steps=[
            (named(definition), [(f"{definition.key}/{element}", gettext(name)) for element, name in elements])
            for definition, elements in history_search.searched_elements(g.session)
        ],
        offices=history_search.audited_offices(g.actor),
        years=history_search.audited_years(g.session, g.actor),
        questions=[(question.value, gettext(label)) for question, label in QUESTIONS.items()],
        unread=[gettext(ASKED[name]) for name in asked.unread],
        sheet_forms=[(name, gettext(form.button)) for name, form in SHEET_FORMS.items()],
    )


def _asked(given: object) -> SearchAsked:
    values = cast("dict[str, str]", given)
    typed = {name: values[name].strip()[:200] for name in _NAMES if values.get(name, "").strip()}
    unread: list[str] = []
    key, _, element = typed.get("step", "").partition("/")
    first, last = (_day(typed, name, unread) for name in ("from", "to"))
    question = typed.get("q", "")
    if question and question not in set(Question):
        unread.append("q")
    year = typed.get("fy", "")
    if year and not (year.isdecimal() and year.isascii() and len(year) == 4):
        unread.append("fy")
    wanted = Wanted(
        who=typed.get("who"),
        on_behalf_of=typed.get("behalf"),
        kind=typed.get("kind"),
        definition_key=key or None,
        element=element or None,
        office_id=typed.get("office"),
        fiscal_year=int(year) if year and "fy" not in unread else None,
        since=_midnight(first) if first else None,
        until=_midnight(last + timedelta(days=1)) if last else None,
        text=typed.get("text"),
        question=Question(question) if question and "q" not in unread else None,
    )
    return SearchAsked(typed, wanted, unread)


def _day(typed: dict[str, str], name: str, unread: list[str]) -> date | None:
    if name not in typed:
        return None
    try:
        day = parse_thai_date(typed[name])
        _midnight(day + timedelta(days=1))
    except (ValueError, OverflowError):
        unread.append(name)
        return None
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), zone())


def _row(item: FoundRecord) -> list[Cell]:
    record = item.record
    return [
        thai_datetime(record.at),
        item.actor_name,
        record.actor,
        role_name(record.actor_role) if record.actor_role else "",
        for_whom(item, item.on_behalf_name),
        kind_words(record.kind, record.actor != "system")[0],
        gettext(item.element_name),
        subject(item),
        item.case.business_key,
        item.case.title,
        office_name(item.case.office_id),
        item.case.fiscal_year,
        record.seq,
        record.hash,
    ]


def _notes() -> Iterator[str]:
    """The newest signed checkpoint, by which anybody can tell later which history this was taken from."""
    checkpoint = audit_log.latest_checkpoint(g.session)
    if checkpoint is not None:
        yield from checkpoint.note.splitlines()
