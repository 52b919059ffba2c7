"""`osm-flow db`: the database itself."""

from __future__ import annotations

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from osm_flow.cli.context import Context, say
from osm_flow.domain.journal import Fault
from osm_flow.operations.audit import log_checks
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.comparing import checks, coverage
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store import copying
from osm_flow.store.session import Limits, Store
from osm_flow.store.upgrade import current_revision, upgrade

# Whole tables are read and written, and cases replayed between two statements.
_WITHOUT_HURRY = Limits(lock=60, statement=0, idle=0)


@click.group()
def db() -> None:
    """Upgrade the database, copy it into another one, or compare its tables with the chains that prove them."""


@db.command("upgrade")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def upgrade_(context: Context, as_json: bool) -> None:
    """Make the tables, or bring them up to date. Safe to repeat, and for several machines at once."""
    done = upgrade(context.store)
    revision = current_revision(context.store)
    text = f"upgraded to {revision}" if done else f"up to date ({revision})"
    say({"applied": done, "revision": revision}, as_json, text)


@db.command()
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@click.pass_obj
def copy(context: Context, target: str, as_json: bool) -> None:
    """Copy everything into the empty database TARGET (an address such as postgresql://…), and verify it there.

    Stop the site and the scheduler first: what is written afterwards is not copied. Every row is compared, and every
    chain, state and checkpoint verified, before anything is kept. OSM_DATA_DIR stays: the keys belong to both.
    """
    store = _store_at(target)
    try:
        with copying.copied(context.store, store) as done:
            faults = _faults(context, done.session)
            if faults:
                with context.store.reading() as session:
                    before = set(_faults(context, session))
                if not before.issuperset(faults):
                    raise copying.CopyDiffers(table="the chains")
    finally:
        store.close()
    for fault in faults:
        click.echo(f"{fault.case_id} record {fault.seq}: {fault.code}: {fault.message}", err=True)
    rows = sum(done.rows.values())
    same = "verified there" if not faults else f"with the {len(faults)} faults that it had"
    say({"rows": done.rows, "faults": len(faults)}, as_json, f"{rows} rows of {len(done.rows)} tables copied, {same}")
    if faults:
        raise SystemExit(1)


@db.command()
@click.option("--only", default="", help="These tables alone, such as comments,attachments.")
@click.option("--json", "as_json", is_flag=True, help="Print the differences, and what no chain proves, as JSON.")
@click.pass_obj
def verify(context: Context, only: str, as_json: bool) -> None:
    """Compare the tables with the journals and chains that prove them; exit code 1 if anything differs.

    Each difference names table, row, column, what was recorded and what was found. What no chain proves is listed.
    """
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    with context.store.reading() as session:
        differences = list(checks.compare(session, wanted))
    for difference in differences:
        click.echo(f"{difference.en}\n{difference.th}", err=True)
    tables = wanted or list(coverage.COMPARED)
    columns = {f"{table}.{column}": why for (table, column), why in coverage.UNPROVEN_COLUMNS.items()}
    report = {
        "compared": tables,
        "by_chains": list(coverage.CHAINS),
        "differences": [{**vars(one), "en": one.en, "th": one.th} for one in differences],
        "unproven": dict(coverage.UNPROVEN),
        "unproven_columns": columns,
    }
    lines = [f"{len(tables)} tables compared, {len(differences)} differences"]
    lines += [f"unproven: {name}: {why}" for name, why in {**coverage.UNPROVEN, **columns}.items()]
    say(report, as_json, "\n".join(lines))
    if differences:
        raise SystemExit(1)


def _store_at(target: str) -> Store:
    try:
        make_url(target)
        return Store(target, _WITHOUT_HURRY)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise click.BadParameter(str(error), param_hint="TARGET") from None


def _faults(context: Context, session: Session) -> list[Fault]:
    """Everything that a verification of all cases and of the log finds."""
    of_cases = [fault for _, faults in verify_all(session) for fault in faults]
    kept = kept_copies(context.keyring)
    of_log = log_checks.check_log(session, trusted=context.keyring.trusted(), kept=kept).faults
    return list(dict.fromkeys([*of_cases, *of_log]))
