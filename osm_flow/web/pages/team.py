"""For heads: who holds how much, what nobody has taken, and the work of one person."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.operations.work_items import workload
from osm_flow.web.site.access import requires

blueprint = Blueprint("team", __name__)


@blueprint.get("/team")
@requires(Verb.see_team)
def team() -> ResponseReturnValue:
    return render_template("team/team.html", workload=workload.workload_for(g.session, g.actor, g.now))


@blueprint.get("/team/<int:person_id>")
@requires(Verb.see_team)
def person(person_id: int) -> ResponseReturnValue:
    person, items = workload.items_of(g.session, person_id, g.actor)
    return render_template("team/person.html", person=person, items=items)
