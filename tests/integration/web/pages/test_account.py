"""Signing in and out: what is counted, what ends a session, and where one is sent afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from osm_flow.app import create_app
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.people import accounts
from osm_flow.operations.people.signing_in import _NOBODYS_HASH, _hasher
from osm_flow.settings import Settings
from osm_flow.store.models import LoginAttempt, Notification, Person
from osm_flow.store.session import Store
from osm_flow.web.site.access import local_target
from tests.factories import NOW
from tests.integration.web.conftest import PASSWORD, Clock, Visitor

Staff = dict[str, Person]


def test_a_person_signs_in_and_comes_where_they_wanted_to_go(visitor: Visitor, staff: Staff) -> None:
    asked = visitor.get("/account?x=1")

    answer = visitor.sign_in("director", next="/account?x=1")

    assert asked.location == "/login?next=%2Faccount%3Fx%3D1"
    assert answer.location == "/account?x=1"
    assert "คุณ director" in visitor.get("/account").text


@pytest.mark.parametrize(("username", "password"), [("director", "wrong password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_name_or_password_is_told_alike(visitor: Visitor, staff: Staff, username: str, password: str) -> None:
    answer = visitor.sign_in(username, password)

    assert answer.status_code == 401
    assert "ชื่อผู้ใช้หรือรหัสผ่านไม่ถูกต้อง" in answer.text
    assert "คุณ" not in visitor.get("/login").text.split("<main")[0]


def test_five_failures_close_the_door_to_that_name_for_a_quarter_of_an_hour(
    visitor: Visitor, staff: Staff, clock: Clock
) -> None:
    failures = [visitor.sign_in("director", "wrong password").status_code for _ in range(5)]
    assert failures == [401] * 5

    assert visitor.sign_in("director").status_code == 429
    assert visitor.sign_in("strategy").status_code == 302
    visitor.post("/logout")
    clock.pass_by(minutes=16)
    assert visitor.sign_in("director").status_code == 302


def test_a_success_forgives_the_failures_before_it(visitor: Visitor, staff: Staff) -> None:
    for _ in range(2):
        for _ in range(4):
            visitor.sign_in("director", "wrong password")
        assert visitor.sign_in("director").status_code == 302
        visitor.post("/logout")


def test_twenty_failures_from_one_address_close_the_door_to_it(visitor: Visitor, staff: Staff) -> None:
    for number in range(20):
        visitor.sign_in(f"guess{number}", "wrong password")

    assert visitor.sign_in("director").status_code == 429


def test_a_refused_sign_in_is_counted_although_its_request_is_rolled_back(
    visitor: Visitor, staff: Staff, store: Store
) -> None:
    visitor.sign_in("director", "wrong password")

    with store.reading() as session:
        assert session.scalars(select(LoginAttempt.succeeded)).all() == [False]


def test_names_nobody_has_cost_the_same_hash() -> None:
    assert not _hasher.check_needs_rehash(_NOBODYS_HASH)


def test_locking_an_account_ends_its_session_at_the_next_request(
    as_person: Callable[[str], Visitor], staff: Staff, store: Store
) -> None:
    director = as_person("director")
    assert director.get("/account").status_code == 200

    with store.transaction() as session:
        accounts.lock(session, "director", SYSTEM, NOW)

    assert director.get("/account").location.startswith("/login")
    assert director.sign_in("director").status_code == 401


def test_unlocking_does_not_bring_old_sessions_back(
    as_person: Callable[[str], Visitor], staff: Staff, store: Store
) -> None:
    director = as_person("director")
    with store.transaction() as session:
        accounts.lock(session, "director", SYSTEM, NOW)
    with store.transaction() as session:
        accounts.unlock(session, "director", SYSTEM, NOW)

    assert director.get("/account").status_code == 302
    assert director.sign_in("director").location == "/"


def test_signing_out_is_a_post_and_ends_the_session(as_person: Callable[[str], Visitor]) -> None:
    director = as_person("director")

    assert director.get("/logout").location == "/"
    assert director.get("/account").status_code == 200
    assert director.post("/logout").location == "/login"
    assert director.get("/account").status_code == 302


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/x\r\nSet-Cookie: a",
        "javascript:alert(1)",
        "/\t/[::1",
        "/cases?text=" + "x" * 1000,
        "/\n/[",
        "",
        None,
    ],
)
def test_next_never_leaves_the_site(target: str | None) -> None:
    assert local_target(target) == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts(visitor: Visitor, staff: Staff) -> None:
    cookie = visitor.sign_in("director").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_person_changes_their_password_and_stays_signed_in_here_only(
    as_person: Callable[[str], Visitor], staff: Staff
) -> None:
    here, elsewhere = as_person("director"), as_person("director")
    new = "quite another one"

    answer = here.post("/account/password", {"current": PASSWORD, "new": new, "again": new})

    assert answer.location == "/account"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert elsewhere.sign_in("director", new).status_code == 302


@pytest.mark.parametrize(
    ("current", "new", "again", "sentence"),
    [
        ("wrong", "quite another one", "quite another one", "รหัสผ่านปัจจุบันไม่ถูกต้อง"),
        (PASSWORD, "short", "short", "ตั้งรหัสผ่านอย่างน้อย 10 ตัวอักษร"),
        (PASSWORD, "the-director-is-me", "the-director-is-me", "ต้องไม่มีชื่อผู้ใช้อยู่ข้างใน"),
        (PASSWORD, "aaaaaaaaaaaa", "aaaaaaaaaaaa", "ตั้งรหัสผ่านอย่างน้อย 10 ตัวอักษร"),
        (PASSWORD, "quite another one", "not the same one", "รหัสผ่านใหม่ทั้งสองช่องไม่ตรงกัน"),
    ],
)
def test_a_password_that_does_not_fit_is_refused_with_its_field(
    as_person: Callable[[str], Visitor], current: str, new: str, again: str, sentence: str
) -> None:
    director = as_person("director")

    answer = director.post("/account/password", {"current": current, "new": new, "again": again})

    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert director.get("/account").status_code == 200


def test_the_language_is_remembered_on_the_person(
    as_person: Callable[[str], Visitor], staff: Staff, store: Store
) -> None:
    director = as_person("director")

    answer = director.post("/language", {"locale": "en", "next": "/account"})

    assert answer.location == "/account"
    assert '<html lang="en">' in director.get("/account").text
    assert "My account" in as_person("director").get("/account").text
    with store.reading() as session:
        assert session.get_one(Person, staff["director"].id).locale == "en"


def test_an_unknown_language_changes_nothing(visitor: Visitor) -> None:
    visitor.post("/language", {"locale": "xx"})

    assert '<html lang="th">' in visitor.get("/login").text


def test_notices_are_counted_read_and_only_ones_own(
    as_person: Callable[[str], Visitor], staff: Staff, store: Store
) -> None:
    with store.transaction() as session:
        for username, text in (("director", "งานใหม่มาถึง"), ("strategy", "ของคนอื่น")):
            notice = Notification(person_id=staff[username].id, kind="new", text_th=text, text_en=text, url="/", at=NOW)
            session.add(notice)
    director = as_person("director")

    before = director.get("/notices")
    after = director.post("/notices/read", follow_redirects=True)

    assert "งานใหม่มาถึง" in before.text
    assert "ของคนอื่น" not in before.text
    assert "แจ้งเตือนที่ยังไม่อ่าน 1 รายการ" in before.text
    assert "แจ้งเตือน ไม่มีรายการใหม่" in after.text
    with store.reading() as session:
        unread = select(func.count()).select_from(Notification).where(Notification.read_at.is_(None))
        assert session.scalar(unread) == 1


def test_demo_logins_are_shown_in_demo_mode_only(site: Flask, visitor: Visitor) -> None:
    site.config["DEMO_LOGINS"] = [{"username": "somchai", "password": "shown", "name": "สมชาย", "role": "osm_director"}]

    assert "somchai" not in visitor.get("/login").text
    site.config["ENV_NAME"] = "demo"
    shown = visitor.get("/login").text
    assert "สมชาย" in shown
    assert "ผู้อำนวยการ" in shown


def test_only_a_session_that_this_site_began_and_in_its_time_lets_in(
    site: Flask, visitor: Visitor, staff: Staff, store: Store, tmp_path: Path
) -> None:
    """A cookie that was changed, that another key signed, that is something else, or that is too old is none."""
    visitor.sign_in("director")
    name, host = site.config["SESSION_COOKIE_NAME"], "localhost"
    good = visitor.client.get_cookie(name)
    assert good is not None
    content, _, signature = good.value.rpartition(".")
    elsewhere = Visitor(create_app(Settings(env="test", secret_key="z" * 40, data_dir=tmp_path), store=store))
    elsewhere.sign_in("director")
    other = elsewhere.client.get_cookie(name)
    assert other is not None
    false = ["", "x", content, f"{content}.{signature[::-1]}", f"x{good.value}", other.value, visitor.token()]

    def status(value: str) -> int:
        browser = site.test_client()
        browser.set_cookie(name, value, domain=host)
        return browser.get("/account").status_code

    assert status(good.value) == 200
    assert [status(value) for value in false] == [302] * len(false)
    site.config["PERMANENT_SESSION_LIFETIME"] = timedelta(seconds=-1)
    assert status(good.value) == 302


def test_password_managers_are_told_which_password_is_asked_for(
    visitor: Visitor, as_person: Callable[[str], Visitor]
) -> None:
    def asked(page: str) -> list[str]:
        fields = re.findall(r'<input[^>]*type="password"[^>]*>', page)
        assert all(re.search(r"onpaste|readonly", field) is None for field in fields)
        return [name for field in fields for name in re.findall(r'autocomplete="([^"]+)"', field)]

    assert asked(visitor.get("/login").text) == ["current-password"]
    assert asked(as_person("director").get("/account").text) == ["current-password", "new-password", "new-password"]
    assert asked(as_person("admin").get("/people/new").text) == ["new-password"]
