"""Personal data are erased: four eyes, everywhere, to the last byte, and every chain still verifies."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import zstandard
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.notify.channels import Dispatch
from osm_flow.notify.mail import Mail
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.dispatches import queue
from osm_flow.operations.background.mail import queue_mail
from osm_flow.operations.cases.attachments import AttachmentNotFound, GivenFile, attach, get_attachment
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.kept_files.tidying import delete_released
from osm_flow.operations.ledger.access_log import Read, record_access
from osm_flow.operations.people.accounts import lock, say_one_person, set_number
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import carrying_out, erasure_requests, erasure_search, retention
from osm_flow.operations.privacy.erasing import Erasure, erase_in
from osm_flow.operations.privacy.erasure_requests import (
    AlreadyDecided,
    FourEyes,
    NothingChosen,
    ReasonNamesSubject,
    RequestForged,
)
from osm_flow.operations.privacy.erasure_search import SubjectTooShort
from osm_flow.operations.privacy.retention import HeldByLaw
from osm_flow.operations.replay.case_document import exported
from osm_flow.operations.replay.verify import verify_case, verify_deep
from osm_flow.operations.sweeps import sweep_all
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import (
    AdminRecord,
    Attachment,
    Case,
    CaseState,
    ErasureRequest,
    JournalRecord,
    Notification,
    Person,
)
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, files, items_of, later, make_case, make_office, make_person
from tests.traces import remains

NAME = "นายสมชาย ใจดี"
WHY = "คำขอของเจ้าของข้อมูล เลขที่ 12"


def who(store: Store, username: str) -> Actor:
    with store.reading() as session:
        return actor_named(session, username, NOW.date())


@pytest.fixture
def prepared(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        for username, role in (
            ("anan", "osm_strategy"),
            ("boss", "osm_director"),
            ("root", "admin"),
            ("chief", "osm_admin_head"),
            ("seer", "auditor"),
        ):
            make_person(session, username, role)
    return store


def a_case(store: Store, *, title: str = "แผน", ended: bool = True) -> str:
    """Records: 1 started, 2 completed with the name, 3 comment with it, 4 comment without, 5 file, 6 completed."""
    anan, boss = who(store, "anan"), who(store, "boss")
    with store.transaction() as session:
        case = make_case(session, title=title)
        draft = items_of(session, case)[0]
        plans.save_draft(session, draft.id, anan, NOW, {"text": f"พบ {NAME}"})
        complete(session, draft.id, anan, NOW, Completion.of({"text": f"พบ {NAME} ที่งาน"}))
        comment(session, case.id, boss, later(1), body=f"{NAME} มาหรือไม่", key=None)
        comment(session, case.id, boss, later(2), body="ไม่เกี่ยว", key=None)
        attach(session, case.id, anan, later(3), GivenFile(f"{NAME}.txt", NAME.encode()), key=None)
        check = items_of(session, case)[0]
        if ended:
            finish(session, check.id, boss)
        queue_mail(session, Mail(f"m:{case.id}", "a@b.th", "เรื่อง", f"ถึง {NAME}"), NOW, case_id=None)
        queue(session, "pigeon", Dispatch(f"p:{case.id}", "anan", "เรื่อง", f"ถึง {NAME}"), NOW)
        person_id = session.scalars(select(Person.id)).first()
        session.add(Notification(person_id=person_id, kind="x", text_th=NAME, text_en="x", url="/", at=NOW))
        record_access(session, who(store, "seer"), NOW, Read("audit.searched", "/audit", details=f"text={NAME}"))
        return case.id


def a_case_with(session: Session, text: str) -> str:
    case = make_case(session)
    anan = actor_named(session, "anan", NOW.date())
    complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": text}))
    return case.id


def finish(session: Session, item_id: str, boss: Actor) -> None:
    work_items.claim(session, item_id, boss, later(4))
    complete(session, item_id, boss, later(5), Completion.of({"approved": True, "reason": "เห็นชอบ"}))


def ask(store: Store, *case_ids: str) -> int:
    with store.transaction() as session:
        found = erasure_search.find(session, who(store, "root"), NAME, case_ids=case_ids)
        records = [(one.case.id, one.record.seq) for one in found]
        return erasure_requests.ask(session, who(store, "root"), later(10), words=NAME, records=records, reason=WHY).id


def approve(store: Store, request_id: int) -> str:
    with store.transaction() as session:
        return erasure_requests.approve(session, request_id, who(store, "boss"), later(11)).state


def test_a_request_that_was_changed_past_its_record_is_decided_by_nobody(prepared: Store) -> None:
    """Whoever can write into the table makes it somebody else's request, or has it name other records, and decides it."""
    ended, other = a_case(prepared), a_case(prepared)
    request_id = ask(prepared, ended)
    for statement in (
        "UPDATE erasure_requests SET asked_by = 'boss'",
        "UPDATE erasure_requests SET asked_at = '2026-11-19T02:00:00.000000Z'",
        f"UPDATE erasure_items SET case_id = '{other}' WHERE seq = 2",  # noqa: S608
        "DELETE FROM erasure_items WHERE seq = 2",
    ):
        with prepared.transaction() as session:
            session.execute(text(statement))
            for decide in (erasure_requests.approve, erasure_requests.refuse):
                with pytest.raises(RequestForged):
                    decide(session, request_id, actor_named(session, "chief", NOW.date()), later(11))
            session.rollback()

    assert approve(prepared, request_id) == "DONE"
    with prepared.reading() as session:
        told = [(record.kind, record.actor) for record in session.scalars(select(AdminRecord))]
        said = " ".join(session.scalars(select(AdminRecord.changes)))
    assert told[-2:] == [("erasure.asked", "root"), ("erasure.approved", "boss")]
    assert NAME not in said


def raw_bytes(store: Store) -> bytes:
    path = Path(str(store.url.database))
    return b"".join(one.read_bytes() for one in sorted(path.parent.rglob("*")) if one.is_file())


def unpacked(raw: bytes) -> bytes:
    """Every zstd frame in the bytes, unpacked as far as it goes: personal data hide in packed states too."""
    found, place = [], raw.find(zstandard.FRAME_HEADER)
    while place >= 0:
        with suppress(zstandard.ZstdError):
            found.append(zstandard.ZstdDecompressor().decompressobj().decompress(raw[place:]))
        place = raw.find(zstandard.FRAME_HEADER, place + 1)
    return b"".join(found)


# ---- finding and asking ----------------------------------------------------------------------------------------


def test_words_are_found_in_whatever_was_typed(prepared: Store) -> None:
    case_id, other = a_case(prepared), a_case(prepared, ended=False)
    with prepared.reading() as session:
        found = erasure_search.find(session, who(prepared, "root"), NAME, case_ids=[case_id])
        everywhere = erasure_search.find(session, who(prepared, "root"), NAME)
        spaced = erasure_search.find(session, who(prepared, "root"), "นายสมชาย   ใจดี")

    assert [one.record.kind for one in found] == ["work_item.completed", "case.commented", "case.attached"]
    assert all("สมชาย" in one.excerpt for one in found)
    assert {one.case.id: one.must_wait for one in everywhere} == {case_id: False, other: True}
    assert len(spaced) == len(everywhere)


def test_words_with_signs_that_json_escapes_are_found(prepared: Store) -> None:
    case_id, words = a_case(prepared), 'ชื่อ "เล่น" \\ ก'
    with prepared.transaction() as session:
        comment(session, case_id, who(prepared, "boss"), later(6), body=f"พบ {words} ที่นี่", key=None)
    with prepared.reading() as session:
        assert [one.record.kind for one in erasure_search.find(session, who(prepared, "root"), words)] == [
            "case.commented"
        ]


def test_nobody_else_may_look_ask_or_decide(prepared: Store) -> None:
    case_id = a_case(prepared)
    request_id = ask(prepared, case_id)
    acts: list[Callable[[Session, Actor], object]] = [
        lambda session, actor: erasure_search.find(session, actor, NAME),
        lambda session, actor: erasure_requests.ask(
            session, actor, NOW, words=NAME, records=[(case_id, 2)], reason=WHY
        ),
        lambda session, actor: erasure_requests.approve(session, request_id, actor, NOW),
        lambda session, actor: erasure_requests.requests(session, actor),
    ]
    for username in ("anan", "seer"):
        actor = who(prepared, username)
        with prepared.transaction() as session:
            for act in acts:
                with pytest.raises(NotYourRole):
                    act(session, actor)
    with prepared.transaction() as session:
        make_office(session, "NE-U2", {})
        stranger = make_person(session, "far", "osm_director", office_id="NE-U2")
        assert erasure_search.find(session, stranger, NAME) == []
        with pytest.raises(NotFound):
            erasure_requests.approve(session, request_id, stranger, NOW)


def test_what_is_asked_must_make_sense(prepared: Store) -> None:
    case_id, root = a_case(prepared), who(prepared, "root")
    with prepared.transaction() as session:
        with pytest.raises(SubjectTooShort):
            erasure_search.find(session, root, " ก ")
        with pytest.raises(NothingChosen):
            erasure_requests.ask(session, root, NOW, words=NAME, records=[], reason=WHY)
        with pytest.raises(NothingChosen):
            erasure_requests.ask(session, root, NOW, words=NAME, records=[(case_id, 99)], reason=WHY)
        with pytest.raises(ReasonNamesSubject):
            erasure_requests.ask(session, root, NOW, words=NAME, records=[(case_id, 2)], reason=f"ลบ {NAME}")


def test_whoever_asked_does_not_decide(prepared: Store) -> None:
    request_id = ask(prepared, a_case(prepared))
    with prepared.transaction() as session, pytest.raises(FourEyes):
        erasure_requests.approve(session, request_id, who(prepared, "root"), NOW)
    with prepared.transaction() as session, pytest.raises(FourEyes):
        erasure_requests.approve(session, request_id, SYSTEM, NOW)
    assert approve(prepared, request_id) == "DONE"
    with prepared.transaction() as session, pytest.raises(AlreadyDecided):
        erasure_requests.approve(session, request_id, who(prepared, "chief"), NOW)


def test_another_account_of_whoever_asked_does_not_decide(prepared: Store) -> None:
    request_id = ask(prepared, a_case(prepared))
    with prepared.transaction() as session:
        say_one_person(session, "root", SYSTEM, NOW, other_username="chief")
    with prepared.transaction() as session, pytest.raises(FourEyes):
        erasure_requests.approve(session, request_id, who(prepared, "chief"), NOW)


def test_an_employee_number_goes_and_that_accounts_are_one_persons_stays(prepared: Store) -> None:
    with prepared.transaction() as session:
        set_number(session, "boss", SYSTEM, NOW, entered="ปค-41024")
        lock(session, "boss", SYSTEM, NOW)
        set_number(session, "chief", SYSTEM, NOW, entered="ปค-41024")
        case = session.get_one(Case, a_case_with(session, "เลขประจำตัว ปค ๔๑๐๒๔"))
        erase_in(session, case, SYSTEM, later(9), Erasure([2], WHY, words="ปค ๔๑๐๒๔"))
    with prepared.reading() as session:
        assert set(session.scalars(select(Person.employee_number))) == {None}
    assert who(prepared, "chief").usernames == {"boss", "chief"}


def test_a_refused_request_erases_nothing_and_forgets_the_words(prepared: Store) -> None:
    case_id = a_case(prepared)
    first, second = ask(prepared, case_id), ask(prepared, case_id)
    with prepared.transaction() as session:
        assert erasure_requests.refuse(session, first, who(prepared, "boss"), NOW).state == "REFUSED"
        assert erasure_requests.refuse(session, second, who(prepared, "root"), NOW).state == "WITHDRAWN"
    with prepared.reading() as session:
        assert session.scalars(select(ErasureRequest.subject)).all() == ["", ""]
        assert len(erasure_search.find(session, who(prepared, "root"), NAME)) == 3


# ---- what is left ----------------------------------------------------------------------------------------------


def test_after_an_erasure_every_chain_verifies_and_nothing_holds_the_words(prepared: Store, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys", "osm.example/journal")
    case_id = a_case(prepared, title=f"ร้องเรียนของ {NAME}")
    with prepared.transaction() as session:
        make_checkpoint(session, later(9), SYSTEM, keyring=keyring)
    assert approve(prepared, ask(prepared, case_id)) == "DONE"

    with prepared.reading() as session:
        assert verify_case(session, case_id) == []
        assert check_log(session, trusted=keyring.trusted()).faults == []
        assert remains(session, NAME) == {}
        case = session.get_one(Case, case_id)
        newest = session.get_one(JournalRecord, (case_id, case.seq))
        body = json.loads(
            session.execute(
                text("SELECT body FROM journal_payloads WHERE case_id = :id ORDER BY seq DESC LIMIT 1"), {"id": case_id}
            ).scalar_one()
        )["data"]
        document = json.dumps(exported(session, case_id), ensure_ascii=False)
    assert (newest.kind, newest.actor, newest.actor_role) == ("payloads.erased", "boss", "osm_director")
    assert (body["erased"], body["asked_by"], body["approved_by"]) == ([1, 2, 3, 5], "root", "boss")
    assert "สมชาย" not in document
    assert "สมชาย" not in case.title


def test_deep_verification_names_what_cannot_be_replayed(prepared: Store) -> None:
    case_id = a_case(prepared)
    approve(prepared, ask(prepared, case_id))

    with prepared.reading() as session:
        found = verify_deep(session, case_id)
    assert found.faults == []
    assert any("2" in note for note in found.notes)


def test_the_other_records_of_the_case_stay_as_they_were(prepared: Store) -> None:
    case_id = a_case(prepared)
    approve(prepared, ask(prepared, case_id))

    with prepared.reading() as session:
        kept = session.execute(
            text("SELECT seq FROM journal_payloads WHERE case_id = :id ORDER BY seq"), {"id": case_id}
        )
        assert [row.seq for row in kept] == [1, 4, 6, 7, 8]
        file = session.scalars(select(Attachment).where(Attachment.case_id == case_id)).one()
        assert (file.content, len(file.sha256), file.size) == (b"", 64, len(NAME.encode()))
        with pytest.raises(AttachmentNotFound):
            get_attachment(session, file.id, who(prepared, "boss"))
        state = session.get_one(CaseState, case_id)
        assert (state.snapshot, len(state.digest)) == (b"", 64)


def test_what_nobody_chose_stays(prepared: Store) -> None:
    """The words stand in two records more; whoever asked chose one, and that alone was approved."""
    case_id = a_case(prepared)
    with prepared.transaction() as session:
        request = erasure_requests.ask(
            session, who(prepared, "root"), later(10), words=NAME, records=[(case_id, 3)], reason=WHY
        )
        request_id = request.id
    assert approve(prepared, request_id) == "DONE"

    with prepared.reading() as session:
        kept = session.execute(
            text("SELECT seq FROM journal_payloads WHERE case_id = :id ORDER BY seq"), {"id": case_id}
        )
        assert [row.seq for row in kept] == [1, 2, 4, 5, 6, 7, 8]


def test_a_running_case_is_waited_for(prepared: Store) -> None:
    case_id = a_case(prepared, ended=False)
    request_id = ask(prepared, case_id)
    assert approve(prepared, request_id) == "APPROVED"
    assert carrying_out.carry_out_waiting(prepared, later(12), "me").done == 0
    boss = who(prepared, "boss")
    with prepared.transaction() as session:
        comment(session, case_id, boss, later(13), body=f"อีกครั้ง {NAME}", key=None)
        case = session.get_one(Case, case_id)
        finish(session, items_of(session, case)[0].id, boss)

    assert carrying_out.carry_out_waiting(prepared, later(14), "me").done == 2  # the case, and the file written anew
    with prepared.reading() as session:
        request = session.get_one(ErasureRequest, request_id)
        assert (request.state, request.subject, request.scrubbed_at) == ("DONE", "", later(14))
        assert remains(session, NAME) == {}
        assert verify_case(session, case_id) == []
    assert carrying_out.carry_out_waiting(prepared, later(15), "me").done == 0


def test_an_erasure_that_cannot_be_done_holds_up_no_other_and_no_sweep(
    prepared: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = a_case(prepared, ended=False), a_case(prepared, ended=False)
    approve(prepared, ask(prepared, broken))
    approve(prepared, ask(prepared, sound))
    boss = who(prepared, "boss")
    with prepared.transaction() as session:
        for case_id in (broken, sound):
            finish(session, items_of(session, session.get_one(Case, case_id))[0].id, boss)
    carry_out_in = carrying_out.carry_out_in

    def break_down(session: Session, request: ErasureRequest, case_id: str, actor: Actor, now: datetime) -> bool:
        if case_id == broken:
            raise ZeroDivisionError
        return carry_out_in(session, request, case_id, actor, now)

    monkeypatch.setattr(carrying_out, "carry_out_in", break_down)
    report = sweep_all(prepared, later(12), "me")
    monkeypatch.setattr(carrying_out, "carry_out_in", carry_out_in)

    assert (report.done["erasures"], report.unfinished) == (2, False)  # the sound case, and the file written anew
    assert sweep_all(prepared, later(13), "me").done["erasures"] == 2


def test_not_a_byte_of_it_is_left_in_the_file(sqlite_store: Store, request: pytest.FixtureRequest) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        for username, role in (
            ("anan", "osm_strategy"),
            ("boss", "osm_director"),
            ("root", "admin"),
            ("seer", "auditor"),
        ):
            make_person(session, username, role)
    case_ids = [a_case(sqlite_store, title=f"เรื่องที่ {number} {NAME}") for number in range(5)]
    marks = ["สมชาย".encode(), json.dumps("สมชาย")[1:-1].encode()]
    before = raw_bytes(sqlite_store)
    assert any(mark in before for mark in marks)
    assert "สมชาย".encode() in unpacked(before)

    approve(sqlite_store, ask(sqlite_store, *case_ids))
    assert carrying_out.scrub(sqlite_store, later(20)).done == 1
    assert delete_released(sqlite_store, later(20), "a").done == 1

    after = raw_bytes(sqlite_store)
    assert [mark for mark in marks if mark in after] == []
    assert [mark for mark in marks if mark in unpacked(after)] == []
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_in_use_is_cleared_later(sqlite_store: Store) -> None:
    with closing(sqlite3.connect(str(sqlite_store.url.database))) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM people").fetchone()
        with sqlite_store.transaction() as session:
            make_office(session)
        assert sqlite_store.compact() is False
    assert sqlite_store.compact() is True


# ---- what must be kept -----------------------------------------------------------------------------------------


def test_a_hold_on_the_case_stops_asking_and_doing(prepared: Store) -> None:
    case_id, root = a_case(prepared), who(prepared, "root")
    request_id = ask(prepared, case_id)
    with prepared.transaction() as session:
        hold = retention.hold_case(session, case_id, root, later(6), reason="คดีปกครอง")
        assert [
            (one.row.id, one.case and one.case.id, one.person) for one in retention.current_holds(session, SYSTEM)
        ] == [(hold.id, case_id, None)]
    for act in (lambda: approve(prepared, request_id), lambda: ask(prepared, case_id)):
        with pytest.raises(HeldByLaw):
            act()
    with prepared.transaction() as session:
        retention.lift_hold(session, hold.id, root, later(7), reason="คดีสิ้นสุด")

    assert approve(prepared, request_id) == "DONE"
    with prepared.reading() as session:
        kinds = session.scalars(
            select(JournalRecord.kind).where(JournalRecord.case_id == case_id).order_by(JournalRecord.seq)
        ).all()
        assert kinds[-3:] == ["case.held", "case.hold_lifted", "payloads.erased"]
        assert retention.current_holds(session, SYSTEM) == []
        with pytest.raises(retention.HoldNotFound):
            retention.lift_hold(session, hold.id, root, later(8), reason="อีกครั้ง")


def test_a_hold_on_a_person_keeps_what_they_wrote(prepared: Store) -> None:
    case_id, root = a_case(prepared), who(prepared, "root")
    with prepared.transaction() as session:
        retention.hold_person(session, "boss", root, NOW, reason="สอบสวน")
        held = retention.current_holds(session, SYSTEM)
        assert [(one.case, one.person and one.person.username) for one in held] == [(None, "boss")]
    with prepared.reading() as session:
        held = {one.record.seq: one.is_held for one in erasure_search.find(session, root, NAME)}
    assert held == {2: False, 3: True, 5: False}
    with prepared.transaction() as session:
        with pytest.raises(HeldByLaw):
            erasure_requests.ask(session, root, NOW, words="", records=[(case_id, 3)], reason=WHY)
        erasure_requests.ask(session, root, NOW, words="", records=[(case_id, 2)], reason=WHY)


def test_cases_come_of_age(prepared: Store) -> None:
    case_id, root = a_case(prepared), who(prepared, "root")
    old = NOW + timedelta(days=3653)
    with prepared.transaction() as session:
        assert retention.due_cases(session, root, NOW + timedelta(days=3600)) == []
        (due,) = retention.due_cases(session, root, old)
        assert (due.case.id, due.retention.key, due.since.year, due.is_held) == (case_id, "10y", 2036, False)
        records = [(one.case.id, one.record.seq) for one in erasure_search.records_of(session, root, [case_id])]
        assert len(records) == 7
        request_id = erasure_requests.ask(session, root, old, words="", records=records, reason="ครบ 10 ปี").id
    approve(prepared, request_id)

    with prepared.reading() as session:
        assert retention.due_cases(session, root, old) == []
        assert verify_case(session, case_id) == []
        assert remains(session, "สมชาย", besides=["outbox", "notifications", "accesses"]) == {}


def test_the_office_of_a_request_is_the_one_of_its_cases(prepared: Store) -> None:
    request_id = ask(prepared, a_case(prepared))
    with prepared.reading() as session:
        page = erasure_requests.requests(session, who(prepared, "boss"), state="ASKED")
        assert [(one.id, one.office_id) for one in page.items] == [(request_id, OFFICE)]
        assert [one.record.seq for one in erasure_requests.shown(session, page.items[0])] == [2, 3, 5]


def test_lists_of_who_attended_go_earlier_than_the_rest(prepared: Store) -> None:
    """An element with a class of its own: its records come of age alone."""
    xml = files("review")["review.bpmn"].decode()
    name = '<camunda:property name="retention" value="2y-anonymise" />'
    place = xml.index(">", xml.index('id="draft"')) + 1
    extended = f"<bpmn:extensionElements><camunda:properties>{name}</camunda:properties></bpmn:extensionElements>"
    with prepared.transaction() as session:
        deploy(
            session, {**files("review"), "review.bpmn": (xml[:place] + extended + xml[place:]).encode()}, SYSTEM, NOW
        )
    case_id, root = a_case(prepared), who(prepared, "root")
    after_two, after_ten = NOW + timedelta(days=740), NOW + timedelta(days=3660)

    with prepared.reading() as session:
        assert retention.due_cases(session, root, NOW + timedelta(days=700)) == []
        (due,) = retention.due_cases(session, root, after_two)
        assert (due.elements, due.retention.key, due.retention.then) == (("draft",), "2y-anonymise", "anonymise")
        found = erasure_search.records_due(session, root, after_two, [case_id])
        assert [one.record.seq for one in found] == [2]
        (due,) = retention.due_cases(session, root, after_ten)
        assert (due.elements, due.retention.key) == ((), "10y")
