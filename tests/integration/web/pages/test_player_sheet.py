"""What the player shows of one moment: labels of forms, and values as people read them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask import g
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.projects.spending import COLOURS
from osm_flow.domain.states import ProjectState
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.operations.definitions.library import compiled, list_definitions
from osm_flow.operations.projects.record_type import REPORTED
from osm_flow.store.session import Store
from osm_flow.web.pages.player_sheet import Labels, title_of
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person
from tests.integration.web.visits import Site, open_site


@pytest.fixture
def site(sqlite_store: Store) -> Site:
    """Nothing here depends on which database it is."""
    return open_site(sqlite_store)


def test_variables_are_called_as_the_forms_around_the_case_call_them(site: Site) -> None:
    rows = {
        "title": "ตัวชี้วัด",
        "type": "array",
        "items": {"type": "object", "properties": {"target": {"title": "ค่าเป้าหมาย"}}},
    }
    form = {"type": "object", "properties": {"rows": rows, "colour": {"title": "สีของโครงการ"}}}
    writing = SimpleNamespace(name="ประกอบเล่มแผน", properties={"document": "paper"})
    own = SimpleNamespace(forms={}, elements={})
    other = SimpleNamespace(forms={"plan": form}, elements={"write": writing})
    with site.app.test_request_context():
        g.locale = "th"
        alone, among = Labels(cast("Any", own)), Labels(cast("Any", own), [cast("Any", other)])
        assert alone.label(("plan_mode",), None) == "ลักษณะของแผน"
        assert alone.label(("paper", "rows", 0, "target"), None) == "paper › rows › รายการที่ 1 › target"
        assert among.label(("paper", "rows", 0, "target"), None) == "ประกอบเล่มแผน › ตัวชี้วัด › รายการที่ 1 › ค่าเป้าหมาย"
        assert among.label(("colour",), None) == "สีของโครงการ"
        assert among.label(("unheard_of",), None) == "unheard_of"


def test_nothing_that_a_shipped_process_decides_keeps_or_copies_is_told_by_its_raw_name(store: Store) -> None:
    """Variables come from forms, from decision tables, from the register and from calls; an auditor reads words."""
    folder = Path(engine.__file__).parents[2] / "bpmn"
    columns = {
        name for path in folder.glob("*.dmn") for name in re.findall(r'<output [^>]*name="(\w+)"', path.read_text())
    }
    results = {n for p in folder.glob("*.bpmn") for n in re.findall(r'resultVariable="(\w+)"', p.read_text())}
    kept = {*REPORTED, "last_report", "contract_value", "colour", "state"}
    site = open_site(store)
    with site.store.transaction() as session:
        deploy(session, shipped_files(), SYSTEM, NOW, note="shipped")
        processes = [compiled(session, definition) for definition in list_definitions(session)]
    with site.app.test_request_context():
        g.locale = "th"
        for process in processes:
            labels = Labels(process, (), processes)
            raw = {name for name in columns | results | kept if labels.label((name,), None) == name}
            assert raw - {"status"} == set(), process.key
        labels = Labels(processes[0], (), processes)
        for name, values in (("colour", COLOURS), ("state", [state.value for state in ProjectState])):
            assert [value for value in values if labels.text((name,), value, None) == value] == []


def test_the_items_of_a_list_are_told_in_the_words_of_its_options(site: Site) -> None:
    option = {"value": "survey", "th": "แบบสอบถาม", "en": "Survey"}
    ways = {"title": "วิธีการ", "type": "array", "items": {"type": "string", "x-enum": [option]}}
    process = SimpleNamespace(forms={"plan": {"properties": {"ways": ways}}}, elements={})
    bare = SimpleNamespace(forms={}, elements={})
    with site.app.test_request_context():
        g.locale = "th"
        for labels in (Labels(cast("Any", process)), Labels(cast("Any", bare), (), [cast("Any", process)])):
            assert labels.text(("ways", 0), "survey", None) == "แบบสอบถาม"
            assert labels.text(("ways", 0), "something_else", None) == "something_else"


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("agreed",), True, "ใช่"),
        (("agreed",), False, "ไม่ใช่"),
        (("agreed",), None, "–"),
        (("place",), "TH-41", "อุดรธานี"),
        (("day",), "2026-11-20", "20 พ.ย. 2569"),
        (("day",), "ยังไม่กำหนด", "ยังไม่กำหนด"),
        (("things",), {"ก": 1}, '{"ก": 1}'),
    ],
)
def test_values_are_shown_as_people_read_them_whatever_an_older_form_asked(
    site: Site, path: tuple[str], value: object, text: str
) -> None:
    form = {
        "type": "object",
        "properties": {"day": {"title": "วัน", "type": "string", "format": "date", "x-widget": "date"}},
    }
    process = SimpleNamespace(forms={"plan": form}, elements={})
    with site.app.test_request_context():
        g.locale = "th"
        assert Labels(cast("Any", process)).text(path, value, None) == text


def test_a_document_is_known_by_the_form_that_asks_most_of_its_fields(site: Site) -> None:
    small = {"title": "เล็ก", "properties": {"a": {"title": "ก"}}}
    large = {"title": "ใหญ่", "x-en": {"title": "Large"}, "properties": {"a": {"title": "ก"}, "b": {"title": "ข"}}}
    process = SimpleNamespace(forms={"small": small, "large": large}, elements={})
    with site.app.test_request_context():
        g.locale = "en"
        labels = Labels(cast("Any", process))
        assert title_of(labels.form_with({"a": 1, "b": 2}) or {}) == "Large"
        assert labels.form_with({"z": 1}) is None


def test_values_that_the_product_writes_are_told_in_words(site: Site) -> None:
    """Names beside user names, cases by number and title as far as they are open, dates of the calendar, reminders."""

    def arrange(session: Session) -> str:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "kanya", "osm_strategy")
        return make_case(session, title="แผนปี").id

    case_id = site.arrange(arrange)
    bare = cast("Any", SimpleNamespace(forms={}, elements={}))
    with site.app.test_request_context(), site.store.reading() as session:
        g.locale, g.session = "th", session
        text = Labels(bare).text
        assert text(("started_by",), "kanya", None) == "คุณkanya (kanya)"
        assert text(("told", 0), "system", None) == "ระบบ"
        assert text(("moved_by",), "nobody", None) == "nobody"
        assert text(("parent_case_id",), case_id, None).endswith(" · แผนปี")
        assert text(("parent_case_id",), "0" * 36, None) == "เรื่องที่คุณเปิดดูไม่ได้"
        assert text(("key",), "q4_agency", None) != "q4_agency"
        rungs = [text(("rung",), rung, None) for rung in ("due-3", "due", "due+1", "overdue")]
        assert rungs == ["ก่อนครบกำหนด 3 วันทำการ", "ในวันครบกำหนด", "หลังครบกำหนด 1 วันทำการ", "overdue"]
        assert text(("new",), "2026-12-25", None) == "25 ธ.ค. 2569"
        assert text(("due_at",), "2026-11-25T09:30:00.000000Z", None) == "25 พ.ย. 2569 16:30 น."
        assert text(("new",), "2026-13-45", None) == "2026-13-45"
        assert text(("parts",), [], None) == "–"


def test_what_a_decision_table_answers_is_no_field_of_the_same_name(site: Site) -> None:
    """A form asks for an `outcome` in free text; the table answers with one, too, in words of its own."""
    process = SimpleNamespace(
        forms={"concept": {"properties": {"outcome": {"title": "ผลลัพธ์", "type": "string"}}}}, elements={}
    )
    with site.app.test_request_context():
        g.locale = "th"
        labels = Labels(cast("Any", process))
        assert labels.text(("screening", "outcome"), "pass_at_risk", None) == "ผ่านโดยมีความเสี่ยง"
        assert labels.label(("screening", "outcome"), None) == "ผลกลั่นกรอง › ผล"
        assert labels.text(("outcome",), "pass", None) == "pass"
        assert labels.label(("outcome",), None) == "ผลลัพธ์"
