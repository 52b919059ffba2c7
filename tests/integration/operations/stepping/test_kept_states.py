"""States that are kept on the way: they save time, and none is believed that its record does not name."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.stepping import kept_states
from osm_flow.operations.stepping.kept_states import KeptState, between, keep, nearest
from osm_flow.store.models import Case, CaseCheckpoint, CaseState, ElementVisit, JournalPayload
from tests.factories import complete_first, deploy_tests, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session, monkeypatch: pytest.MonkeyPatch) -> Actor:
    monkeypatch.setattr(kept_states, "EVERY", 3)
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    """A case of seven records: it began, was drafted, and was talked about."""
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")
    for number in range(5):
        comment(session, case.id, anan, later(number), body=str(number), key=None)
    return case


def kept(session: Session) -> list[int]:
    return list(session.scalars(select(CaseCheckpoint.seq).order_by(CaseCheckpoint.seq)))


def test_every_so_many_records_the_state_is_kept_with_the_visits(session: Session, case: Case) -> None:
    assert kept(session) == [3, 6]

    state = session.get_one(CaseState, case.id)
    found = nearest(session, case.id, 7)
    visits = dict(session.execute(select(ElementVisit.element, ElementVisit.visits)).all())
    assert found == KeptState(6, state.digest, state.snapshot, visits)
    assert visits["draft"] == 1


def test_the_nearest_kept_state_lies_at_or_before_the_record(session: Session, case: Case) -> None:
    found = [nearest(session, case.id, seq) for seq in range(8)]

    assert [one.seq if one else None for one in found] == [None, None, None, 3, 3, 3, 6, 6]
    assert nearest(session, make_case(session).id, 100) is None


def test_the_states_between_two_records(session: Session, case: Case) -> None:
    assert [list(between(session, case.id, *span)) for span in ((0, 7), (0, 3), (3, 6), (3, 5), (6, 7))] == [
        [3, 6],
        [3],
        [6],
        [],
        [],
    ]


@pytest.mark.parametrize("forged", [{"digest": "0" * 64}, {"snapshot": b"nonsense"}])
def test_a_state_that_is_not_the_recorded_one_is_passed_over(
    session: Session, case: Case, forged: dict[str, object]
) -> None:
    session.execute(update(CaseCheckpoint).where(CaseCheckpoint.seq == 6).values(forged))
    session.expire_all()

    assert [one.seq if (one := nearest(session, case.id, seq)) else None for seq in (7, 6, 5)] == [3, 3, 3]
    assert list(between(session, case.id, 0, 7)) == [3]


def test_what_a_reader_worked_out_is_kept_and_mends_what_was_wrong(session: Session, case: Case) -> None:
    right = nearest(session, case.id, 7)
    assert right is not None
    session.execute(update(CaseCheckpoint).values(digest="0" * 64, passed="{}"))
    session.expire_all()

    keep(session, case.id, [right])
    keep(session, case.id, [])

    session.expire_all()
    assert nearest(session, case.id, 7) == right
    assert nearest(session, case.id, 5) is None


def test_nothing_is_kept_behind_an_erased_payload(session: Session, case: Case) -> None:
    states = [one for seq in (3, 6) if (one := nearest(session, case.id, seq))]
    session.execute(delete(CaseCheckpoint))
    session.execute(delete(JournalPayload).where(JournalPayload.seq == 5))

    keep(session, case.id, states)
    assert kept(session) == []
    keep(session, case.id, states[:1])
    assert kept(session) == [3]


def test_the_visits_are_kept_as_json_in_one_spelling(session: Session, case: Case) -> None:
    keep(session, case.id, [KeptState(3, "d", b"", {"b": 1, "a": 2})])
    session.expire_all()

    row = session.get_one(CaseCheckpoint, (case.id, 3))
    assert row.passed == '{"a": 2, "b": 1}'
    assert json.loads(row.passed) == {"b": 1, "a": 2}
