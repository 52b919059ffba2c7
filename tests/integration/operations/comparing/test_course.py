"""What a journal says of rows follows who had a work item, and what earlier versions did not record is taken as it is."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.cases import compare_cases
from osm_flow.operations.replay.moment_parts import Holders
from osm_flow.operations.work_items import acts as work_items
from osm_flow.store.models import WorkItem
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def delegated(session: Session) -> tuple[Session, WorkItem, Any]:
    """A work item that its owner delegated."""
    make_office(session)
    deploy_tests(session, "review")
    anan, nida = (make_person(session, name, "osm_strategy") for name in ("anan", "nida"))
    item = items_of(session, make_case(session))[0]
    work_items.claim(session, item.id, anan, later(1))
    work_items.delegate(session, item.id, anan, later(2), to_username="nida", reason="ลา")
    return session, item, nida


def test_what_was_delegated_and_given_back_is_its_owners(delegated: tuple[Session, WorkItem, Any]) -> None:
    session, item, nida = delegated
    work_items.release(session, item.id, nida, later(3))
    session.flush()

    assert (item.state, item.owner_id) == ("CLAIMED", None)
    assert list(compare_cases(session)) == []
    assert Holders(session, item.case_id, [item.id], 9).usernames == {"anan", "nida"}


def test_an_instant_before_the_record_is_believed_only_where_records_crowd(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    anan = make_person(session, "anan", "osm_strategy")
    case = make_case(session, now=later(5))
    work_items.claim(session, items_of(session, case)[0].id, anan, later(4))
    session.flush()

    assert list(compare_cases(session)) == []
