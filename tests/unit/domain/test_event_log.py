"""What a record is called in an event log: as an activity, as a step of one, and as a type of event."""

from __future__ import annotations

import re

import pytest

from osm_flow.domain.event_log import LogCase, names_of
from osm_flow.domain.record_kinds import RecordKind

THAI = re.compile(r"[\u0E00-\u0E7F]")
ACTS = {
    RecordKind.work_item_completed,
    RecordKind.timer_fired,
    RecordKind.message_received,
    RecordKind.service_finished,
}


def test_completing_is_the_activity_itself_and_claiming_a_step_of_it() -> None:
    assert names_of("work_item.completed", "ร่างแผน") == ("ร่างแผน", "complete", "ร่างแผน")
    assert names_of("work_item.claimed", "ร่างแผน") == ("ร่างแผน", "assign", "รับงาน")
    assert names_of("case.commented", "ร่างแผน") == ("ให้ความเห็น", "complete", "ให้ความเห็น")
    assert names_of("something.new", None) == ("something.new", "complete", "something.new")


@pytest.mark.parametrize("kind", sorted(ACTS), ids=str)
def test_what_carries_an_element_out_is_called_by_the_element(kind: RecordKind) -> None:
    assert names_of(kind, "ร่างแผน") == ("ร่างแผน", "complete", "ร่างแผน")


@pytest.mark.parametrize("kind", [kind for kind in RecordKind if kind not in ACTS], ids=str)
def test_every_other_kind_of_record_has_a_thai_name_of_its_own(kind: RecordKind) -> None:
    activity, transition, type_ = names_of(kind, None)

    assert THAI.search(type_)
    assert (activity, transition) == (type_, "complete")


def test_no_two_kinds_of_record_have_the_same_name() -> None:
    types = [names_of(kind, None)[2] for kind in RecordKind]

    assert len(set(types)) == len(types)


@pytest.mark.parametrize(
    ("kind", "transition"),
    [
        (RecordKind.work_item_claimed, "assign"),
        (RecordKind.work_item_released, "reassign"),
        (RecordKind.work_item_delegated, "reassign"),
        (RecordKind.work_item_reassigned, "reassign"),
    ],
    ids=str,
)
def test_who_has_a_work_item_is_a_step_of_its_activity(kind: RecordKind, transition: str) -> None:
    activity, step, type_ = names_of(kind, "ร่างแผน")

    assert (activity, step) == ("ร่างแผน", transition)
    assert type_ not in ("ร่างแผน", kind)


def test_what_is_noted_at_an_element_is_no_step_of_it() -> None:
    for kind in (RecordKind.case_commented, RecordKind.work_item_due_moved, RecordKind.incident_opened):
        assert names_of(kind, "ร่างแผน") == names_of(kind, None)


def test_cases_do_not_share_their_attributes() -> None:
    assert LogCase("a", "A").attributes is not LogCase("b", "B").attributes
