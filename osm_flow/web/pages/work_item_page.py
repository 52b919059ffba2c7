"""Everything the page of one work item shows: what is asked, what may be done, the form and what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    Decision,
    OfficeFacts,
    Reason,
    SystemFacts,
    Verb,
    WorkItemFacts,
    decide,
    reads_whole_office,
)
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms.schema import chooser_of
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
from osm_flow.operations.work_items.returned import Returned, return_of
from osm_flow.store.models import Attachment, Comment, WorkItem
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.page import SchemaForm
from osm_flow.web.parts.documents import Shown, documents_of, shown
from osm_flow.web.parts.element_list import ElementLine, live_elements
from osm_flow.web.parts.history import Told, tell
from osm_flow.web.parts.refusals import Mistake
from osm_flow.web.site.filters import URGENT, thai_date
from osm_flow.web.site.i18n import gettext
from osm_flow.web.site.wording import acting_words, channels, obstacle_words, party_words, sender_words

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_EARLIER = 6
_ACTS = (
    Verb.claim,
    Verb.release,
    Verb.delegate,
    Verb.reassign,
    Verb.complete,
    Verb.record_answer,
    Verb.move_due,
)


@dataclass(frozen=True)
class Visit:
    """Who looks at the page, and when; what was typed into the form, or chosen in the address, may say what it is about."""

    session: Session
    actor: Actor
    now: datetime
    typed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """What was done on the page and refused: `lost` to somebody who was quicker, or a `problem` of a small form.

    unsupported  what is wrong with how a party's answer was said to have come, by field.
    """

    lost: str = ""
    problem: Mistake | None = None
    typed: Mapping[str, str] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)


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
    asked: list[tuple[str, str]]
    instance: int | None = None
    sees_case: bool = True

    @property
    def is_open(self) -> bool:
        return self.item.state in OPEN_WORK_ITEM


@dataclass(frozen=True)
class WorkItemPage:
    """All that the page of a work item shows to one person; `audits`: who may follow its entries to their moments."""

    view: ItemView
    form: SchemaForm | None
    tried: Tried
    under_approval: Shown | None
    returned: Returned | None
    rework: list[str]
    sender: str | None
    closed_words: str
    earlier: list[Told]
    documents: list[Shown]
    comments: Sequence[Comment]
    attachments: list[Attachment]
    elements: list[ElementLine]
    choices: list[work_item_queries.Choice]
    draft_at: datetime | None
    audits: bool

    @property
    def item(self) -> WorkItem:
        return self.view.item

    @property
    def may(self) -> dict[str, bool]:
        return self.view.may

    @property
    def has_faults(self) -> bool:
        return bool(self.tried.problem or self.tried.unsupported or (self.form and self.form.faults))

    @property
    def priorities(self) -> list[tuple[int, str]]:
        return [(50, gettext("ปกติ")), *((least, gettext(words)) for least, words in reversed(URGENT))]

    @property
    def channels(self) -> list[tuple[str, str]]:
        return channels()


def look_at(visit: Visit, work_item_id: str) -> ItemView:
    """The work item for the person who asks. Raises WorkItemNotFound and the like."""
    session, actor = visit.session, visit.actor
    item = access.get_work_item(session, work_item_id, actor)
    facts = work_item_facts(session, item, actor)
    completing = decide(actor, Verb.complete, facts)
    waiting = work_item_queries.waiting_at(session, item)
    properties = waiting.properties if waiting else work_items.element_of(session, item).properties
    may = _may(visit, item, facts)
    schema = work_items.form_of(session, item)
    return ItemView(
        item=item,
        schema=schema,
        variables=work_items.context_for(session, item, actor, _chosen(visit, item, schema)),
        documentation=gettext(waiting.documentation) if waiting else "",
        action=gettext(str(properties.get("action") or "")),
        approves=properties.get("approves"),
        document_key=properties.get("document"),
        may=may,
        obstacle=_obstacle(item, completing),
        acting=acting_words(completing),
        asked=[(spelled, party_words(spelled)) for spelled in facts.candidates] if may["record_answer"] else [],
        instance=waiting.instance if waiting else None,
        sees_case=decide(actor, Verb.see_case, case_facts(session, item.case, actor)).allowed,
    )


def _chosen(visit: Visit, item: WorkItem, schema: JSON | None) -> JSON:
    """The record that was chosen for the form: in what was typed or the address, else in the draft."""
    if not _asks_anew(visit, schema):
        draft = get_draft(visit.session, item.id, visit.actor) if schema and chooser_of(schema) else None
        kept = {name: texts[0] for name, texts in (draft or {}).items() if isinstance(texts, list) and texts}
        return form_page.chosen_in(schema, kept)
    return form_page.chosen_in(schema, visit.typed)


def _asks_anew(visit: Visit, schema: JSON | None) -> bool:
    """Whether the page was asked for with another record, or with none: it opens with that, not with the draft."""
    return schema is not None and (chooser_of(schema) or "") in visit.typed


def blank_form(visit: Visit, view: ItemView) -> SchemaForm | None:
    """The form as it opens: the draft, else the document that is being revised, else what the case knows."""
    if view.schema is None:
        return None
    draft = get_draft(visit.session, view.item.id, visit.actor) if view.is_open else None
    if view.is_open and _asks_anew(visit, view.schema):
        opened = form_page.opening(view.schema, view.variables, visit.typed)
        return form_page.from_values(view.schema, opened, context=view.variables)
    if draft is not None:
        return form_page.from_draft(view.schema, draft, context=view.variables)
    if not view.is_open:
        return form_page.from_values(view.schema, view.variables, context=view.variables)
    known = view.variables.get(view.document_key or "")
    if isinstance(known, dict):
        return form_page.from_values(view.schema, keep_known(view.schema, known), context=view.variables)
    return form_page.blank(view.schema, view.variables)


def page_of(visit: Visit, view: ItemView, form: SchemaForm | None, tried: Tried | None = None) -> WorkItemPage:
    """The page with this form in it, and with what was tried before it was shown again.

    Whoever does not see the case is shown what lies at the work item, and no other paper than its form and what it judges.
    """
    session, item = visit.session, view.item
    at_item = None if view.sees_case else item.id
    audited = (OfficeFacts(item.office_id), SystemFacts())
    audits = view.sees_case and any(decide(visit.actor, Verb.see_audit, one).allowed for one in audited)
    entries = case_history(session, item.case).items if view.sees_case else []
    told = tell(session, item.case, entries, logins=audits)
    standing = case_standing(session, item.case, visit.now) if view.sees_case else {"tokens": [], "passed": {}}
    return WorkItemPage(
        view=view,
        form=form,
        tried=tried or Tried(),
        under_approval=_under_approval(visit, view),
        returned=return_of(session, item) if view.is_open else None,
        rework=_rework(view) if view.sees_case else [],
        sender=_sender(session, item),
        closed_words="" if view.is_open else _closed_words(session, item),
        earlier=[entry for entry in told if entry.at <= item.opened_at and entry.is_work][:_EARLIER],
        documents=documents_of(session, item.case) if view.sees_case else [],
        comments=comments_on(session, item.case_id, at_item),
        attachments=attachments_of(session, item.case, at_item),
        elements=live_elements(compiled(session, item.case.definition), standing),
        choices=_choices(visit, view),
        draft_at=work_item_queries.draft_saved_at(session, item, visit.actor),
        audits=audits,
    )


def _may(visit: Visit, item: WorkItem, facts: WorkItemFacts) -> dict[str, bool]:
    """What the page offers to do, by the names of verbs and of its own small acts."""
    actor = visit.actor
    decisions: dict[Verb, Decision] = {verb: decide(actor, verb, facts) for verb in _ACTS}
    of_case = case_facts(visit.session, item.case, actor)
    written_at = of_case if decide(actor, Verb.see_case, of_case).allowed else facts
    decisions |= {verb: decide(actor, verb, written_at) for verb in (Verb.comment, Verb.attach)}
    mine = item.assignee_id == actor.person_id
    may = {verb.value: decision.allowed for verb, decision in decisions.items()}
    may["complete"] = may["follow_up"] = may["complete"] and mine
    may["claim"] = may["claim"] and item.assignee_id is None
    may["set_priority"] = may["move_due"]
    may["take_over"] = (
        may["reassign"]
        and not mine
        and decisions[Verb.complete].reason == Reason.held
        and decide(actor, Verb.receive, facts).allowed
    )
    may["any_quiet"] = any(may[name] for name in ("release", "delegate", "reassign", "move_due", "follow_up"))
    return may


def _sender(session: Session, item: WorkItem) -> str | None:
    sender = work_item_queries.senders(session, [item]).get(item.id)
    return sender_words(sender) if sender else None


def _rework(view: ItemView) -> list[str]:
    """The parts that a higher body named when it sent the whole case back; empty in any other case."""
    parts = view.variables.get("rework_parts") if view.is_open and view.variables.get("rework") is True else None
    return [part for part in parts if isinstance(part, str) and part] if isinstance(parts, list) else []


def _under_approval(visit: Visit, view: ItemView) -> Shown | None:
    """The document that this work item approves; for who reads the office, what changed since its last version marked."""
    if not view.approves:
        return None
    session = visit.session
    known = view.variables.get(view.approves) if view.is_open else None
    seen = known if isinstance(known, dict) else None
    versions = earlier_versions.versions_of(session, view.item, view.approves, seen=seen, instance=view.instance)
    if not versions:
        return None
    newest = versions[-1]
    values = newest.values if seen is None else seen
    earlier = [version for version in versions if version.values != values]
    if not earlier or not reads_whole_office(visit.actor, view.item.office_id):
        return shown(newest.schema, values)
    marked = changes(newest.schema, earlier[-1].values, values)
    return shown(newest.schema, values, marked, earlier[-1].at)


def _choices(visit: Visit, view: ItemView) -> list[work_item_queries.Choice]:
    if not (view.may["delegate"] or view.may["reassign"]):
        return []
    people = work_item_queries.choices_for(visit.session, view.item, local_day(visit.now))
    return [person for person in people if person.username != visit.actor.username or view.may["reassign"]]


def _obstacle(item: WorkItem, completing: Decision) -> str:
    return obstacle_words(completing, item.assignee.display_name if item.assignee else "")


def _closed_words(session: Session, item: WorkItem) -> str:
    if item.state == WorkItemStatus.COMPLETED:
        finisher = work_item_queries.finishers(session, [item]).get(item.id)
        name = sender_words(finisher) if finisher else ""
        return gettext("%(name)s ทำงานนี้เสร็จแล้วเมื่อ %(date)s", name=name, date=thai_date(item.closed_at))
    return gettext("งานนี้ไม่ต้องทำแล้ว เรื่องเดินต่อไปโดยไม่มีขั้นนี้")
