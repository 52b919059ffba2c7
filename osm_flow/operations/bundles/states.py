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
                "waiting": [_line_of(passed) for passed in replayed.waiting],
                "passed": [passed.element for passed in replayed.passed if passed.kind == "completed"],
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
    variables: JSON = {}
    for waiting in replayed.waiting:
        if waiting.kind != "child":
            variables |= waiting.data
    return variables | replayed.data


def _line_of(waiting: Waiting) -> dict[str, Any]:
    return {
        "element": waiting.element,
        "kind": waiting.kind,
        "task_id": waiting.task_id,
        "due_at": instant_text(waiting.due_at) if waiting.due_at else None,
        "instance": waiting.instance,
    }


_NOTHING = object()
