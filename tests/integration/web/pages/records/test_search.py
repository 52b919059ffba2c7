"""The one search box finds projects, cases and one's own work by half a name, a code or an agency, and nothing that is not one's to see."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from osm_flow.store.session import Store
from tests.factories import deploy_tests, make_case, make_office, make_person, make_project
from tests.integration.web.visits import Site, open_site


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, "review")
        make_person(session, "anan", "osm_strategy")
        make_person(session, "sakon", "osm_director", office_id="NE-U2")
        make_person(session, "nobody")
        for number in range(1, 8):
            make_project(session, f"ROAD-{number}", name=f"โครงการซ่อมถนนสายที่ {number}", agency="แขวงทางหลวงเลย")
        make_project(session, "RIVER", name="โครงการปรับปรุงภูมิทัศน์ริมโขง", agency="สำนักงานโยธาธิการ")
        make_case(session, title="รับฟังความเห็นเรื่องริมโขง")

    site.arrange(arrange)
    return site


@pytest.mark.parametrize(
    ("asked", "found", "missing"),
    [
        ("ริมโขง", ("/projects/RIVER", "รับฟังความเห็นเรื่องริมโขง"), ("/projects/ROAD-1",)),
        ("ภูมิทัศน์", ("/projects/RIVER",), ("รับฟังความเห็น",)),
        ("โยธาธิการ", ("/projects/RIVER",), ("/projects/ROAD-1",)),
        ("road", ("/projects/ROAD-1", "/projects/ROAD-5", 'href="/projects?text=road"'), ("/projects/ROAD-6",)),
        ("ไม่มีสิ่งนี้", ("ไม่พบสิ่งที่ตรงกับ",), ("/projects/RIVER",)),
        ("<b>", ("ไม่พบสิ่งที่ตรงกับ", "&lt;b&gt;"), ("“<b>",)),
    ],
)
def test_what_is_typed_is_found(site: Site, asked: str, found: tuple[str, ...], missing: tuple[str, ...]) -> None:
    page = site.visit("anan").get(f"/search?{urlencode({'q': asked})}")

    assert page.status == 200
    assert [text for text in found if text not in page.text] == []
    assert [text for text in missing if text in page.text] == []


def test_a_whole_code_or_number_leads_straight_there(site: Site) -> None:
    visitor = site.visit("anan")
    number = (
        visitor.get("/search?" + urlencode({"q": "รับฟัง"}))
        .text.split('<span class="brief-about">')[1]
        .split(" · ")[0]
        .strip()
    )

    assert visitor.get("/search?q=river").location == "/projects/RIVER"
    assert visitor.get(f"/search?q={number}").location.startswith("/cases/")


@pytest.mark.parametrize("asked", ["", " ", "...", "%", "_", "\u200b", "ก" * 5_000])
def test_nothing_and_nonsense_is_answered(site: Site, asked: str) -> None:
    page = site.visit("anan").get(f"/search?{urlencode({'q': asked})}")

    assert page.status == 200
    assert "/projects/RIVER" not in page.text
    assert 'name="q"' in page.text


def test_only_what_one_may_see_is_found(site: Site) -> None:
    for username in ("sakon", "nobody"):
        page = site.visit(username).get(f"/search?{urlencode({'q': 'ริมโขง'})}")
        assert "ไม่พบสิ่งที่ตรงกับ" in page.text
        assert site.visit(username).get("/search?q=RIVER").status == 200
    assert site.stranger().get("/search?q=x").status == 302
