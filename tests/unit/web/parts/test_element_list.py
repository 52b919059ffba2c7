"""A diagram as a list: its named elements in the order of the drawing, with where the case stands in them."""

from __future__ import annotations

import pytest
import yaml

from osm_flow.domain.forms.schema import load_form
from osm_flow.engine import Process, compile_process
from osm_flow.web.parts.element_list import live_elements, plain_elements
from tests.factories import files


@pytest.fixture(scope="module")
def process() -> Process:
    given = files("review")
    forms = {
        name.removesuffix(".yaml"): load_form(yaml.safe_load(text))
        for name, text in given.items()
        if name.endswith(".yaml")
    }
    return compile_process("review", given["review.bpmn"], forms, {})


def test_the_elements_of_a_definition_are_read_without_a_case(process: Process) -> None:
    assert [(line.name, line.kind, line.state, line.words) for line in plain_elements(process)] == [
        ("เริ่ม", "จุดเริ่ม", "next", ""),
        ("ร่างแผน", "งาน", "next", ""),
        ("ตรวจร่าง", "งาน", "next", ""),
        ("เห็นชอบหรือไม่", "ทางแยก", "next", ""),
        ("จบ", "จุดจบ", "next", ""),
    ]


@pytest.mark.parametrize(("overdue", "state", "words"), [(0, "now", "กำลังทำ"), (1, "late", "เกินกำหนด")])
def test_where_the_case_stands_counts_more_than_where_it_has_been(
    process: Process, overdue: int, state: str, words: str
) -> None:
    picture = {
        "tokens": [{"element": "draft", "count": 1, "overdue": overdue}],
        "passed": {"start": 1, "draft": 2, "check": 2, "good": 1},
    }

    lines = {line.name: (line.state, line.words) for line in live_elements(process, picture)}

    assert lines == {
        "เริ่ม": ("done", "ผ่านแล้ว"),
        "ร่างแผน": (state, words),
        "ตรวจร่าง": ("done", "ผ่านแล้ว 2 ครั้ง"),
        "เห็นชอบหรือไม่": ("done", "ผ่านแล้ว"),
        "จบ": ("next", "ยังไม่ถึง"),
    }
