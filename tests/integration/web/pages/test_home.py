"""The first page: what a person must do now."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.store.models import WorkItem
from tests.factories import later
from tests.integration.web.conftest import Opened
from tests.integration.web.three_drafts import prepare, waiting
from tests.integration.web.visits import Site


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def test_home_says_what_must_be_done_now(site: Site) -> None:
    def overdue(session: Session) -> None:
        item = session.get_one(WorkItem, waiting(site)[0])
        item.due_at = later(-60 * 24 * 5)

    malee = site.visit("malee")
    for work_item_id in waiting(site)[:2]:
        malee.post(f"/work-items/{work_item_id}/claim")
    site.arrange(overdue)

    home = malee.get("/")

    assert "เกินกำหนดแล้ว 1" in home.words
    assert "มีงานรอคนรับในกลุ่มของคุณ 1 งาน" in home.words
    assert "วันทำการ" in home.words


def test_home_shows_the_director_what_waits_for_approval(site: Site) -> None:
    somsri = site.visit("somsri")
    item = waiting(site)[0]
    somsri.post(f"/work-items/{item}/claim")
    somsri.post(f"/work-items/{item}/complete", {"text": "ร่างแรก"})

    home = site.visit("wichai").get("/")

    assert "รอการพิจารณาของคุณ 1" in home.words
    assert "ตรวจร่าง" in home.words
    assert "ไม่มีงานครบกำหนด" not in home.words
