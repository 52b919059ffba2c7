"""`osm-flow serve`: the database is brought up to date before the site answers. That it answers is measured elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from select import select as select_readable
from socket import SHUT_WR, create_connection
from time import monotonic
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from osm_flow.cli.benchmarks import programs
from osm_flow.cli.benchmarks.bench import BenchOffice
from osm_flow.cli.serve import prepare
from osm_flow.demo import cast, loading
from osm_flow.operations.definitions.deployments import shipped_files
from osm_flow.operations.ledger.admin_journal import check_chain
from osm_flow.store.models import Office, ProcessDefinition
from osm_flow.store.session import Store
from tests.factories import make_office, make_person
from tests.integration.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """On a database that does not exist yet."""
    shell = Shell(f"sqlite:///{tmp_path / 'osm.db'}", tmp_path)
    yield shell
    shell.store.close()


@pytest.fixture
def _without_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "act_out", lambda stage: None)


def usernames(shell: Shell) -> list[str]:
    return [item["username"] for item in shell.json("user", "list")["items"]]


def test_a_new_database_gets_tables_clusters_and_processes_once(shell: Shell) -> None:
    prepare(shell.context, False)

    keys = {name.removesuffix(".bpmn") for name in shipped_files() if name.endswith(".bpmn")}
    assert {item["key"] for item in shell.json("process", "list")["items"]} == keys
    with shell.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Office)) == 18
    before = shell.json("audit", "administration"), shell.json("process", "list")
    recorded = [(item["kind"], item["actor"]) for item in before[0]["items"]]
    assert recorded == [("definitions.deployed", "system"), ("rows.found", "system")]

    prepare(shell.context, False)

    assert (shell.json("audit", "administration"), shell.json("process", "list")) == before


@pytest.mark.usefixtures("_without_its_story")
def test_the_demo_comes_into_an_empty_database(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    prepare(shell.context, True)

    assert set(usernames(shell)) == {part.username for part in cast.CAST}
    assert capsys.readouterr().err == "Loading the demo cluster …\n"
    prepare(shell.context, True)
    assert capsys.readouterr().err == ""


def test_a_database_in_use_gets_no_demo(sqlite_store: Store, tmp_path: Path) -> None:
    shell = Shell(sqlite_store, tmp_path)
    with shell.store.transaction() as session:
        make_office(session)
        make_person(session, "somsri", "admin")

    prepare(shell.context, True)

    assert usernames(shell) == ["somsri"]


def test_the_site_answers_and_a_second_one_at_its_address_says_why_it_cannot(
    sqlite_store: Store, tmp_path: Path
) -> None:
    office = BenchOffice(Shell(sqlite_store, tmp_path).context)

    with programs.server(office) as (port, _, _):
        with closing(HTTPConnection("127.0.0.1", port)) as browser:
            browser.request("GET", "/login")
            assert browser.getresponse().status == 200
        second = subprocess.run(
            [Path(sys.executable).with_name("osm-flow"), "serve", "--port", str(port)],
            env=programs.environment(office),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    assert second.returncode == 1
    assert second.stderr.splitlines()[-1] == "Error: Address already in use"
    assert "is ready" not in second.stderr


def login_form(port: int) -> tuple[str, dict[str, str]]:
    """What a browser sends that types a wrong password: the form, and the headers with its cookie."""
    with closing(HTTPConnection("127.0.0.1", port)) as browser:
        browser.request("GET", "/login")
        page = browser.getresponse()
        cookie = (page.headers["Set-Cookie"] or "").partition(";")[0]
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    assert token
    form = urlencode({"csrf_token": token[1], "username": "x", "password": "y"})
    return form, {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}


def test_readers_are_answered_while_more_writers_wait_than_there_are_threads(
    sqlite_store: Store, tmp_path: Path
) -> None:
    office, writers = BenchOffice(Shell(sqlite_store, tmp_path).context), list[HTTPConnection]()

    with programs.server(office) as (port, _, _), ExitStack() as waiting:
        form, headers = login_form(port)
        with sqlite_store.transaction() as holder:
            holder.execute(text("UPDATE people SET locale = locale"))
            for _ in range(12):
                writers.append(waiting.enter_context(closing(HTTPConnection("127.0.0.1", port, timeout=60))))
                writers[-1].request("POST", "/login", body=form, headers=headers)
            begun = monotonic()
            for path in ("/login", "/healthz", "/readyz", "/login"):
                with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as reader:
                    reader.request("GET", path)
                    assert reader.getresponse().status == 200, path
            assert monotonic() - begun < 5
            assert select_readable([writer.sock for writer in writers], [], [], 0)[0] == []  # they all wait still
        assert {writer.getresponse().status for writer in writers} == {401, 429}


LIMIT = 2
SLACK = 1.5
MANY = 24


@contextmanager
def impatient_server(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The site as a program of its own whose requests wait for `LIMIT` seconds."""
    office = BenchOffice(Shell(store, folder).context)
    environment = programs.environment
    monkeypatch.setattr(programs, "environment", lambda of: environment(of) | {"OSM_LOCK_TIMEOUT": str(LIMIT)})
    with programs.server(office) as (port, _, _):
        yield port


def ask(port: int, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str | None, float]:
    """Status, `Retry-After`, and the seconds from the request to its answer."""
    begun = monotonic()
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as browser:
        browser.request(method, path, body=body, headers=headers)
        answer = browser.getresponse()
        page = answer.read().decode()
        seconds = monotonic() - begun
    assert answer.status != 503 or path in {"/healthz", "/readyz"} or "ระบบไม่ว่างชั่วคราว" in page
    return answer.status, answer.headers["Retry-After"], seconds


@contextmanager
def held_by_another_process(path: str) -> Iterator[None]:
    """A SQLite database in which another process has begun to write."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
    code += "; print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield


def assert_all_told_in_time(port: int, holding: AbstractContextManager[object]) -> None:
    """More people write at once than there are threads, and others read meanwhile."""
    form, headers = login_form(port)
    with ThreadPoolExecutor(MANY) as people:
        with holding:
            writers = [people.submit(ask, port, "POST", "/login", form, headers) for _ in range(MANY)]
            for path in ("/login", "/healthz", "/login"):
                status, _, seconds = ask(port, "GET", path, None, {})
                assert (status, seconds < 1) == (200, True), path
            told = [writer.result() for writer in writers]
        assert {(status, again) for status, again, _ in told} == {(503, "5")}
        assert max(seconds for *_, seconds in told) < LIMIT + SLACK, sorted(seconds for *_, seconds in told)
        assert min(seconds for *_, seconds in told) > LIMIT - 0.5  # nobody is turned away before that
        assert ask(port, "POST", "/login", form, headers)[0] == 401  # nothing stays behind


def test_however_many_write_to_a_held_sqlite_each_is_told_within_the_limit(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with impatient_server(sqlite_store, tmp_path, monkeypatch) as port:
        assert_all_told_in_time(port, held_by_another_process(str(sqlite_store.url.database)))


def test_however_many_wait_for_a_locked_table_of_postgresql_each_is_told_within_the_limit(
    new_postgresql: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_postgresql()
    with impatient_server(store, tmp_path, monkeypatch) as port:
        assert_all_told_in_time(port, locked(store, "login_attempts"))


def test_whether_the_site_is_alive_is_told_soon_while_every_thread_waits_for_postgresql(
    new_postgresql: Callable[[], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = new_postgresql()
    with impatient_server(store, tmp_path, monkeypatch) as port:
        for table in ("scheduler_ticks", "alembic_version"):
            form, headers = login_form(port)
            with ThreadPoolExecutor(MANY) as people, locked(store, table, "login_attempts"):
                writers = [people.submit(ask, port, "POST", "/login", form, headers) for _ in range(12)]
                assert ask(port, "GET", "/healthz", None, {})[2] < 1
                status, _, seconds = ask(port, "GET", "/readyz", None, {})
                assert (status, seconds < 2.2) == (503, True), (table, seconds)
                assert {writer.result()[0] for writer in writers} == {503}
            assert ask(port, "GET", "/readyz", None, {})[0] == 200


@contextmanager
def locked(store: Store, *tables: str) -> Iterator[None]:
    """Tables of PostgreSQL that nobody else may even read."""
    with store.engine.begin() as holder:
        holder.execute(text(f"LOCK {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"))
        yield


NO_REQUESTS = {
    b"GET /\xff HTTP/1.1": 400,
    b"nonsense": 400,
    b"GET / HTTP/1.1\r\nX: \x0b": 400,
    b"GET /login HTTP/1.1\r\nTransfer-Encoding : chunked": 400,
    # Where two who read a request could see its end in different places, one request could hide another one.
    b"POST / HTTP/1.1\r\nContent-Length: x": 400,
    b"POST / HTTP/1.1\r\nContent-Length: +4": 400,
    b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5": 400,
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity": 501,
    b"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked": 501,
    # More than the site takes anywhere.
    b"POST /login HTTP/1.1\r\nContent-Length: 999999999": 413,
}


def answer_to(port: int, request: bytes) -> tuple[int, dict[str, str]]:
    """The status and the headers, by their small names, of what is answered before the connection ends."""
    with create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    status, *lines = said.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(status.split()[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def test_what_is_no_request_is_refused_with_an_answer_that_says_what_every_page_says(
    sqlite_store: Store, tmp_path: Path
) -> None:
    office = BenchOffice(Shell(sqlite_store, tmp_path).context)
    with programs.server(office) as (port, _, _):
        page = answer_to(port, b"GET /login HTTP/1.1\r\nConnection: close\r\n\r\n")[1]
        protecting = {name: value for name, value in page.items() if name.startswith(("x-", "cross-", "content-sec"))}
        answers = {request: answer_to(port, request + b"\r\n\r\n") for request in NO_REQUESTS}

    assert {request: status for request, (status, _) in answers.items()} == NO_REQUESTS
    assert len(protecting) >= 5
    for request, (_, headers) in answers.items():
        assert protecting.items() <= headers.items(), request
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_a_request_whose_end_is_told_twice_ends_where_its_pieces_do(sqlite_store: Store, tmp_path: Path) -> None:
    """What stands behind the last piece is a request of its own, whatever `Content-Length` says."""
    told = b"POST /login HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n0\r\n\r\n"
    office = BenchOffice(Shell(sqlite_store, tmp_path).context)
    with (
        programs.server(office) as (port, _, _),
        create_connection(("127.0.0.1", port), timeout=20) as connection,
    ):
        connection.sendall(told + b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        said = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert re.findall(rb"HTTP/1\.1 (\d+)", said) == [
        b"400",
        b"200",
    ]  # a form without its token, and what came behind it
    assert said.endswith(b'{"alive":true}\n')


def test_a_host_that_is_none_is_misuse(sqlite_store: Store, tmp_path: Path) -> None:
    shell = Shell(sqlite_store, tmp_path)
    shell.context.make_app = lambda *_: Flask("site")

    result = shell.run("serve", "--host", "no such host")

    assert result.exit_code == 2
    assert "no such host is no address to listen on" in result.stderr
    assert "is ready" not in result.stderr


@pytest.mark.parametrize("wrong", [("--port", "0"), ("--port", "65536"), ("--threads", "1"), ("--threads", "65")])
def test_wrong_use_begins_nothing(shell: Shell, tmp_path: Path, wrong: tuple[str, ...]) -> None:
    assert shell.run("serve", *wrong).exit_code == 2
    assert not (tmp_path / "osm.db").exists()


# ---- several nodes ---------------------------------------------------------------------------------------------

_START = """
import sys
from pathlib import Path
from socket import SHUT_WR, create_connection
from osm_flow.app import connect_rooms
from osm_flow.cli.serve import prepare
from tests.integration.cli.shell import Shell
connect_rooms()
context = Shell(sys.argv[1], Path(sys.argv[2])).context
sys.stdin.readline()
prepare(context, False)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def nothing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'osm.db'}"
        return
    made: Store = request.getfixturevalue("new_postgresql")()
    with made.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    made.close()
    yield made.url.render_as_string(hide_password=False)


def test_nodes_that_start_together_on_an_empty_database_all_start(nothing: str, tmp_path: Path) -> None:
    nodes = [
        subprocess.Popen(
            [sys.executable, "-c", _START, nothing, str(tmp_path)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for _ in range(4)
    ]
    for node in nodes:
        assert node.stdin is not None
        node.stdin.write("\n")
        node.stdin.flush()
    ends = [(node.communicate(timeout=240)[1], node.returncode) for node in nodes]

    assert [code for _, code in ends] == [0] * 4, ends
    store = Store(nothing)
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Office)) == 18
        shipped = {name for name in shipped_files() if name.endswith(".bpmn")}
        assert session.scalar(select(func.count()).select_from(ProcessDefinition)) == len(shipped)
        assert check_chain(session).faults == []
    store.close()
