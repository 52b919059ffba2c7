"""For auditors: the bundles of cases, of books of records and of the chains of the system, taken out with a reason."""

from __future__ import annotations

from typing import IO

from flask import Blueprint, current_app, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.forms.schema import label_of
from osm_flow.errors import Invalid
from osm_flow.operations.books import exporting
from osm_flow.operations.books.record_types import every_type, type_of
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.cases.acts import get_case
from osm_flow.operations.ledger import access_chain, admin_journal
from osm_flow.store.models import Case
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts import downloads
from osm_flow.web.site import filters, lifecycle
from osm_flow.web.site.access import requires
from osm_flow.web.site.i18n import current_locale, gettext

blueprint = Blueprint("bundles", __name__)

_IN_MEMORY = 8 * 1024 * 1024
# What the chains of the system are called; their texts are marked for translation where they stand elsewhere.
_OF_SYSTEM = {admin_journal.CHAIN: "บันทึกการดูแลระบบ", access_chain.CHAIN: "บันทึกการเปิดดูและนำข้อมูลออก"}


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


@blueprint.get("/audit/chains")
@requires(Verb.see_audit)
def chain_list() -> ResponseReturnValue:
    """The books of records of a year, and the chains of the system, for who sees the audit of all offices."""
    require(g.actor, Verb.see_audit, SystemFacts())
    years = exporting.years_written(g.session)
    asked = request.args.get("fy", "")
    year = int(asked) if asked.isascii() and asked.isdigit() and int(asked) in years else next(iter(years), None)
    return render_template(
        "bundles/chains.html",
        years=years,
        year=year,
        books=exporting.books_of(g.session, year) if year is not None else [],
        chains={name: chain_name(name) for name in sorted(bundle_writing.BOOKS)},
        kinds={type_.kind: label_of(type_.schema.form, current_locale()) for type_ in every_type()},
    )


@blueprint.get("/audit/chains/<path:chain>/bundle")
@requires(Verb.see_audit)
def chain_form(chain: str) -> ResponseReturnValue:
    bundle_writing.require_chain(g.session, chain, g.actor)
    return _chain_page(chain, {})


@blueprint.post("/audit/chains/<path:chain>/bundle")
@requires(Verb.see_audit)
@each_time
def chain_download(chain: str) -> ResponseReturnValue:
    """Record who exports the chain and why; then write its bundle and send it, as `download` does that of a case."""
    keyring = current_app.config["KEYRING"]
    reason = request.form.get("reason", "")
    try:
        bundle_writing.prepare_chain_export(g.session, chain, g.actor, g.now, reason=reason, keyring=keyring)
    except Invalid as error:
        lifecycle.read_again()
        return _chain_page(chain, {name: gettext(text) for name, text in error.fields.items()}), error.status
    stem = chain.replace("/", "-")

    def write(file: IO[bytes]) -> str:
        unsigned = bundle_writing.write_chain_bundle(g.session, chain, file, keyring=keyring)
        return f"{stem}-unsigned.zip" if unsigned else f"{stem}.zip"

    return downloads.written(stem, "application/zip", write, in_memory=_IN_MEMORY)


def chain_name(chain: str) -> str:
    """What a chain is called: one of the system, or a book by its kind, office and year."""
    if chain in _OF_SYSTEM:
        return gettext(_OF_SYSTEM[chain])
    book = read_name(chain)
    if book is None:
        return chain
    kind = label_of(type_of(book.kind).schema.form, current_locale())
    return gettext("ทะเบียน %(kind)s ปี %(year)s", kind=kind, year=book.year) + f" {filters.office_name(book.office_id)}"


def _chain_page(chain: str, errors: dict[str, str]) -> str:
    return render_template("bundles/chain.html", chain=chain, name=chain_name(chain), typed=request.form, errors=errors)
