"""The real server under mixed requests for as long as one likes, and what its memory does meanwhile.

`python -m tests.stress.soak --requests 100000` prints a line of figures for each tenth of the run and fails when the last
quarter grew by more than the limit. `--trace` slows the server down and names who holds what came to be in that quarter.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select

from osm_flow.app import connect_rooms
from osm_flow.cli.benchmarks import programs
from osm_flow.cli.benchmarks.diagrams import TYPED, files
from osm_flow.demo import cast
from osm_flow.demo import loading as demo_cluster
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import CaseStart
from osm_flow.operations.cases.acts import start_case
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.models import WorkItem
from osm_flow.store.session import Store
from osm_flow.store.upgrade import upgrade
from tests.stress.servers import Browser, Server, a_database, now

LIMIT_MB = 2.0
PER = 10_000
WORKERS = ("anucha", "kanya", "nuchanat", "auditor")
_WORDS = ("ถนน", "แผน", "รายงาน", "โครงการ", "ท่องเที่ยว", "น้ำ", "ประชุม", "ทบทวน")
_VERSION = re.compile(r'name="version"[^>]*value="([^"]+)"')
_TRACING = """
import signal, tracemalloc, os, pathlib, gc, collections
tracemalloc.start(int(os.environ.get("SOAK_FRAMES", "1")))
_before = []
def _tell(*_):
    gc.collect()
    shot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])
    lines = []
    if _before:
        for difference in shot.compare_to(_before[-1], "traceback")[:25]:
            lines.append(f"{difference.size_diff / 1024:9.1f} kB {difference.count_diff:+7d}")
            lines += [f"    {line}" for line in difference.traceback.format(limit=12)]
    lines.append(f"traced {sum(trace.size for trace in shot.traces) / 1048576:.1f} MB")
    kinds = collections.Counter(type(thing).__name__ for thing in gc.get_objects())
    lines.append(f"objects {sum(kinds.values())} {kinds.most_common(12)}")
    _before[:] = [shot]
    with open(os.environ["SOAK_TRACE"], "a") as told:
        told.write("\\n".join(lines) + "\\n\\n")
signal.signal(signal.SIGUSR1, _tell)
"""


@dataclass
class Soak:
    """One run: who works on what, and how far it has come."""

    port: int
    total: int
    done: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)
    cases: list[str] = field(default_factory=list)

    def next_number(self) -> int | None:
        """The number of the next request; None when all are made."""
        with self.lock:
            if self.done >= self.total:
                return None
            self.done += 1
            return self.done


class Worker:
    """Somebody at a browser who reads pages at random and now and then does something."""

    def __init__(self, soak: Soak, username: str, seed: int) -> None:
        self._soak = soak
        self._username = username
        self._rng = random.Random(seed)  # noqa: S311 (nothing secret)
        self._browser = Browser(soak.port)
        self._items: list[str] = []
        self._cases: list[str] = []

    def run(self) -> None:
        """Work until the requests of the run are used up."""
        self._browser.sign_in(self._username, cast.PASSWORD)
        self._cases = list(self._soak.cases)
        acts: list[tuple[int, Callable[[], int]]] = [
            (12, lambda: self._read("/")),
            (10, lambda: self._inbox("groups")),
            (10, lambda: self._inbox("mine")),
            (8, lambda: self._read(f"/cases?q={quote(self._rng.choice(_WORDS))}{self._rng.randrange(1000)}")),
            (14, lambda: self._read(f"/cases/{self._rng.choice(self._cases)}")),
            (4, lambda: self._read(f"/cases/{self._rng.choice(self._cases)}/picture")),
            (10, self._open_item),
            (3, lambda: self._read("/notices")),
            (2, lambda: self._read("/calendar/holidays")),
            (2, lambda: self._read("/definitions")),
            (4, self._audit),
            (1, lambda: self._browser.get("/login")[0]),
            (2, lambda: self._read("/no/such/page")),
            (4, self._start),
            (4, self._comment),
            (12, self._complete),
        ]
        choices, weights = [act for _, act in acts], [weight for weight, _ in acts]
        with closing(self._browser):
            while self._soak.next_number() is not None:
                (act,) = self._rng.choices(choices, weights)
                status = act()
                with self._soak.lock:
                    self._soak.answers[str(status)] += 1

    def _read(self, path: str) -> int:
        status, text = self._browser.get(path)
        self._remember(text)
        return status

    def _remember(self, text: str) -> None:
        self._cases = list(dict.fromkeys([*self._cases, *re.findall(r'href="/cases/([0-9a-f-]{36})', text)]))[-300:]
        if found := re.findall(r'href="/work-items/([0-9a-f-]{36})', text):
            self._items = found

    def _inbox(self, view: str) -> int:
        return self._read(f"/inbox?view={view}")

    def _open_item(self) -> int:
        return self._read(f"/work-items/{self._rng.choice(self._items)}") if self._items else self._inbox("groups")

    def _audit(self) -> int:
        case_id = self._rng.choice(self._cases)
        if self._username != "auditor":
            return self._read(f"/cases/{case_id}?history=2")
        path = self._rng.choice(
            (
                f"/audit/cases/{case_id}/at/1",
                f"/audit/cases/{case_id}/at/1/picture",
                f"/audit/search?words={quote(self._rng.choice(_WORDS))}",
                "/audit/log",
                "/audit/administration",
            )
        )
        return self._read(path)

    def _start(self) -> int:
        values = {"case_title": f"เรื่องที่ {self._rng.randrange(10**9)}", "case_fiscal_year": "2571"}
        return self._post("/cases/start/rework", values)

    def _comment(self) -> int:
        return self._post(f"/cases/{self._rng.choice(self._cases)}/comments", {"body": secrets.token_hex(8)})

    def _complete(self) -> int:
        if not self._items:
            return self._inbox("groups")
        item = self._rng.choice(self._items)
        _, text = self._browser.get(f"/work-items/{item}")
        version = _VERSION.search(text)
        values = {**TYPED, "title": secrets.token_hex(8), "version": version[1] if version else "1"}
        return self._post(f"/work-items/{item}/complete", values)

    def _post(self, path: str, values: dict[str, str]) -> int:
        return self._browser.send(path, **values)


def prepare(store: Store, cases: int) -> list[str]:
    """The demo cluster, and so many cases of a loop that one can go round for ever; their ids."""
    upgrade(store)
    demo_cluster.load(store, now())
    with store.transaction() as session:
        deploy(session, files("rework"), SYSTEM, now())
        for _ in range(cases):
            start_case(session, "rework", SYSTEM, now(), CaseStart(cast.OFFICE, 2571, "เรื่องที่วนไป", {}))
    with store.reading() as session:
        return list(session.scalars(select(WorkItem.case_id).distinct().limit(200)))


def run(server: Server, soak: Soak, trace: bool) -> list[tuple[int, float]]:
    """Send the requests; how many were done and the server's memory in MB, forty times in a run."""
    workers = [Worker(soak, name, seed) for seed, name in enumerate(WORKERS)]
    threads = [threading.Thread(target=worker.run, daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    samples: list[tuple[int, float]] = []
    is_traced = not trace
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        if soak.done >= len(samples) * soak.total // 40:
            samples.append((soak.done, programs.memory_of(server.pid, "VmRSS") or 0.0))
            if len(samples) % 4 == 1:
                print(json.dumps({"requests": samples[-1][0], "rss_mb": samples[-1][1]}), flush=True)
        if not is_traced and soak.done >= soak.total * 3 // 4:
            is_traced = True
            os.kill(server.pid, signal.SIGUSR1)
    time.sleep(3)
    if trace:
        os.kill(server.pid, signal.SIGUSR1)
        time.sleep(60)  # it tells while it goes on serving
    samples.append((soak.done, programs.memory_of(server.pid, "VmRSS") or 0.0))
    return samples


def growth(samples: list[tuple[int, float]]) -> float:
    """MB for every 10,000 requests in the last quarter: the slope of the least squares, which one sample cannot bend."""
    first = samples[-1][0] * 3 // 4
    points = [(done / PER, memory) for done, memory in samples if done >= first]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="osm-soak-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Outcome:
    """What came of a soak: answers by status, the memory at its end, and how it grew in the last quarter."""

    answers: Counter[str]
    memory_mb: float
    grown_mb: float

    @property
    def failures(self) -> int:
        """Answers that say that the server broke, other than the designed refusal of a busy one."""
        return sum(count for status, count in self.answers.items() if status.startswith("5") and status != "503")


def soak(requests: int, *, port: int = 0, traces: Path | None = None) -> Outcome:
    """Send so many requests to a server of its own on a database of its own."""
    with _folder() as folder, a_database("sqlite", folder) as url:
        store = Store(url)
        cases = prepare(store, 40)
        store.close()
        server = Server(url, folder, port=port, before=_TRACING if traces else "")
        server.environment["SOAK_TRACE"] = str(traces)
        with server:
            this = Soak(server.port, requests, cases=cases)
            samples = run(server, this, traces is not None)
    return Outcome(this.answers, samples[-1][1], growth(samples))


def main() -> int:
    """Run the soak; 1 when the memory grew too much or the server broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=int(os.environ.get("OSM_STRESS_REQUESTS", "20000")))
    parser.add_argument("--trace", action="store_true", help="name the holders of what grew (slow)")
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    connect_rooms()
    traces = Path(tempfile.gettempdir()) / f"osm-soak-{os.getpid()}.txt" if chosen.trace else None
    outcome = soak(chosen.requests, port=chosen.port, traces=traces)
    told = {"answers": outcome.answers, "rss_mb": outcome.memory_mb, "mb_per_10000": round(outcome.grown_mb, 2)}
    print(json.dumps({**told, "limit": LIMIT_MB}))
    if traces:
        print(f"holders: {traces}")
    return int(outcome.grown_mb >= LIMIT_MB or outcome.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
