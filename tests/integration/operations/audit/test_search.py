"""Finding acts across cases: exact filters, exact counts, pages that neither skip nor repeat, and the ready-made questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import event, text, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.search import typed_text
from osm_flow.operations.audit import search as history_search
from osm_flow.operations.audit.questions import Question
from osm_flow.operations.audit.search import Wanted, audited_years, everything, export, search
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger.access_log import ExportReasonMissing
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Access, JournalPayload, JournalRecord, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person

pytestmark = pytest.mark.sampled


@pytest.fixture
def office(session: Session) -> Session:
    """Three people of an office, one auditor, one case drafted, claimed and returned; and a case of another office."""
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review")
    for username, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("malee", "auditor"), ("root", "admin")):
        make_person(session, username, role)
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    make_person(session, "stranger", "auditor", office_id="NE-U2")
    case = make_case(session, actor=who(session, "anan"), title="แผนปี 2571")
    draft(session, case, "น้ำท่วมหนองคาย", 1)
    check = items_of(session, case)[0]
    work_items.claim(session, check.id, who(session, "boss"), later(2))
    comment(session, case.id, who(session, "boss"), later(3), body="งบ 1500000 บาท", key=None)
    complete(session, check.id, who(session, "boss"), later(4), Completion.of({"approved": False, "reason": "ขาดน้ำ"}))
    make_case(session, actor=who(session, "far"), office_id="NE-U2", fiscal_year=2570, now=later(9))
    return session


def who(session: Session, username: str) -> Any:
    return actor_named(session, username, NOW.date())


def draft(session: Session, case: Any, words: str, minutes: float, by: str = "anan") -> None:
    item = items_of(session, case)[0]
    complete(session, item.id, who(session, by), later(minutes), Completion.of({"text": words}))


def seqs(session: Session, auditor: str = "malee", **wanted: Any) -> list[int]:
    page = search(session, who(session, auditor), Wanted(**wanted))
    assert page.total == len(page.items)
    return [one.record.seq for one in page.items]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"who": "anan"}, [2, 1]),
        ({"who": "คุณBOSS"}, [5, 4, 3]),
        ({"who": "ณb"}, [5, 4, 3]),
        ({"who": "nobody"}, []),
        ({"who": "ระบบ"}, []),
        ({"kind": "work_item.completed"}, [5, 2]),
        ({"definition_key": "review", "element": "check"}, [5, 3]),
        ({"definition_key": "other", "element": "check"}, []),
        ({"fiscal_year": 2571}, [5, 4, 3, 2, 1]),
        ({"fiscal_year": 2570}, []),
        ({"office_id": OFFICE}, [5, 4, 3, 2, 1]),
        ({"office_id": "NE-U2"}, []),
        ({"since": later(2), "until": later(4)}, [4, 3]),
        ({"text": "น้ำ"}, [5, 2]),
        ({"text": "น"}, [5, 2]),
        ({"text": "ทั"}, []),
        ({"text": "ำ"}, [5, 2]),
        ({"text": "ท่วม หนอง"}, [2]),
        ({"text": "ท่วม ขาด"}, []),
        ({"text": "นํ้าท่วม"}, [2]),
        ({"text": "๑๕๐๐๐๐๐"}, [4]),
        ({"text": "%"}, []),
        ({"text": "น้ำ", "who": "boss", "kind": "work_item.completed"}, [5]),
    ],
)
def test_each_filter_finds_exactly_what_it_says(office: Session, wanted: dict[str, Any], expected: list[int]) -> None:
    assert seqs(office, **wanted) == expected


def test_nobody_finds_another_office(office: Session) -> None:
    assert seqs(office, "stranger") == [1]
    assert seqs(office, "stranger", text="น้ำ") == []
    assert audited_years(office, who(office, "stranger")) == [2570]
    for username in ("anan", "boss"):
        with pytest.raises(NotYourRole):
            search(office, who(office, username), Wanted())


def test_pages_follow_each_other_without_gap_or_repetition(office: Session) -> None:
    auditor = who(office, "malee")
    found, after = [], None
    while True:
        page = search(office, auditor, Wanted(), after=after, limit=2)
        assert page.total == 5
        found += [one.record.seq for one in page.items]
        after = page.next
        if after is None:
            break
    assert found == [5, 4, 3, 2, 1]
    assert [one.record.seq for one in everything(office, auditor, Wanted())] == found


def test_what_was_erased_is_not_found_any_more(office: Session) -> None:
    office.execute(text("DELETE FROM journal_payloads WHERE seq = 2"))

    assert seqs(office, text="ท่วม") == []
    assert 2 in seqs(office)


def test_words_that_only_the_system_wrote_are_not_searched(office: Session) -> None:
    assert office.scalar(text("SELECT count(*) FROM journal_payloads WHERE search LIKE '%ขาดน%'")) == 1
    records = office.query(JournalRecord).filter(JournalRecord.actor == "system").count()
    empty = "SELECT count(*) FROM journal_payloads p JOIN journal_records r ON r.case_id = p.case_id AND r.seq = p.seq "
    assert office.scalar(text(empty + "WHERE r.actor = 'system' AND p.search <> ''")) == 0
    assert records == 0


# ---- ready-made questions --------------------------------------------------------------------------------------


# ---- exports and speed -----------------------------------------------------------------------------------------


def test_an_export_needs_a_reason_and_is_recorded(office: Session) -> None:
    malee = who(office, "malee")
    with pytest.raises(ExportReasonMissing):
        export(office, malee, NOW, Wanted(), reason=" ", details="")

    assert export(office, malee, NOW, Wanted(text="น้ำ"), reason="ตรวจประจำปี", details="text=น้ำ") == 2
    read = office.query(Access).one()
    assert (read.kind, read.actor, read.reason, read.details) == ("search.exported", "malee", "ตรวจประจำปี", "text=น้ำ")


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "ix_journal_records_at_case_id_seq"),
        ({"since": NOW, "until": later(1)}, "ix_journal_records_at_case_id_seq"),
        ({"text": "น้ำ"}, "ix_journal_records_at_case_id_seq"),
        ({"office_id": OFFICE, "fiscal_year": 2571}, "ix_journal_records_at_case_id_seq"),
        ({"who": "anan"}, "ix_journal_records_actor_at_case_id_seq"),
        ({"who": "anan", "since": NOW}, "ix_journal_records_actor_at_case_id_seq"),
        ({"kind": "case.started"}, "ix_journal_records_kind_at_case_id_seq"),
        ({"definition_key": "review", "element": "check"}, "ix_journal_records_element_at_case_id_seq"),
        ({"question": Question.repaired}, "ix_journal_records_actor_role_at_case_id_seq"),
    ],
)
def test_the_common_filters_read_an_index_in_its_order(sqlite_store: Store, wanted: dict[str, Any], index: str) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        auditor = make_person(session, "malee", "auditor")
        caught: list[tuple[str, Any]] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: caught.append((args[2], args[3])))
        history_search._page(session, history_search._conditions(session, auditor, Wanted(**wanted)), None, 50)
        sql, parameters = next(one for one in reversed(caught) if "ORDER BY journal_records.at" in one[0])
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        plan = " / ".join(row[3] for row in rows)

    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_the_search_text_of_old_payloads_is_what_a_new_one_gets(office: Session) -> None:
    """What the migration computes from the stored body is what writing the record computed."""
    for payload in office.query(JournalPayload):
        assert payload.search == typed_text(json.loads(payload.body)["data"])


def test_a_late_item_stays_late_when_its_case_is_renamed(office: Session) -> None:
    office.execute(update(WorkItem).where(WorkItem.element == "draft").values(due_at=later(-60)))

    assert 2 in seqs(office, question=Question.late)
