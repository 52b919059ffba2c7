"""Every form of the site, sent twice: once for a double click, once for whoever sends again when the act is long over."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.operations.cases import acts as cases
from osm_flow.operations.cases import queries as case_queries
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items.acts import release
from osm_flow.store.models import (
    AdminRecord,
    Attachment,
    Case,
    ErasureRequest,
    IdempotencyKey,
    JournalRecord,
    Person,
    WaitingMessage,
    WorkItem,
)
from osm_flow.web.forms.sending import is_done_each_time
from tests.factories import NOW, SAID, deploy_tests, later, make_case, make_office, make_person, make_project
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Answer, Site, Visitor
from tests.together import at_once

TEMPLATES = Path(__file__).parents[4] / "templates"
# They read, their last sending counts, or each of their parts has a key of its own.
EACH_TIME = {
    "account.language",
    "account.log_in",
    "account.logout",
    "account.notices_read",
    "administration.export_events",
    "projects.export",
    "audit_search.export",
    "bundles.chain_download",
    "bundles.download",
    "imports.answer",
    "imports.choose",
    "imports.confirm",
    "inbox.bulk",
    "mining.download",
    "privacy.find",
    "work_items.save_draft",
}


def prepare(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review", "asking")
    starter = make_person(session, "somsri", "osm_strategy", "osm_director", "admin")
    make_person(session, "malee", "osm_strategy")
    make_case(session, actor=starter, title="แผนปี 2571")
    make_case(session, "asking", starter, title="ขอข้อมูล")
    make_project(session, "P1")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def one(site: Site, query: Any) -> Any:
    return site.read(lambda session: session.scalars(query).one())


def case_id(site: Site, title: str = "แผนปี 2571") -> str:
    return str(one(site, select(Case.id).where(Case.title == title)))


def item_path(site: Site) -> str:
    return "/work-items/" + str(one(site, select(WorkItem.id).where(WorkItem.element == "draft")))


def on_record(site: Site) -> tuple[int, ...]:
    """How much is on record, of everything that grows."""
    models = (JournalRecord, AdminRecord, Case, Attachment, Person, ErasureRequest)
    return site.read(lambda session: tuple(session.scalar(select(func.count()).select_from(model)) for model in models))


def finish_everything(site: Site) -> None:
    """What somebody else did meanwhile: every case that still runs is cancelled, so that nothing of it is possible."""

    def end(session: Session) -> None:
        somsri = actor_named(session, "somsri", NOW.date())
        for case in session.scalars(select(Case).where(Case.state == "ACTIVE")):
            cases.cancel_case(session, case.id, somsri, later(5), reason="เลิกทำ")

    site.arrange(end)


def sent_twice(site: Site, visitor: Visitor, path: str, between: Callable[[Site], None], **values: Any) -> list[Answer]:
    def send() -> Answer:
        made = {name: value() if callable(value) else value for name, value in values.items()}
        return visitor.post(path, {"idempotency_key": "key-1", **made})

    first = send()
    assert first.status == 302, first.text
    between(site)
    before = on_record(site)
    second = send()
    assert on_record(site) == before, "the second sending was done, too"
    return [first, second]


OF_WORK_ITEMS: dict[str, dict[str, Any]] = {
    "claim": {},
    "release": {},
    "delegate": {"to_username": "malee", "reason": "ลา"},
    "reassign": {"to_username": "malee", "reason": "ลา"},
    "due": {"due_date": "30/11/2569", "reason": "เลื่อน"},
    "follow-up": {"follow_up_date": "25/11/2569"},
    "priority": {"priority": "80"},
    "comments": {"body": "ช่วยดูข้อ 3"},
    "attachments": {"file": lambda: (io.BytesIO("บันทึก".encode()), "บันทึก.txt")},
    "complete": {"text": "เสร็จแล้ว"},
}


@pytest.mark.parametrize("between", [lambda _: None, finish_everything], ids=["at once", "when it is over"])
@pytest.mark.parametrize("act", OF_WORK_ITEMS)
def test_an_act_on_a_work_item_sent_twice_has_one_answer(site: Site, act: str, between: Callable[[Site], None]) -> None:
    somsri, path = site.visit("somsri"), item_path(site)
    if act not in {"claim", "comments", "attachments", "reassign"}:
        assert somsri.post(f"{path}/claim").status == 302

    first, second = sent_twice(site, somsri, f"{path}/{act}", between, **OF_WORK_ITEMS[act])

    assert (second.status, second.location) == (302, first.location)
    assert "บันทึกไว้ครั้งเดียว" in somsri.get("/account").text


OF_CASES: dict[str, dict[str, Any]] = {
    "suspend": {"reason": "รอข้อมูล"},
    "cancel": {"reason": "ซ้ำ"},
    "comments": {"body": "ช่วยดู"},
    "attachments": {"file": lambda: (io.BytesIO("บันทึก".encode()), "บันทึก.txt")},
}


@pytest.mark.parametrize("act", OF_CASES)
def test_an_act_on_a_case_sent_twice_has_one_answer(site: Site, act: str) -> None:
    first, second = sent_twice(
        site, site.visit("somsri"), f"/cases/{case_id(site)}/{act}", finish_everything, **OF_CASES[act]
    )

    assert (second.status, second.location) == (302, first.location)


def test_an_upload_sent_again_after_the_case_was_suspended_is_the_one_that_is_there(site: Site) -> None:
    def suspend(site: Site) -> None:
        def act(session: Session) -> None:
            cases.suspend_case(
                session, case_id(site), actor_named(session, "somsri", NOW.date()), later(), reason="รอข้อมูล"
            )

        site.arrange(act)

    _, second = sent_twice(
        site, site.visit("malee"), f"/cases/{case_id(site)}/attachments", suspend, **OF_CASES["attachments"]
    )

    assert second.status == 302


def test_an_answer_of_an_outside_party_sent_twice_is_one(site: Site) -> None:
    task_id = one(site, select(WaitingMessage.task_id))
    path = f"/cases/{case_id(site, 'ขอข้อมูล')}/answers/{task_id}"

    first, second = sent_twice(site, site.visit("somsri"), path, lambda _: None, text="ดี", **SAID)

    assert (second.status, second.location) == (302, first.location)


OF_THE_OFFICE: dict[str, dict[str, Any]] = {
    "/cases/start/review": {"case_title": "แผนใหม่", "case_fiscal_year": "2571", "case_office": "NE-U1"},
    "/people/new": {"username": "new.one", "display_name": "คนใหม่", "password": "a long enough one"},
    "/people/malee/positions": {
        "role": "osm_director",
        "kind": "substantive",
        "office_id": "NE-U1",
        "valid_from": "1/12/2569",
    },
    "/people/malee/lock": {},
    "/people/malee/password": {"password": "another long one"},
    "/calendar/holidays": {
        "day": "22/12/2569",
        "is_working": "no",
        "name_th": "วันหยุด",
        "name_en": "Day",
        "source": "มติ ครม.",
    },
    "/calendar/NE-U1/2571/propose": {},
    "/audit/witnesses": {"name": "สำนักงบประมาณ", "email": "a@example.go.th", "office": "NE-U1"},
}


@pytest.mark.parametrize("path", OF_THE_OFFICE)
def test_what_an_administrator_sends_twice_has_one_answer(site: Site, path: str) -> None:
    first, second = sent_twice(site, site.visit("somsri"), path, lambda _: None, **OF_THE_OFFICE[path])

    assert (second.status, second.location) == (302, first.location)


def test_several_work_items_claimed_twice_are_told_as_the_first_time(site: Site) -> None:
    malee, item = site.visit("malee"), item_path(site).rpartition("/")[2]
    values = {"idempotency_key": "key-1", "act": "claim", "item": item}
    malee.post("/inbox/bulk", values)
    site.arrange(lambda session: release(session, item, actor_named(session, "malee", NOW.date()), later()))
    before = on_record(site)

    told = malee.follow(malee.post("/inbox/bulk", values))

    assert on_record(site) == before
    assert "ทำได้ 1 จาก 1 งาน" in told.words


@pytest.mark.parametrize(
    ("path", "values"),
    [("/cases/{}/comments", OF_CASES["comments"]), ("/cases/start/review", OF_THE_OFFICE["/cases/start/review"])],
)
def test_two_who_send_the_same_form_at_once_get_one_answer(site: Site, path: str, values: dict[str, Any]) -> None:
    visitors = [site.visit("somsri") for _ in range(4)]
    tokens = [visitor.get("/account").all('//input[@name="csrf_token"]/@value')[0] for visitor in visitors]
    before, answers = on_record(site), []

    def send(visitor: Visitor, token: str) -> None:
        sent = {"csrf_token": token, "idempotency_key": "key-1", **values}
        answers.append(Answer.of(visitor.client.post(path.format(case_id(site)), data=sent)))

    at_once(*(lambda pair=pair: send(*pair) for pair in zip(visitors, tokens, strict=True)))  # type: ignore[misc]

    assert {answer.status for answer in answers} == {302}, [answer.text for answer in answers]
    assert len({answer.location for answer in answers}) == 1
    assert on_record(site)[0] == before[0] + 1


def test_other_content_under_the_same_key_is_neither_done_nor_dropped_in_silence(site: Site) -> None:
    somsri, path = site.visit("somsri"), f"/cases/{case_id(site)}/comments"
    somsri.post(path, {"idempotency_key": "key-1", "body": "ข้อแรก"})
    before = on_record(site)

    answer = somsri.post(path, {"idempotency_key": "key-1", "body": "ข้อที่สอง"})

    assert answer.status == 409
    assert "ด้วยเนื้อหาอื่น" in answer.text
    assert on_record(site) == before


def test_what_was_refused_may_be_sent_again_with_the_same_key(site: Site) -> None:
    somsri, path = site.visit("somsri"), f"/cases/{case_id(site)}/comments"

    assert somsri.post(path, {"idempotency_key": "key-1", "body": " "}).status == 422
    assert somsri.post(path, {"idempotency_key": "key-1", "body": "ข้อแรก"}).status == 302


def test_a_draft_is_saved_each_time_although_its_form_has_a_key(site: Site) -> None:
    somsri, path = site.visit("somsri"), item_path(site)
    somsri.post(f"{path}/claim")
    for text in ("ก", "กข", "กขค"):
        assert somsri.post(f"{path}/draft", {"idempotency_key": "key-1", "text": text}).status == 302

    assert "กขค" in somsri.get(path).text
    assert somsri.post(f"{path}/complete", {"idempotency_key": "key-1", "text": "กขค"}).status == 302


def test_nothing_that_was_typed_can_be_guessed_from_what_is_kept_of_a_form(site: Site) -> None:
    path, password = "/people/malee/password", "another long one"
    site.visit("somsri").post(path, {"idempotency_key": "key-1", "password": password})
    kept = site.read(lambda session: session.scalars(select(IdempotencyKey.content)).all())
    site.app.config["SECRET_KEY"] = "z" * 40

    site.visit("somsri").post(path, {"idempotency_key": "key-2", "password": password})

    again = site.read(lambda session: session.scalars(select(IdempotencyKey.content)).all())
    assert len(set(again)) == len(again) == len(kept) + 1


def test_whatever_changes_something_is_done_once(site: Site) -> None:
    posts = [rule.endpoint for rule in site.app.url_map.iter_rules() if "POST" in (rule.methods or set())]

    assert {endpoint for endpoint in posts if is_done_each_time(site.app.view_functions[endpoint])} == EACH_TIME
    assert len(posts) > len(EACH_TIME) + 25


def without_comments(template: Path) -> str:
    return re.sub(r"{#.*?#}", "", template.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_every_form_that_changes_something_carries_a_key() -> None:
    without = {
        endpoint
        for path in TEMPLATES.rglob("*.html")
        for form in re.findall(r'<form [^>]*method="post".*?</form>', without_comments(path), re.DOTALL)
        if "keys()" not in form
        for endpoint in re.findall(r"action=\"{{ url_for\('([a-z_.]+)'", form) or [path.name]
    }

    assert without <= EACH_TIME


def test_a_page_shown_after_a_refusal_is_of_one_moment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two of its reads somebody else moves the case; the page must not show a state beside another history."""
    somsri, id_, item = site.visit("somsri"), case_id(site), item_path(site)
    somsri.post(f"{item}/claim")
    original, moved = case_queries.case_history, []

    def complete() -> None:
        assert site.visit("somsri").post(f"{item}/complete", {"text": "เสร็จ"}).status == 302

    def history(session: Session, case: Case, **more: Any) -> Any:
        if not moved:
            moved.append(case.id)
            at_once(complete)
        return original(session, case, **more)

    token = somsri.get("/account").all('//input[@name="csrf_token"]/@value')[0]
    monkeypatch.setattr("osm_flow.web.pages.case_page.case_queries.case_history", history)
    answer = Answer.of(somsri.client.post(f"/cases/{id_}/comments", data={"csrf_token": token, "body": " "}))

    assert moved == [id_]
    assert answer.status == 422
    assert "ตรวจร่าง" not in [one.text_content() for one in answer.all("//section//a")]
    assert "does not fit" not in answer.text
