"""Running the server until somebody says stop, and then ending what was begun."""

from __future__ import annotations

import ctypes
import gc
import platform
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask

# How long requests that were begun may take to end. What takes longer is cut off, and its transaction rolled back.
PATIENCE = 25.0
_LOOK_AGAIN = 0.2
_ARENA_MAX = -8  # of malloc.h


def spare_memory() -> None:
    """Have all threads share two heaps. glibc gives each thread one of its own, and what is freed in it only it can use."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def keep_for_good() -> None:
    """Have the collector look no more at what is there now: code and tables, which stay until the end.

    It looked at all of it once in several hundred requests, and one of them waited for a tenth of a second longer.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def asked_to_stop(tell: Callable[[], None]) -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set, after calling `tell`; a second signal ends the program as it always did."""
    asked = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)

    def handle(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, before[number])
        tell()
        asked.set()

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say_with_its_own_answers(server: Any, headers: Iterable[tuple[str, str]]) -> None:
    """Have what the server answers by itself, to what is no request, carry these headers of the site too."""

    class Refusal(ErrorTask):  # type: ignore[misc]
        def execute(self) -> None:
            self.response_headers.extend(headers)
            super().execute()

    class Channel(HTTPChannel):  # type: ignore[misc]
        error_task_class = Refusal

    for listening in _listening(_sockets(server)):
        listening.channel_class = Channel


def _sockets(server: Any) -> dict[int, Any]:
    """All sockets of the server by their numbers, whether it listens at one address or at several."""
    return getattr(server, "map", None) or server._map  # type: ignore[no-any-return]


def _listening(sockets: dict[int, Any]) -> list[BaseWSGIServer]:
    return [found for found in sockets.values() if isinstance(found, BaseWSGIServer)]


def run(
    server: Any, asked: threading.Event, *, patience: float = PATIENCE, between: Callable[[], None] = lambda: None
) -> bool:
    """Answer requests until the event is set; then take no new connections, end the requests begun, and close the others.

    Whether every request that was begun has had its answer. `between` is called again and again meanwhile.
    """
    sockets = _sockets(server)
    while not asked.is_set():
        _loop(server, sockets)
        between()
    for listening in _listening(sockets):
        listening.accepting = False
        wasyncore.dispatcher.close(listening)  # its trigger stays: by it workers say that there is something to send
    deadline = monotonic() + patience
    _loop(server, sockets)  # what was sent before is read
    while (busy := _busy(sockets)) and monotonic() < deadline:
        _loop(server, sockets)
        between()
    server.task_dispatcher.shutdown(timeout=_LOOK_AGAIN)
    return not busy


def _busy(sockets: dict[int, Any]) -> bool:
    """Whether a request is at work, on its way in or its answer on its way out; connections without one are closed."""
    channels = [found for found in sockets.values() if isinstance(found, HTTPChannel)]
    busy = [channel for channel in channels if channel.requests or channel.request or channel.total_outbufs_len]
    for channel in channels:
        if channel not in busy:
            channel.will_close = True
    return bool(busy)


def _loop(server: Any, sockets: dict[int, Any]) -> None:
    wasyncore.loop(timeout=_LOOK_AGAIN, map=sockets, use_poll=server.adj.asyncore_use_poll, count=1)
