"""Everything the page of one work item shows: what is asked, what may be done, the form and what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g, render_template

from osm_flow.domain.access.policy import Decision, Reason, Verb, decide
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms.values import changes, keep_known
from osm_flow.domain.json import JSON
from osm_flow.domain.states import OPEN_WORK_ITEM, WorkItemStatus
from osm_flow.operations.cases.attachments import attachments_of
from osm_flow.operations.cases.comments import comments_on
from osm_flow.operations.cases.queries import case_history, case_standing
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.policy_facts import case_facts, work_item_facts
from osm_flow.operations.work_items import access, earlier_versions
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.operations.work_items.plans import get_draft
from osm_flow.operations.work_items.returned import return_of
from osm_flow.store.models import WorkItem
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.page import SchemaForm
from osm_flow.web.parts.documents import Shown, documents_of, shown
from osm_flow.web.parts.element_list import live_elements
from osm_flow.web.parts.history import tell
from osm_flow.web.site.filters import URGENT, role_name, thai_date
from osm_flow.web.site.i18n import gettext
from osm_flow.web.site.wording import acting_words, channels, obstacle_words

_EARLIER = 6
_ACTS = (
    Verb.claim,
    Verb.release,
    Verb.delegate,
    Verb.reassign,
    Verb.complete,
    Verb.move_due,
)


@dataclass(frozen=True)
class ItemView:
    """A work item as this reader meets it."""

    item: WorkItem
    schema: JSON | None
    variables: JSON
    documentation: str
    action: str
    approves: str | None
    document_key: str | None
    may: dict[str, bool]
    obstacle: str
    acting: str
    outside: list[str]
    instance: int | None = None

    @property
    def is_open(self) -> bool:
        return self.item.state in OPEN_WORK_ITEM


def look_at(work_item_id: str) -> ItemView:
    """The work item for the person who asks. Raises WorkItemNotFound and the like."""
    item = access.get_work_item(g.session, work_item_id, g.actor)
    facts = work_item_facts(g.session, item, g.actor)
    decisions: dict[Verb, Decision] = {verb: decide(g.actor, verb, facts) for verb in _ACTS}
    of_case = case_facts(g.session, item.case, g.actor)
    decisions |= {verb: decide(g.actor, verb, of_case) for verb in (Verb.comment, Verb.attach)}
    completing = decisions[Verb.complete]
    mine = item.assignee_id == g.actor.person_id
    may = {verb.value: decision.allowed for verb, decision in decisions.items()}
    may["complete"] = completing.allowed and mine
    may["follow_up"] = may["complete"]
    may["claim"] = may["claim"] and item.assignee_id is None
    may["set_priority"] = may["move_due"]
    may["take_over"] = (
        may["reassign"]
        and not mine
        and completing.reason == Reason.held
        and decide(g.actor, Verb.receive, facts).allowed
    )
    may["any_quiet"] = any(may[name] for name in ("release", "delegate", "reassign", "move_due", "follow_up"))
    waiting = work_item_queries.waiting_at(g.session, item)
    element = work_items.element_of(g.session, item)
    properties = waiting.properties if waiting else element.properties
    return ItemView(
        item=item,
        schema=work_items.form_of(g.session, item),
        variables=work_items.context_of(g.session, item),
        documentation=gettext(waiting.documentation) if waiting else "",
        action=gettext(str(properties.get("action") or "")),
        approves=properties.get("approves"),
        document_key=properties.get("document"),
        may=may,
        obstacle=_obstacle(item, completing),
        acting=acting_words(completing),
        outside=_outside(item, facts.candidates, completing),
        instance=waiting.instance if waiting else None,
    )


def blank_form(view: ItemView) -> SchemaForm | None:
    """The form as it opens: the draft, else the document that is being revised, else what the case knows."""
    if view.schema is None:
        return None
    draft = get_draft(g.session, view.item.id, g.actor) if view.is_open else None
    if draft is not None:
        return form_page.from_draft(view.schema, draft, context=view.variables, locale=g.locale)
    if not view.is_open:
        return form_page.from_values(view.schema, view.variables, context=view.variables, locale=g.locale)
    known = view.variables.get(view.document_key or "")
    if isinstance(known, dict):
        values = keep_known(view.schema, known)
        return form_page.from_values(view.schema, values, context=view.variables, locale=g.locale)
    return form_page.blank(view.schema, view.variables, locale=g.locale)


def render(view: ItemView, form: SchemaForm | None, *, lost: str = "", typed: Any = None, problem: Any = None) -> str:
    """The page. `lost` says that somebody was quicker, `problem` what a small form got wrong; what was typed stays."""
    item = view.item
    told = tell(item.case, case_history(g.session, item.case).items)
    earlier = [entry for entry in told if entry.at <= item.opened_at and entry.is_work][:_EARLIER]
    return render_template(
        "work_items/work_item.html",
        view=view,
        item=item,
        form=form,
        lost=lost,
        typed=typed or {},
        problem=problem,
        priorities=[(50, gettext("ปกติ")), *((least, gettext(words)) for least, words in reversed(URGENT))],
        errors=bool(form and form.faults),
        closed_words=_closed_words(item),
        document=_under_approval(view),
        documents=documents_of(item.case),
        earlier=earlier,
        returned=return_of(g.session, item) if view.is_open else None,
        rework=_rework(view),
        sender=work_item_queries.senders(g.session, [item]).get(item.id),
        comment_rows=comments_on(g.session, item.case_id),
        attachment_rows=attachments_of(g.session, item.case),
        elements=live_elements(compiled(g.session, item.case.definition), case_standing(g.session, item.case, g.now)),
        choices=_choices(view),
        channels=channels(),
        draft_at=work_item_queries.draft_saved_at(g.session, item, g.actor),
    )


def _rework(view: ItemView) -> list[str]:
    """The parts that a higher body named when it sent the whole case back; empty in any other case."""
    parts = view.variables.get("rework_parts") if view.is_open and view.variables.get("rework") is True else None
    return [part for part in parts if isinstance(part, str) and part] if isinstance(parts, list) else []


def _under_approval(view: ItemView) -> Shown | None:
    """The document that this work item approves, with what changed since its last version marked."""
    if not view.approves:
        return None
    known = view.variables.get(view.approves) if view.is_open else None
    seen = known if isinstance(known, dict) else None
    versions = earlier_versions.versions_of(g.session, view.item, view.approves, seen=seen, instance=view.instance)
    if not versions:
        return None
    newest = versions[-1]
    values = newest.values if seen is None else seen
    earlier = [version for version in versions if version.values != values]
    if not earlier:
        return shown(newest.schema, values)
    marked = changes(newest.schema, earlier[-1].values, values)
    return shown(newest.schema, values, marked, earlier[-1].at)


def _choices(view: ItemView) -> list[work_item_queries.Choice]:
    if not (view.may["delegate"] or view.may["reassign"]):
        return []
    people = work_item_queries.choices_for(g.session, view.item, local_day(g.now))
    return [one for one in people if one.username != g.actor.username or view.may["reassign"]]


def _obstacle(item: WorkItem, completing: Decision) -> str:
    return obstacle_words(completing, item.assignee.display_name if item.assignee else "")


def _outside(item: WorkItem, candidates: tuple[str, ...], completing: Decision) -> list[str]:
    """The outside parties for whom staff of the office may write the answer down; none when one answers oneself."""
    outside = work_item_queries.asks_outside(candidates)
    answers_oneself = completing.hat is not None and any(completing.hat.answers(spelled) for spelled in outside)
    return [] if answers_oneself else [role_name(spelled) for spelled in outside]


def _closed_words(item: WorkItem) -> str:
    if item.state == WorkItemStatus.COMPLETED:
        name = item.completed_by.display_name if item.completed_by else ""
        return gettext("%(name)s ทำงานนี้เสร็จแล้วเมื่อ %(date)s", name=name, date=thai_date(item.closed_at))
    return gettext("งานนี้ไม่ต้องทำแล้ว เรื่องเดินต่อไปโดยไม่มีขั้นนี้")
