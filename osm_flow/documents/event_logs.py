"""The export formats of event logs for process mining: one table, with an entry for each format.

The page offers, the commands write and the benchmark measures what stands in `LOG_FORMS`, and nothing else names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osm_flow.documents import ocel, xes
from osm_flow.domain.event_log import LogCase, LogEvent


class Log(ocel.Source, Protocol):
    """An event log to write: its objects and events, or its cases as traces; read anew each time it is asked for."""

    def traces(self) -> Iterable[tuple[LogCase, Iterable[LogEvent]]]: ...


@dataclass(frozen=True)
class LogForm:
    """One export format: its name on pages, the command that writes it, how its files end, and its writer.

    `write` takes the new file's path, what the file says of itself and the log, and gives how many of what it `counts`
    and how many events there were. Forms of one command are told apart by its `--format`, the first one unasked.
    """

    label: str
    command: str
    standard: str
    counts: str
    ending: str
    write: Callable[[Path, Mapping[str, str], Log], tuple[int, int]]


def _write_xes(path: Path, about: Mapping[str, str], log: Log) -> tuple[int, int]:
    with path.open("w", encoding="utf-8", newline="\n") as text:
        return xes.write(text, about, log.traces())


def _write_ocel_json(path: Path, about: Mapping[str, str], log: Log) -> tuple[int, int]:
    with path.open("wb") as binary:
        return ocel.write_json(binary, about, log)


_XES = ("xes", "IEEE XES (1849-2016)", "cases")
_OCEL = ("ocel", "OCEL 2.0", "objects")

# By the name under which forms post them, commands take them and the record of who took what out keeps them.
LOG_FORMS: dict[str, LogForm] = {
    "xes": LogForm("XES (IEEE 1849) รายเรื่อง", *_XES, "xes", _write_xes),
    "json": LogForm("OCEL 2.0 รายสิ่งที่เกี่ยวข้อง แบบ JSON", *_OCEL, "jsonocel", _write_ocel_json),
    "sqlite": LogForm("OCEL 2.0 รายสิ่งที่เกี่ยวข้อง แบบ SQLite", *_OCEL, "sqlite", ocel.write_sqlite),
}


def forms_by_command() -> dict[str, list[str]]:
    """The names of the export formats that each command writes, in the order of the table."""
    commands: dict[str, list[str]] = {}
    for name, form in LOG_FORMS.items():
        commands.setdefault(form.command, []).append(name)
    return commands
