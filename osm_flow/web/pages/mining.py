"""For auditors and heads: the journal as a file for process-mining tools, with the reason for taking it out."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from flask import Blueprint, Response, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.documents.event_logs import LOG_FORMS
from osm_flow.domain.access.policy import Verb, offices_where
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.thai_dates import parse_thai_date
from osm_flow.errors import Invalid
from osm_flow.operations.definitions.library import list_definitions
from osm_flow.operations.mining import event_log
from osm_flow.operations.privacy.pseudonyms import kept_key, pseudonyms
from osm_flow.web.forms.posted import why_not_a_day
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts import downloads
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.i18n import error_text, gettext

blueprint = Blueprint("mining", __name__, url_prefix="/mining")


class DayUnreadable(Invalid):
    """Write the day as day/month/Buddhist year, for example 20/11/2569."""


@blueprint.get("")
@requires(Verb.see_team, Verb.see_audit)
def form() -> ResponseReturnValue:
    return _page({}, {})


@blueprint.post("")
@requires(Verb.see_team, Verb.see_audit)
@each_time
def download() -> ResponseReturnValue:
    """Record who takes what out and why; then, nobody waiting for it, write the file and send it."""
    typed = {name: value.strip() for name, value in request.form.items()}
    format_ = typed["format"] if typed.get("format") in LOG_FORMS else next(iter(LOG_FORMS))
    names = typed.get("names") == "yes"
    try:
        scope = event_log.scope_for(
            g.session,
            g.actor,
            office_id=typed.get("office") or None,
            definition_key=typed.get("process") or None,
            first=_day(typed, "first"),
            last=_day(typed, "last"),
        )
        event_log.prepare(
            g.session, scope, g.actor, g.now, format_=format_, reason=typed.get("reason", ""), names=names
        )
    except Invalid as error:
        lifecycle.read_again()
        fields = {name: gettext(text) for name, text in error.fields.items()}
        return _page(typed, fields or {"reason": error_text(error)}), error.status
    lifecycle.finish()
    return _file(scope, format_, names)


def _file(scope: event_log.LogScope, format_: str, names: bool) -> Response:
    """The log as a download; its file has no name any more, so it goes away with the answer."""
    naming = None if names else pseudonyms(kept_key(current_app.config["DATA_DIR"]))
    with tempfile.TemporaryDirectory(prefix="osm-log-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "log"
        with lifecycle.another_view() as session:
            event_log.write(session, scope, path, format_=format_, naming=naming)
        opened = path.open("rb")
    name = f"osm-flow-{local_day(g.now).isoformat()}.{LOG_FORMS[format_].ending}"
    return downloads.download(opened, name, "application/octet-stream")


def _page(typed: dict[str, str], errors: dict[str, str]) -> str:
    offices = offices_where(g.actor, Verb.see_team)
    return render_template(
        "mining/form.html",
        typed=typed,
        errors=errors,
        offices=offices,
        definitions=list_definitions(g.session),
        formats=[(key, gettext(form.label)) for key, form in LOG_FORMS.items()],
    )


def _day(typed: dict[str, str], name: str) -> date | None:
    text = typed.get(name, "")
    if not text:
        return None
    try:
        return parse_thai_date(text)
    except ValueError as error:
        raise DayUnreadable(fields={name: why_not_a_day(error, DayUnreadable.__doc__ or "")}) from error
