"""The file of an uploaded list: in the store of files, moved there from older rows, read once, damaged, dropped."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import read_sheet
from osm_flow.domain.access.actors import Actor
from osm_flow.operations.comparing.records import compare_records
from osm_flow.operations.imports import acts, list_files, queries
from osm_flow.operations.imports.acts import KEEP_FILES, GivenList
from osm_flow.operations.imports.list_files import ImportFileGone
from osm_flow.operations.imports.reading import Choices
from osm_flow.operations.kept_files.moving import move_files
from osm_flow.operations.kept_files.tidying import delete_released
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.record_type import KIND
from osm_flow.store import file_store
from osm_flow.store.file_store import FileDamaged, Place
from osm_flow.store.models import FileContent, ImportFile, KeptFile
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_office, make_person
from tests.integration.operations.imports.conftest import Importing
from tests.together import at_once
from tests.workbooks import HEAD, ROW, workbook

LIST = workbook([HEAD, ROW])


@pytest.fixture
def begun(store: Store) -> Store:
    with store.transaction() as session:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
    return store


def anan(session: Session) -> Actor:
    return actor_named(session, "anan", NOW.date())


def upload(store: Store, content: bytes = LIST) -> int:
    with store.transaction() as session:
        return acts.upload(session, anan(session), NOW, GivenList(KIND, OFFICE, "บัญชี.xlsx", content)).id


def as_before(store: Store, number: int, content: bytes = LIST) -> None:
    """The row as the version before wrote it: the file lies in it."""
    with store.transaction() as session:
        row = session.get_one(ImportFile, number)
        digest, row.file, row.content = row.file, None, content
        file_store.release(session, [digest or ""])
    delete_released(store, later(1), "a")


def lying(store: Store) -> list[tuple[str, bool]]:
    """Each list: the name of its file in the store, and whether its bytes are in its row."""
    with store.reading() as session:
        rows = session.execute(select(ImportFile.file, ImportFile.content))
        return [(row.file or "", row.content is not None) for row in rows]


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sheets that are read from now on."""
    read: list[str] = []

    def reading(content: bytes, name: str) -> Any:
        read.append(name)
        return read_sheet(content, name)

    monkeypatch.setattr(list_files, "read_sheet", reading)
    return read


def test_a_list_lies_in_the_store_of_files_and_no_row_has_its_bytes(begun: Store) -> None:
    upload(begun)
    with begun.reading() as session:
        row = session.scalars(select(ImportFile)).one()
        assert (row.file, row.content) == (row.sha256, None)
        assert file_store.read(session, row.sha256) == LIST
        assert session.get_one(KeptFile, row.sha256).size == len(LIST)
        assert list(compare_records(session)) == []


def test_the_same_list_twice_is_kept_once_and_goes_with_the_last(begun: Store) -> None:
    first, second = upload(begun), upload(begun)
    with begun.transaction() as session:
        session.get_one(ImportFile, second).at = later(60)
    with begun.transaction() as session:
        assert acts.drop_old(session, later(30) + KEEP_FILES, 10) == 1
    delete_released(begun, later(31), "a")
    with begun.reading() as session:
        assert session.get(ImportFile, first) is None
        assert queries.sheets_of(session, second, anan(session))
    with begun.transaction() as session:
        assert acts.drop_old(session, later(90) + KEEP_FILES, 10) == 1
    delete_released(begun, later(91), "a")
    with begun.reading() as session:
        assert session.scalars(select(KeptFile.place).where(KeptFile.place != Place.gone)).all() == []
        assert session.scalars(select(FileContent.sha256)).all() == []


def test_lists_of_the_version_before_are_read_where_they_are_and_moved(begun: Store) -> None:
    number = upload(begun)
    as_before(begun, number)
    (before,) = lying(begun)
    with begun.reading() as session:
        seen = queries.preview(session, number, anan(session)).digest

    assert move_files(begun, later(2), "a").done == 1

    (after,) = lying(begun)
    assert (before, after[1], bool(after[0])) == (("", True), False, True)
    with begun.reading() as session:
        assert queries.preview(session, number, anan(session)).digest == seen
        assert list(compare_records(session)) == []
    assert move_files(begun, later(3), "a").done == 0


def test_a_move_that_ends_half_way_leaves_the_list_whole(begun: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    number = upload(begun)
    as_before(begun, number)
    monkeypatch.setattr(list_files, "keep", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        move_files(begun, later(2), "a")
    monkeypatch.undo()

    assert lying(begun) == [("", True)]
    at_once(lambda: move_files(begun, later(2), "a"), lambda: move_files(begun, later(2), "b"))
    assert [has_content for _, has_content in lying(begun)] == [False]


def test_what_is_not_what_was_uploaded_stays_where_it_is(begun: Store) -> None:
    number = upload(begun)
    as_before(begun, number, b"PK other bytes")

    assert move_files(begun, later(2), "a").done == 0
    assert lying(begun) == [("", True)]


def test_a_sheet_is_read_once_for_all_pages(session: Session, importing: Importing, monkeypatch: Any) -> None:
    read = counted(monkeypatch)
    monkeypatch.setattr(list_files, "_KEPT", list_files._KeptSheets())  # nothing is known from tests before this one
    rows = [ROW, (*ROW[:4], 2_000_000)]
    number = importing.upload(*rows).id
    assert len(read) == 1
    for _ in range(3):
        queries.preview(session, number, importing.actor)
    queries.looked_at(session, number, importing.actor, Choices.of_text(session.get_one(ImportFile, number).choices))
    queries.read(session, number, importing.actor)
    assert len(read) == 1

    importing.upload(*rows, ROW)
    assert len(read) == 2


def test_nobody_who_reads_a_sheet_changes_it(session: Session, importing: Importing) -> None:
    number = importing.upload(ROW, ("รวม", "", "", "", 1_000_000)).id
    name = queries.sheets_of(session, number, importing.actor)[0].name
    before = deepcopy(queries.sheet_values(session, number, importing.actor, name))

    queries.preview(session, number, importing.actor)
    importing.confirm(session.get_one(ImportFile, number))

    assert queries.sheet_values(session, number, importing.actor, name) == before


def test_little_is_kept_in_memory_and_not_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    read = counted(monkeypatch)
    first, second = (list_files.given(workbook([HEAD, ROW, (name,)]), name) for name in ("a", "b"))
    monkeypatch.setattr(list_files, "MOST_CELLS", 20)
    for file, times in ((first, 1), (first, 1), (second, 2), (first, 3), (first, 3)):
        file.sheet("โครงการ")
        assert len(read) == times
    monkeypatch.setattr(list_files, "MOST_CELLS", 5)
    for _ in range(2):
        list_files.given(LIST, "c").sheet("โครงการ")
    assert len(read) == 5
    monkeypatch.setattr(list_files, "MOST_CELLS", 100)
    monkeypatch.setattr(list_files, "KEEP_SECONDS", -1)
    for _ in range(2):
        list_files.given(LIST, "d").sheet("โครงการ")
    assert len(read) == 7


def test_a_list_that_is_missing_is_a_sentence_and_is_named(begun: Store) -> None:
    number = upload(begun)
    folder = file_store.folder_beside(begun.url)
    if folder is None:
        pytest.skip("files lie in the database")
    (digest,) = folder.digests()
    folder.delete(digest)
    list_files.forget([digest])

    with begun.reading() as session:
        with pytest.raises(FileDamaged):
            queries.preview(session, number, anan(session))
        assert [(one.table, one.row) for one in compare_records(session)] == [("files", f"imports {number}")]


def test_a_list_that_is_not_kept_any_more_is_a_sentence_whatever_was_read_of_it(begun: Store) -> None:
    number = upload(begun)
    with begun.transaction() as session:
        queries.preview(session, number, anan(session))
        session.get_one(ImportFile, number).file = None
    with begun.reading() as session, pytest.raises(ImportFileGone):
        queries.preview(session, number, anan(session))
