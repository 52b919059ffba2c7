"""A head lets somebody act for them on their account page."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.people.accounts import set_number
from osm_flow.store.models import Position
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.web.conftest import Visitor

Visit = Callable[[str], Visitor]


def test_a_director_hands_on_their_post_and_takes_it_back(store: Store, as_person: Visit) -> None:
    director = as_person("director")
    with store.reading() as session:
        post = session.scalars(select(Position.id).where(Position.role == "osm_director")).one()
    order = {"post": post, "to_username": "strategy", "kind": "acting", "letter": "คำสั่งที่ 1/2570", "last": "30/11/2569"}
    assert "มอบหมายให้ทำแทน" in director.get("/account").text
    assert '<option value="strategy"' not in director.get("/account").text
    unnumbered = director.post("/account/orders", order)
    assert (unnumbered.status_code, "เลขประจำตัวเจ้าหน้าที่" in unnumbered.text) == (422, True)
    outside = director.post("/account/orders", order | {"to_username": "agency"})
    assert (outside.status_code, "เลือกเจ้าหน้าที่ของกลุ่มจังหวัดนี้" in outside.text) == (422, True)
    with store.transaction() as session:
        set_number(session, "strategy", SYSTEM, NOW, entered="ปค-41024")
    offered = director.get("/account").text.split('name="to_username"')[1].split("</select>")[0]
    assert re.findall(r'value="([^"]+)"', offered) == ["strategy"]

    refused = director.post("/account/orders", order | {"letter": " ", "last": "ไม่รู้"})
    assert refused.status_code == 422
    assert 'id="last-error"' in refused.text
    assert director.post("/account/orders", order).status_code == 302

    assert "รักษาราชการแทน" in director.get("/account").text
    assert "รักษาราชการแทน" in as_person("strategy").get("/account").text
    with store.reading() as session:
        acting = session.scalars(select(Position.id).where(Position.kind == "acting")).one()
    assert as_person("strategy").post(f"/account/orders/{acting}/end").status_code == 403
    assert director.post(f"/account/orders/{acting}/end").status_code == 302
    assert "รักษาราชการแทน" not in as_person("strategy").get("/account").text.split("มอบหมาย")[0]


def test_whoever_is_no_head_is_offered_nothing(as_person: Visit) -> None:
    for username in ("strategy", "planner", "auditor"):
        visitor = as_person(username)
        assert "มอบหมายให้ทำแทน" not in visitor.get("/account").text
        assert visitor.post("/account/orders", {"post": "1", "to_username": username}).status_code in {403, 404}
