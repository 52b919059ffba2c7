"""The player of a bundle: one HTML page that holds its data, draws the diagram and asks the network for nothing.

What is in it is derived from the files beside it, so a checker can say whether it shows the same.
"""

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
_DATA, _END = '<script type="application/json" id="data">', "</script>"
# The pages without their data, by SHA-256: every version that was ever shipped. `verify.py` has the same list.
SHELLS = frozenset(
    (
        "5218b8926c32b13d6151f6f1589ef88fe56886f4c59a37e2233fc8651f12c0a0",
        "323c29c8e21bc1f9829e5bb3e878548c0668a19bd6efe294badce361a5cab7c4",
        "00d0a784c84b25b7fb2e3e536912750486af1fa7418641a430543d8179cbe125",
        "cf6c4da12574ba48d29a0b231f3ca1f785977a9b1df8f319bf93f3588e45fff2",
        "b424533f5feebe92eabe16c0344d5ee108e599203178488685a10eab0b502637",
        "707c7cb0baea93d3e26532f650dba641f7c87540dbe5b4b46265435385acb32a",
    )
)
_RECORD = ("seq", "at", "kind", "actor", "actor_role", "on_behalf_of", "element", "task_id", "hash")


def player_page(
    cases: Sequence[JSON],
    definitions: Mapping[str, str],
    checkpoint: str | None,
    forms: Mapping[str, JSON],
    sets: JSON | None = None,
) -> bytes:
    """The HTML page for these cases, the exported one first; `definitions` are BPMN texts by digest, so are their `forms`.

    `sets` are the records of each set that the cases name, by digest and code; None where they name none.
    """
    shown = shown_data(cases, definitions, checkpoint, forms, sets)
    words = json.dumps(json.loads(_read("player_words.json")), ensure_ascii=False, separators=(",", ":"))
    script, style = _read("player.js").replace("@WORDS@", words, 1), _read("player.css")
    policy = f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}"
    page = _read("player.html")
    # No text of the data can end the element that holds it.
    data = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
    for name, content in (("POLICY", policy), ("STYLE", style), ("SCRIPT", script), ("DATA", data)):
        before, _, after = page.partition(f"@{name}@")
        page = before + content + after
    return page.encode("utf-8", "replace")


def shown_data(
    cases: Sequence[JSON],
    definitions: Mapping[str, str],
    checkpoint: str | None,
    forms: Mapping[str, JSON] | None,
    sets: JSON | None = None,
) -> JSON:
    """What the page is given to show; pages of before had no forms, and did not tell which work item waits where."""
    slim = [_slim(case, with_tasks=forms is not None) for case in cases]
    shown: JSON = {"cases": slim, "definitions": dict(definitions), "checkpoint": checkpoint}
    shown |= {} if forms is None else {"forms": dict(forms)}
    return shown if sets is None else {**shown, "sets": sets}


def data_and_shell(page: bytes) -> tuple[str, str] | None:
    """The data in a page, and the SHA-256 of the page without them; None for what is no such page."""
    try:
        before, mark, rest = page.decode().partition(_DATA)
    except UnicodeDecodeError:
        return None
    data, end, after = rest.partition(_END)
    if not mark or not end:
        return None
    return data, sha256(f"{before}{mark}{end}{after}".encode()).hexdigest()


def _slim(case: JSON, *, with_tasks: bool) -> JSON:
    """What the page shows of a case; the files beside it have the rest."""
    records, payloads = case["records"], case["payloads"]
    return {
        "case": case["case"],
        "definition": records[0]["definition"] if records else None,
        "records": [_slim_record(record, payloads) for record in records],
        "states": [_slim_state(state, with_tasks=with_tasks) for state in case["states"]],
        "payloads": None if payloads is None else {str(seq): _data_of(body) for seq, body in payloads.items()},
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


def _slim_state(state: JSON, *, with_tasks: bool) -> JSON:
    names = ("element", "due_at", "instance", *(("task_id",) if with_tasks else ()))
    waiting = [[item[name] for name in names] for item in state["waiting"]]
    return {"waiting": waiting, **{name: state[name] for name in ("passed", "set", "unset") if state.get(name)}}


def _data_of(body: Any) -> Any:
    return body.get("data") if isinstance(body, dict) else None


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
