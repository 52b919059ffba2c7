"""The roles: names in both languages, how far each sees, and who signs in at all."""

from __future__ import annotations

import pytest

from osm_flow.domain.access.roles import (
    OVERSIGHT,
    PROVINCIAL,
    ROLES,
    SIGN_IN_ROLES,
    STAFF,
    WORKERS,
    role_name,
    roles_reaching,
)


def test_roles_have_names_in_both_languages() -> None:
    assert all(role.th and role.en for role in ROLES.values())
    assert role_name("osm_me") == "กลุ่มติดตามและประเมินผล"
    assert role_name("osm_me", "en") == "Monitoring and Evaluation"
    assert role_name("unheard_of") == "unheard_of"


def test_no_two_roles_have_the_same_name() -> None:
    for locale in ("th", "en"):
        names = [role_name(key, locale) for key in ROLES]
        assert len(set(names)) == len(names)


def test_a_role_is_found_by_its_key() -> None:
    assert all(role.key == key for key, role in ROLES.items())


def test_who_signs_in_works_or_watches() -> None:
    assert set(SIGN_IN_ROLES) == WORKERS | OVERSIGHT
    assert set() == WORKERS & OVERSIGHT
    assert set() == STAFF & PROVINCIAL


@pytest.mark.parametrize("outside", ["citizen", "business", "sao", "bb", "cabinet"])
def test_parties_outside_have_a_name_and_no_way_in(outside: str) -> None:
    assert role_name(outside) != outside
    assert outside not in SIGN_IN_ROLES


def test_the_auditor_and_the_administrator_are_the_only_ones_who_watch() -> None:
    assert {"auditor", "admin"} == OVERSIGHT


def test_several_reaches_may_be_asked_for_at_once() -> None:
    assert roles_reaching("office", "province") == STAFF | PROVINCIAL
    assert roles_reaching() == frozenset()
    assert "citizen" in roles_reaching("public")
