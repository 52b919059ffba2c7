"""The states of a case in a bundle: after each record what it waited for, what it passed, what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osm_flow.domain.journal import as_recorded
from osm_flow.domain.json import JSON
from osm_flow.engine.values import Waiting
from osm_flow.operations.replay.history import History
from osm_flow.operations.replay.refold import NotReplayable, Replayed, fold
from osm_flow.store.database import instant_text


def lines_of_states(history: History, *, with_data: bool) -> Iterator[JSON]:
    """One line for each record, until the replay ends: at an erased payload, or where the history is wrong."""
    before: JSON = {}
    try:
        for replayed in fold(history):
            data = data_of(replayed)
            line: JSON = {
                "seq": replayed.seq,
                "digest": replayed.digest,
                "waiting": [_line_of(one) for one in replayed.waiting],
                "passed": [one.element for one in replayed.passed if one.kind == "completed"],
            }
            if with_data:
                line["set"] = {name: value for name, value in data.items() if before.get(name, _NOTHING) != value}
                line["unset"] = sorted(before.keys() - data.keys())
            before = data
            yield as_recorded(line)
    except NotReplayable:
        return


def data_of(replayed: Replayed) -> JSON:
    """The variables of the case: those of every token, the newest task's last."""
    found: JSON = {}
    for one in replayed.waiting:
        if one.kind != "child":
            found |= one.data
    return found | replayed.data


def _line_of(one: Waiting) -> dict[str, Any]:
    return {
        "element": one.element,
        "kind": one.kind,
        "task_id": one.task_id,
        "due_at": instant_text(one.due_at) if one.due_at else None,
        "instance": one.instance,
    }


_NOTHING = object()
