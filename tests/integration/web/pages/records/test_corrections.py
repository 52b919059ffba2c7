"""Correcting a project on its pages: fields are chosen, what was typed stays, and another person confirms or closes it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.store.models import Correction, Project
from osm_flow.store.session import Store
from tests.factories import make_agency, make_office, make_person, make_project
from tests.integration.web.visits import Answer, Site, Visitor, open_site


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_person(session, "anan", "osm_strategy")
        make_person(session, "boss", "osm_director")
        make_person(session, "udon", "province_governor", province_id="TH-41")
        make_agency(session, "works", "แขวงทางหลวง")
        make_project(session, "P1")

    site.arrange(arrange)
    return site


def propose(visitor: Visitor, field: str = "requested", reason: str = "พิมพ์เกิน", **typed: str) -> Answer:
    form = visitor.get(f"/projects/P1/correct?field={field}")
    return visitor.submit(form, "/correct", reason=reason, **(typed or {"requested": "1,250,000.50"}))


def test_a_correction_is_proposed_shown_beside_what_is_recorded_and_confirmed(site: Site) -> None:
    anan, boss = site.visit("anan"), site.visit("boss")
    page = anan.follow(propose(anan))
    for words in ("รอยืนยัน", "คุณanan เสนอเมื่อ", "เหตุผล: พิมพ์เกิน", "ผู้ยืนยันได้: คุณboss"):
        assert words in page.words
    assert [one.text_content() for one in page.all("//section[contains(@class,'notice')]//del")] == [
        "เดิม: 1,000.00 บาท"
    ]
    assert [one.text_content() for one in page.all("//section[contains(@class,'notice')]//ins")] == [
        "ใหม่: 1,250,000.50 บาท"
    ]
    assert not page.all("//form[contains(@action,'/confirm')]")
    assert anan.post("/projects/P1/corrections/2/confirm").status == 403
    assert "รอยืนยัน" not in site.visit("udon").get("/projects/P1").words

    assert boss.get("/projects").all("//section[@aria-labelledby='h-to-confirm']//a[@href='/projects/P1']")
    asked = "//section[@aria-labelledby='h-corrections']//a[@href='/projects/P1']"
    assert (len(boss.get("/").all(asked)), len(anan.get("/").all(asked))) == (1, 0)
    assert "คุณanan เสนอแก้ไขข้อมูล โครงการ P1 รอท่านตรวจและยืนยัน" in boss.get("/notices").words
    done = boss.follow(boss.submit(boss.get("/projects/P1"), "/confirm"))
    assert not boss.get("/").all(asked)

    assert "ยืนยันโดย คุณboss" in done.words
    assert "รอยืนยัน" not in done.words
    assert str(site.read(lambda s: s.scalars(select(Project.requested)).one())) == "1250000.50"
    again = boss.post("/projects/P1/corrections/2/confirm")
    assert (again.status, "ยืนยันหรือปิดข้อเสนอนี้ไปแล้ว" in again.text) == (409, True)


def test_the_form_shows_the_chosen_fields_alone_and_changes_nothing_else(site: Site) -> None:
    anan = site.visit("anan")
    chooser = anan.get("/projects/P1/correct")
    offered = chooser.all("//input[@name='field']/@value")
    assert {"requested", "kpis", "province"} <= set(offered)
    assert not {"state", "contracts", "contact_name", "readiness_file"} & set(offered)
    assert not anan.get("/projects/P1/correct?field=requested").all("//input[@name='name']")

    page = anan.follow(propose(anan, "rationale", rationale="น้ำท่วม"))
    assert "รอยืนยัน" not in page.words
    assert "น้ำท่วม" in page.words
    assert site.read(lambda s: s.scalars(select(Correction)).all()) == []


@pytest.mark.parametrize(
    ("typed", "reason", "words"),
    [
        ({"requested": "มาก"}, "ผิด", "มาก"),
        ({"requested": "2,000"}, "", "เหตุผล"),
        ({"requested": "1,000"}, "ผิด", "ไม่มีอะไรเปลี่ยน"),
    ],
)
def test_what_is_refused_keeps_what_was_typed(site: Site, typed: dict[str, str], reason: str, words: str) -> None:
    answer = propose(site.visit("anan"), reason=reason, **typed)

    assert answer.status in (409, 422)
    assert words in answer.text
    assert answer.all("//input[@name='requested']/@value") == [typed["requested"]]
    assert answer.page.get_element_by_id("correct-reason").value.strip() == reason
    assert site.read(lambda s: s.scalars(select(Correction)).all()) == []


def test_nothing_chosen_and_strange_fields_lead_back_to_the_choice(site: Site) -> None:
    anan = site.visit("anan")
    answer = anan.post("/projects/P1/correct", {"field": "state", "state": "completed", "reason": "x", "based_on": "1"})

    assert (answer.status, "เลือกช่องที่บันทึกผิด" in answer.text) == (422, True)
    assert anan.get("/projects/P1/correct?field=nothing").all("//input[@name='field']")


def test_two_who_correct_at_once_see_each_other_and_lose_nothing(site: Site) -> None:
    anan, boss = site.visit("anan"), site.visit("boss")
    form = anan.get("/projects/P1/correct?field=requested")
    propose(boss, "rationale", rationale="น้ำท่วม")

    answer = anan.submit(form, "/correct", requested="2,000", reason="พิมพ์ผิด")
    assert answer.status == 409
    assert answer.all("//input[@name='requested']/@value") == ["2,000"]
    assert anan.submit(answer, "/correct").status == 302
    propose(boss, "rationale", rationale="แล้งซ้ำ")
    page = boss.get("/projects/P1")
    assert "รอยืนยัน" in page.words


def test_who_proposed_it_takes_it_back_and_the_office_reads_why(site: Site) -> None:
    anan, works = site.visit("anan"), site.visit("works")
    propose(works, "rationale", rationale="น้ำท่วม")
    assert "ปิดข้อเสนอ" in works.get("/projects/P1").words

    # A planner who did not propose it has no such button.
    assert not anan.get("/projects/P1").all("//form[contains(@action,'/withdraw')]")
    done = works.follow(works.submit(works.get("/projects/P1"), "/withdraw", reason="พิมพ์ผิดช่อง"))

    assert "ข้อเสนอแก้ไขที่ปิดโดยไม่แก้" in done.words
    assert "พิมพ์ผิดช่อง" in done.words
    assert "ข้อเสนอแก้ไขที่ปิดโดยไม่แก้" not in site.visit("udon").get("/projects/P1").words
