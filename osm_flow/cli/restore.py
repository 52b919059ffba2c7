"""`osm-flow restore`: a backup back into the database."""

from __future__ import annotations

from pathlib import Path

import click

from osm_flow.cli.context import Context, say
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.store import backup as copies
from osm_flow.store.upgrade import current_revision, upgrade


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Even though the database has cases: they are gone afterwards.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def restore(context: Context, file: Path, replace: bool, as_json: bool) -> None:
    """Put a backup into the SQLite database and bring its tables up to date. Then run `osm-flow case verify --all`."""
    copies.restore(context.store, file, replace=replace)
    upgrade(context.store)
    with context.store.transaction() as session:
        record_as_found(session, context.now())
    revision = current_revision(context.store)
    say({"file": str(file), "revision": revision}, as_json, f"restored {file} ({revision})")
