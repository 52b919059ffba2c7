"""The command line: one module for each group of commands, imported only when one of them is called."""

from __future__ import annotations

from importlib import import_module

import click

from osm_flow.cli import failures

_COMMANDS = {
    "backup": "Copy the database while it is in use.",
    "bench": "Measure speed and memory; print the figures as JSON.",
    "audit": "Sign, prove and verify the log over all journals.",
    "case": "Start, list, show, replay, verify and export cases.",
    "db": "Upgrade the database, or copy it into another one.",
    "demo": "Load the demo cluster.",
    "incident": "List and retry incidents.",
    "mining": "Write event logs for process mining.",
    "privacy": "Find, hold and erase personal data.",
    "process": "Lint, deploy, list and simulate process definitions.",
    "restore": "Put a backup into the database.",
    "scheduler": "Run the sweeps.",
    "serve": "Serve the site.",
    "timer": "List timers.",
    "user": "Create, lock and list people, give positions.",
}


class _Commands(click.Group):
    """Finds `osm-flow NAME` as the object NAME of module `osm_flow.cli.NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command and take the command from it."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"osm_flow.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their help."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(_COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what cannot be helped is said in a sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            sentence = failures.sentence_for(error, ctx.obj)
            if sentence is None:
                raise
            raise click.ClickException(sentence) from error


@click.group(cls=_Commands)
@click.version_option(package_name="osm-flow")
def root() -> None:
    """The yearly work of a provincial cluster's Office of Strategy Management."""
