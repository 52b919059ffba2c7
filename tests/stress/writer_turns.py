"""How long writers of one SQLite database wait for their turn, with several processes of several threads each.

`python -m tests.stress.writer_turns [SECONDS]` prints the figures with the queue of `store/writer_queue.py` and without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from sqlalchemy import text

from osm_flow.store.session import Busy, Store
from osm_flow.store.upgrade import upgrade
from osm_flow.store.writer_queue import WriterQueue

PROCESSES, THREADS = 4, 4


def measure(seconds: float, *, queued: bool, processes: int = PROCESSES, threads: int = THREADS) -> dict[str, float]:
    """Writers beside each other for so long: writes a second, waits in seconds (p50, p99, longest), and how many gave up."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "osm.db"
        store = Store(f"sqlite:///{path}")
        upgrade(store)
        store.close()
        command = [sys.executable, "-m", __name__, str(path), str(seconds), str(threads), str(int(queued))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        writers = [subprocess.Popen(command, text=True, **pipes) for _ in range(processes)]
        for writer in writers:  # all of them have imported what they need, however long that took
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
        begin = time.time() + 0.2
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write(f"{begin}\n")
            writer.stdin.flush()
        answers = [json.loads(writer.communicate(timeout=seconds + 120)[0]) for writer in writers]
    waits = sorted(wait for answer in answers for wait in answer["waits"])
    busy = sum(answer["busy"] for answer in answers)
    return {
        "writes_a_second": round(len(waits) / seconds, 1),
        "p50": round(waits[len(waits) // 2], 4),
        "p99": round(waits[int(len(waits) * 0.99)], 4),
        "longest": round(waits[-1], 4),
        "gave_up": busy,
    }


def _write(path: str, seconds: float, threads: int, queued: bool) -> None:
    if not queued:
        WriterQueue.enter = lambda self, seconds: True  # type: ignore[method-assign]
        WriterQueue.leave = lambda self: None  # type: ignore[method-assign]
    store, waits, busy = Store(f"sqlite:///{path}"), list[float](), list[int]()
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    time.sleep(max(0.0, begin - time.time()))

    def run(number: int) -> None:
        while time.time() < begin + seconds:
            started = time.perf_counter()
            try:
                with store.transaction() as session:
                    session.execute(text("UPDATE people SET locale = 'th' WHERE id = 0"))
                    session.execute(
                        text("INSERT INTO idempotency_keys (key, at, subject, actor) VALUES (:key, 'x', 'x', 'x')"),
                        {"key": f"{path}{number}{time.time_ns()}{threading.get_ident()}"[-128:]},
                    )
                    time.sleep(0.002)  # what an operation does meanwhile
                waits.append(time.perf_counter() - started)
            except Busy:
                busy.append(1)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    store.close()
    print(json.dumps({"waits": waits, "busy": len(busy)}))


if __name__ == "__main__":
    if len(sys.argv) > 2:
        _write(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")
    else:
        __name__ = "tests.stress.writer_turns"
        for queued in (False, True, False, True):
            print(
                "queued" if queued else "unqueued", measure(float(sys.argv[1] if sys.argv[1:] else 10), queued=queued)
            )
