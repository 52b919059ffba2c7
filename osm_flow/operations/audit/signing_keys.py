"""The keys that sign checkpoints: private ones in files of one machine, public ones in the database.

The folder also keeps the public keys that this installation made itself (`trusted`), so that a key which somebody with
access to the database alone has slipped in is told from a real one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from platform import node
from typing import IO
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.merkle_note import (
    Head,
    Note,
    NoteUnreadable,
    Signature,
    VerifierKey,
    is_name,
    is_point,
    read_given_keys,
    read_head,
    read_note,
)
from osm_flow.domain.search import says_nothing
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.reasons import said
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import LogCheckpoint, SigningKey

SUCCESSOR = "successor "
_CONCERNS = "audit log"


class KeyMissing(Refused):
    """The private key {key_id} is not on this machine. Sign where it lies, or start a new key and say how it was lost."""


class KeyUnreadable(Refused):
    """The private key {key_id} cannot be read; its file is damaged or belongs to another key."""


class KeyDamaged(Refused):
    """The public key {key_id} in the database is no key. Nothing is signed or proven under it; osm-flow audit verify says more, and a backup has it."""


class TrustUnreadable(Refused):
    """The list of trusted keys on this machine cannot be read ({reason}). Nothing is signed or believed before it is put right: {path}."""


class KeysForgotten(Refused):
    """This machine keeps keys and checkpoints of this log, and the database knows no key. Put back a database that has them, or say how they were lost: osm-flow audit keys new."""


class KeyForeign(Refused):
    """The key {key_id} is none of those in this database: it is of another log, or somebody changed the keys in the database. Nothing was trusted."""


class NothingToTrust(Refused):
    """Every one of these keys is trusted on this machine already."""


class NoKeyYet(Refused):
    """There is no signing key yet. The first checkpoint makes one."""


class OriginNotAccepted(Invalid):
    """The origin of the log is one word of up to 255 characters without a plus sign, such as example.go.th/journal."""


class ReasonNeeded(Invalid):
    """Say why."""


@dataclass(frozen=True)
class Keyring:
    """The folder of private keys on this machine, and what the log is called when its first key is made."""

    folder: Path
    origin: str

    def private(self, key: VerifierKey) -> Ed25519PrivateKey:
        """The private half of a key. Raises KeyMissing, KeyUnreadable."""
        try:
            private = load_pem_private_key(self._path(key.key_id).read_bytes(), password=None)
        except FileNotFoundError:
            raise KeyMissing(key_id=key.key_id) from None
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):  # a TypeError: it is locked by a password
            raise KeyUnreadable(key_id=key.key_id) from None
        if not isinstance(private, Ed25519PrivateKey) or private.public_key().public_bytes_raw() != key.public:
            raise KeyUnreadable(key_id=key.key_id)
        return private

    def make(self, name: str) -> VerifierKey:
        """Make a key pair: its private half readable by its owner alone, its public half among the trusted ones."""
        if not is_name(name):
            raise OriginNotAccepted
        private = Ed25519PrivateKey.generate()
        key = VerifierKey(name, private.public_key().public_bytes_raw())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path(key.key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        self.add_trusted([key])
        return key

    def add_trusted(self, keys: Sequence[VerifierKey]) -> None:
        """Put public keys on the list of those that this machine believes."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._list.open("a+b") as trusted:
            is_whole = trusted.tell() == 0 or _ends_a_line(trusted)
            trusted.write(("" if is_whole else "\n").encode() + "".join(f"{key}\n" for key in keys).encode())
            trusted.flush()
            os.fsync(trusted.fileno())

    def trusted(self) -> list[VerifierKey]:
        """The public keys that were made on this machine or put on its list, the file `trusted`. Raises TrustUnreadable."""
        try:
            content = self._list.read_bytes()
            return read_given_keys(content) if content.strip() else []
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (OSError, NoteUnreadable) as error:
            reason = error.strerror if isinstance(error, OSError) else error.details["reason"]
            raise TrustUnreadable(reason=reason, path=str(self._list)) from None

    @property
    def copies(self) -> Path:
        """The folder in which checkpoints are kept as files."""
        return self.folder.parent / "checkpoints"

    def has(self, key_id: str) -> bool:
        """Whether the private half of a key is on this machine."""
        return self._path(key_id).exists()

    def _path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.pem"

    @property
    def _list(self) -> Path:
        return self.folder / "trusted"


def _ends_a_line(file: IO[bytes]) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def origin_of(base_url: str) -> str:
    """The name of a log by default: the site's address without its scheme, with /journal."""
    parts = urlsplit(base_url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/journal"


# ---- the keys over time ----------------------------------------------------------------------------------------


def kept_keys(session: Session) -> Sequence[SigningKey]:
    """All signing keys, oldest first; the period of each ends where the next begins."""
    return session.scalars(select(SigningKey).order_by(SigningKey.id)).all()


def public_half(row: SigningKey) -> VerifierKey:
    """The public key of a stored signing key. Raises KeyDamaged."""
    try:
        key = VerifierKey(row.name, bytes.fromhex(row.public_key))
        is_key = isinstance(key.name, str) and is_name(key.name) and is_point(key.public)
    except (ValueError, TypeError):
        is_key = False
    if not is_key:
        raise KeyDamaged(key_id=str(row.key_id)[:40])
    return key


def public_keys(session: Session) -> list[VerifierKey]:
    """All public keys, oldest first. Raises KeyDamaged."""
    return [public_half(row) for row in kept_keys(session)]


def active_key(session: Session) -> SigningKey | None:
    """The key that signs now; None before the first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.id.desc()).limit(1)).one_or_none()


def key_to_sign_with(session: Session, keyring: Keyring, actor: Actor, now: datetime) -> VerifierKey:
    """The key that signs now; the first one is made here. Raises KeyMissing unless it is on this machine."""
    row = active_key(session)
    if row is None:
        return _add(session, keyring.make(keyring.origin), actor, now, how="first")
    key = public_half(row)
    keyring.private(key)
    return key


def replace_lost(session: Session, keyring: Keyring, actor: Actor, now: datetime, *, reason: str) -> VerifierKey:
    """Make a new key without the signature of the lost one before it. Raises NoKeyYet, ReasonNeeded.

    Every verification shows this as a gap: before it only the checkpoints that witnesses hold vouch for the log. Where the
    database forgot its keys, and this machine has not, the gap is at its beginning.
    """
    if says_nothing(reason):
        raise ReasonNeeded
    take(session, AdvisoryLock.audit_log)
    row = active_key(session)
    if row is None and not keyring.trusted():
        raise NoKeyYet
    name = row.name if row is not None and isinstance(row.name, str) and is_name(row.name) else keyring.origin
    key = _add(session, keyring.make(name), actor, now, how="replaced", reason=reason.strip())
    _record(session, actor, now, AdminKind.key_replaced, row, key, reason)
    return key


def _record(
    session: Session,
    actor: Actor,
    now: datetime,
    kind: AdminKind,
    before: SigningKey | None,
    key: VerifierKey,
    reason: str,
) -> None:
    """Say in the records of administration which key follows which, and how many records were signed before."""
    signed = session.scalar(select(func.max(LogCheckpoint.size))) or 0
    told = {"signed_before": signed} | ({} if says_nothing(reason) else {"reason": said(reason)})
    old, new = {"key": str(before.key_id) if before is not None else None}, {"key": key.key_id}
    record(session, actor, now, AdminAct(kind, _CONCERNS, old=old, new=new, told=told))


def rotate(session: Session, keyring: Keyring, head: Head, actor: Actor, now: datetime, *, reason: str = "") -> Note:
    """Replace the key: the head of the log with the successor's name in it, signed by both.

    The successor stands in what is signed, or anybody could put their signature under the last checkpoint and call
    themselves the next key. Raises NoKeyYet, KeyMissing.
    """
    if (row := active_key(session)) is None:
        raise NoKeyYet
    old = public_half(row)
    old_private = keyring.private(old)
    new = keyring.make(old.name)
    text = str(Head(old.name, head.size, head.root, (*head.extensions, f"{SUCCESSOR}{new}")))
    note = Note(text, (_signature(text, old, old_private), _signature(text, new, keyring.private(new))))
    _add(session, new, actor, now, how="rotated", reason=reason.strip(), endorsement=str(note))
    _record(session, actor, now, AdminKind.key_rotated, row, new, reason)
    return note


def trust(
    session: Session, keyring: Keyring, keys: Sequence[VerifierKey], actor: Actor, now: datetime, *, reason: str
) -> list[VerifierKey]:
    """Record that these keys of the log are trusted on this machine from now on; those that were not.

    They are to be put on its list after the commit. Raises Forbidden, ReasonMissing, KeyForeign, KeyDamaged, NothingToTrust.
    """
    require(actor, Verb.repair_log, SystemFacts())
    why = said(reason)
    known, trusted = public_keys(session), keyring.trusted()
    added: list[VerifierKey] = []
    for key in keys:
        own = next((one for one in known if key.is_same(one)), None)
        if own is None:
            raise KeyForeign(key_id=key.key_id if key.name else "without a name")
        if not is_trusted(own, trusted) and own not in added:
            added.append(own)
    if not added:
        raise NothingToTrust
    for key in added:
        told = {"reason": why, "machine": node()[:100]}
        act = AdminAct(AdminKind.key_trusted, key.key_id, old={"trusted": False}, new={"trusted": True}, told=told)
        record(session, actor, now, act)
    return added


def handed_over(session: Session, keyring: Keyring) -> list[VerifierKey]:
    """The keys to which trusted ones handed over, one after another, and that are not trusted here yet."""
    trusted = keyring.trusted()
    reached = list(trusted)
    rows = kept_keys(session)
    for before, row in pairwise(rows):
        if is_trusted(public_half(before), reached) and _is_handed_over(row, before):
            reached.append(public_half(row))
    return [key for key in reached[len(trusted) :] if not is_trusted(key, trusted)]


def is_trusted(key: VerifierKey, trusted: Sequence[VerifierKey]) -> bool:
    """Whether a key is among those that somebody trusts, who may know them without their names."""
    return any(one.is_same(key) for one in trusted)


def _is_handed_over(row: SigningKey, before: SigningKey) -> bool:
    try:
        return row.how == "rotated" and is_endorsed(row, before)
    except NoteUnreadable:
        return False


def _add(
    session: Session,
    key: VerifierKey,
    actor: Actor,
    now: datetime,
    *,
    how: str,
    reason: str = "",
    endorsement: str = "",
) -> VerifierKey:
    session.add(
        SigningKey(
            key_id=key.key_id,
            name=key.name,
            public_key=key.public.hex(),
            how=how,
            reason=reason,
            endorsement=endorsement,
            actor=actor.username,
            at=now,
        )
    )
    session.flush()
    return key


# ---- signing and checking --------------------------------------------------------------------------------------


def sign(text: str, key: VerifierKey, keyring: Keyring) -> Note:
    """The text with this key's signature under it. Raises KeyMissing, KeyUnreadable."""
    return Note(text, (_signature(text, key, keyring.private(key)),))


def signed_by(note: Note, key: VerifierKey) -> bool | None:
    """Whether the key signed the note: None when it has no such signature, False when that is wrong."""
    signatures = [signature for signature in note.signatures if key.made(signature)]
    if not signatures:
        return None
    try:
        for signature in signatures:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature.value, note.text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def is_endorsed(row: SigningKey, before: SigningKey) -> bool:
    """Whether the key before this one signed for it. Raises NoteUnreadable for a damaged endorsement."""
    note = read_note(row.endorsement)
    key = public_half(row)
    named = f"{SUCCESSOR}{key}" in read_head(note).extensions
    return named and signed_by(note, public_half(before)) is True and signed_by(note, key) is True


def _signature(text: str, key: VerifierKey, private: Ed25519PrivateKey) -> Signature:
    return Signature(key.name, key.key_hash, private.sign(text.encode()))
