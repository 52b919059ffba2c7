"""A search for a way in which one person has a hand in two items that a diagram keeps apart, or chooses who checks them.

Every sequence of at most four acts is tried, by the policy that the product asks: whoever may claim, release, delegate,
reassign or complete, or be given a post, in whatever hats, own, acting or delegated, in whichever of their accounts, with both
items open at once or one after the other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
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
# Who has two of the three accounts: nobody, or one person of A's and Q's, or of A's and B's.
PERSONS = ((), (1, 3), (1, 2))
A_NEW_POST = 100


@dataclass(frozen=True)
class Item:
    """A work item as far as acts change it; `people` had a hand in its completion, as the act number `closed`.

    chosen_by  which accounts said who does it, and which gave the post under which it was completed.
    """

    element: str
    state: str = "READY"
    assignee: int | None = None
    owner: int | None = None
    people: frozenset[int] = frozenset()
    closed: int | None = None
    chosen_by: frozenset[int] = frozenset()


@dataclass(frozen=True)
class World:
    """Three accounts, which of them are one person's, who checks, and whether the check is open from the beginning."""

    people: tuple[Actor, ...]
    checkers: tuple[str, ...]
    at_once: bool
    one_person: tuple[int, ...] = ()

    def accounts(self, people: Iterable[int]) -> frozenset[int]:
        """All accounts of these people."""
        several = frozenset(people)
        return several | frozenset(self.one_person) if several & frozenset(self.one_person) else several


@dataclass(frozen=True)
class State:
    """Both items, and who was given a post meanwhile: the giver and the receiver of each."""

    draft: Item = Item("draft")
    check: Item = Item("check")
    posts: frozenset[tuple[int, int]] = frozenset()

    @property
    def items(self) -> tuple[Item, Item]:
        return self.draft, self.check


def person(number: int, roles: tuple[str, ...], *stand_ins: Hat) -> Actor:
    hats = tuple(Hat(role, OFFICE, position_id=10 * number + place) for place, role in enumerate(roles))
    return Actor(number, "abq"[number - 1], "คนหนึ่ง", (*hats, *stand_ins))


def worlds() -> Iterator[World]:
    """A has one or two roles and perhaps stands in for Q, B one that moves work about, Q the post that A stands in for."""
    own = [*combinations(ROLES, 1), *combinations(ROLES, 2)]
    kinds = (None, PositionKind.acting, PositionKind.delegated)
    for roles, kind, post, mover, checkers, at_once, one_person in product(
        own, kinds, ROLES[:4], ("admin", "osm_director", "osm_strategy"), CHECKERS, (True, False), PERSONS
    ):
        stand_in = () if kind is None else (Hat(post, OFFICE, kind=kind, for_username="q", for_id=3, position_id=19),)
        people = (person(1, roles, *stand_in), person(2, (mover,)), person(3, (post,)))
        yield World(people, checkers, at_once, one_person)


ALL = list(worlds())


def as_they_are(world: World, state: State, actor: Actor) -> Actor:
    """The actor with the posts that they were given meanwhile: of whoever checks."""
    number = actor.person_id or 0
    role = world.checkers[0] if ":" not in world.checkers[0] else "osm_strategy"
    new = [Hat(role, OFFICE, position_id=A_NEW_POST + giver) for giver, receiver in state.posts if receiver == number]
    return replace(actor, hats=(*actor.hats, *sorted(new, key=lambda hat: hat.position_id or 0)))


def facts(world: World, state: State, place: int, actor: Actor) -> WorkItemFacts:
    """What the product would tell the policy of this item."""
    item = state.items[place]
    separate = ("draft",) if item.element == "check" else ()
    done = [
        Done(
            one.element,
            world.accounts(one.people),
            ("draft",) if one.element == "check" else (),
            None if one.closed is None else OPENED + timedelta(hours=one.closed),
        )
        for one in state.items
        if one.closed is not None
    ]
    apart = kept_apart(item.element, separate, OPENED, done)
    doers = frozenset[int]().union(*apart.values())
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
        choosers=world.accounts(state.check.chosen_by) if item.element == "draft" else frozenset(),
        chosen_posts=frozenset(A_NEW_POST + giver for giver, _ in state.posts if giver in doers),
    )


def giver_of(hat: Hat | None) -> frozenset[int]:
    """Who gave the post meanwhile, if it is such a one."""
    position = hat.position_id if hat else None
    return frozenset({position - A_NEW_POST}) if position is not None and position > A_NEW_POST else frozenset()


def acts(world: World, state: State, number: int) -> Iterator[State]:
    """Every state that one allowed act leads to."""
    people = [as_they_are(world, state, actor) for actor in world.people]
    for giver, receiver in product(people, people):
        pair = (giver.person_id or 0, receiver.person_id or 0)
        is_own = pair[1] in world.accounts({pair[0]})
        if not is_own and not state.posts and decide(giver, Verb.manage_people, policy.OfficeFacts(OFFICE)).allowed:
            yield replace(state, posts=frozenset({pair}))
    for place in (0, 1):
        item = state.items[place]
        if item.closed is not None or (item.element == "check" and not world.at_once and state.draft.closed is None):
            continue
        told = [(actor, facts(world, state, place, actor)) for actor in people]
        receivers = [actor for actor, its in told if decide(actor, Verb.receive, its).allowed]
        for actor, its in told:
            yield from acts_on(state, number, item, actor, its, receivers)


def acts_on(
    state: State, number: int, item: Item, actor: Actor, told: WorkItemFacts, receivers: Iterable[Actor]
) -> Iterator[State]:
    """Every state that one allowed act of this actor on one of the items leads to."""

    def put(changed: Item) -> State:
        return replace(state, **{changed.element: changed})

    me = frozenset({actor.person_id or 0})
    if decide(actor, Verb.claim, told).allowed:
        yield put(replace(item, state="CLAIMED", assignee=actor.person_id))
    if decide(actor, Verb.release, told).allowed:
        yield put(replace(item, state="READY", assignee=None, owner=None))
    if (done := decide(actor, Verb.complete, told)).allowed:
        both = {actor.person_id, done.hat.for_id if done.hat else None} - {None}
        chosen = item.chosen_by | giver_of(done.hat)
        yield put(replace(item, state="COMPLETED", people=frozenset(both), closed=number, chosen_by=chosen))
    may_delegate, may_reassign = (decide(actor, verb, told).allowed for verb in (Verb.delegate, Verb.reassign))
    for receiver in receivers:
        handed = replace(item, state="CLAIMED", assignee=receiver.person_id, chosen_by=item.chosen_by | me)
        if may_delegate:
            yield put(replace(handed, owner=item.owner or item.assignee))
        if may_reassign:
            yield put(replace(handed, owner=None))


def is_one_persons(world: World, state: State) -> bool:
    """Whether one person had a hand in both items, or a hand in the draft and in who checked it."""
    doers = world.accounts(state.draft.people)
    return bool(state.check.people and doers & (state.check.people | state.check.chosen_by))


def way_to_one_person(world: World) -> State | None:
    """A state in which one person had a hand in both, reached by at most four acts; None where there is none."""
    known: set[State] = set()
    front = {State()}
    for number in range(1, MOST_ACTS + 1):
        front = {after for state in front for after in acts(world, state, number)} - known
        known |= front
        for state in front:
            if is_one_persons(world, state):
                return state
    return None


@settings(max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.sampled_from(ALL))
def test_no_four_acts_give_one_person_two_items_that_are_apart(world: World) -> None:
    assert way_to_one_person(world) is None


def found_by_the_search() -> bool:
    return any(way_to_one_person(world) is not None for world in ALL[::149])


def test_no_world_of_those_that_find_the_faults_has_a_way() -> None:
    assert not found_by_the_search()


FAULTS = (
    "no separation",
    "principal forgotten",
    "one way only",
    "accounts compared instead of persons",
    "the doer hands it on",
    "the chooser does it afterwards",
    "posts from the doer count",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_search_finds_a_policy_that_is_broken_on_purpose(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    whole = policy.is_separated
    if fault == "no separation":
        monkeypatch.setattr(policy, "is_separated", lambda actor, item, hat=None: False)
    elif fault == "principal forgotten":
        monkeypatch.setattr(policy, "is_separated", lambda actor, item, hat=None: whole(actor, item))
    elif fault == "accounts compared instead of persons":

        def told_by_accounts(world: World, state: State, place: int, actor: Actor) -> WorkItemFacts:
            return told(replace(world, one_person=()), state, place, actor)

        told = facts
        monkeypatch.setitem(globals(), "facts", told_by_accounts)
    elif fault == "the doer hands it on":
        monkeypatch.setattr(policy, "_CHOOSING", frozenset())
    elif fault in {"the chooser does it afterwards", "posts from the doer count"}:
        forgotten = "choosers" if fault == "the chooser does it afterwards" else "chosen_posts"

        def less(*given: Any) -> WorkItemFacts:
            return replace(more(*given), **{forgotten: frozenset()})

        more = facts
        monkeypatch.setitem(globals(), "facts", less)
    else:

        def one_way(element: str, *more: Any) -> Mapping[str, frozenset[int]]:
            return kept_apart_both_ways(element, *more) if element == "check" else {}

        kept_apart_both_ways = kept_apart
        monkeypatch.setitem(globals(), "kept_apart", one_way)

    assert found_by_the_search()


def test_both_items_can_be_completed_by_two_people() -> None:
    """The search would find nothing either if nobody could do anything."""
    world = World((person(1, ("osm_strategy",)), person(2, ("osm_strategy_head",)), person(3, ())), CHECKERS[1], True)
    front = {State()}
    for number in (1, 2):
        front = {after for state in front for after in acts(world, state, number)}

    assert any(state.draft.people == {1} and state.check.people == {2} for state in front)
