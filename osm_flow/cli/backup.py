"""`osm-flow backup`: a copy of the database and of what is new among its files, while they are in use."""

from __future__ import annotations

from pathlib import Path

import click

from osm_flow.cli.context import Context, say
from osm_flow.store import backup as copies
from osm_flow.store.backup import CopiedFiles


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--files-only", is_flag=True, help="FILE is a folder: copy the files alone (PostgreSQL, after pg_dump).")
@click.option("--drop-unnamed", is_flag=True, help="Then delete files beside it that no backup in that folder names.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def backup(context: Context, file: Path, files_only: bool, drop_unnamed: bool, as_json: bool) -> None:
    """Copy the SQLite database to FILE while the site goes on, and new files to the folder `files` beside it.

    One such folder serves all backups in its place: keep it with them. The keys in OSM_DATA_DIR are not in a backup: copy
    them apart.
    """
    if files_only and drop_unnamed:
        raise click.UsageError("--drop-unnamed goes by the backups beside it, which --files-only does not make")
    if files_only:
        file.mkdir(parents=True, exist_ok=True)
        done, size = copies.copy_files(context.store, file), 0
    else:
        done = copies.backup(context.store, file)
        size = file.stat().st_size
    dropped = copies.drop_unnamed(file.absolute().parent) if drop_unnamed else 0
    report = {"file": str(file), "bytes": size, **told(done), "files_dropped": dropped}
    text = [] if files_only else [f"{file}: {size} bytes"]
    text.append(f"{done.copied} files copied ({done.bytes} bytes), {done.known} there already")
    text += [f"{dropped} files dropped that no backup here names"] if drop_unnamed else []
    say(report, as_json, "\n".join(text))
    refuse_silence(done)


def told(done: CopiedFiles) -> dict[str, object]:
    """What came of the files, for machines."""
    return {
        "files_copied": done.copied,
        "file_bytes": done.bytes,
        "files_known": done.known,
        "files_missing": done.missing,
    }


def refuse_silence(done: CopiedFiles) -> None:
    """Name the files that are missing or damaged, and end with code 1: everything else was done."""
    for digest in done.missing:
        click.echo(f"missing or damaged: {digest} (osm-flow db verify says what names it)", err=True)
    if done.missing:
        raise SystemExit(1)
