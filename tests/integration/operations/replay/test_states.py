"""The states of a case along its journal: each follows the one before, and an erased payload stops them."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.replay.states import stretch
from osm_flow.store.models import Case
from tests.factories import complete_first, deploy_tests, erase, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    """Records: 1 started, 2 drafted, 3 a file."""
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")
    attach(session, case.id, anan, later(1), GivenFile("แผน.txt", "แผน".encode()), key=None)
    return case


def test_the_states_of_a_stretch_follow_each_other(session: Session, case: Case) -> None:
    whole = stretch(session, case, 1, 3).instants
    part = stretch(session, case, 3, 3).instants

    assert [instant.record.seq for instant in whole] == [1, 2, 3]
    assert whole[1].before == whole[0].after
    assert [instant.after and instant.after.digest for instant in whole] == [
        instant.record.state_digest for instant in whole
    ]
    assert [instant.previous_hash for instant in whole[1:]] == [instant.record.hash for instant in whole[:2]]
    assert part == whole[2:]


def test_after_an_erased_payload_the_states_are_unknown_and_say_why(session: Session, case: Case) -> None:
    erase(session, case.id, [2], SYSTEM, later(4), reason="คำขอ")

    first, second, third = stretch(session, case, 1, 3).instants
    assert first.after is not None
    assert (second.payload, second.after, second.obstacle) == (None, None, (2, "erased", ""))
    assert (third.before, third.after, third.obstacle) == (None, None, (2, "erased", ""))
