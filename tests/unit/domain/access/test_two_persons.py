"""A search for a way in which one person has a hand in two items that a diagram keeps apart.

Every sequence of at most four acts is tried, by the policy that the product asks: whoever may claim, release, delegate,
reassign or complete, in whatever hats, own, acting or delegated, with both items open at once or one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osm_flow.domain.access import policy
from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import Verb, WorkItemFacts, decide
from osm_flow.domain.access.separation import Done, kept_apart
from osm_flow.domain.people import PositionKind

OFFICE = "NE-U1"
OPENED = datetime(2026, 11, 20, tzinfo=UTC)
MOST_ACTS = 4
WORLDS = int(os.environ.get("OSM_WORLDS", "120"))

ROLES = ("osm_strategy", "osm_strategy_head", "osm_director", "cluster_head", "admin", "auditor")
# The draft is the strategists'; who checks it differs from diagram to diagram.
CHECKERS = (("osm_strategy",), ("osm_strategy_head",), ("osm_director", "cluster_head"), ("user:a",), ("user:q",))


@dataclass(frozen=True)
class Item:
    """A work item as far as acts change it; `people` had a hand in its completion, as the act number `closed`."""

    element: str
    state: str = "READY"
    assignee: int | None = None
    owner: int | None = None
    people: frozenset[int] = frozenset()
    closed: int | None = None


@dataclass(frozen=True)
class World:
    """Three people, who checks, and whether the check is open from the beginning."""

    people: tuple[Actor, ...]
    checkers: tuple[str, ...]
    at_once: bool


State = tuple[Item, Item]


def person(number: int, roles: tuple[str, ...], *stand_ins: Hat) -> Actor:
    hats = tuple(Hat(role, OFFICE) for role in roles)
    return Actor(number, "abq"[number - 1], "คนหนึ่ง", (*hats, *stand_ins))


def worlds() -> Iterator[World]:
    """A has one or two roles and perhaps stands in for Q, B one that moves work about, Q the post that A stands in for."""
    own = [*combinations(ROLES, 1), *combinations(ROLES, 2)]
    kinds = (None, PositionKind.acting, PositionKind.delegated)
    for roles, kind, post, mover, checkers, at_once in product(
        own, kinds, ROLES[:4], ("admin", "osm_director", "osm_strategy"), CHECKERS, (True, False)
    ):
        stand_in = () if kind is None else (Hat(post, OFFICE, kind=kind, for_username="q", for_id=3),)
        yield World((person(1, roles, *stand_in), person(2, (mover,)), person(3, (post,))), checkers, at_once)


ALL = list(worlds())


def facts(world: World, state: State, place: int, actor: Actor) -> WorkItemFacts:
    """What the product would tell the policy of this item."""
    item = state[place]
    separate = ("draft",) if item.element == "check" else ()
    done = [
        Done(
            one.element,
            one.people,
            ("draft",) if one.element == "check" else (),
            None if one.closed is None else OPENED + timedelta(hours=one.closed),
        )
        for one in state
        if one.closed is not None
    ]
    apart = kept_apart(item.element, separate, OPENED, done)
    drawn = world.checkers if item.element == "check" else ("osm_strategy",)
    answered = set(actor.names_answered.values())
    meant = tuple(one for one in drawn if not one.startswith("user:") or one.removeprefix("user:") in answered)
    return WorkItemFacts(
        OFFICE,
        item.state,
        meant,
        assignee_id=item.assignee,
        owner_id=item.owner,
        completed_by=apart,
        separate_from=tuple({*separate, *apart}),
        names_others=meant != drawn,
    )


def acts(world: World, state: State, number: int) -> Iterator[State]:
    """Every state that one allowed act leads to."""
    for place, actor in product((0, 1), world.people):
        item = state[place]
        if item.closed is not None or (item.element == "check" and not world.at_once and state[0].closed is None):
            continue
        told = facts(world, state, place, actor)

        def put(changed: Item, place: int = place) -> State:
            return (changed, state[1]) if place == 0 else (state[0], changed)

        if decide(actor, Verb.claim, told).allowed:
            yield put(replace(item, state="CLAIMED", assignee=actor.person_id))
        if decide(actor, Verb.release, told).allowed:
            yield put(replace(item, state="READY", assignee=None, owner=None))
        if (done := decide(actor, Verb.complete, told)).allowed:
            both = {actor.person_id, done.hat.for_id if done.hat else None} - {None}
            yield put(replace(item, state="COMPLETED", people=frozenset(both), closed=number))
        for receiver in world.people:
            if decide(receiver, Verb.receive, facts(world, state, place, receiver)).allowed:
                if decide(actor, Verb.delegate, told).allowed:
                    owner = item.owner or item.assignee
                    yield put(replace(item, state="CLAIMED", assignee=receiver.person_id, owner=owner))
                if decide(actor, Verb.reassign, told).allowed:
                    yield put(replace(item, state="CLAIMED", assignee=receiver.person_id, owner=None))


def way_to_one_person(world: World) -> State | None:
    """A state in which one person had a hand in both items, reached by at most four acts; None where there is none."""
    known: set[State] = set()
    front = {(Item("draft"), Item("check"))}
    for number in range(1, MOST_ACTS + 1):
        front = {after for state in front for after in acts(world, state, number)} - known
        known |= front
        for state in front:
            if state[0].people & state[1].people:
                return state
    return None


@settings(max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.sampled_from(ALL))
def test_no_four_acts_give_one_person_two_items_that_are_apart(world: World) -> None:
    assert way_to_one_person(world) is None


def found_by_the_search() -> bool:
    return any(way_to_one_person(world) is not None for world in ALL[::37])


@pytest.mark.parametrize("fault", ["no separation", "principal forgotten", "one way only"])
def test_the_search_finds_a_policy_that_is_broken_on_purpose(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    assert not found_by_the_search()
    whole = policy.is_separated
    if fault == "no separation":
        monkeypatch.setattr(policy, "is_separated", lambda actor, item, hat=None: False)
    elif fault == "principal forgotten":
        monkeypatch.setattr(policy, "is_separated", lambda actor, item, hat=None: whole(actor, item))
    else:

        def one_way(element: str, *more: Any) -> Mapping[str, frozenset[int]]:
            return kept_apart_both_ways(element, *more) if element == "check" else {}

        kept_apart_both_ways = kept_apart
        monkeypatch.setitem(globals(), "kept_apart", one_way)

    assert found_by_the_search()


def test_both_items_can_be_completed_by_two_people() -> None:
    """The search would find nothing either if nobody could do anything."""
    world = World((person(1, ("osm_strategy",)), person(2, ("osm_strategy_head",)), person(3, ())), CHECKERS[1], True)
    front = {(Item("draft"), Item("check"))}
    for number in (1, 2):
        front = {after for state in front for after in acts(world, state, number)}

    assert any(state[0].people == {1} and state[1].people == {2} for state in front)
