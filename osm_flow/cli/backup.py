"""`osm-flow backup`: a copy of the database while it is in use."""

from __future__ import annotations

from pathlib import Path

import click

from osm_flow.cli.context import Context, say
from osm_flow.store import backup as copies


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def backup(context: Context, file: Path, as_json: bool) -> None:
    """Copy the SQLite database to FILE while the site goes on. The keys in OSM_DATA_DIR are not in it: copy them apart."""
    copies.backup(context.store, file)
    size = file.stat().st_size
    say({"file": str(file), "bytes": size}, as_json, f"{file}: {size} bytes")
