"""`osm-flow restore`: a backup back into the database, with its files."""

from __future__ import annotations

from pathlib import Path

import click

from osm_flow.cli.backup import refuse_silence, told
from osm_flow.cli.context import Context, say
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.store import backup as copies
from osm_flow.store.upgrade import current_revision, upgrade


@click.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--replace", is_flag=True, help="Even though the database has cases: they are gone afterwards.")
@click.option("--without-files", is_flag=True, help="Even though files that the backup names are not beside it.")
@click.option("--files-only", is_flag=True, help="FILE is a folder: put back the files that the database lacks.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def restore(context: Context, file: Path, replace: bool, without_files: bool, files_only: bool, as_json: bool) -> None:
    """Put a backup into the SQLite database, with the files beside it, and bring its tables up to date.

    Then run `osm-flow case verify --all`. For PostgreSQL: pg_restore, then this with --files-only.
    """
    if files_only:
        done = copies.put_files_back(context.store, file)
        say({"file": str(file), **told(done)}, as_json, f"{done.copied} files put back, {done.known} were there")
        refuse_silence(done)
        return
    if not file.is_file():
        raise click.BadParameter("a backup is a file", param_hint="FILE")
    done = copies.restore(context.store, file, replace=replace, without_files=without_files)
    upgrade(context.store)
    with context.store.transaction() as session:
        record_as_found(session, context.now())
    revision = current_revision(context.store)
    text = f"restored {file} ({revision}), {done.copied} files put back, {done.known} were there"
    say({"file": str(file), "revision": revision, **told(done)}, as_json, text)
    refuse_silence(done)
