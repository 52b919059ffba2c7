"""Every kept history must be proved by every later version, from its bundle alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from osm_flow import engine
from osm_flow.engine.rules import RULES
from osm_flow.operations.bundles.checking import check_bundle
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.resources import resource_dir
from tests.bundles import keys_of, run_script_alone, verdict_of

HERE = Path(__file__).parent
BUNDLES = sorted(HERE.glob("*.zip"))
# A folder for each later version of the engine's rules or of the format, with the keys that signed it.
ALL = sorted(HERE.rglob("*.zip"))
# The year with everything below it is the largest.
LARGEST = 300_000


def test_there_is_a_history_of_every_shipped_process() -> None:
    assert {path.stem for path in BUNDLES} >= {path.stem for path in resource_dir("bpmn").glob("*.bpmn")}


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_the_engine_gives_every_state_again(path: Path) -> None:
    """Nothing but the bundle and the engine: no database."""
    report = check_bundle(path, trusted=keys_of(path.with_name("keys.txt")), replaying=True)

    assert report.faults == []
    assert report.signers == ["golden.osm-flow.example/journal"]
    for case, replayed in zip(read_bundle(path).cases, report.cases, strict=True):
        chain, erased = case.history.chain, case.history.erased
        moved = [record.seq for record, _ in chain if record.seq in erased and "completed" in record.kind]
        assert replayed.compared == (min(moved) - 1 if moved else len(chain))


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(HERE).with_suffix("")))
def test_the_checker_for_strangers_proves_it(path: Path) -> None:
    key = ("--key", str(path.with_name("keys.txt")))
    code, said = run_script_alone(path, *key)

    assert verdict_of(path, *key) == (code, said.splitlines()[-1].removeprefix("RESULT "))
    if path.parent.name in ("format_2", "books", "decided_on"):
        assert re.match(r"RESULT holds up to record (\d+) of \1 \([0-9-]{10}T[0-9:.]{15}Z\)", said.splitlines()[-1])
        assert "NOT PROVEN" not in said
        assert code == 0
    else:
        assert (code, said.splitlines()[-1]) == (0, "RESULT everything holds")
    assert path.stat().st_size < LARGEST


def test_each_version_of_the_rules_has_histories_of_its_own() -> None:
    rules = {
        path.parent.name: {
            engine.rules_of(record.engine_version)
            for case in read_bundle(path).cases
            for record, _ in case.history.chain
        }
        for path in ALL
    }

    assert rules == {"golden": {1}, "rules_2": {2}, "rules_3": {3}, "format_2": {3}, "books": set(), "decided_on": {3}}
    assert max(rules["rules_3"]) == RULES


def test_together_they_hold_every_kind_of_act() -> None:
    kinds: set[str] = set()
    commands: set[str] = set()
    represented, returned = 0, 0
    for path in BUNDLES:
        for case in read_bundle(path).cases:
            for record, _ in case.history.chain:
                kinds.add(record.kind)
                represented += record.on_behalf_of is not None
            for payload in case.history.payloads.values():
                body = json.loads(payload.body)
                commands.add((body["command"] or {"type": ""})["type"])
                returned += body["data"].get("decision") == "return"

    assert {
        "case.started",
        "work_item.claimed",
        "work_item.delegated",
        "work_item.completed",
        "timer.fired",
        "child.ended",
        "message.received",
        "service.finished",
        "case.commented",
        "case.attached",
        "case.suspended",
        "case.resumed",
        "payloads.erased",
        "work_item.escalated",
    } <= kinds
    assert {"Start", "CompleteTask", "FireTimer", "DeliverMessage", "FinishService", "EndChild"} <= commands
    assert represented
    assert returned
