"""Taking event logs out through the page: who may, what comes, and what is said when something is missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from osm_flow.documents.event_logs import LOG_FORMS, Log, LogForm
from osm_flow.store.models import Access, Case
from tests.factories import deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site
from tests.schemas import ocel, xes


def prepare(session: Session) -> None:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review")
    make_person(session, "somsri", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_person(session, "auditor", "auditor", office_id=None)
    make_case(session)
    make_case(session, office_id="NE-U2")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def download(site: Site, username: str, **typed: str) -> TestResponse:
    """Post the form and read the file to its end, as a browser does."""
    visitor = site.visit(username)
    token = visitor.get("/mining").all('//input[@name="csrf_token"]/@value')[0]
    return visitor.client.post("/mining", data={"csrf_token": token, **typed}, buffered=True)


def test_the_form_offers_what_there_is(site: Site) -> None:
    page = site.visit("auditor").get("/mining")

    assert page.status == 200
    assert page.all("//select[@name='office']/option/@value") == ["", "NE-U1", "NE-U2"]
    assert page.all("//select[@name='process']/option/@value") == ["", "review"]


def test_a_head_downloads_the_log_of_the_office(site: Site) -> None:
    answer = download(site, "wichai", format="xes", reason="ทบทวนปี 2571")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename=osm-flow-2026-11-20.xes"
    body = answer.get_data()
    assert xes.problems_of(body) == []
    assert body.count(b"<trace>") == 1
    read = site.read(lambda session: session.scalars(select(Access).where(Access.kind == "mining.exported")).one())
    assert (read.actor, read.kind, read.reason) == ("wichai", "mining.exported", "ทบทวนปี 2571")


def test_an_auditor_downloads_the_log_of_every_office(site: Site) -> None:
    log = json.loads(download(site, "auditor", format="json", reason="ตรวจสอบ").get_data())

    assert ocel.problems_of(log) == []
    assert len([one for one in log["objects"] if one["type"] == "case"]) == 2


def test_the_sqlite_form_is_a_database(site: Site) -> None:
    answer = download(site, "auditor", format="sqlite", reason="ตรวจสอบ")

    assert answer.get_data().startswith(b"SQLite format 3\0")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"reason": "ตรวจ", "first": "สามสิบกุมภา"}, "first"),
        ({"reason": "ตรวจ", "first": "20/11/2569", "last": "19/11/2569"}, "last"),
    ],
)
def test_what_is_missing_is_said_at_its_field_and_the_rest_stays(site: Site, typed: dict[str, str], field: str) -> None:
    page = site.visit("auditor").post("/mining", {**typed, "format": "json"})

    assert page.status == 422
    assert page.all(f"//input[@name='{field}'][@aria-invalid='true']")
    assert page.all("//select[@name='format']/option[@selected]/@value") == ["json"]


def test_others_may_not(site: Site) -> None:
    assert site.visit("somsri").get("/mining").status == 403
    assert site.visit("somsri").post("/mining", {"reason": "อยากรู้"}).status == 403


def test_a_foreign_office_does_not_exist(site: Site) -> None:
    assert site.visit("wichai").post("/mining", {"reason": "ตรวจ", "office": "NE-U2"}).status == 404
    assert site.visit("wichai").post("/mining", {"reason": "ตรวจ", "office": "XX"}).status == 404


def test_a_form_added_to_the_table_is_offered_and_downloaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_lines(path: Path, about: Mapping[str, str], log: Log) -> tuple[int, int]:
        names = [case.name for case, _ in log.traces()]
        path.write_text("\n".join(names), encoding="utf-8")
        return len(names), 0

    monkeypatch.setitem(LOG_FORMS, "lines", LogForm("รายเลขเรื่อง", "lines", "lines", "cases", "txt", write_lines))

    offered = site.visit("auditor").get("/mining").all("//select[@name='format']/option")
    answer = download(site, "auditor", format="lines", reason="ตรวจสอบ")

    assert [(one.get("value"), one.text_content().strip()) for one in offered][-1] == ("lines", "รายเลขเรื่อง")
    assert answer.headers["Content-Disposition"] == "attachment; filename=osm-flow-2026-11-20.txt"
    assert sorted(answer.get_data(as_text=True).splitlines()) == site.read(
        lambda session: sorted(session.scalars(select(Case.business_key)))
    )
