"""Sheets of one upload: choices are carried over by words, days and bytes stay those of the file, going on twice makes one list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import SheetUnknown
from osm_flow.operations.imports import acts, sheets
from osm_flow.operations.imports.acts import KEEP_FILES, GivenList
from osm_flow.operations.imports.erasing import erase_list
from osm_flow.operations.imports.list_files import ImportFileGone, file_of
from osm_flow.operations.imports.reading import Choices
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.record_type import KIND
from osm_flow.store import file_store
from osm_flow.store.models import BookEntry, ImportFile
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, make_office, make_person
from tests.integration.operations.imports.conftest import Importing
from tests.together import at_once
from tests.workbooks import workbook

HEAD = ("ชื่อโครงการ", "เจ้าของเรื่อง", "จังหวัด")
OLDER = [
    ("งานปีก่อน",),
    ("จังหวัด", "ชื่อโครงการ", "เจ้าของเรื่อง"),
    ("เลย", "โครงการเก่า", "แขวงทางหลวง"),
]


def of_two(importing: Importing) -> ImportFile:
    """The upload of a workbook with two sheets, the second one chosen by hand: its columns have words of its own."""
    content = workbook([HEAD, ("โครงการใหม่", "ชลประทาน", "เลย")], "2571", **{"2570": OLDER})
    row = importing.upload_file(content)
    fields = {1: "name", 2: "agency", 3: "province"}
    constants = {"fiscal_year": "2571", "budget_type": "durable"}
    importing.choose(row, sheet="2571", first=1, last=1, fields=fields, constants=constants)
    return row


def test_columns_are_carried_over_by_their_words_and_the_year_is_what_the_sheet_says(importing: Importing) -> None:
    row = of_two(importing)

    following = sheets.go_on(importing.session, row.id, importing.actor, "2570")

    carried = Choices.of_text(following.choices)
    assert (carried.sheet, carried.first, carried.answers) == ("2570", 2, {})
    assert carried.fields == {1: "province", 2: "name", 3: "agency"}
    assert (carried.constants["fiscal_year"], carried.constants["budget_type"]) == ("2570", "durable")
    assert Choices.of_text(row.choices).sheet == "2571"


def test_each_sheet_is_confirmed_and_taken_back_by_itself(session: Session, importing: Importing) -> None:
    row = of_two(importing)
    importing.confirm(row)
    following = sheets.go_on(session, row.id, importing.actor, "2570")
    importing.confirm(following)
    causes = session.scalars(select(BookEntry.cause)).all()
    assert len(set(causes)) == 2

    acts.take_back(session, row.id, importing.actor, NOW, "ผิดชีต")

    assert list(importing.registered()) == ["โครงการเก่า"]
    older, newer = sheets.fates_of(session, row.id, importing.actor)
    assert ([one.id for one in older.standing], older.undone) == ([following.id], [])
    assert (newer.standing, [one.id for one in newer.undone]) == ([], [row.id])
    assert sheets.imported_before(session, row, "2570") is following
    assert sheets.imported_before(session, following, "2571") is None


def test_who_goes_on_twice_has_one_list_and_a_sheet_that_is_not_there_is_told(
    session: Session, importing: Importing
) -> None:
    row = of_two(importing)
    first = sheets.go_on(session, row.id, importing.actor, "2570")
    assert sheets.go_on(session, row.id, importing.actor, "2570") is first
    with pytest.raises(SheetUnknown):
        sheets.go_on(session, row.id, importing.actor, "2569")


def test_going_on_keeps_the_file_no_longer_and_an_erased_file_is_gone(session: Session, importing: Importing) -> None:
    row = of_two(importing)
    following = sheets.go_on(session, row.id, importing.actor, "2570")
    assert following.at == row.at
    _, digest = erase_list(session, row, "")
    assert digest is not None
    file_store.release(session, [digest])
    assert file_of(session, following).names
    with pytest.raises(ImportFileGone):
        sheets.go_on(session, row.id, importing.actor, "2570")

    assert acts.drop_old(session, NOW + 2 * KEEP_FILES, 100)
    assert session.scalars(select(ImportFile)).all() == []
    assert not file_store.is_named(session, digest)


def test_going_on_from_two_sheets_at_once_makes_one_list_of_the_third(store: Store) -> None:
    content = workbook([HEAD, ("โครงการใหม่", "ชลประทาน", "เลย")], "2571", **{"2570": OLDER, "2569": OLDER})
    with store.transaction() as session:
        make_office(session)
        anan = make_person(session, "anan", "osm_strategy")
        first = acts.upload(session, anan, NOW, GivenList(KIND, OFFICE, "โครงการ.xlsx", content)).id
        acts.choose(session, first, anan, Choices("2571", 1, 1))
        second = sheets.go_on(session, first, anan, "2570").id

    def going_on(number: int) -> Callable[[], None]:
        def go() -> None:
            with store.transaction() as session:
                sheets.go_on(session, number, actor_named(session, "anan", NOW.date()), "2569")

        return go

    at_once(going_on(first), going_on(second), going_on(first), going_on(second))

    with store.reading() as session:
        chosen = [Choices.of_text(text).sheet for text in session.scalars(select(ImportFile.choices))]
    assert sorted(chosen) == ["2569", "2570", "2571"]
