"""The shipped decision tables give the answers of the office's rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osm_flow.domain.escalation import read_ladder
from osm_flow.engine import evaluate_decision

BPMN = Path(__file__).parents[3] / "bpmn"
READY = {
    "aligned": True,
    "province_count": 3,
    "duplicates_function": False,
    "prohibited_item": False,
    "land_ready": True,
    "is_construction": True,
    "boq_ready": True,
    "sign_in_q1": True,
}


def ask(table: str, **data: Any) -> list[dict[str, Any]]:
    return evaluate_decision((BPMN / f"{table}.dmn").read_bytes(), data)


def answer(table: str, **data: Any) -> dict[str, Any]:
    (only,) = ask(table, **data)
    return only


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, "pass"),
        ({"sign_in_q1": False}, "pass_at_risk"),
        ({"aligned": False}, "reject"),
        ({"province_count": 1}, "to_province"),
        ({"duplicates_function": True}, "coordinate"),
        ({"prohibited_item": True}, "reject"),
        ({"land_ready": False}, "hold"),
        ({"boq_ready": False}, "return"),
        ({"is_construction": False, "boq_ready": False}, "pass"),
        ({"aligned": False, "province_count": 1}, "reject"),
    ],
)
def test_concepts_are_screened_by_the_first_rule_that_hits(changed: dict[str, Any], outcome: str) -> None:
    assert answer("screen_project", project_concept=READY | changed)["outcome"] == outcome


@pytest.mark.parametrize(
    ("spent", "committed", "target", "colour"),
    [
        (50, 0, 50, "green"),
        (30, 20, 50, "green"),
        (45, 0, 50, "yellow"),
        (44, 0, 50, "orange"),
        (37.5, 0, 50, "orange"),
        (37, 0, 50, "red"),
        (0, 0, 0, "not_due"),
    ],
)
def test_the_colour_follows_spending_against_the_target(
    spent: float, committed: float, target: float, colour: str
) -> None:
    report = {"after_change": 100, "disbursed": spent, "committed": committed, "target_percent": target}
    assert answer("colour", quarterly_report=report) == {"colour": colour}


def test_a_project_without_a_report_is_shown_as_not_reported() -> None:
    assert answer("colour", project={"code": "P1"}) == {"colour": "not_reported"}


def test_a_project_without_money_is_not_measured() -> None:
    report = {"after_change": 0, "disbursed": 0, "committed": 0, "target_percent": 50}
    assert answer("colour", quarterly_report=report) == {"colour": "not_due"}


@pytest.mark.parametrize(
    ("data", "severity"),
    [
        ({}, 1),
        ({"colour": "red"}, 2),
        ({"power_level": "province"}, 2),
        ({"power_level": "cluster"}, 3),
        ({"power_level": "central"}, 4),
        ({"classification": {"severity": 1}}, 2),
        ({"classification": {"severity": 2}, "colour": "red"}, 3),
        ({"classification": {"severity": 3}}, 4),
        ({"classification": {"severity": 4}}, 4),
        ({"recommendation": {"power_level": "central"}, "power_level": "agency"}, 4),
    ],
)
def test_a_problem_is_classified_by_who_can_solve_it_and_rises_when_reopened(
    data: dict[str, Any], severity: int
) -> None:
    assert answer("severity", **data)["severity"] == severity


def test_each_level_may_be_reminded_twice() -> None:
    assert answer("severity")["reminders"] == 2
    assert answer("severity", classification={"severity": 1}, round=2)["reminders"] == 4


@pytest.mark.parametrize(
    ("kind", "late", "bureau", "route", "centre"),
    [
        ("T1", False, False, "committee", ""),
        ("T2", False, True, "committee", "สำนักงบประมาณ"),
        ("T3", False, False, "committee", "อ.ก.น.บ. ภาค และสำนักงบประมาณ"),
        ("T4", False, True, "committee", "อ.ก.น.บ. ภาค และ ก.น.บ."),
        ("T4", True, False, "refuse", ""),
        ("T5", True, False, "record", ""),
    ],
)
def test_changes_go_to_whoever_may_approve_them(kind: str, late: bool, bureau: bool, route: str, centre: str) -> None:
    request = {"change_type": kind, "past_cutoff": late, "bb_agreement_required": bureau}
    found = answer("change_route", change_request=request)
    assert (found["route"], found["to_body"]) == (route, centre)


@pytest.mark.parametrize("reply", ["confirm", "adjust", "refuse"])
def test_the_reply_of_a_province_is_its_status(reply: str) -> None:
    assert answer("province_status", province_reply={"reply": reply}) == {"status": reply}


def test_a_silent_province_is_marked() -> None:
    assert answer("province_status", province="TH-41") == {"status": "timeout"}


def test_rounds_are_counted_from_one() -> None:
    assert [answer("round"), answer("round", round=1)] == [{"round": 1}, {"round": 2}]


def test_the_ladders_climb_from_the_doer_to_the_head_of_cluster() -> None:
    for name, first in (("standard", -3), ("external_deadline", -5)):
        ladder = read_ladder(ask("escalation", escalation=name))
        assert ladder[0].offset == first
        assert (ladder[-1].offset, "head" in ladder[-1].to) == (10, True)
    assert ask("escalation", escalation="unheard of") == []
