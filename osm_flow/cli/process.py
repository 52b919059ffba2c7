"""`osm-flow process`: process definitions."""

from __future__ import annotations

from pathlib import Path

import click

from osm_flow.cli.context import Context, say
from osm_flow.cli.simulate import lint, simulate
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.engine import DefinitionRefused, Problem
from osm_flow.operations.definitions import deployments, library
from osm_flow.store.models import ProcessDefinition


@click.group()
def process() -> None:
    """Lint, deploy, list and simulate process definitions."""


process.add_command(lint)
process.add_command(simulate)


@process.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--shipped", is_flag=True, help="Deploy the diagrams, forms and decisions that come with the product.")
@click.option("--note", default="", help="Why, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def deploy(context: Context, files: tuple[Path, ...], shipped: bool, note: str, as_json: bool) -> None:
    """Deploy diagrams (.bpmn) with the decisions (.dmn) and forms (.yaml) that they need: all of them or none."""
    if shipped == bool(files):
        raise click.UsageError("name the files to deploy, or say --shipped")
    files = tuple({path.resolve(): path for path in files}.values())  # one that is named twice is one file
    if twice := deployments.used_twice((path.name for path in files), {}):
        _explain(twice)
        raise SystemExit(1)
    contents = deployments.shipped_files() if shipped else {path.name: path.read_bytes() for path in files}
    try:
        with context.store.transaction() as session:
            done = deployments.deploy(session, contents, SYSTEM, context.now(), note=note)
            deployed = [_as_dict(definition) for definition in done.definitions]
    except DefinitionRefused as refusal:
        _explain(refusal.problems)
        raise SystemExit(1) from None
    _explain(done.warnings)
    text = "\n".join(f"{shown['key']} version {shown['version']}" for shown in deployed) or "nothing changed"
    warnings = [vars(problem) for problem in done.warnings]
    say({"deployed": deployed, "unchanged": done.unchanged, "warnings": warnings}, as_json, text)


@process.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the newest version of every process."""
    with context.store.reading() as session:
        items = [_as_dict(definition) for definition in library.list_definitions(session)]
    lines = (f"{item['key']:<28} {item['version']:>3}  {item['name']}" for item in items)
    say({"items": items, "next": None}, as_json, "\n".join(lines))


def _as_dict(definition: ProcessDefinition) -> dict[str, object]:
    return {
        "key": definition.key,
        "version": definition.version,
        "sha256": definition.sha256,
        "name": definition.name_th,
        "startable": definition.startable,
        "start_message": definition.start_message,
    }


def _explain(problems: list[Problem]) -> None:
    for problem in problems:
        click.echo(f"{problem.level}: {problem.where}: {problem.th} / {problem.en}", err=True)
