"""`osm-flow mining`: the journal as event logs that process-mining tools read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from osm_flow.cli.context import Context, say
from osm_flow.documents.event_logs import LOG_FORMS, forms_by_command
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.mining import event_log
from osm_flow.operations.privacy.pseudonyms import kept_key, pseudonyms

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class LogAsked:
    """What the options of a command say."""

    format_: str
    first: datetime | None
    last: datetime | None
    office_id: str | None
    definition_key: str | None
    names: bool
    path: Path
    reason: str
    as_json: bool


def _options() -> list[click.Parameter]:
    return [
        click.Option(["--from", "first"], type=_DAY, help="First day (Bangkok), for example 2026-10-01."),
        click.Option(["--to", "last"], type=_DAY, help="Last day, which is part of it."),
        click.Option(["--office", "office_id"], help="One office (cluster code); all when left out."),
        click.Option(["--definition", "definition_key"], help="One process; all when left out."),
        click.Option(
            ["--names"], is_flag=True, help="Say user names; else the same pseudonym stands for the same person."
        ),
        click.Option(["--out", "path"], required=True, type=_FILE, help="The file to write."),
        click.Option(["--reason"], required=True, help="Why these data are taken out; it is recorded."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
    ]


class Logs(click.Group):
    """One command for each that the table of forms names; where it writes several, `--format` says which."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands that the table of export formats names."""
        return sorted(forms_by_command())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command that writes one kind of log."""
        forms = forms_by_command().get(cmd_name)
        return _command(cmd_name, forms) if forms else None


@click.group(cls=Logs)
def mining() -> None:
    """Write event logs for process mining."""


def _command(name: str, forms: list[str]) -> click.Command:
    choice = click.Option(["--format", "format_"], type=click.Choice(forms), default=forms[0], show_default=True)
    form = LOG_FORMS[forms[0]]

    @click.pass_obj
    def write(context: Context, /, **options: Any) -> None:
        _write(context, LogAsked(**{"format_": forms[0], **options}))

    parameters = [choice, *_options()] if len(forms) > 1 else _options()
    help_ = f"Write an event log of {form.counts} as {form.standard}."
    return click.Command(name, callback=write, params=parameters, help=help_)


def _write(context: Context, asked: LogAsked) -> None:
    store, form, path = context.store, LOG_FORMS[asked.format_], asked.path
    with store.transaction() as session:
        scope = event_log.scope_for(
            session,
            SYSTEM,
            office_id=asked.office_id,
            definition_key=asked.definition_key,
            first=_day(asked.first),
            last=_day(asked.last),
        )
        event_log.prepare(
            session,
            scope,
            SYSTEM,
            context.now(),
            format_=asked.format_,
            reason=asked.reason,
            names=asked.names,
        )
    naming = None if asked.names else pseudonyms(kept_key(context.data_dir))
    # Nobody should find half a log under the name that was asked for.
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with store.reading() as session:
            counts = event_log.write(session, scope, part, format_=asked.format_, naming=naming)
        part.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    written = {"file": str(path), form.counts: counts.objects, "events": counts.events}
    say(written, asked.as_json, f"{path}: {counts.objects} {form.counts}, {counts.events} events")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment is not None else None
