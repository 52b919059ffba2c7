"""Names of a diagram outside its drawing."""

from __future__ import annotations

import pytest

from osm_flow.engine import one_line
from osm_flow.engine.xml import read_xml


@pytest.mark.parametrize(
    ("drawn", "read"),
    [
        ("ยืนยันแผน\nและเป้าหมาย", "ยืนยันแผนและเป้าหมาย"),
        ("ก.บ.ก. พิจารณา\nการเปลี่ยนแปลง", "ก.บ.ก. พิจารณาการเปลี่ยนแปลง"),
        ("รองผู้ว่าฯ เห็นชอบ?", "รองผู้ว่าฯ เห็นชอบ?"),
        ("ส่งให้\nOSM", "ส่งให้ OSM"),
        ("Send\nthe plan", "Send the plan"),
    ],
)
def test_a_forced_break_is_no_space_between_thai_words(drawn: str, read: str) -> None:
    assert one_line(drawn) == read


def test_every_name_of_a_file_is_read_without_its_breaks() -> None:
    root = read_xml('<a name="หนึ่ง&#10;สอง"><b name="สาม สี่"/></a>'.encode())

    assert [node.get("name") for node in root.iter()] == ["หนึ่งสอง", "สาม สี่"]
