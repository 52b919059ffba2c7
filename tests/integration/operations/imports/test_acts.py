"""Importing and taking back: one entry for each book, all or nothing, once, and what the books say proves every row."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.books.acts import BookActKind
from osm_flow.errors import NotFound, OsmFlowError
from osm_flow.operations.books import acts as book_acts
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.comparing.records import compare_records
from osm_flow.operations.imports import acts, list_files, queries
from osm_flow.operations.imports.acts import (
    KEEP_FILES,
    ImportDone,
    ImportNotFound,
    ImportStands,
    ImportTakenBack,
    NothingToImport,
    PreviewOutdated,
)
from osm_flow.operations.imports.list_files import ImportFileGone
from osm_flow.operations.imports.planning import Fate
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.queries import ProjectNotFound, get_project
from osm_flow.operations.projects.record_type import KIND
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.rebuilding.records import differing_rows, put_records_back
from osm_flow.store.models import BookEntry, ImportFile, ImportLeftRow, Project
from osm_flow.store.session import Store
from tests.factories import NOW, later, make_office, make_person, make_project
from tests.integration.operations.imports.conftest import Importing
from tests.together import at_once
from tests.workbooks import HEAD

ROWS = [
    ("โครงการถนน", "แขวงทางหลวง", "อุดรธานี", 2570, 100),
    ("โครงการน้ำ", "ชลประทาน", "เลย", 2571, 200.5),
    ("โครงการไฟ", "การไฟฟ้า", "เลย", 2571, 300),
]
BUDGET = (*HEAD, "วงเงินที่ได้รับ (บาท)")


def entries(session: Session, act: BookActKind) -> list[BookEntry]:
    return list(session.scalars(select(BookEntry).where(BookEntry.act == act).order_by(BookEntry.book_id)))


def require_proven(session: Session) -> None:
    assert check_books(session).faults == []
    assert list(compare_records(session)) == []


def test_a_list_is_one_entry_for_each_book_that_names_file_and_counts(session: Session, importing: Importing) -> None:
    row = importing.run(*ROWS, ("", "แขวง", "เลย", 2571, 5))

    found = entries(session, BookActKind.imported)
    assert len(found) == 2
    assert {entry.actor for entry in found} == {"anan"}
    assert {entry.cause for entry in found} == {f'{{"batch":{row.id},"import":"{row.sha256}"}}'}
    assert [json.loads(entry.told)["added"] for entry in found] == [1, 2]
    registered = importing.registered()
    assert {name: project.code for name, project in registered.items()} == {
        "โครงการถนน": "PRJ-NE-U1-2570-0001",
        "โครงการน้ำ": "PRJ-NE-U1-2571-0001",
        "โครงการไฟ": "PRJ-NE-U1-2571-0002",
    }
    assert str(registered["โครงการน้ำ"].requested) == "200.50"
    require_proven(session)


def test_rows_that_were_refused_wait_with_their_cells_until_somebody_settles_them(
    session: Session, importing: Importing
) -> None:
    importing.run(*ROWS, ("โครงการอื่น", "แขวง", "ขอนแก่น", 2571, 5))

    (left,) = queries.left_rows(session, importing.actor, KIND)
    assert (left.row.row, left.cells[0], left.why[0]["cell"]) == (5, ("A", "โครงการอื่น"), "C5")
    acts.settle(session, left.row.id, importing.actor, NOW)
    acts.settle(session, left.row.id, importing.actor, later(5))

    assert queries.left_rows(session, importing.actor, KIND) == []
    assert session.scalars(select(ImportLeftRow.settled_at)).one() == NOW


def test_taken_back_what_was_added_leaves_the_register_and_what_was_changed_says_what_it_said(
    session: Session, importing: Importing
) -> None:
    make_project(session, "P1", approved=5)
    row = importing.run(
        *((*one, 7) for one in ROWS), ("โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, 9), head=BUDGET
    )
    code = importing.registered()["โครงการน้ำ"].code
    assert importing.registered()["โครงการ P1"].approved == 9

    assert acts.take_back(session, row.id, importing.actor, later(9), "ผิดชีต") == 4

    assert list(importing.registered()) == ["โครงการ P1"]
    assert importing.registered()["โครงการ P1"].approved == 5
    with pytest.raises(ProjectNotFound):
        get_project(session, code, importing.actor)
    assert [version.act for version in versions_of(session, KIND, code)] == ["imported", "import_undone"]
    assert versions_of(session, KIND, code)[-1].reason == "ผิดชีต"
    (told,) = queries.imported(session, importing.actor, KIND)
    assert (told.added, told.changed, told.undone_by, sorted(told.years)) == (3, 1, "anan", [2570, 2571])
    require_proven(session)


def test_a_list_that_was_taken_back_can_be_imported_again_and_gets_new_codes(
    session: Session, importing: Importing
) -> None:
    first = importing.run(*ROWS)
    codes = {project.code for project in importing.registered().values()}
    acts.take_back(session, first.id, importing.actor, later(9), "ผิด")

    second = importing.run(*ROWS, now=later(10))

    again = {project.code for project in importing.registered().values()}
    assert (len(again), codes & again) == (3, set())
    acts.take_back(session, second.id, importing.actor, later(11), "ผิดอีก")
    assert importing.registered() == {}
    require_proven(session)


def test_a_record_that_was_taken_back_comes_back_under_its_own_code(session: Session, importing: Importing) -> None:
    first = importing.run(*ROWS)
    code = importing.registered()["โครงการน้ำ"].code
    acts.take_back(session, first.id, importing.actor, later(9), "ผิด")

    importing.run((code, "โครงการน้ำใส", "ชลประทาน", "เลย", 2571, 5), head=("รหัสโครงการ", *HEAD), now=later(10))

    assert importing.registered()["โครงการน้ำใส"].code == code
    assert len(versions_of(session, KIND, code)) == 3
    require_proven(session)


def test_nothing_is_taken_back_twice_or_from_under_what_came_later(
    session: Session, importing: Importing, people: dict[str, Actor]
) -> None:
    row = importing.run(*ROWS)
    code = importing.registered()["โครงการน้ำ"].code
    with pytest.raises(ReasonMissing):
        acts.take_back(session, row.id, importing.actor, later(1), "  ")
    proposed = NewCorrection({"requested": 5}, 1, "พิมพ์ผิด")
    corrections.correct(session, code, people["anan"], later(2), proposed)
    with pytest.raises(ImportStands, match=code):
        acts.take_back(session, row.id, importing.actor, later(3), "ผิด")
    seq = session.scalars(select(BookEntry.seq).where(BookEntry.act == BookActKind.proposed)).one()
    corrections.withdraw(session, code, seq, people["anan"], later(4))
    assert acts.take_back(session, row.id, importing.actor, later(5), "ผิด") == 3
    with pytest.raises(ImportTakenBack):
        acts.take_back(session, row.id, importing.actor, later(6), "ผิด")

    second = importing.run(*ROWS, now=later(7))
    code = importing.registered()["โครงการน้ำ"].code
    corrections.correct(session, code, people["anan"], later(8), NewCorrection({"rationale": "น้ำท่วม"}, 1, "ตกหล่น"))
    with pytest.raises(ImportStands, match=code):
        acts.take_back(session, second.id, importing.actor, later(9), "ผิด")
    assert len(importing.registered()) == 3
    require_proven(session)


def test_what_changed_since_the_preview_is_shown_anew_and_nothing_is_imported(
    session: Session, importing: Importing
) -> None:
    make_project(session, "P1")
    row = importing.upload(("โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, 9), head=BUDGET)
    seen, read = importing.plan(row).digest, queries.read(session, row.id, importing.actor)
    new = NewCorrection({"rationale": "น้ำท่วม"}, 1, "ตกหล่น")
    corrections.correct(session, "P1", importing.actor, later(1), new)

    with pytest.raises(PreviewOutdated):
        acts.confirm(session, row.id, importing.actor, later(2), seen, read)

    assert importing.registered()["โครงการ P1"].approved is None
    importing.confirm(row, later(3))
    assert importing.registered()["โครงการ P1"].approved == 9


def test_a_list_is_imported_once_and_not_when_it_says_nothing_new(session: Session, importing: Importing) -> None:
    row = importing.run(*ROWS)
    with pytest.raises(ImportDone):
        importing.confirm(row, later(1))
    again = importing.upload(*ROWS)
    with pytest.raises(NothingToImport):
        importing.confirm(again, later(1))

    assert len(entries(session, BookActKind.imported)) == 2


@pytest.mark.parametrize("name", ["works", "udon", "auditor"])
def test_who_does_not_keep_the_register_imports_nothing(importing_as: Callable[[str], Importing], name: str) -> None:
    with pytest.raises(NotYourRole):
        importing_as(name).upload(*ROWS)


def test_a_list_is_of_who_uploaded_it_and_an_import_of_its_office(
    session: Session, importing: Importing, people: dict[str, Actor]
) -> None:
    waiting = importing.upload(*ROWS)
    for name in ("head", "sakon"):
        with pytest.raises(ImportNotFound):
            acts.get_import(session, waiting.id, people[name])
    importing.confirm(waiting)
    with pytest.raises(NotFound):
        acts.take_back(session, waiting.id, people["sakon"], later(1), "ผิด")
    with pytest.raises(NotYourRole):
        acts.take_back(session, waiting.id, people["works"], later(1), "ผิด")
    assert queries.imported(session, people["sakon"], KIND) == []

    assert acts.take_back(session, waiting.id, people["head"], later(1), "ผิด") == 3


def test_files_go_after_their_days_and_what_was_imported_stays(session: Session, importing: Importing) -> None:
    done, waiting = importing.run(*ROWS), importing.upload(*ROWS)
    number = waiting.id

    assert acts.drop_old(session, NOW + KEEP_FILES, 10) == 0
    assert acts.drop_old(session, NOW + KEEP_FILES + timedelta(seconds=1), 10) == 2
    assert acts.drop_old(session, NOW + KEEP_FILES + timedelta(seconds=1), 10) == 0

    session.expire_all()
    assert session.get(ImportFile, number) is None
    with pytest.raises(ImportFileGone):
        list_files.file_of(session, session.get_one(ImportFile, done.id))
    assert acts.take_back(session, done.id, importing.actor, NOW + 2 * KEEP_FILES, "ผิด") == 3


def test_a_row_of_what_was_taken_back_is_found_and_goes_when_tables_are_made_anew(
    session: Session, importing: Importing
) -> None:
    row = importing.run(*ROWS)
    code = importing.registered()["โครงการน้ำ"].code
    acts.take_back(session, row.id, importing.actor, later(1), "ผิด")
    make_project(session, "P1")
    session.execute(update(Project).where(Project.code == "P1").values(code=code))

    found = list(compare_records(session))
    assert {difference.row for difference in found} == {code, "P1"}
    list(put_records_back(session, differing_rows(session, {"projects"})))

    session.execute(select(Project))
    assert set(importing.registered()) == {"โครงการ P1"}
    require_proven(session)


def test_what_is_changed_in_the_rows_of_an_import_never_changes_what_is_taken_back(
    session: Session, importing: Importing
) -> None:
    """The entries of the books say what was imported; the rows beside them decide nothing."""
    first, second = importing.run(*ROWS[:2]), importing.run(ROWS[2], now=later(1))
    session.execute(
        update(ImportFile).where(ImportFile.id == first.id).values(choices="{}", filename="x", size=0, content=None)
    )
    session.execute(delete(ImportLeftRow))
    assert acts.take_back(session, second.id, importing.actor, later(2), "ผิด") == 1
    assert acts.take_back(session, first.id, importing.actor, later(3), "ผิด") == 2


def _import(store: Store, number: int, seen: str, outcomes: list[str]) -> None:
    try:
        with store.transaction() as session:
            actor = actor_named(session, "anan", NOW.date())
            read = queries.read(session, number, actor)
            acts.confirm(session, number, actor, later(1), seen, read)
        outcomes.append("done")
    except OsmFlowError as error:
        outcomes.append(type(error).__name__)


def _prepared(store: Store, count: int) -> list[tuple[int, str]]:
    with store.transaction() as session:
        make_office(session, provinces={"TH-41": "อุดรธานี", "TH-42": "เลย"})
        importing = Importing(session, make_person(session, "anan", "osm_strategy"))
        rows = [importing.upload(*ROWS) for _ in range(count)]
        return [(row.id, importing.plan(row).digest) for row in rows]


def test_the_same_list_confirmed_twice_at_once_is_imported_once(store: Store) -> None:
    ((number, seen),) = _prepared(store, 1)
    outcomes: list[str] = []
    at_once(*(lambda: _import(store, number, seen, outcomes) for _ in range(3)))

    assert sorted(outcomes) == ["ImportDone", "ImportDone", "done"]
    with store.reading() as session:
        assert len(session.scalars(select(Project)).all()) == 3
        require_proven(session)


def test_of_two_who_import_the_same_at_once_the_second_is_shown_what_is_there_now(store: Store) -> None:
    (first, second) = _prepared(store, 2)
    outcomes: list[str] = []
    at_once(*(lambda one=one: _import(store, *one, outcomes) for one in (first, second)))  # type: ignore[misc]

    assert sorted(outcomes) == ["PreviewOutdated", "done"]
    with store.reading() as session:
        assert len(session.scalars(select(Project)).all()) == 3
        require_proven(session)


def test_what_breaks_half_way_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ((number, seen),) = _prepared(store, 1)
    written: list[str] = []
    write = book_acts.write

    def break_second(*arguments: object, **more: object) -> object:
        if written:
            raise RuntimeError("the machine stops here")
        written.append("one")
        return write(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(book_acts, "write", break_second)
    with pytest.raises(RuntimeError):
        _import(store, number, seen, [])
    monkeypatch.undo()

    with store.reading() as session:
        assert session.scalars(select(Project)).all() == []
        assert session.scalars(select(BookEntry)).all() == []
    outcomes: list[str] = []
    _import(store, number, seen, outcomes)
    assert outcomes == ["done"]


def test_a_row_that_is_left_out_is_not_kept_for_later(session: Session, importing: Importing) -> None:
    row = importing.upload(*ROWS, ("", "แขวง", "เลย", 2571, 5))
    importing.answer(row, {5: "skip"})
    assert len(importing.plan(row).of(Fate.skipped)) == 1
    assert importing.confirm(row).left == 0
