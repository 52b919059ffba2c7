"""The player of a bundle: one HTML page that holds its data, draws the diagram and asks the network for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON

_FILES = files("osm_flow.operations.bundles.files")
_RECORD = ("seq", "at", "kind", "actor", "actor_role", "on_behalf_of", "element", "task_id", "hash")


def player_page(cases: Sequence[JSON], definitions: Mapping[str, str], checkpoint: str | None) -> bytes:
    """The HTML page for these cases, the exported one first; `definitions` are BPMN texts by digest."""
    shown = {"cases": [_slim(case) for case in cases], "definitions": definitions, "checkpoint": checkpoint}
    script, style = _read("player.js"), _read("player.css")
    policy = f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}"
    page = _read("player.html")
    # No text of the data can end the element that holds it.
    data = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
    for name, content in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script), ("DATA", data)):
        before, _, after = page.partition(f"@{name}@")
        page = before + content + after
    return page.encode("utf-8", "replace")


def _slim(case: JSON) -> JSON:
    """What the page shows of a case; the files beside it have the rest."""
    records, payloads = case["records"], case["payloads"]
    return {
        "case": case["case"],
        "definition": records[0]["definition"] if records else None,
        "records": [_slim_record(record, payloads) for record in records],
        "states": [_slim_state(state) for state in case["states"]],
        "payloads": None if payloads is None else {seq: _data_of(body) for seq, body in payloads.items()},
    }


def _slim_record(record: JSON, payloads: JSON | None) -> JSON:
    """What is told of a record, also for whom it was done: as stated, or a party whose answer it wrote down."""
    slim = {name: record[name] for name in _RECORD if record[name] is not None}
    if is_as_stated(_Represented(record.get("on_behalf_of"), record.get("engine_version", ""))):
        slim["as_stated"] = True
    bodies = payloads or {}
    answer = answer_in(bodies.get(record["seq"], bodies.get(str(record["seq"]))))
    return {**slim, "answer": answer} if answer else slim


class _Represented(NamedTuple):
    """The fields of a record that say on whose behalf it was done."""

    on_behalf_of: str | None
    engine_version: str


def _slim_state(state: JSON) -> JSON:
    waiting = [[item["element"], item["due_at"], item["instance"]] for item in state["waiting"]]
    return {"waiting": waiting, **{name: state[name] for name in ("passed", "set", "unset") if state.get(name)}}


def _data_of(body: Any) -> Any:
    return body.get("data") if isinstance(body, dict) else None


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
