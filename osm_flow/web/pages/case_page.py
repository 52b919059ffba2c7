"""Everything the page of one case shows: where it stands, who has it, what it waits for, what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, render_template

from osm_flow.domain.access.policy import OfficeFacts, SystemFacts, Verb, decide, require
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_of
from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import in_language
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_CASE, CaseStatus
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import overview
from osm_flow.operations.cases import queries as case_queries
from osm_flow.operations.cases.attachments import attachments_of
from osm_flow.operations.cases.comments import comments_on
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.store.models import Case, WaitingMessage, WorkItem
from osm_flow.web.forms.page import chosen_in
from osm_flow.web.parts.diagram_xml import party_of
from osm_flow.web.parts.documents import documents_of
from osm_flow.web.parts.element_list import live_elements
from osm_flow.web.parts.history import Told, fold, kind_words, tell
from osm_flow.web.parts.refusals import Mistake
from osm_flow.web.site.filters import role_name
from osm_flow.web.site.i18n import current_locale, gettext
from osm_flow.web.site.wording import for_whom, named, names_of, with_login


@dataclass(frozen=True)
class Awaited:
    """An answer that a case waits for, with the form in which staff write it down."""

    case: Case
    row: WaitingMessage
    schema: JSON | None
    variables: JSON
    party: str


def awaited(case_id: str, task_id: str, typed: Mapping[str, str] | None = None) -> Awaited:
    """The answer that this case waits for; what was `typed` may choose the record that its form is about.

    Raises NotFound when the case does not wait (any more).
    """
    case = cases.get_case(g.session, case_id, g.actor)
    require(g.actor, Verb.record_message, case_facts(g.session, case, g.actor))
    row = overview.awaited_answer(g.session, case, task_id)
    process = compiled(g.session, case.definition)
    schema = process.forms.get(row.form_key) if row.form_key else None
    chosen = chosen_in(schema, typed or {})
    variables = cases.answer_context(g.session, case, task_id, schema, chosen)
    return Awaited(case, row, schema, variables, party_of(case.definition.xml, row.element))


def start_context(office_id: str | None, fiscal_year: str | None) -> JSON:
    """The variables every case starts with, as far as the page knows them."""
    office: str = office_id if office_id and office_id in g.actor.office_ids else next(iter(g.actor.office_ids), "")
    year = (
        int(fiscal_year)
        if fiscal_year and fiscal_year.isdecimal() and len(fiscal_year) == 4
        else fiscal_year_of(local_day(g.now)) + 1
    )
    provinces = [province.id for province in work_item_queries.provinces_of(g.session, [office])]
    return {"fy": year, "office": office, "provinces": provinces, "started_by": g.actor.username}


def render(case: Case, *, after: str | None, problem: Mistake | None = None) -> str:
    """The page of the case; `problem` is what one of its small forms got wrong."""
    process = compiled(g.session, case.definition)
    history = case_queries.case_history(g.session, case, after=after)
    allowed = _may(case)
    audits = allowed[Verb.see_audit.value]
    starter = names_of([case.started_by])[case.started_by]
    told = tell(g.session, case, history.items, logins=audits)
    open_items = overview.open_items_of(g.session, case)
    return render_template(
        "cases/case.html",
        case=case,
        problem=problem,
        may=allowed,
        parent=case_queries.case_parent(g.session, case, g.actor),
        starter=with_login(starter, case.started_by) if audits else starter,
        track=overview.stage_track(g.session, case, g.now),
        incidents=_incidents(case),
        open_items=open_items,
        candidates={item.id: _candidates(item) for item in open_items},
        stands_still=not open_items and not overview.waits(g.session, case),
        awaited=overview.awaited_of(g.session, case),
        timers=overview.timers_of(g.session, case),
        elements=live_elements(process, case_queries.case_standing(g.session, case, g.now)),
        history={"entries": fold(told), "next": history.next},
        halted=_halted(case, told),
        people=_people(case, logins=audits),
        children=case_queries.case_children(g.session, case, g.actor),
        documents=documents_of(g.session, case),
        attachment_rows=attachments_of(g.session, case),
        comment_rows=comments_on(g.session, case.id),
    )


def _people(case: Case, *, logins: bool) -> list[tuple[str, str]]:
    """Who works or worked in the case, with what they did last, and for whom."""
    people = overview.people_of(g.session, case)
    done = work_item_queries.finishers(g.session, [item for *_, item in people])
    said = []
    for display_name, username, item in people:
        name = with_login(display_name, username) if logins else display_name
        did = done.get(item.id)
        whom = for_whom(did, did.on_behalf_of) if did else ""
        said.append((name, f"{named(item)} {whom}".strip()))
    return said


def _halted(case: Case, told: Sequence[Told]) -> Told | None:
    """Who suspended the case and why, while it rests."""
    if case.state != CaseStatus.SUSPENDED:
        return None
    words, _ = kind_words(RecordKind.case_suspended)
    return next((line for line in told if line.did == words), None)


def _may(case: Case) -> dict[str, bool]:
    facts = case_facts(g.session, case, g.actor)
    verbs = (Verb.comment, Verb.attach, Verb.suspend_case, Verb.resume_case, Verb.cancel_case, Verb.record_message)
    allowed = {verb.value: decide(g.actor, verb, facts).allowed for verb in verbs}
    allowed["attach"] = allowed["attach"] and case.state in OPEN_CASE
    for verb in (Verb.see_audit, Verb.retry_incident):
        anywhere = (OfficeFacts(case.office_id), SystemFacts())
        allowed[verb.value] = any(decide(g.actor, verb, subject).allowed for subject in anywhere)
    return allowed


def _incidents(case: Case) -> list[dict[str, Any]]:
    elements = compiled(g.session, case.definition).elements
    return [
        {
            "row": row,
            "element_name": (gettext(element.name) if (element := elements.get(row.element or "")) else "")
            or row.element
            or gettext("ทั้งเรื่อง"),
            "words": in_language(row.kind, row.message, current_locale()),
        }
        for row in overview.open_incidents_of(g.session, case)
    ]


def _candidates(item: WorkItem) -> list[str]:
    spelled = (
        f"{candidate.role}@{candidate.province_id}" if candidate.province_id else candidate.role
        for candidate in item.candidates
        if candidate.role
    )
    return [role_name(name) for name in spelled]
