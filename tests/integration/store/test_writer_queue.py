"""Writers of one SQLite database get their turn in the order in which they came, also between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.store.session import Busy, Limits, Store
from osm_flow.store.writer_queue import WriterQueue
from tests.stress.writer_turns import measure

# Enters the queue again and again, each turn a line in a common file.
_PROCESS = """
import sys, time
from pathlib import Path
from osm_flow.store.writer_queue import WriterQueue
queue, end, said = WriterQueue(Path(sys.argv[1])), time.time() + float(sys.argv[3]), open(sys.argv[4], "a", buffering=1)
while time.time() < end:
    assert queue.enter(30)
    said.write(sys.argv[2] + "\\n")
    time.sleep(0.003)
    queue.leave()
"""
_HOLDER = """
import sys, time
from pathlib import Path
from osm_flow.store.writer_queue import WriterQueue
assert WriterQueue(Path(sys.argv[1])).enter(30)
print("in", flush=True)
time.sleep(120)
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process whose turn does not end."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "q.db")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    yield process  # type: ignore[misc]
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def test_threads_get_their_turn_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    queue, order = WriterQueue(tmp_path / "q.db"), list[int]()
    assert queue.enter(1)

    def write(number: int) -> None:
        assert queue.enter(30)
        order.append(number)
        queue.leave()

    threads = []
    for number in range(8):
        threads.append(threading.Thread(target=write, args=(number,)))
        threads[-1].start()
        while len(queue._line) <= number:
            time.sleep(0.001)
    queue.leave()
    for thread in threads:
        thread.join(30)

    assert order == list(range(8))


def test_processes_take_turns(tmp_path: Path) -> None:
    said = tmp_path / "said"
    writers = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, str(tmp_path / "q.db"), name, "2.5", str(said)])
        for name in "abc"
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]

    turns = said.read_text().split()
    middle = turns[len(turns) // 4 : -len(turns) // 4]
    runs = [before == after for before, after in pairwise(middle)]
    assert set(middle) == {"a", "b", "c"}
    assert sum(runs) < len(runs) / 10, "".join(middle)


def test_who_does_not_get_a_turn_in_time_gives_up_and_the_next_is_not_held_up(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    queue = WriterQueue(tmp_path / "q.db")
    begun = time.monotonic()
    assert not queue.enter(0.3)
    assert not queue.enter(0.3)
    assert 0.5 < time.monotonic() - begun < 5

    holder.kill()

    assert queue.enter(10)
    queue.leave()
    assert WriterQueue(tmp_path / "q.db").enter(10)


def test_a_place_that_comes_after_its_asker_gave_up_is_let_go(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    assert not WriterQueue(tmp_path / "q.db").enter(0.2)
    holder.kill()

    assert WriterQueue(tmp_path / "q.db").enter(10)


def test_where_no_file_can_be_made_the_threads_queue(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "nowhere" / "q.db")

    assert queue.enter(1)
    assert not queue.enter(0.1)
    queue.leave()
    assert queue.enter(1)


def test_a_turn_ends_with_its_transaction_however_that_ends(sqlite_store: Store) -> None:
    impatient = Store(sqlite_store.url.render_as_string(), Limits(lock=1))

    def fail(harm: Callable[[Session], object]) -> None:
        with sqlite_store.transaction() as session:
            harm(session)
            raise RuntimeError

    for harm in (lambda session: session.execute(text("SELECT 1")), lambda session: session.connection().invalidate()):
        with pytest.raises(RuntimeError):
            fail(harm)
    with sqlite_store.transaction() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(Busy), impatient.transaction() as second:
            second.execute(text("SELECT 1"))

    with impatient.transaction() as session:
        session.execute(text("SELECT 1"))
    impatient.close()


def test_writers_of_several_processes_wait_no_longer_than_their_turn(tmp_path: Path) -> None:
    found = measure(2, queued=True, processes=3, threads=3)

    assert found["gave_up"] == 0
    assert found["longest"] < 60 / found["writes_a_second"] + 0.5  # nine stand in line; six times that is no starving
