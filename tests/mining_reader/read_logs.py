"""Reads one event log with pm4py and prints what it counted, as JSON. Runs in an environment of its own (see README.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pm4py


def of_cases(path: str) -> dict[str, Any]:
    frame = pm4py.read_xes(path)
    return {
        "events": len(frame),
        "cases": int(frame["case:concept:name"].nunique()),
        "activities": frame["concept:name"].value_counts().to_dict(),
        "transitions": frame["lifecycle:transition"].value_counts().to_dict(),
        "resources": int(frame["org:resource"].nunique()),
    }


def of_objects(log: Any) -> dict[str, Any]:
    return {
        "events": len(log.events),
        "objects": log.objects["ocel:type"].value_counts().to_dict(),
        "activities": log.events["ocel:activity"].value_counts().to_dict(),
        "event_links": len(log.relations),
        "object_links": len(log.o2o),
    }


READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "xes": of_cases,
    "json": lambda path: of_objects(pm4py.read_ocel2_json(path)),
    "sqlite": lambda path: of_objects(pm4py.read_ocel2_sqlite(path)),
}

if __name__ == "__main__":
    print(json.dumps(READERS[sys.argv[1]](sys.argv[2]), ensure_ascii=False))
