"""What diagrams may name that lies outside their own file: provinces, ladders, tasks and documents of other processes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from osm_flow.engine import Diagram, Offered
from osm_flow.engine.decisions import read_decision
from osm_flow.resources import resource_dir
from osm_flow.store.clusters import cluster_rows

_NAMED = re.compile(r"\"([^\"]+)\"")


def offered(others: Iterable[Diagram]) -> Offered:
    """What there is to name, with the tasks and documents of these other files."""
    diagrams = list(others)
    return Offered(
        provinces=frozenset(row.province for row in cluster_rows()),
        ladders=ladder_names(),
        tasks=[task for diagram in diagrams for task in diagram.tasks_of_people],
        documents=[document for diagram in diagrams for document in diagram.documents],
    )


@cache
def ladder_names() -> tuple[str, ...]:
    """The names of the ladders of reminders that the escalation table has."""
    table = read_decision((resource_dir("bpmn") / "escalation.dmn").read_bytes())
    return tuple(dict.fromkeys(name for rule in table.rules for name in _NAMED.findall(rule.cells[0])))
