"""A write that comes twice with one key is done once."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.idempotency import KeyReused, KeyUnusable, first_time
from osm_flow.store.models import IdempotencyKey
from osm_flow.store.session import Store
from tests.factories import NOW, later
from tests.together import at_once

ANAN = Actor(1, "anan", "อนันต์")


def test_the_same_act_a_second_time_is_not_the_first_time(session: Session) -> None:
    told = [first_time(session, "k", ANAN, at, purpose="complete:1") for at in (NOW, later())]

    assert told == [True, False]
    assert session.get_one(IdempotencyKey, "k").at == NOW


def test_an_act_without_a_key_is_always_new(session: Session) -> None:
    assert [first_time(session, None, ANAN, NOW, purpose="complete:1") for _ in range(2)] == [True, True]
    assert session.scalars(select(IdempotencyKey)).all() == []


def test_a_key_means_one_act_of_one_person(session: Session) -> None:
    first_time(session, "k", ANAN, NOW, purpose="complete:1")

    for actor, purpose in ((ANAN, "complete:2"), (SYSTEM, "complete:1")):
        with pytest.raises(KeyReused):
            first_time(session, "k", actor, NOW, purpose=purpose)


@pytest.mark.parametrize("key", ["", "  ", "k" * 129, "a\0b", "a\nb", "\u200b"])
def test_a_key_that_cannot_be_kept_is_refused(session: Session, key: str) -> None:
    with pytest.raises(KeyUnusable):
        first_time(session, key, ANAN, NOW, purpose="complete:1")


def test_an_act_that_was_rolled_back_may_be_done_again(store: Store) -> None:
    with store.transaction() as session:
        first_time(session, "k", ANAN, NOW, purpose="complete:1")
        session.rollback()

    with store.transaction() as session:
        assert first_time(session, "k", ANAN, NOW, purpose="complete:1")


def test_of_four_at_once_one_does_it(store: Store) -> None:
    told: list[bool] = []

    def act() -> None:
        with store.transaction() as session:
            told.append(first_time(session, "k", ANAN, NOW, purpose="complete:1"))

    at_once(*[act] * 4)

    assert sorted(told) == [False, False, False, True]
