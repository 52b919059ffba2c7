"""The line between the product and PostgreSQL, which can be cut at one chosen message."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

from sqlalchemy import URL


class Wire:
    """Listens on a port and hands on to the database. Messages of the product are counted from `arm` on."""

    def __init__(self, database: URL) -> None:
        folder = database.query["host"]
        assert isinstance(folder, str)
        self._database = f"{folder}/.s.PGSQL.{database.port or 5432}"
        self._listening = socket.create_server(("127.0.0.1", 0))
        port = self._listening.getsockname()[1]
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        self.url = database.set(host="127.0.0.1", port=port, query=plain).render_as_string(hide_password=False)
        self._lock = threading.Lock()
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self.sent = 0
        self._cut_at: int | None = None
        self._how: Callable[[socket.socket, socket.socket, bytes], bool] | None = None
        self.is_away = False
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, number: int | None, how: Callable[[socket.socket, socket.socket, bytes], bool] | None = None) -> None:
        """Count anew; at the message of this number, from 0, `how(database, product, message)` acts in its place.

        It answers whether the connection goes on.
        """
        with self._lock:
            self.sent, self._cut_at, self._how, self.is_away = 0, number, how, False

    def cut_all(self) -> None:
        """End every connection without a word."""
        with self._lock:
            ends, self._open = self._open, []
        for pair in ends:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let nobody through any more."""
        self.is_away = True
        self._listening.close()
        self.cut_all()

    def _accept(self) -> None:
        while True:
            try:
                product, _ = self._listening.accept()
            except OSError:
                return
            if self.is_away:
                product.close()
                continue
            database = socket.socket(socket.AF_UNIX)
            database.connect(self._database)
            with self._lock:
                self._open.append((product, database))
            threading.Thread(target=self._hand_on, args=(product, database), daemon=True).start()

    def _hand_on(self, product: socket.socket, database: socket.socket) -> None:
        with product, database, selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            ready.register(product, selectors.EVENT_READ)
            ready.register(database, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 20)  # type: ignore[union-attr]
                    if not data or not self._send(product, database, data, is_question=key.fileobj is product):
                        return

    def _send(self, product: socket.socket, database: socket.socket, data: bytes, *, is_question: bool) -> bool:
        how = None
        if is_question:
            with self._lock:
                how = self._how if self.sent == self._cut_at else None
                self.sent += 1
        if how is not None:
            return how(database, product, data)
        (database if is_question else product).sendall(data)
        return True
