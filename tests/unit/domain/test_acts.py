"""An act says in which role and on whose behalf it is done, as the policy found."""

from __future__ import annotations

import pytest

from osm_flow.domain.access.actors import Hat
from osm_flow.domain.access.policy import Decision
from osm_flow.domain.acts import Act
from osm_flow.domain.record_kinds import RecordKind

DELEGATED = Decision(True, hat=Hat("cluster_head", "NE-U1", kind="delegated", for_username="somchai"))


def test_an_allowed_act_is_done_in_the_role_that_the_policy_found() -> None:
    act = Act.allowed(RecordKind.work_item_claimed, DELEGATED, "check", "task-1")

    assert act == Act(RecordKind.work_item_claimed, "check", "task-1", "cluster_head", "somchai")


def test_nobody_but_the_policy_names_on_whose_behalf() -> None:
    with pytest.raises(TypeError):
        Act.allowed(RecordKind.message_received, DELEGATED, on_behalf_of="สำนักงบประมาณ")  # type: ignore[call-arg]


def test_the_system_acts_in_no_role_and_for_nobody() -> None:
    act = Act.allowed(RecordKind.timer_fired, Decision(True))

    assert (act.role, act.on_behalf_of) == (None, None)
