"""What is measured, by name. Every benchmark makes its own data in a folder that is thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osm_flow.cli.benchmarks.bench import Bench
from osm_flow.cli.benchmarks.chains import chain, deep_replay
from osm_flow.cli.benchmarks.completing import completion
from osm_flow.cli.benchmarks.event_logs import event_logs
from osm_flow.cli.benchmarks.imports import import_list
from osm_flow.cli.benchmarks.pages import inbox, player
from osm_flow.cli.benchmarks.registers import act_on_record, check_of_records, register
from osm_flow.cli.benchmarks.sequencing import logging
from osm_flow.cli.benchmarks.starting import start
from osm_flow.cli.benchmarks.stepping import in_engine, through_operations

BENCHMARKS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "completion": completion,
    "step_engine": in_engine,
    "step_operations": through_operations,
    "start": start,
    "chain": chain,
    "deep_replay": deep_replay,
    "event_logs": event_logs,
    "player": player,
    "inbox": inbox,
    "import_list": import_list,
    "register": register,
    "act_on_record": act_on_record,
    "check_of_records": check_of_records,
    "logging": logging,
}
