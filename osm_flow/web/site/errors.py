"""One answer for everything that goes wrong: a page in the reader's language, problem details for programs."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from osm_flow.domain.search import says_nothing
from osm_flow.errors import NotFound, OsmFlowError, Refused
from osm_flow.operations.ledger.refusals import RefusalCounter
from osm_flow.operations.ledger.security_events import EventKind
from osm_flow.store.database_errors import DatabaseError
from osm_flow.store.quotas import megabytes
from osm_flow.store.session import Busy, OutcomeUnknown, refusal_of
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import rule_of
from osm_flow.web.site.i18n import error_text, field_texts, gettext
from osm_flow.web.site.recorded_reads import COUNTER, count_refusal, note_error, note_refusal

logger = logging.getLogger(__name__)

# Heading and what to do now, by status; anything else is told like a 400.
_TEXTS = {
    400: ("คำขอนี้อ่านไม่ได้", "ย้อนกลับไปหน้าเดิม โหลดหน้าใหม่ แล้วลองอีกครั้ง"),
    401: ("กรุณาเข้าสู่ระบบ", "เข้าสู่ระบบแล้วทำรายการอีกครั้ง"),
    403: ("คุณไม่มีสิทธิ์ทำรายการนี้", "หากควรทำได้ โปรดแจ้งผู้ดูแลระบบให้ตรวจสอบตำแหน่งของคุณ"),
    404: ("ไม่พบหน้านี้", "อาจพิมพ์ที่อยู่ผิด รายการถูกย้าย หรือเป็นของกลุ่มจังหวัดอื่น"),
    405: ("หน้านี้ใช้แบบนี้ไม่ได้", "กลับไปหน้าก่อน แล้วใช้ปุ่มในหน้านั้น"),
    409: ("ทำรายการนี้ไม่ได้ในตอนนี้", "ข้อมูลอาจเปลี่ยนไปแล้ว ย้อนกลับ โหลดหน้าใหม่ แล้วดูอีกครั้ง"),
    413: (
        "ข้อมูลที่ส่งมาใหญ่เกินไป",
        "หน้านี้รับได้ไม่เกิน %(mb)s MB ต่อครั้ง ย้อนกลับไปหน้าเดิม ลดขนาดไฟล์หรือย่อข้อความ แล้วส่งใหม่ ยังไม่มีการบันทึกใด ๆ",
    ),
    422: ("ข้อมูลที่กรอกยังใช้ไม่ได้", "ย้อนกลับไปแก้ไขแล้วส่งใหม่ สิ่งที่กรอกไว้ยังอยู่ในหน้าเดิม"),
    429: ("ลองถี่เกินไป", "รอสักครู่แล้วลองใหม่"),
    500: ("ระบบขัดข้อง", "ยังไม่มีการบันทึกสิ่งที่ทำเมื่อครู่ ลองอีกครั้ง หากยังเป็นอยู่ โปรดแจ้งเลขอ้างอิงนี้ต่อผู้ดูแลระบบ"),
    503: ("ระบบไม่ว่างชั่วคราว", "ยังไม่มีการบันทึกสิ่งที่ทำเมื่อครู่ รอสักครู่แล้วลองใหม่"),
}
# Instead of the hint that nothing was kept, which nobody can know then.
_UNKNOWN = "เปิดหน้าเดิมดูก่อนว่าบันทึกแล้วหรือยัง แล้วจึงทำซ้ำ"
_RETRY_SECONDS = "5"
# What of the errors of HTTP auditors want to see.
_REFUSALS = {403: EventKind.refused_role, 413: EventKind.refused_size}


# What is never shown again: what the page itself sent, and passwords.
NEVER_SHOWN = frozenset({"csrf_token", "idempotency_key", "next", "password", "current", "new", "again"})
# A page that was refused for these may have been typed into; what was typed is told back, so that nothing is lost.
_TYPED_INTO = frozenset({400, 401, 409, 422, 503})
# What is read of a form of somebody who is not signed in (any more), to tell it back.
_STRANGERS_BYTES = 1_000_000


def wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return request.path.startswith("/api/") or best in {"application/json", "application/problem+json"}


def answer(
    status: int, detail: str = "", fields: dict[str, str] | None = None, reference: str = "", hint: str = ""
) -> Response:
    """The designed page, or problem details (RFC 9457), for a status; `hint` in place of the usual one."""
    g.failed = True
    lifecycle.know_reader()
    heading, usual = (gettext(text) for text in _TEXTS.get(status, _TEXTS[500 if status >= 500 else 400]))
    if status == 413 and "%(mb)s" in usual:
        usual %= {"mb": megabytes(request.max_content_length or 0)}
    if status >= 500 and g.get("is_kept"):  # what failed came after the commit
        hint = _UNKNOWN
    hint = gettext(hint) if hint else usual
    fields = fields or {}
    if wants_json():
        body = {"type": "about:blank", "title": heading, "status": status, "detail": detail or hint}
        body |= {"fields": fields} if fields else {}
        body |= {"reference": reference} if reference else {}
        response = Response(json.dumps(body, ensure_ascii=False), status, mimetype="application/problem+json")
    else:
        told = {"status": status, "heading": heading, "detail": detail, "hint": hint, "reference": reference}
        response = make_response(_page(**told, fields=fields, typed=_typed() if status in _TYPED_INTO else []), status)
    return response


def _page(**told: Any) -> str:
    """The page around what went wrong; as a stranger sees it where the database does not even say who is reading."""
    try:
        return render_template("errors/error.html", **told)
    except (DatabaseError, Refused):
        lifecycle.abandon()
        g.actor = None
        return render_template("errors/error.html", **told)


def _typed() -> list[tuple[str, str]]:
    """What stood in the fields of the form that was sent, without what nobody typed; never what another site sent here."""
    is_too_much = g.actor is None and (request.content_length or 0) > _STRANGERS_BYTES
    if is_too_much or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return []
    try:
        fields = request.form.items(multi=True) if request.method == "POST" else []
        texts = [(name.replace("\0", ""), text.replace("\0", "")) for name, text in fields if name is not None]
    except HTTPException:  # the form itself cannot be read
        return []
    return [(name, text) for name, text in texts if name not in NEVER_SHOWN and not says_nothing(text)]


def on_our_error(error: OsmFlowError) -> Response:
    lifecycle.abandon()
    note_error(error)
    hint = _UNKNOWN if isinstance(error, OutcomeUnknown) else ""
    if isinstance(error, NotFound) and error.is_told_alike:
        error = NotFound()
    response = answer(error.status, error_text(error), field_texts(error), hint=hint)
    if isinstance(error, Busy):
        logger.warning("%s %s: %s", request.method, request.path, error.__cause__ or error)
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def on_database_error(error: DatabaseError) -> Response:
    """Where a view or whatever runs before it met the error itself: what others cause is told, a mistake is a crash."""
    refusal = refusal_of(error, reads=request.method in lifecycle.SAFE_METHODS)
    if refusal is None:
        raise error
    refusal.__cause__ = error
    return on_our_error(refusal)


def on_csrf_error(error: CSRFError) -> Response:
    lifecycle.abandon()
    note_refusal(EventKind.refused_token)
    return answer(400, gettext("หน้านี้เปิดค้างไว้นานเกินไป หรือคุณออกจากระบบในอีกหน้าต่างหนึ่ง ยังไม่มีการบันทึกใด ๆ"))


def on_http_error(error: HTTPException) -> Response:
    lifecycle.abandon()
    if error.code is None or error.code < 400:
        return make_response(error.get_response())
    if error.code == 405 and request.method in {"GET", "HEAD"} and (page := _page_of_form()) is not None:
        return make_response(redirect(page))
    if error.code == 404 and request.path.startswith("/static/"):
        # No page, whose form would begin a session: what asks for a style or a script shows none.
        return Response(gettext(_TEXTS[404][0]), 404, mimetype="text/plain")
    if error.code in _REFUSALS and request.url_rule is not None:
        note_refusal(_REFUSALS[error.code])
    response = answer(error.code)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _page_of_form() -> str | None:
    """The page to which a form belongs whose address was opened: the nearest above it that can be read, at last the first page.

    Where a form was refused its address stays in the browser, and Enter opens it. None where no form of a page was sent to.
    """
    addresses = current_app.create_url_adapter(request)
    if addresses is None or wants_json():
        return None
    try:
        endpoint, _ = addresses.match(method="POST")
        rule = rule_of(current_app.view_functions[endpoint])
    except HTTPException:
        return None
    if rule is None:
        return None
    path = request.path
    while path := path.rstrip("/").rpartition("/")[0]:
        try:
            addresses.match(path, method="GET")
        except HTTPException:
            continue
        return path
    return "/"


def on_crash(error: InternalServerError) -> Response:
    lifecycle.abandon()
    if isinstance(error.original_exception, OsmFlowError):
        return on_our_error(error.original_exception)
    reference = secrets.token_hex(4).upper()
    note_refusal(EventKind.crashed, reference)
    cause = error.original_exception or error
    logger.error(
        "request failed, reference %s: %s %s",
        reference,
        request.method,
        request.path,
        exc_info=cause,
        extra={"reference": reference},
    )
    try:
        return answer(500, reference=reference)
    except Exception:  # whatever broke the page breaks this one too, perhaps: then without any page around it
        logger.exception("the page for reference %s could not be shown", reference, extra={"reference": reference})
        heading, hint = (gettext(text) for text in _TEXTS[500])
        return Response(f"{heading}\n{hint}\n{reference}\n", 500, mimetype="text/plain")


def count_refused(response: Response) -> Response:
    """After a refusal, when its page is made: count it, in a transaction of its own."""
    if "refusal" in g:
        lifecycle.abandon()
    count_refusal()
    return response


def init_app(app: Flask) -> None:
    app.extensions[COUNTER] = RefusalCounter(app.config["STORE"])
    app.after_request(count_refused)
    app.register_error_handler(OsmFlowError, on_our_error)
    app.register_error_handler(DatabaseError, on_database_error)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(InternalServerError, on_crash)
