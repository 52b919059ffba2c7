"""The type of JSON objects: what forms, payloads, variables and snapshots are made of."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]
