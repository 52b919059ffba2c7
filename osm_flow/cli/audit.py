"""`osm-flow audit`: signed checkpoints over all journals, proofs from them, and the keys that sign."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import click
from sqlalchemy.orm import Session

from osm_flow.cli.context import Context, say
from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.journal import Fault
from osm_flow.domain.merkle_note import VerifierKey, note_in, read_given_keys
from osm_flow.errors import OsmFlowError
from osm_flow.operations.audit import checkpoints, log_checks, repairs, signing_keys
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.kept_checkpoints import kept_copies, set_aside, told_of_set_aside
from osm_flow.operations.audit.merkle_tree import Leaf, leaf_bytes
from osm_flow.operations.audit.signing_keys import KeyDamaged
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.bundles.writing import Unsigned
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import ABOUT_PEOPLE, AdminFilter, AdminKind, changes_of
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.database import instant_text
from osm_flow.store.models import JournalRecord, SigningKey

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_WHO = "Who does it (user name); the system when left out."


@click.group()
def audit() -> None:
    """Sign, prove and verify the log over all journals."""


@audit.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def checkpoint(context: Context, as_json: bool) -> None:
    """Log what is new, sign the head and mail it to the witnesses."""
    with context.store.transaction() as session:
        signed = checkpoints.sign_and_send(session, context.now(), SYSTEM, keyring=context.keyring)
    checkpoints.keep_copies(context.store, context.keyring)
    say(_as_dict(signed), as_json, signed.note.rstrip("\n"))


@audit.command()
@click.argument("case_id")
@click.option("--record", type=click.IntRange(1), help="This record of the case; its newest signed one when left out.")
@click.option("--size", type=click.IntRange(1), help="In the checkpoint of this size; the newest when left out.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def prove(context: Context, case_id: str, record: int | None, size: int | None, as_json: bool) -> None:
    """Prove that a record of a case is in a signed checkpoint."""
    with context.store.reading() as session:
        signed = audit_log.checkpoint_of(session, size) if size else _newest(audit_log.latest_checkpoint(session))
        proof = audit_log.inclusion(session, case_id, record, signed.size)
        recorded = session.get(JournalRecord, (case_id, proof.seq))
    hash_ = recorded.hash if recorded else ""
    data = leaf_bytes(Leaf(case_id, proof.seq, hash_)).decode()
    shown = {**asdict(proof), "data": data, "checkpoint": _as_dict(signed)}
    lines = [f"record {proof.seq} of {case_id} is leaf {proof.position} of {proof.size}", f"data {data}"]
    lines += [f"leaf {proof.leaf}", *(f"path {step}" for step in proof.path), "", signed.note.rstrip("\n")]
    say(shown, as_json, "\n".join(lines))


@audit.command()
@click.argument("old", type=click.IntRange(1))
@click.argument("new", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def consistency(context: Context, old: int, new: int, as_json: bool) -> None:
    """Prove that checkpoint NEW continues OLD. They are named by their sizes."""
    with context.store.reading() as session:
        pair = [audit_log.checkpoint_of(session, size) for size in (old, new)]
        path = audit_log.consistency(session, old, new)
    shown = {"old": _as_dict(pair[0]), "new": _as_dict(pair[1]), "path": path}
    lines = [f"{name} {signed.size} {signed.root}" for name, signed in zip(("old", "new"), pair, strict=True)]
    say(shown, as_json, "\n".join([*lines, *(f"path {step}" for step in path)]))


@audit.command()
@click.option("--checkpoint", "files", type=FILE, multiple=True, help="A checkpoint that a witness kept.")
@click.option("--trust", type=FILE, help="Public keys to believe, one a line, instead of this machine's own list.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def verify(context: Context, files: tuple[Path, ...], trust: Path | None, as_json: bool) -> None:
    """Recompute the log, its checkpoints and signatures. Exit code 1 if anything is wrong, 3 without a trusted key."""
    report = verified(context, files, trust)
    _tell_faults(report.faults)
    for notice in report.notices:
        click.echo(f"note: {notice}", err=True)
    shown = {**asdict(report), "faults": [vars(fault) for fault in report.faults]}
    text = (
        f"{report.records} records logged ({report.administration} of administration, {report.reads} of reads), "
        f"{report.checkpoints} checkpoints, {report.unlogged} records not logged yet"
    )
    is_unproven = log_checks.NOT_TRUSTED in report.notices
    shown["proven"] = not report.faults and not is_unproven
    say(shown, as_json, f"{text}, {len(report.faults)} faults" + (f"; {log_checks.NOT_TRUSTED}" if is_unproven else ""))
    if report.faults or is_unproven:
        raise SystemExit(1 if report.faults else 3)


def verified(context: Context, files: tuple[Path, ...] = (), trust: Path | None = None) -> log_checks.LogReport:
    """The log held against everything that this machine knows of it, and against checkpoints from elsewhere."""
    kept = kept_copies(context.keyring)
    kept += [(str(path), note_in(path.read_text(encoding="utf-8", errors="replace"))) for path in files]
    trusted = keys_in(trust) if trust else context.keyring.trusted()
    with context.store.reading() as session:
        report = log_checks.check_log(session, trusted=trusted, kept=kept)
    report.notices += told_of_set_aside(context.keyring)
    if report.checkpoints and not trusted:
        report.notices.append(log_checks.NOT_TRUSTED)
    return report


@audit.command()
@click.option("--reason", required=True, help="Why; stands in the records of administration.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def repair(context: Context, reason: str, as_json: bool) -> None:
    """Put right the log's notes of what is logged, where they stop it; its leaves stay as they are."""
    with context.store.transaction() as session:
        done = repairs.repair(session, SYSTEM, context.now(), reason=reason)
    told = {"notes": done.notes + done.waiting, "added": done.added}
    say(told, as_json, f"{told['notes']} notes put right, {done.added} records logged")


@audit.command()
@click.option("--reason", required=True, help="Why; stands in the records of administration.")
@click.option("--as", "username", help="The administrator who has it done (user name); the system when left out.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def rebuild(context: Context, reason: str, username: str | None, as_json: bool) -> None:
    """Make the tree of the log again from its leaves, if they lead to all that was signed; no leaf is changed or made up."""
    now = context.now()
    try:
        with context.store.transaction() as session:
            actor = actor_named(session, username, local_day(now)) if username else SYSTEM
            done = repairs.rebuild(session, actor, now, reason=reason, keyring=context.keyring)
    except repairs.NotRebuilt as refusal:
        _tell_faults(refusal.details["faults"])
        raise
    _tell_faults(done.faults)
    text = (
        f"{done.false} false and {done.lacking} lacking hashes made again from {done.leaves} leaves, "
        f"which lead to all {done.checkpoints} signed roots"
    )
    say({**asdict(done), "faults": [vars(fault) for fault in done.faults]}, as_json, text)


def _tell_faults(faults: Iterable[Fault]) -> None:
    for fault in faults:
        place = f"{fault.case_id} record {fault.seq}: " if fault.case_id else ""
        click.echo(f"{place}{fault.code}: {fault.message}", err=True)


@audit.command("accept-older")
@click.option(
    "--reason", required=True, help="Why an older copy was put back; stands in the records of administration."
)
@click.option("--as", "username", required=True, help="The administrator who says so (user name).")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def accept_older(context: Context, reason: str, username: str, as_json: bool) -> None:
    """Say that an older copy of the database was put back on purpose, set aside what came after it, and sign on."""
    now = context.now()
    with context.store.transaction() as session:
        actor = actor_named(session, username, local_day(now))
        contradicted = checkpoints.accept_older(session, context.keyring, actor, now, reason=reason)
    folder = set_aside(context.keyring, contradicted, now, reason=reason)
    report: dict[str, Any] = {"set_aside": len(contradicted), "folder": str(folder)}
    text = f"{len(contradicted)} checkpoints set aside in {folder}"
    try:
        with context.store.transaction() as session:
            signed = checkpoints.sign_and_send(session, now, SYSTEM, keyring=context.keyring)
    except OsmFlowError as refusal:
        # What was said is recorded and done; that it cannot be signed here is another matter, and the machine with the key signs.
        say({**report, "checkpoint": None, "not_signed": str(refusal)}, as_json, text)
        click.echo(f"note: the log is not signed yet: {refusal}", err=True)
        return
    checkpoints.keep_copies(context.store, context.keyring)
    say({**report, "checkpoint": _as_dict(signed)}, as_json, f"{text}\n\n{signed.note.rstrip()}")


# ---- administration --------------------------------------------------------------------------------------------


@audit.command()
@click.option("--actor", "who", help="Done by this person only.")
@click.option("--about", help="About this user name only.")
@click.option("--after", help="Go on after this key.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def people(context: Context, who: str | None, about: str | None, after: str | None, as_json: bool) -> None:
    """Show who changed what about people and their positions, newest first."""
    _show_records(context, AdminFilter(who, about, tuple(map(str, ABOUT_PEOPLE))), after, as_json)


@audit.command("administration")
@click.option("--actor", "who", help="Done by this person only.")
@click.option("--about", help="About this user name, date or deployment only.")
@click.option("--kind", "kinds", type=click.Choice([str(kind) for kind in AdminKind]), multiple=True)
@click.option("--after", help="Go on after this key.")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def administration_(
    context: Context, who: str | None, about: str | None, kinds: tuple[str, ...], after: str | None, as_json: bool
) -> None:
    """Show who changed people, the calendar, holidays and processes, newest first."""
    _show_records(context, AdminFilter(who, about, kinds), after, as_json)


def _show_records(context: Context, wanted: AdminFilter, after: str | None, as_json: bool) -> None:
    with context.store.reading() as session:
        page = admin_journal.records(session, SYSTEM, wanted, after=after)
    names = ("seq", "kind", "actor", "actor_role", "office_id", "subject", "prev_hash", "hash")
    items = [
        {
            "at": instant_text(record.at),
            **{name: getattr(record, name) for name in names},
            "changes": changes_of(record),
        }
        for record in page.items
    ]
    lines = (f"{item['at']}  {item['actor']:<16} {item['kind']:<24} {item['subject']}  {_told(item)}" for item in items)
    say({"items": items, "next": page.next}, as_json, "\n".join(lines))


def _told(item: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {change['old']} -> {change['new']}" for name, change in item["changes"].items())


class _ChainName(click.ParamType[str]):
    """The name of a chain that leaves as a bundle of its own: one that there is once, or a book."""

    name = "chain"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in bundle_writing.BOOKS and read_name(value) is None:
            self.fail(
                f"{value!r} is none of {', '.join(sorted(bundle_writing.BOOKS))}, and no name of a book", param, ctx
            )
        return value


@audit.command()
@click.option(
    "--bundle", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The ZIP file that is written."
)
@click.option("--reason", default="", help="Why; it is recorded. A bundle is not written without one.")
@click.option("--as", "username", help="Who exports it (user name); the system when left out.")
@click.option(
    "--chain",
    type=_ChainName(),
    default=admin_journal.CHAIN,
    show_default=True,
    help="Which records: what administrators changed (administration), who read what and what was refused (reads), "
    "or the book of this name, such as projects/NE-U1/2571.",
)
@click.pass_obj
def export(context: Context, bundle: Path, reason: str, username: str | None, chain: str) -> None:
    """Write all records of administration, of reads, or of a book with their proof as a ZIP file that strangers can check."""
    now = context.now()
    with written_whole(bundle) as file:
        with context.store.transaction() as session:
            actor = actor_named(session, username, local_day(now)) if username else SYSTEM
            bundle_writing.prepare_chain_export(session, chain, actor, now, reason=reason, keyring=context.keyring)

        def write(session: Session) -> Unsigned | None:
            return bundle_writing.write_chain_bundle(session, chain, file, keyring=context.keyring)

        write_signed(context, chain, actor, file, write)


_MOST_ATTEMPTS = 5


def write_signed(
    context: Context, name: str, actor: Actor, file: BinaryIO, write: Callable[[Session], Unsigned | None]
) -> None:
    """Write a bundle, again under a newer checkpoint where records came in between, and tell when it is not signed."""
    for _ in range(_MOST_ATTEMPTS):
        file.seek(0)
        file.truncate()
        with context.store.reading() as session:
            unsigned = write(session)
        if unsigned is not Unsigned.late:
            break
        with context.store.transaction() as session:
            bundle_writing.sign_over(session, name, actor, context.now(), keyring=context.keyring)
    if unsigned is not None:
        click.echo(f"note: the bundle is NOT SIGNED: {unsigned.value}", err=True)


@contextmanager
def written_whole(target: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of the target when all is written; what fails leaves the target of before."""
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    click.echo(f"{target}: {target.stat().st_size} bytes")


def _newest(newest: audit_log.Checkpoint | None) -> audit_log.Checkpoint:
    if newest is None:
        raise signing_keys.NoKeyYet
    return newest


# ---- keys ------------------------------------------------------------------------------------------------------


@audit.group()
def keys() -> None:
    """The keys that sign checkpoints."""


@keys.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def list_(context: Context, as_json: bool) -> None:
    """List the public keys with their periods, oldest first. One that is not trusted on this machine stands behind a #."""
    with context.store.reading() as session:
        rows = signing_keys.kept_keys(session)
    ends: list[SigningKey | None] = [*rows[1:], None]
    items = [_key(context, row, end) for row, end in zip(rows, ends, strict=True)]
    untrusted = [item["id"] for item in items if not item["trusted"]]
    if untrusted:
        said = "not trusted on this machine, nobody should take them from this list: {}; osm-flow audit keys trust"
        click.echo(said.format(", ".join(untrusted)), err=True)
    lines = (
        f"{'' if item['trusted'] else '# NOT TRUSTED HERE '}{item['key']}  "
        f"{item['how']} {item['from']} to {item['until'] or 'now'}"
        for item in items
    )
    say({"items": items, "next": None}, as_json, "\n".join(lines))


@keys.command()
@click.option("--reason", default="", help="Why; stands in the list of keys and in the records of administration.")
@click.option("--as", "username", help=_WHO)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def rotate(context: Context, reason: str, username: str | None, as_json: bool) -> None:
    """Hand over to a new key under a checkpoint that both sign."""
    now = context.now()
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        signed = checkpoints.rotate_and_send(session, now, actor, keyring=context.keyring, reason=reason)
    checkpoints.keep_copies(context.store, context.keyring)
    say(_as_dict(signed), as_json, signed.note.rstrip("\n"))


@keys.command()
@click.option("--reason", required=True, help="How the key before was lost; shown by every verification.")
@click.option("--as", "username", help=_WHO)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def new(context: Context, reason: str, username: str | None, as_json: bool) -> None:
    """Start a new key because the old is lost. This leaves a gap that every verification shows."""
    now = context.now()
    with context.store.transaction() as session:
        actor = _actor(context, session, username)
        key = checkpoints.replace_lost(session, now, actor, keyring=context.keyring, reason=reason)
        signed = checkpoints.sign_and_send(session, now, actor, keyring=context.keyring)
    checkpoints.keep_copies(context.store, context.keyring)
    say({"key": str(key), "checkpoint": _as_dict(signed)}, as_json, f"{key}\n\n{signed.note.rstrip()}")


@keys.command()
@click.argument("file", type=FILE, required=False)
@click.option(
    "--handed-over", is_flag=True, help="Those to which keys that are trusted here handed over, without a FILE."
)
@click.option("--reason", required=True, help="Where they were had from; stands in the records of administration.")
@click.option("--as", "username", required=True, help="The administrator who says so (user name).")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def trust(context: Context, file: Path | None, handed_over: bool, reason: str, username: str, as_json: bool) -> None:
    """Have this machine trust the public keys in FILE, which came by another way than from this database.

    They must be keys of this database. Without its list of trusted keys a machine can prove nothing of who signed.
    """
    if handed_over == bool(file):
        raise click.UsageError("give a FILE of keys, or say --handed-over")
    with context.store.transaction() as session:
        wanted = keys_in(file) if file else signing_keys.handed_over(session, context.keyring)
        actor = _actor(context, session, username)
        added = signing_keys.trust(session, context.keyring, wanted, actor, context.now(), reason=reason)
    context.keyring.add_trusted(added)
    text = "\n".join(f"trusted on this machine from now on: {key}" for key in added)
    say({"trusted": [str(key) for key in added]}, as_json, text)


def _actor(context: Context, session: Session, username: str | None) -> Actor:
    return actor_named(session, username, local_day(context.now())) if username else SYSTEM


def _key(context: Context, row: SigningKey, end: SigningKey | None) -> dict[str, Any]:
    try:
        key = signing_keys.public_half(row)
    except KeyDamaged:
        key = None
    return {
        "key": str(key) if key else "(no key)",
        "id": row.key_id,
        "how": row.how,
        "reason": row.reason,
        "actor": row.actor,
        "from": instant_text(row.at),
        "until": instant_text(end.at) if end else None,
        "here": context.keyring.has(str(row.key_id)),
        "trusted": key is not None and signing_keys.is_trusted(key, context.keyring.trusted()),
    }


def keys_in(path: Path) -> list[VerifierKey]:
    """The keys in a file; beside each there may stand its period, as `audit keys list` prints it. Raises KeyTextWrong."""
    return read_given_keys(path.read_bytes())


def _as_dict(signed: audit_log.Checkpoint) -> dict[str, Any]:
    """A checkpoint as it is printed with --json."""
    return {**asdict(signed), "at": instant_text(signed.at)}
