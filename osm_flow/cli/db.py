"""`osm-flow db`: the database itself."""

from __future__ import annotations

import click

from osm_flow.cli.context import Context, say
from osm_flow.store.upgrade import current_revision, upgrade


@click.group()
def db() -> None:
    """Upgrade the database."""


@db.command("upgrade")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def upgrade_(context: Context, as_json: bool) -> None:
    """Make the tables, or bring them up to date. Safe to repeat, and for several machines at once."""
    done = upgrade(context.store)
    revision = current_revision(context.store)
    text = f"upgraded to {revision}" if done else f"up to date ({revision})"
    say({"applied": done, "revision": revision}, as_json, text)
