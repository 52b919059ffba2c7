"""The player of a bundle in a real browser, from the file system and without a network."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from osm_flow.domain.journal import Record
from osm_flow.operations.bundles.player import player_page
from osm_flow.operations.bundles.reading import read_bundle
from osm_flow.operations.replay.history import History
from osm_flow.operations.replay.refold import compiled_from, fold
from tests.browser.conftest import AXE
from tests.bundles import cases_in

GOLDEN = Path(__file__).parents[1] / "golden"


class Player:
    """The player's page of a kept bundle; `requests` are all that it asked for, `complaints` what its console said.

    `called` gives elements, variables and people other names.
    """

    def __init__(self, context: Any, bundle: Path, folder: Path, called: dict[str, str]) -> None:
        with zipfile.ZipFile(bundle) as archive:
            self.manifest = json.loads(archive.read("manifest.json"))
            self.path = folder / "player.html"
            self.path.write_bytes(present_page(archive, self.manifest, called))
            root = f"cases/{self.manifest['root']}"
            self.states, self.records, self.payloads = (
                [json.loads(line) for line in archive.read(f"{root}/{name}.jsonl").splitlines()]
                for name in ("states", "journal", "payloads")
            )
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
        changes = {row.get_attribute("data-variable") for row in page.query_selector_all("#changes tbody tr")}
        return (
            page.inner_text("#what").split(" ")[0],
            len(page.query_selector_all("#waiting li")),
            changes,
            len(page.query_selector_all("svg .now")),
        )

    def changed(self) -> list[str]:
        """The variables that changed, with what stood there before and after."""
        rows = self.page.query_selector_all("#changes tbody tr")
        cells = [[cell.inner_text() for cell in row.query_selector_all("td")] for row in rows]
        names = [row.get_attribute("data-variable") for row in rows]
        return sorted("\t".join([name, *told]) for name, told in zip(names, cells, strict=True))


def renamed_in(text: str, was: str, other: str) -> str:
    """The text with a name put for another one, where it stands as a word of its own."""
    return re.sub(rf"(?<![\w.-]){re.escape(was)}(?![\w.-])", other, text)


def present_page(archive: zipfile.ZipFile, manifest: Any, called: dict[str, str]) -> bytes:
    """The page as it is made now of the files of a kept bundle."""

    def read(name: str) -> Any:
        text = archive.read(name).decode()
        for was, other in called.items():
            # Data are renamed, not what the page is made of; a name in a text of JSON stands between marks.
            text = renamed_in(text, was, other)
        return text

    def lines(name: str) -> list[Any]:
        return [json.loads(line) for line in read(name).splitlines()]

    cases, definitions, forms = [], {}, {}
    for about in cases_in(manifest):
        folder = f"cases/{about['id']}"
        payloads = {line["seq"]: json.loads(line["body"]) for line in lines(f"{folder}/payloads.jsonl")}
        records, states = lines(f"{folder}/journal.jsonl"), lines(f"{folder}/states.jsonl")
        shown = json.loads(read(f"{folder}/case.json"))
        cases.append({"case": shown, "records": records, "states": states, "payloads": payloads})
        for digest in {record["definition"]["sha256"] for record in records}:
            definitions[digest] = read(f"definitions/{digest}/process.bpmn")
            forms[digest] = json.loads(read(f"definitions/{digest}/forms.json"))
    return player_page(cases, definitions, None, forms)


@pytest.fixture
def play(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Player]]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    yield lambda key, called=MappingProxyType({}): Player(context, GOLDEN / f"{key}.zip", tmp_path, dict(called))
    context.close()


@pytest.mark.parametrize("key", ["execution_year", "committee_approval"])
def test_every_moment_shows_the_recorded_state_both_ways(play: Callable[..., Player], key: str) -> None:
    player = play(key)
    forth = []
    for record, state in zip(player.records, player.states, strict=True):
        what, waiting, changes, marked = player.shown()
        assert what == f"{record['seq']}."
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
            for told in ("#facts", "#waiting"):
                assert renamed_in(named.page.inner_text(told), other, was) == plain.page.inner_text(told)
            assert sorted(renamed_in(one, other, was) for one in named.changed()) == plain.changed()
            for page in (plain.page, named.page):
                page.keyboard.press("ArrowRight")
        assert named.complaints == []


DECIDED = """() => {
  const part = document.querySelector('#judged');
  return part.hidden ? null : {
    from: Number((document.querySelector('#judged-from').textContent.match(/รายการที่ (\\d+)/) || [])[1] || 0),
    texts: Object.fromEntries([...document.querySelectorAll('#judged-values > dl > dd')].map(one => [one.dataset.field, one.textContent])),
  };
}"""


# `OSM_ALL_PAGES=1` and the long run read them all.
WITH_DECISIONS = ["rules_3/quarterly_monitoring", "rules_3/plan_drafting"]
if os.environ.get("OSM_ALL_PAGES"):
    WITH_DECISIONS += ["rules_3/committee_approval", "format_2/execution_year", "recommendation", "budget_submission"]


@pytest.mark.parametrize("key", WITH_DECISIONS)
def test_what_the_approver_had_before_them_is_open_with_its_figures(play: Callable[..., Player], key: str) -> None:
    """The record that is named filled in just what the token of this decision held, in repeated parts, too."""
    player = play(key)
    bundle = read_bundle(GOLDEN / f"{key}.zip")
    judged = []
    for number, case in enumerate(bundle.cases):
        player.page.select_option("#case", str(number))
        for record, token, name in decisions(case.history):
            player.page.evaluate("seq => { location.hash = location.hash.replace(/seq=.*/, 'seq=' + seq) }", record.seq)
            player.page.wait_for_function(
                "seq => document.querySelector('#what').textContent.startsWith(seq + '.')", arg=record.seq
            )
            found = player.page.evaluate(DECIDED)
            assert found is not None, record.seq
            judged.append(found["from"])
            if not found["from"]:
                assert found["texts"] == {}
                continue
            filled = json.loads(case.history.payloads[found["from"]].body)["data"]
            assert filled == token[name], (record.seq, found["from"])
            given = {field for field, value in filled.items() if value not in (None, "", [])}
            assert found["texts"].keys() == given
            plain = {field: value for field, value in filled.items() if isinstance(value, int) and value > 999}
            assert all(f"{value:,}" in found["texts"][field] for field, value in plain.items())
        others = {record.seq for record, _ in case.history.chain} - {
            record.seq for record, *_ in decisions(case.history)
        }
        for seq in sorted(others)[:3]:
            player.page.evaluate("seq => { location.hash = location.hash.replace(/seq=.*/, 'seq=' + seq) }", seq)
            player.page.wait_for_function(
                "seq => document.querySelector('#what').textContent.startsWith(seq + '.')", arg=seq
            )
            assert player.page.evaluate(DECIDED) is None
    assert judged
    assert all(judged)
    assert player.complaints == []


def decisions(history: History) -> Iterator[tuple[Record, Any, str]]:
    """The records by which somebody decided on a document, with what their token held and the document's name."""
    waiting: dict[str, Any] = {}
    for (record, _), replayed in zip(history.chain, fold(history), strict=False):
        process = compiled_from(history.definitions[record.definition_sha256], record.definition_key)
        element = process.elements.get(record.element or "")
        name = element.properties.get("approves") if element else None
        if record.kind == "work_item.completed" and name:
            yield record, waiting[record.task_id or ""], name
        waiting = {one.task_id: one.data for one in replayed.waiting}


WHOLE = """() => {
  const frame = document.querySelector('#diagram').getBoundingClientRect();
  const boxes = [...document.querySelectorAll('#diagram .shape')].map(one => one.getBoundingClientRect());
  const inside = box => box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const acted = document.querySelector('#diagram .acted');
  const drawn = Math.max(...boxes.map(box => box.bottom)) - Math.min(...boxes.map(box => box.top));
  return {outside: boxes.filter(box => !inside(box)).length, empty: frame.height - drawn, isTall: frame.height > innerHeight,
          acted: acted && inside(acted.getBoundingClientRect()), sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth};
}"""


@pytest.mark.parametrize("width", [1366, 390])
def test_the_whole_process_is_seen_first_and_the_step_is_in_view_when_enlarged(
    play: Callable[..., Player], width: int
) -> None:
    player = play("rules_3/quarterly_monitoring")
    player.page.set_viewport_size({"width": width, "height": 768})
    seen = player.page.evaluate(WHOLE)
    assert (seen["outside"], seen["isTall"], seen["sideways"]) == (0, False, 0)
    assert seen["empty"] < 60
    player.page.click("#near")
    assert player.page.evaluate(WHOLE)["outside"] > 0
    met = set()
    for record in player.records:
        if record["element"]:
            met.add(player.page.evaluate(WHOLE)["acted"])
        player.page.keyboard.press("ArrowRight")
    assert met - {None} == {True}
    player.page.click("#whole")
    assert player.page.evaluate(WHOLE)["outside"] == 0


def test_paper_has_the_record_its_hash_and_the_document_and_no_controls(play: Callable[..., Player]) -> None:
    player = play("rules_3/quarterly_monitoring")
    acted = ("work_item.completed", "certify")
    seq = next(record["seq"] for record in player.records if (record["kind"], record["element"]) == acted)
    player.page.evaluate("seq => { location.hash = location.hash.replace(/seq=.*/, 'seq=' + seq) }", seq)
    player.page.wait_for_selector("#judged:not([hidden])")
    player.page.emulate_media(media="print")
    visible = "wanted => [...document.querySelectorAll(wanted)].map(one => one.checkVisibility())"

    for control in ("button", "select", "input", "details"):
        assert set(player.page.evaluate(visible, control)) == {False}, control
    for evidence in ("#judged dd", "#facts dd", "#warning", "#diagram svg"):
        assert set(player.page.evaluate(visible, evidence)) == {True}, evidence
    assert player.records[seq - 1]["hash"] in player.page.inner_text("#facts")


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
