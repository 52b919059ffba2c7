"""The states of a case as a bundle tells them: one line for each record, as far as the replay goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from osm_flow.engine.values import Waiting
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.bundles.states import data_of, lines_of_states
from osm_flow.operations.replay.refold import Replayed
from tests.bundles import GOLDEN


@pytest.mark.parametrize("name", ["recommendation", "hearing"])
def test_a_kept_history_gives_the_lines_that_were_written_then(name: str) -> None:
    (case,) = read_bundle(GOLDEN / f"{name}.zip").cases

    assert list(lines_of_states(case.history, with_data=True)) == case.states


def test_the_changes_of_every_line_add_up_to_the_variables() -> None:
    (case,) = read_bundle(GOLDEN / "recommendation.zip").cases
    lines = list(lines_of_states(case.history, with_data=True))

    known: dict[str, object] = {}
    for line in lines:
        assert known.keys() >= set(line["unset"])
        assert all(name not in known or known[name] != value for name, value in line["set"].items())
        known = {name: value for name, value in {**known, **line["set"]}.items() if name not in line["unset"]}
    assert known["fy"] == 2571
    assert lines[-1]["waiting"] == []


def test_without_data_nothing_that_was_typed_is_told() -> None:
    (case,) = read_bundle(GOLDEN / "recommendation.zip").cases

    lines = list(lines_of_states(case.history, with_data=False))

    assert [line.keys() & {"set", "unset"} for line in lines] == [set()] * len(case.history.chain)
    assert [line["digest"] for line in lines] == [state["digest"] for state in case.states]


def test_the_lines_end_where_an_act_was_erased() -> None:
    (case,) = read_bundle(GOLDEN / "recommendation.zip").cases
    moved = next(seq for seq, payload in case.history.payloads.items() if seq > 4 and '"CompleteTask"' in payload.body)
    kept = {seq: payload for seq, payload in case.history.payloads.items() if seq != moved}

    lines = list(lines_of_states(replace(case.history, payloads=kept), with_data=True))

    assert [line["seq"] for line in lines] == list(range(1, moved))


def test_every_token_has_a_say_in_the_variables_but_what_a_child_begins_with() -> None:
    def waits(kind: str, **data: object) -> Waiting:
        return Waiting("t", "e", kind, "x", data)  # type: ignore[arg-type]

    replayed = Replayed(
        3,
        datetime(2026, 11, 20, tzinfo=UTC),
        "work_item.completed",
        "e",
        "d",
        waiting=(waits("user", a=1, b=1), waits("timer", c=1), waits("child", a=9, d=9)),
        data={"b": 2},
    )

    assert data_of(replayed) == {"a": 1, "b": 2, "c": 1}
