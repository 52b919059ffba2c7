"""Erasing what was typed, in every place that holds the same words; the record that it was typed stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.retention import GONE
from osm_flow.operations.cases.acts import cancel_case
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.cases.incidents import open_in
from osm_flow.operations.ledger.access_checks import check_chain
from osm_flow.operations.ledger.access_log import Read, record_access
from osm_flow.operations.privacy.erasing import Erasure, NothingToErase, erase_in
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.work_items.plans import get_draft, save_draft
from osm_flow.store.models import (
    Access,
    AccessRecord,
    Attachment,
    Case,
    CaseState,
    Comment,
    IdempotencyKey,
    Incident,
    JournalPayload,
    JournalRecord,
    Notification,
    OutboxEntry,
    OutgoingLetter,
    WorkItem,
)
from osm_flow.store.words import keys_with
from tests.factories import (
    NOW,
    OFFICE,
    complete_first,
    deploy_tests,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)

NAME = "นายสมชาย ใจดี"
WHY = "คำขอที่ 12"


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    """Records: 1 started, 2 completed with the name, 3 comment with it, 4 comment without, 5 file with it."""
    case = make_case(session, title="แผน")
    complete_first(session, case, anan, text=f"พบ {NAME}")
    comment(session, case.id, anan, later(1), body=f"{NAME} มา", key=None)
    comment(session, case.id, anan, later(2), body="ไม่เกี่ยว", key=None)
    attach(session, case.id, anan, later(3), GivenFile(f"{NAME}.txt", NAME.encode()), key=None)
    return case


def erase(session: Session, case: Case, *numbers: int, role: str | None = None, **more: Any) -> None:
    erase_in(session, case, SYSTEM, later(60), Erasure(numbers, WHY, **more), role)
    session.expire_all()


def payloads(session: Session, case: Case) -> list[int]:
    query = select(JournalPayload.seq).where(JournalPayload.case_id == case.id)
    return list(session.scalars(query.order_by(JournalPayload.seq)))


def tell(session: Session, actor: Actor, words: str, url: str = "/") -> None:
    session.add(Notification(person_id=actor.person_id, kind="x", text_th=words, text_en=words, url=url, at=NOW))


# ---- the journal -----------------------------------------------------------------------------------------------


def test_the_payloads_go_and_a_record_says_which_and_why(session: Session, case: Case) -> None:
    erase(session, case, 3, 2, 3, about={"asked_by": "root"}, role="admin")

    assert payloads(session, case) == [1, 4, 5, 6]
    newest = session.get_one(JournalRecord, (case.id, 6))
    assert (newest.kind, newest.actor, newest.actor_role) == ("payloads.erased", "system", "admin")
    assert json.loads(session.get_one(JournalPayload, (case.id, 6)).body)["data"] == {
        "erased": [2, 3],
        "reason": WHY,
        "asked_by": "root",
    }
    assert verify_case(session, case.id) == []


@pytest.mark.parametrize("numbers", [(99,), (2, 99)])
def test_what_is_not_there_is_not_erased(session: Session, case: Case, numbers: tuple[int, ...]) -> None:
    with pytest.raises(NothingToErase):
        erase(session, case, *numbers)


def test_nothing_is_erased_twice_or_without_a_reason(session: Session, case: Case) -> None:
    erase(session, case, 2)

    with pytest.raises(NothingToErase):
        erase(session, case, 2)
    with pytest.raises(ReasonMissing):
        erase_in(session, case, SYSTEM, later(60), Erasure([3], " "))


# ---- in the case -----------------------------------------------------------------------------------------------


def test_comments_and_files_lose_their_content_and_keep_who_and_when(session: Session, case: Case) -> None:
    erase(session, case, 3, 5)

    assert session.execute(select(Comment.body, Comment.at).order_by(Comment.id)).all() == [
        (GONE, later(1)),
        ("ไม่เกี่ยว", later(2)),
    ]
    file = session.scalars(select(Attachment)).one()
    assert (file.filename, file.content, file.size, len(file.sha256)) == (GONE, b"", len(NAME.encode()), 64)


def test_the_same_words_in_another_case_stay(session: Session, case: Case, anan: Actor) -> None:
    other = make_case(session)
    comment(session, other.id, anan, NOW, body=f"{NAME} มา", key=None)
    attach(session, other.id, anan, NOW, GivenFile(f"{NAME}.txt", NAME.encode()), key=None)

    erase(session, case, 3, 5)

    assert session.scalars(select(Comment.body).where(Comment.case_id == other.id)).all() == [f"{NAME} มา"]
    assert session.scalars(select(Attachment.filename).where(Attachment.case_id == other.id)).all() == [f"{NAME}.txt"]


def test_a_running_case_goes_on_from_its_state(session: Session, case: Case, anan: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    item = items_of(session, case)[0]
    save_draft(session, item.id, boss, NOW, {"reason": f"เรื่องของ {NAME}"})

    erase(session, case, 2)

    assert session.get_one(CaseState, case.id).snapshot != b""
    assert get_draft(session, item.id, boss) is None
    complete_first(session, session.get_one(Case, case.id), boss, later(70), approved=True)
    assert session.get_one(Case, case.id).state == "COMPLETED"
    assert verify_case(session, case.id) == []


def test_a_case_that_ended_keeps_no_state_and_no_words_to_search_for(session: Session, case: Case) -> None:
    session.scalars(select(WorkItem)).first().subject = NAME  # type: ignore[union-attr]
    case.subject = NAME
    cancel_case(session, case.id, SYSTEM, later(10), reason="เลิก")

    erase(session, case, 2)

    state = session.get_one(CaseState, case.id)
    assert (state.snapshot, len(state.digest)) == (b"", 64)
    assert {(item.subject, item.search) for item in session.scalars(select(WorkItem))} == {("", "")}
    assert session.get_one(Case, case.id).subject == ""
    assert verify_case(session, case.id) == []


@pytest.mark.parametrize(
    ("title", "numbers", "words", "goes"),
    [
        ("แผน", (2,), "", False),
        ("แผน", (1, 2), "", True),
        (f"เรื่องของ {NAME}", (2,), NAME, True),
        ("แผน", (2,), NAME, False),
    ],
)
def test_the_title_goes_with_the_first_record_or_the_words_in_it(
    session: Session, case: Case, title: str, numbers: tuple[int, ...], words: str, goes: bool
) -> None:
    case.title = title

    erase(session, case, *numbers, words=words)

    shown = session.get_one(Case, case.id)
    assert shown.title == (f"{GONE} {case.business_key}" if goes else title)
    assert (shown.search == case.business_key.lower()) is goes or not goes


def test_letters_incidents_and_notices_of_the_case_lose_the_words(session: Session, case: Case, anan: Actor) -> None:
    other = make_case(session)
    for about, words in ((case, NAME), (case, "อื่น"), (other, NAME)):
        open_in(session, about.id, NOW, kind="engine", message=words, element=words)
        session.add(
            OutgoingLetter(
                case_id=about.id,
                task_id=f"{about.id[:20]}{len(words)}",
                office_id=OFFICE,
                fiscal_year=2571,
                recipient=words,
                subject=words,
                body=words,
                at=NOW,
            )
        )
        tell(session, anan, "มีงานใหม่", f"/cases/{about.id}")
    session.flush()

    erase(session, case, 2, words=NAME)

    def texts(about: Case) -> list[str]:
        letters = session.scalars(select(OutgoingLetter.body).where(OutgoingLetter.case_id == about.id))
        return sorted([*letters, *session.scalars(select(Incident.message).where(Incident.case_id == about.id))])

    assert texts(case) == ["", "", "อื่น", "อื่น"]
    assert texts(other) == [NAME, NAME]
    assert session.scalars(select(Notification.url)).all() == [f"/cases/{other.id}"]


def test_a_case_that_goes_for_its_age_loses_all_its_letters_and_incidents(session: Session, case: Case) -> None:
    open_in(session, case.id, NOW, kind="engine", message="ข้อความใด ๆ")

    erase(session, case, 2)

    assert session.scalars(select(Incident.message)).all() == [""]


# ---- beside the case -------------------------------------------------------------------------------------------


def test_words_of_reads_go_and_their_chain_says_so(session: Session, case: Case, anan: Actor) -> None:
    for details, reason in ((f"text={NAME}", ""), ("", f"ตามคำขอของ {NAME}"), ("text=อื่น", "อื่น")):
        record_access(session, anan, NOW, Read("audit.searched", "/audit", reason, details=details))

    erase(session, case, 2, words=NAME)
    session.commit()

    rows = session.scalars(select(Access).order_by(Access.id)).all()
    assert [(row.details, row.reason) for row in rows] == [("", ""), ("", ""), ("text=อื่น", "อื่น")]
    assert [(row.details_salt == "", row.reason_salt == "") for row in rows] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    erased = session.scalars(select(AccessRecord.told).where(AccessRecord.kind == "words.erased")).all()
    assert sorted(map(json.loads, erased), key=lambda told: told["part"]) == [
        {"part": "details", "records": [1]},
        {"part": "reason", "records": [2]},
    ]
    assert check_chain(session).faults == []


def test_words_beside_the_case_go_and_others_stay(session: Session, case: Case, anan: Actor) -> None:
    other = make_case(session)
    other.subject = f"โครงการของ {NAME}"
    item = items_of(session, other)[0]
    item.subject, item.search = NAME, NAME
    for words in (NAME, "อื่น"):
        tell(session, anan, words)
        record_access(session, anan, NOW, Read("audit.searched", "/audit", details=f"text={words}"))
        session.add(IdempotencyKey(key=words, at=NOW, subject=words, actor="anan"))
        body = json.dumps({"body": words})
        session.add(OutboxEntry(key=f"a{words}", kind="mail", body=body, due_at=NOW))
        session.add(OutboxEntry(key=f"b{words}", kind="mail", body=body, done_at=NOW))
    session.flush()

    erase(session, case, 2, words=NAME)

    assert session.scalars(select(Notification.text_th)).all() == ["อื่น"]
    assert session.scalars(select(Access.details).order_by(Access.id)).all() == ["", "text=อื่น"]
    assert sorted(session.scalars(select(IdempotencyKey.subject))) == ["", "อื่น"]
    mails = session.scalars(select(OutboxEntry).where(OutboxEntry.kind == "mail").order_by(OutboxEntry.id)).all()
    assert [(entry.key, entry.body == "{}") for entry in mails] == [
        (f"b{NAME}", True),
        ("aอื่น", False),
        ("bอื่น", False),
    ]
    session.refresh(other)
    session.refresh(item)
    assert (other.subject, item.subject, item.search) == ("", "", "")


@pytest.mark.parametrize("words", [NAME, 'ชื่อ "เล่น" \\ ก', "50%_x", "Somchai"])
def test_words_are_found_however_they_are_spelled(session: Session, anan: Actor, words: str) -> None:
    from urllib.parse import quote, quote_plus

    spelled = [
        words,
        json.dumps({"text": f"พบ {words}"}),
        json.dumps({"text": words}, ensure_ascii=False),
        f"text={quote(words)}",
        f"text={quote_plus(words)}",
        "50x_x and nothing else",
    ]
    for text in spelled:
        tell(session, anan, text)
    session.flush()

    keys = [key for some in keys_with(session, Notification, (Notification.text_th,), words) for key in some]
    found = session.scalars(select(Notification.text_th).where(Notification.id.in_(keys))).all()

    assert sorted(found) == sorted(spelled[:-1])
