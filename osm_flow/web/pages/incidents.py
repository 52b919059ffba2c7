"""Incidents: what stops a case until somebody tries again or closes it with a note; and whether the site works at all."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.kinds import in_language
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.cases import incidents
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.readiness import LATE, readiness
from osm_flow.store.models import Incident
from osm_flow.store.sensitive_cases import closed_among
from osm_flow.web.forms.posted import posted
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import public, requires
from osm_flow.web.site.i18n import current_locale, error_text, gettext

blueprint = Blueprint("incidents", __name__)


@blueprint.get("/incidents")
@requires(Verb.retry_incident)
def incident_list() -> ResponseReturnValue:
    return _list_page()


def in_place(route: Callable[[int], ResponseReturnValue]) -> Callable[[int], ResponseReturnValue]:
    """What stands in the way is said on the list, which shows how things stand now."""

    @wraps(route)
    def answer(incident_id: int) -> ResponseReturnValue:
        try:
            return route(incident_id)
        except (Invalid, Refused) as error:
            lifecycle.read_again()
            flash(error_text(error), "warning")
            return _list_page(tried=incident_id), error.status

    return answer


@blueprint.post("/incidents/<int:incident_id>/retry")
@requires(Verb.retry_incident)
@in_place
def retry_incident(incident_id: int) -> ResponseReturnValue:
    incidents.retry(g.session, incident_id, g.actor, g.now)
    flash(gettext("สั่งให้ลองใหม่แล้ว ถ้ายังไม่สำเร็จ เหตุขัดข้องจะกลับมาที่หน้านี้"), "success")
    return redirect(url_for("incidents.incident_list"))


@blueprint.post("/incidents/<int:incident_id>/resolve")
@requires(Verb.retry_incident)
@in_place
def resolve_incident(incident_id: int) -> ResponseReturnValue:
    incidents.resolve(g.session, incident_id, g.actor, g.now, note=posted("note"))
    flash(gettext("ปิดเหตุขัดข้องแล้ว"), "success")
    return redirect(url_for("incidents.incident_list"))


def _list_page(tried: int | None = None) -> str:
    page = incidents.list_incidents(g.session, g.actor, after=request.args.get("after") or None)
    closed = closed_among(g.session, g.actor, (row.case_id for row in page.items))
    shown = [_shown(row, closed.get(row.case_id or "")) for row in page.items]
    return render_template("incidents/list.html", page=page, incidents=shown, tried=tried, note=posted("note"))


def _shown(row: Incident, number: str | None) -> dict[str, Any]:
    """What is told of an incident; `number` is of a case that is closed to the reader, who learns nothing more of it."""
    if number is not None:
        return {"row": row, "element_name": gettext("เหตุขัดข้อง"), "words": "", "number": number}
    if row.case is None:
        words = in_language(row.kind, row.message, current_locale())
        return {"row": row, "element_name": gettext("ไม่ใช่ของเรื่องใด"), "words": words}
    element = compiled(g.session, row.case.definition).elements.get(row.element or "")
    name = (gettext(element.name) if element else "") or row.element or gettext("ทั้งเรื่อง")
    return {"row": row, "element_name": name, "words": in_language(row.kind, row.message, current_locale())}


# ---- whether the site works at all, as JSON for proxies and supervisors: no login, no secrets -----------------------


@blueprint.get("/healthz")
@public
@lifecycle.own_transactions
def alive() -> ResponseReturnValue:
    """This process answers; whatever else is wrong, restarting it would not help."""
    return jsonify({"alive": True})


@blueprint.get("/readyz")
@public
@lifecycle.own_transactions
def ready() -> ResponseReturnValue:
    """503 while the database is away or its tables are another version's, or the scheduler of this process stands still."""
    found = readiness(g.store, g.now)
    started_at = current_app.config.get("SCHEDULER_STARTED_AT")  # None: the sweeps run in another process
    is_stuck = found.is_late and started_at is not None and started_at < g.now - LATE
    is_ready = found.is_ready and not is_stuck
    return jsonify(found.as_dict() | {"ready": is_ready}), 200 if is_ready else 503
