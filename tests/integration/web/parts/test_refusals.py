"""What a page does when its operation said no."""

from __future__ import annotations

import pytest
from flask import Flask, g
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.stepping.step import CaseFailed
from osm_flow.store.models import Case, Incident
from osm_flow.store.session import Store
from osm_flow.web.parts.refusals import after_refusal, problem_of
from tests.factories import NOW, deploy_tests, make_case, make_office


def begun(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session, actor=SYSTEM, title="ก่อน")


@pytest.mark.parametrize(("fails", "incidents"), [(False, 0), (True, 1)])
def test_what_was_begun_is_undone_and_only_a_failed_case_leaves_an_incident(
    site: Flask, store: Store, fails: bool, incidents: int
) -> None:
    with store.transaction() as session:
        case_id = begun(session).id
    refusal = CaseFailed(case_id=case_id, element="draft", reason="no such branch") if fails else Refused()

    with site.app_context(), store.transaction() as session:
        g.session, g.store, g.now, g.actor = session, store, NOW, None
        session.get_one(Case, case_id).title = "หลัง"
        session.flush()
        after_refusal(refusal)

    with store.reading() as session:
        assert session.get_one(Case, case_id).title == "ก่อน"
        opened = session.scalars(select(Incident)).all()
        assert [(one.case_id, one.element, one.message) for one in opened] == [
            (case_id, "draft", "no such branch")
        ] * incidents


def test_a_problem_says_each_sentence_once_and_keeps_what_was_typed(site: Flask) -> None:
    with site.test_request_context("/", method="POST", data={"reason": " ", "to_username": "malee"}):
        g.locale = "en"
        same = problem_of("delegate", ReasonMissing(fields={"reason": ReasonMissing.__doc__ or ""}))
        two = problem_of("due", Invalid(fields={"due_date": "Say why."}))

    assert (same.act, same.words, same.typed["to_username"]) == ("delegate", "Say why.", "malee")
    assert two.words == "What was sent cannot be accepted. Say why."
