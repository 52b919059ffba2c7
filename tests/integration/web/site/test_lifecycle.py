"""One session, one person and one commit per request, whatever the view does."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from flask import Flask, Response, g, request

from osm_flow.errors import Refused
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.models import Office, OfficeHoliday, Person
from osm_flow.store.session import Store
from osm_flow.web.site.access import public
from tests.integration.web.conftest import Visitor
from tests.together import at_once


@pytest.fixture
def extra(site: Flask) -> Flask:
    """The site with routes that fail in every way."""

    @public
    def write(then: str) -> tuple[str, int]:
        seed_clusters(g.session)
        if then == "raise":
            raise Refused
        if then == "crash":
            raise ZeroDivisionError("a fault of ours")
        return "written", int(then)

    @public
    def read_and_write() -> str:
        seed_clusters(g.session)
        return "written"

    site.add_url_rule("/write/<then>", "write", write, methods=["POST"])
    site.add_url_rule("/read-and-write", "read_and_write", read_and_write, methods=["GET"])
    site.add_url_rule("/forgotten", "forgotten", lambda: "nobody thought about who may see this")
    return site


def offices_in(store: Store) -> int:
    with store.reading() as session:
        return session.query(Office).count()


@pytest.mark.parametrize(
    ("then", "status", "kept"), [("200", 200, 18), ("302", 302, 18), ("422", 422, 0), ("500", 500, 0)]
)
def test_a_post_commits_only_when_its_answer_is_good(
    extra: Flask, store: Store, then: str, status: int, kept: int
) -> None:
    answer = Visitor(extra).post(f"/write/{then}")

    assert answer.status_code == status
    assert offices_in(store) == kept


def test_an_error_rolls_back_and_is_told_in_thai(extra: Flask, store: Store) -> None:
    answer = Visitor(extra).post("/write/raise")

    assert answer.status_code == 409
    assert "ทำรายการนี้ไม่ได้" in answer.text
    assert offices_in(store) == 0


def test_a_crash_is_logged_with_the_reference_that_the_person_sees(
    extra: Flask, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    extra.config["PROPAGATE_EXCEPTIONS"] = False

    with caplog.at_level(logging.ERROR):
        answer = Visitor(extra).post("/write/crash")

    reference = caplog.records[-1].getMessage().split("reference ")[1].split(":")[0]
    assert answer.status_code == 500
    assert reference in answer.text
    assert "ZeroDivisionError" in str(caplog.records[-1].exc_info)
    assert "ZeroDivisionError" not in answer.text
    assert offices_in(store) == 0


def test_a_crash_after_the_commit_does_not_say_that_nothing_was_kept(extra: Flask, store: Store) -> None:
    extra.config["PROPAGATE_EXCEPTIONS"] = False

    @extra.after_request
    def crash(response: Response) -> Response:
        if request.path.startswith("/write"):
            raise ZeroDivisionError("a fault of ours")
        return response

    answer = Visitor(extra).post("/write/200")

    assert (answer.status_code, offices_in(store)) == (500, 18)
    assert "ยังไม่มีการบันทึก" not in answer.text
    assert "ดูก่อนว่าบันทึกแล้วหรือยัง" in answer.text


def test_a_get_cannot_write(extra: Flask, store: Store) -> None:
    extra.config["PROPAGATE_EXCEPTIONS"] = False

    assert Visitor(extra).get("/read-and-write").status_code == 500
    assert offices_in(store) == 0


def test_a_route_without_a_rule_answers_nobody(extra: Flask, as_person: Callable[[str], Visitor]) -> None:
    assert Visitor(extra).get("/forgotten").status_code == 403
    assert as_person("admin").get("/forgotten").status_code == 403


def test_a_stranger_cannot_send_much(visitor: Visitor) -> None:
    assert visitor.sign_in("x", "y" * 5_000_000).status_code == 413


def test_a_stranger_is_not_read_before_they_are_refused(visitor: Visitor) -> None:
    answer = visitor.client.post("/people/new", data={"username": "x" * 1_000_000})

    assert answer.status_code == 401
    assert "กรุณาเข้าสู่ระบบ" in answer.text


def test_the_same_sent_by_two_people_at_once_is_never_a_crash(
    as_person: Callable[[str], Visitor], store: Store
) -> None:
    holiday = {"day": "13/5/2570", "is_working": "no", "name_th": "วันหยุดพิเศษ", "name_en": "", "source": "มติ ครม."}
    person = {"username": "somsri", "display_name": "สมศรี", "password": "a long enough one"}
    statuses: list[tuple[str, int]] = []

    def send(visitor: Visitor, path: str, data: dict[str, str]) -> None:
        statuses.append((path, visitor.post(path, data).status_code))

    visitors = [as_person("admin") for _ in range(8)]
    sent = [("/calendar/holidays", holiday), ("/people/new", person)] * 4
    at_once(
        *[lambda v=v, path=path, data=data: send(v, path, data) for v, (path, data) in zip(visitors, sent, strict=True)]
    )

    assert {status for _, status in statuses} <= {302, 409, 422}, statuses
    assert 302 in {status for path, status in statuses if path == "/people/new"}
    with store.reading() as session:
        assert session.query(OfficeHoliday).count() == 1
        assert session.query(Person).filter_by(username="somsri").count() == 1
