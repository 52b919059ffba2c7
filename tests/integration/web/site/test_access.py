"""Which routes are for whom: one rule each, strangers to the login page, auditors to no write."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask, g, url_for
from sqlalchemy import select
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, Rule

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import OfficeFacts, Verb
from osm_flow.store.database import LARGEST_NUMBER
from osm_flow.store.models import Person
from osm_flow.store.session import Store
from osm_flow.web.site.access import AccessRule, may, public, requires, rule_of, signed_in
from tests.factories import OFFICE, make_office, make_person
from tests.integration.web.conftest import STAFF, Visitor


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


def test_two_rules_on_one_route_are_a_mistake() -> None:
    with pytest.raises(TypeError):
        requires()(signed_in(lambda: "x"))
    assert rule_of(public(lambda: "x")) == AccessRule(public=True)


def test_roles_decide_who_enters(as_person: Callable[[str], Visitor]) -> None:
    assert as_person("admin").get("/people").status_code == 200
    assert as_person("director").get("/people").status_code == 403


def test_a_partial_request_of_a_stranger_is_sent_to_the_login_page(visitor: Visitor) -> None:
    answer = visitor.get("/account", headers={"HX-Request": "true"})

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login"


def test_whoever_only_audits_reaches_no_write_but_a_second_role_opens_it(site: Flask, store: Store) -> None:
    @signed_in
    def write() -> str:
        return "written"

    site.add_url_rule("/anything", "anything", write, methods=["GET", "POST"])
    with store.transaction() as session:
        make_office(session)
        make_person(session, "seer", "auditor")
        make_person(session, "both", "auditor", "osm_strategy")
    statuses = {}
    for username in ("seer", "both"):
        with store.reading() as session:
            person = session.scalars(select(Person).where(Person.username == username)).one()
        visitor = Visitor(site).come_back_as(person)
        statuses[username] = (visitor.get("/anything").status_code, visitor.post("/anything").status_code)

    assert statuses == {"seer": (200, 403), "both": (200, 200)}


def test_a_page_asks_whether_something_may_be_done_somewhere_or_to_one_thing(site: Flask) -> None:
    with site.app_context():
        assert not may(Verb.see_audit)
        g.actor = Actor(1, "seer", "ผู้ตรวจสอบ", (Hat("auditor", OFFICE),))
        assert may(Verb.see_audit)
        assert may("see_audit", OfficeFacts(OFFICE))
        assert not may(Verb.see_audit, OfficeFacts("NE-U2"))
        assert not may(Verb.manage_people)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "/login"),
        (f"/cases?text={'x' * 70_000}", "/login"),
        ("/cases?fy=2570&text=a", "/login?next=%2Fcases%3Ffy%3D2570%26text%3Da"),
    ],
)
def test_a_stranger_comes_back_to_the_page_they_wanted(visitor: Visitor, path: str, target: str) -> None:
    assert visitor.get(path).headers["Location"] == target


def _with_numbers(site: Flask) -> list[Rule]:
    rules = list(site.url_map.iter_rules())
    return [rule for rule in rules if any(isinstance(kind, IntegerConverter) for kind in rule._converters.values())]


def test_a_number_that_no_database_gives_out_leads_to_no_page(site: Flask) -> None:
    addresses = site.url_map.bind("localhost")
    assert len(_with_numbers(site)) > 15
    for rule in _with_numbers(site):
        kinds = rule._converters
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        for number in (LARGEST_NUMBER + 1, 3_000_000_000, 2**63, "9" * 5000):
            path = rule.rule
            for name, kind in kinds.items():
                shown = f"<int:{name}>" if isinstance(kind, IntegerConverter) else f"<{name}>"
                path = path.replace(shown, str(number) if isinstance(kind, IntegerConverter) else "x")
            assert "<" not in path, path
            try:
                endpoint, _ = addresses.match(path, method=method)
            except (NotFound, MethodNotAllowed):  # a page of another kind, for which this is a word
                continue
            assert endpoint != rule.endpoint, path


@pytest.mark.parametrize("username", ["admin", "director", "auditor", "strategy"])
def test_the_largest_number_of_all_is_never_a_crash(
    site: Flask, as_person: Callable[[str], Visitor], username: str
) -> None:
    person = as_person(username)
    for rule in _with_numbers(site):
        values = {
            name: LARGEST_NUMBER if isinstance(kind, IntegerConverter) else OFFICE
            for name, kind in rule._converters.items()
        }
        with site.test_request_context():
            path = url_for(rule.endpoint, **values)
        answer = person.post(path, {"reason": "x"}) if "POST" in (rule.methods or ()) else person.get(path)
        assert 302 <= answer.status_code < 500, path


def _example(kind: BaseConverter) -> int | str:
    """Something that may stand in this part of an address."""
    if isinstance(kind, AnyConverter):
        return min(kind.items)
    return 1 if isinstance(kind, IntegerConverter) else OFFICE


@pytest.mark.parametrize("username", ["", *STAFF])
def test_no_form_of_any_page_is_taken_without_the_token_of_its_page(
    site: Flask, as_person: Callable[[str], Visitor], visitor: Visitor, username: str
) -> None:
    """Whoever sends it: a stranger is asked to sign in first, anybody else is told that the form is not of a page."""
    forms = [rule for rule in site.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(forms) > 40
    for rule in forms:
        with site.test_request_context():
            path = url_for(rule.endpoint, **{name: _example(kind) for name, kind in rule._converters.items()})
        client = as_person(username).client if username else visitor.client
        for data in ({}, {"csrf_token": "x"}, {"csrf_token": "IjAi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"}):
            assert client.post(path, data=data).status_code in ({400} if username else {400, 401}), path


@pytest.mark.parametrize("username", ["", *STAFF])
def test_nothing_but_pages_and_their_files_has_an_address(
    as_person: Callable[[str], Visitor], visitor: Visitor, username: str
) -> None:
    """No folder is listed, no file beside the site is handed out, nothing is echoed."""
    client = as_person(username).client if username else visitor.client
    beside = (
        "/.git/config",
        "/.env",
        "/var/osm-flow.db",
        "/static/",
        "/static/js",
        "/static/x/",
        "/static/x/js/",
        "/static/x/../../app.py",
        "/static/x/%2e%2e/%2e%2e/app.py",
        "/static/x/%2Fetc/passwd",
        "/server-status",
        "/console",
        "/metrics",
        "/openapi.json",
        "/templates/base.html",
    )

    assert {path: client.get(path, follow_redirects=True).status_code for path in beside} == dict.fromkeys(beside, 404)
    assert client.open("/login", method="TRACE").status_code == 405
    assert client.open("/login", method="OPTIONS").status_code == 200
