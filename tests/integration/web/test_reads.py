"""Who reads what: long unique texts of several parties are planted everywhere, and every page is opened by everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.cases.acts import suspend_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.privacy.retention import hold_case
from osm_flow.operations.work_items.acts import claim
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import save_draft
from osm_flow.store.models import (
    Attachment,
    CalendarChange,
    Case,
    DiagramProposal,
    FiscalDate,
    Notification,
    WorkItem,
)
from osm_flow.store.session import Store
from tests.factories import NOW, files, items_of, make_case, make_office, make_person, make_project
from tests.integration.web.visits import Answer, Site, Visitor, open_site

MARK = "ZEBRA"
PROVINCE_OF = {"a": "TH-41", "b": "TH-39"}
# Each account with the parties whose texts it may meet: of its item (`agency_a`), of its province (`province_a`).
OUTSIDE = {
    "agency_a": ("agency_owner", "TH-41", {"agency_a"}),
    "agency_b": ("agency_owner", "TH-39", {"agency_b"}),
    "planner_a": ("province_planner", "TH-41", {"agency_a", "province_a", "letters"}),
    "governor_b": ("province_governor", "TH-39", {"agency_b", "province_b", "letters"}),
    "treasury_b": ("prov_treasury", "TH-39", {"agency_b", "province_b", "letters"}),
    "member": ("kbk_member", None, set()),
    "town": ("local_gov", "TH-41", set()),
    "second": ("agency_owner", "TH-41", set()),  # of the same province as agency_a, which was quicker
}
# Who is tried on PostgreSQL, too; `OSM_ALL_ACCOUNTS=1` and the long run try all of them.
SAMPLE = {"agency_a", "governor_b", "foreigner"}
OFFICE_PEOPLE = {"strategy": "osm_strategy", "director": "osm_director", "auditor": "auditor", "root": "admin"}


@dataclass
class Planted:
    """The site, the texts by party, and what there is to be opened, by the name of the part of an address."""

    site: Site
    texts: dict[str, list[str]] = field(default_factory=dict)
    things: dict[str, list[str]] = field(default_factory=dict)

    def text(self, party: str) -> str:
        """One more unique text of this party."""
        number = sum(map(len, self.texts.values()))
        made = f"{MARK} {party.replace('_', '')} {number:03} kept by nobody else but them and the office"
        self.texts.setdefault(party, []).append(made)
        return made

    def foreign_to(self, username: str) -> list[str]:
        known = OUTSIDE[username][2] if username in OUTSIDE else set()
        return [text for party, texts in self.texts.items() if party not in known for text in texts]


def asked_outside() -> dict[str, bytes]:
    """The diagram `provinces` whose task is drawn for the agencies and the strategy unit of each province."""
    drawn = files("provinces", "review", "alarming")
    drawn["provinces.bpmn"] = drawn["provinces.bpmn"].replace(
        b"${role('province_planner', province)}",
        b"${[role('agency_owner', province), role('province_planner', province)]}",
    )
    return drawn


@pytest.fixture
def planted(store: Store) -> Planted:
    planted = Planted(open_site(store))
    planted.site.arrange(lambda session: plant(session, planted))
    return planted


def plant(session: Session, planted: Planted) -> None:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy(session, asked_outside(), SYSTEM, NOW)
    people = {
        name: make_person(session, name, role, province_id=province) for name, (role, province, _) in OUTSIDE.items()
    }
    people |= {name: make_person(session, name, role) for name, role in OFFICE_PEOPLE.items()}
    make_person(session, "foreigner", "osm_director", "admin", office_id="NE-U2")
    make_person(session, "hatless")
    shared, closed = make_case(session, "provinces"), make_case(session, "review", title=planted.text("office"))
    at_items(session, planted, shared, people)
    at_cases(session, planted, (shared, closed), people)
    around(session, planted, people)
    planted.things = {
        "case_id": list(session.scalars(select(Case.id))),
        "work_item_id": list(session.scalars(select(WorkItem.id))),
        "attachment_id": [str(number) for number in session.scalars(select(Attachment.id))],
        "username": [*people],
        "key": ["provinces", "review", "plan_draft"],
        "office_id": ["NE-U1"],
    }


def at_items(session: Session, planted: Planted, shared: Case, people: dict[str, Actor]) -> None:
    """Each agency holds its item, with a draft, a comment and a file; one of them is done in a second case."""
    again = make_case(session, "provinces")
    for letter, province_id in PROVINCE_OF.items():
        party = f"agency_{letter}"
        for case in (shared, again):
            item = next(one for one in items_of(session, case) if one.province_id == province_id)
            claim(session, item.id, people[party], NOW)
            put_at(session, planted, item, people[party], party)
            put_at(session, planted, item, people["strategy"], party)
            if case is again:
                filled = Completion.of({"text": planted.text(party)})
                complete(session, item.id, people[party], NOW, filled)
            else:
                save_draft(session, item.id, people[party], NOW, {"text": planted.text(party)})


def put_at(session: Session, planted: Planted, item: WorkItem, actor: Actor, party: str) -> None:
    comment(session, item.case_id, actor, NOW, body=planted.text(party), work_item_id=item.id, key=None)
    file = GivenFile(f"{planted.text(party)}.txt", planted.text(party).encode())
    attach(session, item.case_id, actor, NOW, file, work_item_id=item.id, key=None)


def at_cases(session: Session, planted: Planted, cases: tuple[Case, ...], people: dict[str, Actor]) -> None:
    """What the office keeps in its cases; and a case about each province, with a step done in it."""
    for case in cases:
        comment(session, case.id, people["strategy"], NOW, body=planted.text("office"), key=None)
        file = GivenFile(f"{planted.text('office')}.txt", planted.text("office").encode())
        attach(session, case.id, people["strategy"], NOW, file, key=None)
    complete(session, items_of(session, cases[1])[0].id, people["strategy"], NOW, note(planted, "office"))
    hold_case(session, cases[1].id, people["root"], NOW, reason=planted.text("office"))
    suspended = make_case(session, "review", title=planted.text("office"))
    suspend_case(session, suspended.id, people["director"], NOW, reason=planted.text("office"))
    for letter, province_id in PROVINCE_OF.items():
        party = f"province_{letter}"
        own = make_case(session, "review", title=planted.text(party))
        own.province_id = province_id
        for item in items_of(session, own):
            item.province_id = province_id
        session.flush()
        complete(session, items_of(session, own)[0].id, people["strategy"], NOW, note(planted, party))
        comment(session, own.id, people["strategy"], NOW, body=planted.text(party), key=None)


def note(planted: Planted, party: str) -> Completion:
    return Completion.of({"text": planted.text(party)})


def around(session: Session, planted: Planted, people: dict[str, Actor]) -> None:
    """Projects with money, letters of dates, notices and proposals."""
    for letter, province_id in PROVINCE_OF.items():
        party = f"province_{letter}"
        money = Decimal(71_000_017 + (letter == "b") * 1_000_003)
        make_project(
            session,
            f"P-{letter}",
            name=planted.text(party),
            agency=planted.text(party),
            province=province_id,
            colour="red",
            approved=money,
        )
        planted.texts[party].append(f"{money:,.0f}")
        text = planted.text(f"agency_{letter}")
        session.add(
            Notification(person_id=people[f"agency_{letter}"].person_id, kind="x", text_th=text, text_en=text, at=NOW)
        )
    letter = planted.text("letters")
    day = date(2026, 12, 24)
    session.add(FiscalDate(office_id="NE-U1", fiscal_year=2571, key="plan_draft", date=day, letter=letter))
    session.add(
        CalendarChange(
            office_id="NE-U1",
            fiscal_year=2571,
            key="plan_draft",
            new_date=day,
            letter=planted.text("letters"),
            actor="director",
            at=NOW,
        )
    )
    session.add(
        DiagramProposal(
            office_id="NE-U1", proposed_by="director", proposed_at=NOW, note=planted.text("office"), state="PROPOSED"
        )
    )
    session.flush()


def addresses(planted: Planted) -> Iterator[str]:
    """Every address that answers a GET, for each thing that it may be about, and the lists searched."""
    adapter = planted.site.app.url_map.bind("localhost")
    for rule in planted.site.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint in {"static", "health.ready"}:
            continue
        for values in fillings(rule, planted):
            yield adapter.build(rule.endpoint, values, method="GET")
    for path in ("/cases?state=open", "/inbox?view=groups", "/inbox?view=team", "/inbox?view=mine", "/audit/search?q="):
        yield f"{path}&text={MARK}" if "audit" not in path else f"/audit/search?text={MARK}"
    yield f"/cases?text={MARK}"
    yield "/calendar?fy=2571"


def fillings(rule: Rule, planted: Planted) -> Iterator[dict[str, Any]]:
    names = sorted(rule.arguments)
    usual = {"seq": ["1"], "fiscal_year": ["2571"], "version": ["1"], "task_id": planted.things["work_item_id"][:1]}
    for values in product(*({**usual, **planted.things}.get(name, ["1"]) for name in names)):
        yield dict(zip(names, values, strict=True))


@pytest.mark.parametrize("username", [*OUTSIDE, "foreigner", "hatless"])
def test_no_page_shows_anybody_what_is_not_theirs(planted: Planted, username: str) -> None:
    if planted.site.store.dialect == "postgresql" and username not in SAMPLE and not os.environ.get("OSM_ALL_ACCOUNTS"):
        pytest.skip("the whole of it runs on SQLite")
    visitor, foreign = planted.site.visit(username), planted.foreign_to(username)
    met: set[str] = set()
    for path in addresses(planted):
        response = visitor.client.get(path)
        body = response.get_data(as_text=True)
        assert response.status_code < 500, path
        assert not [text for text in foreign if text in body], (username, path)
        met |= {text for texts in planted.texts.values() for text in texts if text in body}
    assert bool(met) == bool(OUTSIDE.get(username, ("", None, set()))[2]), "what is theirs they find"


def test_the_office_finds_everything_that_was_planted(planted: Planted) -> None:
    """A text that nobody can find would let the test above pass for nothing."""
    bodies = ""
    for username in ("director", "root", "agency_a", "agency_b"):
        visitor = planted.site.visit(username)
        bodies += "".join(visitor.client.get(path).get_data(as_text=True) for path in addresses(planted))

    missing = [text for texts in planted.texts.values() for text in texts if text not in bodies]
    assert missing == []


# ---- a person's own ------------------------------------------------------------------------------------------------


def of_agency(planted: Planted, state: str) -> WorkItem:
    def ask(session: Session) -> WorkItem:
        wanted = select(WorkItem).where(WorkItem.province_id == "TH-41", WorkItem.element == "ask")
        return session.scalars(wanted.where(WorkItem.state == state)).one()

    found: WorkItem = planted.site.read(ask)
    return found


def test_an_agency_reads_its_item_what_lies_there_and_adds_to_it(planted: Planted) -> None:
    item, agency = of_agency(planted, "CLAIMED"), planted.site.visit("agency_a")
    page = agency.get(f"/work-items/{item.id}")

    assert page.status == 200
    assert not [link for link in page.all("//main//a/@href") if link.startswith("/cases/")]
    for file in page.all('//main//a[contains(@href, "/attachments/")]/@href'):
        assert agency.get(file).status == 200
    said = agency.post(f"/work-items/{item.id}/comments", {"body": "ขอบคุณครับ"}, page=f"/work-items/{item.id}")
    assert said.status == 302
    assert "ขอบคุณครับ" in agency.get(f"/work-items/{item.id}").words
    assert agency.get(f"/work-items/{of_agency(planted, 'COMPLETED').id}").status == 200
    assert planted.site.visit("second").get(f"/work-items/{item.id}").status == 404


def test_an_agency_writes_nothing_at_the_case_nor_at_anothers_item(planted: Planted) -> None:
    item, agency = of_agency(planted, "CLAIMED"), planted.site.visit("agency_a")

    def others(session: Session) -> str:
        wanted = select(WorkItem.id).where(WorkItem.case_id == item.case_id, WorkItem.id != item.id)
        return session.scalars(wanted).one()

    other = planted.site.read(others)
    assert agency.post(f"/cases/{item.case_id}/comments", {"body": "x"}).status == 404
    assert agency.post(f"/cases/{item.case_id}/suspend", {"reason": "x"}).status == 404
    assert agency.post(f"/work-items/{other}/comments", {"body": "x"}).status == 404
    assert agency.post(f"/work-items/{other}/claim").status == 404


# ---- what one may not see and what is not there ----------------------------------------------------------------------


def plain(answer: Answer, path: str) -> str:
    """The answer without what differs between any two: tokens, and the address that was asked for."""
    text = re.sub(r'name="(csrf_token|idempotency_key)" value="[^"]+"', "", answer.text)
    return text.replace(path, "PATH")


WAYS = {
    "case_id": ("/cases/{}", "/cases/{}/picture"),
    "work_item_id": ("/work-items/{}",),
    "attachment_id": ("/attachments/{}",),
}
WRITES = (
    "/cases/{}/comments",
    "/cases/{}/suspend",
    "/work-items/{}/claim",
    "/work-items/{}/complete",
    "/work-items/{}/draft",
    "/work-items/{}/comments",
    "/work-items/{}/priority",
)


def hidden_and_absent(planted: Planted, username: str, kind: str) -> tuple[list[str], str]:
    visitor = planted.site.visit(username)
    path = WAYS[kind][0]
    hidden = [name for name in planted.things[kind] if visitor.get(path.format(name)).status != 200]
    return hidden, "999999" if kind == "attachment_id" else "0" * 36


def answers_alike(visitor: Visitor, way: str, hidden: str, absent: str, *, writes: bool = False) -> None:
    ask = visitor.post if writes else visitor.get
    one, none = ask(way.format(hidden)), ask(way.format(absent))
    assert (one.status, none.status) == (404, 404), way
    assert plain(one, way.format(hidden)) == plain(none, way.format(absent)), way


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("username", ["agency_a", "planner_a", "member", "foreigner", "hatless"])
def test_what_one_has_no_business_with_and_what_is_not_there_answer_alike(
    planted: Planted, username: str, kind: str
) -> None:
    hidden, absent = hidden_and_absent(planted, username, kind)
    visitor = planted.site.visit(username)

    assert hidden
    for name, way in product(hidden, WAYS[kind]):
        answers_alike(visitor, way, name, absent)
    for way in WRITES:
        if way.startswith({"case_id": "/cases", "work_item_id": "/work-items"}.get(kind, "-")):
            answers_alike(visitor, way, hidden[0], absent, writes=True)
