"""Who asks for erasure and who decides read what goes by the labels of its form, and what else it takes or leaves."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from osm_flow.domain.access.policy import Decision
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.books import corrections
from osm_flow.operations.books.corrections import NewCorrection
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects import project_files
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.project_files import NewPhoto
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.session import Store
from tests.factories import (
    NOW,
    OFFICE,
    deploy_tests,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
    make_project,
)
from tests.integration.web.visits import Answer, Site, open_site
from tests.pictures import photo
from tests.workbooks import HEAD, workbook

NAME = "นายสมชาย ใจดี"
BOOK = book_of(OFFICE, 2571)


@pytest.fixture
def site(store: Store) -> Site:
    """The name stands in a running case, in a record's contact, caption, correction and reason, and in a list."""
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        deploy_tests(session, "review")
        people = (("anan", "osm_strategy"), ("boss", "osm_director"), ("root", "admin"))
        for name, role in people:
            make_person(session, name, role)
        anan = actor_named(session, "anan", NOW.date())
        case = make_case(session)
        complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": f"พบ {NAME}"}))
        make_project(session, "P1", contact_name=NAME, contact_phone="0812345678")
        because = BookAct(BookActKind.corrected, {"record": "P1"}, reason=f"{NAME} แจ้ง")
        revise(session, BOOK, because, anan, later(1), {"P1": {"requested": 2000}})
        asked = NewCorrection({"name": f"ถนนของ {NAME}", "requested": 1500.5}, 2, "พิมพ์ผิด")
        corrections.correct(session, BOOK, anan, later(2), "P1", asked, Decision(True))
        about = NewPhoto("before", date(2026, 11, 2), f"{NAME} ส่งมอบงาน")
        project_files.add_photo(session, "P1", anan, later(3), GivenFile("a.jpg", photo()), about, key=None)

    site.arrange(arrange)
    anan = site.visit("anan")
    file = (io.BytesIO(workbook([HEAD, (f"บ้านของ {NAME}", "อบต.", "", 2571, 1)])), "บัญชี.xlsx")
    assert anan.submit(anan.get("/imports/projects"), "/imports/projects", file=file).status == 302
    return site


def said(page: Answer) -> list[tuple[str, str]]:
    labels, texts = (
        page.all(f"//ul[@class='list-unstyled']//dl[contains(@class,'facts')]/{tag}/text()") for tag in ("dt", "dd")
    )
    return list(zip(map(str, labels), map(str, texts), strict=True))


def test_what_is_found_is_shown_by_the_labels_of_its_form(site: Site) -> None:
    page = site.visit("root").post("/privacy/find", text=NAME)

    assert said(page) == [
        ("ข้อความ", f"พบ {NAME}"),
        ("ชื่อ", NAME),
        ("ชื่อ", NAME),
        ("เหตุผล", f"{NAME} แจ้ง"),
        ("ชื่อโครงการ", f"ถนนของ {NAME}"),
        ("คำบรรยาย", f"{NAME} ส่งมอบงาน"),
        ("ชื่อ", NAME),
    ]
    for raw in ("contact_name", "caption", '"', "{"):
        assert raw not in " ".join(" ".join(pair) for pair in said(page))
    assert f"พบ {NAME}" in page.words


def test_labels_are_in_the_language_of_the_reader(site: Site) -> None:
    page = site.visit("root", "en").post("/privacy/find", text=NAME)
    assert {"Reason", "Project name", "Caption"} <= {label for label, _ in said(page)}


def test_who_decides_is_told_what_goes_and_where_else_the_words_stand(site: Site) -> None:
    root, boss = site.visit("root"), site.visit("boss")
    page = root.post("/privacy/find", text=NAME)
    case, lists, books = (page.all(f"//input[@name='{name}']/@value") for name in ("record", "list", "of_book"))
    (file,) = (value for value in books if ":file:" in value)

    def asked(**chosen: Any) -> str:
        sent = root.post("/privacy/requests", {"text": NAME, "reason": "คำขอที่ 1", **chosen})
        assert sent.status == 302
        return boss.get(sent.location).words

    words = asked(list=lists)
    assert "บัญชีที่แสดงจะเปิดไม่ได้อีก" in words
    assert "ในทะเบียน: P1" in words
    assert "ซึ่งลบไม่ได้" in words  # the caption stays in the ordinary half
    for other in ("เรื่องจะเปิดย้อนดูได้", "ข้อเสนอที่ยังรอยืนยัน", "ภาพและเอกสารที่แสดง", "ในบัญชีที่อัปโหลดหมายเลข"):
        assert other not in words
    words = asked(of_book=[file])
    assert "ภาพและเอกสารที่แสดง รวมทั้งภาพย่อ จะเปิดไม่ได้อีก" in words
    assert "ในบัญชีที่อัปโหลดหมายเลข 1" in words
    assert "ข้อเสนอที่ยังรอยืนยัน" not in words
    words = asked(of_book=[value for value in books if value != file], record=case)
    assert "ข้อเสนอที่ยังรอยืนยันจะถูกถอน" in words
    assert "เรื่องจะเปิดย้อนดูได้" in words
    words = asked(of_book=books, record=case, list=lists)
    assert "ในทะเบียน: P1" not in words
    assert "ในบัญชีที่อัปโหลดหมายเลข" not in words
