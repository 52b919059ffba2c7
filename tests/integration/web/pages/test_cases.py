"""Cases on pages: the list, starting one, one case whole, answers of those outside, and an administrator's verbs."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy, shipped_files
from osm_flow.store.models import Case, JournalRecord, WaitingMessage, WorkItem
from tests.factories import NOW, SAID, deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """A case being drafted, one that waits for an answer from outside, one of another office."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review", "asking")
    starter = make_person(session, "somsri", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_person(session, "auditor", "auditor")
    make_person(session, "foreigner", "osm_strategy", office_id="NE-U2")
    make_person(session, "planner", "province_planner", province_id="TH-41")
    make_case(session, actor=starter, title="แผนปี 2571")
    make_case(session, "asking", starter, title="ขอข้อมูลจากสำนักงบประมาณ", fiscal_year=2570)
    make_case(session, title="ของที่อื่น", office_id="NE-U2")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def case_id(site: Site, title: str = "แผนปี 2571") -> str:
    found: str = site.read(lambda session: session.scalars(select(Case.id).where(Case.title == title)).one())
    return found


def test_list_shows_the_cases_of_the_office_only(site: Site) -> None:
    page = site.visit("somsri").get("/cases")

    assert "2 เรื่อง" in page.words
    assert "แผนปี 2571" in page.words
    assert "ของที่อื่น" not in page.words


def test_filters_narrow_the_list_and_stay_in_the_form(site: Site) -> None:
    page = site.visit("somsri").get("/cases?fy=2570&kind=asking&state=ACTIVE&text=งบประมาณ")

    assert [one.text_content() for one in page.all("//tbody//a")] == ["ขอข้อมูลจากสำนักงบประมาณ"]
    assert page.all('//option[@selected and @value="2570"]')
    assert "ไม่มีเรื่องตรงกับตัวกรอง" in site.visit("somsri").get("/cases?stage=submission").words


def test_picture_is_data_for_the_viewer(site: Site) -> None:
    picture = site.visit("wichai").client.get(f"/cases/{case_id(site)}/picture").json

    assert picture is not None
    assert picture["xml"].startswith("<?xml")
    assert picture["tokens"] == [{"element": "draft", "count": 1, "overdue": 0}]
    assert picture["passed"] == {"start": 1}


def test_picture_speaks_english_to_those_who_read_english(site: Site) -> None:
    picture = site.visit("wichai", "en").client.get(f"/cases/{case_id(site)}/picture").json

    assert picture is not None
    assert "<bpmn:definitions" in picture["xml"]


@pytest.mark.parametrize("path", ["", "/picture", "/answers/none"])
def test_another_office_and_unknown_ids_find_nothing(site: Site, path: str) -> None:
    assert site.visit("foreigner").get(f"/cases/{case_id(site)}{path}").status == 404
    assert site.visit("somsri").get(f"/cases/unknown{path}").status == 404


def test_a_planner_may_not_read_a_case_without_their_province(site: Site) -> None:
    assert site.visit("planner").get(f"/cases/{case_id(site)}").status == 404


# ---- starting ----------------------------------------------------------------------------------------------------


def test_starting_a_case_leads_to_its_page(site: Site) -> None:
    somsri = site.visit("somsri")
    page = somsri.get("/cases/start/review")

    told = somsri.follow(somsri.submit(page, "/start/review", case_title="แผนฉบับทบทวน", case_fiscal_year="2572"))

    assert told.all("//h1")[0].text_content() == "แผนฉบับทบทวน"
    assert "เริ่มเรื่อง แผนฉบับทบทวน แล้ว" in told.words
    assert "ปีงบประมาณ 2572" in told.words


def test_the_same_start_twice_is_one_case(site: Site) -> None:
    somsri = site.visit("somsri")
    page = somsri.get("/cases/start/review")

    for _ in range(2):
        somsri.submit(page, "/start/review", case_title="ครั้งเดียว")

    assert site.read(lambda session: session.query(Case).filter(Case.title == "ครั้งเดียว").count()) == 1


def test_a_case_without_a_name_is_refused_with_the_field_named(site: Site) -> None:
    somsri = site.visit("somsri")

    answer = somsri.submit(somsri.get("/cases/start/review"), "/start/review", case_title="  ", case_fiscal_year="2572")

    assert answer.status == 422
    assert answer.all('//*[contains(@class, "error-summary")]//a[@href="#title"]')
    assert answer.all('//option[@selected and @value="2572"]')


def test_a_name_that_says_year_is_not_told_it_twice(site: Site) -> None:
    site.arrange(lambda session: deploy(session, shipped_files(), SYSTEM, NOW))
    somsri = site.visit("somsri")

    titles = [
        somsri.get(f"/cases/start/{key}").all('//input[@id="title"]/@value')[0] for key in ("annual_cycle", "hearing")
    ]

    assert titles == ["วงรอบแผนและงบประมาณประจำปี 2571", "รับฟังความคิดเห็น ปี 2571"]


def test_the_start_page_names_what_is_open_already(site: Site) -> None:
    page = site.visit("somsri").get("/cases/start/review")

    assert "มีเรื่องชนิดนี้เปิดอยู่แล้ว 1 เรื่อง" in page.words
    named = page.all('//section[@aria-labelledby="alike"]//a')
    assert [(one.text_content(), one.get("href")) for one in named] == [("แผนปี 2571", f"/cases/{case_id(site)}")]


def test_starting_is_for_staff_and_only_in_their_office(site: Site) -> None:
    assert site.visit("planner").get("/cases/start").status == 403
    assert site.visit("auditor").get("/cases/start/review").status == 403
    answer = site.visit("somsri").post("/cases/start/review", {"case_title": "x", "case_office": "NE-U2"})
    assert answer.status == 404
    assert site.visit("somsri").get("/cases/start/nothing").status == 404


# ---- answers of those outside ------------------------------------------------------------------------------------


def awaited(site: Site) -> str:
    found: str = site.read(lambda session: session.scalars(select(WaitingMessage.task_id)).one())
    return f"/cases/{case_id(site, 'ขอข้อมูลจากสำนักงบประมาณ')}/answers/{found}"


def test_an_answer_is_written_down_with_whose_it_is(site: Site) -> None:
    somsri, path = site.visit("somsri"), awaited(site)
    page = somsri.get(path)

    told = somsri.follow(somsri.submit(page, "/answers/", text="เห็นชอบกรอบ 200 ล้านบาท", **SAID))

    assert "เสร็จแล้ว" in told.words
    assert "แทน นางสมศรี ใจดี สำนักงบประมาณ (หนังสือราชการ ที่ นร 0701/12 ลงวันที่ 20 พ.ย. 2569)" in told.words
    record = site.read(lambda s: s.scalars(select(JournalRecord).where(JournalRecord.kind == "message.received")).one())
    assert (record.actor, record.on_behalf_of) == ("somsri", None)
    assert "เห็นชอบกรอบ 200 ล้านบาท" in told.words


def test_a_second_answer_finds_that_nobody_waits(site: Site) -> None:
    somsri, wichai, path = site.visit("somsri"), site.visit("wichai"), awaited(site)
    late = wichai.get(path)
    somsri.submit(somsri.get(path), "/answers/", text="คำตอบแรก", **SAID)

    told = wichai.submit(late, "/answers/", text="คำตอบที่สอง", **SAID)
    again = wichai.get(path)

    assert (told.status, again.status) == (409, 409)
    for page in (told, again):
        assert "คุณsomsri บันทึกคำตอบนี้ไปแล้ว" in page.words
        assert page.all(f"//a[@href='/cases/{case_id(site, 'ขอข้อมูลจากสำนักงบประมาณ')}']")
    assert "คำตอบที่สอง" in told.words


def test_an_answer_without_its_field_keeps_the_rest(site: Site) -> None:
    somsri, path = site.visit("somsri"), awaited(site)

    answer = somsri.submit(somsri.get(path), "/answers/", text="", **SAID)

    assert answer.status == 422
    assert answer.all('//input[@name="party_number" and @value="นร 0701/12"]')


def test_only_staff_write_answers_down(site: Site) -> None:
    assert site.visit("planner").get(awaited(site)).status == 403
    assert site.visit("auditor").get(awaited(site)).status == 403


# ---- an administrator's verbs ------------------------------------------------------------------------------------


def test_suspend_and_resume_with_a_reason(site: Site) -> None:
    wichai = site.visit("wichai")
    page = wichai.get(f"/cases/{case_id(site)}")

    suspended = wichai.follow(wichai.submit(page, "/suspend", reason="รอคำสั่ง"))
    assert "พักไว้" in suspended.words
    assert [" ".join(one.text_content().split()) for one in suspended.all('//div[@class="notice"]/p')] == [
        "คุณwichai พักเรื่องนี้ไว้ตั้งแต่ 20 พ.ย. 2569",
        "รอคำสั่ง",
    ]
    resumed = wichai.follow(wichai.submit(suspended, "/resume", reason="ได้รับคำสั่งแล้ว"))
    assert "เรื่องนี้เดินต่อแล้ว" in resumed.words


def test_cancelling_needs_a_reason_and_closes_the_work(site: Site) -> None:
    wichai = site.visit("wichai")
    page = wichai.get(f"/cases/{case_id(site)}")

    assert wichai.submit(page, "/cancel", reason=" ").status == 422
    told = wichai.follow(wichai.submit(page, "/cancel", reason="เริ่มผิดปี", idempotency_key="again"))
    assert "ยกเลิกเรื่องนี้แล้ว" in told.words
    assert page.all('//li[contains(@class,"stage ")]')
    assert not told.all('//li[contains(@class,"stage ")]')
    assert site.read(lambda s: s.query(WorkItem).filter(WorkItem.state == "CANCELLED").count()) == 1


def test_comments_and_files_belong_to_the_story(site: Site) -> None:
    somsri = site.visit("somsri")
    page = somsri.get(f"/cases/{case_id(site)}")

    somsri.submit(page, "/comments", body="ขอให้เร่ง")
    told = somsri.follow(somsri.submit(page, "/attachments", file=(io.BytesIO(b"a,b\n1,2\n"), "ตาราง.csv")))

    assert "ตาราง.csv" in told.words
    story = [" ".join(one.text_content().split()) for one in told.all('//ol[@class="story"]/li')]
    assert any("ให้ความเห็น" in one and "ขอให้เร่ง" in one for one in story)
    assert any("แนบเอกสาร" in one for one in story)


def test_auditors_recompute_the_chain(site: Site) -> None:
    page = site.visit("auditor").get(f"/audit/cases/{case_id(site)}/chain")

    assert "สายโซ่ครบถ้วน: 1 รายการ" in page.words
    assert site.visit("somsri").get(f"/audit/cases/{case_id(site)}/chain").status == 403


def test_start_page_says_what_happens_next(site: Site) -> None:
    page = site.visit("somsri").get("/cases/start/review")

    assert "เมื่อเริ่มแล้ว" in page.words
    assert [one.text_content() for one in page.all("//section[@aria-labelledby='what-next']//li")] == ["ร่างแผน"]
    assert "ไม่มีแบบฟอร์มตอนเริ่ม" in page.words
