"""Importing on its pages: what is wrong with a file is said there, nothing is written before confirming, and it is taken back."""

from __future__ import annotations

import io
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.store.models import BookEntry, ImportFile, Project
from osm_flow.store.session import Store
from tests.factories import make_office, make_person, make_project
from tests.integration.web.visits import Answer, Site, Visitor, open_site
from tests.workbooks import HEAD, workbook

ROWS = [
    ("โครงการถนน", "แขวงทางหลวง", "อุดรธานี", 2571, 100),
    ("โครงการน้ำ", "ชลประทาน", "ขอนแก่น", 2571, 200),
]


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_person(session, "anan", "osm_strategy")
        make_person(session, "head", "osm_strategy_head")
        make_person(session, "works", "agency_owner", province_id="TH-41")
        make_person(session, "auditor", "auditor")
        make_person(session, "sakon", "osm_director", office_id="NE-U2")

    site.arrange(arrange)
    return site


def send(visitor: Visitor, content: bytes, name: str = "บัญชี.xlsx") -> Answer:
    form = visitor.get("/imports/projects")
    return visitor.submit(form, "/imports/projects", file=(io.BytesIO(content), name))


def chosen(visitor: Visitor, content: bytes) -> Answer:
    """The preview of a list as it is proposed."""
    return visitor.follow(choose(visitor, visitor.follow(send(visitor, content))))


def choose(visitor: Visitor, page: Answer, **values: str) -> Answer:
    """Send what is chosen for a list; the forms that only look at another sheet are sent to the same address."""
    (form,) = page.all("//form[@data-long-work]")
    return Answer.of(visitor.client.post(form.get("action"), data={**dict(form.form_values()), **values}))


def names(site: Site) -> list[str]:
    return list(site.read(lambda session: session.scalars(select(Project.name_th).order_by(Project.code)).all()))


def test_a_list_is_previewed_with_its_cells_confirmed_and_taken_back(site: Site) -> None:
    anan = site.visit("anan")
    assert anan.get("/projects").all("//a[@href='/imports/projects']")
    preview = chosen(anan, workbook([HEAD, *ROWS]))
    assert "โครงการถนน" not in preview.words
    assert "ชีต โครงการ เซลล์ C3" in preview.words
    assert "ขอนแก่น" in preview.words
    assert names(site) == []

    done = anan.follow(anan.submit(preview, "/confirm"))
    assert "เพิ่ม 1 รายการ" in done.words
    assert "เซลล์ C3" in done.words
    assert names(site) == ["โครงการถนน"]
    again = anan.follow(anan.submit(preview, "/confirm"))
    assert "นำเข้าไปแล้ว" in again.words

    settled = anan.follow(anan.submit(done, "/settle"))
    assert "เซลล์ C3" not in settled.words
    back = anan.follow(anan.submit(settled, "/undo", reason="ผิดไฟล์"))
    assert "ยกเลิกแล้ว" in back.words
    assert names(site) == []


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"", 422, "เลือกไฟล์"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, 422, ".xls"),
        (b"%PDF-1.7", 422, "ไม่ใช่ Excel"),
        (workbook([[f"c{number}" for number in range(200)]]), 200, ""),
    ],
)
def test_what_is_wrong_with_a_file_is_said_where_it_is_chosen(
    site: Site, content: bytes, status: int, words: str
) -> None:
    anan = site.visit("anan")
    answer = send(anan, content, "" if not content else "x.xlsx")
    if status == 200:
        answer, words = anan.follow(answer), "200"
        assert "ชีตนี้ไม่มีหัวตาราง" in answer.words or "120" in answer.words
        return
    assert (answer.status, words in answer.words) == (status, True)
    assert site.read(lambda session: session.scalars(select(ImportFile)).all()) == []


def test_a_wrong_sheet_or_head_is_said_and_what_was_chosen_stays(site: Site) -> None:
    anan = site.visit("anan")
    page = anan.follow(send(anan, workbook([HEAD, ROWS[0]], สารบัญ=[["1", "ปี 2571"]])))
    address = page.all("//form[@data-long-work]/@action")[0]
    index = anan.get(f"{address}?sheet=สารบัญ")
    assert (index.status, "ไม่มีหัวตาราง" in index.words) == (200, True)
    beyond = anan.get(f"{address}?sheet=โครงการ&first=9&last=12")
    assert (beyond.status, "แถว 9 ถึง 12" in beyond.words) == (422, True)
    assert anan.get(f"{address}?sheet=ไม่มี").status == 422
    unnamed = choose(anan, page, **{"col-1": "", "all-agency": "หน่วยงานเรา"})
    assert (unnamed.status, "ชื่อโครงการ" in unnamed.words) == (422, True)
    assert unnamed.all("//input[@name='all-agency']/@value") == ["หน่วยงานเรา"]
    assert choose(anan, page, **{"all-fiscal_year": "ปีหน้า"}).status == 422


def test_what_changed_since_the_preview_is_told_and_previewed_again(site: Site) -> None:
    anan = site.visit("anan")
    preview = chosen(anan, workbook([HEAD, ROWS[0]]))
    site.arrange(lambda session: make_project(session, "P1", name="โครงการถนน", requested=100))

    told = anan.submit(preview, "/confirm")

    assert (told.status, "ทะเบียนเปลี่ยนไป" in told.words) == (409, True)
    assert names(site) == ["โครงการถนน"]


def test_what_somebody_says_of_a_row_is_kept(site: Site) -> None:
    anan = site.visit("anan")
    preview = chosen(anan, workbook([HEAD, ROWS[0], ROWS[0]]))
    assert preview.all("//select[@name='row-3']")
    form = anan.follow(anan.submit(preview, "/rows", **{"row-3": "new"}))

    anan.submit(form, "/confirm")

    assert names(site) == ["โครงการถนน", "โครงการถนน"]


def test_who_keeps_no_register_is_refused_and_another_office_finds_nothing(site: Site) -> None:
    anan = site.visit("anan")
    anan.submit(chosen(anan, workbook([HEAD, ROWS[0]])), "/confirm")
    waiting = anan.follow(send(anan, workbook([HEAD, ROWS[0]])))
    address = waiting.all("//form[@data-long-work]/@action")[0]
    for name in ("works", "auditor"):
        visitor = site.visit(name)
        assert visitor.get("/imports/projects").status == 403
        assert visitor.get(address).status == 403
        assert visitor.post("/imports/1/undo", reason="x").status == 403
        assert not visitor.get("/projects").all("//a[@href='/imports/projects']")
    for path in (address, f"{address}/preview", f"{address}/progress"):
        assert site.visit("head").get(path).status == 404
        assert site.visit("sakon").get(path).status == 404
    assert site.visit("sakon").post("/imports/1/undo", reason="x").status == 404
    assert anan.get("/imports/letters").status == 404
    assert len(site.read(lambda session: session.scalars(select(BookEntry)).all())) == 1


def test_words_in_a_list_are_asked_for_by_one_and_erased_by_another(site: Site) -> None:
    words = "นายสมปอง ดีงาม"

    def arrange(session: Any) -> None:
        make_person(session, "root", "admin")
        make_person(session, "boss", "osm_director")

    site.arrange(arrange)
    anan, root, boss = (site.visit(name) for name in ("anan", "root", "boss"))
    preview = chosen(anan, workbook([HEAD, *ROWS, (f"บ้าน {words}", "", "อุดรธานี", 2571, 1)]))
    anan.submit(preview, "/confirm")
    page = root.post("/privacy/find", text=words)
    assert "ในบัญชีที่อัปโหลด" in page.words
    assert "แถวที่เว้นไว้ 1 แถว" in page.words
    assert [box.get("value") for box in page.all("//input[@name='list' and @checked]")] == ["1"]

    refused = root.submit(page, "/privacy/requests", reason="คำขอที่ 1", list="๑x")
    assert refused.status == 422
    sent = root.submit(page, "/privacy/requests", reason="คำขอที่ 1", list="1")
    asked = boss.get(sent.location)
    assert "บัญชีที่นำเข้าหมายเลข 1 · บัญชี.xlsx" in asked.words
    assert boss.submit(asked, "/approve").status == 302

    front = anan.get("/imports/projects")
    assert words not in front.text
    assert "(ลบแล้ว)" in front.words
    assert anan.get("/imports/1/preview").status in (302, 409)
    assert "ไม่พบข้อความนี้" in root.post("/privacy/find", text=words).words


YEARS = {str(year): [HEAD[:3], (f"โครงการปี {year}", "แขวงทางหลวง", "อุดรธานี")] for year in (2569, 2570)}


def test_another_sheet_of_the_same_file_has_its_own_preview_and_undo_and_is_told_when_it_comes_twice(
    site: Site,
) -> None:
    anan = site.visit("anan")
    first = anan.follow(send(anan, workbook([HEAD[:3], ("โครงการหลัง", "ชลประทาน", "อุดรธานี")], "2571", **YEARS)))
    address = first.all("//a[contains(@href, '/sheets')]/@href")[0]
    assert len(anan.get(address).all("//form[contains(@action, '/sheets')]")) == 2
    sheets = anan.follow(anan.submit(anan.follow(choose(anan, first)), "/confirm"))
    assert "เพิ่ม 1 รายการ" in sheets.words

    second = anan.follow(anan.submit(sheets, "/sheets", sheet="2570"))
    again = anan.follow(anan.submit(anan.get(address), "/sheets", sheet="2570"))
    assert second.all("//form[@data-long-work]/@action") == again.all("//form[@data-long-work]/@action")
    assert second.all("//input[@name='all-fiscal_year']/@value") == ["2570"]
    anan.submit(anan.follow(choose(anan, second)), "/confirm")
    assert len(names(site)) == 2
    assert len(site.read(lambda session: session.scalars(select(BookEntry)).all())) == 2

    twice = anan.follow(anan.submit(anan.get(address), "/sheets", sheet="2570"))
    assert "ชีตนี้ของไฟล์นี้นำเข้าไปแล้ว" in anan.follow(choose(anan, twice)).words
    unknown = anan.submit(anan.get(address), "/sheets", sheet="ไม่มี")
    assert unknown.status == 422
    anan.post("/imports/2/undo", reason="ผิดปี")
    assert len(names(site)) == 1
    assert "ยกเลิกแล้ว" in anan.get(address).words
    for name, status in (("works", 403), ("head", 404), ("sakon", 404)):
        assert site.visit(name).get(address).status == status
        assert site.visit(name).post(address, sheet="2570").status == status
