"""The administrator's pages: people, positions over periods, locking."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM, Hat
from osm_flow.domain.people import NewPerson, NewPosition
from osm_flow.errors import NotFound
from osm_flow.operations.people import accounts, positions
from osm_flow.operations.people.hats import actor_for, actor_named, people_wearing
from osm_flow.operations.people.positions import give_position
from osm_flow.store.models import Person, Position
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE
from tests.integration.web.conftest import PASSWORD, Visitor

pytestmark = pytest.mark.sampled

Staff = dict[str, Person]
As = Callable[[str], Visitor]
TODAY = date(2026, 11, 20)
POSITION = {"role": "osm_me", "office_id": OFFICE, "kind": "substantive", "valid_from": "20/11/2569"}


def test_an_administrator_adds_a_person_who_then_signs_in_and_works(as_person: As, visitor: Visitor) -> None:
    admin = as_person("admin")
    new = {"username": "somsri", "display_name": "สมศรี ใจงาม", "email": "somsri@udon.go.th", "password": PASSWORD}
    new |= {"employee_number": "ปค. ๔๑๐๒"}

    created = admin.post("/people/new", new)
    given = admin.post("/people/somsri/positions", POSITION, follow_redirects=True)
    visitor.sign_in("somsri")

    assert created.location == "/people/somsri"
    assert "กำหนดตำแหน่งแล้ว" in given.text
    assert "กลุ่มติดตามและประเมินผล" in visitor.get("/account").text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "Som Sri"}, "ชื่อผู้ใช้ต้องเป็นอักษรอังกฤษตัวเล็ก"),
        ({"username": "new"}, "คำนี้เป็นที่อยู่ของหน้าหนึ่งในระบบ"),
        ({"username": "director"}, "มีผู้ใช้ชื่อนี้แล้ว"),
        ({"display_name": " "}, "กรอกชื่อ"),
        ({"display_name": "ก" * 256}, "กรอกชื่อ"),
        ({"email": "somsri at udon"}, "กรอกอีเมล"),
        ({"password": "short"}, "ตั้งรหัสผ่านอย่างน้อย 10 ตัวอักษร"),
    ],
)
def test_what_cannot_be_accepted_is_told_by_field_and_kept(
    as_person: As, change: dict[str, str], sentence: str
) -> None:
    entered = {"username": "somsri", "display_name": "สมศรี ใจงาม", "email": "", "password": PASSWORD, **change}

    answer = as_person("admin").post("/people/new", entered)

    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'href="#{next(iter(change))}"' in answer.text
    if "display_name" not in change:
        assert "สมศรี ใจงาม" in answer.text


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"role": "cabinet"}, "role", "เลือกบทบาทจากรายการ"),
        ({"office_id": ""}, "office_id", "เลือกกลุ่มจังหวัด"),
        ({"role": "province_planner"}, "province_id", "โปรดเลือกจังหวัด"),
        ({"province_id": "TH-50"}, "province_id", "เลือกจังหวัดในกลุ่มจังหวัดนี้"),
        ({"valid_to": "1/10/2569"}, "valid_to", "วันสุดท้ายต้องไม่มาก่อนวันแรก"),
        ({"valid_from": "เมื่อวาน"}, "valid_from", "กรอกวันที่"),
        ({"kind": "acting", "letter": "คำสั่ง 1"}, "for_username", "ระบุว่าทำหน้าที่แทนผู้ใด"),
        ({"kind": "acting", "for_username": "director"}, "letter", "ระบุคำสั่งหรือหนังสือ"),
        ({"kind": "borrowed"}, "kind", "เลือกลักษณะการดำรงตำแหน่ง"),
    ],
)
def test_a_position_that_makes_no_sense_is_refused_by_field(
    as_person: As, change: dict[str, str], field: str, sentence: str
) -> None:
    answer = as_person("admin").post("/people/strategy/positions", POSITION | change)

    if change == {"office_id": ""}:
        # An administrator of one office does not give what would hold in every office.
        assert answer.status_code == 403
        return
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'href="#{field}"' in answer.text


def test_positions_count_on_their_days_only(store: Store, staff: Staff) -> None:
    first, last = TODAY + timedelta(days=3), TODAY + timedelta(days=5)
    with store.transaction() as session:
        give_position(session, "auditor", SYSTEM, NOW, NewPosition("osm_me", OFFICE, first, last))

    with store.reading() as session:
        held = [
            actor_for(session, staff["auditor"], TODAY + timedelta(days=days)).has("osm_me", OFFICE)
            for days in range(8)
        ]

    assert held == [False, False, False, True, True, True, False, False]


def test_an_acting_position_says_for_whom(store: Store, staff: Staff) -> None:
    with store.transaction() as session:
        post = NewPosition("osm_director", OFFICE, TODAY, kind="acting", for_username="director", letter="คำสั่งที่ 9/2570")
        give_position(session, "strategy", SYSTEM, NOW, post)

    with store.reading() as session:
        actor = actor_named(session, "strategy", TODAY)
        wearing = [person.username for person in people_wearing(session, "osm_director", OFFICE, TODAY)]

    hat = actor.hat_for(("osm_director",), OFFICE)
    assert hat == Hat("osm_director", OFFICE, None, "acting", "director", "คุณ director")
    assert wearing == ["director", "strategy"]


def test_ending_a_position_takes_effect_at_once_and_keeps_its_row(as_person: As, store: Store, staff: Staff) -> None:
    with store.reading() as session:
        position = positions.positions_of(session, staff["strategy"])[0]

    as_person("admin").post(f"/people/strategy/positions/{position.id}/end")

    with store.reading() as session:
        assert actor_named(session, "strategy", TODAY).hats == ()
        assert len(positions.positions_of(session, staff["strategy"])) == 1
    assert "วันนี้ยังไม่มีตำแหน่งในระบบ" in as_person("strategy").get("/account").text


def test_locking_through_the_page_signs_the_person_out(as_person: As, visitor: Visitor) -> None:
    visitor.sign_in("director")

    answer = as_person("admin").post("/people/director/lock", follow_redirects=True)

    assert "ถูกระงับ" in answer.text
    assert visitor.get("/account").status_code == 302
    as_person("admin").post("/people/director/unlock")
    assert visitor.sign_in("director").status_code == 302


def test_nobody_locks_themselves(as_person: As) -> None:
    answer = as_person("admin").post("/people/admin/lock")

    assert answer.status_code == 409
    assert "ระงับบัญชีของตนเองไม่ได้" in answer.text


def test_an_administrator_sets_a_new_password(as_person: As, visitor: Visitor) -> None:
    answer = as_person("admin").post("/people/director/password", {"password": "something quite new"})

    assert answer.location == "/people/director"
    assert visitor.sign_in("director").status_code == 401
    assert visitor.sign_in("director", "something quite new").status_code == 302


def test_people_of_another_office_do_not_exist_for_an_administrator(as_person: As, store: Store, staff: Staff) -> None:
    with store.transaction() as session:
        accounts.create_person(session, SYSTEM, NOW, NewPerson("stranger", "คนอีกกลุ่ม"))
        give_position(session, "stranger", SYSTEM, NOW, NewPosition("osm_director", "NE-U2", TODAY))
    admin = as_person("admin")

    assert "stranger" not in admin.get("/people").text
    assert admin.get("/people/stranger").status_code == 404
    assert admin.post("/people/stranger/lock").status_code == 404
    assert admin.post("/people/director/positions", POSITION | {"office_id": "NE-U2"}).status_code == 404


def test_nobody_but_administrators_touches_people(as_person: As, store: Store, staff: Staff) -> None:
    for username in ("director", "strategy", "planner", "auditor"):
        visitor = as_person(username)
        assert visitor.get("/people/director").status_code == 403
        assert visitor.post("/people/director/lock").status_code == 403
        with store.reading() as session, pytest.raises((NotFound, Exception)) as caught:
            accounts.lock(session, "director", actor_named(session, username, TODAY), NOW)
        assert getattr(caught.value, "status", None) == 403


def test_searching_people_treats_wildcards_as_letters(as_person: As) -> None:
    admin = as_person("admin")

    assert "ไม่พบผู้ใช้" in admin.get("/people?text=%25").text
    assert "director" in admin.get("/people?text=direc").text


def test_people_page_by_key(store: Store, staff: Staff) -> None:
    with store.reading() as session:
        first = accounts.list_people(session, SYSTEM, limit=2)
        second = accounts.list_people(session, SYSTEM, limit=2, after=first.next)

    assert [person.username for person in (*first.items, *second.items)] == ["admin", "auditor", "director", "of_all"]
    assert first.total == second.total == len(staff)


def test_a_post_with_authority_waits_for_a_second_person(store: Store, as_person: As) -> None:
    admin, director = as_person("admin"), as_person("director")

    told = admin.post("/people/strategy/positions", POSITION | {"role": "osm_me_head"}, follow_redirects=True).text
    assert "ตำแหน่งนี้มีผลเมื่อผู้มีอำนาจอีกคนยืนยัน" in told
    assert "รอผู้มีอำนาจอีกคนยืนยัน" in told
    assert "รอให้คุณยืนยัน" in director.get("/").text
    assert "รอให้คุณยืนยัน" not in admin.get("/").text
    with store.reading() as session:
        waiting = session.scalars(select(Position.id).where(Position.waits)).one()
    assert "อีกคนต้องเป็นผู้ยืนยัน" in admin.get("/people/waiting").text
    assert admin.post(f"/people/waiting/{waiting}/confirm").status_code == 403
    assert as_person("strategy").get("/people/waiting").status_code == 403
    assert "ยืนยันตำแหน่งแล้ว" in director.post(f"/people/waiting/{waiting}/confirm", follow_redirects=True).text
    assert director.post(f"/people/waiting/{waiting}/decline").status_code == 409


def test_a_number_is_entered_searched_for_and_never_recorded(as_person: As, staff: Staff) -> None:
    admin = as_person("admin")
    saved = admin.post("/people/strategy/number", {"employee_number": "ปค. ๔๑๐๒"}, follow_redirects=True)
    assert "เลขประจำตัวเจ้าหน้าที่ ปค4102" in saved.text
    found = admin.get("/people?text=ปค-4102").text
    assert "คุณ strategy" in found
    assert "คุณ director" not in found

    refused = admin.post("/people/director/number", {"employee_number": "ปค4102"})
    assert refused.status_code == 422
    assert "บัญชีหนึ่งที่คุณดูแลมีเลขประจำตัวเจ้าหน้าที่นี้แล้ว" in refused.text
    assert 'value="ปค4102"' in refused.text
    assert 'href="#employee_number"' in refused.text
    assert "4102" not in as_person("auditor").get("/audit/administration").text
    assert admin.post("/people/strategy/number", {"employee_number": "-"}, follow_redirects=True).status_code in (
        200,
        422,
    )
    assert "ปค4102" in admin.get("/people/strategy").text


def test_two_accounts_are_said_to_be_one_persons(as_person: As, staff: Staff) -> None:
    admin = as_person("admin")
    page = admin.post("/people/strategy/same-person", {"other_username": "director"}, follow_redirects=True).text
    assert "นับเป็นคนเดียวกับ" in page
    assert "(director)" in page
    assert "(strategy)" in admin.get("/people/director").text
    unknown = admin.post("/people/strategy/same-person", {"other_username": "nobody"})
    assert unknown.status_code == 422
    assert "กรอกชื่อผู้ใช้ของอีกบัญชีหนึ่งที่คุณดูแล" in unknown.text

    apart = admin.post("/people/strategy/other-person", follow_redirects=True).text
    assert "นับเป็นคนเดียวกับ" not in apart
    own = admin.post("/people/admin/same-person", {"other_username": "strategy"}, follow_redirects=True)
    assert own.status_code == 200
    assert admin.post("/people/strategy/other-person").status_code == 403


def test_accounts_without_a_number_are_listed_for_who_manages_them(as_person: As, staff: Staff) -> None:
    page = as_person("admin").get("/people/without-number")
    assert page.status_code == 200
    assert "strategy" in page.text
    for path in ("number", "same-person", "other-person"):
        assert as_person("director").post(f"/people/strategy/{path}").status_code in (403, 404)
    assert as_person("director").get("/people/without-number").status_code in (403, 404)


def test_an_account_is_not_opened_beside_another_with_its_number(as_person: As, staff: Staff) -> None:
    admin = as_person("admin")
    admin.post("/people/strategy/number", {"employee_number": "4102"})
    admin.post("/people/strategy/lock")
    assert admin.post("/people/director/number", {"employee_number": "4102"}).status_code == 302
    refused = admin.post("/people/strategy/unlock")
    assert refused.status_code == 422
    assert "บัญชีหนึ่งที่คุณดูแลมีเลขประจำตัวเจ้าหน้าที่นี้แล้ว" in refused.text
