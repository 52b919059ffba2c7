"""`osm-flow mining`: the journal as event logs that process-mining tools read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from osm_flow.cli.context import Context, say
from osm_flow.domain.actors import SYSTEM
from osm_flow.operations import mining as logs
from osm_flow.operations.pseudonyms import kept_key, pseudonyms

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First day (Bangkok), for example 2026-10-01."),
    click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Last day, which is part of it."),
    click.option("--office", "office_id", help="One office (cluster code); all when left out."),
    click.option("--definition", "definition_key", help="One process; all when left out."),
    click.option("--names", is_flag=True, help="Say user names; else the same pseudonym stands for the same person."),
    click.option("--out", "path", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."),
    click.option("--reason", required=True, help="Why these data are taken out; it is recorded."),
    click.option("--json", "as_json", is_flag=True, help="Print JSON."),
)  # fmt: skip


def _options(command: _Command) -> _Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def mining() -> None:
    """Write event logs for process mining."""


@mining.command()
@_options
@click.pass_obj
def xes(context: Context, /, **options: Any) -> None:
    """Write an event log of cases as IEEE XES (1849-2016)."""
    _write(context, "xes", **options)


@mining.command()
@click.option("--format", "format_", type=click.Choice(["json", "sqlite"]), default="json", show_default=True)
@_options
@click.pass_obj
def ocel(context: Context, /, format_: logs.Format, **options: Any) -> None:
    """Write an event log of objects as OCEL 2.0."""
    _write(context, format_, **options)


def _write(
    context: Context,
    format_: logs.Format,
    *,
    first: datetime | None,
    last: datetime | None,
    office_id: str | None,
    definition_key: str | None,
    names: bool,
    path: Path,
    reason: str,
    as_json: bool,
) -> None:
    store = context.store
    with store.transaction() as session:
        scope = logs.scope_for(
            session, SYSTEM, office_id=office_id, definition_key=definition_key, first=_day(first), last=_day(last)
        )
        logs.prepare(session, scope, SYSTEM, context.now(), format_=format_, reason=reason, names=names)
    naming = None if names else pseudonyms(kept_key(context.data_dir))
    # Nobody should find half a log under the name that was asked for.
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with store.reading() as session:
            counts = logs.write(session, scope, part, format_=format_, naming=naming)
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    what = "cases" if format_ == "xes" else "objects"
    found = {"file": str(path), what: counts.objects, "events": counts.events}
    say(found, as_json, f"{path}: {counts.objects} {what}, {counts.events} events")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None
