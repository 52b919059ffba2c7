"""A form that is sent twice is one act with one answer, wherever it is sent: a double click, a lost connection, a resend.

Every form that changes something carries a key of its own. The key, the address and what was sent are kept in the
transaction of the act, with the address to which its answer led; the same again is led there too and does nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import IO, Any, TypeVar

from flask import Flask, current_app, flash, g, make_response, redirect, request
from werkzeug.wrappers import Response

from osm_flow.operations.idempotency import Sending, answer_before, keep_answer
from osm_flow.web.site.access import rule_of
from osm_flow.web.site.i18n import gettext

View = TypeVar("View", bound=Callable[..., Any])

KEY = "idempotency_key"
# What differs between two sendings of the same: the token of the browser's session, and the key itself.
_NOT_CONTENT = frozenset({"csrf_token", KEY})
_CHUNK = 1024 * 1024


def each_time(view: View) -> View:
    """For a POST that may be done again: it reads, its last sending counts, or each part of it has its own key."""
    view.osm_each_time = True  # type: ignore[attr-defined]
    return view


def is_done_each_time(view: Callable[..., Any]) -> bool:
    """Whether this view does again what is sent again."""
    rule = rule_of(view)
    return getattr(view, "osm_each_time", False) or bool(rule and rule.public)


def read_ahead(app: Flask) -> None:
    """Have what was sent counted before a lock is held: a file of many megabytes takes its time."""

    @app.before_request
    def count() -> None:
        if request.method == "POST" and KEY in request.form:
            g.sent_content = _content()


def init_app(app: Flask) -> None:
    """Let every POST that changes something answer once; call it when all views are there."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if "POST" in (rule.methods or set()) and not is_done_each_time(view):
            app.view_functions[rule.endpoint] = _once(view)


def _once(view: Callable[..., Any]) -> Callable[..., Response]:
    @wraps(view)
    def answer(**arguments: Any) -> Response:
        key = request.form.get(KEY)
        if key is None:
            return make_response(view(**arguments))
        sending, session = Sending(key, request.path, g.sent_content), g.session
        earlier = answer_before(session, sending, g.actor, g.now)
        if earlier is not None:
            flash(gettext("รายการนี้ส่งมาแล้วก่อนหน้านี้ และบันทึกไว้ครั้งเดียว"), "info")
            return make_response(redirect(earlier))
        response = make_response(view(**arguments))
        if 300 <= response.status_code < 400:
            keep_answer(session, sending, g.actor, response.location or "/")
        return response

    return answer


def _content() -> str:
    """A digest of all that was sent, in its order, with the content of files.

    Keyed with the secret of the site: from what the database keeps, nobody can guess a password or a name.
    """
    digest = hmac.new(current_app.config["SECRET_KEY"].encode(), digestmod=sha256)
    for name, value in request.form.items(multi=True):
        if name not in _NOT_CONTENT:
            _add(digest, name, value)
    for name, upload in request.files.items(multi=True):
        _add(digest, name, upload.filename or "", _digest_of(upload.stream))
    return digest.hexdigest()


def _add(digest: Any, *texts: str) -> None:
    for text in texts:
        content = text.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)


def _digest_of(file: IO[bytes]) -> str:
    digest = sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
