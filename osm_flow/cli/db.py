"""`osm-flow db`: the database itself."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from osm_flow.cli.context import Context, say
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.journal import Fault
from osm_flow.domain.states import RebuildingState
from osm_flow.operations.audit import log_checks
from osm_flow.operations.audit.kept_checkpoints import kept_copies
from osm_flow.operations.comparing import checks, coverage
from osm_flow.operations.comparing.administration import record_as_found
from osm_flow.operations.comparing.differences import NotRecorded
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.rebuilding import requests, rounds
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store import copying
from osm_flow.store.models import Rebuilding
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
    with context.store.transaction() as session:
        record_as_found(session, context.now())
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
@click.option("--rebuild", is_flag=True, help="Ask that what differs be put back; another administrator confirms it.")
@click.option("--reason", default="", help="With --rebuild: why; it stays for ever, so name nobody in it.")
@click.option("--as", "username", default="", help="With --rebuild: who asks (user name).")
@click.option("--json", "as_json", is_flag=True, help="Print the differences, and what no chain proves, as JSON.")
@click.pass_obj
def verify(context: Context, only: str, rebuild: bool, reason: str, username: str, as_json: bool) -> None:
    """Compare the tables with the journals and chains that prove them; exit code 1 if anything differs.

    Each difference names table, row, column, what was recorded and what was found. What no chain proves is listed.
    With --rebuild nothing is changed yet: `osm-flow db rebuild` does that, once somebody else confirms it.
    """
    wanted = [name.strip() for name in only.split(",") if name.strip()]
    if rebuild:
        _ask(context, wanted, reason, username, as_json)
        return
    if reason or username:
        raise click.UsageError("--reason and --as go with --rebuild")
    not_recorded: list[NotRecorded] = []
    with context.store.reading() as session:
        differences = list(checks.compare(session, wanted, not_recorded.append))
    for difference in differences:
        click.echo(f"{difference.en}\n{difference.th}", err=True)
    tables = wanted or list(coverage.COMPARED)
    columns = {f"{table}.{column}": why for (table, column), why in coverage.UNPROVEN_COLUMNS.items()}
    report = {
        "compared": tables,
        "by_chains": list(coverage.CHAINS),
        "differences": [one.as_json() for one in differences],
        "not_recorded": [vars(one) for one in not_recorded],
        "unproven": dict(coverage.UNPROVEN),
        "unproven_columns": columns,
    }
    lines = [f"{len(tables)} tables compared, {len(differences)} differences"]
    lines += _told_of(not_recorded)
    lines += [f"unproven: {name}: {why}" for name, why in {**coverage.UNPROVEN, **columns}.items()]
    say(report, as_json, "\n".join(lines))
    if differences:
        raise SystemExit(1)


@db.command("rebuild")
@click.argument("request_id", type=int, metavar="REQUEST", required=False)
@click.option("--as", "username", required=True, help="Who confirms it, or carries on what was confirmed (user name).")
@click.option("--withdraw", is_flag=True, help="End the request instead of confirming it.")
@click.option("--json", "as_json", is_flag=True, help="Print what was put back, and what was not, as JSON.")
@click.pass_obj
def rebuild_(context: Context, request_id: int | None, username: str, withdraw: bool, as_json: bool) -> None:
    """Confirm what another administrator asked for, and put the rows back; without REQUEST list what waits.

    Each case is one transaction, and so is the administration. After a crash give the command again. Exit code 1 if
    something could not be put back: it is named, with the reason.
    """
    now = context.now()
    with context.store.transaction() as session:
        actor = actor_named(session, username, local_day(now))
        if request_id is None:
            waiting = [_request(request) for request in requests.open_requests(session, actor)]
            say({"items": waiting}, as_json, "\n".join(_line(one) for one in waiting))
            return
        if withdraw:
            request = requests.withdraw(session, request_id, actor, now)
        elif (request := requests.get(session, request_id)).state == RebuildingState.ASKED:
            requests.confirm(session, request_id, actor, now)
    if withdraw:
        say(_request(request), as_json, f"request {request_id} withdrawn\nถอนคำขอที่ {request_id} แล้ว")
        return
    _tell(
        request_id, rounds.carry_out(context.store, request_id, actor, now, kept=kept_copies(context.keyring)), as_json
    )


def _told_of(not_recorded: list[NotRecorded]) -> list[str]:
    """What nothing records: counted and listed, by reason and table, and since when it is recorded as it was found."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for one in not_recorded:
        groups.setdefault((one.why, one.table, one.column, one.since or ""), []).append(one.row)
    return [
        f"{why}: {table}{'.' + column if column else ''}: {len(rows)} "
        f"({'taken as found on ' + since if since else 'taken as found now'}): {', '.join(rows)}"
        for (why, table, column, since), rows in groups.items()
    ]


def _ask(context: Context, tables: list[str], reason: str, username: str, as_json: bool) -> None:
    if not username:
        raise click.UsageError("say who asks: --as USERNAME")
    now = context.now()
    with context.store.transaction() as session:
        actor = actor_named(session, username, local_day(now))
        request = requests.ask(session, actor, now, tables=tables, reason=reason)
    lines = (
        f"request {request.id}: nothing is changed yet; another administrator of all offices confirms it:",
        f"คำขอที่ {request.id}: ยังไม่มีการเปลี่ยนแปลงใด ผู้ดูแลระบบของทุกกลุ่มจังหวัดอีกคนหนึ่งต้องยืนยันด้วยคำสั่ง",
        f"osm-flow db rebuild {request.id} --as USERNAME",
    )
    say(_request(request), as_json, "\n".join(lines))


def _tell(request_id: int, outcome: rounds.CarriedOut, as_json: bool) -> None:
    for left in outcome.left:
        click.echo(f"{left.difference.en} Not put back: {left.why.en}.", err=True)
        click.echo(f"{left.difference.th} สร้างคืนไม่ได้ เพราะ{left.why.th}", err=True)
    rows = [f"{row.table} {row.row}" for row in outcome.put_back]
    report = {
        "request": request_id,
        "put_back": rows,
        "left": [{**left.difference.as_json(), "why": left.why.en, "why_th": left.why.th} for left in outcome.left],
    }
    lines = [f"request {request_id}: {len(rows)} rows put back, {len(outcome.left)} differences left"]
    lines += [f"คำขอที่ {request_id}: สร้างคืน {len(rows)} แถว เหลือจุดที่ต่าง {len(outcome.left)} จุด", *rows]
    say(report, as_json, "\n".join(lines))
    if outcome.left:
        raise SystemExit(1)


def _request(request: Rebuilding) -> dict[str, Any]:
    names = ("id", "state", "asked_by", "asked_at", "decided_by", "decided_at", "done_at", "reason")
    return {name: getattr(request, name) for name in names} | {"tables": sorted(requests.tables_of(request))}


def _line(request: dict[str, Any]) -> str:
    return f"{request['id']:>5}  {request['state']:<9} {request['asked_by']:<16} {request['reason']}"


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
