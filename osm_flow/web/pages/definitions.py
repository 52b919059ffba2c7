"""Process definitions: which there are, every version with its diagram, and making a new version available."""

from __future__ import annotations

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.engine import DefinitionRefused
from osm_flow.errors import Invalid
from osm_flow.operations.cases import overview
from osm_flow.operations.definitions.deployments import deploy, used_twice
from osm_flow.operations.definitions.library import DefinitionNotFound, compiled, list_definitions, versions_of
from osm_flow.store.models import ProcessDefinition
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
    return render_template("definitions/list.html", definitions=newest, may_deploy=may(Verb.deploy))


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
    return jsonify(xml=in_language(_version(key, version).xml.decode()), tokens=[], passed={})


@blueprint.get("/definitions/<key>/<int:version>/bpmn")
@signed_in
def download(key: str, version: int) -> ResponseReturnValue:
    return downloads.download(_version(key, version).xml, f"{key}-{version}.bpmn", "application/octet-stream")


@blueprint.get("/definitions/deploy")
@requires(Verb.deploy)
def deploy_page() -> ResponseReturnValue:
    return render_template("definitions/deploy.html", refused="", problems=[], note="", locale=g.locale)


@blueprint.post("/definitions/deploy")
@requires(Verb.deploy)
def deploy_files() -> ResponseReturnValue:
    """All files together are checked and stored, or none of them and every fault is named."""
    note = posted("note").strip()[:500]
    uploads = [(upload.filename, upload.read()) for upload in request.files.getlist("files") if upload.filename]
    files = dict(uploads)
    try:
        if twice := used_twice((name for name, _ in uploads), {}):
            raise DefinitionRefused(twice)
        deployed = deploy(g.session, files, g.actor, g.now, note=note)
    except Invalid as refusal:
        lifecycle.read_again()
        problems = getattr(refusal, "problems", [])
        page = render_template(
            "definitions/deploy.html", refused=error_text(refusal), problems=problems, note=note, locale=g.locale
        )
        return page, refusal.status
    if deployed.definitions:
        flash(
            ngettext("เพิ่มรุ่นใหม่แล้ว %(num)s กระบวนงาน", "เพิ่มรุ่นใหม่แล้ว %(num)s กระบวนงาน", len(deployed.definitions)),
            "success",
        )
    if deployed.unchanged:
        flash(gettext("เหมือนรุ่นล่าสุดอยู่แล้ว: %(names)s", names=", ".join(deployed.unchanged)), "info")
    return redirect(url_for("definitions.definition_list"))


def _version(key: str, version: int | None) -> ProcessDefinition:
    """One version of a process, the newest when none is named. Raises DefinitionNotFound."""
    definition = next(
        (candidate for candidate in versions_of(g.session, key) if version in (None, candidate.version)), None
    )
    if definition is None:
        raise DefinitionNotFound(key=key)
    return definition
