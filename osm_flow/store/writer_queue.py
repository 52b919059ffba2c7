"""The order in which writers of one SQLite database get their turn: first come, first served.

SQLite has one writer at a time and no queue: whoever waits asks again now and then, and whoever has just written is
quicker than all of them, so that some wait for seconds while others write on and on. Here the threads of a process stand in
a line, and the first of each line stands in one between the processes of this machine: two locked files beside the
database. In that line one holds the turnstile and waits for the writer's place; when it has that, it lets the next to the
turnstile, so a process that has just written has to queue again. Where files cannot be locked, only the threads queue.

This orders writers and protects nothing: SQLite's own lock does that, for whoever does not queue as well.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: the threads of one process queue
    fcntl = None  # type: ignore[assignment]


class WriterQueue:
    """The line of those who want to write into one database; one object for each process and database."""

    def __init__(self, database: Path | None) -> None:
        self._guard = threading.Lock()
        self._line: deque[threading.Event] = deque()
        self._taken = False
        self._between = _ProcessLine(database) if database and fcntl else None

    def enter(self, seconds: float) -> bool:
        """Wait for one's turn; False when it did not come in time. Whoever got it must `leave`."""
        deadline = time.monotonic() + seconds
        if not self._enter_line(deadline):
            return False
        try:
            if self._between is None or self._between.enter(deadline):
                return True
        except BaseException:
            self._leave_line()
            raise
        self._leave_line()
        return False

    def leave(self) -> None:
        """Let the next one write."""
        if self._between is not None:
            self._between.leave()
        self._leave_line()

    def close(self) -> None:
        """Give the files back to the operating system; the next writer opens them again."""
        if self._between is not None:
            self._between.close()

    def _enter_line(self, deadline: float) -> bool:
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Event()
            self._line.append(turn)
        if turn.wait(max(0.0, deadline - time.monotonic())):
            return True
        with self._guard:
            if turn.is_set():  # it came just now
                return True
            self._line.remove(turn)
            return False

    def _leave_line(self) -> None:
        with self._guard:
            if self._line:
                self._line.popleft().set()  # stays taken, now by the next one
            else:
                self._taken = False


class _ProcessLine:
    """The line between processes. One thread of a process at a time stands in it, held apart by the line of threads.

    Waiting for a file lock cannot be given up, so a thread of its own waits for it. If its asker gives up meanwhile, it
    goes on waiting, for the next asker or to let the place go.
    """

    def __init__(self, database: Path) -> None:
        self._paths = [database.with_name(f"{database.name}-{name}") for name in ("turnstile", "writer")]
        self._files: list[int] | None = None
        self._guard = threading.Lock()
        self._arrived: threading.Event | None = None  # of the thread that waits, while one does
        self._is_wanted = False

    def enter(self, deadline: float) -> bool:
        """Wait for the place of the writer among all processes; False when it was not free in time."""
        with self._guard:
            waiting = self._arrived
            if waiting is None:
                files = self._open()
                if not files or self._at_once(files):
                    return True
                waiting = self._arrived = threading.Event()
                threading.Thread(target=self._wait, args=(files, waiting), daemon=True).start()
            self._is_wanted = True
        if waiting.wait(max(0.0, deadline - time.monotonic())):
            return True
        with self._guard:
            if waiting.is_set():
                return True
            self._is_wanted = False
            return False

    def leave(self) -> None:
        """Give the place to the next process."""
        if self._files:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def _at_once(self, files: list[int]) -> bool:
        turnstile, writer = files
        try:
            fcntl.flock(turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
            finally:
                fcntl.flock(turnstile, fcntl.LOCK_UN)
        except BlockingIOError:
            return False
        except OSError:  # a file system without such locks
            self._files = []
        return True

    def _wait(self, files: list[int], arrived: threading.Event) -> None:
        turnstile, writer = files
        with suppress(OSError):  # whatever goes wrong with the files, nobody is kept from writing by them
            fcntl.flock(turnstile, fcntl.LOCK_EX)
            fcntl.flock(writer, fcntl.LOCK_EX)
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        with self._guard:
            self._arrived = None
            if self._is_wanted:
                self._is_wanted = False
                arrived.set()
            else:
                fcntl.flock(writer, fcntl.LOCK_UN)

    def _open(self) -> list[int]:
        """The two files, made where they are missing; none where they cannot be made."""
        if self._files is None:
            self._files = []
            try:
                self._files += [os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660) for path in self._paths]
            except OSError:  # a full or read-only disk: SQLite says so better
                return []
        return self._files

    def close(self) -> None:
        """Close the files, unless a thread still waits for one of them."""
        with self._guard:
            if self._arrived is None:
                for file in self._files or []:
                    os.close(file)
                self._files = None
