"""Photos and papers on the page of a project: added from a phone, shown with what was taken off, taken back, damaged."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.store.file_store import folder_beside
from osm_flow.store.models import Access, RecordFile
from osm_flow.store.session import Store
from osm_flow.web.site import recorded_reads
from tests.factories import make_agency, make_office, make_person, make_project
from tests.integration.web.visits import Answer, Site, Visitor, open_site
from tests.pictures import SECRET, photo


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        make_person(session, "udon", "province_governor", province_id="TH-41")
        make_person(session, "root", "admin")
        make_person(session, "boss", "osm_director")
        make_agency(session, "works", "แขวงทางหลวง")
        make_agency(session, "water", "ชลประทาน")
        make_project(session, "P1")

    site.arrange(arrange)
    return site


def send(
    visitor: Visitor, part: str = "photos", content: bytes | None = None, name: str = "IMG.jpg", **typed: str
) -> Answer:
    form = visitor.get(f"/projects/P1/add/{part}")
    file = (io.BytesIO(photo() if content is None else content), name)
    given = {"choice": "before" if part == "photos" else "contract", "file": [(io.BytesIO(b""), ""), file], **typed}
    return visitor.submit(form, f"/add/{part}", **given)


def pictures(page: Answer) -> list[str]:
    return [str(one) for one in page.all("//ul[@class='photo-list']//img/@src")]


def test_an_agency_adds_a_photo_and_the_page_says_what_was_taken_off(site: Site) -> None:
    works = site.visit("works")
    page = works.follow(send(works, taken_on="20/11/2569", words="ก่อนปรับปรุง"))

    assert "เพิ่มภาพแล้ว และลบออกจากภาพ: ตำแหน่งที่ถ่าย, ข้อมูลกล้องและเวลา, ข้อความที่ฝังมา" in page.words
    for visitor in (works, site.visit("anan"), site.visit("udon")):
        shown = visitor.get("/projects/P1")
        for words in ("ก่อนดำเนินงาน", "ก่อนปรับปรุง", "20 พ.ย. 2569", "คุณworks", "ลบออกจากภาพแล้ว", "เพิ่มภาพหรือไฟล์"):
            assert words in shown.words
        (small,) = pictures(shown)
        response = visitor.client.get(small)
        assert (response.status_code, response.mimetype) == (200, "image/jpeg")
        (whole,) = shown.all("//ul[@class='photo-list']//a/@href")
        response = visitor.client.get(str(whole))
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert SECRET not in response.data
    water = site.visit("water")
    assert [water.get(path).status for path in (str(whole), "/projects/P1/add/photos")] == [404, 404]
    assert not site.visit("udon").get("/projects/P1").all("//a[contains(@href,'/add/')]")
    assert site.visit("udon").get("/projects/P1/add/photos").status == 403


@pytest.mark.parametrize(
    ("part", "content", "typed", "status", "words"),
    [
        ("photos", b"", {}, 422, "ไฟล์ว่าง"),
        ("photos", b"no picture", {}, 422, "ไม่ใช่ภาพ"),
        ("photos", photo() + b"<script>", {}, 422, "ไฟล์ชนิดอื่น"),
        ("photos", None, {"taken_on": "31/02/2569"}, 422, ""),
        ("photos", None, {"choice": "later"}, 422, "เลือกประเภท"),
        ("files", b"MZ", {}, 422, "ไม่รับไฟล์ชนิดนี้"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    site: Site, part: str, content: bytes | None, typed: dict[str, str], status: int, words: str
) -> None:
    name = "a.exe" if part == "files" else "IMG.jpg"
    answer = send(site.visit("anan"), part, content, name, words="คำที่พิมพ์ไว้", **typed)

    assert answer.status == status
    assert words in answer.words
    assert answer.all("//input[@name='words' and @value='คำที่พิมพ์ไว้']")
    assert site.read(lambda session: session.scalars(select(RecordFile)).all()) == []


def test_without_a_file_and_for_no_part_there_is_a_sentence(site: Site) -> None:
    anan = site.visit("anan")
    form = anan.get("/projects/P1/add/photos")
    answer = anan.submit(form, "/add/photos", choice="before", file=(io.BytesIO(b""), ""))

    assert answer.status == 422
    assert anan.get("/projects/P1/add/secrets").status == 404
    assert anan.get("/projects/P1/files/zz").status == 404


def test_the_same_form_twice_adds_once(site: Site) -> None:
    anan = site.visit("anan")
    form = anan.get("/projects/P1/add/photos")
    content = photo()
    for _ in range(2):
        answer = anan.submit(form, "/add/photos", choice="before", file=(io.BytesIO(content), "a.jpg"))
        assert answer.status == 302

    assert len(pictures(anan.get("/projects/P1"))) == 1
    assert send(anan, content=content).status == 409


def test_what_is_taken_back_says_why_in_the_story(site: Site) -> None:
    anan, works = site.visit("anan"), site.visit("works")
    send(anan, "files", b"%PDF-1.7\n", "contract.pdf", words="สัญญา 1/2570")
    page = works.get("/projects/P1")
    assert not page.all("//form[contains(@action,'/take-back')]")
    page = anan.get("/projects/P1")

    done = anan.follow(anan.submit(page, "/take-back", reason="ไฟล์ผิดฉบับ"))

    assert "ถอนออกจากโครงการแล้ว" in done.words
    assert "เหตุผล: ไฟล์ผิดฉบับ" in done.words
    assert "ยังไม่มีเอกสาร" in done.words


def test_a_file_that_is_missing_is_a_sentence(site: Site) -> None:
    folder = folder_beside(site.store.url)
    if folder is None:
        pytest.skip("files lie in the database")
    anan = site.visit("anan")
    send(anan)
    for digest in list(folder.digests()):
        folder.delete(digest)
    (small,) = pictures(anan.get("/projects/P1"))

    answer = anan.get(small)

    assert answer.status == 409
    assert "อ่านไฟล์นี้ไม่ได้" in answer.words


def test_a_photo_is_asked_for_by_one_and_erased_by_another(site: Site) -> None:
    anan, root, boss = site.visit("anan"), site.visit("root"), site.visit("boss")
    send(anan, words="หน้าคน")
    site.now += timedelta(days=1)
    assert not anan.get("/projects/P1").all("//a[contains(@href, '/privacy/files/')]")
    (link,) = root.get("/projects/P1").all("//a[contains(@href, '/privacy/files/')]/@href")
    page = root.get(str(link))
    assert ("หน้าคน" in page.words, page.all("//input[@name='of_book' and @checked]")) == (True, [])

    assert root.submit(page, "/privacy/requests", reason="คำขอที่ 1").status == 422
    (name,) = page.all("//input[@name='of_book']/@value")
    sent = root.submit(page, "/privacy/requests", reason="คำขอที่ 1", of_book=str(name))
    assert "ภาพหรือเอกสารของ P1" in root.follow(sent).words
    (whole,) = root.get("/projects/P1").all("//ul[@class='photo-list']//a/@href")
    assert boss.submit(boss.get(sent.location), "/approve").status == 302

    assert boss.get(str(whole)).status == 404
    assert "ยังไม่มีภาพถ่าย" in boss.get("/projects/P1").words
    then = boss.get("/projects/P1?as_of=20/11/2569")
    assert ("ลบตามกฎหมาย" in then.words, pictures(then)) == (True, [])
    assert "ไม่มีภาพหรือเอกสารที่ลบได้" in root.get("/privacy/files/P1").words
    assert [site.visit(one).get("/privacy/files/P1").status for one in ("anan", "works")] == [403, 403]
    assert root.get("/privacy/files/P0").status == 404


def accesses(site: Site) -> list[tuple[str, str, str, str]]:
    columns = (Access.actor, Access.kind, Access.subject, Access.office_id)
    rows = site.read(lambda session: session.execute(select(*columns).order_by(Access.id)).all())
    return [tuple(row) for row in rows]


def test_who_reads_a_photo_or_paper_is_on_record(site: Site) -> None:
    send(site.visit("anan"))
    send(site.visit("anan"), content=photo("PNG"))
    send(site.visit("anan"), "files", b"%PDF-1.7\n", "contract.pdf")
    udon, water = site.visit("udon"), site.visit("water")
    page = udon.get("/projects/P1")
    assert accesses(site) == []
    shown = ("udon", "record.photos_shown", "projects P1", "NE-U1")
    for small in (*pictures(page), *pictures(page)):
        assert udon.client.get(small).status_code == 200
    assert accesses(site) == [shown]

    files = [str(one) for one in page.all("//main//a[contains(@href, '/projects/P1/files/')]/@href")]
    assert len(files) == 3
    for path in (*files, *files):
        assert udon.client.get(path).status_code == 200
    whole = [("udon", "record.file_downloaded", f"projects P1 sha256:{path[-64:]}", "NE-U1") for path in files]
    assert accesses(site) == [shown, *whole]

    assert [water.get(path).status for path in files] == [404] * 3
    assert accesses(site) == [shown, *whole]
    site.now += timedelta(minutes=16)
    udon.client.get(files[0])
    assert accesses(site) == [shown, *whole, whole[0]]


def test_what_cannot_be_recorded_is_not_shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    send(site.visit("anan"))
    udon = site.visit("udon")
    (small,) = pictures(udon.get("/projects/P1"))
    monkeypatch.setattr(recorded_reads, "record_access", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        udon.client.get(small)
