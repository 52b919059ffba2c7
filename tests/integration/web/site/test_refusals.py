"""Signing in, signing out and what is refused leave exactly their event, through the site, and a flood leaves one row."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from osm_flow.operations.ledger.refusals import close_windows
from osm_flow.operations.people.signing_in import UNKNOWN
from osm_flow.store.models import AccessRecord, Case, JournalRecord, LoginAttempt, Person, RefusalTally, SecurityEvent
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office
from tests.integration.operations.ledger.reads import faults
from tests.integration.web.conftest import PASSWORD, Visitor
from tests.serving import served
from tests.stress.servers import Browser

Visit = Callable[[str], Visitor]
Told = list[tuple[str, str, str, str, int]]


def told(store: Store) -> Told:
    """Kind, who, page, details and count of what was recorded and what is still counted."""
    found: Told = []
    with store.reading() as session:
        for model in (SecurityEvent, RefusalTally):
            columns = (model.kind, model.actor, model.subject, model.details, model.count)
            found += [tuple(row) for row in session.execute(select(*columns).order_by(model.at, model.kind))]
    return found


@pytest.fixture
def foreign_case(store: Store, staff: dict[str, Person]) -> str:
    """A case of an office that none of the staff belongs to."""
    with store.transaction() as session:
        make_office(session, "XX-1", {})
        deploy_tests(session, "review")
        return make_case(session, office_id="XX-1").id


def test_signing_in_and_out_are_events_of_the_person(store: Store, staff: dict[str, Person], visitor: Visitor) -> None:
    visitor.sign_in("director")
    visitor.post("/logout")
    visitor.post("/logout")

    assert told(store) == [
        ("sign_in.succeeded", "director", "POST /login", "", 1),
        ("sign_out", "director", "POST /logout", "", 1),
    ]
    with store.reading() as session:
        addresses = set(session.scalars(select(SecurityEvent.address)))
    assert addresses == {"127.0.0.1"}
    assert faults(store) == []


def test_a_failed_sign_in_is_nobodys_act_and_says_whose_name_was_typed(
    store: Store, staff: dict[str, Person], visitor: Visitor
) -> None:
    for _ in range(2):
        visitor.sign_in("director", "wrong password")

    assert told(store) == [("sign_in.failed", "", "POST /login", "director", 2)]


def test_a_password_that_was_typed_as_a_name_is_kept_nowhere(
    store: Store, staff: dict[str, Person], visitor: Visitor
) -> None:
    for _ in range(3):
        visitor.sign_in("rubber boots in may", "director")

    ((kind, actor, _, details, count),) = told(store)
    assert (kind, actor, count) == ("sign_in.failed", "", 3)
    assert details.startswith(UNKNOWN)
    with store.reading() as session:
        for table in ("refusal_tallies", "security_events", "login_attempts", "access_records", "accesses"):
            rows = session.connection().exec_driver_sql(f"SELECT * FROM {table}").all()  # noqa: S608
            assert "rubber" not in repr(rows), table


def test_throttling_is_an_event_and_counts_on(store: Store, staff: dict[str, Person], visitor: Visitor) -> None:
    answers = [visitor.sign_in("director", "wrong password").status_code for _ in range(8)]

    assert answers == [401] * 5 + [429] * 3
    assert told(store) == [
        ("sign_in.failed", "", "POST /login", "director", 5),
        ("sign_in.throttled", "", "POST /login", "director", 3),
    ]


def test_a_page_for_other_roles_is_a_refusal(store: Store, as_person: Visit) -> None:
    assert as_person("strategy").get("/audit/search?text=ความลับ").status_code == 403

    assert told(store) == [("refused.role", "strategy", "GET /audit/search", "", 1)]


def test_what_is_there_but_not_theirs_is_a_refusal_and_what_is_not_there_is_none(
    store: Store, as_person: Visit, foreign_case: str
) -> None:
    strategy = as_person("strategy")
    for _ in range(2):
        assert strategy.get(f"/cases/{foreign_case}").status_code == 404
    assert strategy.get("/cases/no-such-case").status_code == 404
    assert strategy.get("/no-such-page").status_code == 404

    assert told(store) == [("refused.hidden", "strategy", "GET /cases/<case_id>", "", 2)]


def test_a_form_without_its_token_is_a_refusal_of_whoever_is_signed_in(store: Store, as_person: Visit) -> None:
    assert as_person("strategy").client.post("/notices/read", data={"csrf_token": "forged"}).status_code == 400
    stranger = as_person("strategy").client.application.test_client()
    assert stranger.post("/login", data={"username": "director"}).status_code == 400

    assert sorted(told(store)) == [
        ("refused.token", "", "POST /login", "", 1),
        ("refused.token", "strategy", "POST /notices/read", "", 1),
    ]


def test_what_is_too_large_is_a_refusal(store: Store, staff: dict[str, Person], visitor: Visitor) -> None:
    assert visitor.sign_in("x", "y" * 5_000_000).status_code == 413

    assert told(store) == [("refused.size", "", "POST /login", "", 1)]


def test_a_file_beyond_the_quota_is_a_refusal(site: Flask, store: Store, as_person: Visit) -> None:
    with store.transaction() as session:
        deploy_tests(session, "review")
        case_id = make_case(session).id
    site.config["QUOTAS"] = type(site.config["QUOTAS"])(case_files=10)
    files = {"file": (io.BytesIO(b"more than ten bytes"), "note.txt")}

    assert as_person("strategy").post(f"/cases/{case_id}/attachments", files).status_code == 413

    assert [line[:2] for line in told(store)] == [("refused.quota", "strategy")]


def test_a_crash_is_told_with_its_reference(
    site: Flask, store: Store, as_person: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.config["TESTING"], site.config["PROPAGATE_EXCEPTIONS"] = False, False

    def fail(**_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setitem(site.view_functions, "account.me", _with_rule_of(site.view_functions["account.me"], fail))
    answer = as_person("strategy").get("/account", headers={"Accept": "application/json"})

    assert answer.status_code == 500
    reference = json.loads(answer.text)["reference"]
    assert told(store) == [("request.crashed", "strategy", "GET /account", reference, 1)]


def _with_rule_of(view: Any, instead: Any) -> Any:
    instead.osm_access = view.osm_access
    return instead


def test_ordinary_mistakes_are_no_events(store: Store, as_person: Visit) -> None:
    director = as_person("director")
    assert director.post("/account/password", {"current": "wrong", "new": "short", "again": "short"}).status_code == 422
    assert director.get("/inbox?after=nonsense").status_code == 422
    assert director.get("/account").status_code == 200

    assert told(store) == []


def test_a_flood_of_refusals_is_one_record_and_every_one_is_counted(
    site: Flask, store: Store, as_person: Visit, clock: Any
) -> None:
    strategy = as_person("strategy")
    for _ in range(1_000):
        assert strategy.get("/audit/search").status_code == 403
    clock.pass_by(seconds=5)
    strategy.get("/account")

    assert told(store) == [("refused.role", "strategy", "GET /audit/search", "", 1_000)]
    clock.pass_by(minutes=15)
    assert close_windows(store, clock.at) == 1
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(AccessRecord)) == 1
    assert told(store) == [("refused.role", "strategy", "GET /audit/search", "", 1_000)]
    assert faults(store) == []


def test_behind_the_real_server_each_leaves_exactly_its_event(
    site: Flask, store: Store, staff: dict[str, Person], foreign_case: str
) -> None:
    with served(site) as address, closing(Browser(urlsplit(address).port or 0)) as browser:

        def post(path: str, **data: str) -> int:
            page = browser.get("/no-such-page")[1]
            token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
            return browser.post(path, {"csrf_token": token, **data})[0]

        assert post("/login", username="strategy", password="wrong one") == 401
        assert post("/login", username="strategy", password=PASSWORD) == 302
        assert browser.get("/audit/search")[0] == 403
        assert browser.get(f"/cases/{foreign_case}")[0] == 404
        assert browser.post("/notices/read", {"csrf_token": "x"})[0] == 400
        assert post("/logout") == 302

    assert sorted((kind, actor, count) for kind, actor, _, _, count in told(store)) == [
        ("refused.hidden", "strategy", 1),
        ("refused.role", "strategy", 1),
        ("refused.token", "strategy", 1),
        ("sign_in.failed", "", 1),
        ("sign_in.succeeded", "strategy", 1),
        ("sign_out", "strategy", 1),
    ]
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(LoginAttempt)) == 2
        assert session.scalars(select(Case.id)).all() == [foreign_case]
        assert session.scalar(select(func.count()).select_from(JournalRecord)) == 1
    close_windows(store, NOW + timedelta(minutes=15))
    assert faults(store) == []
