"""The product as a program of its own: how much memory it came to need, and when it answers."""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep

from osm_flow.cli.benchmarks.bench import BenchOffice

_PATIENCE = 120.0
_MAIN = "from osm_flow.app import main; main()"
# The kernel's own figure for this program; what it was started from does not count.
_PEAK = """
import atexit, os, pathlib
def tell():
    pathlib.Path(os.environ["BENCH_PEAK"]).write_text(pathlib.Path("/proc/self/status").read_text())
atexit.register(tell)
"""


def run(office: BenchOffice, *arguments: str) -> tuple[float, float | None]:
    """Seconds and peak of memory (MB; None where the system does not tell) of one command."""
    peak_file = office.context.data_dir / "peak"
    code = f"{_PEAK if has_proc() else ''}\n{_MAIN}"
    began = perf_counter()
    subprocess.run(  # noqa: S603 (this very program)
        [sys.executable, "-c", code, *arguments],
        env={**environment(office), "BENCH_PEAK": str(peak_file)},
        check=True,
        capture_output=True,
    )
    seconds = perf_counter() - began
    return seconds, megabytes(peak_file.read_text(encoding="ascii"), "VmHWM") if has_proc() else None


@contextmanager
def server(office: BenchOffice) -> Iterator[tuple[int, int, float]]:
    """The running site: port, process id, and seconds from the command to its first answer."""
    port = _free_port()
    began = perf_counter()
    process = subprocess.Popen(  # noqa: S603 (this very program)
        [sys.executable, "-c", _MAIN, "serve", "--port", str(port)],
        env=environment(office),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield port, process.pid, perf_counter() - began
    finally:
        process.terminate()
        process.wait(timeout=30)


def environment(office: BenchOffice) -> dict[str, str]:
    """What an office's machine has: our settings, and nothing that keeps Python from using its bytecode caches."""
    return {
        **{
            name: value
            for name, value in os.environ.items()
            if not name.startswith("OSM_") and name != "PYTHONDONTWRITEBYTECODE"
        },
        "OSM_DATABASE_URL": office.context.database_url,
        "OSM_DATA_DIR": str(office.context.data_dir),
        "OSM_SECRET_KEY": secrets.token_hex(32),
    }


def has_proc() -> bool:
    """Whether the system tells the memory of programs in /proc."""
    return Path("/proc/self/status").exists()


def memory_of(pid: int, what: str) -> float | None:
    """`VmRSS` (now) or `VmHWM` (at most) of a running program in MB."""
    return megabytes(Path(f"/proc/{pid}/status").read_text(encoding="ascii"), what) if has_proc() else None


def seconds_of_cpu(pid: int) -> float | None:
    """What a running program has used of a processor so far; unlike the time on the clock it forgives a busy machine."""
    if not has_proc():
        return None
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return round((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 2)


def megabytes(status: str, what: str) -> float:
    """A figure of `/proc/…/status` in MB."""
    match = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
    if match is None:
        raise RuntimeError(f"the system does not tell {what}")
    return round(int(match[1]) / 1024, 1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the site accepts a connection; it only listens once it is ready."""
    deadline = perf_counter() + _PATIENCE
    while perf_counter() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.01)
        else:
            return
    raise RuntimeError("the site did not start")
