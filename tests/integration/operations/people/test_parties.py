"""The people of a party outside get to know what was written down for them, and parties are called by their names."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.people.parties import ANSWER_RECORDED, name_of_party, tell_party
from osm_flow.store.models import Notification, Person
from tests.factories import NOW, deploy_tests, items_of, make_case, make_office, make_person


def test_everybody_of_the_party_is_told_and_nobody_else(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "provinces")
    for name, province_id in (("udon", "TH-41"), ("deputy", "TH-41"), ("nongbua", "TH-39")):
        make_person(session, name, "province_planner", province_id=province_id)
    make_person(session, "anan", "osm_strategy")
    locked = make_person(session, "locked", "province_planner", province_id="TH-41")
    session.get_one(Person, locked.person_id).locked_at = NOW
    item = next(one for one in items_of(session, make_case(session, "provinces")) if one.province_id == "TH-41")

    assert tell_party(session, item, NOW) == 2

    session.flush()
    rows = session.execute(select(Person.username, Notification).join(Notification)).all()
    assert {name for name, _ in rows} == {"udon", "deputy"}
    for _, notice in rows:
        assert (notice.kind, notice.url) == (ANSWER_RECORDED, f"/work-items/{item.id}")
        assert notice.text_th.startswith("สำนักงานบันทึกคำตอบของหน่วยงานท่านในงาน จังหวัดตอบ")
        assert "wrote down your party's answer" in notice.text_en


def test_a_party_is_called_as_people_call_it(session: Session) -> None:
    make_office(session)

    assert name_of_party(session, "province_planner@TH-41") == "จังหวัดอุดรธานี"
    assert name_of_party(session, "agency_owner@TH-41") == "หน่วยงานเจ้าของโครงการ จังหวัดอุดรธานี"
    assert name_of_party(session, "bb") == "สำนักงบประมาณ"
    assert name_of_party(session, "bb@TH-99") == "สำนักงบประมาณ"
