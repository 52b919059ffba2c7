"""What a preview says of each row: added, changed, unchanged, asked or refused, with the cell, and nothing merged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.imports import list_files
from osm_flow.operations.imports.planning import Fate, Plan, PlannedRow
from osm_flow.operations.imports.project_lists import project_lists
from osm_flow.operations.imports.reading import Choices, find_in
from osm_flow.operations.projects import corrections
from osm_flow.operations.projects.acts import register
from osm_flow.operations.projects.record_type import book_of
from osm_flow.store.clusters import cluster_rows
from osm_flow.store.models import Province
from tests.factories import OFFICE, later, make_project
from tests.integration.operations.imports.conftest import Importing
from tests.workbooks import HEAD

LAYOUTS = Path(__file__).parents[3] / "layouts"
BUDGET = (*HEAD, "วงเงินที่ได้รับ (บาท)")
_SAID = ("name", "agency", "province", "requested", "approved", "disbursed", "result")


def only(plan: Plan) -> PlannedRow:
    (row,) = plan.rows
    return row


def make_provinces(session: Session) -> None:
    """All provinces of the office, by everything that they are called."""
    for row in cluster_rows():
        if row.cluster == OFFICE:
            province = session.get(Province, row.province) or Province(id=row.province, office_id=OFFICE)
            province.name_th, province.name_en, province.abbr_th = row.province_th, row.province_en, row.abbr_th
            session.add(province)
    session.flush()


def sheets() -> list[Any]:
    """Each sheet of each layout that somebody made who had not seen how lists are read."""
    return [
        pytest.param(path.with_suffix(".xlsx"), sheet, id=f"{path.stem[-1]}-{sheet['sheet']}")
        for path in sorted(LAYOUTS.glob("*.json"))
        for sheet in json.loads(path.read_text(encoding="utf-8"))["sheets"]
    ]


@pytest.mark.sampled
@pytest.mark.parametrize(("path", "expected"), sheets())
def test_every_project_of_a_layout_is_found_and_every_other_row_is_told(
    session: Session, importing: Importing, path: Path, expected: dict[str, Any]
) -> None:
    make_provinces(session)
    content = path.read_bytes()
    uploaded = importing.upload_file(content, path.name)
    found = find_in(list_files.given(content, uploaded.sha256), expected["sheet"], project_lists(), {})
    assert [found.first, found.last] == expected["header_rows"]
    asks_agency = all(project["agency"] is None for project in expected["projects"])
    given = {"agency": "หน่วยงานในบัญชี"} if asks_agency else {}
    chosen = vars(found) | {"constants": {**found.constants, **given}}
    importing.choose(uploaded, **chosen)

    plan = importing.plan(uploaded)

    added = {row.number: row for row in plan.of(Fate.added)}
    assert sorted(added) == sorted(project["cell_row"] for project in expected["projects"])
    for project in expected["projects"]:
        row = added[project["cell_row"]]
        said = {name: row.values.get(name) for name in _SAID} | {"fiscal_year": row.year}
        if asks_agency:
            said["agency"] = None
        assert said == {name: project[name] for name in said}, row.number
    passed = {int(re.sub("[A-Z]", "", said.cell)) for said in plan.passed_over}
    told = {row.number for row in plan.of(Fate.refused, Fate.asked) if row.read.problems} | passed
    assert {row["cell_row"] for row in expected["refused"]} | set(expected["passed_over"]) == told


def test_a_row_that_names_nothing_known_is_added_with_what_it_says(importing: Importing) -> None:
    row = only(importing.plan(importing.upload(("โครงการถนน", "แขวงทางหลวง", "จ.อุดรธานี", "ปี ๒๕๗๑", "๑.๕ ล้านบาท"))))

    assert (row.fate, row.year, row.code) == (Fate.added, 2571, None)
    assert row.values == {
        "name": "โครงการถนน",
        "agency": "แขวงทางหลวง",
        "province": "TH-41",
        "requested": 1500000,
        "state": "concept",
    }


def test_a_row_is_matched_by_its_code_first(session: Session, importing: Importing) -> None:
    make_project(session, "P1", requested=1000)
    head = ("รหัสโครงการ", *BUDGET)
    same = ("P1", "โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000)

    changed = only(importing.plan(importing.upload((*same, 900), head=head)))
    unchanged = only(importing.plan(importing.upload((*same, None), head=head)))
    renamed = only(importing.plan(importing.upload(("P1", "โครงการอื่น", *same[2:], 900), head=head)))
    of_another_year = only(importing.plan(importing.upload(("P1", *same[1:4], 2570, 1000, 900), head=head)))
    unknown = only(importing.plan(importing.upload(("PRJ-NE-U1-2571-0099", *same[1:], 900), head=head)))

    assert (changed.fate, changed.changes, changed.by_name) == (Fate.changed, [("approved", None, 900)], False)
    assert unchanged.fate is Fate.unchanged
    assert [said.cell for said in renamed.read.problems] == ["B2"]
    assert [said.cell for said in of_another_year.read.problems] == ["A2"]
    assert [said.cell for said in unknown.read.problems] == ["A2"]
    assert {renamed.fate, of_another_year.fate, unknown.fate} == {Fate.refused}


def test_a_code_of_another_office_is_told_like_one_that_nobody_gave(session: Session, importing: Importing) -> None:
    make_project(session, "PRJ-NE-U2-2571-0001", office_id="NE-U2", province="TH-47")
    head = ("รหัสโครงการ", *HEAD)
    said = [
        only(importing.plan(importing.upload((code, "โครงการก", "แขวง", "เลย", 2571, 5), head=head))).read.problems[0]
        for code in ("PRJ-NE-U2-2571-0001", "PRJ-NE-U2-2571-0002")
    ]

    assert said[0].message.key == said[1].message.key


def test_without_a_code_name_agency_province_and_year_together_tell_and_the_person_may_say_otherwise(
    session: Session, importing: Importing
) -> None:
    make_project(session, "P1", name="โครงการปรับปรุงถนน", province="TH-41")
    make_project(session, "P2", name="โครงการปรับปรุงถนน", province="TH-39")
    uploaded = importing.upload(("โครงการปรับปรุง ถนน", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, 700), head=BUDGET)

    row = only(importing.plan(uploaded))
    importing.choose(uploaded)
    importing.answer(uploaded, {2: "new"})
    other = only(importing.plan(uploaded))

    assert (row.fate, row.code, row.by_name, row.may_be_new) == (Fate.changed, "P1", True, True)
    assert row.values["name"] == "โครงการปรับปรุงถนน"
    assert (other.fate, other.code) == (Fate.added, None)


def test_names_that_are_alike_are_asked_about_and_never_merged(session: Session, importing: Importing) -> None:
    make_project(session, "P1", name="โครงการปรับปรุงภูมิทัศน์ริมแม่น้ำโขง ระยะที่ 1", requested=5)
    uploaded = importing.upload(
        ("โครงการปรับปรุงภูมิทัศน์ริมแม่น้ำโขง ระยะที่ 2", "แขวงทางหลวง", "อุดรธานี", 2571, 5, 3), head=BUDGET
    )

    asked = only(importing.plan(uploaded))
    importing.answer(uploaded, {2: "P1"})
    meant = only(importing.plan(uploaded))
    importing.answer(uploaded, {2: "new"})
    new = only(importing.plan(uploaded))
    importing.answer(uploaded, {2: "skip"})
    skipped = only(importing.plan(uploaded))

    assert (asked.fate, [like.code for like in asked.likes]) == (Fate.asked, ["P1"])
    assert (meant.fate, meant.code, [name for name, _, _ in meant.changes]) == (Fate.changed, "P1", ["approved"])
    assert meant.values["name"].endswith("1")
    assert (new.fate, skipped.fate) == (Fate.added, Fate.skipped)


def test_a_file_that_names_a_project_twice_asks_or_refuses(session: Session, importing: Importing) -> None:
    make_project(session, "P1")
    row = ("โครงการถนน", "แขวง", "เลย", 2571, 5)
    by_name = importing.plan(importing.upload(row, row))
    head = ("รหัสโครงการ", *HEAD)
    known = ("P1", "โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000)
    by_code = importing.plan(importing.upload(known, known, head=head))

    assert [one.fate for one in by_name.rows] == [Fate.added, Fate.asked]
    assert [one.fate for one in by_code.rows] == [Fate.unchanged, Fate.refused]
    assert "2" in str(by_code.rows[1].read.problems[0].message)


def test_what_needs_a_second_person_is_not_changed_by_a_list(session: Session, importing: Importing) -> None:
    make_project(session, "P1", requested=1000)
    row = only(importing.plan(importing.upload(("โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 2000))))

    assert row.fate is Fate.refused
    assert [said.cell for said in row.read.problems] == ["E2"]


def test_what_a_process_wrote_down_stays_and_is_told(session: Session, importing: Importing) -> None:
    make_project(session, "P1", approved=500)
    act = BookAct(BookActKind.changed, {"case": "c", "seq": 1})
    values = {"name": "โครงการ P2", "agency": "แขวงทางหลวง", "province": "TH-41", "requested": 1000, "approved": 500}
    register(session, book_of(OFFICE, 2571), act, importing.actor, later(1), {"P2": values})
    rows = [(f"โครงการ P{number}", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, 700) for number in (1, 2)]

    of_list, of_process = importing.plan(importing.upload(*rows, head=BUDGET)).rows

    assert (of_list.fate, of_list.values["approved"]) == (Fate.changed, 700)
    assert (of_process.fate, of_process.values["approved"]) == (Fate.unchanged, 500)
    assert [said.cell for said in of_process.read.notes] == ["F3"]


def test_a_record_whose_correction_waits_is_left_alone(
    session: Session, importing: Importing, people: dict[str, Actor]
) -> None:
    make_project(session, "P1")
    new = NewCorrection({"requested": 5000}, 1, "พิมพ์ผิด")
    corrections.correct(session, "P1", people["anan"], later(1), new)
    row = only(importing.plan(importing.upload(("โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, 700), head=BUDGET)))

    assert row.fate is Fate.refused


def test_a_dash_never_empties_what_is_recorded(session: Session, importing: Importing) -> None:
    make_project(session, "P1", approved=500)
    row = only(importing.plan(importing.upload(("โครงการ P1", "แขวงทางหลวง", "อุดรธานี", 2571, 1000, "-"), head=BUDGET)))

    assert row.fate is Fate.unchanged


def test_a_year_or_an_agency_that_no_column_says_is_chosen_for_all_rows(importing: Importing) -> None:
    uploaded = importing.upload(("โครงการถนน", 5), head=("ชื่อโครงการ", "วงเงินที่ขอ"), name="บัญชี")
    assert only(importing.plan(uploaded)).fate is Fate.refused
    importing.choose(uploaded, constants={"fiscal_year": "๒๕๖๙"})
    assert only(importing.plan(uploaded)).fate is Fate.refused
    importing.choose(uploaded, constants={"agency": "แขวงทางหลวง"})

    row = only(importing.plan(uploaded))

    assert (row.fate, row.year, row.values["agency"]) == (Fate.added, 2569, "แขวงทางหลวง")


def test_columns_are_remembered_by_their_words_for_the_office_alone(
    importing: Importing, importing_as: Callable[[str], Importing]
) -> None:
    head = ("ชื่อโครงการ", "หน่วยงาน", "จังหวัด", "ปีงบประมาณ", "ตัวเลขของเรา")
    first = importing.upload(("โครงการก", "แขวง", "เลย", 2571, 5), head=head)
    importing.choose(first, fields={1: "name", 2: "agency", 3: "province", 4: "fiscal_year", 5: "requested"})
    importing.confirm(first)

    again = importing.upload((7, "โครงการข", "แขวง", "เลย", 2571), head=(head[4], *head[:4]))
    neighbour = importing_as("sakon").upload(("โครงการข", "แขวง", "สกลนคร", 2571, 7), head=head)

    assert only(importing.plan(again)).values["requested"] == 7
    assert "requested" not in Choices.of_text(neighbour.choices).fields.values()


def test_the_same_file_imported_again_changes_nothing(importing: Importing) -> None:
    rows = [(f"โครงการที่ {number}", "แขวงทางหลวง", "เลย", 2571, number) for number in range(1, 5)]
    importing.run(*rows)

    assert [row.fate for row in importing.plan(importing.upload(*rows)).rows] == [Fate.unchanged] * 4


def test_a_preview_is_known_by_the_json_of_its_rows(importing: Importing) -> None:
    rows = [
        ("", "แขวงทางหลวง", "เลย", 2571, 5),
        ("ถนน", "แขวงทางหลวง", "เลย", 2571, 5),
        ("ฝาย", "ชลประทาน", "เลย", 2570, 6),
    ]
    planned = importing.plan(importing.upload(*rows))
    said = [[row.number, str(row.fate), row.code, row.based_on, row.year, row.values] for row in planned.rows]

    assert len(said) > 1
    assert planned.digest == sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
