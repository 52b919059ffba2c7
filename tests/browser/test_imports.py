"""Importing in a real browser: a wrong sheet first, the right one, confirmed and taken back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.store.models import Project
from tests.browser.conftest import Desk
from tests.factories import make_office, make_person
from tests.integration.web.visits import Site
from tests.workbooks import HEAD, workbook

ROWS = [(f"โครงการที่ {number}", "แขวงทางหลวง", "อุดรธานี", 2571, number) for number in range(1, 4)]


def prepare(session: Session) -> None:
    make_office(session)
    make_person(session, "anan", "osm_strategy")


def test_a_wrong_sheet_is_mended_the_list_imported_and_taken_back(
    site: Site, sit_down: Callable[..., Desk], tmp_path: Path
) -> None:
    site.arrange(prepare)
    path = tmp_path / "บัญชี.xlsx"
    path.write_bytes(workbook([HEAD, *ROWS, ("", "แขวง", "เลย", 2571, 5)], สารบัญ=[["1", "ปี 2571"]]))
    desk = sit_down("anan")
    page = desk.open("/projects")
    page.click("a[href='/imports/projects']")
    page.set_input_files("#import-file", path)
    page.click("form[enctype] button[type=submit]")
    page.wait_for_selector("#import-sheet")
    assert desk.violations() == []

    page.select_option("#import-sheet", "สารบัญ")
    page.wait_for_selector("text=ชีตนี้ไม่มีหัวตาราง")
    assert desk.violations() == []
    page.select_option("#import-sheet", "โครงการ")
    page.wait_for_selector("#col-1")
    page.click("form[data-long-work] button[type=submit]")
    page.wait_for_selector("text=ยืนยันการนำเข้า")
    assert "เซลล์ A5" in page.inner_text("main")
    assert desk.violations() == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("text=ยืนยันการนำเข้า")
    page.wait_for_selector("h1:has-text('ทุกชีตของไฟล์นี้')")
    assert desk.violations() == []
    page.click(".crumbs a")
    page.wait_for_selector("#h-imported")
    assert len(site.read(lambda session: session.scalars(select(Project)).all())) == 3
    assert desk.violations() == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.click("text=ยกเลิกการนำเข้านี้")
    page.fill("textarea[name=reason]", "ผิดชีต")
    page.click("form[action$='/undo'] button[type=submit]")
    page.wait_for_selector(".pill")
    assert site.read(lambda session: session.scalars(select(Project)).all()) == []
    assert desk.complaints == []


def test_three_years_of_one_upload_are_imported_sheet_by_sheet_on_a_phone(
    site: Site, sit_down: Callable[..., Desk], tmp_path: Path
) -> None:
    site.arrange(prepare)
    path = tmp_path / "สามปี.xlsx"
    years = {str(year): [HEAD[:3], (f"โครงการปี {year}", "แขวงทางหลวง", "อุดรธานี")] for year in (2569, 2570)}
    path.write_bytes(workbook([HEAD[:3], ("โครงการปี 2571", "ชลประทาน", "อุดรธานี")], "2571", **years))
    desk = sit_down("anan")
    page = desk.open("/imports/projects")
    page.set_viewport_size({"width": 390, "height": 844})
    page.set_input_files("#import-file", path)
    page.click("form[enctype] button[type=submit]")
    for year in (2569, 2570, 2571):
        page.wait_for_selector("#import-sheet")
        assert page.input_value("#import-sheet") == str(year)
        assert page.input_value("#all-fiscal_year") == str(year)
        page.click("form[data-long-work] button[type=submit]")
        page.click("text=ยืนยันการนำเข้า")
        page.wait_for_selector("h1:has-text('ทุกชีตของไฟล์นี้')")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert desk.violations() == []
        if pictures := os.environ.get("OSM_PICTURES"):
            page.screenshot(path=f"{pictures}/{year}.png", full_page=True)
        if year < 2571:
            page.click(f"form:has(input[value='{year + 1}']) button")
    kept = site.read(lambda session: session.scalars(select(Project.fiscal_year).order_by(Project.fiscal_year)).all())
    assert list(kept) == [2569, 2570, 2571]
    assert desk.complaints == []
