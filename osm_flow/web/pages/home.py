"""The first page: what a person must do now."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.access.roles import OWN_ONLY, WORKERS
from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF
from osm_flow.operations.cases import overview
from osm_flow.operations.cases.incidents import count_open
from osm_flow.operations.definitions.proposals import count_open as count_proposals
from osm_flow.operations.people.positions import may_confirm, waiting_positions
from osm_flow.operations.projects.corrections import to_confirm
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.operations.work_items.inbox import home_for
from osm_flow.store.models import WorkItem
from osm_flow.web.site.access import may, signed_in
from osm_flow.web.site.filters import role_name

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@signed_in
def home() -> ResponseReturnValue:
    lists = home_for(g.session, g.actor, g.now)
    unanswered = work_item_queries.unanswered_items(g.session, g.actor)
    titles = overview.titles_of(g.session, (row.case_id for row in lists.unanswered))
    return render_template(
        "home/home.html",
        home=lists,
        unanswered=unanswered,
        who={item.id: _who(item) for item in unanswered},
        titles=titles,
        milestones=MILESTONE_OF,
        now=g.now,
        sees_projects=any(hat.role not in OWN_ONLY for hat in g.actor.hats),
        works=any(hat.role in WORKERS for hat in g.actor.hats),
        audits=may(Verb.see_audit),
        incidents=count_open(g.session, g.actor) if may(Verb.retry_incident) else 0,
        corrections=to_confirm(g.session, g.actor, g.now),
        proposals=count_proposals(g.session, g.actor, g.now),
        waiting_positions=sum(
            may_confirm(g.session, one, g.actor, g.now) for one in waiting_positions(g.session, g.actor)
        ),
    )


def _who(item: WorkItem) -> str:
    """Who owes the answer: who holds the item, else the outside party that was asked."""
    if item.assignee:
        return item.assignee.display_name
    spelled = [f"{one.role}@{one.province_id}" if one.province_id else one.role for one in item.candidates if one.role]
    return next(iter(map(role_name, work_item_queries.asks_outside(spelled))), "")
