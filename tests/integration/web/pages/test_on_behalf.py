"""Staff of the office write down what a party outside answered: their own act, told as such wherever it is told."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from osm_flow.engine.rules import RULES
from osm_flow.operations.bundles.writing import write_bundle
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store.models import Candidate, JournalPayload, JournalRecord, Notification, Person, WorkItem
from tests.factories import NOW, OFFICE, SAID, deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site

pytestmark = pytest.mark.sampled


def prepare(session: Session) -> None:
    """Two provinces are asked, nobody else."""
    make_office(session)
    deploy_tests(session, "provinces", "review")
    boss = make_person(session, "kanya", "osm_strategy", "osm_strategy_head")
    make_person(session, "planner", "province_planner", province_id="TH-39")
    make_person(session, "udon", "province_planner", province_id="TH-41")
    make_person(session, "auditor", "auditor")
    make_person(session, "governor", "cluster_head")
    make_case(session, "provinces", boss)


TOLD = "แทน จังหวัดหนองบัวลำภู (นางสมศรี ใจดี สำนักงบประมาณ, หนังสือราชการ ที่ นร 0701/12 ลงวันที่ 20 พ.ย. 2569)"


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def item_of(site: Site, province_id: str) -> str:
    asked = select(WorkItem.id).where(WorkItem.province_id == province_id, WorkItem.office_id == OFFICE)
    found: str = site.read(lambda session: session.scalars(asked).one())
    return found


def completed(site: Site) -> JournalRecord:
    query = select(JournalRecord).where(JournalRecord.kind == "work_item.completed")
    found: JournalRecord = site.read(lambda session: session.scalars(query).one())
    return found


def record(site: Site, who: str = "kanya", province_id: str = "TH-39", **changes: Any) -> Any:
    visitor, item = site.visit(who), item_of(site, province_id)
    return visitor.post(f"/work-items/{item}/record-answer", {"text": "ยืนยันตามแผน", **SAID, **changes})


def test_it_is_the_recorders_own_act_and_the_party_is_told(site: Site) -> None:
    kanya, item = site.visit("kanya"), item_of(site, "TH-39")
    page = kanya.get(f"/work-items/{item}")
    assert "งานนี้ถาม จังหวัดหนองบัวลำภู" in page.words

    answer = kanya.submit(page, "/record-answer", text="ยืนยันตามแผน", **SAID)

    assert answer.status == 302, answer.words
    row = completed(site)
    assert (row.actor, row.actor_role, row.on_behalf_of) == ("kanya", "osm_strategy", None)
    body = site.read(lambda s: json.loads(s.get_one(JournalPayload, (row.case_id, row.seq)).body))
    assert body["about"]["answer"] == {
        "party": "province_planner@TH-39",
        "party_name": "จังหวัดหนองบัวลำภู",
        "answerer": "นางสมศรี ใจดี สำนักงบประมาณ",
        "channel": "letter",
        "number": "นร 0701/12",
        "date": "2026-11-20",
    }
    done = site.read(lambda s: s.get_one(WorkItem, item))
    kanya_id = site.read(lambda s: s.scalars(select(Person.id).where(Person.username == "kanya")).one())
    assert (done.state, done.completed_by_id, done.assignee_id) == ("COMPLETED", kanya_id, None)
    told = site.read(lambda s: s.execute(select(Person.username, Notification.url).join(Person)).all())
    assert [tuple(one) for one in told] == [("planner", f"/work-items/{item}")]
    assert site.read(lambda s: [faults for _, faults in verify_all(s)]) == [[]]


def test_it_reads_so_wherever_it_is_told(site: Site) -> None:
    assert record(site).status == 302
    row = completed(site)
    auditor, kanya = site.visit("auditor"), site.visit("kanya")

    for page in (
        kanya.get(f"/cases/{row.case_id}"),
        kanya.get(f"/work-items/{row.task_id}"),
        site.visit("planner").get(f"/work-items/{row.task_id}"),
        auditor.get(f"/audit/cases/{row.case_id}/at/{row.seq}"),
        auditor.get("/audit/search?text=0701/12"),
        auditor.get("/audit/search?behalf=หนองบัวลำภู"),
    ):
        assert TOLD in page.words, page.words
    late = site.visit("planner").post(f"/work-items/{row.task_id}/complete", {"text": "ยืนยัน"})
    assert late.status == 409
    assert "บันทึกคำตอบแทน จังหวัดหนองบัวลำภู ไว้แล้ว" in late.words
    involved = kanya.get(f"/cases/{row.case_id}").all('//ul[@class="people-list"]/li')
    assert [TOLD in " ".join(one.text_content().split()) for one in involved] == [True]
    english = site.visit("kanya", "en").get(f"/cases/{row.case_id}")
    assert "for Nong Bua Lam Phu province" in english.words
    assert "no. นร 0701/12 of 20 Nov 2026 (2569))" in english.words
    bundle = BytesIO()
    site.read(lambda session: write_bundle(session, row.case_id, bundle))
    player = ZipFile(bundle).read("player.html").decode()
    assert '"party_name":"จังหวัดหนองบัวลำภู"' in player


@pytest.mark.parametrize(
    ("changes", "at_fault"),
    [
        ({"party_answerer": " "}, "party_answerer"),
        ({"party_answerer": "planner"}, "party_answerer"),
        ({"party_answerer": "x" * 121}, "party_answerer"),
        ({"party_number": ""}, "party_number"),
        ({"party_date": ""}, "party_date"),
        ({"party_date": "31/2/2569"}, "party_date"),
        ({"party_date": "21/11/2569"}, "party_date"),
        ({"party_channel": "rumour"}, "party_channel"),
        ({"party_channel": "phone"}, "party_channel"),  # before the due day only from a letter
        ({"party_of": "osm_director"}, "party_of"),
        ({"party_of": "province_planner@TH-41"}, "party_of"),
    ],
)
def test_what_is_missing_or_untrue_is_said_and_nothing_is_lost(
    site: Site, changes: dict[str, str], at_fault: str
) -> None:
    answer = record(site, **changes)

    assert answer.status == 422
    assert answer.all(f'//*[@data-error-summary]//a[@href="#{at_fault}"]')
    assert "ยืนยันตามแผน" in answer.text
    assert site.read(lambda s: s.get_one(WorkItem, item_of(site, "TH-39")).state) == "READY"


def test_after_the_due_day_any_way_of_answering_counts(site: Site) -> None:
    item = item_of(site, "TH-39")
    site.arrange(lambda s: s.execute(update(WorkItem).where(WorkItem.id == item).values(due_at=NOW)))
    assert record(site, party_channel="phone").status == 422

    site.now = NOW + timedelta(days=1)

    assert record(site, party_channel="phone").status == 302


def test_a_silent_claim_of_the_party_does_not_hold_it_up(site: Site) -> None:
    site.visit("planner").post(f"/work-items/{item_of(site, 'TH-39')}/claim")

    assert record(site).status == 302
    assert completed(site).actor == "kanya"


@pytest.mark.parametrize("who", ["planner", "udon", "auditor", "governor"])
def test_only_staff_of_the_office_write_answers_down(site: Site, who: str) -> None:
    refused = 404 if who == "udon" else 403  # another province does not know of it
    assert record(site, who).status == refused
    assert record(site, who, party_answerer="").status == refused


def test_never_for_an_item_that_somebody_of_the_office_may_do(site: Site) -> None:
    item = item_of(site, "TH-39")
    site.arrange(lambda s: s.add(Candidate(work_item_id=item, role="osm_strategy")))
    page = site.visit("kanya").get(f"/work-items/{item}")

    assert record(site).status == 403
    assert "บันทึกคำตอบแทน" not in page.words


def test_sent_twice_it_is_one(site: Site) -> None:
    first, second = (record(site, idempotency_key="once") for _ in range(2))

    assert (first.status, second.status, second.location) == (302, 302, first.location)
    assert completed(site).seq == 2


@pytest.mark.parametrize("field", ["on_behalf_of", "answered_by", "party_answerer", "behalf", "for_username", "actor"])
def test_no_posted_field_says_on_whose_behalf(site: Site, field: str) -> None:
    planner, item = site.visit("planner"), item_of(site, "TH-39")
    planner.post(f"/work-items/{item}/claim", {field: "governor"})
    for unread in (field, f"{field}[]"):
        answer = planner.post(f"/work-items/{item}/complete", {"text": "ตกลง", unread: "governor"})
        assert answer.status in (302, 409, 422)  # done without it, done already, or refused for it
    planner.post(f"/work-items/{item}/complete", {"text": "ตกลง"})

    row = completed(site)
    assert (row.actor, row.on_behalf_of) == ("planner", None)
    body = site.read(lambda s: json.loads(s.get_one(JournalPayload, (row.case_id, row.seq)).body))
    assert body["data"] == {"text": "ตกลง"}
    assert body["about"] == {"claimed": False}


def test_what_an_earlier_version_stated_is_told_as_stated(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from osm_flow.domain.acts import Act
    from osm_flow.operations.ledger import case_journal

    allowed = Act.allowed
    monkeypatch.setattr(case_journal, "ENGINE_VERSION", f"osm-flow 0.1.0/SpiffWorkflow 3.2.0/rules {RULES}")
    monkeypatch.setattr(
        Act,
        "allowed",
        classmethod(lambda cls, *args: cls(args[0], args[2], args[3], args[1].role, "สนจ.หนองบัวลำภู")),
    )
    planner, item = site.visit("planner"), item_of(site, "TH-39")
    planner.post(f"/work-items/{item}/complete", {"text": "ตกลง"})
    monkeypatch.setattr(Act, "allowed", allowed)
    row = completed(site)

    told = "แทน สนจ.หนองบัวลำภู (ตามที่ระบุ)"
    assert told in site.visit("kanya").get(f"/cases/{row.case_id}").words
    assert told in site.visit("auditor").get(f"/audit/cases/{row.case_id}/at/{row.seq}").words
    assert told in site.visit("auditor").get("/audit/search?behalf=สนจ.หนองบัว").words
    assert "(as stated)" in site.visit("kanya", "en").get(f"/cases/{row.case_id}").words
    bundle = BytesIO()
    site.read(lambda session: write_bundle(session, row.case_id, bundle))
    assert '"as_stated":true' in ZipFile(bundle).read("player.html").decode()
    assert site.read(lambda s: [faults for _, faults in verify_all(s)]) == [[]]


def test_the_province_itself_is_asked_nothing_of_the_kind(site: Site) -> None:
    planner, item = site.visit("planner"), item_of(site, "TH-39")

    page = planner.follow(planner.post(f"/work-items/{item}/claim"))

    assert "บันทึกคำตอบแทน" not in page.words
