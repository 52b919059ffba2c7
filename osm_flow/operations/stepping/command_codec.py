"""Writing commands to the engine into the journal, and reading them back."""

from __future__ import annotations

from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine.values import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EscalateChild,
    FinishService,
    FireTimer,
    Replan,
    Start,
)

_TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Start, CompleteTask, FireTimer, DeliverMessage, FinishService, EndChild, EscalateChild, Replan)
}


def to_json(command: Command) -> tuple[JSON, JSON]:
    """The command without its data, and the data, which people typed and which lie apart in the payload."""
    fields = dict(vars(command))
    data = fields.pop("data", {})
    return {"type": type(command).__name__, **fields}, data


def from_json(command: JSON, data: JSON) -> Command:
    """The command that `to_json` wrote. Raises KeyError for a type that this version does not know."""
    fields = dict(command)
    kind = _TYPES[fields.pop("type")]
    if "data" in kind.__dataclass_fields__:
        fields["data"] = data
    made: Command = kind(**fields)
    return made
