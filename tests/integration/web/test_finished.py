"""What has ended or is finished takes comments alone, whatever is sent to it and however: every form that a page could have."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.states import WorkItemStatus
from osm_flow.operations.cases.acts import cancel_case
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Attachment, Case, Draft, JournalRecord, WorkItem
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site

pytestmark = pytest.mark.sampled

SENT: dict[str, str] = {
    "reason": "ขอแก้",
    "to_username": "malee",
    "due": "1/12/2569",
    "due_date": "1/12/2569",
    "follow_up": "1/12/2569",
    "priority": "90",
    "text": "ใหม่",
    "party_answerer": "นายสุริยา ใจดี",
    "party_channel": "letter",
    "party_number": "ที่ 1",
    "party_date": "1/11/2569",
}
WHO = ("anan", "malee", "boss", "head", "root", "governor")


def prepare(session: Session) -> None:
    """A finished work item of a case that runs, one of a case that was cancelled, and one that went with it."""
    make_office(session)
    deploy_tests(session, "review")
    roles = {"boss": "osm_director", "head": "osm_strategy_head", "root": "admin", "governor": "cluster_head"}
    anan, _ = (make_person(session, name, "osm_strategy") for name in ("anan", "malee"))
    people = {name: make_person(session, name, role) for name, role in roles.items()}
    for title in ("เดินอยู่", "จบแล้ว"):
        case = make_case(session, title=title)
        complete(session, items_of(session, case)[0].id, anan, later(1), Completion.of({"text": "ร่าง"}))
    cancel_case(session, case.id, people["boss"], later(2), reason="เลิก", key=None)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def forms_sent_to(site: Site, part: str) -> list[str]:
    """The address of every form that goes to a case or a work item."""
    return [
        rule.rule
        for rule in site.app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.startswith(part) and not rule.rule.endswith("/comments")
    ]


def everything_in(site: Site) -> dict[str, Any]:
    def ask(session: Session) -> dict[str, Any]:
        items = select(WorkItem.id, WorkItem.state, WorkItem.assignee_id, WorkItem.due_at, WorkItem.priority)
        counts = (select(func.count()).select_from(model) for model in (Attachment, Draft, JournalRecord))
        return {
            "items": sorted(map(tuple, session.execute(items).all())),
            "cases": sorted(map(tuple, session.execute(select(Case.id, Case.state, Case.seq)).all())),
            "counts": [session.scalar(count) for count in counts],
        }

    found: dict[str, Any] = site.read(ask)
    return found


def closed_items(session: Session) -> list[str]:
    over = (WorkItemStatus.COMPLETED, WorkItemStatus.CANCELLED)
    return list(session.scalars(select(WorkItem.id).where(WorkItem.state.in_(over)).order_by(WorkItem.id)))


@pytest.mark.parametrize("username", WHO)
def test_no_form_changes_anything_of_what_is_over(site: Site, username: str) -> None:
    visitor, before = site.visit(username), everything_in(site)
    ended = site.read(lambda session: session.scalars(select(Case.id).where(Case.state == "CANCELLED")).one())
    asked = [
        path.replace("<work_item_id>", item_id)
        for path in forms_sent_to(site, "/work-items/<work_item_id>/")
        for item_id in site.read(closed_items)
    ]
    acts = ("cancel", "suspend", "resume", "attachments")
    asked += [f"/cases/{ended}/{act}" for act in acts]
    assert len(asked) > 30
    for path in asked:
        answer = visitor.post(path, SENT | {"file": (BytesIO(b"x"), "a.txt")})
        assert answer.status in (403, 409), (path, answer.status)
        assert everything_in(site) == before, path


@pytest.mark.parametrize("where", ["item", "case"])
def test_a_file_is_refused_with_the_sentence_and_a_comment_is_not(site: Site, where: str) -> None:
    visitor = site.visit("anan")
    ended = site.read(lambda session: session.scalars(select(Case.id).where(Case.state == "CANCELLED")).one())
    paths = [f"/cases/{ended}"] if where == "case" else [f"/work-items/{one}" for one in site.read(closed_items)]
    for path in paths:
        answer = visitor.post(f"{path}/attachments", {"file": (BytesIO(b"x"), "a.txt")})
        assert answer.status == 409
        assert "เรื่องหรืองานที่จบแล้วรับได้เฉพาะความเห็น" in answer.words
        assert visitor.post(f"{path}/comments", {"body": "รับทราบ"}).status == 302
    english = site.visit("anan", "en").post(f"{paths[0]}/attachments", {"file": (BytesIO(b"x"), "a.txt")})
    assert "What has ended or is finished takes comments alone." in english.words
