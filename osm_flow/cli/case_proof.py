"""The commands of `osm-flow case` that prove: verify, export."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from osm_flow.cli.audit import keys_in, verified, write_signed, written_whole
from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.journal import Fault
from osm_flow.domain.merkle_note import KeyTextWrong
from osm_flow.operations.audit import log_checks
from osm_flow.operations.audit.log_checks import LogReport
from osm_flow.operations.audit.signing_keys import TrustUnreadable
from osm_flow.operations.bundles import checking as bundle_checking
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.checking import Verifier
from osm_flow.operations.bundles.reading import FIRST, BundleUnreadable
from osm_flow.operations.bundles.verdicts import Outcome, Verdict
from osm_flow.operations.bundles.writing import Unsigned
from osm_flow.operations.comparing import checks
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.replay import verify
from osm_flow.operations.replay.case_document import exported
from osm_flow.operations.replay.compare_states import Deep
from osm_flow.store.database_errors import trouble_of

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify")
@click.argument("case_id", required=False)
@click.option("--all", "every", is_flag=True, help="Every case.")
@click.option("--deep", is_flag=True, help="Tell the first state that differs, both as recorded and as replayed.")
@click.option("--bundle", type=_FILE, help="An exported bundle instead of a case of this installation.")
@click.option(
    "--key", type=_FILE, help="With --bundle: the public keys to trust, one per line; else this machine's own."
)
@click.option("--checkpoint", type=_FILE, help="With --bundle: a checkpoint that a witness kept, to compare with.")
@click.option("--consistency", type=_FILE, help="With --checkpoint: the proof that `audit consistency --json` printed.")
@click.option(
    "--allow-newer", is_flag=True, help="With --bundle: take what no signature covers, and tell what that is."
)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def verify_(
    context: Context,
    /,
    case_id: str | None,
    every: bool,
    deep: bool,
    bundle: Path | None,
    as_json: bool,
    **of_bundle: Any,
) -> None:
    """Recompute the chains and replay the cases; exit code 1 if anything is wrong, 3 without a trusted key that signed."""
    if [every, bool(case_id), bool(bundle)].count(True) != 1 or (any(of_bundle.values()) and not bundle):
        raise click.UsageError("name a case, or say --all, or give a --bundle (and perhaps its --key)")
    if bundle is not None:
        try:
            given = _given(context, **of_bundle)
            _verify_bundle(bundle, given, deep, as_json)
        except (KeyTextWrong, TrustUnreadable, BundleUnreadable):
            verdict = Verdict(faults=1)
            say({"cases": 0, "faulty": 0, "verdict": str(verdict), "proven": []}, as_json, f"RESULT {verdict}")
            raise
        return
    with context.store.reading() as session:
        results = list(_results(session, case_id, deep))
        faults = [fault for result in results for fault in result.faults]
        if every and not any(fault.code == verify.UNREADABLE for fault in faults):
            faults += [Fault("", 0, "table", difference.en) for difference in checks.compare(session)]
    log = _log(context) if every else LogReport()
    faults = list(dict.fromkeys([*faults, *log.faults]))
    cases = [result for result in results if result.case_id]
    is_unproven = log_checks.NOT_TRUSTED in log.notices
    summary = f"{len(cases)} cases" + (f"; {log_checks.NOT_TRUSTED}" if is_unproven else "")
    _tell(cases, faults, [*log.notices, *_still_checked(cases, faults)], as_json, summary)
    if is_unproven:
        raise SystemExit(int(Outcome.unproven))


@click.command()
@click.argument("case_id")
@click.option(
    "--bundle", type=click.Path(dir_okay=False, path_type=Path), help="Write a ZIP file that strangers can check."
)
@click.option("--without-payloads", is_flag=True, help="Leave out what people typed; the chains still verify.")
@click.option("--reason", default="", help="Why; it is recorded. A bundle is not written without one.")
@click.option("--as", "username", help="Who exports it (user name); the system when left out.")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="Where the JSON goes.")
@click.pass_obj
def export(
    context: Context,
    case_id: str,
    bundle: Path | None,
    without_payloads: bool,
    reason: str,
    username: str | None,
    output: Any,
) -> None:
    """Write the whole case as JSON, or with --bundle as a ZIP file with its children, its definitions and its proof."""
    if bundle is None:
        with context.store.reading() as session:
            json.dump(exported(session, case_id), output, ensure_ascii=False, indent=2)
        output.write("\n")
        return
    now = context.now()
    with written_whole(bundle) as file:
        with context.store.transaction() as session:
            actor = actor_named(session, username, local_day(now)) if username else SYSTEM
            bundle_writing.prepare_export(session, case_id, actor, now, reason=reason, keyring=context.keyring)

        def write(session: Session) -> Unsigned | None:
            keyring, payloads = context.keyring, not without_payloads
            return bundle_writing.write_bundle(session, case_id, file, payloads=payloads, keyring=keyring)

        write_signed(context, case_id, actor, file, write)


def _results(session: Session, case_id: str | None, deep: bool) -> Iterable[Deep]:
    if deep:
        yield from (
            (result for _, result in verify.verify_all_deep(session))
            if case_id is None
            else ([verify.verify_deep(session, case_id)])
        )
    elif case_id is None:
        yield from (Deep(case_id, faults=faults) for case_id, faults in verify.verify_all(session))
    else:
        yield Deep(case_id, faults=verify.verify_case(session, case_id))


def _log(context: Context) -> LogReport:
    """The whole log; where the database cannot read it, that is one fault more."""
    try:
        return verified(context)
    except DBAPIError as error:
        if trouble_of(error) is not None:
            raise
        return LogReport(faults=[Fault("", 0, verify.UNREADABLE, f"the audit log cannot be read: {error.orig}")])


def _still_checked(results: list[Deep], faults: list[Fault]) -> list[str]:
    """Where something cannot be read at all: what could be checked to its end, and how much of it is without a fault."""
    if not any(fault.code in (verify.UNREADABLE, "file") for fault in faults):
        return []
    unread = {fault.case_id for fault in faults if fault.code in (verify.UNREADABLE, "file")}
    wrong = {fault.case_id for fault in faults}
    checked = [result.case_id for result in results if result.case_id not in unread]
    sound = sum(case_id not in wrong for case_id in checked)
    told = f"{len(checked)} of {len(results)} cases could be checked all the same, {sound} without a fault"
    return [f"{told}: {', '.join(checked)}" if checked else told]


def _given(
    context: Context, key: Path | None, checkpoint: Path | None, consistency: Path | None, allow_newer: bool
) -> Verifier:
    """What the verifier brought along, and the keys of this machine."""
    return Verifier(
        trusted=keys_in(key) if key else None,
        witness=checkpoint.read_bytes() if checkpoint else None,
        proof=consistency.read_bytes() if consistency else None,
        allows_newer=allow_newer,
        own=context.keyring.trusted(),
    )


def _verify_bundle(path: Path, given: Verifier, deep: bool, as_json: bool) -> None:
    report = bundle_checking.check_bundle(path, given=given, replaying=deep)
    signed = f", signed by {', '.join(report.signers)}" if report.signers else ""
    notes = [*report.notes, *_still_checked(report.cases, report.faults)]
    if report.verdict.is_first:
        notes.append(f"{FIRST}: nobody signed where the chains end, nor what the files for reading say")
    _tell(report.cases, report.faults, notes, as_json, f"{path}: {len(report.cases)} cases{signed}", report.verdict)


def _tell(
    results: list[Deep],
    faults: list[Fault],
    notes: list[str],
    as_json: bool,
    summary: str,
    verdict: Verdict | None = None,
) -> None:
    for fault in faults:
        where = f"{fault.case_id} record {fault.seq}: " if fault.case_id else ""
        click.echo(f"{where}{fault.code}: {fault.message}", err=True)
    for result in results:
        for line in result.difference.lines() if result.difference else ():
            click.echo(line, err=True)
    notes = [*notes, *(f"{result.case_id}: {note}" for result in results for note in result.notes)]
    if not as_json:
        for note in notes:
            click.echo(f"note: {note}", err=True)
    broken = len({fault.case_id for fault in faults if fault.case_id})
    report: dict[str, Any] = {"cases": len(results), "faulty": broken, "faults": [vars(fault) for fault in faults]}
    if notes:
        report["notes"] = notes
    if compared := sum(result.compared for result in results):
        report["compared"] = compared
        report["differences"] = [result.difference.as_json() for result in results if result.difference]
    others = sum(not fault.case_id for fault in faults)
    text = f"{summary}, {broken} with faults" + (f", {others} faults beside the cases" if others else "")
    if verdict is not None:
        report |= {"verdict": str(verdict), "proven": [vars(reach) for reach in verdict.reaches]}
        text += f"\nRESULT {verdict}"
    say(report, as_json, text)
    outcome = verdict.outcome if verdict is not None else Outcome.faulty if faults else Outcome.holds
    if outcome:
        raise SystemExit(int(outcome))
