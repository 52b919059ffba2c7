"""One answer for everything that goes wrong: a page in the reader's language, problem details for programs."""

from __future__ import annotations

import io
import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, g, url_for
from sqlalchemy import text
from werkzeug.test import TestResponse

from osm_flow.app import create_app
from osm_flow.errors import Invalid
from osm_flow.logs import JsonLines
from osm_flow.settings import Settings
from osm_flow.store.models import Person
from osm_flow.store.session import Limits, Store
from osm_flow.web.site.access import public, signed_in
from osm_flow.web.site.errors import _TEXTS, answer, on_our_error
from osm_flow.web.site.i18n import gettext
from tests.factories import NOW, OFFICE, make_office, make_person
from tests.integration.web.conftest import PASSWORD, Visitor


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


def test_a_post_without_the_pages_token_is_refused(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("director").client.post("/notices/read")

    assert answer.status_code == 400
    assert "ยังไม่มีการบันทึกใด ๆ" in answer.text


@pytest.mark.parametrize("status", sorted(_TEXTS))
def test_errors_have_words_in_both_languages(status: int) -> None:
    for words in _TEXTS[status]:
        assert gettext(words, "en") != words
        assert gettext(words, "th") == words


def test_an_unknown_page_keeps_the_shell_of_the_person(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("director").get("/no-such-page")

    assert answer.status_code == 404
    assert "ไม่พบหน้านี้" in answer.text
    assert "คุณ director" in answer.text


def test_a_wrong_method_says_which_are_right(visitor: Visitor) -> None:
    answer = visitor.client.put("/logout")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "หน้านี้ใช้แบบนี้ไม่ได้" in answer.text


def test_programs_get_problem_details(visitor: Visitor) -> None:
    answer = visitor.get("/no-such-page", headers={"Accept": "application/json"})

    assert answer.mimetype == "application/problem+json"
    assert answer.get_json() | {"detail": ""} == {
        "type": "about:blank",
        "title": "ไม่พบหน้านี้",
        "status": 404,
        "detail": "",
    }


def test_what_is_far_too_large_gets_a_page_that_says_what_to_do(as_person: Callable[[str], Visitor]) -> None:
    director = as_person("director")
    answer = director.post("/account/password", {"new": "x" * 1_100_000})

    assert answer.status_code == 413
    assert "1 MB" in answer.text
    assert "คุณ director" in answer.text
    for path, takes in (
        ("/work-items/x/complete", 4),
        ("/work-items/x/draft", 4),
        ("/work-items/x/comments", 1),
        ("/work-items/x/attachments", 21),
        ("/cases/x/attachments", 21),
        ("/privacy/find", 1),
    ):
        parts = {"csrf_token": director.token(), 'file"; filename="a.txt': "x" * (takes * 1_048_576 - 4000)}
        fields = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts.items()
        )
        kind = "multipart/form-data; boundary=x"
        fits = director.client.post(path, data=f"{fields}--x--\r\n".encode(), content_type=kind)
        assert fits.status_code in {403, 404, 422}, path
        told = director.post(path, {"body": "x" * (takes * 1_048_576)})
        assert (told.status_code, f"ไม่เกิน {takes} MB" in told.text) == (413, True), path


def test_an_error_of_ours_names_its_fields_to_programs_in_the_language_of_the_reader(site: Flask) -> None:
    error = Invalid(fields={"reason": "Say why."})
    with site.test_request_context("/", headers={"Accept": "application/json"}):
        g.locale = "en"
        english = on_our_error(error)
        g.locale = "th"
        thai = on_our_error(error)

    assert (english.status_code, english.get_json()["fields"]) == (422, {"reason": "Say why."})
    assert thai.get_json()["fields"] == {"reason": gettext("Say why.", "th")}
    assert thai.get_json()["fields"] != english.get_json()["fields"]


@pytest.mark.parametrize(("status", "like"), [(418, 400), (507, 500)])
def test_a_status_without_words_of_its_own_is_told_like_its_family(site: Flask, status: int, like: int) -> None:
    with site.test_request_context("/", headers={"Accept": "application/json"}):
        told = answer(status)

    assert (told.status_code, told.get_json()["title"]) == (status, _TEXTS[like][0])


# ---- a database that is busy, away or full ---------------------------------------------------------------------


def site_on(store: Store, folder: Path) -> Flask:
    settings = Settings(env="test", secret_key="k" * 40, data_dir=folder)
    return create_app(settings, store=store, clock=lambda: NOW)


def assert_designed(answer: TestResponse, *words: str) -> None:
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "ระบบไม่ว่างชั่วคราว" in answer.text
    assert "เลขอ้างอิง" not in answer.text
    for word in words:
        assert word in answer.text


def test_a_write_that_waits_for_too_long_is_told_and_may_be_tried_again(
    sqlite_store: Store, tmp_path: Path, staff: dict[str, Person]
) -> None:
    impatient = Store(sqlite_store.url.render_as_string(), Limits(lock=1))
    visitor = Visitor(site_on(impatient, tmp_path)).come_back_as(staff["director"])
    data = {"csrf_token": visitor.token(), "username": "director", "password": PASSWORD}
    with sqlite_store.transaction() as session:
        session.execute(text("UPDATE people SET locale = locale"))
        assert visitor.get("/").status_code == 200  # readers do not wait
        assert_designed(visitor.client.post("/notices/read", data=data), "ฐานข้อมูลไม่ว่าง")
        assert_designed(visitor.client.post("/login", data=data), "ฐานข้อมูลไม่ว่าง")

    assert visitor.client.post("/notices/read", data=data).status_code == 302
    impatient.close()


def test_what_was_sent_is_read_and_judged_before_anything_is_locked(
    sqlite_store: Store, tmp_path: Path, staff: dict[str, Person]
) -> None:
    impatient = Store(sqlite_store.url.render_as_string(), Limits(lock=2))
    visitor = Visitor(site_on(impatient, tmp_path)).come_back_as(staff["director"])
    token = {"csrf_token": visitor.token()}
    with sqlite_store.transaction() as session:
        session.execute(text("UPDATE people SET locale = locale"))
        forged = visitor.client.post("/notices/read", data={"csrf_token": "forged"})
        large = visitor.client.post("/notices/read", data={**token, "x": "x" * 30_000_000})
        nul = visitor.client.post("/notices/read", data={**token, "x": "a\0"})
        honest = visitor.client.post("/notices/read", data=token)

    assert [answer.status_code for answer in (forged, large, nul, honest)] == [400, 413, 422, 503]
    assert ["คุณ director" in page.text for page in (forged, large, nul)] == [True] * 3, "the page knows its reader"
    impatient.close()


def test_a_part_without_a_name_is_refused_in_words(as_person: Callable[[str], Visitor]) -> None:
    visitor = as_person("director")
    parts = [f'name="csrf_token"\r\n\r\n{visitor.token()}', "\r\n\r\nnobody's", 'filename="a.txt"\r\n\r\nnobody\'s']
    for wrong in parts[1:]:
        body = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in (parts[0], wrong)) + "--x--\r\n"
        told = visitor.client.post("/notices/read", data=body, content_type="multipart/form-data; boundary=x")
        assert (told.status_code, "ไม่มีชื่อ" in told.text) == (400, True)


@pytest.mark.parametrize("path", ["//x?{}", "/x?{}", "/cases?text={}", "/account?a={}&{}", "/login?next={}"])
def test_stray_bytes_in_an_address_are_answered_by_a_page(site: Flask, staff: dict[str, Person], path: str) -> None:
    for visitor in (Visitor(site), Visitor(site).come_back_as(staff["director"])):
        for stray in ("\xff", "\xe0\xb8", "\xed\xa0\x80", "a=\xff\xfe"):
            environ = {"PATH_INFO": path.partition("?")[0], "QUERY_STRING": path.partition("?")[2].format(stray, stray)}
            answer = visitor.client.get("/", environ_overrides=environ)
            assert answer.status_code in {200, 302, 404}, (path, stray)


def test_an_address_of_a_page_that_is_none_is_left_out(visitor: Visitor) -> None:
    for referrer in ("http://[::1", "http://[x]/", "//["):
        answer = visitor.client.post("/people/new", headers={"Referer": referrer})
        assert answer.status_code == 401, referrer


def test_a_crash_is_one_line_of_the_log_that_says_who_met_it_where(
    site: Flask, as_person: Callable[[str], Visitor]
) -> None:
    site.config["PROPAGATE_EXCEPTIONS"] = False
    lines, director = io.StringIO(), as_person("director")
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLines())

    def broken(**_arguments: object) -> str:
        raise ZeroDivisionError("a\n{}\nforged")

    site.view_functions["team.person"] = signed_in(broken)
    logging.getLogger().addHandler(handler)
    try:
        answer = director.get("/team/1", environ_overrides={"REMOTE_ADDR": "10.0.0.1\n{}"})
        director.get("/team/no%0a%7b%7d")
    finally:
        logging.getLogger().removeHandler(handler)
    told = [json.loads(line) for line in lines.getvalue().splitlines()]

    (crash,) = [entry for entry in told if "traceback" in entry]
    assert crash["reference"] in answer.text
    assert (crash["person"], crash["address"], crash["request"]) == ("director", "10.0.0.1\n{}", "GET /team/1")
    assert "ZeroDivisionError" in crash["traceback"]


def test_an_error_page_that_breaks_is_told_without_it(
    site: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.config["PROPAGATE_EXCEPTIONS"] = False

    def broken(*_given: object, **_named: object) -> str:
        raise ZeroDivisionError("the page itself")

    monkeypatch.setattr("osm_flow.web.site.errors.render_template", broken)
    answer = visitor.client.get("/no-such-page")

    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert "ระบบขัดข้อง" in answer.text
    assert answer.text.splitlines()[-1] in caplog.text


def test_a_read_only_database_can_be_read_and_refuses_writes_in_words(
    sqlite_store: Store, tmp_path: Path, staff: dict[str, Person]
) -> None:
    sqlite_store.close()
    read_only = Store(f"sqlite:///file:{sqlite_store.url.database}?mode=ro&uri=true")
    visitor = Visitor(site_on(read_only, tmp_path)).come_back_as(staff["director"])

    assert visitor.get("/").status_code == 200
    assert_designed(visitor.post("/notices/read"), "ติดต่อฐานข้อมูลไม่ได้")
    assert_designed(visitor.post("/login", {"username": "director", "password": PASSWORD}), "โปรดแจ้งผู้ดูแลระบบ")
    read_only.close()


def test_without_its_database_the_site_says_so_wherever_it_is_asked(tmp_path: Path, staff: dict[str, Person]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        stopped = Store(f"postgresql://osm@127.0.0.1:{taken.getsockname()[1]}/osm", Limits(connect=1))
        site = site_on(stopped, tmp_path)
        stranger, known = Visitor(site), Visitor(site).come_back_as(staff["director"])

        page = stranger.get("/login")
        assert (page.status_code, "csrf_token" in page.text) == (200, True)
        data = {"csrf_token": stranger.token(), "username": "director", "password": PASSWORD}
        assert_designed(stranger.client.post("/login", data=data), "ติดต่อฐานข้อมูลไม่ได้")
        for path in ("/", "/login", "/inbox", "/no-such-page"):
            assert_designed(known.get(path), "ติดต่อฐานข้อมูลไม่ได้")
        told = known.get("/", headers={"Accept": "application/json"})
        assert (told.status_code, told.mimetype) == (503, "application/problem+json")


@pytest.mark.parametrize("when", ["before the view", "in the view", "in the commit"])
def test_a_connection_that_ends_in_the_middle_is_told_and_the_next_request_works(
    new_postgresql: Callable[[], Store], tmp_path: Path, when: str
) -> None:
    store = new_postgresql()
    site = site_on(store, tmp_path)

    def end_connection() -> None:
        pid = g.session.scalar(text("SELECT pg_backend_pid()"))
        with store.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    @public
    def view() -> str:
        g.session.execute(text("UPDATE people SET locale = locale"))
        if when != "before the view":
            end_connection()
        if when != "in the commit":
            g.session.execute(text("SELECT 1"))
        return "done"

    site.add_url_rule("/view", "view", view, methods=["POST"])
    visitor = Visitor(site)
    token = visitor.token()
    ending = end_connection if when == "before the view" else lambda: None
    site.before_request_funcs.setdefault(None, []).append(ending)

    answer = visitor.client.post("/view", data={"csrf_token": token})

    if when == "in the commit":
        assert_designed(answer, "ดูก่อนว่าบันทึกแล้วหรือยัง")
        assert "ยังไม่มีการบันทึก" not in answer.text
    else:
        assert_designed(answer, "ยังไม่มีการบันทึก")
    site.before_request_funcs[None].remove(ending)
    assert visitor.get("/login").status_code == 200


def test_a_mistake_in_a_statement_stays_a_crash_with_a_reference(sqlite_store: Store, tmp_path: Path) -> None:
    site = site_on(sqlite_store, tmp_path)
    site.testing = False

    @public
    def view() -> str:
        g.session.execute(text("SELECT nonsense"))
        return "done"

    site.add_url_rule("/view", "view", view)

    told = site.test_client().get("/view")

    assert (told.status_code, "เลขอ้างอิง" in told.text) == (500, True)


def test_the_address_of_a_form_opened_again_leads_to_the_page_of_the_form(
    site: Flask, staff: dict[str, Person]
) -> None:
    """Every address that is only posted to, with something for each of its places."""
    visitor = Visitor(site).come_back_as(staff["admin"])
    places = {
        "office_id": OFFICE,
        "fiscal_year": 2571,
        "key": "k",
        "username": "director",
        "day": "2026-12-05",
        "form": "csv",
        "act": "suspend",
    }
    methods: dict[str, set[str]] = {}
    for rule in site.url_map.iter_rules():
        methods.setdefault(rule.rule, set()).update(rule.methods or set())
    opened = []
    for rule in site.url_map.iter_rules():
        if "GET" in methods[rule.rule]:
            continue
        values = {name: places.get(name, 1) for name in rule.arguments}
        with site.test_request_context():
            path = url_for(rule.endpoint, **values)
        answer = visitor.get(path)
        assert answer.status_code == 302, path
        opened.append((path, answer.location))

    assert ("/people/director/lock", "/people/director") in opened
    assert ("/privacy/find", "/privacy") in opened
    assert {("/language", "/"), ("/logout", "/"), ("/work-items/1/claim", "/work-items/1")} <= set(opened)
    assert ("/cases/1/suspend", "/cases/1") in opened
    assert (f"/calendar/{OFFICE}/2571/propose", f"/calendar?fy=2571&office={OFFICE}") in opened
    assert len(opened) > 25
    assert {path for path, to in opened if to in (None, "", path)} == set()


@pytest.mark.parametrize(("who", "status"), [("", 401), ("director", 400)])
def test_what_was_typed_is_told_back_when_the_session_is_over_but_never_what_another_site_sent(
    visitor: Visitor, staff: dict[str, Person], who: str, status: int
) -> None:
    """Signed out meanwhile, or signed in anew in another window."""
    typed = {"csrf_token": "old", "reason": "เหตุผลที่พิมพ์ไว้นาน"}
    if who:
        visitor.come_back_as(staff[who])

    ours = visitor.client.post("/privacy/requests", data=typed, headers={"Sec-Fetch-Site": "same-origin"})
    theirs = visitor.client.post("/privacy/requests", data=typed, headers={"Sec-Fetch-Site": "cross-site"})
    huge = visitor.client.post("/privacy/requests", data=typed | {"x": "x" * 1_000_001})

    assert (ours.status_code, "เหตุผลที่พิมพ์ไว้นาน" in ours.text) == (status, True)
    assert (theirs.status_code, "เหตุผลที่พิมพ์ไว้นาน" in theirs.text) == (status, False)
    assert (huge.status_code, "เหตุผลที่พิมพ์ไว้นาน" in huge.text) == (status, bool(who))


def test_a_stranger_at_the_address_of_a_form_is_led_on_too(site: Flask, visitor: Visitor) -> None:
    for path in ("/language", "/logout", "/work-items/1/claim", "/privacy/find"):
        assert visitor.get(path).status_code == 302, path


@pytest.mark.parametrize("path", ["/work-items/1/nonsense", "/cases/1/nonsense", "/cases/1/suspend/more"])
def test_an_address_of_no_act_is_no_page(as_person: Callable[[str], Visitor], path: str) -> None:
    admin = as_person("admin")

    assert admin.get(path).status_code == 404
    assert admin.post(path).status_code == 404


@pytest.mark.parametrize("path", ["/static/nonsense", "/static/0/js/none.js", "/static/"])
def test_a_static_file_that_is_not_there_begins_no_session(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)

    assert answer.status_code == 404
    assert "Set-Cookie" not in answer.headers
    assert answer.text == "ไม่พบหน้านี้"


def test_a_program_that_uses_the_wrong_method_is_told_so(as_person: Callable[[str], Visitor]) -> None:
    answer = as_person("admin").get("/privacy/find", headers={"Accept": "application/json"})

    assert answer.status_code == 405


@pytest.mark.parametrize("table", ["people", "positions", "notifications"])
def test_whatever_is_locked_the_page_that_says_what_was_wrong_is_shown(
    new_postgresql: Callable[[], Store], tmp_path: Path, table: str
) -> None:
    with (whole := new_postgresql()).transaction() as session:
        make_office(session)
        boss = make_person(session, "boss", "osm_director")
    store = Store(whole.url.render_as_string(hide_password=False), limits=Limits(lock=1))
    app = create_app(Settings(env="test", secret_key="k" * 40, data_dir=tmp_path), store=store)
    client = app.test_client()
    with client.session_transaction() as cookies:
        cookies["_user_id"] = f"{boss.person_id}:0"
    with whole.engine.begin() as holder:
        holder.execute(text(f"LOCK {table} IN ACCESS EXCLUSIVE MODE"))
        answers = {
            (method, path): client.open(path, method=method, data={"a": "b"} if method == "POST" else None).status_code
            for method, path in (
                ("POST", "/account/password"),
                ("POST", "/login"),
                ("GET", "/nothing"),
                ("GET", "/"),
                ("PUT", "/"),
            )
        }
    assert set(answers.values()) <= {400, 404, 405, 503}, answers
    assert client.get("/").status_code == 200
    store.close()
