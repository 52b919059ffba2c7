"""`osm-flow process lint` and `process simulate`: for people who draw, without touching the database."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import click

from osm_flow.cli.diagram_files import DiagramFile
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine import endless_calls
from osm_flow.engine.simulation.branch_values import guesses_of
from osm_flow.engine.simulation.walk import Assumptions, Mode, Simulation, Walk
from osm_flow.engine.values import Problem
from osm_flow.operations.definitions.deployments import decision_problems, read_form, unknown_file, used_twice

OUT_OF_STEPS = 3  # 2 is click's, for options that are wrong
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

_NO_DIAGRAM = Problem(
    "",
    "no_diagram",
    "ไม่มีไฟล์ .bpmn แบบฟอร์มและตารางการตัดสินใจใช้งานได้เมื่อส่งพร้อมกับกระบวนการที่ใช้เท่านั้น",
    "there is no .bpmn file: forms and decision tables are deployed together with the processes that use them",
    "warning",
)


def _as_json(path: Path, problem: Problem) -> dict[str, str]:
    return {
        "file": path.name,
        "element": problem.element,
        "name": problem.name,
        "code": problem.code,
        "level": problem.level,
        "th": problem.th,
        "en": problem.en,
    }


def _problems(files: tuple[Path, ...]) -> list[tuple[Path, Problem]]:
    """The problems of the files, each told once: of the file in which it lies."""
    found = [(path, problem) for path in files if path.suffix != ".bpmn" for problem in _of_other(path)]
    diagrams = [DiagramFile(path, files) for path in files if path.suffix == ".bpmn"]
    readable = {diagram.path.name: diagram.diagram for diagram in diagrams if diagram.is_readable}
    found += [(files[0], problem) for problem in used_twice((path.name for path in files), readable)]
    if not diagrams and not any(problem.level == "error" for _, problem in found):
        found.append((files[0], _NO_DIAGRAM))
    for diagram in diagrams:
        found += [(diagram.path, problem) for problem in diagram.problems()]
    if not any(problem.level == "error" for _, problem in found):
        round_about = endless_calls(diagram.diagram.root for diagram in diagrams)
        found += [(_holding(diagrams, problem), problem) for problem in round_about]
    told: dict[Problem, Path] = {}
    for path, problem in found:
        told.setdefault(problem, path)
    return [(path, problem) for problem, path in told.items()]


def _of_other(path: Path) -> list[Problem]:
    if path.suffix == ".dmn":
        return decision_problems(path.name, path.read_bytes())
    if path.suffix in (".yaml", ".yml"):
        return read_form(path.name, path.read_bytes())[1]
    return [unknown_file(path.name)]


def _holding(diagrams: list[DiagramFile], problem: Problem) -> Path:
    held = (d.path for d in diagrams if d.diagram.root.xpath("//*[@id=$id]", id=problem.element))
    return next(held, diagrams[0].path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def lint(files: tuple[Path, ...], as_json: bool) -> None:
    """Check diagrams (.bpmn), decisions (.dmn) and forms (.yaml) as their deployment would; exit code 1 if refused.

    Forms and decisions that are not named are looked for beside the diagram, then among those shipped.
    """
    problems = _problems(tuple({path.resolve(): path for path in files}.values()))
    if as_json:
        click.echo(
            json.dumps({"items": [_as_json(*row) for row in problems], "next": None}, ensure_ascii=False, indent=2)
        )
    for path, problem in problems:
        if not as_json:
            click.echo(f"{path.name}: {problem.level}: {problem.where}: {problem.th} / {problem.en}", err=True)
    if any(problem.level == "error" for _, problem in problems):
        raise SystemExit(1)


def _read_walk(path: Path | None) -> list[dict[str, Any]] | None:
    if path is None:
        return None
    try:
        walk = json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
        json.dumps(walk, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as fault:
        raise click.ClickException(f"{path.name} cannot be read as JSON: {fault}") from None
    sound = isinstance(walk, list) and all(isinstance(e, dict) and isinstance(e.get("element"), str) for e in walk)
    if not sound or any(not isinstance(e.get("data", {}), dict) for e in walk):
        raise click.ClickException('a walk is a list of {"element": "id", "data": {…}}')
    return list(walk)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is too large a number")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


def _say(walk: Walk) -> None:
    for number, step in enumerate(walk.steps, 1):
        click.echo(f"{number:4} {step['chosen']}  ({', '.join(step['open'])})")
    click.echo(walk.outcome + (f" at {walk.element}: {walk.reason}" if walk.reason else ""))


@click.command()
@click.argument("file", type=_FILE)
@click.option("--seed", type=int, default=0, help="Where the random choices begin; the same seed is the same walk.")
@click.option("--walk", "walk_file", type=_FILE, help="A recorded walk to follow instead of random choices.")
@click.option(
    "--mode",
    type=click.Choice(["live", "reload", "replay"]),
    default="live",
    help="How the state travels between steps.",
)
@click.option("--max-steps", type=click.IntRange(min=1), default=500, help="Stop after so many choices.")
@click.option("--process", "key", help="The process to start, if the file holds several.")
@click.option("--json", "as_json", is_flag=True, help="Print the walk as JSON.")
def simulate(
    file: Path, seed: int, walk_file: Path | None, mode: Mode, max_steps: int, key: str | None, as_json: bool
) -> None:
    """Walk a diagram with random choices, or along a recorded walk.

    Exit code 0: completed, or walked as recorded; 1: stuck (the case can never go on) or failed; 3: out of steps.
    """
    source = DiagramFile(file)
    start = key or source.diagram.main_key
    source.process(start)
    assumed = Assumptions(topics=RESULT_SCHEMAS, guesses=guesses_of(source.diagram.root))
    simulation = Simulation(source.process, start, seed=seed, mode=mode, assumed=assumed)
    walk = simulation.run(_read_walk(walk_file), max_steps)
    if as_json:
        click.echo(json.dumps(walk.as_json(), ensure_ascii=False, indent=2))
    else:
        _say(walk)
    if walk.outcome == "failed" and as_json:
        click.echo(walk.reason, err=True)
    for standstill in walk.standing:
        click.echo(f"stuck: {standstill.words.th} / {standstill.words.en}", err=True)
    if walk.out_of_steps:
        th = f"ครบ {max_steps} ขั้นก่อนเรื่องจบ ให้เพิ่ม --max-steps"
        click.echo(f"unfinished: {th} / {max_steps} steps were taken before the end: raise --max-steps", err=True)
        raise SystemExit(OUT_OF_STEPS)
    if walk.outcome in ("stuck", "failed"):
        raise SystemExit(1)
