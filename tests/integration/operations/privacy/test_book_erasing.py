"""What books say of a person is erased by two people: everywhere, only as an entry says, and every check still holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import Decision, NotYourRole
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.errors import NotFound
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.books import corrections
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.corrections import CorrectionDecided, NewCorrection
from osm_flow.operations.books.record_types import every_type
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.kept_files.tidying import delete_released
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import (
    book_erasing,
    book_retention,
    carrying_out,
    erasure_requests,
    erasure_search,
    retention,
)
from osm_flow.operations.privacy.book_texts import PERSONAL, TextName, read_text
from osm_flow.operations.privacy.erasure_requests import AlreadyDecided, NothingChosen
from osm_flow.operations.privacy.retention import HeldByLaw
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.acts import register, revise
from osm_flow.operations.projects.project_files import NewPhoto, ProjectFileNotFound
from osm_flow.operations.projects.record_type import KIND, book_of
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store import file_store
from osm_flow.store.models import BookEntry, Case, ChangeBody, ErasureRequest, RecordChange
from osm_flow.store.session import Store
from tests.factories import (
    NOW,
    OFFICE,
    deploy_tests,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
    make_project,
)
from tests.integration.operations.comparing.conftest import table_named, vandal
from tests.integration.operations.privacy.test_erasure_requests import a_case, a_case_with, finish
from tests.pictures import photo
from tests.together import at_once
from tests.traces import remains

__all__ = ["vandal"]

NAME = "นายสมชาย ใจดี"
PHONE = "081-234-5678"
BOOK = book_of(OFFICE, 2571)
CONTACT: JSON = {"contact_name": NAME, "contact_phone": PHONE, "contact_email": "somchai@example.go.th"}
CHANGE = BookAct(BookActKind.changed, {"record": "P1"})


def who(store: Store, username: str) -> Actor:
    with store.reading() as session:
        return actor_named(session, username, NOW.date())


@pytest.fixture
def prepared(store: Store) -> Store:
    """P1 with two versions that name the person, a reason and a waiting correction that do; P2 names somebody else."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        for username, role in (
            ("anan", "osm_strategy"),
            ("boss", "osm_director"),
            ("root", "admin"),
            ("seer", "auditor"),
        ):
            make_person(session, username, role)
        make_project(session, "P1", **CONTACT)
        make_project(session, "P2", contact_name="นางสมศรี")
        because = BookAct(BookActKind.corrected, {"record": "P1"}, reason=f"{NAME} แจ้งว่าผิด")
        revise(session, BOOK, because, SYSTEM, later(1), {"P1": {"requested": 2000}})
        anan = actor_named(session, "anan", NOW.date())
        asked = NewCorrection({"name": f"ถนนของ {NAME}"}, 2, "พิมพ์ผิด")
        corrections.correct(session, BOOK, anan, later(2), "P1", asked, Decision(True))
        record_as_found(session, later(3))
    return store


def names_found(store: Store, words: str = NAME) -> list[TextName]:
    with store.reading() as session:
        return [found.text.name for found in erasure_search.find_texts(session, who(store, "root"), words)]


def ask(store: Store, names: list[TextName] | None = None, case_id: str = "", words: str = NAME) -> int:
    with store.transaction() as session:
        root = actor_named(session, "root", NOW.date())
        records = erasure_search.find(session, root, words, case_ids=[case_id]) if case_id else []
        return erasure_requests.ask(
            session,
            root,
            later(10),
            words=words,
            records=[(one.case.id, one.record.seq) for one in records],
            reason="คำขอของเจ้าของข้อมูล เลขที่ 12",
            texts=names_found(store, words) if names is None else names,
        ).id


def approve(store: Store, request_id: int) -> str:
    with store.transaction() as session:
        return erasure_requests.approve(session, request_id, who(store, "boss"), later(11)).state


def faults(store: Store) -> list[str]:
    with store.reading() as session:
        of_cases = [str(fault) for _, found in verify_all(session) for fault in found]
        return [*of_cases, *map(str, check_books(session).faults), *(one.en for one in compare(session))]


def test_names_numbers_and_addresses_are_found_however_they_are_written(prepared: Store) -> None:
    texts = [(name.seq, name.part, name.record) for name in names_found(prepared)]
    assert texts == [(1, "personal", "P1"), (3, "personal", "P1"), (3, "reason", ""), (4, "proposal", "P1")]
    halves = [texts[0], texts[1]]
    for words in ("0812345678", "๐๘๑ ๒๓๔ ๕๖๗๘", PHONE, "somchai@EXAMPLE.go.th"):
        assert [(name.seq, name.part, name.record) for name in names_found(prepared, words)] == halves, words
    with prepared.reading() as session:
        anan = who(prepared, "anan")
        with pytest.raises(NotYourRole):
            erasure_search.find_texts(session, anan, NAME)


def test_every_copy_goes_and_every_check_holds(prepared: Store, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys", "osm.example/journal")
    case_id = a_case(prepared)
    with prepared.transaction() as session:
        make_checkpoint(session, later(9), SYSTEM, keyring=keyring)

    assert approve(prepared, ask(prepared, case_id=case_id)) == "DONE"

    assert faults(prepared) == []
    with prepared.reading() as session:
        assert remains(session, NAME) == {}
        assert remains(session, PHONE) == {}
        assert check_log(session, trusted=keyring.trusted()).faults == []
        halves = session.execute(select(ChangeBody.record_id, ChangeBody.personal, ChangeBody.personal_salt)).all()
        assert [(row[1], row[2]) for row in halves if row[0] == "P1"] == [("", ""), ("", "")]
        assert ["สมศรี" in row[1] for row in halves if row[0] == "P2"] == [True]
        assert [version.is_erased for version in versions_of(session, KIND, "P1")] == [True, True]
        entry = session.scalars(select(BookEntry).where(BookEntry.act == "erased")).one()
        told = json.loads(entry.told)
        assert (told["erased"], told["erased_reasons"], told["erased_proposals"]) == ({"P1": [1, 2]}, [3], [4])
        assert (entry.actor, told["asked_by"], told["approved_by"]) == ("boss", "root", "boss")
        assert json.loads(entry.cause) == {"request": 1}
    with prepared.transaction() as session, pytest.raises(CorrectionDecided):
        corrections.confirm(session, BOOK, 4, who(prepared, "boss"), later(12), "P1", Decision(True))


def test_a_version_written_after_it_says_no_more_of_the_person(prepared: Store) -> None:
    approve(prepared, ask(prepared))
    with prepared.transaction() as session:
        revise(session, BOOK, CHANGE, SYSTEM, later(12), {"P1": {"requested": 3000}})

    assert faults(prepared) == []
    with prepared.reading() as session:
        assert "contact_name" not in versions_of(session, KIND, "P1")[-1].values
        assert remains(session, NAME) == {}


def test_a_write_beside_it_brings_nothing_back(prepared: Store) -> None:
    request_id = ask(prepared)

    def write() -> None:
        with prepared.transaction() as session:
            revise(session, BOOK, CHANGE, SYSTEM, later(11), {"P1": {"requested": 3000}})

    at_once(write, lambda: approve(prepared, request_id))

    with prepared.reading() as session:
        left = remains(session, NAME)
        newest = versions_of(session, KIND, "P1")[-1]
    # Whoever was first: the version of the other either copies nothing, or came before and goes with the rest.
    assert (left, newest.values.get("contact_name")) == ({}, None)
    assert faults(prepared) == []


def test_what_a_running_case_writes_meanwhile_goes_when_it_ends(prepared: Store) -> None:
    with prepared.transaction() as session:
        case_id = a_case_with(session, f"พบ {NAME}")
    request_id = ask(prepared, names_found(prepared), case_id)
    assert approve(prepared, request_id) == "APPROVED"
    with prepared.transaction() as session:
        act = BookAct(BookActKind.registered, {"case": case_id, "seq": 3})
        register(session, BOOK, act, SYSTEM, later(12), {"P3": {"name": "สาม", "agency": "อบต.", **CONTACT}})
        case = session.get_one(Case, case_id)
        finish(session, items_of(session, case)[0].id, who(prepared, "boss"))

    carrying_out.carry_out_waiting(prepared, later(14), "me")

    with prepared.reading() as session:
        assert session.get_one(ErasureRequest, request_id).state == "DONE"
        assert remains(session, NAME) == {}
    assert faults(prepared) == []


def test_half_an_erasure_is_none_and_twice_is_once(prepared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = ask(prepared), ask(prepared)
    monkeypatch.setattr(book_erasing, "_project", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        approve(prepared, first)
    monkeypatch.undo()
    assert len(names_found(prepared)) == 4
    assert faults(prepared) == []

    assert approve(prepared, first) == "DONE"
    with pytest.raises(AlreadyDecided):
        approve(prepared, first)
    assert approve(prepared, second) == "DONE"  # nothing is left that it names

    with prepared.reading() as session:
        assert len(session.scalars(select(BookEntry).where(BookEntry.act == "erased")).all()) == 1
    assert faults(prepared) == []


def test_what_is_not_there_cannot_be_asked_for(prepared: Store) -> None:
    for name in (TextName(str(BOOK), 1, PERSONAL, "P2"), TextName("projects/NE-U1/2590", 1, PERSONAL, "P1")):
        with pytest.raises(NothingChosen):
            ask(prepared, [name])
    for spelled in ("", "P1", "projects/NE-U1/2571:x:personal:P1", "projects/NE-U1/2571:1:body:P1", "x:1:reason:"):
        assert read_text(spelled) is None
    assert [read_text(str(name)) for name in names_found(prepared)] == names_found(prepared)


@pytest.mark.parametrize("kind", ["case", "person", "record", "book"])
def test_what_is_held_stays(prepared: Store, kind: str) -> None:
    root = who(prepared, "root")
    with prepared.transaction() as session:
        case = make_case(session)
        act = BookAct(BookActKind.changed, {"case": case.id, "seq": 1})
        revise(session, BOOK, act, actor_named(session, "anan", NOW.date()), later(3), {"P1": {"requested": 3000}})
        case_id = case.id
    request_id = ask(prepared)
    with prepared.transaction() as session:
        if kind == "case":
            held = retention.hold_case(session, case_id, root, later(4), reason="คดี")
        elif kind == "person":
            held = retention.hold_person(session, "anan", root, later(4), reason="คดี")
        else:
            record = "P1" if kind == "record" else None
            held = retention.hold_in_books(session, (str(BOOK), record), root, later(4), reason="คดี")
        hold_id = held.id
    with pytest.raises(HeldByLaw):
        approve(prepared, request_id)
    with pytest.raises(HeldByLaw):
        ask(prepared)
    assert faults(prepared) == []
    with prepared.transaction() as session:
        assert len(retention.current_holds(session, root)) == 1
        retention.lift_hold(session, hold_id, root, later(5), reason="จบ")

    assert approve(prepared, request_id) == "DONE"
    assert faults(prepared) == []


REFUSED = {
    "a half without an entry": "UPDATE change_bodies SET personal = '', personal_salt = '' WHERE record_id = 'P2'",
    "half of a half": "UPDATE change_bodies SET personal_salt = '' WHERE record_id = 'P1' AND version = 1",
    "other words": "UPDATE change_bodies SET personal = '{}', personal_salt = '' WHERE record_id = 'P1' AND version = 1",
    "the ordinary half with it": "UPDATE change_bodies SET personal = '', personal_salt = '', body = '{}' WHERE version = 1",
    "a reason without an entry": "DELETE FROM entry_reasons WHERE seq = 4",
    "a reason of other words": "UPDATE entry_reasons SET reason = '' WHERE seq = 3",
    "a correction without an entry": "UPDATE corrections SET salt = '', changes = '' WHERE seq = 4",
    "a correction of other words": "UPDATE corrections SET changes = '{}' WHERE seq = 4",
    "a correction decided anew": "UPDATE corrections SET decided_seq = 1 WHERE seq = 4 AND decided_seq IS NOT NULL",
    "a correction taken out": "DELETE FROM corrections",
    "a later version": "UPDATE change_bodies SET personal = '', personal_salt = '' WHERE record_id = 'P1' AND version = 3",
}


@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_the_database_lets_go_what_an_entry_names_and_nothing_else(prepared: Store, statement: str) -> None:
    """An entry names versions 1 and 2 of P1 and the reason of entry 3, nothing of entry 4."""
    with prepared.transaction() as session:
        told = {"erased": {"P1": [1, 2, 3], "P3": [1]}, "erased_reasons": [3]}
        act = BookAct(BookActKind.erased, {"request": 1}, told=told)
        corrections.withdraw(session, BOOK, 4, who(prepared, "boss"), later(4), "", Decision(True))
        register(session, BOOK, act, SYSTEM, later(5), {})
        revise(session, BOOK, CHANGE, SYSTEM, later(6), {"P1": {"requested": 9}})
    with pytest.raises(DBAPIError, match="append-only"), prepared.engine.begin() as connection:
        connection.execute(text(statement))

    with prepared.engine.begin() as connection:
        gone = "UPDATE change_bodies SET personal = '', personal_salt = '' WHERE record_id = 'P1' AND version < 3"
        assert connection.execute(text(gone)).rowcount == 2
        assert connection.execute(text("DELETE FROM entry_reasons WHERE seq = 3")).rowcount == 1


def test_an_erasure_of_a_correction_excuses_nothing_else(prepared: Store, vandal: Callable[[Store], Any]) -> None:
    """Whoever has the database in hand blanks a correction, or puts one back that was erased: told."""
    rows = table_named("corrections")
    with vandal(prepared) as at_work:
        at_work.change(rows, {"seq": 4}, salt="", changes="")
        assert [fault.code for fault in check_books(at_work.session).faults] == ["proposal"]
    approve(prepared, ask(prepared))
    with vandal(prepared) as at_work:
        at_work.change(rows, {"seq": 4}, salt="00" * 16, changes="{}")
        assert [fault.code for fault in check_books(at_work.session).faults] == ["erased"]
    with vandal(prepared) as at_work:
        at_work.change(rows, {"seq": 4}, decided_seq=None)
        assert [fault.code for fault in check_books(at_work.session).faults] == ["proposal"]


def test_a_request_whose_texts_were_changed_is_decided_by_nobody(
    prepared: Store, vandal: Callable[[Store], Any]
) -> None:
    request_id = ask(prepared, names_found(prepared)[:1])
    with vandal(prepared) as at_work:
        at_work.change(table_named("erasure_texts"), {"seq": 1}, seq=3)
        at_work.session.expire_all()
        with pytest.raises(erasure_requests.RequestForged):
            erasure_requests.approve(at_work.session, request_id, who(prepared, "boss"), later(11))
        assert [one.table for one in compare(at_work.session) if one.table != "(schema)"] == ["erasure_requests"]


def test_what_closed_records_say_of_people_comes_of_age(prepared: Store) -> None:
    root, then = who(prepared, "root"), NOW + timedelta(days=5 * 366)
    assert every_type()[0].kind
    for type_ in every_type():  # what names people is due some day
        assert not type_.schema.personal or type_.personal_kept.years
    with prepared.transaction() as session:
        revise(session, BOOK, CHANGE, SYSTEM, later(4), {"P1": {"state": "closed"}})
        revise(session, BOOK, CHANGE, SYSTEM, then, {"P1": {"requested": 9}})  # it was closed before
    with prepared.reading() as session:
        assert book_retention.due_records(session, root, NOW + timedelta(days=365 * 5 - 10)) == []
        (due,) = book_retention.due_records(session, root, then)
    assert (due.record, due.is_held, [text.version for text in due.texts]) == ("P1", False, [1, 2, 3, 4])
    with prepared.transaction() as session:
        retention.hold_in_books(session, (str(BOOK), None), root, then, reason="คดี")
        assert [one.is_held for one in book_retention.due_records(session, root, then)] == [True]
        retention.lift_hold(session, retention.current_holds(session, root)[0].row.id, root, then, reason="จบ")
        names = [text.name for text in due.texts]
        asked = erasure_requests.ask(session, root, then, words="", records=[], reason="ครบ 5 ปี", texts=names).id

    with prepared.transaction() as session:
        assert erasure_requests.approve(session, asked, who(prepared, "boss"), then).state == "DONE"

    with prepared.reading() as session:
        assert book_retention.due_records(session, root, then) == []
        assert remains(session, PHONE) == {}
    assert faults(prepared) == []


# ---- photos and papers -----------------------------------------------------------------------------------------


def add_file(store: Store, code: str = "P1", caption: str = f"{NAME} ส่งมอบงาน", name: str = "anan") -> str:
    """A photo of a project by its digest; the same bytes each time."""
    with store.transaction() as session:
        given, about = GivenFile("IMG_1.jpg", photo("JPEG")), NewPhoto("before", None, caption)
        row = project_files.add_photo(session, code, who(store, name), later(5), given, about, key=None)
        return row["sha256"] if row else ""


def files_of_record(store: Store, code: str = "P1") -> list[TextName]:
    with store.reading() as session:
        return [one.text.name for one in erasure_search.files_to_erase(session, who(store, "root"), code)]


def test_a_photo_goes_with_its_small_picture_unless_something_else_names_it(prepared: Store) -> None:
    digest = add_file(prepared)
    add_file(prepared, "P2")
    with prepared.reading() as session:
        preview = (values_of(session, KIND, "P1") or {})["photos"][0]["preview"]
        boss = who(prepared, "boss")

    for code, left in (("P1", [digest, preview]), ("P2", [None, None])):
        names = files_of_record(prepared, code)
        assert [read_text(str(name)) for name in names] == names
        assert approve(prepared, ask(prepared, names, words="")) == "DONE"
        delete_released(prepared, later(12), "a")
        with prepared.reading() as session:
            assert [file_store.found(session, one) for one in (digest, preview)] == left
            assert "photos" not in (values_of(session, KIND, code) or {})
            entry = session.scalars(select(BookEntry).order_by(BookEntry.seq.desc())).first()
            assert entry is not None
            told = json.loads(entry.told)
            assert (entry.act, entry.actor, entry.actor_role) == ("erased", "boss", "osm_director")
            assert told["erased_files"] == {code: sorted([digest, preview])}
            assert (told["asked_by"], told["approved_by"]) == ("root", "boss")
            with pytest.raises(ProjectFileNotFound):
                project_files.read_file(session, code, digest, boss)
        assert files_of_record(prepared, code) == []
        with pytest.raises(NothingChosen):
            ask(prepared, names, words="")
        assert faults(prepared) == []


def test_a_photo_is_found_by_its_caption_and_one_taken_back_goes_too(prepared: Store) -> None:
    digest = add_file(prepared)
    with prepared.transaction() as session:
        project_files.take_back(session, "P1", digest, who(prepared, "anan"), later(6), reason="ภาพไม่ชัด")
    found = [name for name in names_found(prepared) if name.part == "file"]
    assert found == files_of_record(prepared)
    with prepared.reading() as session:
        assert names_found(prepared, digest[:12]) == []
        before = values_of(session, KIND, "P1")

    assert approve(prepared, ask(prepared, found, words="")) == "DONE"

    with prepared.reading() as session:
        assert values_of(session, KIND, "P1") == before
        assert versions_of(session, KIND, "P1")[-1].act == "file_taken_back"
    assert faults(prepared) == []


def test_a_photo_and_what_names_its_people_go_in_one_act(prepared: Store) -> None:
    add_file(prepared)
    names = [*files_of_record(prepared), *(name for name in names_found(prepared) if name.part == PERSONAL)]

    assert approve(prepared, ask(prepared, names, words=PHONE)) == "DONE"

    with prepared.reading() as session:
        newest = versions_of(session, KIND, "P1")[-1]
        assert (newest.act, "contact_name" in newest.values, "photos" in newest.values) == ("erased", False, False)
        assert remains(session, PHONE) == {}
    assert faults(prepared) == []


@pytest.mark.parametrize("kind", ["book", "record", "person"])
def test_a_photo_that_is_held_stays_whole(prepared: Store, kind: str) -> None:
    add_file(prepared, "P2")
    root, names = who(prepared, "root"), files_of_record(prepared, "P2")
    request_id = ask(prepared, names, words="")
    with prepared.transaction() as session:
        if kind == "person":
            retention.hold_person(session, "anan", root, later(6), reason="คดี")
        else:
            place = (str(BOOK), "P2" if kind == "record" else None)
            retention.hold_in_books(session, place, root, later(6), reason="คดี")

    with pytest.raises(HeldByLaw):
        approve(prepared, request_id)
    with pytest.raises(HeldByLaw):
        ask(prepared, names, words="")

    assert files_of_record(prepared, "P2") == names
    with prepared.reading() as session:
        (row,) = (values_of(session, KIND, "P2") or {})["photos"]
        assert file_store.found(session, row["sha256"]) == row["sha256"]
    assert faults(prepared) == []


def test_half_an_erasure_of_a_photo_leaves_it_whole(prepared: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = add_file(prepared)
    request_id = ask(prepared, files_of_record(prepared), words="")
    monkeypatch.setattr(book_erasing, "let_go", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        approve(prepared, request_id)
    monkeypatch.undo()

    with prepared.reading() as session:
        assert file_store.found(session, digest) == digest
    assert faults(prepared) == []
    assert approve(prepared, request_id) == "DONE"


def test_photos_of_others_are_asked_for_by_nobody_else(prepared: Store) -> None:
    add_file(prepared)
    with prepared.transaction() as session:
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_person(session, "other", "osm_director", office_id="NE-U2")
    names = files_of_record(prepared)
    with prepared.transaction() as session:
        other = actor_named(session, "other", NOW.date())
        with pytest.raises(retention.RecordToHoldUnknown):
            erasure_search.files_to_erase(session, other, "P1")
        with pytest.raises(NotYourRole):
            erasure_search.files_to_erase(session, who(prepared, "anan"), "P1")
        with pytest.raises(NotFound):
            erasure_requests.ask(session, other, later(7), words="", records=[], reason="คำขอ", texts=names)


def test_photos_of_closed_records_come_of_age_after_ten_years(prepared: Store) -> None:
    add_file(prepared, "P2", "ภาพ")
    root = who(prepared, "root")
    with prepared.transaction() as session:
        revise(session, BOOK, CHANGE, SYSTEM, later(6), {"P2": {"state": "closed"}})
    with prepared.reading() as session:
        for years, parts in ((4, []), (6, ["personal"]), (11, ["personal", "file"])):
            due = book_retention.due_records(session, root, NOW + timedelta(days=years * 366))
            assert [one.part for one in due if one.record == "P2"] == parts
        assert {one.key for one in due} == {f"{BOOK}:P2:personal", f"{BOOK}:P2:file"}


def test_erasing_in_a_case_tells_of_the_copies_in_books(prepared: Store) -> None:
    with prepared.transaction() as session:
        case_id = a_case_with(session, f"พบ {NAME}")
        act = BookAct(BookActKind.registered, {"case": case_id, "seq": 3})
        register(session, BOOK, act, SYSTEM, later(3), {"P3": {"name": "สาม", "agency": "อบต.", **CONTACT}})
    request_id = ask(prepared, [], case_id)
    with prepared.reading() as session:
        request = session.get_one(ErasureRequest, request_id)
        copies = erasure_requests.copies_in_books(session, request)
        assert [(one.text.record, one.text.version) for one in copies] == [("P3", 1)]
        assert session.scalar(select(RecordChange.seq).where(RecordChange.record_id == "P3")) == copies[0].text.name.seq
