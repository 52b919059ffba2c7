"""Form pages: what is shown, what is read back, what is refused with its field named and nothing lost."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask, g
from lxml import html
from werkzeug.datastructures import MultiDict

from osm_flow.app import create_app
from osm_flow.catalogues import catalogue
from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.forms.values import Errors, changes, random_values
from osm_flow.resources import resource_dir
from osm_flow.settings import Settings
from osm_flow.store.session import Store
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.fields import TableField
from tests.factories import NOW

JSON = dict[str, Any]

KEYS = sorted(path.stem for path in resource_dir("forms").glob("*.yaml"))
CASE: JSON = {
    "fy": 2571,
    "provinces": ["TH-38", "TH-39", "TH-41"],
    "province": "TH-41",
    "project": {"code": "P1", "name": "โครงการหนึ่ง", "agency": "แขวงทางหลวง", "budget": 9000000},
    "development_issues": {"issues": [{"code": "D1", "name_th": "ท่องเที่ยว"}]},
    "opinions": {
        "items": [
            {"disposition": "accept", "group": "public", "province": "TH-41"},
            {"disposition": "decline", "group": "local"},
        ]
    },
    "around": {
        "files": ["รายงาน.pdf", 'ภาพ "หนึ่ง".png'],
        "register": [{"code": "P1", "name": "โครงการหนึ่ง", "budget": 9000000}],
    },
}


@cache
def shipped(key: str) -> JSON:
    return load_form(yaml.safe_load((resource_dir("forms") / f"{key}.yaml").read_text("utf-8")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The site with all its parts; form pages never ask the database."""
    folder = tmp_path_factory.mktemp("forms")
    settings = Settings(env="test", secret_key="k" * 40, data_dir=folder)
    return create_app(settings, store=Store(f"sqlite:///{folder / 'unused.db'}"), clock=lambda: NOW)


@pytest.fixture(autouse=True)
def request_context(site: Flask) -> Iterator[None]:
    """Form pages are made while a request is answered."""
    with site.test_request_context("/"):
        g.locale = "th"
        yield


def page(site: Flask, form: form_page.SchemaForm) -> Any:
    macro = site.jinja_env.get_template("_form.html").make_module({"g": g}).render_form
    return html.fromstring(f"<form>{macro(form)}</form>")


def read_page(schema: JSON, *sent: MultiDict[str, Any], **given: Any) -> tuple[JSON, Errors]:
    """The values and the errors by dotted path of what a page sent."""
    form = form_page.submitted(schema, *sent, **given)
    return form.values, form.faults


def posted_by(tree: Any) -> MultiDict[str, str]:
    """What a browser without scripts would send."""
    pairs: list[tuple[str, str]] = []
    for control in tree.xpath(".//input | .//select | .//textarea"):
        if control.xpath("ancestor::template"):
            continue
        if control.tag == "select":
            pairs += [(control.get("name"), value) for value in control.xpath("option[@selected]/@value")[:1] or [""]]
        elif control.tag == "textarea":
            pairs.append((control.get("name"), (control.text or "").removeprefix("\n")))
        elif control.get("type") not in ("radio", "checkbox") or "checked" in control.attrib:
            pairs.append((control.get("name"), control.get("value", "on")))
    return MultiDict(pairs)


@pytest.mark.parametrize("key", KEYS)
def test_what_a_page_shows_reads_back_the_same(site: Flask, key: str) -> None:
    values = random_values(shipped(key), random.Random(11), CASE)  # noqa: S311 - dice for a test

    tree = page(site, form_page.from_values(shipped(key), values, context=CASE))
    read, errors = read_page(shipped(key), posted_by(tree), context=CASE)

    assert errors == {}
    # A box that nobody ticked says no, and the case gives what people cannot change.
    fields = shipped(key)["properties"]
    added = {name for name, value in read.items() if value is False or fields[name].get("readOnly")} - set(values)
    assert {name: value for name, value in read.items() if name not in added} == values


@pytest.mark.parametrize("key", KEYS)
def test_every_control_has_a_name_people_can_hear_and_every_reference_leads_somewhere(site: Flask, key: str) -> None:
    form = form_page.submitted(shipped(key), MultiDict(), context=CASE)

    tree = page(site, form)

    ids = [one for one in tree.xpath("//@id") if "__i__" not in one]
    assert len(ids) == len(set(ids))
    labelled = set(tree.xpath("//label/@for"))
    for control in tree.xpath("//input | //select | //textarea"):
        assert control.get("aria-label") or control.get("id") in labelled, control.get("name")
    for reference in tree.xpath("//@aria-describedby | //@aria-labelledby"):
        assert set(reference.split()) <= set(ids)
    for link in tree.xpath("//*[@class='error-summary']//a/@href"):
        assert link.removeprefix("#") in ids
    assert bool(tree.xpath("//*[contains(@class, 'form-error')]")) == bool(form.faults)


def test_errors_are_said_on_top_and_beside_their_field(site: Flask) -> None:
    form = form_page.submitted(shipped("approval"), MultiDict({"decision": "return"}))

    tree = page(site, form)

    assert form.faults == {"reason": "Give the reason for returning it."}
    assert tree.xpath("//*[@class='error-summary']//a/text()") == ["เหตุผลหรือข้อสังเกต: บอกเหตุผลที่ส่งคืน"]
    field = tree.xpath("//textarea[@name='reason']")[0]
    assert field.get("aria-invalid") == "true"
    error = tree.get_element_by_id(field.get("aria-describedby").split()[-1])
    assert error.text_content().strip() == "ข้อผิดพลาด: บอกเหตุผลที่ส่งคืน"


def test_the_same_page_in_english(site: Flask) -> None:
    g.locale = "en"

    tree = page(site, form_page.submitted(shipped("approval"), MultiDict({"decision": "return"})))

    assert tree.xpath("//*[@class='error-summary']//a/text()") == [
        "Reason or remark: Give the reason for returning it."
    ]
    assert not any("\u0e00" <= sign <= "\u0e7f" for sign in tree.text_content())


@pytest.mark.parametrize(
    ("posted", "path"),
    [
        ({"typename": "x"}, "typename"),
        ({"stranger": "x"}, "stranger"),
        ({"reason-0-x": "x"}, "reason-0-x"),
        ({"reason": "a\0b"}, "reason"),
        ({"reason": "x" * 5_000_000}, "reason"),
        ({"signed_on_paper": "true"}, "scan"),
        ({"parts": "\n".join(str(number) for number in range(51))}, "parts"),
    ],
)
def test_bad_posts_are_refused_with_the_field_named_and_nothing_lost(site: Flask, posted: JSON, path: str) -> None:
    form = form_page.submitted(shipped("approval"), MultiDict({"decision": "approve", **posted}))

    assert path in form.faults
    sent_back = posted_by(page(site, form))
    for name, text in posted.items():
        if name in shipped("approval")["properties"] and "\0" not in text:
            assert sent_back[name].strip() == text


def test_an_answer_that_is_no_option_is_refused() -> None:
    _, errors = read_page(shipped("approval"), MultiDict({"decision": "destroy"}))

    assert errors == {"decision": "Choose one of the options."}


def test_what_pages_add_themselves_is_no_stranger() -> None:
    posted = MultiDict(
        {"decision": "approve", "csrf_token": "x", "idempotency_key": "k", "_tab": "1", "answered_by": "phone"}
    )

    values, errors = read_page(shipped("approval"), posted, extra=["answered_by"])

    assert errors == {}
    assert values == {"decision": "approve", "reason": "", "parts": [], "signed_on_paper": False}


def test_an_uploaded_file_that_nobody_asked_for_is_a_stranger() -> None:
    _, errors = read_page(shipped("approval"), MultiDict({"decision": "approve"}), MultiDict({"evil": object()}))

    assert list(errors) == ["evil"]


TARGETS = shipped("province_reply")


def reply(**more: str) -> MultiDict[str, str]:
    return MultiDict({"reply": "confirm", "signer": "ผวจ.", "signed_on": "20/11/2569", **more})


def test_rows_may_leave_gaps_and_blank_rows_do_not_count() -> None:
    posted = reply(
        **{
            "targets-7-kpi": "ข",
            "targets-7-confirmed": "๑,๒๐๐",
            "targets-2-kpi": "ก",
            "targets-2-confirmed": "5",
            "targets-9-kpi": " ",
        }
    )

    values, errors = read_page(TARGETS, posted, context={"provinces": ["TH-41"]})

    assert errors == {}
    assert values["targets"] == [{"kpi": "ก", "confirmed": 5}, {"kpi": "ข", "confirmed": 1200}]


def test_rows_pasted_from_excel_follow_the_typed_ones_and_options_are_known_by_name() -> None:
    posted = reply(
        **{
            "projects-0-project": "หนึ่ง",
            "projects-0-support": "support",
            "projects-paste": "รหัสโครงการ\tโครงการ\tความเห็น\tเงื่อนไข\tอยู่ในแผนพัฒนาจังหวัด\r\nสอง\t\tมีเงื่อนไข\tปรับวงเงิน\tใช่\r\n",
        }
    )

    values, errors = read_page(TARGETS, posted)

    assert errors == {}
    assert values["projects"] == [
        {"project": "หนึ่ง", "support": "support"},
        {"project": "สอง", "support": "conditional", "condition": "ปรับวงเงิน", "in_plan": True},
    ]


def test_a_cell_that_cannot_be_read_is_marked_where_it_stands(site: Flask) -> None:
    form = form_page.submitted(TARGETS, reply(**{"targets-4-kpi": "ก", "targets-4-confirmed": "many"}))

    cell = page(site, form).xpath("//*[@name='targets-0-confirmed']")[0]

    assert form.faults == {"targets.0.confirmed": "Write a number, for example 1,250,000.00."}
    assert form.label("targets.0.confirmed") == "ค่าเป้าหมาย แถวที่ 1 ที่ยืนยัน"
    assert (cell.get("value"), cell.get("aria-invalid"), cell.get("id")) == (
        "many",
        "true",
        form.anchor("targets.0.confirmed"),
    )


def test_five_hundred_rows_fit_and_one_more_does_not(site: Flask) -> None:
    rows = "\n".join(f"P{number}\tโครงการ {number}\tสนับสนุน" for number in range(500))

    values, errors = read_page(TARGETS, reply(**{"projects-paste": rows}))
    assert (errors, len(values["projects"])) == ({}, 500)

    form = form_page.submitted(TARGETS, reply(**{"projects-paste": rows + "\nอีกหนึ่ง\t\tสนับสนุน"}))
    assert form.faults == {"projects": "At most 500 entries fit."}
    assert (
        len(page(site, form).xpath("//tr[@data-row][not(ancestor::template)]//*[starts-with(@name, 'projects-')][1]"))
        >= 501
    )


def test_a_row_number_that_is_no_number_is_a_stranger() -> None:
    _, errors = read_page(
        TARGETS, reply(**{"projects-99999999999-project": "x", "projects-x-project": "y", "projects": "z"})
    )

    assert {"projects-99999999999-project", "projects-x-project", "projects"} <= set(errors)


def test_what_the_case_knows_is_shown_and_cannot_be_posted_away(site: Flask) -> None:
    tree = page(site, form_page.blank(TARGETS, CASE))
    assert tree.xpath("//output[@id='field-province']/text()") == ["อุดรธานี"]

    values, errors = read_page(TARGETS, reply(province="TH-38"), context=CASE)
    assert errors == {}
    assert values["province"] == "TH-41"


def test_a_line_that_is_wrong_is_marked_at_its_field_and_told_by_its_number(site: Flask) -> None:
    typed = MultiDict([("issues", "ท่องเที่ยว\n" + "ก" * 300)])
    form = form_page.submitted(shipped("hearing_plan"), typed)

    shown = page(site, form)

    field = shown.xpath('.//*[@data-field="issues"]')[0]
    assert "has-error" in field.get("class")
    assert "บรรทัดที่ 2 ใส่ได้ไม่เกิน 255 ตัวอักษร" in field.text_content()
    assert form.label("issues.1").endswith("บรรทัดที่ 2")
    assert shown.xpath('.//*[@id="field-issues"]/@aria-invalid') == ["true"]


def test_a_draft_brings_back_every_letter_that_was_typed(site: Flask) -> None:
    typed = reply(
        **{"signed_on": "20 พ.ย", "targets-0-kpi": "ก", "targets-0-confirmed": "1,2", "projects-paste": "a\tb"}
    )

    draft = form_page.draft_of(TARGETS, MultiDict([*typed.items(), ("csrf_token", "x"), ("stranger", "y")]))
    form = form_page.from_draft(TARGETS, draft)

    assert set(draft) == set(typed)
    sent_back = posted_by(page(site, form))
    assert (sent_back["signed_on"], sent_back["targets-0-confirmed"]) == ("20 พ.ย", "1,2")


def test_amounts_are_added_up_under_their_column(site: Flask) -> None:
    posted = MultiDict(
        {"budget_types-0-category": "operating", "budget_types-0-amount": "1,000.10", "budget_types-1-amount": "๒"}
    )
    form = form_page.submitted(shipped("project_concept"), posted)
    table = form.form_fields["budget_types"]

    assert isinstance(table, TableField)
    assert table.totals() == {"amount": "1,002.10"}


def test_hostile_text_stays_text(site: Flask) -> None:
    form = form_page.submitted(
        shipped("approval"), MultiDict({"reason": "</textarea><script>alert(1)</script>", "decision": '"><b>'})
    )

    tree = page(site, form)

    assert tree.xpath("//script | //b") == []
    assert tree.xpath("//textarea[@name='reason']")[0].text.strip() == "</textarea><script>alert(1)</script>"


def test_a_page_class_is_made_once_per_schema() -> None:
    assert form_page.form_class(shipped("approval")) is form_page.form_class(dict(shipped("approval")))
    assert form_page.form_class(shipped("approval")) is not form_page.form_class(shipped("quorum"))


def document(site: Flask, schema: JSON, values: JSON, changed: Any = None) -> Any:
    macro = site.jinja_env.get_template("_document.html").make_module({"g": g}).render_document
    return html.fromstring(str(macro(schema, values, changed)))


@pytest.mark.parametrize("key", KEYS)
def test_every_filled_form_can_be_read_as_a_document(site: Flask, key: str) -> None:
    values = random_values(shipped(key), random.Random(5), CASE)  # noqa: S311 - dice for a test

    tree = document(site, shipped(key), values)

    shown = len(tree.xpath("//*[contains(@class, 'document-label')]"))
    assert shown == sum(1 for value in values.values() if value not in ("", []))
    assert tree.xpath("//input | //ins | //del") == []


def test_a_document_marks_what_changed_in_words(site: Flask) -> None:
    old = {"reply": "confirm", "signed_on": "2026-11-20", "projects": [{"project": "หนึ่ง", "support": "support"}]}
    new = {
        "reply": "adjust",
        "signed_on": "2026-11-20",
        "reason": "น้ำท่วม",
        "projects": [{"project": "สอง", "support": "support"}],
    }

    tree = document(site, TARGETS, new, changes(TARGETS, old, new))

    words = " ".join(tree.text_content().split())
    assert "แก้ไข เดิม: ยืนยัน ใหม่: ขอปรับ" in words
    assert "เพิ่ม ใหม่: น้ำท่วม" in words
    assert tree.xpath("//tr/@class") == ["is-added", "is-removed"]
    assert "20 พ.ย. 2569" in words


def test_every_sentence_about_forms_is_there_in_thai() -> None:
    package = Path(form_page.__file__).parents[2]
    sources = [*package.glob("domain/forms/*.py"), *package.glob("web/forms/*.py")]
    calls = (
        node for path in sources for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
    )
    said = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in ("Message", "FormRefused") and call.args
        if isinstance(call.args[0], ast.Constant)
    }

    assert len(said) > 30
    assert said - set(catalogue("th").single) == set()


@pytest.mark.parametrize(("key", "name"), [("quarterly_report", "evidence"), ("opinions", "items-0-attachment")])
def test_attached_files_are_offered_where_one_is_asked_for(site: Flask, key: str, name: str) -> None:
    tree = page(site, form_page.blank(shipped(key), CASE))

    (control,) = tree.xpath(f"//input[@name='{name}']")
    offered = tree.xpath(f"//datalist[@id='{control.get('list')}']/option/@value")
    assert offered == CASE["around"]["files"]
    without = page(site, form_page.blank(shipped(key), {}))
    assert without.xpath("//datalist | //input[@list]") == []


def test_what_is_counted_is_shown_and_sent_but_not_typed(site: Flask) -> None:
    """Counts, and the names they belong to, come from the opinions; a page without scripts sends them back as they are."""
    tree = page(site, form_page.blank(shipped("hearing_summary"), CASE))

    assert tree.xpath("//input[@name='total_opinions']") == []
    assert [one.strip() for one in tree.xpath("//*[@id='field-total_opinions']/text()")] == ["2"]
    assert tree.xpath("//input[@type='hidden' and starts-with(@name, 'by_group-')]/@value") == ["public", "local"]
    assert set(tree.xpath("//input[starts-with(@name, 'by_group-0-') and not(@type='hidden')]/@readonly")) == {
        "readonly"
    }
    posted = posted_by(tree)
    posted.setlist("by_group-0-opinions", ["7"])
    _, errors = read_page(shipped("hearing_summary"), posted, context=CASE)
    assert errors["by_group.0.group"] == "This cannot be changed here."
