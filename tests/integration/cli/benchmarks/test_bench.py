"""What every benchmark stands on: an office to measure in, a browser to measure with, and figures out of timings."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask, request, session
from werkzeug.wrappers import Response

from osm_flow.cli.benchmarks.bench import (
    OFFICE,
    USERNAME,
    Answer,
    Bench,
    Browser,
    ratio,
    served,
    spread,
    throw_away,
    timed,
)
from osm_flow.store.upgrade import current_revision, newest_revision
from tests.integration.cli.benchmarks.conftest import WatchedBench

# ---- the office ------------------------------------------------------------------------------------------------


def test_an_office_is_ready_to_work_in_and_gone_afterwards(bench: WatchedBench, tmp_path: Path) -> None:
    with bench.office("north", "auditor") as office:
        actor = office.actor()
        assert (actor.username, actor.has("osm_strategy", OFFICE), actor.has("auditor")) == (USERNAME, True, True)
        assert current_revision(office.store) == newest_revision()
        assert list(tmp_path.glob("north-sqlite/osm-flow.db")) != []

    assert not (tmp_path / "north-sqlite").exists()


def test_an_office_is_gone_after_a_failure_too(bench: WatchedBench, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), bench.office("north"):
        raise RuntimeError("the benchmark broke")

    assert list(tmp_path.iterdir()) == []


def test_a_quick_run_takes_the_small_size(bench: WatchedBench) -> None:
    assert bench.size(10_000, 20) == 20
    assert Bench(bench.context, bench.folder, quick=False).size(10_000, 20) == 10_000


def test_the_site_of_an_office_is_entered_signed_in(bench: WatchedBench) -> None:
    with bench.office("north") as office, office.site() as browser:
        assert browser.get("/inbox").status == 200
        assert browser.get("/audit").status == 403, "who has no such hat is kept out: the real site answers"


# ---- the browser -----------------------------------------------------------------------------------------------


@pytest.fixture
def port() -> Iterator[int]:
    """A site that counts what one visitor asks and packs its pages."""
    app = Flask("counting")
    app.config["SECRET_KEY"] = "k" * 40

    @app.route("/", methods=["GET", "POST"])
    def count() -> Response:
        session["asked"] = session.get("asked", 0) + 1
        page = f'<input type="hidden" name="asked" value="{session["asked"]}">{request.form.get("word", "")}'.encode()
        if request.headers.get("Accept-Encoding") != "gzip":
            return Response(page)
        return Response(gzip.compress(page), headers={"Content-Encoding": "gzip"})

    with served(app) as port:
        yield port


def test_a_browser_keeps_its_cookies_and_reads_packed_pages(port: int) -> None:
    with closing(Browser(port)) as first, closing(Browser(port)) as second:
        assert [first.get("/").value_of("asked") for _ in range(3)] == ["1", "2", "3"]
        assert second.get("/").value_of("asked") == "1"
        answer = first.post("/", {"word": "ถนน"})
    assert (answer.status, answer.value_of("asked")) == (200, "4")
    assert gzip.decompress(answer.body).endswith("ถนน".encode())
    assert answer.seconds > 0


def test_a_field_that_is_not_on_the_page_has_no_value() -> None:
    page = Answer(200, {}, b'<input name="a" value="1"><input name="a" value="2">', 0.1)

    assert (page.value_of("a"), page.value_of("b")) == ("1", "")


def test_who_cannot_sign_in_is_not_measured(port: int) -> None:
    with closing(Browser(port)) as browser, pytest.raises(RuntimeError, match="signing in was answered with 404"):
        browser.sign_in()


def test_a_server_that_is_stopped_listens_no_more() -> None:
    with served(Flask("short")) as port:
        pass

    with closing(HTTPConnection("127.0.0.1", port)) as connection, pytest.raises(ConnectionRefusedError):
        connection.request("GET", "/")


# ---- figures ---------------------------------------------------------------------------------------------------


def test_the_spread_of_timings_is_told_in_milliseconds() -> None:
    seconds = [number / 1000 for number in range(100, 0, -1)]

    assert spread(seconds) == {"p50_ms": 51.0, "p95_ms": 96.0, "samples": 100}
    assert spread([0.5]) == {"p50_ms": 500.0, "p95_ms": 500.0, "samples": 1}


def test_a_ratio_is_that_of_the_medians() -> None:
    assert ratio([0.3, 0.2, 90.0], [0.1, 0.1, 0.1]) == 3.0
    assert ratio([0.1], [0.2]) == 0.5


def test_work_is_done_once_while_it_is_timed() -> None:
    done: list[tuple[int, int]] = []

    assert timed(lambda a, b: done.append((a, b)), 1, 2) >= 0
    assert done == [(1, 2)]


def test_measuring_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    beside = tmp_path / "var"
    with throw_away(beside) as folder:
        (folder / "big").write_bytes(bytes(10))
        assert folder.parent == beside

    assert list(beside.iterdir()) == []
    with pytest.raises(RuntimeError), throw_away(beside):
        raise RuntimeError("the benchmark broke")
    assert list(beside.iterdir()) == []
