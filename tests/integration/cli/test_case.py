"""`osm-flow case`: cases from their start to the proof of their history, as somebody at the machine meets them."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case
from tests.factories import NOW, items_of, make_person
from tests.integration.cli.shell import Shell, options

START = ("case", "start", "review", "--office", "NE-U1", "--fiscal-year", "2571")


def start(shell: Shell, **more: object) -> Any:
    return shell.json(*START, *options(**{"title": "แผน", **more}))


def test_a_case_from_start_to_proof(deployed: Shell) -> None:
    begun = start(deployed, key="k1")
    again = start(deployed, key="k1")

    shown = deployed.json("case", "show", begun["id"])
    listed = deployed.json("case", "list", "--state", "open")
    replayed = deployed.json("case", "replay", begun["id"])
    assert again["id"] == begun["id"]
    assert (shown["business_key"], shown["tokens"]) == (
        "REV-NE-U1-2571-01",
        [{"element": "draft", "count": 1, "overdue": 0}],
    )
    assert [(one["element"], one["name"], one["subject"], one["assignee"]) for one in shown["open"]] == [
        ("draft", "ร่างแผน", "", None),
    ]
    assert ([item["id"] for item in listed["items"]], listed["next"]) == ([begun["id"]], None)
    assert [(one["kind"], one["waiting"]) for one in replayed["items"]] == [("case.started", ["draft"])]
    assert deployed.json("case", "verify", "--all") == {"cases": 1, "faulty": 0, "faults": []}


def test_a_case_is_started_by_the_system_or_by_somebody(deployed: Shell) -> None:
    with deployed.store.transaction() as session:
        make_person(session, "anan", "osm_strategy")

    by_system, by_anan = deployed.run(*START), start(deployed, **{"as": "anan"})

    key, case_id = by_system.stdout.split()
    assert key == "REV-NE-U1-2571-01"
    shown = deployed.json("case", "show", case_id)
    assert (shown["started_by"], shown["title"]) == ("system", "ร่างและตรวจ")
    assert (by_anan["started_by"], by_anan["business_key"]) == ("anan", "REV-NE-U1-2571-02")


def test_a_case_is_shown_to_people_with_its_course(an_hour_later: Shell, case_id: str) -> None:
    shown = an_hour_later.run("case", "show", case_id).stdout.splitlines()

    assert shown[0] == "REV-NE-U1-2571-01  แผนพัฒนากลุ่มจังหวัด  COMPLETED"
    assert [line.split() for line in shown[1:]] == [
        ["1", "2026-11-20T02:00:00.000000Z", "system", "case.started"],
        ["2", "2026-11-20T02:00:00.000001Z", "anan", "work_item.completed"],
        ["3", "2026-11-20T02:02:00.000000Z", "boss", "work_item.claimed"],
        ["4", "2026-11-20T02:03:00.000000Z", "boss", "work_item.completed"],
    ]


def test_what_a_case_waits_for_is_shown_to_people(deployed: Shell) -> None:
    shown = deployed.run("case", "show", start(deployed)["id"]).stdout.splitlines()

    assert shown[:3] == ["REV-NE-U1-2571-01  แผน  ACTIVE", "waits at draft (1)", "open: ร่างแผน"]


def test_a_replay_tells_what_the_case_waited_for(an_hour_later: Shell, case_id: str) -> None:
    replayed = an_hour_later.run("case", "replay", case_id).stdout.splitlines()

    assert [line.split()[2:] for line in replayed] == [
        ["case.started", "draft"],
        ["work_item.completed", "check"],
        ["work_item.claimed", "check"],
        ["work_item.completed"],
    ]


def test_cases_are_paged(deployed: Shell) -> None:
    for _ in range(3):
        start(deployed)

    first = deployed.json("case", "list", "--limit", "2")
    second = deployed.json("case", "list", "--limit", "2", "--after", first["next"])

    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


def test_a_list_is_narrowed(deployed: Shell) -> None:
    start(deployed, title="น้ำ", fiscal_year=2572)
    end(deployed, start(deployed, title="ถนน")["id"])

    for wanted, titles in (
        ("", {"ถนน", "น้ำ"}),
        ("--state open", {"น้ำ"}),
        ("--state COMPLETED", {"ถนน"}),
        ("--office NE-U1", {"ถนน", "น้ำ"}),
        ("--office NE-U2", set()),
        ("--fiscal-year 2571", {"ถนน"}),
        ("--fiscal-year 2572 --process review", {"น้ำ"}),
        ("--process broken", set()),
        ("--stage drafting", {"น้ำ"}),
        ("--text ถน", {"ถนน"}),
    ):
        listed = deployed.json("case", "list", *wanted.split())
        told = deployed.run("case", "list", *wanted.split()).stdout.split()
        assert {item["title"] for item in listed["items"]} == titles, wanted
        assert {word for word in told if word in ("ถนน", "น้ำ")} == titles, wanted


def end(shell: Shell, case_id: str) -> None:
    """Two people work the case through to its end."""
    with shell.store.transaction() as session:
        case = session.get_one(Case, case_id)
        for username, values in (("anan", {"text": "ร่าง"}), ("boss", {"approved": True})):
            actor = make_person(session, username, "osm_strategy")
            complete(session, items_of(session, case)[0].id, actor, NOW, Completion.of(values))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("case", "show", "none"), 1),
        (("case", "list", "--after", "made-up"), 1),
        (("case", "list", "--limit", "0"), 2),
        (("case", "start", "review", "--office", "nowhere", "--fiscal-year", "2571"), 1),
        ((*START, "--data", "[]"), 2),
        ((*START, "--data", "{"), 2),
        ((*START, "--as", "nobody"), 1),
        (("case", "start", "unknown", "--office", "NE-U1", "--fiscal-year", "2571"), 1),
    ],
)
def test_refusals_and_wrong_use(deployed: Shell, arguments: tuple[str, ...], code: int) -> None:
    result = deployed.run(*arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr
    assert deployed.json("case", "list")["items"] == []
