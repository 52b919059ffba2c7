"""For heads: who holds how much, what nobody has taken, and the work of one person."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb, decide
from osm_flow.operations.policy_facts import work_item_facts
from osm_flow.operations.work_items import workload
from osm_flow.store.models import WorkItem
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
    may_move = {item.id for item in items if _may_move(item)}
    return render_template("team/person.html", person=person, items=items, may_move=may_move)


def _may_move(item: WorkItem) -> bool:
    return decide(g.actor, Verb.reassign, work_item_facts(g.session, item, g.actor)).allowed
