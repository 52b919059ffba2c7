"""Process definitions: which there are, every version with its diagram, and proposing and publishing a new one."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb, is_everywhere, offices_where
from osm_flow.domain.states import ProposalState
from osm_flow.engine import DefinitionRefused
from osm_flow.errors import Invalid
from osm_flow.operations.cases import overview
from osm_flow.operations.definitions import proposals
from osm_flow.operations.definitions.deployments import used_twice
from osm_flow.operations.definitions.library import DefinitionNotFound, compiled, list_definitions, versions_of
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.people.offices import offices
from osm_flow.store.models import DiagramProposal, ProcessDefinition
from osm_flow.web.forms.posted import posted
from osm_flow.web.parts import downloads
from osm_flow.web.parts.diagram_xml import in_language
from osm_flow.web.parts.element_list import plain_elements
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import may, requires, signed_in
from osm_flow.web.site.i18n import error_text, gettext, ngettext

blueprint = Blueprint("definitions", __name__)


@blueprint.get("/definitions")
@signed_in
def definition_list() -> ResponseReturnValue:
    newest = list_definitions(g.session)
    return render_template("definitions/list.html", definitions=newest, may_propose=may(Verb.propose_diagrams))


@blueprint.get("/definitions/<key>")
@signed_in
def versions(key: str) -> ResponseReturnValue:
    all_versions = versions_of(g.session, key)
    shown = _version(key, request.args.get("version", type=int))
    return render_template(
        "definitions/versions.html",
        shown=shown,
        versions=all_versions,
        running=overview.running_by_definition(g.session, key, g.actor),
        elements=plain_elements(compiled(g.session, shown)),
    )


@blueprint.get("/definitions/<key>/<int:version>/picture")
@signed_in
def picture(key: str, version: int) -> ResponseReturnValue:
    return jsonify(xml=in_language(_version(key, version).xml), tokens=[], passed={})


@blueprint.get("/definitions/<key>/<int:version>/bpmn")
@signed_in
def download(key: str, version: int) -> ResponseReturnValue:
    return downloads.download(_version(key, version).xml, f"{key}-{version}.bpmn", "application/octet-stream")


@blueprint.get("/definitions/proposals")
@requires(Verb.propose_diagrams)
def proposal_list() -> ResponseReturnValue:
    page = proposals.list_proposals(g.session, g.actor, after=request.args.get("after") or None)
    return render_template("definitions/proposals.html", page=page, names=_names(page.items), states=_states())


@blueprint.get("/definitions/proposals/new")
@requires(Verb.propose_diagrams)
def proposal_form() -> ResponseReturnValue:
    return _form_page()


@blueprint.post("/definitions/proposals")
@requires(Verb.propose_diagrams)
@lifecycle.takes("LARGEST_DEPLOYMENT")
def propose() -> ResponseReturnValue:
    """All files together are checked and kept for a second person, or none of them and every fault is named."""
    note = posted("note").strip()[:500]
    uploads = [(upload.filename, upload.read()) for upload in request.files.getlist("files") if upload.filename]
    offices = offices_where(g.actor, Verb.propose_diagrams)
    office_id = posted("office_id") or (None if is_everywhere(g.actor, Verb.propose_diagrams) else offices[0])
    try:
        if twice := used_twice((name for name, _ in uploads), {}):
            raise DefinitionRefused(twice)
        made = proposals.propose(g.session, dict(uploads), g.actor, g.now, office_id=office_id, note=note)
    except Invalid as refusal:
        lifecycle.read_again()
        return _form_page(note, refusal), refusal.status
    flash(gettext("ส่งข้อเสนอแล้ว ผู้ดูแลระบบกลางอีกคนต้องตรวจและประกาศใช้"), "success")
    return redirect(url_for("definitions.proposal", proposal_id=made.id))


@blueprint.get("/definitions/proposals/<int:proposal_id>")
@requires(Verb.propose_diagrams)
def proposal(proposal_id: int) -> ResponseReturnValue:
    return _proposal_page(proposals.get_proposal(g.session, proposal_id, g.actor))


@blueprint.get("/definitions/proposals/<int:proposal_id>/files/<name>")
@requires(Verb.propose_diagrams)
def proposed_file(proposal_id: int, name: str) -> ResponseReturnValue:
    return downloads.download(_file(proposal_id, name), name, "application/octet-stream")


@blueprint.get("/definitions/proposals/<int:proposal_id>/files/<name>/picture")
@requires(Verb.propose_diagrams)
def proposed_picture(proposal_id: int, name: str) -> ResponseReturnValue:
    return jsonify(xml=in_language(_file(proposal_id, name)), tokens=[], passed={})


@blueprint.post("/definitions/proposals/<int:proposal_id>/publish")
@requires(Verb.deploy)
def publish(proposal_id: int) -> ResponseReturnValue:
    """What another person proposed becomes the newest version for every office."""
    try:
        deployed = proposals.publish_proposal(g.session, proposal_id, g.actor, g.now)
    except Invalid as refusal:
        lifecycle.read_again()
        return _proposal_page(proposals.get_proposal(g.session, proposal_id, g.actor), refusal), refusal.status
    flash(
        ngettext("ประกาศใช้รุ่นใหม่แล้ว %(num)s กระบวนงาน", "ประกาศใช้รุ่นใหม่แล้ว %(num)s กระบวนงาน", len(deployed.definitions)),
        "success",
    )
    return redirect(url_for("definitions.proposal", proposal_id=proposal_id))


@blueprint.post("/definitions/proposals/<int:proposal_id>/refuse")
@requires(Verb.propose_diagrams)
def refuse(proposal_id: int) -> ResponseReturnValue:
    """Whoever publishes says no, or whoever proposed takes it back; both say why."""
    try:
        refused = proposals.refuse_proposal(g.session, proposal_id, g.actor, g.now, reason=posted("reason"))
    except Invalid as refusal:
        lifecycle.read_again()
        return _proposal_page(proposals.get_proposal(g.session, proposal_id, g.actor), refusal), refusal.status
    is_withdrawn = refused.state == ProposalState.WITHDRAWN
    flash(gettext("ถอนข้อเสนอแล้ว") if is_withdrawn else gettext("ไม่ประกาศใช้ข้อเสนอนี้แล้ว"), "success")
    return redirect(url_for("definitions.proposal", proposal_id=proposal_id))


def _form_page(note: str = "", refusal: Invalid | None = None) -> str:
    managed = offices_where(g.actor, Verb.propose_diagrams)
    return render_template(
        "definitions/proposal_form.html",
        refused=error_text(refusal) if refusal else "",
        problems=getattr(refusal, "problems", []),
        note=note,
        locale=g.locale,
        offices=[office for office in offices(g.session) if office.id in managed],
        of_all=is_everywhere(g.actor, Verb.propose_diagrams),
        chosen=posted("office_id"),
    )


def _proposal_page(shown: DiagramProposal, refusal: Invalid | None = None) -> str:
    changes, problems = [], list(getattr(refusal, "problems", []))
    is_open = shown.state == ProposalState.PROPOSED
    if is_open:
        try:
            found = proposals.examined(g.session, shown)
        except DefinitionRefused as now_wrong:
            problems = now_wrong.problems
        else:
            changes = [(change, proposals.process_of(change)) for change in found.changed]
            problems = problems or found.warnings
    return render_template(
        "definitions/proposal.html",
        shown=shown,
        is_open=is_open,
        changes=[(change, gettext(process.name), plain_elements(process)) for change, process in changes],
        problems=problems,
        refused=error_text(refusal) if refusal else "",
        reason=posted("reason"),
        may_publish=proposals.may_publish(g.session, shown, g.actor, g.now),
        is_own=proposals.is_own(shown, g.actor),
        names=_names([shown]),
        states=_states(),
        locale=g.locale,
    )


def _file(proposal_id: int, name: str) -> bytes:
    files = proposals.files_of(g.session, proposals.get_proposal(g.session, proposal_id, g.actor))
    if name not in files:
        raise proposals.ProposalNotFound
    return files[name]


def _names(shown: Sequence[DiagramProposal]) -> dict[str, str]:
    return names_of(g.session, (name for row in shown for name in (row.proposed_by, row.decided_by) if name))


def _states() -> dict[str, str]:
    return {
        ProposalState.PROPOSED: gettext("รอประกาศใช้"),
        ProposalState.PUBLISHED: gettext("ประกาศใช้แล้ว"),
        ProposalState.REFUSED: gettext("ไม่ประกาศใช้"),
        ProposalState.WITHDRAWN: gettext("ถอนแล้ว"),
    }


def _version(key: str, version: int | None) -> ProcessDefinition:
    """One version of a process, the newest when none is named. Raises DefinitionNotFound."""
    definition = next(
        (candidate for candidate in versions_of(g.session, key) if version in (None, candidate.version)), None
    )
    if definition is None:
        raise DefinitionNotFound(key=key)
    return definition
