"""Why a work item came back: who returned its document, in what words, and which parts."""

from __future__ import annotations

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.work_items.returned import return_of
from osm_flow.store.models import Case, JournalPayload
from tests.factories import (
    NOW,
    complete_first,
    deploy_tests,
    files,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)

PARTS = """
  parts: {type: array, title: ส่วน, x-en: {title: Parts}, x-widget: lines, items: {type: string, maxLength: 100}}
required:"""


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review", "reports")
    return make_person(session, "anan", "osm_strategy", "osm_me")


@pytest.fixture
def boss(session: Session, anan: Actor) -> Actor:
    return make_person(session, "boss", "osm_director")


def returned(session: Session, case: Case, anan: Actor, boss: Actor, at: float = 1, **said: object) -> None:
    complete_first(session, case, anan, later(at), text="ร่าง")
    complete_first(session, case, boss, later(at + 1), approved=False, **said)


def test_the_decision_that_sent_it_back_is_told(session: Session, anan: Actor, boss: Actor) -> None:
    case = make_case(session)
    returned(session, case, anan, boss, reason="  ขาดตัวชี้วัด ")

    found = return_of(session, items_of(session, case)[0])

    assert found is not None
    assert (found.seq, found.at, found.by, found.role) == (3, later(2), "คุณboss", "osm_director")
    assert (found.step, found.words, found.parts, found.on_behalf_of) == ("ตรวจร่าง", "ขาดตัวชี้วัด", (), None)


def test_the_newest_return_counts(session: Session, anan: Actor, boss: Actor) -> None:
    case = make_case(session)
    for number in range(3):
        returned(session, case, anan, boss, 10 * number, reason=f"ครั้งที่ {number}")

    found = return_of(session, items_of(session, case)[0])

    assert found is not None
    assert (found.seq, found.words) == (7, "ครั้งที่ 2")


def test_what_comes_for_the_first_time_or_goes_on_was_not_returned(session: Session, anan: Actor) -> None:
    case = make_case(session)
    assert return_of(session, items_of(session, case)[0]) is None

    complete_first(session, case, anan, text="ร่าง")

    assert return_of(session, items_of(session, case)[0]) is None


def test_parts_that_were_named_are_told(session: Session, anan: Actor, boss: Actor) -> None:
    content = files("review")
    content["decision.yaml"] = content["decision.yaml"].decode().replace("\nrequired:", PARTS).encode()
    deploy(session, content, SYSTEM, NOW)
    case = make_case(session)
    returned(session, case, anan, boss, parts=["บทนำ", "งบประมาณ"])

    found = return_of(session, items_of(session, case)[0])

    assert found is not None
    assert (found.words, found.parts) == ("", ("บทนำ", "งบประมาณ"))


def test_erased_words_leave_who_and_when(session: Session, anan: Actor, boss: Actor) -> None:
    case = make_case(session)
    returned(session, case, anan, boss, reason="ชื่อของบุคคล")
    session.execute(delete(JournalPayload).where(JournalPayload.seq == 3))

    found = return_of(session, items_of(session, case)[0])

    assert found is not None
    assert (found.by, found.words, found.parts) == ("คุณboss", "", ())


def test_of_many_at_once_each_knows_its_own_return(session: Session, anan: Actor, boss: Actor) -> None:
    """Certifying a report ends its branch; what opens beside it was opened by nobody's return."""
    case = make_case(session, "reports", data={"projects": [{"code": "P1"}, {"code": "P2"}]})
    complete_first(session, case, anan, later(1), project_name="หนึ่ง", spent=1)

    assert [return_of(session, item) for item in items_of(session, case)] == [None, None]
