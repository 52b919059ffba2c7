"""A user name that is somebody's elsewhere answers like one that is nobody's, wherever a form takes user names."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.privacy import sensitivity
from osm_flow.operations.work_items.acts import claim
from osm_flow.store.models import Case, CaseReader, Position, WorkItem
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Answer, Site

ELSEWHERE = ("far", "far_root", "far_head")


def prepare(session: Session) -> None:
    """An ordinary case and a sensitive one, both held; people of another office hold the same posts there."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review", "provinces")
    anan = make_person(session, "anan", "osm_strategy")
    roles = {"boss": "osm_director", "head": "osm_admin_head", "root": "admin", "auditor": "auditor"}
    people = {name: make_person(session, name, role) for name, role in roles.items()}
    for name in ("planner", "planner2"):
        people[name] = make_person(session, name, "province_planner", province_id="TH-41")
    make_person(session, "agency", "agency_owner", province_id="TH-41")
    make_person(session, "everywhere", "admin", office_id=None)
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    make_person(session, "far_root", "admin", office_id="NE-U2")
    make_person(session, "far_head", "osm_director", office_id="NE-U2")
    for title in ("เปิด", "ปิด"):
        case = make_case(session, title=title)
        claim(session, items_of(session, case)[0].id, anan, NOW)
    sensitivity.mark(session, case.id, people["boss"], later(1), reason="ข้อมูลสุขภาพ")
    of_province = make_case(session, "provinces", title="จังหวัด")
    (item,) = (one for one in items_of(session, of_province) if one.province_id == "TH-41")
    claim(session, item.id, people["planner"], NOW)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def item_of(site: Site, title: str) -> str:
    held = select(WorkItem.id).join(Case).where(Case.title == title, WorkItem.state == "CLAIMED")
    return str(site.read(lambda session: session.scalars(held).one()))


def case_of(site: Site, title: str) -> str:
    return str(site.read(lambda session: session.scalars(select(Case.id).where(Case.title == title)).one()))


def said(answer: Answer, typed: str) -> tuple[int, str]:
    """The answer without what was typed, and without what is new each time."""
    text = re.sub(r'name="(csrf_token|idempotency_key)" value="[^"]+"', "", answer.text)
    text = re.sub(r"/requests/\d+", "/requests/-", text)
    return answer.status, re.sub(rf"\b{typed}\b", "-", text)


def post_of(site: Site) -> str:
    post = select(Position.id).where(Position.role == "osm_director", Position.office_id == "NE-U1")
    return str(site.read(lambda session: session.scalars(post).one()))


def forms(site: Site) -> list[tuple[str, str, dict[str, str], str]]:
    """Who sends which form, and which of its fields takes a user name."""
    item, order = item_of(site, "เปิด"), {"kind": "acting", "letter": "ที่ 1", "first": "1/12/2569", "last": "2/12/2569"}
    position = {"role": "osm_director", "office_id": "NE-U1", "letter": "ที่ 1", "valid_from": "1/12/2569"}
    return [
        ("anan", f"/work-items/{item}/delegate", {"reason": "ลา"}, "to_username"),
        ("root", f"/work-items/{item}/reassign", {"reason": "ลา"}, "to_username"),
        ("boss", f"/work-items/{item}/reassign", {"reason": "ลา"}, "to_username"),
        ("planner", f"/work-items/{item_of(site, 'จังหวัด')}/delegate", {"reason": "ลา"}, "to_username"),
        ("boss", f"/privacy/cases/{case_of(site, 'ปิด')}/readers", {}, "username"),
        ("boss", f"/privacy/cases/{case_of(site, 'ปิด')}/readers/remove", {}, "username"),
        ("boss", "/account/orders", order | {"post": post_of(site)}, "to_username"),
        ("root", "/people/anan/positions", position | {"kind": "acting"}, "for_username"),
        ("root", "/people/anan/positions", position | {"kind": "delegated"}, "for_username"),
        ("root", "/people/anan/same-person", {}, "other_username"),
        ("root", "/privacy/holds", {"what": "person", "reason": "คดี"}, "subject"),
        ("root", "/privacy/find", {}, "text"),
        ("root", "/privacy/requests", {"reason": "คำขอ", "record": f"{case_of(site, 'เปิด')}:1"}, "text"),
        ("boss", "/privacy/find", {}, "text"),
    ]


def test_no_form_tells_whether_somebody_is_elsewhere(site: Site) -> None:
    addresses = [rule.rule for rule in site.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    for username, path, sent, field in forms(site):
        visitor = site.visit(username)
        nobody = visitor.post(path, sent | {field: "nobody_at_all"})
        assert nobody.status in (200, 302, 404, 422), (path, nobody.status, addresses)
        for name in ELSEWHERE:
            answer = visitor.post(path, sent | {field: name})
            assert said(answer, name) == said(nobody, "nobody_at_all"), (username, path, name)
            assert f"คุณ{name}" not in answer.text
            if answer.status == 302:
                assert f"คุณ{name}" not in visitor.follow(answer).text


def test_a_party_outside_is_told_of_nobody_who_cannot_receive(site: Site) -> None:
    planner, path = site.visit("planner"), f"/work-items/{item_of(site, 'จังหวัด')}/delegate"
    nobody = said(planner.post(path, {"reason": "ลา", "to_username": "nobody_at_all"}), "nobody_at_all")
    for name in ("anan", "boss", "root", "agency", "auditor", "everywhere"):
        assert said(planner.post(path, {"reason": "ลา", "to_username": name}), name) == nobody
    assert planner.post(path, {"reason": "ลา", "to_username": "planner2"}).status == 302


def test_staff_are_told_who_of_their_office_may_not_receive(site: Site) -> None:
    answer = site.visit("anan").post(
        f"/work-items/{item_of(site, 'เปิด')}/delegate", {"reason": "ลา", "to_username": "root"}
    )
    assert answer.status == 403
    assert "คุณroot" in answer.text


# ---- who is named on a sensitive case ------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["planner", "agency", "auditor", "root", "everywhere", "far"])
def test_only_staff_of_the_office_are_named_on_a_sensitive_case(site: Site, username: str) -> None:
    case_id, boss = case_of(site, "ปิด"), site.visit("boss")
    before = site.visit(username).get(f"/cases/{case_id}").status
    answer = boss.post(f"/privacy/cases/{case_id}/readers", {"username": username})
    assert answer.status == 422
    assert "เพิ่มได้เฉพาะเจ้าหน้าที่ของสำนักงาน" in answer.text
    assert site.read(lambda session: session.scalars(select(CaseReader)).all()) == []
    assert site.visit(username).get(f"/cases/{case_id}").status == before


def test_who_is_said_to_open_it_does(site: Site) -> None:
    case_id, boss = case_of(site, "ปิด"), site.visit("boss")
    assert site.visit("head").get(f"/cases/{case_id}").status == 404
    page = boss.follow(boss.post(f"/privacy/cases/{case_id}/readers", {"username": "head"}))
    assert "คนนี้เปิดเรื่องได้" in page.text
    assert site.visit("head").get(f"/cases/{case_id}").status == 200
