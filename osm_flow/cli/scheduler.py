"""`osm-flow scheduler`: run the sweeps without the site."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from osm_flow.cli.context import Context, say
from osm_flow.operations.sweeps import Means, SweepReport, sweep_all
from osm_flow.scheduler import owner_name, start
from osm_flow.serving import asked_to_stop


class InstantType(click.ParamType[datetime]):
    """An RFC 3339 instant, with its offset."""

    name = "RFC3339"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the instant that was typed."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant such as 2026-11-20T09:30:00+07:00", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value!r} does not say its offset from UTC, such as Z or +07:00", param, ctx)
        return instant.astimezone(UTC)


@click.command()
@click.option("--once", is_flag=True, help="Do everything that is due and end.")
@click.option("--at", type=InstantType(), help="With --once: what is due at this instant, instead of now.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def scheduler(context: Context, once: bool, at: datetime | None, as_json: bool) -> None:
    """Fire timers, run services, deliver, remind, send mail and sign the audit log; for ever, or once."""
    if at is not None and not once:
        raise click.UsageError("--at needs --once")
    means = means_of(context)
    if once:
        _once(context, at or context.now(), means, as_json)
        return
    _run_until_told(context, means)


def _once(context: Context, now: datetime, means: Means, as_json: bool) -> None:
    """Whatever fails, the rest is done; exit code 1 says that something failed."""
    with asked_to_stop(lambda: None) as asked:
        report = sweep_all(context.store, now, owner_name(), replace(means, is_stopping=asked.is_set))
    for name, reason in report.broken.items():
        click.echo(f"{name} could not run: {reason}", err=True)
    say(report.as_dict(), as_json, _sentence(report))
    if report.failures:
        raise SystemExit(1)


def means_of(context: Context) -> Means:
    """What the sweeps of this installation may use."""
    return Means(context.channels(), context.keyring, context.keeping)


def _run_until_told(context: Context, means: Means) -> None:
    ticker = start(context.store, context.now, owner_name(), means)
    with asked_to_stop(ticker.ask_to_stop) as asked:
        click.echo(f"scheduler {ticker.owner} is running; stop it with Ctrl-C", err=True)
        try:
            asked.wait()
        finally:
            ticker.stop()


def _sentence(report: SweepReport) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in report.as_dict().items() if name != "unfinished")
    return f"{counts}; {'more is left to do' if report.unfinished else 'nothing is left to do'}"
