"""For auditors: the bundle of a case, taken out with a reason."""

from __future__ import annotations

from typing import IO

from flask import Blueprint, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.errors import Invalid
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.cases.acts import get_case
from osm_flow.store.models import Case
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts import downloads
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.i18n import gettext

blueprint = Blueprint("bundles", __name__)

_IN_MEMORY = 8 * 1024 * 1024


@blueprint.get("/audit/cases/<case_id>/bundle")
@requires(Verb.see_audit)
def form(case_id: str) -> ResponseReturnValue:
    return _page(get_case(g.session, case_id, g.actor), {})


@blueprint.post("/audit/cases/<case_id>/bundle")
@requires(Verb.see_audit)
@each_time
def download(case_id: str) -> ResponseReturnValue:
    """Record who exports the case and why; then, nobody waiting for it, write the bundle and send it.

    The name of one whose manifest could not be signed, for instance because the case went on meanwhile, says so.
    """
    payloads = request.form.get("payloads") == "yes"
    try:
        case = bundle_writing.prepare_export(
            g.session,
            case_id,
            g.actor,
            g.now,
            reason=request.form.get("reason", ""),
            keyring=current_app.config["KEYRING"],
            details="" if payloads else "without payloads",
        )
    except Invalid as error:
        lifecycle.read_again()
        errors = {name: gettext(text) for name, text in error.fields.items()}
        return _page(get_case(g.session, case_id, g.actor), errors), error.status
    stem = str(case.business_key)

    def write(file: IO[bytes]) -> str:
        keyring = current_app.config["KEYRING"]
        unsigned = bundle_writing.write_bundle(g.session, case_id, file, payloads=payloads, keyring=keyring)
        return f"{stem}-unsigned.zip" if unsigned else f"{stem}.zip"

    return downloads.written(stem, "application/zip", write, in_memory=_IN_MEMORY)


def _page(case: Case, errors: dict[str, str]) -> str:
    return render_template("bundles/form.html", case=case, typed=request.form, errors=errors)
