"""Who signed a bundle: its checkpoint, and its manifest, which names every file and where every chain ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from osm_flow.domain.journal import Fault
from osm_flow.domain.merkle_note import Head, Note, NoteUnreadable, VerifierKey, read_head, read_keys, read_note
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.log import BUNDLES
from osm_flow.operations.audit.signing_keys import KeyMissing, Keyring, KeyUnreadable
from osm_flow.operations.bundles.reading import FORMAT, Bundle

UNSIGNED = "the manifest is not signed: where the chains end, what people read and what was erased last is not proven"


@dataclass
class Seal:
    """What is known of those who signed a bundle.

    head      what the checkpoint says; None without one that holds.
    own       the keys that are in the bundle.
    signers   by what names it is signed: those of trusted keys where there are any, else those of its own keys.
    is_whole  whether the manifest is signed, too, by whom `signers` are.
    """

    head: Head | None = None
    own: list[VerifierKey] = field(default_factory=list)
    signers: list[str] = field(default_factory=list)
    is_whole: bool = False
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, code: str, message: str) -> None:
        """Add what is wrong."""
        self.faults.append(Fault("", 0, code, message))


def text_to_sign(origin: str, manifest: bytes) -> str:
    """What a signature of a manifest is over; its second line is no number, so that it is no checkpoint."""
    return f"{origin}\n{FORMAT}\n{sha256(manifest).hexdigest()}\n"


def signed_manifest(manifest: bytes, key: VerifierKey, keyring: Keyring) -> Note | None:
    """The manifest's signature by the log's key; None where another machine has that key."""
    try:
        return signing_keys.sign(text_to_sign(key.name, manifest), key, keyring)
    except (KeyMissing, KeyUnreadable):
        return None


def is_borne(bundle: Bundle, keys: Sequence[VerifierKey]) -> bool:
    """Whether the checkpoint of the bundle says that one of these keys signed it, rightly or not."""
    try:
        note = read_note(bundle.checkpoint or b"")
    except NoteUnreadable:
        return False
    return any(signing_keys.signed_by(note, key) is not None for key in keys)


def seal_of(bundle: Bundle, trusted: Sequence[VerifierKey] | None) -> Seal:
    """Who signed the checkpoint and the manifest, and what is wrong with either."""
    seal = Seal()
    if bundle.checkpoint is None:
        _missing(bundle, trusted, seal)
        return seal
    try:
        note = _read(bundle.checkpoint)
        head = read_head(note)
        text = (bundle.keys or b"").decode()
        seal.own = read_keys(text.splitlines())
        if "".join(f"{key}\n" for key in seal.own) != text:
            raise NoteUnreadable(reason="keys.txt is no list of public keys")
    except (NoteUnreadable, UnicodeDecodeError) as error:
        seal.add("checkpoint", str(error))
        return seal
    _signed_by(note, seal.own, seal, "the checkpoint is not signed by a key of the bundle")
    if trusted is not None:
        _signed_by(note, trusted, seal, "the checkpoint is not signed by a trusted key")
    if bundle.manifest["checkpoint"] != {"size": head.size, "root": head.root.hex()}:
        seal.add("checkpoint", "it is not the checkpoint of the manifest")
    seal.head = head
    if not bundle.is_first:
        _check_manifest(bundle, trusted, seal)
    elif BUNDLES in head.extensions:
        seal.add("manifest", f"the checkpoint says that its bundles are of {FORMAT} or later, and this one is not")
    return seal


def _missing(bundle: Bundle, trusted: Sequence[VerifierKey] | None, seal: Seal) -> None:
    left = any(name in bundle.contents for name in ("keys.txt", "manifest.sig", "consistency.json"))
    if left or bundle.manifest["checkpoint"] is not None or any(chain.proof for chain in bundle.chains):
        seal.add("checkpoint", "the checkpoint is missing")
    elif trusted is not None:
        seal.add("checkpoint", "the bundle has no checkpoint, so nobody signed it")
    seal.notes.append("the bundle has no checkpoint: nothing shows that the chains are the original ones")


def _check_manifest(bundle: Bundle, trusted: Sequence[VerifierKey] | None, seal: Seal) -> None:
    content = bundle.contents.get("manifest.sig")
    if content is None or seal.head is None:
        return
    try:
        note = _read(content)
    except NoteUnreadable as error:
        seal.add("manifest", str(error))
        return
    if note.text != text_to_sign(seal.head.origin, bundle.contents["manifest.json"]):
        seal.add("manifest", "manifest.sig signs another manifest, or one of another log")
    if len(note.signatures) != 1:
        seal.add("signature", "the manifest is not signed by one key")
    before = len(seal.faults)
    _signed_by(note, seal.own, seal, "the manifest is not signed by a key of the bundle")
    if trusted is not None:
        _signed_by(note, trusted, seal, "the manifest is not signed by a trusted key")
    seal.is_whole = len(seal.faults) == before


def _signed_by(note: Note, known: Sequence[VerifierKey], seal: Seal, otherwise: str) -> None:
    """Note who of these signed; that none did, or that a signature is wrong, is a fault."""
    answers = [
        (signature.name, answer)
        for key in known
        for signature in filter(key.made, note.signatures)
        if (answer := signing_keys.signed_by(note, key)) is not None
    ]
    for name, answer in answers:
        if not answer:
            seal.add("signature", f"the signature of {name} is wrong")
    seal.signers = sorted({name for name, answer in answers if answer})
    if not answers:
        seal.add("signature", otherwise)


def _read(content: bytes) -> Note:
    """A note in its one spelling. Raises NoteUnreadable."""
    note = read_note(content)
    if str(note).encode() != content:
        raise NoteUnreadable(reason="it is spelled in another way than the one")
    return note
