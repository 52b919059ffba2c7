"""One work item: read it, fill it in, finish it, or hand it to somebody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.party_answers import FIELDS, AnswerUnsupported
from osm_flow.domain.calendar.deadlines import close_of, opening_of
from osm_flow.domain.calendar.thai_dates import parse_thai_date
from osm_flow.domain.forms.values import Filled
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid, OsmFlowError, Refused
from osm_flow.operations.cases import attachments, comments
from osm_flow.operations.work_items import access, completing, plans
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, FormInvalid
from osm_flow.operations.work_items.form_context import RecordForeign, RecordMoved
from osm_flow.store.models import WorkItem
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.page import RECORD_SEEN, SchemaForm
from osm_flow.web.forms.posted import posted, posted_key, why_not_a_day
from osm_flow.web.forms.sending import each_time
from osm_flow.web.pages import work_item_page
from osm_flow.web.pages.work_item_page import ItemView, Tried, Visit, WorkItemPage
from osm_flow.web.parts.downloads import download
from osm_flow.web.parts.refusals import after_refusal, problem_of
from osm_flow.web.parts.uploads import keep_upload
from osm_flow.web.site.access import signed_in
from osm_flow.web.site.filters import URGENT, priority_name, thai_date, thai_datetime
from osm_flow.web.site.i18n import error_text, gettext
from osm_flow.web.site.lifecycle import takes
from osm_flow.web.site.wording import named

blueprint = Blueprint("work_items", __name__)

_PRIORITIES = (50, *(least for least, _ in reversed(URGENT)))


def in_place(act: str) -> Callable[[Callable[[str], ResponseReturnValue]], Callable[[str], ResponseReturnValue]]:
    """What a small form of the page got wrong is said beside it, with everything that was typed kept."""

    def around(route: Callable[[str], ResponseReturnValue]) -> Callable[[str], ResponseReturnValue]:
        @wraps(route)
        def answer(work_item_id: str) -> ResponseReturnValue:
            try:
                return route(work_item_id)
            except (Invalid, Refused, access.MayNotReceive, access.ReceiverSeparate, access.ReceiverChosen) as error:
                return again(work_item_id, error, act)

        return answer

    return around


class DateUnreadable(Invalid):
    """Write the date as day/month/Buddhist year, for example 20/11/2569."""


@blueprint.get("/work-items/<work_item_id>")
@signed_in
def show(work_item_id: str) -> ResponseReturnValue:
    visit = _visit()
    view = work_item_page.look_at(visit, work_item_id)
    return _rendered(work_item_page.page_of(visit, view, work_item_page.blank_form(visit, view)))


@blueprint.post("/work-items/<work_item_id>/complete")
@signed_in
@takes("LARGEST_LONG_FORM")
def complete(work_item_id: str) -> ResponseReturnValue:
    """Finish it and open the next one; whatever goes wrong, what was typed stays on the page."""
    completion = Completion(_read, posted_key(), _version(), posted(RECORD_SEEN) or None)
    try:
        item = completing.complete(g.session, work_item_id, g.actor, g.now, completion)
    except (FormInvalid, RecordForeign, Refused) as error:
        return again(work_item_id, error)
    return _to_next(item)


@blueprint.post("/work-items/<work_item_id>/record-answer")
@signed_in
@takes("LARGEST_LONG_FORM")
def record_answer(work_item_id: str) -> ResponseReturnValue:
    """Write down what a party outside answered; whatever goes wrong, what was typed stays on the page."""
    completion = Completion(_read, posted_key(), _version(), posted(RECORD_SEEN) or None)
    try:
        said = {name: posted(name) for name in FIELDS}
        item = completing.record_answer(g.session, work_item_id, g.actor, g.now, completion, said)
    except (FormInvalid, RecordForeign, AnswerUnsupported, Refused) as error:
        return again(work_item_id, error)
    flash(gettext("บันทึกคำตอบของงาน %(name)s แล้ว และแจ้งผู้ตอบแล้ว", name=named(item)), "success")
    return _to(work_item_id)


def again(work_item_id: str, error: OsmFlowError, act: str | None = None) -> ResponseReturnValue:
    """The page once more, as it is by now, whatever went wrong: with the reason, and with everything that was typed.

    `act` names the small form that was sent; without it, it was the form of the work item itself.
    """
    after_refusal(error)
    visit = _visit()
    view = work_item_page.look_at(visit, work_item_id)
    form = _as_typed(view, error) if act is None else work_item_page.blank_form(visit, view)
    return _rendered(work_item_page.page_of(visit, view, form, _tried(error, act))), error.status


@blueprint.post("/work-items/<work_item_id>/draft")
@signed_in
@takes("LARGEST_LONG_FORM")
@each_time
def save_draft(work_item_id: str) -> ResponseReturnValue:
    item = access.get_work_item(g.session, work_item_id, g.actor)
    schema = work_items.form_of(g.session, item)
    body = form_page.draft_of(schema, request.form) if schema else {}
    is_for_script = request.accept_mimetypes.best == "application/json"
    try:
        draft = plans.save_draft(g.session, work_item_id, g.actor, g.now, body, current_app.config["QUOTAS"])
    except (Invalid, Refused) as error:
        if is_for_script:
            raise
        return again(work_item_id, error)
    if is_for_script:
        return jsonify(time=thai_datetime(draft.saved_at))
    flash(gettext("บันทึกร่างแล้ว %(time)s", time=thai_datetime(draft.saved_at)), "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/claim")
@signed_in
@in_place("claim")
def claim(work_item_id: str) -> ResponseReturnValue:
    work_items.claim(g.session, work_item_id, g.actor, g.now, key=posted_key())
    return _to(work_item_id, "form")


@blueprint.post("/work-items/<work_item_id>/release")
@signed_in
@in_place("release")
def release(work_item_id: str) -> ResponseReturnValue:
    item = work_items.release(g.session, work_item_id, g.actor, g.now, key=posted_key())
    flash(gettext("คืนงาน %(name)s แล้ว ร่างของคุณยังอยู่", name=named(item)), "success")
    return redirect(url_for("inbox.inbox"))


@blueprint.post("/work-items/<work_item_id>/delegate")
@signed_in
@in_place("delegate")
def delegate(work_item_id: str) -> ResponseReturnValue:
    to_username, reason = posted("to_username"), posted("reason")
    item = work_items.delegate(
        g.session, work_item_id, g.actor, g.now, to_username=to_username, reason=reason, key=posted_key()
    )
    who = item.assignee.display_name if item.assignee else to_username
    flash(gettext("มอบงาน %(name)s ให้ %(who)s แล้ว", name=named(item), who=who), "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/reassign")
@signed_in
@in_place("reassign")
def reassign(work_item_id: str) -> ResponseReturnValue:
    to_username, reason = posted("to_username") or None, posted("reason")
    item = work_items.reassign(
        g.session, work_item_id, g.actor, g.now, to_username=to_username, reason=reason, key=posted_key()
    )
    flash(gettext("เปลี่ยนผู้รับผิดชอบงาน %(name)s แล้ว", name=named(item)), "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/due")
@signed_in
@in_place("due")
def move_due(work_item_id: str) -> ResponseReturnValue:
    due_at = _day("due_date", at_close=True)
    if due_at is None:
        raise DateUnreadable(fields={"due_date": DateUnreadable.__doc__ or ""})
    reason, key = posted("reason"), posted_key()
    plans.move_due(g.session, work_item_id, g.actor, g.now, due_at=due_at, reason=reason, key=key)
    flash(gettext("เลื่อนวันครบกำหนดเป็น %(date)s แล้ว", date=thai_date(due_at)), "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/follow-up")
@signed_in
@in_place("follow_up")
def follow_up(work_item_id: str) -> ResponseReturnValue:
    wanted = _day("follow_up_date", at_close=False)
    plans.set_follow_up(g.session, work_item_id, g.actor, g.now, follow_up_at=wanted, key=posted_key())
    said = gettext("จะเตือนงานนี้อีกครั้ง %(date)s", date=thai_date(wanted)) if wanted else gettext("เลิกพักงานนี้แล้ว")
    flash(said, "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/priority")
@signed_in
@in_place("priority")
def set_priority(work_item_id: str) -> ResponseReturnValue:
    typed = posted("priority")
    wanted = next((level for level in _PRIORITIES if str(level) == typed), -1)
    item = plans.set_priority(g.session, work_item_id, g.actor, g.now, priority=wanted, key=posted_key())
    flash(gettext("งานนี้เป็นงาน%(level)sแล้ว", level=priority_name(item.priority) or gettext("ปกติ")), "success")
    return _to(work_item_id)


@blueprint.post("/work-items/<work_item_id>/comments")
@signed_in
@in_place("comment")
def comment(work_item_id: str) -> ResponseReturnValue:
    item = access.get_work_item(g.session, work_item_id, g.actor)
    body, key = posted("body"), posted_key()
    comments.comment(g.session, item.case_id, g.actor, g.now, body=body, work_item_id=item.id, key=key)
    return _to(work_item_id, "comments")


@blueprint.post("/work-items/<work_item_id>/attachments")
@signed_in
@takes("LARGEST_FILE")
@in_place("attach")
def attach(work_item_id: str) -> ResponseReturnValue:
    item = access.get_work_item(g.session, work_item_id, g.actor)
    keep_upload(item.case_id, item.id)
    return _to(work_item_id, "attachments")


@blueprint.get("/attachments/<int:attachment_id>")
@signed_in
def attachment(attachment_id: int) -> ResponseReturnValue:
    """The file, always as a download: nothing uploaded is ever shown inside the site."""
    attachment = attachments.get_attachment(g.session, attachment_id, g.actor)
    media_type = attachment.media_type
    if media_type.startswith("text/") and (charset := attachments.charset_of(attachment.content)):
        media_type = f"{media_type}; charset={charset}"
    return download(attachment.content, attachment.filename, media_type)


def _visit() -> Visit:
    return Visit(g.session, g.actor, g.now, request.form if request.method == "POST" else request.args)


def _rendered(page: WorkItemPage) -> str:
    return render_template("work_items/work_item.html", page=page)


def _as_typed(view: ItemView, error: OsmFlowError) -> SchemaForm | None:
    """The form with all that was typed in it, and beside each field what the operation found wrong there."""
    if view.schema is None:
        return None
    form = _sent(view.schema, view.variables)
    if not isinstance(error, RecordMoved):
        form.record_seen = posted(RECORD_SEEN)
    form.show({name: words for name, words in error.details.get("fields", {}).items() if name not in FIELDS})
    return form


def _tried(error: OsmFlowError, act: str | None) -> Tried:
    if act is None:
        lost = error_text(error) if isinstance(error, Refused) else ""
        return Tried(lost=lost, typed=request.form, unsupported=_unsupported(error))
    if not isinstance(error, Refused):
        return Tried(problem=problem_of(act, error))
    # A race that was lost, mostly: the page as it is now says it better than an error page.
    flash(error_text(error), "warning")
    return Tried()


def _unsupported(error: OsmFlowError) -> dict[str, str]:
    """What is wrong with how a party's answer was said to have come, by field."""
    return {name: gettext(words) for name, words in error.fields.items() if name in FIELDS}


def _read(schema: JSON | None, context: JSON) -> Filled:
    """What was filled into the form that was posted, for the operation that judges it."""
    if schema is None:
        return Filled({}, {})
    form = _sent(schema, context)
    return Filled(form.values, form.faults)


def _sent(schema: JSON, context: JSON) -> SchemaForm:
    return form_page.sent(schema, request.form, request.files, context=context, extra=FIELDS)


def _to_next(item: WorkItem) -> ResponseReturnValue:
    """The next work item the person holds, with a word about the one just done; else the inbox."""
    is_return = item.form_key is not None and posted("decision") == "return"
    done = gettext("ทำงาน %(name)s เสร็จแล้ว", name=named(item))
    flash(gettext("ส่งคืนแก้ไขจากขั้น %(name)s แล้ว", name=named(item)) if is_return else done, "success")
    following = work_items.next_held(g.session, g.actor, g.now)
    if following is not None:
        flash(gettext("นี่คืองานถัดไปของคุณ"), "info")
        return _to(following)
    return redirect(url_for("inbox.inbox", view="groups"))


def _to(work_item_id: str, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for("work_items.show", work_item_id=work_item_id, _anchor=anchor))


def _version() -> int | None:
    text = posted("version")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _day(name: str, *, at_close: bool) -> datetime | None:
    """The instant meant by a typed day: the end of its office hours, or their beginning. None when left empty."""
    typed = posted(name).strip()
    if not typed:
        return None
    try:
        day = parse_thai_date(typed)
    except ValueError as error:
        raise DateUnreadable(fields={name: why_not_a_day(error, DateUnreadable.__doc__ or "")}) from error
    return close_of(day) if at_close else opening_of(day)
