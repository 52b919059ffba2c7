"""The worked example of a kind of record in docs/adding-a-kind.md does what it says, line by line as it is printed there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
EXAMPLE = (ROOT / "docs" / "adding-a-kind.md").read_text(encoding="utf-8")
# What the modules of the example import, in one.
IMPORTS = """
from datetime import datetime
from typing import Any

import yaml
from sqlalchemy import ForeignKey, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import RecordFacts, Verb, decide, require
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.json import JSON
from osm_flow.domain.retention import retention_of
from osm_flow.domain.search import searchable
from osm_flow.errors import NotFound
from osm_flow.operations.books import acts as books
from osm_flow.operations.books import corrections
from osm_flow.operations.books.corrections import Corrected, NewCorrection
from osm_flow.operations.books.record_types import RecordType
from osm_flow.store.database import Model
"""
# The year of an office: a visit is entered, corrected by two people, damaged behind the product's back and put back.
WORK = """
from osm_flow.app import connect_rooms
from osm_flow.operations.books.checks import check_books
from osm_flow.operations.books.record_types import connect
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.comparing.records import compare_records
from osm_flow.operations.rebuilding.records import differing_rows, put_records_back
from osm_flow.store.database import db
from osm_flow.store.models import Correction
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from tests.factories import NOW, later, make_office, make_person

connect_rooms()
connect([visit_type()])
store = Store(f"sqlite:///{sys.argv[1]}/example.db")
upgrade(store)
db.metadata.tables["site_visits"].create(store.engine)
name = BookName(KIND, "NE-U1", 2571)
with store.transaction() as session:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    anan = make_person(session, "anan", "osm_strategy")
    boss = make_person(session, "boss", "osm_director")
    stranger = make_person(session, "stranger", "osm_director", office_id="NE-U2")
    said = {"project": "P1", "visited_on": "2026-11-20", "findings": "ตอม่อแล้วเสร็จ", "done_percent": 40, "visitor": "นางสมศรี"}
    code = record_visit(session, name, anan, NOW, said)
    try:
        correct_visit(session, code, stranger, NOW, NewCorrection({"findings": "x"}, 1, "y"))
    except VisitNotFound:
        print("foreign offices find nothing")
with store.transaction() as session:
    print(code, correct_visit(session, code, anan, later(1), NewCorrection({"findings": "ตอม่อเสร็จ 4 ต้น"}, 1, "พิมพ์ตก")).waits)
    print(correct_visit(session, code, anan, later(2), NewCorrection({"done_percent": 45}, 2, "คิดใหม่")).waits)
with store.transaction() as session:
    confirm_visit(session, code, session.scalars(select(Correction.seq)).one(), boss, later(3))
with store.transaction() as session:
    session.scalars(select(SiteVisit)).one().project = "P9"
with store.transaction() as session:
    print([(one.row, one.column) for one in compare_records(session)])
    for _ in put_records_back(session, differing_rows(session, {"site_visits"})):
        pass
with store.reading() as session:
    row = session.scalars(select(SiteVisit)).one()
    print(row.project, list(compare_records(session)), check_books(session).faults)
    print([version.act for version in versions_of(session, KIND, code)], values_of(session, KIND, code)["done_percent"])
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", EXAMPLE, re.DOTALL)


def test_the_example_is_short() -> None:
    lines = [line for language in ("yaml", "python") for block in blocks(language) for line in block.splitlines()]

    assert 40 < len([line for line in lines if line.strip()]) < 200


def test_the_example_works_as_it_is_printed(tmp_path: Path) -> None:
    (form,) = blocks("yaml")
    reading = (
        "import sys\n\nFORM = "
        + repr(form)
        + "\n\n\ndef record_form(kind):\n    return load_form(yaml.safe_load(FORM))\n"
    )
    script = tmp_path / "example.py"
    script.write_text("\n\n".join([IMPORTS, reading, *blocks("python"), WORK]), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "foreign offices find nothing",
        "VIS-NE-U1-2571-0001 False",
        "True",
        "[('VIS-NE-U1-2571-0001', 'project')]",
        "P1 [] []",
        "['registered', 'corrected', 'corrected'] 45",
    ]
