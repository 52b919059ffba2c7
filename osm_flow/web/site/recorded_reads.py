"""Reads that matter are recorded before their answer leaves: openings of audit pages and of sensitive cases, downloads.

This is the one place where a GET leads to a write. The write is a row of the access log in a transaction of its own; the
view's session stays one that cannot write. If the row cannot be written, nothing is shown.

What was refused is counted here too, after its answer is made; that it cannot be counted now keeps no answer back.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from osm_flow.domain.access.policy import OfficeFacts, Verb, decide, is_open_to, offices_where
from osm_flow.errors import Forbidden, NotFound, OsmFlowError, Refused
from osm_flow.operations.cases.acts import case_with
from osm_flow.operations.cases.attachments import attachment_with_case, case_of_attachment
from osm_flow.operations.ledger.access_log import AccessKind, Read, is_recorded, record_access
from osm_flow.operations.ledger.refusals import RefusalCounter, is_there
from osm_flow.operations.ledger.security_events import EventKind, Happening
from osm_flow.operations.policy_facts import case_facts
from osm_flow.store.models import Case
from osm_flow.store.sensitive_cases import met_in
from osm_flow.web.site.access import AUDITING, rule_of

# Pages load in pieces and people go back and forth: the same thing looked at again so soon is the same look.
_ONE_LOOK = timedelta(minutes=15)
# The name of the counter of refusals among what the site carries.
COUNTER = "osm_refusals"


def recorded_read(read: Read) -> None:
    """Record that the person reads this, from a GET. A view that is a POST records in its own transaction.

    What was recorded already waits for nobody who writes: a page shows many small pictures at once. A session that can
    write is not asked: on SQLite it would have the turn that the record needs.
    """
    if g.get("only_reads") and is_recorded(g.session, g.actor, g.now, read, once_within=_ONE_LOOK):
        return
    with g.store.transaction() as session:
        record_access(session, g.actor, g.now, read, once_within=_ONE_LOOK)


def record_this_read() -> None:
    """After a view that succeeded, before its answer goes: record a download or a page of the audit."""
    if request.method not in {"GET", "HEAD"} or g.get("actor") is None or "session" not in g:
        return
    rule = rule_of(current_app.view_functions[request.endpoint or ""])
    if request.endpoint == "work_items.attachment":
        _record_download()
    elif rule is not None and AUDITING & set(rule.verbs):
        _record_audit(_case(), is_of_page=Verb.say_why in rule.verbs)


def _has_reason_first(case: Case) -> bool:
    """Whether the person may open the case as an auditor, and has not said why yet."""
    facts = case_facts(g.session, case, g.actor)
    return not is_open_to(g.actor, facts) and decide(g.actor, Verb.say_why, OfficeFacts(case.office_id)).allowed


def ask_why() -> BaseResponse | None:
    """Before an auditor opens what is of a sensitive case: the page on which they say why, once for some hours."""
    view = current_app.view_functions.get(request.endpoint or "")
    rule = rule_of(view) if view else None
    if g.get("actor") is None or request.method != "GET" or rule is None or Verb.say_why in rule.verbs:
        return None
    if not offices_where(g.actor, Verb.say_why):  # asked of auditors alone, and before anything is looked for
        return None
    case = _case() or _case_of_file()
    if case is None or not case.is_sensitive or not _has_reason_first(case):
        return None
    return redirect(url_for("privacy.why", case_id=case.id, next=request.full_path.rstrip("?")))


def init_app(app: Flask) -> None:
    app.before_request(ask_why)


def record_what_is_shown(response: Response) -> None:
    """Before any answer goes that a view made: record each sensitive case that it shows, be it a row or a refused form.

    What was read for the page is known by its session; that the page shows it, by its number or a link to it.
    """
    if (
        g.get("actor") is None
        or "scope" not in g  # what an export reads after its commit is recorded by the export itself
        or request.endpoint == "work_items.attachment"
        or 300 <= response.status_code < 400
    ):
        return
    met = met_in(g.session)
    if not met:
        return
    asked = _case()
    body = None if response.is_streamed or response.direct_passthrough else response.get_data()
    for case, names in met.items():
        if asked is not None and asked.id == case.id:
            _record_shown(Read(AccessKind.case_opened, case), response)
        elif body is None or any(name.encode() in body for name in names):
            _record_shown(Read(AccessKind.case_listed, case), response)


def _record_shown(read: Read, response: Response) -> None:
    if g.only_reads or response.status_code >= 400:
        if not g.only_reads:  # what was begun is not kept, and must hold up nobody who keeps something
            g.session.rollback()
        recorded_read(read)
    else:
        record_access(g.session, g.actor, g.now, read, once_within=_ONE_LOOK)


# ---- refusals --------------------------------------------------------------------------------------------------


def note_refusal(kind: EventKind, details: str = "") -> None:
    """This request was refused: it is counted once its answer is made. `details` as in a `Happening`."""
    g.refusal = (kind, details)


def note_error(error: OsmFlowError) -> None:
    """As `note_refusal`, if the error is a refusal that auditors want to see."""
    if error.is_quota:
        note_refusal(EventKind.refused_quota)
    elif isinstance(error, Forbidden):
        note_refusal(EventKind.refused_role)
    elif isinstance(error, NotFound) and _is_hidden(error):
        note_refusal(EventKind.refused_hidden)


def happening(kind: EventKind, details: str = "") -> Happening:
    """What happens in this request, by whom, from where, and at which page, but not of what."""
    actor = g.get("actor")
    office_id = next(iter(actor.office_ids), None) if actor else None
    return Happening(
        kind,
        actor.username if actor else "",
        actor.role_in(office_id) if actor else None,
        office_id,
        f"{request.method} {request.url_rule.rule if request.url_rule else ''}".strip(),
        details,
        request.remote_addr or "",
    )


def count_refusal() -> None:
    """Count what was refused in this request; what others left uncounted for some seconds is written with it."""
    counter: RefusalCounter = current_app.extensions[COUNTER]
    refusal = g.pop("refusal", None)
    if "now" not in g:
        return
    if refusal is not None:
        counter.count(happening(*refusal), g.now)
    else:
        counter.write_late(g.now)


def _is_hidden(error: NotFound) -> bool:
    """Whether what was not shown is there: by the word of the policy, or since the address names it."""
    if type(error) is NotFound:
        return True
    if g.get("actor") is None:
        return False
    try:
        with g.store.reading() as session:
            return is_there(session, request.view_args or {})
    except Refused:  # the database is away or busy: nobody can say
        return False


def _record_audit(case: Case | None, *, is_of_page: bool) -> None:
    """A page of the audit: of its case, or of a page that stands before it, where nothing of the case is shown yet."""
    if case is not None and not is_of_page:
        recorded_read(Read(AccessKind.audit_opened, case))
        return
    asked = "&".join(f"{name}={value}" for name, value in request.args.items(multi=True) if value and name != "after")
    kind = AccessKind.audit_searched if asked else AccessKind.audit_opened
    recorded_read(Read(kind, request.path, case=case, details=asked))


def _record_download() -> None:
    attachment, case = attachment_with_case(g.session, (request.view_args or {})["attachment_id"])
    recorded_read(Read(AccessKind.attachment_downloaded, f"{case.business_key} sha256:{attachment.sha256}", case=case))


def _case_of_file() -> Case | None:
    number = (request.view_args or {}).get("attachment_id")
    return case_of_attachment(g.session, number) if number is not None else None


def _case() -> Case | None:
    arguments = request.view_args or {}
    return case_with(g.session, arguments.get("case_id"), arguments.get("work_item_id"))
