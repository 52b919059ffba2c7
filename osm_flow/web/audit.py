"""For auditors: the chain of a case, record by record, recomputed and replayed while they look."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from flask.typing import ResponseReturnValue

from osm_flow.domain.policy import Verb
from osm_flow.operations.cases import case_history, get_case
from osm_flow.operations.verify import verify_case
from osm_flow.web.access import requires
from osm_flow.web.story import tell

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit/cases/<case_id>")
@requires(Verb.see_audit)
def case_audit(case_id: str) -> ResponseReturnValue:
    case = get_case(g.session, case_id, g.actor)
    history = case_history(g.session, case, after=request.args.get("after") or None, limit=200, oldest_first=True)
    return render_template(
        "audit/case.html",
        case=case,
        faults=verify_case(g.session, case_id),
        records=tell(g.session, case, history.items),
        next=history.next,
    )
