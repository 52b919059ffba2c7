"""Sensitive cases close: texts are planted everywhere in one, and every page is opened by every kind of account."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.roles import SIGN_IN_ROLES
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.cases.incidents import open_in
from osm_flow.operations.people.notify_people import notify
from osm_flow.operations.privacy import erasure_requests, retention, sensitivity
from osm_flow.operations.work_items.acts import claim
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import save_draft
from osm_flow.store.models import (
    Access,
    Attachment,
    Case,
    ErasureRequest,
    Incident,
    JournalRecord,
    LegalHold,
    OutgoingLetter,
    Person,
    SensitiveOpening,
    UnmarkProposal,
    WorkItem,
)
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.visits import Site, Visitor, open_site

MARK = "QUAGGA"
# One account of each role in the office, for one province; and others.
KINDS = [*SIGN_IN_ROLES, "admin_of_all", "auditor_of_all", "foreigner", "hatless"]
# To whom the planted case is open: by what they hold, did, started, or because they are named.
CIRCLE = {"osm_strategy", "osm_director", "starter", "named", "doer"}
CLOSED = [name for name in KINDS if name not in CIRCLE]
# What an account of these sees of it: its number, where their duty is.
BY_NUMBER = {
    "admin": ("/incidents", "/privacy/holds", "/privacy/requests/"),
    "admin_of_all": ("/incidents", "/privacy/holds", "/privacy/requests/"),
    "auditor": ("/audit/sensitive", "/audit/accesses"),
    "auditor_of_all": ("/audit/sensitive", "/audit/accesses"),
}
# Those who are let in by different rules, from whom most faults show; `OSM_ALL_ACCOUNTS=1` and the long run try all of them.
_DIFFERENT = {"cluster_head", "province_planner", "foreigner", "admin", "auditor"}
TRIED = [name for name in CLOSED if name in _DIFFERENT or os.environ.get("OSM_ALL_ACCOUNTS")]
# The signed log counts the records of every case: it could not prove anything otherwise.
OF_THE_WHOLE = ("/audit/log",)


@dataclass
class Planted:
    """The site, the texts of the sensitive case, and what there is to be opened by the name of the part of an address."""

    site: Site
    people: dict[str, Actor] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    things: dict[str, list[str]] = field(default_factory=dict)
    hidden: dict[str, list[str]] = field(default_factory=dict)

    def text(self) -> str:
        self.texts.append(f"{MARK}{len(self.texts):03}")
        return self.texts[-1]

    def arrange(self) -> None:
        """The office with ordinary cases, which everybody's pages show."""
        self.site.arrange(self._office)
        self._know()

    def add_sensitive(self) -> None:
        self.site.arrange(self._sensitive)
        deliver_pending(self.site.store, NOW + timedelta(minutes=1), *self.hidden["case_id"])
        self.site.arrange(self._child)
        known = {name: set(values) for name, values in self.things.items()}
        self._know()
        self.hidden = {name: [one for one in values if one not in known[name]] for name, values in self.things.items()}
        # Of what everybody sees one of each is enough.
        self.things = {name: [*sorted(known[name])[:1], *self.hidden[name]] for name in self.things}

    def _office(self, session: Session) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, "review", "caller", "callee", "timed")
        for role in SIGN_IN_ROLES:
            province = "TH-41" if role.startswith(("prov", "agency", "local")) else None
            self.people[role] = make_person(session, role, role, province_id=province)
        for name, role in {"starter": "osm_me", "named": "osm_data", "doer": "osm_secretariat"}.items():
            self.people[name] = make_person(session, name, role)
        self.people["admin_of_all"] = make_person(session, "admin_of_all", "admin", office_id=None)
        self.people["auditor_of_all"] = make_person(session, "auditor_of_all", "auditor", office_id=None)
        self.people["foreigner"] = make_person(session, "foreigner", "osm_director", "admin", office_id="NE-U2")
        make_person(session, "hatless")
        make_case(session, "review", title="เรื่องทั่วไป")
        make_case(session, "caller", title="เรื่องที่มีเรื่องย่อย")

    def _sensitive(self, session: Session) -> None:
        people = self.people
        case = make_case(session, "review", people["starter"], title=self.text())
        case.province_id = "TH-41"
        item = items_of(session, case)[0]
        item.province_id, item.subject, item.assignee_id, item.state = "TH-41", self.text(), None, "READY"
        item.due_at = NOW - timedelta(days=3)
        session.flush()
        self._fill(session, case, item)
        open_ = make_case(session, "review", title=self.text())
        held = items_of(session, open_)[0]
        claim(session, held.id, people["osm_strategy"], NOW)
        save_draft(session, held.id, people["osm_strategy"], NOW, {"text": self.text()})
        make_case(session, "timed", title=self.text())
        parent = session.scalars(select(Case).where(Case.title == "เรื่องที่มีเรื่องย่อย")).one()
        for one in session.scalars(select(Case).where(Case.title.startswith(MARK))).all():
            sensitivity.mark(session, one.id, people["osm_director"], later(5), reason=self.text())
            sensitivity.name_reader(session, one.id, people["osm_director"], later(6), username="named")
            self.numbers.append(one.business_key)
        hold = retention.hold_case(session, case.id, people["admin"], later(7), reason="คดี")
        session.refresh(hold)
        sensitivity.propose_unmark(session, open_.id, people["osm_director"], later(7), reason=self.text())
        records = [
            (case.id, seq)
            for seq in session.scalars(select(JournalRecord.seq).where(JournalRecord.case_id == open_.id).limit(1))
        ]
        ordinary = session.scalars(select(Case).where(Case.title == "เรื่องทั่วไป")).one()
        named = [(open_.id, records[0][1]), (ordinary.id, 1)]
        for asked in (named[:1], named):
            words, reason = self.text(), self.text()
            erasure_requests.ask(session, people["osm_director"], later(8), words=words, records=asked, reason=reason)
        self.hidden["case_id"] = [parent.id]

    def _fill(self, session: Session, case: Case, item: WorkItem) -> None:
        people = self.people
        comment(session, case.id, people["osm_strategy"], NOW, body=self.text(), work_item_id=item.id, key=None)
        comment(session, case.id, people["osm_director"], NOW, body=self.text(), key=None)
        for at in (item.id, None):
            file = GivenFile(f"{self.text()}.txt", self.text().encode())
            attach(session, case.id, people["osm_strategy"], NOW, file, work_item_id=at, key=None)
        complete(session, item.id, people["osm_strategy"], later(1), Completion.of({"text": self.text()}))
        # The doer did it before they were given another post: what they did they may see.
        item.completed_by_id = people["doer"].person_id
        open_in(session, case.id, later(2), kind="service", message=self.text(), element="draft")
        everybody = ",".join(f"user:{name}" for name in people)
        notify(session, case, everybody, later(3), kind="x", text_th=self.text(), text_en=self.texts[-1])
        common = {"case_id": case.id, "office_id": "NE-U1"}
        assert {OutgoingLetter.__tablename__, *common}

    def _child(self, session: Session) -> None:
        """The child of an ordinary case is marked: it is closed, and its parent's pages do not tell of it."""
        child = session.scalars(select(Case).where(Case.parent_case_id == self.hidden["case_id"][0])).one()
        child.title = self.text()
        session.flush()
        comment(session, child.id, self.people["osm_strategy"], later(4), body=self.text(), key=None)
        sensitivity.mark(session, child.id, self.people["osm_director"], later(9), reason=self.text())
        sensitivity.name_reader(session, child.id, self.people["osm_director"], later(9), username="named")
        self.numbers.append(child.business_key)

    def _know(self) -> None:
        def ask(session: Session) -> dict[str, list[str]]:
            def of(column: Any) -> list[str]:
                return [str(value) for value in session.scalars(select(column).order_by(column))]

            return {
                "case_id": of(Case.id),
                "work_item_id": of(WorkItem.id),
                "attachment_id": of(Attachment.id),
                "incident_id": of(Incident.id),
                "request_id": of(ErasureRequest.id),
                "hold_id": of(LegalHold.id),
                "proposal_id": of(UnmarkProposal.id) or ["1"],
                "person_id": of(Person.id)[:3],
                "username": ["osm_strategy", "starter"],
            }

        self.things = self.site.read(ask)


@pytest.fixture
def planted(sqlite_store: Store) -> Planted:
    made = Planted(open_site(sqlite_store))
    made.arrange()
    return made


@pytest.fixture
def closed(planted: Planted) -> Planted:
    planted.add_sensitive()
    return planted


def addresses(planted: Planted) -> Iterator[str]:
    """Every address that answers a GET, for each thing that it may be about, and the lists searched."""
    adapter = planted.site.app.url_map.bind("localhost")
    usual = {
        "seq": ["1"],
        "fiscal_year": ["2571"],
        "version": ["1"],
        "task_id": planted.things["work_item_id"][:1],
        "key": ["review"],
        "office_id": ["NE-U1"],
    }
    for rule in planted.site.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in {"static", "health.ready", "incidents.ready"}:
            continue
        names = sorted(rule.arguments)
        for values in product(*({**usual, **planted.things}.get(name, ["1"]) for name in names)):
            yield adapter.build(rule.endpoint, dict(zip(names, values, strict=True)), method="GET")
    yield from lists()


def lists() -> Iterator[str]:
    for path in ("/cases?state=open", "/cases?state=", "/inbox?view=groups", "/inbox?view=team", "/inbox?view=mine"):
        yield f"{path}&text={MARK}"
        yield path
    yield from (f"/cases?text={MARK}", f"/audit/search?text={MARK}", "/calendar?fy=2571", "/cases?process=review")
    yield f"/audit?case={MARK}"
    yield from (f"/audit/search?q={question}" for question in ("overdue", "skipped"))


def plain(visitor: Visitor, path: str) -> tuple[int, str]:
    response = visitor.client.get(path)
    body = response.get_data(as_text=True)
    return response.status_code, re.sub(r'name="(csrf_token|idempotency_key)" value="[^"]+"', "", body)


# ---- for whom it is not ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", TRIED)
def test_no_page_tells_of_it_whom_it_is_closed_to(closed: Planted, username: str) -> None:
    visitor = closed.site.visit(username)
    for path in addresses(closed):
        status, body = plain(visitor, path)
        assert status < 500, path
        assert not [text for text in closed.texts if text in body], (username, path)
        if any(number in body for number in closed.numbers):
            assert path.startswith(BY_NUMBER.get(username, ())), (username, path)


# In the long run some more who are let in by the same rules as one of these.
_MORE = (
    ["osm_me_head", "osm_data", "agency_owner", "admin_of_all", "osm_admin_head", "province_planner"]
    if os.environ.get("OSM_ALL_ACCOUNTS")
    else []
)


@pytest.mark.parametrize("username", ["cluster_head", "foreigner", "admin", "auditor", *_MORE])
def test_no_page_of_theirs_differs_by_its_being_there(planted: Planted, username: str) -> None:
    visitor = planted.site.visit(username)
    may_differ = BY_NUMBER.get(username, ()) + OF_THE_WHOLE
    # The first page tells an administrator how many incidents wait for them, those of closed cases too; the pages
    # of reads and of security events what the visitor opened and was refused meanwhile.
    duty = {"/audit/security", "/audit/accesses"}
    duty |= {"/", "/privacy"} if username.startswith(("admin", "auditor")) else set()
    paths = [path for path in addresses(planted) if not path.startswith(may_differ) and path not in duty]
    before = {path: plain(visitor, path) for path in paths}
    planted.add_sensitive()
    for path in paths:
        assert plain(visitor, path) == before[path], path


WAYS = {
    "case_id": ("/cases/{}", "/cases/{}/picture", "/audit/cases/{}", "/audit/cases/{}/chain", "/audit/cases/{}/bundle"),
    "work_item_id": ("/work-items/{}",),
    "attachment_id": ("/attachments/{}",),
}
WRITES = {
    "case_id": ("/cases/{}/comments", "/cases/{}/suspend", "/privacy/cases/{}/sensitive", "/privacy/cases/{}/readers"),
    "work_item_id": (
        "/work-items/{}/claim",
        "/work-items/{}/complete",
        "/work-items/{}/comments",
        "/work-items/{}/due",
    ),
}


@pytest.mark.parametrize(
    "username", ["admin", "admin_of_all", "osm_admin_head", "cluster_head", "osm_data", "foreigner"]
)
def test_it_and_what_is_not_there_answer_alike(closed: Planted, username: str) -> None:
    visitor = closed.site.visit(username)
    for kind, ways in WAYS.items():
        absent = "999999" if kind == "attachment_id" else "0" * 36
        for way, name in product(ways, closed.hidden[kind]):
            one, none = plain(visitor, way.format(name)), plain(visitor, way.format(absent))
            assert one[0] in (403, 404), way
            paths = way.format(name), way.format(absent)
            assert (one[0], one[1].replace(paths[0], "-")) == (none[0], none[1].replace(paths[1], "-")), way
    for kind, ways in WRITES.items():
        for way, name in product(ways, closed.hidden[kind]):
            sent = {"body": "x", "reason": "x", "username": "named", "due_date": "1/12/2569"}
            one, none = (visitor.post(way.format(id_), sent) for id_ in (name, "0" * 36))
            assert one.status == none.status, way
            assert one.status in (403, 404), way


# ---- for whom it is ----------------------------------------------------------------------------------------------


def test_who_is_in_the_circle_finds_every_text(closed: Planted) -> None:
    """A text that nobody can find would let the tests above pass for nothing."""
    bodies = ""
    for username in ("osm_director", "named", "osm_strategy"):
        visitor = closed.site.visit(username)
        bodies += "".join(plain(visitor, path)[1] for path in addresses(closed))
    auditor = closed.site.visit("auditor")
    for case_id in closed.hidden["case_id"]:
        assert auditor.post(f"/audit/sensitive/{case_id}", {"reason": "แผนตรวจสอบ"}).status == 302
    bodies += "".join(plain(auditor, path)[1] for path in addresses(closed))

    assert [text for text in closed.texts if text not in bodies] == []


def lines(planted: Planted) -> list[Access]:
    found: list[Access] = planted.site.read(lambda session: session.scalars(select(Access).order_by(Access.id)).all())
    return found


@pytest.mark.parametrize("username", ["osm_director", "osm_strategy", "named", "starter", "doer"])
def test_every_page_that_shows_it_leaves_its_line(closed: Planted, username: str) -> None:
    """For each text a page shows, a line of its case by this person is there, written for this page."""
    visitor, shown = closed.site.visit(username), 0
    by_text = cases_by_text(closed)
    for number, path in enumerate(addresses(closed)):
        closed.site.now = NOW + timedelta(hours=number + 1)  # never the same look as before
        before = len(lines(closed))
        _, body = plain(visitor, path)
        told = {case_id for text, case_id in by_text.items() if text in body}
        new = [line for line in lines(closed)[before:] if line.case_id is not None]
        written = {line.case_id for line in new if line.actor == username}
        assert told <= written, path
        assert written <= named(closed, body, path) | told, path
        shown += bool(told)
    assert shown


def cases_by_text(planted: Planted) -> dict[str, str]:
    """To which case each planted text belongs, by its title and its payloads; others are of the first one."""

    def ask(session: Session) -> dict[str, str]:
        return {case.title: case.id for case in session.scalars(select(Case).where(Case.title.startswith(MARK)))}

    found: dict[str, str] = planted.site.read(ask)
    return found


def named(planted: Planted, body: str, path: str) -> set[str | None]:
    """The sensitive cases that a page names by their number or leads to, or that its address is of."""

    def ask(session: Session) -> set[str | None]:
        found: set[str | None] = set()
        for case in session.scalars(select(Case).where(Case.is_sensitive)):
            items = session.scalars(select(WorkItem.id).where(WorkItem.case_id == case.id)).all()
            files = session.scalars(select(Attachment.id).where(Attachment.case_id == case.id)).all()
            names = [case.id, case.business_key, *items]
            if any(name in body or name in path for name in names) or path in {f"/attachments/{one}" for one in files}:
                found.add(case.id)
        return found

    met: set[str | None] = planted.site.read(ask)
    return met


def test_a_refused_form_leaves_its_line_too(closed: Planted) -> None:
    item_id = closed.site.read(
        lambda session: session.scalars(
            select(WorkItem.id).join(Case).where(Case.is_sensitive, WorkItem.state == "CLAIMED")
        ).one()
    )
    visitor = closed.site.visit("osm_strategy")
    answer = visitor.post(f"/work-items/{item_id}/complete", {"text": ""})
    assert answer.status == 422
    assert MARK in answer.text
    assert [(line.kind, line.actor) for line in lines(closed)][-1] == ("case.opened", "osm_strategy")


def sent_file(visitor: Visitor, path: str, sent: dict[str, str]) -> bytes:
    token = visitor.get("/account").all('//input[@name="csrf_token"]/@value')[0]
    with visitor.client.post(path, data={"csrf_token": token, **sent}, buffered=True) as response:
        assert response.status_code in (200, 403), path
        return response.get_data()


def test_what_is_found_and_taken_out_leaves_lines_of_each_case(closed: Planted) -> None:
    visitor = closed.site.visit("osm_director")
    answer = visitor.post("/privacy/find", {"text": MARK})
    assert MARK in answer.text
    assert "case.listed" in {line.kind for line in lines(closed)}
    body = sent_file(visitor, "/mining", {"format": "json", "reason": "รายงาน", "names": "yes"})
    assert all(number.encode() in body for number in closed.numbers)
    taken = {line.case_id for line in lines(closed) if line.kind == "mining.exported"}
    assert set(closed.hidden["case_id"]) <= taken


def test_what_is_taken_out_by_others_leaves_it_out(closed: Planted) -> None:
    numbers = [number.encode() for number in closed.numbers]
    for username in ("cluster_head", "osm_me_head", "admin", "auditor"):
        visitor = closed.site.visit(username)
        for format_ in ("xes", "json", "sqlite"):
            sent = {"format": format_, "reason": "รายงาน", "names": "yes"}
            body = sent_file(visitor, "/mining", sent)
            assert MARK.encode() not in body
            assert not [number for number in numbers if number in body], (username, format_)
    auditor = closed.site.visit("auditor")
    body = sent_file(auditor, "/audit/search/export/csv", {"reason": "รายงาน"})
    assert MARK.encode() not in body
    assert not [number for number in numbers if number in body]
    found = closed.site.visit("admin").post("/privacy/find", {"text": MARK})
    assert found.text.count(MARK) <= 2  # what they typed themselves


# ---- requests to erase ----------------------------------------------------------------------------------------------


def requests_in(planted: Planted) -> list[int]:
    found: list[int] = planted.site.read(lambda session: session.scalars(select(ErasureRequest.id)).all())
    return found


def test_who_is_outside_neither_finds_nor_decides_a_request_with_it(closed: Planted) -> None:
    head = closed.site.visit("osm_admin_head")
    assert "/privacy/requests/" not in head.get("/privacy").text
    for number in (*requests_in(closed), 999_999):
        answers = [head.get(f"/privacy/requests/{number}")]
        answers += [head.post(f"/privacy/requests/{number}/{act}") for act in ("approve", "refuse")]
        assert {answer.status for answer in answers} == {404}
        assert len({answer.words for answer in answers}) == 1
    states = closed.site.read(lambda session: set(session.scalars(select(ErasureRequest.state))))
    assert states == {"ASKED"}


@pytest.mark.parametrize("username", ["admin", "admin_of_all"])
def test_administrators_decide_such_a_request_by_numbers_alone(closed: Planted, username: str) -> None:
    admin = closed.site.visit(username)
    for number, cases in zip(requests_in(closed), (1, 2), strict=True):
        page = admin.get(f"/privacy/requests/{number}")
        assert page.words.count("เลขที่") == cases
        assert any(number in page.words for number in closed.numbers)
        assert MARK not in page.text
        assert "เหตุผล" not in page.words
        decided = admin.submit(page, "/refuse")
        assert decided.status == 302
        assert "ไม่อนุมัติ" in admin.follow(decided).words


def test_who_is_named_sees_the_words_of_a_request(closed: Planted) -> None:
    head, director = closed.site.visit("osm_admin_head"), closed.site.visit("osm_director")
    for case_id in closed.hidden["case_id"]:
        assert director.post(f"/privacy/cases/{case_id}/readers", {"username": "osm_admin_head"}).status == 302
    for number in requests_in(closed):
        assert head.get(f"/privacy/requests/{number}").text.count(MARK) >= 2
        assert head.post(f"/privacy/requests/{number}/approve").status == 302


# ---- auditors say why --------------------------------------------------------------------------------------------


def test_an_auditor_says_why_first_and_then_opens_it_for_some_hours(closed: Planted) -> None:
    auditor, case_id = closed.site.visit("auditor"), closed.hidden["case_id"][0]
    for path in (f"/cases/{case_id}", f"/audit/cases/{case_id}"):
        answer = auditor.get(path)
        assert (answer.status, answer.location) == (302, f"/audit/sensitive/{case_id}")
    page = auditor.follow(answer)
    assert "ระบุเหตุผลที่เปิดดู" in page.words
    assert MARK not in page.text
    assert {line.kind for line in lines(closed)} == {"audit.searched"}  # that page, and the way from it

    empty = auditor.submit(page, "/audit/sensitive/", reason=" ")
    assert empty.status == 422
    said = auditor.submit(page, "/audit/sensitive/", reason="แผนตรวจสอบ 1/2570")
    assert said.location == f"/audit/cases/{case_id}"
    assert auditor.follow(said).status == 200
    explained = [line for line in lines(closed) if line.kind == "case.explained"]
    assert [(line.case_id, line.reason, line.actor) for line in explained] == [
        (case_id, "แผนตรวจสอบ 1/2570", "auditor")
    ]

    other = closed.hidden["case_id"][1]
    assert auditor.get(f"/cases/{other}").status == 302  # each case has its own reason
    closed.site.now += timedelta(hours=13)
    assert auditor.get(f"/cases/{case_id}").status == 302
    openings = closed.site.read(lambda session: session.scalars(select(SensitiveOpening)).all())
    assert len(openings) == 1


@pytest.mark.parametrize("username", ["admin", "osm_admin_head", "osm_director", "hatless"])
def test_nobody_else_is_asked_why(closed: Planted, username: str) -> None:
    visitor, case_id = closed.site.visit(username), closed.hidden["case_id"][0]
    for name in (case_id, "0" * 36):
        assert visitor.get(f"/audit/sensitive/{name}").status == 403
        assert visitor.post(f"/audit/sensitive/{name}", {"reason": "x"}).status == 403
    assert "case.explained" not in {line.kind for line in lines(closed)}
    assert SYSTEM.is_system


def test_an_auditors_way_in_tells_administrators_nothing(closed: Planted) -> None:
    """Neither the page on which they say why, with what they wanted to see, nor what they or others searched for."""
    auditor, director = closed.site.visit("auditor"), closed.site.visit("osm_director")
    for case_id in closed.hidden["case_id"]:
        auditor.follow(auditor.get(f"/cases/{case_id}"))
        assert auditor.post(f"/audit/sensitive/{case_id}", {"reason": f"{MARK} why"}).status == 302
        auditor.get(f"/cases/{case_id}")
    assert director.post("/privacy/find", {"text": MARK}).status == 200
    auditor.get(f"/audit/search?text={MARK}")
    for username in ("admin", "admin_of_all"):
        visitor = closed.site.visit(username)
        for kind in ("", "audit.searched", "audit.opened", "privacy.searched", "case.explained"):
            page = visitor.get(f"/audit/accesses?kind={kind}")
            assert not [one for one in closed.hidden["case_id"] if one in page.text], (username, kind)
            assert MARK not in page.text, (username, kind)
            assert not [number for number in closed.numbers if number in page.text]
    own = auditor.get("/audit/accesses").text
    assert f"{MARK} why" in own
    other = closed.site.visit("auditor_of_all").get("/audit/accesses?kind=case.explained")
    assert f"{MARK} why" not in other.text
    assert "คุณauditor" in other.text
    assert any(number in other.text for number in closed.numbers)


# ---- taking the mark off -----------------------------------------------------------------------------------------


def test_the_page_takes_the_mark_off_by_two(closed: Planted) -> None:
    director, head = closed.site.visit("osm_director"), closed.site.visit("osm_admin_head")
    case_id = closed.site.read(lambda session: session.scalars(select(UnmarkProposal.case_id)).one())
    page = director.get(f"/cases/{case_id}")
    assert not page.all('//form[contains(@action, "/confirm")]')
    assert head.get(f"/cases/{case_id}").status == 404
    assert director.post(f"/privacy/cases/{case_id}/readers", {"username": "osm_admin_head"}).status == 302
    confirmed = head.submit(head.get(f"/cases/{case_id}"), "/confirm")
    assert confirmed.status == 302
    assert not closed.site.read(lambda session: session.get_one(Case, case_id).is_sensitive)
    assert closed.site.visit("osm_data").get(f"/cases/{case_id}").status == 200
