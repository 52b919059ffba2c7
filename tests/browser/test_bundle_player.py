"""The player of a bundle in a real browser, from the file system and without a network."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from osm_flow.operations.bundles.player import player_page
from tests.browser.conftest import AXE

GOLDEN = Path(__file__).parents[1] / "golden"


class Player:
    """The player's page of a golden history; `requests` are all that it asked for, `complaints` what its console said.

    `called` gives elements, variables and people other names.
    """

    def __init__(self, context: Any, key: str, folder: Path, called: dict[str, str]) -> None:
        with zipfile.ZipFile(GOLDEN / f"{key}.zip") as archive:
            self.manifest = json.loads(archive.read("manifest.json"))
            self.path = folder / "player.html"
            self.path.write_bytes(present_page(archive.read("player.html").decode(), called))
            root = f"cases/{self.manifest['root']}"
            self.states = [json.loads(line) for line in archive.read(f"{root}/states.jsonl").splitlines()]
            self.records = [json.loads(line) for line in archive.read(f"{root}/journal.jsonl").splitlines()]
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(self.path.as_uri())

    def shown(self) -> tuple[str, int, set[str], int]:
        """Number, waiting entries, variables that changed, elements marked as waiting."""
        page = self.page
        changes = {row.inner_text() for row in page.query_selector_all("#changes tbody th")}
        return (
            page.inner_text("#what"),
            len(page.query_selector_all("#waiting li")),
            changes,
            len(page.query_selector_all("svg .now")),
        )


def present_page(kept: str, called: dict[str, str]) -> bytes:
    """The page as it is made now, with the data of a kept one."""
    written = kept.partition('id="data">')[2].partition("</script>")[0]
    for name, other in called.items():
        written = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", other, written)
    data = json.loads(written)
    made = player_page([], data["definitions"], data["checkpoint"]).decode()
    empty = made.partition('id="data">')[2].partition("</script>")[0]
    return made.replace(empty, json.dumps(data).replace("<", "\\u003c")).encode()


@pytest.fixture
def play(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Player]]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield lambda key, called=MappingProxyType({}): Player(context, key, tmp_path, dict(called))
    context.close()


@pytest.mark.parametrize("key", ["execution_year", "committee_approval"])
def test_every_moment_shows_the_recorded_state_both_ways(play: Callable[..., Player], key: str) -> None:
    player = play(key)
    forth = []
    for record, state in zip(player.records, player.states, strict=True):
        what, waiting, changes, marked = player.shown()
        assert what.startswith(f"{record['seq']}. ")
        assert waiting == max(len(state["waiting"]), 1)
        assert changes == set(state["set"]) | set(state["unset"])
        assert marked == len({one["element"] for one in state["waiting"]})
        forth.append((what, waiting, changes, marked))
        player.page.keyboard.press("ArrowRight")
    for before in reversed(forth):
        assert player.shown() == before
        player.page.keyboard.press("ArrowLeft")
    assert player.complaints == []
    assert [url for url in player.requests if not url.startswith("file:")] == []


@pytest.mark.parametrize("other", ["constructor", "toString", "__proto__"])
def test_what_is_called_as_something_that_every_object_has_is_shown_as_it_is(
    play: Callable[..., Player], other: str
) -> None:
    """An element, a variable and a person of such a name: nothing is passed, waiting or changed that was not."""
    plain = play("hearing")
    element = next(one["element"] for state in plain.states for one in state["waiting"])
    variable = next(name for state in plain.states for name in state["set"])
    someone = next(record["actor"] for record in plain.records if record["actor"] != "system")
    for was in (element, variable, someone):
        named = play("hearing", {was: other})
        plain.page.keyboard.press("Home")
        for record in plain.records[:12]:
            what, waiting, changes, marked = plain.shown()
            renamed = {other if name == was else name for name in changes}
            assert named.shown() == (what, waiting, renamed, marked), (was, record["seq"])
            for seen in ("svg .done", "svg .badge"):
                assert len(named.page.query_selector_all(seen)) == len(plain.page.query_selector_all(seen)), record[
                    "seq"
                ]
            for told in ("#changes", "#facts"):
                as_named = re.sub(rf"(?<![\w.-]){re.escape(was)}(?![\w.-])", other, plain.page.inner_text(told))
                assert named.page.inner_text(told) == as_named
            for page in (plain.page, named.page):
                page.keyboard.press("ArrowRight")
        assert named.complaints == []


def test_every_moment_has_an_address(play: Callable[..., Player]) -> None:
    player = play("annual_cycle")
    child = player.manifest["cases"][1]["id"]

    player.page.goto(f"{player.path.as_uri()}#case={child}&seq=3")
    player.page.reload()

    assert player.page.inner_text("#what").startswith("3. ")
    player.page.select_option("#case", "0")
    assert f"case={player.manifest['root']}&seq=1" in player.page.url


def test_it_speaks_english_too_and_axe_finds_nothing(play: Callable[..., Player]) -> None:
    player = play("hearing")
    player.page.click("#language")

    assert "Waiting after this record" in player.page.inner_text("#moment")
    player.page.evaluate(AXE)
    found = player.page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    assert [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]] == []
