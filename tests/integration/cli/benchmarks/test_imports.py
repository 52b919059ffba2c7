"""The figure of imports runs and is told with its aims."""

from __future__ import annotations

from typing import Any

from osm_flow.cli.benchmarks.bench import Bench
from osm_flow.cli.benchmarks.imports import import_list


def test_a_list_is_uploaded_previewed_and_confirmed(bench: Bench) -> None:
    figures: dict[str, Any] = import_list(bench)

    of_sqlite = figures["sqlite"]
    assert of_sqlite["rows"] == 200
    assert [(of_sqlite[name]["added"], of_sqlite[name]["changed"]) for name in ("new", "changed")] == [
        (200, 0),
        (0, 200),
    ]
    assert {"upload_seconds", "preview_seconds", "confirm_seconds", "peak_mb"} <= of_sqlite["changed"].keys()
