"""Personal data: who looked at what, what must be kept, erasing by four eyes, and cases that are open to few."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import CaseFacts, Verb, decide
from osm_flow.domain.retention import Retention
from osm_flow.domain.states import ErasureState
from osm_flow.errors import Invalid
from osm_flow.operations.cases.acts import case_named, get_case
from osm_flow.operations.ledger import access_log
from osm_flow.operations.ledger.access_log import AccessFilter, AccessKind, Read, record_access
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.privacy import book_retention, erasure_requests, erasure_search, retention, sensitivity
from osm_flow.operations.privacy.book_texts import FILE, TextName, read_text
from osm_flow.operations.privacy.erasure_search import ListName
from osm_flow.store.models import Case
from osm_flow.store.sensitive_cases import OPEN_FOR
from osm_flow.store.session import CaseNotFound
from osm_flow.web.forms.posted import posted
from osm_flow.web.forms.sending import each_time
from osm_flow.web.pages.privacy.erasure_told import elsewhere, told_of_records, told_of_texts
from osm_flow.web.parts.audit_filters import asked_words, period_of
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import local_target, may, requires
from osm_flow.web.site.i18n import gettext

blueprint = Blueprint("privacy", __name__)


# ---- who looked at what ----------------------------------------------------------------------------------------


@blueprint.get("/audit/accesses")
@requires(Verb.see_audit)
def access_list() -> ResponseReturnValue:
    arguments = request.args
    filters = {name: arguments.get(name, "").strip()[:64] for name in ("who", "kind", "case", "since", "until")}
    case = case_named(g.session, filters["case"]) if filters["case"] else None
    since, until = period_of(filters["since"], filters["until"])
    kind = filters["kind"] if filters["kind"] in set(AccessKind) else None
    case_id = (case.id if case else "none") if filters["case"] else None
    wanted = AccessFilter(filters["who"], kind, case_id, since, until)
    page = access_log.accesses(g.session, g.actor, wanted, after=arguments.get("after") or None)
    names = names_of(g.session, {access.actor for access in page.items})
    bare = access_log.told_bare(g.session, g.actor, page.items)
    return render_template(
        "privacy/accesses.html",
        page=page,
        filters=filters,
        kinds=_kinds(),
        names=names,
        bare=bare,
        asked_words=asked_words,
    )


# ---- asking for erasure ----------------------------------------------------------------------------------------


@blueprint.get("/privacy")
@requires(Verb.erase)
def request_list() -> ResponseReturnValue:
    state = request.args.get("state", "")
    page = erasure_requests.requests(g.session, g.actor, state=state or None, after=request.args.get("after") or None)
    withheld = erasure_requests.withheld(g.session, page.items, g.actor)
    return render_template("privacy/requests.html", page=page, state=state, states=_states(), withheld=withheld)


@blueprint.post("/privacy/find")
@requires(Verb.erase)
@each_time
def find() -> ResponseReturnValue:
    """A post, so that a name that somebody wants forgotten stands in no address and no server's log."""
    text = request.form.get("text", "")
    words = erasure_search.searched(erasure_search.display_name_of(g.session, g.actor, text.strip()))
    record_access(g.session, g.actor, g.now, Read(AccessKind.privacy_searched, request.path, details=text))
    # Who searches is on record first; what is found is then read from one view, and holds up nobody who writes.
    lifecycle.finish()
    lifecycle.read_again()
    records = erasure_search.find(g.session, g.actor, words)
    texts = erasure_search.find_texts(g.session, g.actor, words)
    lists = erasure_search.find_lists(g.session, g.actor, words)
    return render_template(
        "privacy/find.html",
        found=told_of_records(records, words),
        texts=told_of_texts(texts, words),
        lists=lists,
        staying=erasure_search.records_that_stay(g.session, g.actor, words),
        count=len(records) + len(texts) + len(lists),
        text=text,
        error=None,
    )


@blueprint.get("/privacy/files/<code>")
@requires(Verb.erase)
def files(code: str) -> ResponseReturnValue:
    """The photos and papers of a record, to be chosen by hand: what a picture shows, no search finds."""
    texts = erasure_search.files_to_erase(g.session, g.actor, code)
    names = names_of(g.session, {one.text.entry.actor for one in texts})
    return render_template("privacy/files.html", record=code, texts=told_of_texts(texts, ""), names=names)


@blueprint.post("/privacy/requests")
@requires(Verb.erase)
def ask() -> ResponseReturnValue:
    text = erasure_search.display_name_of(g.session, g.actor, request.form.get("text", "").strip())
    made = erasure_requests.ask(
        g.session,
        g.actor,
        g.now,
        words=text,
        records=[_record(value) for value in request.form.getlist("record")],
        reason=request.form.get("reason", ""),
        texts=[*_texts(request.form.getlist("of_book")), *_lists(request.form.getlist("list"))],
    )
    flash(gettext("ส่งคำขอแล้ว ผู้มีอำนาจอีกคนต้องเป็นผู้อนุมัติ"), "success")
    return redirect(url_for("privacy.erasure", request_id=made.id))


@blueprint.get("/privacy/requests/<int:request_id>")
@requires(Verb.erase)
def erasure(request_id: int) -> ResponseReturnValue:
    erasure_request = erasure_requests.get_request(g.session, request_id, g.actor)
    records = erasure_requests.shown(g.session, erasure_request, g.actor)
    texts = erasure_requests.shown_texts(g.session, erasure_request, g.actor)
    lists, words = erasure_requests.shown_lists(g.session, erasure_request, g.actor), erasure_request.subject
    copies = erasure_requests.copies_in_books(g.session, erasure_request, g.actor)
    is_withheld = bool(erasure_requests.withheld(g.session, [erasure_request], g.actor))
    may_decide = erasure_requests.may_decide(g.session, erasure_request, g.actor, g.now)
    known = {erasure_request.asked_by, erasure_request.decided_by or "", *(item.record.actor for item in records)}
    known |= {one.text.entry.actor for one in (*texts, *copies)}
    return render_template(
        "privacy/request.html",
        request_row=erasure_request,
        records=told_of_records(records, words),
        texts=told_of_texts(texts, words),
        lists=lists,
        copies=told_of_texts(copies, words),
        files=sum(one.text.name.part == FILE for one in texts),
        elsewhere=elsewhere("" if is_withheld or not may_decide else words, [*texts, *copies], lists),
        count=len(records) + len(texts) + len(lists),
        by_number=erasure_requests.numbers_in(g.session, erasure_request) if is_withheld else None,
        states=_states(),
        may_decide=may_decide,
        is_own=erasure_requests.is_own(erasure_request, g.actor),
        names=names_of(g.session, known),
    )


@blueprint.post("/privacy/requests/<int:request_id>/approve")
@requires(Verb.erase)
def approve(request_id: int) -> ResponseReturnValue:
    decided = erasure_requests.approve(g.session, request_id, g.actor, g.now)
    said: dict[str, str] = {
        ErasureState.DONE: gettext("ลบข้อมูลแล้ว ไฟล์ฐานข้อมูลจะถูกเขียนใหม่ภายในไม่กี่นาที"),
        ErasureState.APPROVED: gettext("อนุมัติแล้ว เรื่องที่ยังไม่จบจะถูกลบเมื่อจบ"),
    }
    flash(said[decided.state], "success")
    return redirect(url_for("privacy.erasure", request_id=request_id))


@blueprint.post("/privacy/requests/<int:request_id>/refuse")
@requires(Verb.erase)
def refuse(request_id: int) -> ResponseReturnValue:
    erasure_requests.refuse(g.session, request_id, g.actor, g.now)
    flash(gettext("ปิดคำขอแล้ว ไม่มีข้อมูลใดถูกลบ"), "success")
    return redirect(url_for("privacy.erasure", request_id=request_id))


# ---- what must be kept -----------------------------------------------------------------------------------------


@blueprint.get("/privacy/due")
@requires(Verb.erase)
def due() -> ResponseReturnValue:
    of_age = [
        due_case
        for due_case in retention.due_cases(g.session, g.actor, g.now)
        if may(Verb.erase, _facts(due_case.case))
    ]
    of_books = book_retention.due_records(g.session, g.actor, g.now)
    return render_template("privacy/due.html", due=of_age, of_books=of_books, class_name=class_name)


@blueprint.post("/privacy/due")
@requires(Verb.erase)
def ask_for_due() -> ResponseReturnValue:
    records = erasure_search.records_due(g.session, g.actor, g.now, request.form.getlist("case"))
    chosen = set(request.form.getlist("of_record"))
    of_books = [one for one in book_retention.due_records(g.session, g.actor, g.now) if one.key in chosen]
    made = erasure_requests.ask(
        g.session,
        g.actor,
        g.now,
        words="",
        reason=request.form.get("reason", ""),
        records=[(item.case.id, item.record.seq) for item in records],
        texts=[text.name for one in of_books for text in one.texts],
    )
    flash(gettext("ส่งคำขอแล้ว ผู้มีอำนาจอีกคนต้องเป็นผู้อนุมัติ"), "success")
    return redirect(url_for("privacy.erasure", request_id=made.id))


@blueprint.get("/privacy/holds")
@requires(Verb.hold)
def hold_list() -> ResponseReturnValue:
    return render_template("privacy/holds.html", holds=retention.current_holds(g.session, g.actor))


@blueprint.post("/privacy/holds")
@requires(Verb.hold)
def hold() -> ResponseReturnValue:
    named, reason = request.form.get("subject", "").strip(), request.form.get("reason", "")
    if request.form.get("what") == "person":
        retention.hold_person(g.session, named, g.actor, g.now, reason=reason)
    elif request.form.get("what") == "record":
        retention.hold_in_books(g.session, retention.place_named(g.session, named), g.actor, g.now, reason=reason)
    else:
        case = case_named(g.session, named)
        if case is None:
            raise CaseNotFound
        retention.hold_case(g.session, case.id, g.actor, g.now, reason=reason)
    flash(gettext("ระงับการลบแล้ว"), "success")
    return redirect(url_for("privacy.hold_list"))


@blueprint.post("/privacy/holds/<int:hold_id>/lift")
@requires(Verb.hold)
def lift(hold_id: int) -> ResponseReturnValue:
    retention.lift_hold(g.session, hold_id, g.actor, g.now, reason=request.form.get("reason", ""))
    flash(gettext("ยกเลิกการระงับแล้ว"), "success")
    return redirect(url_for("privacy.hold_list"))


# ---- sensitive cases -------------------------------------------------------------------------------------------


@blueprint.post("/privacy/cases/<case_id>/sensitive")
@requires(Verb.mark_sensitive)
def mark_sensitive(case_id: str) -> ResponseReturnValue:
    get_case(g.session, case_id, g.actor)
    case = sensitivity.mark(g.session, case_id, g.actor, g.now, reason=posted("reason"))
    flash(gettext("ทำเครื่องหมายแล้ว เรื่องนี้เปิดได้เฉพาะผู้เกี่ยวข้อง และการเปิดดูถูกบันทึกทุกครั้ง"), "success")
    is_open = decide(g.actor, Verb.see_case, case_facts(g.session, case, g.actor)).allowed
    return redirect(url_for("cases.case", case_id=case_id) if is_open else url_for("cases.case_list"))


@blueprint.post("/privacy/cases/<case_id>/sensitive/unmark")
@requires(Verb.mark_sensitive)
def propose_unmark(case_id: str) -> ResponseReturnValue:
    sensitivity.propose_unmark(g.session, case_id, g.actor, g.now, reason=posted("reason"))
    return _back_to_case(case_id, gettext("เสนอแล้ว เรื่องยังอ่อนไหวจนกว่าอีกคนจะยืนยัน"))


@blueprint.post("/privacy/cases/<case_id>/sensitive/proposals/<int:proposal_id>/confirm")
@requires(Verb.mark_sensitive)
def confirm_unmark(case_id: str, proposal_id: int) -> ResponseReturnValue:
    sensitivity.confirm_unmark(g.session, case_id, proposal_id, g.actor, g.now)
    return _back_to_case(case_id, gettext("เอาเครื่องหมายอ่อนไหวออกแล้ว"))


@blueprint.post("/privacy/cases/<case_id>/sensitive/proposals/<int:proposal_id>/withdraw")
@requires(Verb.mark_sensitive)
def withdraw_unmark(case_id: str, proposal_id: int) -> ResponseReturnValue:
    sensitivity.withdraw_unmark(g.session, case_id, proposal_id, g.actor, g.now)
    return _back_to_case(case_id, gettext("ปิดข้อเสนอแล้ว เรื่องยังอ่อนไหวตามเดิม"))


@blueprint.post("/privacy/cases/<case_id>/readers")
@requires(Verb.mark_sensitive)
def name_reader(case_id: str) -> ResponseReturnValue:
    sensitivity.name_reader(g.session, case_id, g.actor, g.now, username=posted("username"))
    return _back_to_case(case_id, gettext("เพิ่มชื่อแล้ว คนนี้เปิดเรื่องได้"))


@blueprint.post("/privacy/cases/<case_id>/readers/remove")
@requires(Verb.mark_sensitive)
def remove_reader(case_id: str) -> ResponseReturnValue:
    sensitivity.remove_reader(g.session, case_id, g.actor, g.now, username=posted("username"))
    return _back_to_case(case_id, gettext("เอาชื่อออกแล้ว"))


def _back_to_case(case_id: str, said: str) -> ResponseReturnValue:
    flash(said, "success")
    return redirect(url_for("cases.case", case_id=case_id))


# ---- auditors say why ------------------------------------------------------------------------------------------


@blueprint.get("/audit/sensitive")
@requires(Verb.say_why)
def sensitive_list() -> ResponseReturnValue:
    page = sensitivity.sensitive_cases(g.session, g.actor, after=request.args.get("after") or None)
    return render_template("privacy/sensitive.html", page=page)


@blueprint.get("/audit/sensitive/<case_id>")
@requires(Verb.say_why)
def why(case_id: str) -> ResponseReturnValue:
    return _why_page(case_id, {})


@blueprint.post("/audit/sensitive/<case_id>")
@requires(Verb.say_why)
def say_why(case_id: str) -> ResponseReturnValue:
    try:
        sensitivity.say_why(g.session, case_id, g.actor, g.now, reason=posted("reason"))
    except Invalid as error:
        lifecycle.read_again()
        return _why_page(case_id, {name: gettext(text) for name, text in error.fields.items()}), error.status
    back = posted("next")
    return redirect(local_target(back) if back else url_for("audit.case_audit", case_id=case_id))


def _why_page(case_id: str, errors: dict[str, str]) -> str:
    case = sensitivity.case_to_look_into(g.session, case_id, g.actor)
    return render_template(
        "privacy/why.html",
        case=case,
        errors=errors,
        hours=int(OPEN_FOR.total_seconds()) // 3600,
        back=posted("next") or request.args.get("next", ""),
        reason=posted("reason"),
    )


# ---- words -----------------------------------------------------------------------------------------------------


def class_name(kept: Retention) -> str:
    """The retention class as people call it."""
    if kept.years is None:
        return gettext("เก็บถาวร")
    if kept.then == "anonymise":
        return gettext("เก็บ %(years)s ปี แล้วทำให้ไม่ระบุตัวบุคคล", years=kept.years)
    return gettext("เก็บ %(years)s ปี", years=kept.years)


def privacy_of(case: Case) -> dict[str, Any]:
    """What a case's page says of how long it is kept and of legal holds."""
    return {
        "retention": class_name(retention.retention_of_case(g.session, case)),
        "until": retention.kept_until(g.session, case),
        "hold": retention.hold_on(g.session, case),
    }


def sensitivity_of(case: Case) -> dict[str, Any]:
    """What a case's page says of its being sensitive: whether it is, who is named on it, what was proposed."""
    may_mark = may(Verb.mark_sensitive, case_facts(g.session, case, g.actor))
    if not case.is_sensitive:
        return {"is_sensitive": False, "may_mark": may_mark}
    readers = sensitivity.readers_of(g.session, case)
    proposed = sensitivity.proposed(g.session, case, g.actor, g.now)
    return {
        "is_sensitive": True,
        "may_mark": may_mark,
        "readers": readers,
        "is_lasting": sensitivity.is_lasting(g.session, case),
        "proposed": proposed,
        "names": names_of(g.session, {reader.named_by for reader in readers}),
    }


def _kinds() -> dict[str, str]:
    return {
        AccessKind.case_opened: gettext("เปิดเรื่องอ่อนไหว"),
        AccessKind.case_listed: gettext("เรื่องอ่อนไหวปรากฏในหน้าอื่น"),
        AccessKind.case_explained: gettext("ระบุเหตุผลที่เปิดเรื่องอ่อนไหว"),
        AccessKind.case_exported: gettext("ส่งออกเรื่อง"),
        AccessKind.attachment_downloaded: gettext("ดาวน์โหลดไฟล์แนบ"),
        AccessKind.audit_opened: gettext("เปิดหน้าตรวจสอบ"),
        AccessKind.audit_searched: gettext("ค้นหาในหน้าตรวจสอบ"),
        AccessKind.search_exported: gettext("ส่งออกผลการค้นหา"),
        AccessKind.mining_exported: gettext("ส่งออกบันทึกกระบวนงาน"),
        AccessKind.list_exported: gettext("ส่งออกรายการ"),
        AccessKind.administration_exported: gettext("ส่งออกบันทึกการดูแลระบบ"),
        AccessKind.reads_exported: gettext("ส่งออกบันทึกการเข้าถึงข้อมูล"),
        AccessKind.book_exported: gettext("ส่งออกทะเบียน"),
        AccessKind.personal_opened: gettext("เปิดดูข้อมูลบุคคลในทะเบียน"),
        AccessKind.file_downloaded: gettext("ดาวน์โหลดภาพหรือเอกสารในทะเบียน"),
        AccessKind.photos_shown: gettext("ดูภาพย่อในทะเบียน"),
        AccessKind.privacy_opened: gettext("เปิดหน้าข้อมูลส่วนบุคคล"),
        AccessKind.privacy_searched: gettext("ค้นหาข้อมูลส่วนบุคคล"),
    }


def _states() -> dict[str, str]:
    return {
        ErasureState.ASKED: gettext("รออนุมัติ"),
        ErasureState.APPROVED: gettext("อนุมัติแล้ว รอเรื่องจบ"),
        ErasureState.DONE: gettext("ลบแล้ว"),
        ErasureState.REFUSED: gettext("ไม่อนุมัติ"),
        ErasureState.WITHDRAWN: gettext("ถอนคำขอ"),
    }


def _record(value: str) -> tuple[str, int]:
    case_id, _, seq = value.rpartition(":")
    return case_id, int(seq) if seq.isdecimal() and len(seq) < 10 else 0


def _texts(values: list[str]) -> list[TextName]:
    """The texts of books that were ticked. Raises NothingChosen for what names none."""
    names = [read_text(value) for value in values]
    if None in names:
        raise erasure_requests.NothingChosen
    return [name for name in names if name is not None]


def _lists(values: list[str]) -> list[ListName]:
    """The uploaded lists that were ticked. Raises NothingChosen for what names none."""
    if not all(value.isascii() and value.isdecimal() and len(value) < 10 for value in values):
        raise erasure_requests.NothingChosen
    return [ListName(int(value)) for value in values]


def _facts(case: Case) -> CaseFacts:
    return case_facts(g.session, case, g.actor)


@blueprint.record_once
def _make_known(state: Any) -> None:
    app: Flask = state.app
    app.jinja_env.globals.update(privacy_of=privacy_of, sensitivity_of=sensitivity_of)
