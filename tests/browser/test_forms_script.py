"""What the script of form pages does in a real browser: rows come and go, cells take a paste, totals follow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask, g
from werkzeug.datastructures import MultiDict

from osm_flow.app import create_app
from osm_flow.domain.forms.schema import load_form
from osm_flow.resources import resource_dir
from osm_flow.settings import Settings
from osm_flow.store.session import Store
from osm_flow.web.forms import page as form_page

pytestmark = pytest.mark.browser

STATIC = Path(form_page.__file__).parents[1] / "static"
PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
CELLS = "rows => rows.map(row => [...row.querySelectorAll('input, select, textarea')].map(cell => cell.value))"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("forms")
    settings = Settings(env="test", secret_key="k" * 40, data_dir=folder)
    return create_app(settings, store=Store(f"sqlite:///{folder / 'unused.db'}"))


@pytest.fixture
def opened(site: Flask, chromium: Any) -> Iterator[Any]:
    """Opens the page of a form; the page must not complain in its console."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def show(
        key: str, posted: MultiDict[str, str] | None = None, width: int = 1280, context: dict[str, Any] | None = None
    ) -> Any:
        schema = load_form(yaml.safe_load((resource_dir("forms") / f"{key}.yaml").read_text("utf-8")))
        with site.test_request_context("/"):
            g.locale = "th"
            form = form_page.blank(schema, context or {}) if posted is None else form_page.submitted(schema, posted)
            body = site.jinja_env.get_template("_form.html").make_module({"g": g}).render_form(form)
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(f"<!doctype html><html lang=th><body><form>{body}</form></body></html>")
        page.add_style_tag(content=(STATIC / "css" / "forms.css").read_text("utf-8"))
        page.add_script_tag(content=(STATIC / "js" / "forms.js").read_text("utf-8"))
        return page

    yield show
    page.close()
    assert complaints == []


def test_rows_are_added_and_removed_and_totals_follow(opened: Any) -> None:
    page = opened("project_concept")
    table = page.locator('[data-field="budget_types"]')

    table.locator("[data-add-row]").click()
    assert page.evaluate("document.activeElement.name") == "budget_types-3-category"
    page.locator('[name="budget_types-0-amount"]').fill("1,000.50")
    page.locator('[name="budget_types-1-amount"]').fill("๒๐๐")
    assert table.locator("[data-total]").inner_text() == "1,200.50"

    table.locator("[data-remove-row]").first.click()
    assert table.locator("[data-total]").inner_text() == "200.00"
    assert page.locator('[name="budget_types-0-amount"]').input_value() == "๒๐๐"
    assert table.locator("tr[data-row]").count() == 3


def test_cells_pasted_from_a_spreadsheet_fill_rows_and_choose_options_by_name(opened: Any) -> None:
    page = opened("project_concept")
    page.locator('[name="budget_types-1-category"]').focus()

    page.evaluate(PASTE, "งบดำเนินงาน\t100\nเงินอุดหนุน\t2,000\n\n")

    rows = page.locator('[data-table="budget_types"] tr[data-row]').evaluate_all(CELLS)
    assert rows[:3] == [["", ""], ["operating", "100"], ["subsidy", "2,000"]]


def test_a_cell_with_a_line_break_or_quotation_marks_stays_one_cell(opened: Any) -> None:
    page = opened("project_concept")
    page.locator('[name="budget_types-0-category"]').focus()

    page.evaluate(PASTE, 'งบดำเนินงาน\t"1,000\n.50"\n"เงินอุดหนุน"\t2\nไม่รู้จัก\t3\tเกิน\n')

    rows = page.locator('[data-table="budget_types"] tr[data-row]').evaluate_all(CELLS)
    assert rows == [["operating", "1,000 .50"], ["subsidy", "2"], ["", "3"]]
    said = page.locator('[data-field="budget_types"] [data-table-status]').inner_text()
    assert "3 จาก 3 แถว" in said
    assert "2 ช่อง" in said


def test_one_column_copied_from_a_spreadsheet_fills_downwards(opened: Any) -> None:
    page = opened("project_concept")
    page.locator('[name="budget_types-0-amount"]').focus()

    page.evaluate(PASTE, "๑,๒๐๐\n300\n")
    assert page.locator('[name="budget_types-1-amount"]').input_value() == ""
    page.evaluate(
        PASTE.replace('"text/plain", text);', '"text/plain", text); data.setData("text/html", "<table>");'),
        "๑,๒๐๐\n300\n",
    )

    assert page.locator('[name="budget_types-0-amount"]').input_value() == "๑,๒๐๐"
    assert page.locator('[name="budget_types-1-amount"]').input_value() == "300"
    assert page.locator('[data-total="amount"]').inner_text() == "1,500.00"


def test_a_pointless_field_steps_aside_and_comes_back(opened: Any) -> None:
    page = opened("approval")
    parts = page.locator('[data-field="parts"]')

    assert not parts.is_visible()
    page.locator('[name="decision"][value="return"]').check()
    assert parts.is_visible()


def test_a_link_of_the_error_summary_opens_the_folded_part_and_leads_to_the_field(opened: Any) -> None:
    page = opened("invitation", MultiDict({"members-0-channel": "letter"}))
    page.wait_for_selector("[data-error-summary]:focus")
    page.locator("details.form-optional").evaluate("fold => { fold.open = false; }")

    page.locator(".error-summary a[href='#field-members-0-member']").click()

    assert page.evaluate("document.activeElement.name") == "members-0-member"


@pytest.mark.parametrize("key", ["project_concept", "kpis", "province_reply", "review_result"])
def test_nothing_is_wider_than_a_small_phone(opened: Any, key: str) -> None:
    page = opened(key, width=320)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def people(count: int, *, broken: int | None = None) -> MultiDict[str, str]:
    """As many participants as posted rows; the `broken` one belongs to no group."""
    posted = MultiDict[str, str]()
    for number in range(count):
        posted[f"people-{number}-name"] = f"คนที่{number}"
        posted[f"people-{number}-province"] = "TH-41"
        posted[f"people-{number}-group"] = "" if number == broken else "public"
    return posted


def test_filled_cards_fold_on_a_phone_and_open_again(opened: Any) -> None:
    page = opened("attendance", people(4), width=390)
    rows = page.locator('[data-table="people"] tr[data-row]')
    filled = [row for row in range(rows.count()) if rows.nth(row).locator(".form-error").count() == 0]
    assert filled

    first = rows.nth(filled[0])
    toggle = first.locator("[data-fold-row]")
    assert toggle.get_attribute("aria-expanded") == "false"
    assert f"คนที่{filled[0]}" in toggle.inner_text()
    assert not first.locator("input[type=text]").first.is_visible()
    assert first.bounding_box()["height"] < 150

    toggle.click()
    assert first.locator("input[type=text]").first.is_visible()
    first.locator('[name$="-name"]').fill("ชื่อใหม่")
    toggle.click()
    assert "ชื่อใหม่" in toggle.inner_text()
    assert page.locator(f'[name="people-{filled[0]}-name"]').input_value() == "ชื่อใหม่"


def test_a_card_with_a_fault_stays_open(opened: Any) -> None:
    page = opened("attendance", people(4, broken=2), width=390)

    row = page.locator('[data-table="people"] tr[data-row]').nth(2)

    assert row.locator(".form-error").count()
    assert row.locator("[data-fold-row]").get_attribute("aria-expanded") == "true"
    assert row.locator('[name="people-2-name"]').is_visible()


def test_a_few_cards_are_not_folded(opened: Any) -> None:
    page = opened("attendance", people(2), width=390)

    assert page.locator("[data-fold-row]:visible").count() == 0
    assert page.locator('[name="people-1-name"]').is_visible()


def test_a_folded_card_tells_what_its_first_answers_say_once(opened: Any) -> None:
    posted = MultiDict(
        [
            (f"items-{n}-{name}", value)
            for n in range(4)
            for name, value in (("project", f"P{n} โครงการ {n}"), ("name", f"โครงการ {n}"), ("amount_requested", "500"))
        ]
    )
    page = opened("review_result", posted, width=390)

    told = page.locator('[data-field="items"] [data-row-summary]').all_text_contents()
    assert [text for text in told if text] == [f"P{n} โครงการ {n} · 500" for n in range(4)]


def test_what_the_case_knows_is_offered_and_answered_with_a_click_alone(opened: Any) -> None:
    known = {"hearing_type": "online", "invitation": {"meeting_at": "2026-12-20T09:30:00+07:00"}}
    page = opened("hearing_plan", context=known)
    assert page.locator("[name=hearing_type]:checked").count() == 0
    page.locator("[data-offer-to=hearing_type]").click()
    assert page.locator("[name=hearing_type]:checked").get_attribute("value") == "online"

    page = opened("minutes", context=known)
    field = page.locator("[name=start_at]")
    assert field.input_value() == ""
    page.locator("[data-offer-to=start_at]").click()
    assert field.input_value() == "20/12/2569 09:30"

    page = opened("kpis")
    assert page.locator("[type=radio]:checked").count() == 0
    assert page.locator("[data-offer]").count() == 0


def test_rows_of_a_table_are_never_folded(opened: Any) -> None:
    posted = MultiDict(
        [
            (f"budget_types-{n}-{name}", value)
            for n in range(4)
            for name, value in (("category", "operating"), ("amount", "5"))
        ]
    )
    page = opened("project_concept", posted, width=390)
    assert page.locator('[data-field="budget_types"] tr.is-folded').count() == 4

    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("!document.querySelector('[data-field=budget_types] tr.is-folded')")

    assert page.locator('[data-field="budget_types"] [data-fold-row]:visible').count() == 0


def test_pasted_cells_are_those_of_the_table_that_the_server_is_held_to(chromium: Any) -> None:
    """The function of the script itself, on an empty page: the same cases are in the tests of `domain/forms/typed_text`."""
    script = (STATIC / "js" / "forms.js").read_text(encoding="utf-8")
    function = re.search(r"^  function cellsOf\(text\) \{.*?^  \}$", script, re.MULTILINE | re.DOTALL)
    assert function
    cases = json.loads((Path(__file__).parents[1] / "pasted_cells.json").read_text(encoding="utf-8"))
    page = chromium.new_page()
    try:
        read = page.evaluate(
            f"texts => {{ {function[0]}; return texts.map(cellsOf); }}", [case["text"] for case in cases]
        )
    finally:
        page.close()

    assert read == [case["cells"] for case in cases]
    assert len(cases) > 15
