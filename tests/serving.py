"""Sites as the world meets them: behind the real server, and a client for the others that accepts no less than it would."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from waitress.server import create_server

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class StrictClient(FlaskClient):
    """A client that refuses answers which no server could send (PEP 3333): it never writes them out itself."""

    def run_wsgi_app(self, environ: Any, buffered: bool = False) -> Any:
        answer = super().run_wsgi_app(environ, buffered)
        refuse_unsendable(answer[1], answer[2])
        return answer


def refuse_unsendable(status: str, headers: Any) -> None:
    """Fail for a status or a header with other letters than those of latin-1, or with a line break in it."""
    for name, value in [("status", status), *headers]:
        assert _TOKEN.fullmatch(name), f"no server sends a header of this name: {name!r}"
        assert isinstance(value, str), f"{name} is no text: {value!r}"
        assert not _CONTROL.search(value), f"{name} has a control character: {value!r}"
        try:
            value.encode("latin-1")
        except UnicodeEncodeError:
            raise AssertionError(f"no server can send {name}: {value!r}") from None


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The address of the site on a free port of this machine."""
    sockets: dict[int, Any] = {}
    server = create_server(app, map=sockets, host="127.0.0.1", port=0, threads=4)
    asked_to_stop = threading.Event()

    def run() -> None:
        # The thread that waits on the sockets closes them too: closed from outside, its `select` would meet a
        # descriptor that is gone.
        while not asked_to_stop.is_set():
            server.asyncore.loop(timeout=0.1, map=sockets, count=1)
        server.task_dispatcher.shutdown()
        server.asyncore.close_all(sockets)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        asked_to_stop.set()
        thread.join(timeout=10)
    assert not thread.is_alive(), "the server of the test did not stop"
