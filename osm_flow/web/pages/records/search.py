"""One search box for everything: what somebody types of a name, a code or an agency, found among projects, cases and their own work."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.search import says_nothing
from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases.acts import CaseFilter
from osm_flow.operations.projects import queries as projects
from osm_flow.operations.projects.queries import ProjectFilter
from osm_flow.operations.work_items import inbox
from osm_flow.operations.work_items.inbox import InboxFilter
from osm_flow.web.pages.records.project_page import state_words
from osm_flow.web.site.access import signed_in

blueprint = Blueprint("search", __name__)

# How many of each are shown; the list of each has all of them.
_SHOWN = 5
_LONGEST = 100


@blueprint.get("/search")
@signed_in
def search() -> ResponseReturnValue:
    """What is found, the first few of each; a whole code or number leads straight to what has it."""
    text = " ".join(request.args.get("q", "").split())[:_LONGEST]
    if says_nothing(text):
        return render_template("search/found.html", text="", found=None, state=state_words)
    of_projects = projects.list_projects(g.session, g.actor, ProjectFilter(text=text), limit=_SHOWN)
    of_cases = cases.list_cases(g.session, g.actor, CaseFilter(text=text), limit=_SHOWN)
    asked = text.casefold()
    for project in of_projects.items:
        if project.code.casefold() == asked:
            return redirect(url_for("projects.project", code=project.code))
    for case in of_cases.items:
        if case.business_key.casefold() == asked:
            return redirect(url_for("cases.case", case_id=case.id))
    mine = inbox.inbox_for(g.session, g.actor, g.now, InboxFilter(text=text), limit=_SHOWN)
    found = {"projects": of_projects, "cases": of_cases, "mine": mine}
    return render_template("search/found.html", text=text, found=found, state=state_words)
