"""Snapshots: bytes of what lives, nothing of the definition, the same for the same state."""

from __future__ import annotations

import hashlib

import orjson
import pytest
import zstandard

from osm_flow.engine import EngineFault, inspect
from osm_flow.engine.spiff.deterministic import CaseWorkflow
from osm_flow.engine.spiff.snapshot import freeze, thaw
from tests.unit.engine.diagrams import (
    CASE,
    NOW,
    Case,
    both,
    diagram,
    end,
    flows,
    manual,
    manuals,
    many,
    plain_sub,
    start,
)

XML = diagram(
    start(),
    both("p1"),
    manual("a"),
    plain_sub("sp", many(number="2"), body="i j"),
    both("p2"),
    manual("b"),
    end(),
    flows("s > p1; p1 > a > p2; p1 > sp > p2; p2 > b > e"),
)


def loaded(case: Case) -> CaseWorkflow:
    assert case.snapshot is not None
    return thaw(case.snapshot, case.process.spec, case.process.subprocess_specs, NOW, None)


def test_loading_and_saving_gives_the_same_bytes() -> None:
    case = Case(XML, {"plan": {"b": [1, {"c": None}], "a": "ก"}, "n": 1.5, "typename": "x"})
    for name, instance in (("i", 1), ("a", None), ("i", 0), ("j", 0), ("j", 1)):
        case.complete(name, instance, **{f"k{name}": name})
        again, digest = freeze(loaded(case))
        assert again == case.snapshot
        assert digest == case.newest.digest == hashlib.sha256(zstandard.decompress(again)).hexdigest()


def test_data_are_kept_once() -> None:
    case = Case(XML, {"long": "ก" * 10_000})
    assert zstandard.decompress(case.snapshot or b"").decode().count("ก" * 10_000) <= 4


def test_a_value_that_went_away_is_away_after_loading() -> None:
    case = Case(XML, {"x": 1})
    top = loaded(case)
    task = next(t for t in top.tasks.values() if t.task_spec.name == "a")
    task.data = {k: v for k, v in task.data.items() if k != "x"}
    snapshot, _ = freeze(top)
    (found,) = [w for w in inspect(case.process, CASE, snapshot) if w.element == "a"]
    assert found.data == {}


def test_another_format_is_refused() -> None:
    case = Case(XML)
    state = orjson.loads(zstandard.decompress(case.snapshot or b""))
    other = zstandard.compress(orjson.dumps({**state, "format": 99}))
    with pytest.raises(EngineFault, match="99"):
        inspect(case.process, CASE, other)


def test_the_definition_is_not_stored() -> None:
    case = Case(diagram(start(), manual("a", name="ชื่อที่ยาวมากของงานนี้"), manuals("b"), end(), flows("s > a > b > e")))
    assert "ชื่อที่ยาว" not in zstandard.decompress(case.snapshot or b"").decode()
    assert len(case.snapshot or b"") < 500
