"""The type of JSON objects: what forms, payloads, variables and snapshots are made of."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]


def in_order(value: Any) -> Any:
    """The value with the names of every object in it sorted, as a record holds them."""
    if isinstance(value, dict):
        return {name: in_order(value[name]) for name in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value
