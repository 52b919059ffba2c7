"""The port through which forms ask registers that rooms above keep."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.operations.ledger import registers
from tests.factories import deploy_tests, make_case, make_office, make_project


@pytest.fixture
def nobody_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "_CONNECTED", {})


def test_the_application_answers_every_name_that_forms_may_ask(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)

    assert {name: registers.ask(name, session, case, {}) for name in registers.NAMES} == {
        "register": [],
        "funded": [],
        "projects": [],
        "concepts": [],
        "planned": [],
        "shortlisted": [],
        "earlier": [],
        "record": None,
    }


def test_funded_are_the_projects_of_the_year_that_were_given_money_and_have_not_ended(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)
    make_project(session, "GIVEN", state="requested", result="Y1", approved=900)
    make_project(session, "BEGUN", state="working", approved=500)
    make_project(session, "NOTHING", state="y2", result="Y2", approved=0)
    make_project(session, "UNASKED", state="in_plan")
    make_project(session, "REFUSED", state="n", result="N", approved=100)
    make_project(session, "CLOSED", state="closed", approved=100)
    make_project(session, "EARLIER", state="working", approved=100, fiscal_year=2570)

    assert [row["code"] for row in registers.ask("funded", session, case, {})] == ["GIVEN", "BEGUN"]


def test_a_register_that_nobody_connected_is_a_mistake_and_not_an_empty_list(
    session: Session, nobody_connected: None
) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)

    with pytest.raises(registers.RegisterNotConnected, match="projects"):
        registers.ask("projects", session, case, {})


def test_whoever_is_connected_answers(session: Session, nobody_connected: None) -> None:
    make_office(session)
    deploy_tests(session, "review")
    case = make_case(session)

    registers.connect({"projects": lambda _session, asked, variables: [asked.id, variables["fy"]]})

    assert registers.ask("projects", session, case, {"fy": 2571}) == [case.id, 2571]


def test_a_name_that_no_form_asks_for_is_refused(nobody_connected: None) -> None:
    with pytest.raises(KeyError, match="weather"):
        registers.connect({"weather": lambda _session, _case, _variables: None})
