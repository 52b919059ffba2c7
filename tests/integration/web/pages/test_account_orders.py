"""A head lets somebody act for them on their account page."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from osm_flow.store.models import Position
from osm_flow.store.session import Store
from tests.integration.web.conftest import Visitor

Visit = Callable[[str], Visitor]


def test_a_director_hands_on_their_post_and_takes_it_back(store: Store, as_person: Visit) -> None:
    director = as_person("director")
    with store.reading() as session:
        post = session.scalars(select(Position.id).where(Position.role == "osm_director")).one()
    order = {"post": post, "to_username": "strategy", "kind": "acting", "letter": "คำสั่งที่ 1/2570", "last": "30/11/2569"}
    assert "มอบหมายให้ทำแทน" in director.get("/account").text

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
