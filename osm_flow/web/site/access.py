"""Which routes are for whom. Every route carries exactly one rule; a route without one answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, abort, current_app, g, make_response, redirect, request, url_for
from flask import session as browser_session
from werkzeug.routing import IntegerConverter
from werkzeug.wrappers import Response as BaseResponse

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Facts, NotYourRole, OfficeFacts, SystemFacts, Verb, decide
from osm_flow.errors import OsmFlowError
from osm_flow.store.database import LARGEST_NUMBER

# What auditors do, and nobody who does not look after what they may see.
AUDITING = frozenset({Verb.see_audit, Verb.say_why})

View = TypeVar("View", bound=Callable[..., Any])

# Of an address that goes into the header of an answer: browsers and proxies give up on longer ones.
LONGEST_WAY_BACK = 1000


class Number(IntegerConverter):
    """A whole number in an address; one that is larger than any number of a database leads to no page."""

    regex = "[0-9]{1,10}"

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.max = LARGEST_NUMBER if self.max is None else min(self.max, LARGEST_NUMBER)


@dataclass(frozen=True)
class AccessRule:
    """`verbs`: any one of them is enough to enter; what exactly may be done is decided by the operation."""

    public: bool = False
    verbs: tuple[Verb, ...] = ()


class NotSignedIn(OsmFlowError):
    """Please sign in first. Nothing was changed."""

    status = 401


def public(view: View) -> View:
    """For everybody, signed in or not."""
    return _mark(view, AccessRule(public=True))


def signed_in(view: View) -> View:
    """For everybody who is signed in."""
    return _mark(view, AccessRule())


def requires(*verbs: Verb) -> Callable[[View], View]:
    """For those whose roles allow one of these verbs somewhere."""
    return lambda view: _mark(view, AccessRule(verbs=verbs))


def rule_of(view: Callable[..., Any]) -> AccessRule | None:
    return getattr(view, "osm_access", None)


def _mark(view: View, rule: AccessRule) -> View:
    if rule_of(view) is not None:
        raise TypeError(f"{view.__name__} has two access rules")
    view.osm_access = rule  # type: ignore[attr-defined]
    return view


def may(verb: Verb | str, facts: Facts | None = None) -> bool:
    """Whether the person may do it to what the facts are of; without any: in an office of theirs, or in the whole system."""
    actor: Actor | None = g.get("actor")
    if actor is None:
        return False
    if facts is not None:
        return decide(actor, Verb(verb), facts).allowed
    places: list[Facts] = [SystemFacts(), *map(OfficeFacts, actor.office_ids)]
    return any(decide(actor, Verb(verb), place).allowed for place in places)


def refuse_strangers() -> BaseResponse | None:
    """Before anything that was sent is read: send those whom no cookie names to the login page."""
    view = current_app.view_functions.get(request.endpoint or "")
    rule = rule_of(view) if view else None
    if rule is None or rule.public or "_user_id" in browser_session:
        return None
    return _to_login()


def enforce() -> BaseResponse | None:
    """Before each request: send strangers to the login page, refuse those whose roles do not fit."""
    if request.url_rule is None or request.endpoint is None:
        return None
    rule = rule_of(current_app.view_functions[request.endpoint])
    if rule is None:
        abort(403)
    if rule.public:
        return None
    if g.actor is None:
        return _to_login()
    if rule.verbs and not any(may(verb) for verb in rule.verbs):
        raise NotYourRole
    if request.method not in {"GET", "HEAD", "OPTIONS"} and _only_reads(g.actor) and not _is_theirs(rule):
        raise NotYourRole
    return None


def _only_reads(actor: Actor) -> bool:
    """Whoever is an auditor and nothing else today has no path to any write, whatever an operation would say."""
    return bool(actor.hats) and all(hat.role == "auditor" for hat in actor.hats)


def _is_theirs(rule: AccessRule) -> bool:
    """What an auditor sends all the same: for evidence, with a reason, and about their own account."""
    return bool(AUDITING & set(rule.verbs)) or request.blueprint == "account"


def _to_login() -> BaseResponse:
    if request.path.startswith("/api/"):
        raise NotSignedIn
    back = request.full_path.rstrip("?") if request.method == "GET" else ""
    has_way = back not in {"", "/"} and len(back) <= LONGEST_WAY_BACK
    target = url_for("account.login") + ("?" + urlencode({"next": back}) if has_way else "")
    if request.headers.get("HX-Request"):
        response: Response = make_response("", 401)
        response.headers["HX-Redirect"] = url_for("account.login")
        return response
    if request.method not in {"GET", "HEAD"}:
        raise NotSignedIn
    return redirect(target)


def local_target(target: str | None) -> str:
    """The page to go to, only ever on this site."""
    home = "/"
    if not target or len(target) > LONGEST_WAY_BACK or not target.startswith("/") or target.startswith(("//", "/\\")):
        return home
    if any(character in target for character in "\r\n\t\\"):  # some are left out when an address is read
        return home
    parts = urlsplit(target)
    return home if parts.scheme or parts.netloc or parts.path in {"/login", "/logout"} else target


def init_app(app: Flask) -> None:
    app.before_request(refuse_strangers)
    app.jinja_env.globals.update(may=may)


def enforce_rules(app: Flask) -> None:
    """From here on, requests that got so far are of people who may enter."""
    app.before_request(enforce)
