"""The life of a request: one session, one person, one commit.

GET, HEAD and OPTIONS get a session that cannot write; every other method gets a transaction that commits exactly once,
after the view and only when its answer is below 400. Error handlers run after the rollback. Reads that matter are
recorded through one door of their own: `recorded_reads`.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote_from_bytes, urlsplit

from flask import Flask, Response, abort, current_app, g, request
from flask import session as browser_session
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from osm_flow import logs
from osm_flow.domain.access.actors import Actor
from osm_flow.errors import Refused
from osm_flow.operations.background.delivery import anything_pending, go_on_at_once
from osm_flow.operations.people.hats import actor_signed_in
from osm_flow.store import patience, sensitive_cases
from osm_flow.store.database_errors import DatabaseError
from osm_flow.store.session import Store
from osm_flow.store.unit_of_work import unit_of
from osm_flow.web.site.access import rule_of
from osm_flow.web.site.i18n import DEFAULT_LOCALE, LOCALES
from osm_flow.web.site.recorded_reads import record_this_read, record_what_is_shown

logger = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

_SIGNS_OF_QUERIES = "".join(chr(sign) for sign in range(0x21, 0x7F))
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a stranger may send: a login form, not a document.
STRANGERS_BYTES = 100_000
_STRANGERS_PARTS = 50


class SignedIn(UserMixin):  # type: ignore[misc]
    """The person behind a browser's session; `get_id` carries the epoch that locking an account raises."""

    def __init__(self, person_id: int, epoch: int, actor: Actor | None = None) -> None:
        self.person_id = person_id
        self.epoch = epoch
        self.actor = actor

    def get_id(self) -> str:
        return f"{self.person_id}:{self.epoch}"


class Site(Flask):
    """Flask with the commit where an error can still become an answer: between the view and its response."""

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Answer a request; all its waits count from its arrival, which a server of another kind does not tell."""
        _make_readable(environ)
        with contextlib.nullcontext() if patience.is_counted() else patience.waiting_since(monotonic()):
            return super().wsgi_app(environ, start_response)

    def log_exception(self, _exc_info: Any) -> None:
        """Nothing: `errors.on_crash` tells it once, beside the reference that the person sees."""

    def dispatch_request(self) -> Response:
        response = self.make_response(super().dispatch_request())
        if response.status_code < 400:
            record_this_read()
        record_what_is_shown(response)
        if response.status_code < 400:
            finish()
        return response


def _make_readable(environ: dict[str, Any]) -> None:
    """Put into its one spelling what a browser never sends so, and what would fail wherever it is read.

    Bytes beyond ASCII in a query are written with percent signs; an address of a page that is none is left out.
    """
    query = environ.get("QUERY_STRING", "")
    if not query.isascii():
        environ["QUERY_STRING"] = quote_from_bytes(query.encode("latin-1"), safe=_SIGNS_OF_QUERIES)
    try:
        urlsplit(environ.get("HTTP_REFERER", ""))
    except ValueError:
        del environ["HTTP_REFERER"]


def takes(largest: str) -> Callable[[View], View]:
    """For a view to which more may be sent than a small form: the name of the setting that says how much."""

    def mark(view: View) -> View:
        view.osm_largest = largest  # type: ignore[attr-defined]
        return view

    return mark


def own_transactions(view: View) -> View:
    """For a view that opens its transactions itself (`g.store`), because something must be kept although it refuses."""
    view.osm_own_transactions = True  # type: ignore[attr-defined]
    return view


def begin() -> None:
    """What is known before anything that was sent is read and before the database is asked anything."""
    logs.about(address=request.remote_addr or "", request=f"{request.method} {request.path}")
    g.store = current_app.config["STORE"]
    g.now = current_app.config["CLOCK"]()
    g.actor, g.is_known = None, False
    g.locale = _wanted_locale()
    # PostgreSQL cannot even look for NUL: such an address names nothing, and such a question cannot be asked.
    if "\0" in request.path:
        abort(404)
    if any("\0" in name or "\0" in value for name, value in request.args.items(multi=True)):
        abort(400)
    view = current_app.view_functions.get(request.endpoint or "")
    rule = rule_of(view) if view else None
    if rule and rule.public:
        request.max_content_length = request.max_form_memory_size = STRANGERS_BYTES
        request.max_form_parts = _STRANGERS_PARTS
    elif largest := getattr(view, "osm_largest", None):
        request.max_content_length = current_app.config[largest]
        if largest == "LARGEST_LONG_FORM":
            request.max_form_memory_size = current_app.config[largest]


def enter() -> None:
    """Open the session and find out who asks: whatever was sent is read by now, and really came from a page of ours.

    So nobody who sends slowly, much, or from elsewhere ever holds a lock.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if request.endpoint == "static" or getattr(view, "osm_own_transactions", False):
        g.is_known = True
        return
    _open(g.store, reads=request.method in SAFE_METHODS or request.url_rule is None)
    _recognise()


def know_reader() -> None:
    """Find out who reads the page that says what was wrong, where that was said before anybody asked."""
    if g.get("is_known", True):
        return
    # Who cannot be known now, because the database is away or busy, reads the page as a stranger would.
    with contextlib.suppress(Refused, DatabaseError):
        _open(g.store, reads=True)
        _recognise()
    abandon()


def _open(store: Store, *, reads: bool) -> None:
    scope, g.only_reads = contextlib.ExitStack(), reads
    g.session = scope.enter_context(store.reading() if reads else store.transaction())
    g.scope = scope
    _narrow()


def _narrow() -> None:
    """Pages are read without the sensitive cases that are closed to the reader. What writes is told by the policy."""
    if g.actor is None:
        return
    if g.only_reads:
        sensitive_cases.narrow(g.session, g.actor)
    else:
        sensitive_cases.notice(g.session)


def _recognise() -> None:
    g.is_known = True
    if "_user_id" not in browser_session or not current_user.is_authenticated:
        return
    g.actor = sensitive_cases.with_reasons(g.session, current_user.actor, g.now)
    _narrow()
    logs.about(person=g.actor.username)
    g.locale = g.actor.locale if g.actor.locale in LOCALES else DEFAULT_LOCALE


def _wanted_locale() -> str:
    chosen = request.cookies.get("lang")
    return chosen if chosen in LOCALES else DEFAULT_LOCALE


def finish() -> None:
    """Commit what the view did; then let what it set in motion go on at once."""
    scope: contextlib.ExitStack | None = g.pop("scope", None)
    if scope is None:
        return
    session: Session = g.session
    with scope:
        moved = unit_of(session).touched_cases
        is_pending = bool(moved) and anything_pending(session, g.now, *moved)
    g.is_kept = True
    if is_pending:
        go_on_at_once(g.store, g.now, *moved)


def abandon(error: BaseException | None = None) -> None:
    """Roll back whatever is still open; harmless when nothing is."""
    scope: contextlib.ExitStack | None = g.pop("scope", None)
    if scope is None:
        return
    session: Session = g.session
    try:
        session.rollback()
    except SQLAlchemyError:  # the connection is gone, and what it had begun with it
        logger.warning("a transaction could not be rolled back", exc_info=True)
        session.invalidate()
    with contextlib.suppress(Refused):  # of an empty session: there is nothing left to keep
        scope.close()


def let_go(error: BaseException | None = None) -> None:
    """Give what was uploaded back to the disk, whatever became of the request, and let the log forget who asked."""
    request.close()
    logs.forget()


def read_again() -> None:
    """Undo what was begun; whatever is shown from here on is read from one unchanging view of the database.

    A transaction that writes may see what others commit between two of its reads: a page made in it would show a case
    beside the history of a later moment. Nothing that was loaded before may be used any more.
    """
    abandon()
    _open(g.store, reads=True)


def write_after_reading() -> None:
    """Undo what was begun, and begin the one transaction that is kept: for a view that had much to read before it locks anything."""
    abandon()
    _open(g.store, reads=False)


@contextlib.contextmanager
def another_view() -> Iterator[Session]:
    """A session of its own for a file that is written after its reason was kept: as narrow as that of a page."""
    with g.store.reading() as session:
        sensitive_cases.narrow(session, g.actor)
        yield session


def load_user(key: str) -> SignedIn | None:
    """The person of a browser's session, None when they were locked or their sessions ended."""
    person_id, _, epoch = key.partition(":")
    if not (person_id.isdigit() and epoch.isdigit()) or "session" not in g:
        return None
    today = g.now.astimezone(current_app.config["TIMEZONE"]).date()
    actor = actor_signed_in(g.session, int(person_id), int(epoch), today)
    return SignedIn(int(person_id), int(epoch), actor) if actor else None


def init_app(app: Flask) -> None:
    manager = LoginManager()
    manager.init_app(app, add_context_processor=False)
    manager.user_loader(load_user)
    app.before_request(begin)
    app.teardown_request(abandon)
    app.teardown_request(let_go)


def open_sessions(app: Flask) -> None:
    """From here on, requests that got so far have a session."""
    app.before_request(enter)
