"""The inbox: everything that waits for a person and their groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import Verb
from osm_flow.domain.stages import STAGES
from osm_flow.errors import Invalid
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.operations.work_items.inbox import InboxFilter, Sort, View, count_for, inbox_for
from osm_flow.store.models import WorkItem
from osm_flow.web.forms.posted import posted, posted_key, posted_list
from osm_flow.web.forms.sending import each_time
from osm_flow.web.parts.years import fiscal_years, year_in
from osm_flow.web.site.access import LONGEST_WAY_BACK, may, signed_in
from osm_flow.web.site.i18n import error_text, gettext
from osm_flow.web.site.wording import sender_words, titled

blueprint = Blueprint("inbox", __name__)

Act = Literal["claim", "release"]
_OPPOSITE: dict[Act, Act] = {"claim": "release", "release": "claim"}
_MOST_AT_ONCE = 50


class TooManyAtOnce(Invalid):
    """At most 50 work items can be handled at once."""


class NothingSelected(Invalid):
    """Select at least one work item first."""


@blueprint.get("/inbox")
@signed_in
def inbox() -> ResponseReturnValue:
    wanted = _wanted()
    page = inbox_for(g.session, g.actor, g.now, wanted, after=request.args.get("after") or None)
    return render_template(
        "inbox/inbox.html",
        page=page,
        filters=wanted,
        is_filtered=wanted != InboxFilter(wanted.view, sort=wanted.sort),
        tabs=_tabs(wanted.view),
        senders={id_: sender_words(one) for id_, one in work_item_queries.senders(g.session, page.items).items()},
        facts={item.id: _facts(item, wanted.view) for item in page.items},
        overdue_url=_address(replace(wanted, overdue=None if wanted.overdue else True)),
        stages=STAGES,
        provinces=work_item_queries.provinces_of(g.session, g.actor.office_ids),
        years=fiscal_years(),
        sorts=_sorts(),
        nothing=_nothing(wanted.view),
        back=request.full_path.rstrip("?"),
        **_results(),
    )


@blueprint.post("/inbox/bulk")
@signed_in
@each_time
def bulk() -> ResponseReturnValue:
    """Claim or release several work items; each one's own outcome is told on the next page."""
    single = posted("claim")
    act: Act = "release" if not single and posted("act") == "release" else "claim"
    ids = [single] if single else posted_list("item")
    if not ids:
        flash(error_text(NothingSelected()), "warning")
        return redirect(_local(posted("back")))
    if len(ids) > _MOST_AT_ONCE:
        raise TooManyAtOnce
    operation = work_items.claim if act == "claim" else work_items.release
    key = posted_key()
    # One page may send the same work items to be claimed and, undone, to be released.
    key = key and f"{key}:{act}"
    outcomes = work_items.each(g.session, operation, [item[:36] for item in ids], g.actor, g.now, key=key)
    session["bulk"] = {
        "act": act,
        "done": [key for key, error in outcomes.items() if error is None],
        "refused": {key: error_text(error) for key, error in outcomes.items() if error is not None},
    }
    return redirect(_local(posted("back")))


def _results() -> dict[str, Any]:
    """What the last bulk act came to, told once."""
    told = session.pop("bulk", None)
    if not told:
        return {"results": [], "undo": None, "results_head": ""}
    act: Act = told["act"]
    items = work_item_queries.item_names(g.session, [*told["done"], *told["refused"]], g.actor)
    names = {key: titled(row) for key, row in items.items()}
    said = gettext("รับแล้ว") if act == "claim" else gettext("คืนเข้ากลุ่มแล้ว")
    results = [{"ok": True, "name": names.get(key, key), "message": said} for key in told["done"]]
    results += [{"ok": False, "name": names.get(key, key), "message": why} for key, why in told["refused"].items()]
    head = gettext("ทำได้ %(done)s จาก %(all)s งาน", done=len(told["done"]), all=len(results))
    undo = {"act": _OPPOSITE[act], "ids": told["done"]} if told["done"] else None
    return {"results": results, "undo": undo, "results_head": head}


def _wanted() -> InboxFilter:
    """What the address asks for. What cannot be understood is left out: an old bookmark still opens a list."""
    arguments = request.args
    view, sort, stage = (arguments.get(name, "") for name in ("view", "sort", "stage"))
    return InboxFilter(
        view=view if view in get_args(View) else "mine",  # type: ignore[arg-type]
        overdue=True if arguments.get("overdue") == "1" else None,
        stage=stage if stage in STAGES else None,
        province_id=arguments.get("province", "")[:8] or None,
        fiscal_year=year_in(arguments.get("fy", "")),
        text=arguments.get("text", "").strip()[:100] or None,
        sort=sort if sort in get_args(Sort) else "due",  # type: ignore[arg-type]
    )


def _address(wanted: InboxFilter) -> str:
    """Where the list is that `_wanted` reads so."""
    return url_for(
        "inbox.inbox",
        view=wanted.view,
        overdue=1 if wanted.overdue else None,
        stage=wanted.stage,
        province=wanted.province_id,
        fy=wanted.fiscal_year,
        text=wanted.text,
        sort=wanted.sort if wanted.sort != "due" else None,
    )


def _tabs(here: View) -> list[dict[str, Any]]:
    labels: dict[View, str] = {"mine": gettext("งานของฉัน"), "groups": gettext("งานรอรับในกลุ่ม")}
    if may(Verb.see_team):
        labels["team"] = gettext("งานทั้งทีม")
    return [
        {
            "label": label,
            "url": url_for("inbox.inbox", view=view),
            "is_here": view == here,
            "count": count_for(g.session, g.actor, g.now, InboxFilter(view)),
        }
        for view, label in labels.items()
    ]


def _facts(item: WorkItem, view: View) -> dict[str, bool]:
    return {
        "overdue": item.due_at is not None and item.due_at < g.now,
        "rests": item.follow_up_at is not None and item.follow_up_at > g.now,
        "may_claim": view == "groups" and item.assignee_id is None,
    }


def _sorts() -> list[tuple[str, str]]:
    return [
        ("due", gettext("ครบกำหนดก่อน")),
        ("opened", gettext("มาถึงล่าสุด")),
        ("priority", gettext("เร่งด่วนก่อน")),
    ]


def _nothing(view: View) -> dict[str, str]:
    """What an empty list says: what belongs here, and where to look instead."""
    texts: dict[View, tuple[str, str]] = {
        "mine": (gettext("ไม่มีงานค้างในมือคุณ"), gettext("งานที่คุณรับไว้จะอยู่ที่นี่ ดูแท็บ งานรอรับในกลุ่ม เพื่อรับงานใหม่")),
        "groups": (gettext("ไม่มีงานรอคนรับในกลุ่มของคุณ"), gettext("เมื่อมีงานใหม่ถึงกลุ่ม งานจะอยู่ที่นี่ให้รับ")),
        "team": (gettext("ทีมไม่มีงานเปิดอยู่"), gettext("งานที่เปิดอยู่ของทุกคนในสำนักงานจะอยู่ที่นี่")),
    }
    title, hint = texts[view]
    return {"title": title, "hint": hint}


def _local(target: str) -> str:
    """Back to the list one came from, never anywhere else."""
    try:
        parts = urlsplit(target)
    except ValueError:  # of an address that nobody can read
        return url_for("inbox.inbox", view="groups")
    safe = (
        len(target) <= LONGEST_WAY_BACK
        and not parts.scheme
        and not parts.netloc
        and parts.path == url_for("inbox.inbox")
    )
    return f"{parts.path}?{parts.query}" if safe else url_for("inbox.inbox", view="groups")
