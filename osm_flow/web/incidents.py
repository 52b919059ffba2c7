"""Incidents: what stops a case until somebody tries again or closes it with a note."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.policy import Verb
from osm_flow.operations import incidents
from osm_flow.operations.definitions import compiled
from osm_flow.store.models import Incident
from osm_flow.web.access import requires
from osm_flow.web.i18n import gettext
from osm_flow.web.posted import posted

blueprint = Blueprint("incidents", __name__)


@blueprint.get("/incidents")
@requires(Verb.retry_incident)
def incident_list() -> ResponseReturnValue:
    page = incidents.list_incidents(g.session, g.actor, after=request.args.get("after") or None)
    return render_template("incidents/list.html", page=page, incidents=[_shown(row) for row in page.items])


@blueprint.post("/incidents/<int:incident_id>/retry")
@requires(Verb.retry_incident)
def retry_incident(incident_id: int) -> ResponseReturnValue:
    incidents.retry(g.session, incident_id, g.actor, g.now)
    flash(gettext("สั่งให้ลองใหม่แล้ว ถ้ายังไม่สำเร็จ เหตุขัดข้องจะกลับมาที่หน้านี้"), "success")
    return redirect(url_for("incidents.incident_list"))


@blueprint.post("/incidents/<int:incident_id>/resolve")
@requires(Verb.retry_incident)
def resolve_incident(incident_id: int) -> ResponseReturnValue:
    incidents.resolve(g.session, incident_id, g.actor, g.now, note=posted("note"))
    flash(gettext("ปิดเหตุขัดข้องแล้ว"), "success")
    return redirect(url_for("incidents.incident_list"))


def _shown(row: Incident) -> dict[str, Any]:
    element = compiled(g.session, row.case.definition).elements.get(row.element or "")
    return {"row": row, "element_name": (gettext(element.name) if element else "") or row.element or gettext("ทั้งเรื่อง")}
