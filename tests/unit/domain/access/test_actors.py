"""Who acts: which hat counts where, for whom, and which of several goes before the others."""

from __future__ import annotations

import pytest

from osm_flow.domain.access.actors import SYSTEM, Actor, Hat

OFFICE, OTHER_OFFICE = "NE-U1", "NE-U2"
EVERYWHERE = Hat("auditor")
PLANNER = Hat("province_planner", OFFICE, "TH-41")


def wearing(*hats: Hat, **more: tuple[str, ...]) -> Actor:
    return Actor(1, "anan", "อนันต์", hats, **more)  # type: ignore[arg-type]


# ---- one hat ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worn_in", "asked_in", "covers"),
    [
        (OFFICE, OFFICE, True),
        (OFFICE, OTHER_OFFICE, False),
        (None, OFFICE, True),
        (OFFICE, None, False),
        (None, None, True),
    ],
)
def test_a_hat_counts_in_its_office_and_without_one_in_every_office_and_the_system(
    worn_in: str | None, asked_in: str | None, covers: bool
) -> None:
    assert Hat("osm_data", worn_in).covers(asked_in) is covers


@pytest.mark.parametrize(
    ("candidate", "answers"),
    [
        ("province_planner", True),
        ("province_planner@TH-41", True),
        ("province_planner@TH-38", False),
        ("province_planner@", True),
        ("prov_treasury@TH-41", False),
        ("province", False),
        ("user:anan", False),
    ],
)
def test_a_hat_answers_its_role_and_its_role_in_its_province(candidate: str, answers: bool) -> None:
    assert PLANNER.answers(candidate) is answers


def test_a_hat_of_no_province_answers_for_none_in_particular() -> None:
    assert Hat("province_planner", OFFICE).answers("province_planner")
    assert not Hat("province_planner", OFFICE).answers("province_planner@TH-41")


# ---- where somebody belongs ------------------------------------------------------------------------------------------


def test_somebody_meets_the_offices_and_provinces_of_their_hats_each_once_in_order() -> None:
    actor = wearing(Hat("osm_me", OTHER_OFFICE, "TH-42"), PLANNER, Hat("osm_data", OFFICE))

    assert actor.office_ids == (OFFICE, OTHER_OFFICE)
    assert actor.province_ids == ("TH-41", "TH-42")


def test_a_hat_of_every_office_meets_all_that_there_are() -> None:
    actor = wearing(Hat("osm_me", OFFICE), EVERYWHERE, every_office=(OTHER_OFFICE, OFFICE, "NE-U3"))

    assert actor.office_ids == (OTHER_OFFICE, OFFICE, "NE-U3")


def test_without_a_hat_there_is_no_office() -> None:
    assert (wearing().office_ids, wearing().province_ids, wearing().role_in(OFFICE)) == ((), (), None)


def test_a_role_is_held_where_its_hat_counts() -> None:
    actor = wearing(PLANNER, EVERYWHERE)

    assert actor.has("province_planner")
    assert actor.has("province_planner", OFFICE, "TH-41")
    assert not actor.has("province_planner", OTHER_OFFICE)
    assert not actor.has("province_planner", OFFICE, "TH-38")
    assert actor.has("auditor", OTHER_OFFICE)
    assert not actor.has("admin")


def test_the_system_is_nobody_in_particular() -> None:
    assert SYSTEM.is_system
    assert not wearing().is_system
    assert (SYSTEM.username, SYSTEM.hats, SYSTEM.office_ids) == ("system", (), ())


# ---- which hat goes first --------------------------------------------------------------------------------------------


def test_ones_own_post_comes_before_an_acting_one() -> None:
    own = Hat("osm_strategy", OFFICE)
    acting = Hat("osm_strategy", OFFICE, kind="acting", for_username="colleague")
    delegated = Hat("osm_strategy", OFFICE, kind="delegated", for_username="boss")

    assert Actor(1, "a", "ก", (delegated, acting, own)).hat_for(("osm_strategy",), OFFICE) == own
    assert Actor(1, "a", "ก", (delegated, acting)).hat_for(("osm_strategy",), OFFICE) == acting


def test_the_best_hat_is_looked_for_among_the_roles_asked_for_and_in_the_office() -> None:
    acting = Hat("osm_director", OFFICE, kind="acting", for_username="boss")
    elsewhere = Hat("osm_director", OTHER_OFFICE)
    actor = wearing(Hat("osm_data", OFFICE), acting, elsewhere)

    assert actor.wearing({"osm_director", "osm_me_head"}, OFFICE) == acting
    assert actor.wearing({"osm_director"}, OTHER_OFFICE) == elsewhere
    assert actor.wearing({"osm_director"}) is None
    everywhere = Hat("admin")
    assert wearing(acting, everywhere).wearing({"osm_director", "admin"}) == everywhere
    assert actor.wearing({"osm_me_head"}, OFFICE) is None


def test_what_is_done_in_an_office_is_done_in_a_preferred_role_or_else_the_first_one_there() -> None:
    actor = wearing(Hat("osm_me", OTHER_OFFICE), Hat("osm_data", OFFICE), Hat("osm_strategy", OFFICE))

    assert actor.role_in(OFFICE) == "osm_data"
    assert actor.role_in(OFFICE, "osm_strategy", "osm_me") == "osm_strategy"
    assert actor.role_in(OFFICE, "osm_me") == "osm_data"
    assert actor.role_in(OTHER_OFFICE) == "osm_me"
    assert actor.role_in("NE-U3") is None


# ---- under which hat somebody is a candidate -------------------------------------------------------------------------


def test_a_candidate_by_role_answers_in_the_office_of_the_work_alone() -> None:
    hat = Hat("osm_strategy", OFFICE)

    assert wearing(hat).hat_for(("osm_me", "osm_strategy"), OFFICE) == hat
    assert wearing(hat).hat_for(("osm_strategy",), OTHER_OFFICE) is None
    assert wearing(hat).hat_for((), OFFICE) is None


def test_candidates_may_be_told_one_after_the_other() -> None:
    assert wearing(PLANNER).hat_for(iter(["user:anan", "province_planner@TH-41"]), OFFICE) == PLANNER


def test_who_is_named_works_under_their_own_hat_of_the_office() -> None:
    assert wearing(EVERYWHERE, Hat("osm_data", OFFICE)).hat_for(("user:anan",), OFFICE) == Hat("osm_data", OFFICE)
    assert wearing(Hat("osm_data", OFFICE)).hat_for(("user:somchai",), OFFICE) is None
    assert wearing(Hat("osm_data", OTHER_OFFICE)).hat_for(("user:anan",), OFFICE) is None


def test_a_role_that_fits_goes_before_the_name() -> None:
    acting = Hat("osm_director", OFFICE, kind="acting", for_username="boss")
    actor = wearing(Hat("osm_data", OFFICE), acting)

    assert actor.hat_for(("user:anan", "osm_director"), OFFICE) == acting


def test_an_administrator_may_be_named_and_an_auditor_may_not() -> None:
    assert wearing(Hat("admin")).hat_for(("user:anan",), OFFICE) == Hat("admin")
    assert wearing(Hat("auditor")).hat_for(("user:anan",), OFFICE) is None


# ---- standing in -----------------------------------------------------------------------------------------------------

AWAY = {"for_username": "boss", "for_name": "หัวหน้า", "for_id": 7}
ACTING = Hat("osm_director", OFFICE, kind="acting", **AWAY)  # type: ignore[arg-type]
DELEGATED = Hat("osm_director", OFFICE, kind="delegated", **AWAY)  # type: ignore[arg-type]
FOR_AUDITOR = Hat("auditor", kind="acting", **AWAY)  # type: ignore[arg-type]
OWN = Hat("osm_strategy", OFFICE)


@pytest.mark.parametrize(
    ("hats", "office_id", "hat"),
    [
        ((OWN, ACTING), OFFICE, ACTING),
        ((OWN, ACTING), OTHER_OFFICE, None),
        ((OWN, DELEGATED), OFFICE, None),
        ((OWN, FOR_AUDITOR), OFFICE, None),
        ((OWN,), OFFICE, None),
    ],
)
def test_who_acts_for_a_person_is_a_candidate_where_that_person_is_named(
    hats: tuple[Hat, ...], office_id: str, hat: Hat | None
) -> None:
    assert wearing(*hats).hat_for(["user:boss"], office_id) == hat


def test_who_is_named_too_needs_nobody_s_post() -> None:
    assert wearing(ACTING, OWN).hat_for(["user:boss", "user:anan"], OFFICE) == OWN
    assert wearing(ACTING, OWN).hat_for(["user:boss", "osm_strategy"], OFFICE) == OWN


def test_an_actor_answers_to_their_own_name_and_to_those_of_whom_they_stand_in_for() -> None:
    assert wearing(OWN, DELEGATED).names_answered == {1: "anan"}
    assert wearing(OWN, ACTING).names_answered == {1: "anan", 7: "boss"}
