"""Reading XML that a stranger may have made, and the names of a diagram outside its drawing."""

from __future__ import annotations

import pytest
from lxml import etree

from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.xml import (
    MAX_BYTES,
    MAX_DEPTH,
    as_utf8,
    child_text,
    local_name,
    one_line,
    properties_of,
    read_xml,
    refuse,
)
from tests.unit.engine.diagrams import document, element, properties

# ---- names -----------------------------------------------------------------------------------------------------------


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


# ---- strangers' files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<!DOCTYPE d><a/>", "doctype"),
        (b"<!doctype d><a/>", "doctype"),
        (b"<a><!-- fine --></a><!ENTITY x 'y'>", "doctype"),
        (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>', "doctype"),
        ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d><a/>'.encode("utf-16"), "doctype"),
        (b"<a>&nobody;</a>", "not_xml"),
        (b"<a><b></a>", "not_xml"),
        (b"", "not_xml"),
        (b"<a>\x00</a>", "not_xml"),
    ],
)
def test_what_is_hostile_or_broken_is_refused_in_both_languages(content: bytes, code: str) -> None:
    with pytest.raises(DefinitionRefused) as raised:
        read_xml(content)

    (problem,) = raised.value.problems
    assert problem.code == code
    assert problem.th != problem.en


def test_a_file_may_be_as_large_as_the_limit_and_no_larger() -> None:
    room = MAX_BYTES - len("<a></a>")
    assert read_xml(b"<a>" + b" " * room + b"</a>").tag == "a"
    with pytest.raises(DefinitionRefused) as raised:
        read_xml(b"<a>" + b" " * (room + 1) + b"</a>")
    assert [problem.code for problem in raised.value.problems] == ["too_big"]


def test_elements_may_be_nested_as_deep_as_the_limit_and_no_deeper() -> None:
    deep = MAX_DEPTH
    assert read_xml(b"<a>" * deep + b"</a>" * deep).tag == "a"
    with pytest.raises(DefinitionRefused) as raised:
        read_xml(b"<a>" * (deep + 1) + b"</a>" * (deep + 1))
    assert [problem.code for problem in raised.value.problems] == ["too_deep"]


def test_comments_and_instructions_are_not_part_of_what_is_read() -> None:
    root = read_xml(b"<?xml version='1.0'?><a><?php echo 1 ?><!-- no --><b/></a>")

    assert [local_name(node) for node in root.iter()] == ["a", "b"]


def test_a_file_in_another_encoding_is_read_in_its_own() -> None:
    root = read_xml('<?xml version="1.0" encoding="TIS-620"?><a name="แผน"/>'.encode("tis-620"))

    assert root.get("name") == "แผน"


def test_a_refusal_names_its_element_and_both_sentences() -> None:
    (problem,) = refuse("code", "ไทย", "English", "a").problems

    assert (problem.element, problem.code, problem.th, problem.en) == ("a", "code", "ไทย", "English")


# ---- looking into elements -------------------------------------------------------------------------------------------


def root_of(inner: str) -> object:
    return read_xml(document(inner))[0]  # type: ignore[no-any-return]


def test_an_element_is_called_by_its_name_without_its_namespace() -> None:
    assert local_name(root_of(element("userTask", "a"))) == "userTask"


def test_properties_are_read_from_the_element_itself_and_not_from_those_inside_it() -> None:
    inner = element("userTask", "a", properties(inside="yes"))
    node = root_of(element("subProcess", "sp", properties(document="plan", empty=""), inner))

    assert properties_of(node) == {"document": "plan", "empty": ""}


def test_a_property_without_a_name_is_none() -> None:
    inner = '<camunda:properties><camunda:property value="x"/><camunda:property name="y"/></camunda:properties>'
    node = root_of(element("userTask", "a", f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>"))

    assert properties_of(node) == {"y": ""}
    assert properties_of(root_of(element("userTask", "a"))) == {}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<bpmn:text>  three days\n</bpmn:text>", "three days"),
        ("<bpmn:text>  </bpmn:text>", None),
        ("<bpmn:text/>", None),
        ("", None),
        ("<bpmn:text>one</bpmn:text><bpmn:text>two</bpmn:text>", "one"),
    ],
)
def test_the_text_of_a_child_is_stripped_and_blank_is_none(text: str, read: str | None) -> None:
    assert child_text(root_of(element("textAnnotation", "a", text)), "./bpmn:text") == read


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16LE"), ("utf-16-be", "utf-16"), ("utf-8", "UTF-8"), ("utf-8", "utf-16")],
)
def test_whatever_it_was_sent_in_is_utf_8_afterwards(encoding: str, declared: str) -> None:
    text = f"<?xml version='1.0' encoding='{declared}' standalone='yes'?><a name='ร่างแผน'/>"

    kept = as_utf8(text.encode(encoding))

    if encoding == "utf-8":
        assert kept == text.encode()
    else:
        assert kept == text.replace(declared, "UTF-8").encode()
        assert etree.fromstring(kept).get("name") == "ร่างแผน"
