"""A case of six records whose history tests of pages look at."""

from __future__ import annotations

from sqlalchemy.orm import Session

from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person


def make_history(session: Session) -> dict[str, str]:
    """The case and what belongs to it; an auditor of the office and one of another."""
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review", "asking", "caller", "callee")
    anan, boss = make_person(session, "anan", "osm_strategy"), make_person(session, "boss", "osm_director")
    make_person(session, "malee", "auditor")
    make_person(session, "stranger", "auditor", office_id="NE-U2")
    make_person(session, "root", "admin", office_id=None)
    case = make_case(session, actor=anan, title="แผนปี 2571")
    drafted = items_of(session, case)[0]
    complete(session, drafted.id, anan, later(1), Completion.of({"text": "=1+1 ร่างแรก"}))
    check = items_of(session, case)[0]
    work_items.claim(session, check.id, boss, later(2))
    file = attach(session, case.id, boss, later(60 * 24 * 3), GivenFile("มติ.txt", b"yes"), key=None)
    assert file is not None
    comment(session, case.id, boss, later(60 * 24 * 4), body="<b>ดี</b>", key=None)
    verdict = {"approved": False, "reason": "ขาดงบ"}
    complete(session, check.id, boss, later(60 * 24 * 5), Completion.of(verdict))
    session.flush()
    return {"case": case.id, "item": items_of(session, case)[0].id, "file": str(file.id)}
