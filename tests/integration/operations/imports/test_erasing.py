"""Words in uploaded lists are found and erased by two people: the file, the choices and the rows left aside, nothing else."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.retention import GONE
from osm_flow.errors import NotFound
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.imports import acts, queries
from osm_flow.operations.imports.acts import KEEP_FILES
from osm_flow.operations.imports.list_files import ImportFileGone
from osm_flow.operations.kept_files.tidying import delete_released
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import carrying_out, erasure_requests, erasure_search, retention
from osm_flow.operations.privacy.erasure_requests import FourEyes, NothingChosen
from osm_flow.operations.privacy.retention import HeldByLaw
from osm_flow.operations.projects.record_type import KIND
from osm_flow.operations.sweeps import sweep_all
from osm_flow.store import file_store
from osm_flow.store.models import AdminRecord, BookEntry, ErasureRequest, ImportFile, ImportLeftRow, KeptFile
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_office, make_person
from tests.integration.operations.imports.conftest import Importing
from tests.together import at_once
from tests.traces import remains
from tests.workbooks import HEAD, workbook

NAME = "นายสมชาย ใจดี"
OTHER = "นางสมศรี มีสุข"
# The second row is refused: nobody carries it out. So is the third.
ROWS = [
    ("โครงการถนน", "แขวงทางหลวง", "อุดรธานี", 2571, 100, "", ""),
    (f"บ้านของ {NAME}", "", "อุดรธานี", 2571, 100, "", 812345678),
    ("โครงการอื่น", "", "อุดรธานี", 2571, 100, "นายสมชาย", "ใจดี"),
    (f"บ้านของ {OTHER}", "", "อุดรธานี", 2571, 100, "", ""),
]
WIDE = (*HEAD, "ชื่อ", "สกุล")


@pytest.fixture
def begun(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session, OFFICE, {"TH-41": "อุดรธานี"})
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        for name, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("root", "admin")):
            make_person(session, name, role)
        make_person(session, "other", "osm_director", office_id="NE-U2")
        record_as_found(session, NOW)
    return store


def who(store: Store, name: str) -> Actor:
    with store.reading() as session:
        return actor_named(session, name, NOW.date())


def bring_in(store: Store, *, confirm: bool = True) -> int:
    """A list whose first row is imported and whose others are left aside, if it is confirmed."""
    with store.transaction() as session:
        importing = Importing(session, who(store, "anan"))
        row = importing.upload_file(workbook([WIDE, *ROWS]), f"บัญชี {NAME}.xlsx")
        if confirm:
            importing.confirm(row, later(1))
        return row.id


def found(store: Store, words: str = NAME, name: str = "root") -> list[tuple[int, bool, int]]:
    with store.reading() as session:
        lists = erasure_search.find_lists(session, who(store, name), words)
        return [(one.found.row.id, one.found.in_file, one.found.in_rows) for one in lists]


def ask(store: Store, *numbers: int, words: str = NAME, name: str = "root") -> int:
    with store.transaction() as session:
        actor, reason = actor_named(session, name, NOW.date()), "คำขอของเจ้าของข้อมูล เลขที่ 12"
        return erasure_requests.ask(
            session,
            actor,
            later(10),
            words=words,
            records=[],
            reason=reason,
            texts=list(map(erasure_search.ListName, numbers)),
        ).id


def approve(store: Store, request_id: int, name: str = "boss") -> str:
    with store.transaction() as session:
        return erasure_requests.approve(session, request_id, who(store, name), later(11)).state


def faults(store: Store) -> list[str]:
    with store.reading() as session:
        return [*map(str, check_books(session).faults), *(one.en for one in compare(session))]


def test_words_are_found_in_files_names_and_rows_left_aside(begun: Store) -> None:
    number = bring_in(begun)
    assert found(begun) == [(number, True, 2)]  # once in one cell, once in two
    assert found(begun, OTHER) == [(number, True, 1)]
    assert found(begun, "0812345678") == [(number, True, 1)]  # a cell that is a number has lost the nought
    assert found(begun, "๘๑๒-๓๔๕ ๖๗๘") == [(number, True, 1)]
    assert found(begun, "แขวงทางหลวง") == [(number, True, 0)]
    assert found(begun, "ไม่มีใครชื่อนี้") == []
    assert found(begun, NAME, "other") == []
    with pytest.raises(NotYourRole):
        found(begun, NAME, "anan")


def test_file_choices_and_rows_with_the_words_go_and_the_book_says_so(begun: Store) -> None:
    number = bring_in(begun)
    request_id = ask(begun, number)
    with pytest.raises(FourEyes):
        approve(begun, request_id, "root")

    assert approve(begun, request_id) == "DONE"
    delete_released(begun, later(12), "a")

    with begun.reading() as session:
        row = session.get_one(ImportFile, number)
        assert (row.file, row.content, row.choices, row.filename) == (None, None, "{}", GONE)
        assert session.scalars(select(KeptFile)).all() == []
        left = session.scalars(select(ImportLeftRow).order_by(ImportLeftRow.row)).all()
        assert [json.loads(one.cells)[0][1] == GONE for one in left] == [True, True, False]
        assert remains(session, NAME) == {}
        entry = session.scalars(select(BookEntry).order_by(BookEntry.seq.desc())).first()
        assert entry is not None
        told = json.loads(entry.told)
        assert (entry.act, entry.actor, json.loads(entry.cause)) == ("erased", "boss", {"request": request_id})
        assert told == {
            "erased_list": number,
            "erased_rows": 2,
            "request": 1,
            "asked_by": "root",
            "approved_by": "boss",
        }
        asked, approved = session.scalars(
            select(AdminRecord.changes).where(AdminRecord.kind.like("erasure.%")).order_by(AdminRecord.seq)
        )
        assert [json.loads(one)["lists"]["new"] for one in (asked, approved)] == [str(number)] * 2
        (imported,) = queries.imported(session, who(begun, "anan"), KIND)
        assert (imported.added, imported.file.filename if imported.file else "") == (1, GONE)
    assert found(begun) == []
    assert found(begun, OTHER) == [(number, False, 1)]
    assert faults(begun) == []
    with begun.transaction() as session:  # what the books say is taken back all the same
        assert acts.take_back(session, number, who(begun, "anan"), later(13), "ผิด") == 1


def test_twice_is_once_and_the_rows_of_somebody_else_go_later(begun: Store) -> None:
    number = bring_in(begun)
    first, second = ask(begun, number), ask(begun, number)
    assert approve(begun, first) == "DONE"
    assert approve(begun, second) == "DONE"
    with begun.reading() as session:
        assert len(session.scalars(select(BookEntry).where(BookEntry.act == "erased")).all()) == 1
    with pytest.raises(NothingChosen):
        ask(begun, number)
    with pytest.raises(NothingChosen):
        ask(begun, number + 1)

    assert approve(begun, ask(begun, number, words=OTHER)) == "DONE"
    with begun.reading() as session:
        assert remains(session, OTHER) == {}
    assert faults(begun) == []


def test_a_list_that_nobody_confirmed_goes_and_cannot_be_confirmed_by_who_had_read_it(begun: Store) -> None:
    number = bring_in(begun, confirm=False)
    anan = who(begun, "anan")
    with begun.reading() as session:
        read = queries.read(session, number, anan)
        seen = queries.preview(session, number, anan).digest
    assert approve(begun, ask(begun, number)) == "DONE"

    with begun.transaction() as session, pytest.raises(ImportFileGone):
        acts.confirm(session, number, anan, later(12), seen, read)
    with begun.reading() as session:
        assert queries.waiting(session, anan, KIND) == []
        assert remains(session, NAME) == {}
        with pytest.raises(ImportFileGone):
            queries.preview(session, number, anan)
    assert faults(begun) == []
    sweep_all(begun, later(1) + KEEP_FILES + timedelta(days=1), "me")
    with begun.reading() as session:
        assert session.get(ImportFile, number) is None
    assert faults(begun) == []


def test_confirming_beside_it_writes_nothing_of_it_down_again(begun: Store) -> None:
    number = bring_in(begun, confirm=False)
    anan, request_id = who(begun, "anan"), ask(begun, number)
    with begun.reading() as session:
        read = queries.read(session, number, anan)
        seen = queries.preview(session, number, anan).digest

    def confirm() -> None:
        with begun.transaction() as session:
            try:
                acts.confirm(session, number, anan, later(12), seen, read)
            except ImportFileGone:
                session.rollback()

    at_once(confirm, lambda: approve(begun, request_id))

    with begun.reading() as session:
        assert remains(session, NAME) == {}
    assert faults(begun) == []


@pytest.mark.parametrize("kind", ["person", "book", "record"])
def test_a_list_that_is_held_stays_whole_beyond_its_days(begun: Store, kind: str) -> None:
    number, root = bring_in(begun), who(begun, "root")
    request_id = ask(begun, number)
    with begun.transaction() as session:
        entry, book = session.scalars(select(BookEntry)).one(), f"{KIND}/{OFFICE}/2571"
        assert entry.act == "imported"
        if kind == "person":
            hold = retention.hold_person(session, "anan", root, later(4), reason="คดี")
        else:
            code = f"PRJ-{OFFICE}-2571-0001" if kind == "record" else None
            hold = retention.hold_in_books(session, (book, code), root, later(4), reason="คดี")
        hold_id = hold.id
    for refused in (lambda: approve(begun, request_id), lambda: ask(begun, number)):
        with pytest.raises(HeldByLaw):
            refused()
    with begun.reading() as session:
        assert [one.is_held for one in erasure_search.find_lists(session, root, NAME)] == [True]
    long_after = later(1) + timedelta(days=400)
    sweep_all(begun, long_after, "me")
    with begun.reading() as session:
        row = session.get_one(ImportFile, number)
        assert row.file is not None
        assert file_store.found(session, row.file) == row.file
        assert len(session.scalars(select(ImportLeftRow)).all()) == 3
    with begun.transaction() as session:
        retention.lift_hold(session, hold_id, root, later(5), reason="จบ")

    assert approve(begun, request_id) == "DONE"
    assert faults(begun) == []


def test_half_an_erasure_is_none(begun: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    number = bring_in(begun)
    request_id = ask(begun, number)
    monkeypatch.setattr(carrying_out, "_erase_in_books", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        approve(begun, request_id)
    monkeypatch.undo()

    assert found(begun) == [(number, True, 2)]
    with begun.reading() as session:
        assert session.get_one(ErasureRequest, request_id).state == "ASKED"
        row = session.get_one(ImportFile, number)
        assert file_store.found(session, row.sha256) == row.sha256
    assert approve(begun, request_id) == "DONE"


def test_lists_of_another_office_are_named_by_nobody(begun: Store) -> None:
    number = bring_in(begun)
    with pytest.raises(NotFound):
        ask(begun, number, name="other")
    request_id = ask(begun, number)
    with begun.reading() as session, pytest.raises(NotFound):
        erasure_requests.get_request(session, request_id, who(begun, "other"))


def test_the_same_file_that_somebody_else_uploaded_stays(begun: Store) -> None:
    first, second = bring_in(begun, confirm=False), bring_in(begun, confirm=False)
    assert [one[0] for one in found(begun)] == [first, second]
    assert approve(begun, ask(begun, first)) == "DONE"
    delete_released(begun, later(12), "a")

    assert found(begun) == [(second, True, 0)]
    assert approve(begun, ask(begun, second)) == "DONE"
    delete_released(begun, later(13), "a")
    with begun.reading() as session:
        assert session.scalars(select(KeptFile)).all() == []


def test_a_file_that_cannot_be_read_is_found_and_goes(begun: Store) -> None:
    number = bring_in(begun)
    with begun.transaction() as session:
        row = session.get_one(ImportFile, number)
        row.file, row.content = None, b"PK damaged"
    assert found(begun, "คำใดก็ได้ที่ไม่มี") == [(number, True, 0)]
    assert approve(begun, ask(begun, number)) == "DONE"
    with begun.reading() as session:
        assert session.get_one(ImportFile, number).content is None
