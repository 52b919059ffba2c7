"""The checkpoints in files of this machine: they tell a database that went back to an older copy from one that went on.

Whoever has only the database cannot change them. A log that does not continue them is not signed, or two different logs
would carry the signature of one machine; when an older copy was put back on purpose, a person says so, and the
checkpoints that came after it are set aside, with the reason, and stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from osm_flow.domain.merkle_note import Head, NoteUnreadable, VerifierKey, read_head, read_note
from osm_flow.errors import Refused
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.merkle_tree import LogTree
from osm_flow.operations.audit.signing_keys import Keyring

_REASON = "reason.txt"
_SET_ASIDE = "set-aside-"
_NAME = "folder-name"


class LogTurnedBack(Refused):
    """This machine keeps a checkpoint of {size} records that the database does not continue: an older copy was put back. Nothing is signed before an administrator says so: osm-flow audit accept-older."""


class Kept(NamedTuple):
    """A checkpoint in a file, signed by a key that was made on this machine."""

    path: Path
    head: Head


def kept_checkpoints(keyring: Keyring) -> Iterator[Kept]:
    """The checkpoints in files, the largest first; what is not signed by a key of this machine says nothing."""
    trusted = keyring.trusted()
    for path in sorted(keyring.copies.glob("*.txt"), reverse=True):
        head = _head_in(path.read_text(encoding="utf-8", errors="replace"), trusted)
        if head is not None:
            yield Kept(path, head)


def kept_copies(keyring: Keyring) -> list[tuple[str, str]]:
    """The checkpoints in files of this machine, each with the name of its file."""
    paths = sorted(keyring.copies.glob("*.txt")) if keyring.copies.is_dir() else []
    return [(f"the copy {path.name}", path.read_text(encoding="utf-8", errors="replace")) for path in paths]


def refuse_to_contradict(tree: LogTree, keyring: Keyring) -> None:
    """Raise LogTurnedBack when the log does not continue the largest checkpoints kept here, and with them all others."""
    largest: int | None = None
    for kept in kept_checkpoints(keyring):
        if largest is not None and kept.head.size < largest:
            return
        largest = kept.head.size
        if not tree.leads_to(kept.head.root, kept.head.size):
            raise LogTurnedBack(size=largest)


def contradicting(tree: LogTree, keyring: Keyring) -> list[Kept]:
    """The kept checkpoints that the log does not continue, the largest first."""
    return [kept for kept in kept_checkpoints(keyring) if not tree.leads_to(kept.head.root, kept.head.size)]


def set_aside(keyring: Keyring, kept: Sequence[Kept], now: datetime, *, reason: str) -> Path:
    """Move the checkpoints into a folder of their own with the reason; call it after the commit that records it."""
    folder = keyring.copies / f"{_SET_ASIDE}{now:%Y%m%dT%H%M%S}Z"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _REASON).write_text(f"{reason}\n", encoding="utf-8")
    for one in kept:
        one.path.replace(folder / one.path.name)
    return folder


def told_of_set_aside(keyring: Keyring) -> list[str]:
    """What an auditor should know of checkpoints that were set aside: when, how many, and why."""
    told = []
    for folder in sorted(keyring.copies.glob(f"{_SET_ASIDE}*")):
        reason = folder / _REASON
        why = reason.read_text(encoding="utf-8", errors="replace").strip() if reason.exists() else "without a reason"
        count = len(list(folder.glob("*.txt"))) - reason.exists()
        when = folder.name.removeprefix(_SET_ASIDE)
        told.append(f"an older copy of the database was put back, {when}; {count} checkpoints were set aside: {why}")
    return told


def name_of_folder(keyring: Keyring) -> str | None:
    """The name of this machine's folder of checkpoints; None before one was given."""
    try:
        return (keyring.copies / _NAME).read_text(encoding="ascii").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def named_folder(keyring: Keyring) -> str:
    """The name of this machine's folder of checkpoints, which it gets here: what only this folder says is told of it."""
    if (name := name_of_folder(keyring)) is None:
        name = str(uuid4())
        keyring.copies.mkdir(mode=0o700, parents=True, exist_ok=True)
        (keyring.copies / _NAME).write_text(f"{name}\n", encoding="ascii")
    return name


def _head_in(text: str, trusted: Sequence[VerifierKey]) -> Head | None:
    try:
        note = read_note(text)
        head = read_head(note)
    except NoteUnreadable:
        return None
    return head if any(signing_keys.signed_by(note, key) for key in trusted) else None
