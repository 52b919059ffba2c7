"""What every page shows around its content: the navigation, the bell, and addresses that keep their filters."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request, url_for

from osm_flow.domain.access.policy import Verb
from osm_flow.operations.people.notices import unread_count
from osm_flow.web.site.access import may
from osm_flow.web.site.i18n import gettext


@dataclass(frozen=True)
class NavigationEntry:
    """A line of the navigation."""

    url: str
    label: str
    icon: str
    is_here: bool


# Endpoint, label, drawing, and the verb without which the line is not shown.
_ENTRIES: tuple[tuple[str, str, str, Verb | None], ...] = (
    ("home.home", "หน้าแรก", "house", None),
    ("inbox.inbox", "กล่องงาน", "inbox", None),
    ("cases.case_list", "เรื่อง", "folder", None),
    ("projects.register", "โครงการ", "list", None),
    ("planning.calendar", "ปฏิทิน", "calendar", None),
    ("team.team", "ทีม", "people", Verb.see_team),
    ("audit_search.front", "ตรวจสอบย้อนหลัง", "clock", Verb.see_audit),
    ("definitions.definition_list", "แบบกระบวนการ", "diagram", None),
    ("people.people_list", "ผู้ใช้", "person-badge", Verb.manage_people),
    ("incidents.incident_list", "เหตุขัดข้อง", "warning", Verb.retry_incident),
    ("privacy.access_list", "การเข้าถึงข้อมูล", "search", Verb.see_audit),
    ("administration.record_list", "บันทึกการดูแลระบบ", "person-badge", Verb.see_audit),
    ("administration.event_list", "เหตุการณ์ความปลอดภัย", "shield", Verb.see_audit),
    ("witnesses.log", "จุดตรวจสอบของประวัติ", "shield", Verb.see_audit),
    ("privacy.request_list", "คำขอลบข้อมูล", "file", Verb.erase),
)


def navigation() -> list[NavigationEntry]:
    """The lines this person may follow, the one they are under marked."""
    shown = [
        (url_for(endpoint), gettext(label), icon)
        for endpoint, label, icon, verb in _ENTRIES
        if endpoint in current_app.view_functions and (verb is None or may(verb))
    ]
    # One address may begin with another; the longest is where they are.
    here = max((url for url, _, _ in shown if _is_here(url)), key=len, default=None)
    return [NavigationEntry(url, label, icon, url == here) for url, label, icon in shown]


def _is_here(url: str) -> bool:
    return request.path == url or (url != "/" and request.path.startswith(f"{url}/"))


def unread_notices() -> int:
    """Unread notices; none while an error is told, because the database may be what failed."""
    if g.get("failed") or g.get("actor") is None or "session" not in g:
        return 0
    if "unread" not in g:
        g.unread = unread_count(g.session, g.actor)
    return int(g.unread)


def here_url() -> str:
    """This page with its query, where the language switch comes back to; after a post, the page that had the form."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    form_page = urlsplit(request.referrer or "/")
    return form_page.path + (f"?{form_page.query}" if form_page.query else "")


def page_url(after: str | None) -> str:
    """This page of a list with every filter kept, at another place."""
    query = {name: values for name, values in request.args.lists() if name != "after"}
    if after is not None:
        query["after"] = [after]
    return url_for(request.endpoint or "", **{**(request.view_args or {}), **query})


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        navigation=navigation, unread_notices=unread_notices, here_url=here_url, page_url=page_url
    )
