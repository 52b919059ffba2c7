"""`osm-flow process simulate`: walks of diagrams from the command line, without a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from osm_flow.cli import root
from osm_flow.resources import resource_dir
from tests.unit.engine.diagrams import (
    both,
    boundary,
    call,
    catch,
    diagram,
    document,
    element,
    end,
    error,
    flows,
    manual,
    manuals,
    many,
    message,
    on,
    plain_sub,
    process,
    race,
    service,
    start,
    sub,
    timer,
    user,
    xor,
)
from tests.unit.engine.test_decisions import table

FORM = """
title: {th: บันทึก, en: Note}
type: object
required: [note, amount]
properties:
  note: {type: string, title: {th: ข้อความ, en: Note}, maxLength: 20}
  amount: {type: integer, title: {th: จำนวน, en: Amount}, minimum: 3, maximum: 9}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "note.yaml").write_text(FORM, "utf-8")
    return tmp_path


def run(folder: Path, xml: bytes, *options: str, walk: Any = None, name: str = "p.bpmn") -> Result:
    (folder / name).write_bytes(xml)
    given = [*options]
    if walk is not None:
        (folder / "walk.json").write_text(walk if isinstance(walk, str) else json.dumps(walk), "utf-8")
        given += ["--walk", str(folder / "walk.json")]
    return CliRunner().invoke(root, ["process", "simulate", str(folder / name), *given])


def walked(folder: Path, xml: bytes, *options: str, walk: Any = None, code: int = 0) -> dict[str, Any]:
    result = run(folder, xml, "--json", *options, walk=walk)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


LOOP = diagram(start(), manual("a"), xor("g", "e"), end(), flows("s > a > g; g > a [again == true]; g > e"))
AGAIN = {"element": "a", "data": {"again": True}}
SPLIT = diagram(
    start(),
    both("p1"),
    manual("a"),
    boundary("t", "a", timer("P1D")),
    catch("m", on("message", "hi")),
    xor("x"),
    both("p2"),
    end(),
    flows("s > p1; p1 > a > x; t > x; x > p2; p1 > m > p2; p2 > e"),
    roots=message("hi"),
)


def test_the_shape_of_the_answer(folder: Path) -> None:
    found = walked(
        folder, LOOP, walk=[{"element": "a", "data": {"again": True}}, {"element": "a", "data": {"again": False}}]
    )
    assert found == {
        "steps": [
            {"open": ["a"], "chosen": "a", "data": {"again": True}},
            {"open": ["a"], "chosen": "a", "data": {"again": False}},
        ],
        "outcome": "completed",
        "element": None,
    }


def test_open_names_everything_that_can_be_chosen_with_repeats(folder: Path) -> None:
    xml = diagram(
        start(),
        both("p1"),
        manual("a", many(number="3")),
        catch("m", on("message", "hi")),
        catch("t", timer("P1D")),
        both("p2"),
        end(),
        flows("s > p1; p1 > a > p2; p1 > m > p2; p1 > t > p2; p2 > e"),
        roots=message("hi"),
    )
    found = walked(folder, xml, walk=[{"element": e} for e in ("t", "a", "m", "a", "a")])
    assert [step["open"] for step in found["steps"]] == [
        ["a", "a", "a", "m", "t"],
        ["a", "a", "a", "m"],
        ["a", "a", "m"],
        ["a", "a"],
        ["a"],
    ]
    assert found["outcome"] == "completed"


@pytest.mark.parametrize("seed", range(6))
def test_the_modes_agree_and_a_seed_is_repeatable(folder: Path, seed: int) -> None:
    walks = [
        walked(folder, xml, "--seed", str(seed), "--mode", mode)
        for xml in (LOOP, SPLIT)
        for mode in ("live", "reload", "replay", "live")
    ]
    assert walks[0] == walks[1] == walks[2] == walks[3]
    assert walks[4] == walks[5] == walks[6] == walks[7]
    assert {w["outcome"] for w in walks} == {"completed"}


@pytest.mark.parametrize("key", ["execution_year", "quarterly_monitoring", "recommendation"])
@pytest.mark.parametrize("seed", range(3))
def test_what_a_walk_printed_can_be_walked_again(folder: Path, key: str, seed: int) -> None:
    """Start values and answers of services are those of the seed, and of several instances the first is taken."""
    shipped = str(resource_dir("bpmn") / f"{key}.bpmn")

    def of(*options: str) -> dict[str, Any]:
        result = CliRunner().invoke(root, ["process", "simulate", shipped, "--json", "--seed", str(seed), *options])
        out_of_steps = json.loads(result.stdout)["outcome"] == "unfinished" and "--max-steps" in options
        assert result.exit_code == (3 if out_of_steps else 0), result.output
        return dict(json.loads(result.stdout))

    printed = of("--max-steps", "60")
    recorded = [{"element": step["chosen"], "data": step["data"]} for step in printed["steps"]]
    (folder / "walk.json").write_text(json.dumps(recorded), "utf-8")
    assert of("--walk", str(folder / "walk.json"), "--mode", "reload") == printed


def test_seeds_differ(folder: Path) -> None:
    assert len({json.dumps(walked(folder, SPLIT, "--seed", str(seed))) for seed in range(8)}) > 1


def test_a_timer_is_reached_by_choosing_its_element(folder: Path) -> None:
    found = walked(folder, SPLIT, walk=[{"element": "t"}, {"element": "m", "data": {"x": 1}}])
    assert [s["open"] for s in found["steps"]] == [["a", "m", "t"], ["m"]]
    assert found["outcome"] == "completed"


@pytest.mark.parametrize("walk", [[{"element": "b"}], [{"element": "a", "data": {"again": False}}, {"element": "a"}]])
def test_a_walk_to_what_is_not_open_ends_with_a_sentence(folder: Path, walk: Any) -> None:
    result = run(folder, LOOP, "--json", walk=walk)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{walk[-1]['element']} is not open" in result.stderr


def test_forms_are_filled_from_their_schemas(folder: Path) -> None:
    xml = diagram(element("startEvent", "s", c_formKey="note"), user("a", c_formKey="note"), end(), flows("s > a > e"))
    for seed in range(5):
        (step,) = walked(folder, xml, "--seed", str(seed))["steps"]
        assert set(step["data"]) == {"note", "amount"}
        assert 3 <= step["data"]["amount"] <= 9


def test_a_called_process_is_found_in_the_file_and_beside_it(folder: Path) -> None:
    inner = process(start("is"), manual("inner"), end("ie"), flows("is > inner > ie"), key="child")
    outer = process(start(), call("k", many(number="2")), manual("after"), end(), flows("s > k > after > e"))
    walk = [{"element": e} for e in ("inner", "inner", "after")]
    together = walked(folder, document(outer, inner), walk=walk)
    (folder / "other.bpmn").write_bytes(document(inner))
    beside = walked(folder, document(outer), walk=walk)
    assert [s["open"] for s in together["steps"]] == [["inner", "inner"], ["inner"], ["after"]]
    assert together == beside
    assert walked(folder, document(outer, inner), "--mode", "replay", walk=walk) == beside


def test_a_process_that_is_nowhere_is_refused(folder: Path) -> None:
    result = run(folder, diagram(start(), call("k", called="nobody"), end(), flows("s > k > e")))
    assert result.exit_code == 1
    assert "nobody" in result.stderr


def test_an_interrupted_call_takes_its_child_with_it(folder: Path) -> None:
    inner = process(start("is"), manual("inner"), end("ie"), flows("is > inner > ie"), key="child")
    outer = process(
        start(),
        call("k"),
        boundary("t", "k", timer("P1D")),
        manual("late"),
        end(),
        end("e2"),
        flows("s > k > e; t > late > e2"),
    )
    found = walked(folder, document(outer, inner), "--mode", "replay", walk=[{"element": "t"}, {"element": "late"}])
    assert [s["open"] for s in found["steps"]] == [["inner", "t"], ["late"]]


# ---- how a walk ends -------------------------------------------------------------------------------------------------------


def test_a_walk_that_ends_on_its_way_is_unfinished(folder: Path) -> None:
    assert walked(folder, LOOP, walk=[])["outcome"] == "unfinished"
    assert walked(folder, LOOP, "--max-steps", "1", walk=[AGAIN])["outcome"] == "unfinished"


@pytest.mark.parametrize("walk", [None, [AGAIN] * 3])
def test_a_walk_out_of_steps_says_so_with_its_own_exit_code(folder: Path, walk: Any) -> None:
    long = diagram(start(), manuals("a b c"), end(), flows("s > a > b > c > e")) if walk is None else LOOP
    result = run(folder, long, "--max-steps", "2", walk=walk)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "unfinished"
    assert "--max-steps" in result.stderr


def test_a_join_that_no_token_reaches_is_stuck(folder: Path) -> None:
    xml = diagram(
        start(), xor("g", "a"), manuals("a b"), both("j"), end(), flows("s > g; g > a > j; g > b [false]; b > j; j > e")
    )
    found = walked(folder, xml, code=1)
    assert (found["outcome"], found["element"]) == ("stuck", None)
    assert [s["chosen"] for s in found["steps"]] == ["a"]


STANDING = "s > g; g > a [true]; g > b; a > j; b > j; j > e"


@pytest.mark.parametrize("mode", ["live", "reload", "replay"])
def test_a_case_that_can_never_go_on_is_told_by_the_exit_code_and_a_sentence(folder: Path, mode: str) -> None:
    xml = diagram(start(), xor("g", "b"), manuals("a b"), both("j"), end(), flows(STANDING))
    result = run(folder, xml, "--mode", mode)
    assert result.exit_code == 1
    assert "stuck: เกตเวย์ขนาน j รอ งาน b" in result.stderr
    assert "parallel gateway j waits for manual task b" in result.stderr


def test_a_child_that_can_never_go_on_is_told_too(folder: Path) -> None:
    child = process(start("is"), xor("g", "b"), manuals("a b"), both("j"), end("ie"), key="child") + ""
    child = child.replace(
        "</bpmn:process>", flows(STANDING.replace("s >", "is >").replace("> e", "> ie")) + "</bpmn:process>"
    )
    result = run(folder, document(process(start(), call("k"), end(), flows("s > k > e")), child))
    assert result.exit_code == 1
    assert "j waits for" in result.stderr


def test_one_branch_that_can_never_go_on_is_told_while_another_goes_round(folder: Path) -> None:
    beside = boundary("r", "c", timer("R/P1D", "timeCycle"), cancel=False)
    nodes = (both("p1"), xor("g", "b"), manuals("a b c"), both("j"), beside, end("e2"), end("e3"))
    path = f"s > p1; p1 > g; p1 > c > e2; r > e3; {STANDING.removeprefix('s > g; ')}"
    xml = diagram(start(), *nodes, end(), flows(path))
    result = run(folder, xml, walk=[{"element": "a"}, {"element": "r"}, {"element": "r"}])
    assert result.exit_code == 1
    assert "j waits for" in result.stderr
    assert run(folder, xml, walk=[{"element": "r"}, {"element": "r"}]).exit_code == 0


BAD_GATE = xor("g") + flows("g > x1 [1 > var('x', 'a')]; g > x2 [2 > var('x', 'a')]") + manuals("x1 x2")


def failing() -> dict[str, tuple[bytes, str]]:
    inner = start("is") + manual("a") + BAD_GATE + end("ie") + flows("is > a > g; x1 > ie; x2 > ie")
    decision = element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r")
    outer = start() + call("k") + end() + flows("s > k > e")
    spinning = start("rs") + call("again", called="p") + end("re") + flows("rs > again > re")
    return {
        "gateway": (diagram(start(), manual("a"), BAD_GATE, end(), flows("s > a > g; x1 > e; x2 > e")), "g"),
        "no way out": (
            diagram(
                start(),
                manual("a"),
                xor("g"),
                manuals("b c"),
                end(),
                flows("s > a > g; g > b [1 > 2]; g > c [2 > 3]; b > e; c > e"),
            ),
            "g",
        ),
        "inclusive": (
            diagram(
                start(),
                manual("a"),
                element("inclusiveGateway", "g"),
                manuals("b c"),
                end(),
                flows("s > a > g; g > b [1 > 2]; g > c [2 > 3]; b > e; c > e"),
            ),
            "g",
        ),
        "decision": (diagram(start(), manual("a"), decision, end(), flows("s > a > d > e")), "d"),
        "instances": (
            diagram(start(), manual("a"), manual("mi", many("nobody")), end(), flows("s > a > mi > e")),
            "mi",
        ),
        "completion": (
            diagram(
                start(),
                plain_sub("mi", many(number="2", until="1 > var('x', 'a')"), body="a"),
                end(),
                flows("s > mi > e"),
            ),
            "mi",
        ),
        "subprocess": (diagram(start(), sub("sp", inner), end(), flows("s > sp > e")), "g"),
        "child": (document(process(outer), process(inner, key="child")), "g"),
        "attribute": (
            diagram(
                start(), manual("a"), user("b", c_formKey="note", c_assignee="${nobody}"), end(), flows("s > a > b > e")
            ),
            "b",
        ),
        "timer": (
            diagram(start(), manual("a"), catch("t", timer("nobody", "timeDate")), end(), flows("s > a > t > e")),
            "t",
        ),
        "at the start": (diagram(start(), catch("t", timer("nobody", "timeDate")), end(), flows("s > t > e")), "t"),
        "error": (
            diagram(start(), manual("a"), end("e", on("error", "oops")), flows("s > a > e"), roots=error("oops")),
            "e",
        ),
        "endless": (
            diagram(start(), manual("a"), xor("g"), xor("h", "g"), end(), flows("s > a > g > h; h > g; h > e [false]")),
            "g",
        ),
        "calls itself": (document(process(spinning)), "again"),
    }


@pytest.mark.parametrize("mode", ["live", "reload", "replay"])
@pytest.mark.parametrize("name", list(failing()))
def test_a_failed_walk_names_its_element(folder: Path, name: str, mode: str) -> None:
    (folder / "D.dmn").write_bytes(table((["1"], ["1"]), inputs="nobody"))
    xml, wanted = failing()[name]
    result = run(folder, xml, "--json", "--mode", mode)
    assert result.exit_code == 1, result.output
    found = json.loads(result.stdout)
    assert found["outcome"] == "failed"
    assert found["element"] in ({"g", "h"} if name == "endless" else {wanted})
    assert result.stderr.strip()


def test_the_same_in_words(folder: Path) -> None:
    result = run(folder, failing()["gateway"][0])
    assert result.exit_code == 1
    assert "1 a  (a)" in result.stdout
    assert "failed at g: " in result.stdout


# ---- hostile input -----------------------------------------------------------------------------------------------------------

DEEP = "[" * 100_000
HOSTILE_FILES = {
    "nothing": b"",
    "no xml": bytes(range(256)),
    "doctype": b'<!DOCTYPE d [<!ENTITY a "b">]><d>&a;</d>',
    "deep": b"<a>" * 3_000,
    "big": b"<a>" + b"x" * 11_000_000 + b"</a>",
    "script": diagram(start(), element("scriptTask", "a"), end(), flows("s > a > e")),
    "unknown form": diagram(start(), user("a", c_formKey="nobody"), end(), flows("s > a > e")),
    "form with a long name": diagram(start(), user("a", c_formKey="x" * 5_000), end(), flows("s > a > e")),
    "form elsewhere": diagram(start(), user("a", c_formKey="../../etc/passwd"), end(), flows("s > a > e")),
    "unknown topic": diagram(start(), service("a", topic="nobody"), end(), flows("s > a > e")),
    "no process": document(),
}


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_hostile_file_ends_in_a_sentence(folder: Path, name: str) -> None:
    result = run(folder, HOSTILE_FILES[name], "--json")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "walk",
    [
        "",
        "{",
        "{}",
        "5",
        "[5]",
        '[{"element": 5}]',
        '[{"data": {}}]',
        '[{"element": "a", "data": []}]',
        DEEP,
        '[{"element": "a", "data": {"x": NaN}}]',
        '[{"element": "a", "data": {"x": 1e400}}]',
        '[{"element": "a", "data": {"x": "\\ud800"}}]',
        "\ufeff[",
    ],
    ids=range(13),
)
def test_a_hostile_walk_ends_in_a_sentence(folder: Path, walk: str) -> None:
    result = run(folder, LOOP, "--json", walk=walk)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "form",
    ["- a", "x: [", "a: &a [*a]", "type: 5", "properties: 5", "{type: object, properties: {a: {type: frog}}}", "\x00"],
)
def test_a_hostile_form_ends_in_a_sentence(folder: Path, form: str) -> None:
    (folder / "f.yaml").write_text(form, "utf-8")
    result = run(folder, diagram(start(), user("a", c_formKey="f"), end(), flows("s > a > e")))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "f.yaml" in result.stderr


def test_values_that_cannot_be_stored_fail_the_walk(folder: Path) -> None:
    found = walked(folder, LOOP, walk=[{"element": "a", "data": {"x": 10**30}}], code=1)
    assert found["outcome"] == "failed"


def test_typename_is_just_a_field(folder: Path) -> None:
    found = walked(
        folder,
        LOOP,
        "--mode",
        "reload",
        walk=[{"element": "a", "data": {"typename": "x", "again": False, "y": {"typename": 1}}}],
    )
    assert found["outcome"] == "completed"


def test_a_race_is_decided_by_the_walk(folder: Path) -> None:
    xml = diagram(
        start(),
        race("r"),
        catch("m", on("message", "hi")),
        catch("t", timer("P1D")),
        manuals("a b"),
        end(),
        flows("s > r; r > m > a > e; r > t > b > e"),
        roots=message("hi"),
    )
    assert [s["open"] for s in walked(folder, xml, walk=[{"element": "t"}, {"element": "b"}])["steps"]] == [
        ["m", "t"],
        ["b"],
    ]
    assert [s["open"] for s in walked(folder, xml, walk=[{"element": "m"}, {"element": "a"}])["steps"]] == [
        ["m", "t"],
        ["a"],
    ]
