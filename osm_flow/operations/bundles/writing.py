"""Writing a case, a book, the records of administration or those of reads, with everything that proves it as one ZIP file.

docs/audit-format.md says what is in it. The same state of the database gives the same bytes. `reading` reads such a file.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import sha256
from importlib.resources import files
from typing import IO, Any, Self

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload, undefer

from osm_flow.domain import journal as rules
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import SystemFacts, Verb, require
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.json import JSON
from osm_flow.domain.merkle_note import Note, read_head, read_note
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.kept_checkpoints import refuse_to_contradict
from osm_flow.operations.audit.log import Checkpoint, NotLogged
from osm_flow.operations.audit.merkle_tree import LogTree, TreeDamaged
from osm_flow.operations.audit.signing_keys import Keyring, TrustUnreadable
from osm_flow.operations.books import exporting
from osm_flow.operations.bundles.chains import BookLines, sets_in
from osm_flow.operations.bundles.consistency import proofs_to
from osm_flow.operations.bundles.decided_on import (
    SETS,
    VERSIONS,
    NamedSet,
    faults_of_sets,
    members_in,
    named_in,
    shown_sets,
)
from osm_flow.operations.bundles.player import player_page
from osm_flow.operations.bundles.reading import BOOK, FORMAT
from osm_flow.operations.bundles.seals import signed_manifest
from osm_flow.operations.bundles.states import lines_of_states
from osm_flow.operations.cases.attachments import content_of
from osm_flow.operations.ledger import access_chain, access_checks, admin_journal
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.ledger.admin_journal import Checked
from osm_flow.operations.people.hats import names_of
from osm_flow.operations.policy_facts import case_facts
from osm_flow.operations.replay.history import Definition, History, faults_of_history, history_of
from osm_flow.operations.stepping.step import case_id_for
from osm_flow.store.file_store import FileDamaged
from osm_flow.store.models import Attachment, Case, LoggedCase, LogLeaf
from osm_flow.store.sensitive_cases import EVERYTHING, closed_among
from osm_flow.store.session import CaseNotFound

_EPOCH = (1980, 1, 1, 0, 0, 0)
# A checker refuses files that unpack to very much more than they are; such a file of ours is stored as it is.
_MOST_PACKED = 100
# What of a file is kept in memory before it is written to the disk.
_IN_MEMORY = 4 << 20
_STANDARD = files("osm_flow.operations.bundles.files")


class ClosedBelow(Invalid):
    """A case below this one is sensitive and closed to you: a bundle without it proves nothing. An auditor says first why they open it."""


def prepare_export(
    session: Session,
    case_id: str,
    actor: Actor,
    now: datetime,
    *,
    reason: str,
    keyring: Keyring | None,
    details: str = "",
) -> Case:
    """Record who exports the case and why, and sign a checkpoint that covers it where the key is at hand.

    The bundle itself is written by `write_bundle` after this is committed: a signed head must not leave before that.
    Raises CaseNotFound, ClosedBelow, ExportReasonMissing, Forbidden, KeyDamaged, TreeDamaged.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise CaseNotFound(case_id=case_id)
    require(actor, Verb.see_audit, case_facts(session, case, actor))
    signing_keys.public_keys(session)
    below = [child for child in _tree(session, case, **EVERYTHING) if child is not case]
    if closed_among(session, actor, (child.id for child in below)):
        # A bundle without it would be told to be cut.
        raise ClosedBelow(fields={"reason": ClosedBelow.__doc__ or ""})
    record_access(session, actor, now, Read(AccessKind.case_exported, case, reason, details=details))
    for child in (one for one in below if one.is_sensitive):
        record_access(session, actor, now, Read(AccessKind.case_exported, child, reason, details=details))
    sign_over(session, case_id, actor, now, keyring=keyring)
    return case


def sign_over(session: Session, name: str, actor: Actor, now: datetime, *, keyring: Keyring | None) -> None:
    """Sign a checkpoint that covers a case with its children, one of `BOOKS` or a book of records, where the key is at hand.

    Elsewhere the bundle goes out under the newest checkpoint there is, and says so. Raises CaseNotFound, TreeDamaged.
    """
    if keyring is None:
        return
    if name not in BOOKS and read_name(name) is None:
        case = session.get(Case, name)
        if case is None:
            raise CaseNotFound(case_id=name)
        if _is_covered(session, case):
            return
    try:
        # What is refused halfway must not take the rest of the transaction with it.
        with session.begin_nested():
            audit_log.make_checkpoint(session, now, actor, keyring=keyring)
    except TreeDamaged:
        raise
    except Refused:
        return


class Unsigned(Enum):
    """Why a bundle was written without the signature of its manifest."""

    elsewhere = "the signing key is not on this machine, or cannot be read"
    contradicted = "the audit log is not the one that was signed"
    untrusting = "the list of trusted keys on this machine cannot be read"
    late = "records were written after the newest checkpoint was signed: export it again"
    unsound = "what is written does not hold by itself: verify it"


def write_bundle(
    session: Session, case_id: str, target: IO[bytes], *, payloads: bool = True, keyring: Keyring | None = None
) -> Unsigned | None:
    """Write the bundle of a case and its children to a file; why its manifest is not signed. Raises CaseNotFound.

    It is signed where the key is at hand, the newest checkpoint covers all of it, and all of it holds.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise CaseNotFound(case_id=case_id)
    with zipfile.ZipFile(target, "w") as archive:
        return _Writer(session, archive, payloads, keyring).write(case)


@dataclass(frozen=True)
class _Book:
    """A chain that is of no case, as it leaves: what is recorded then, its records with what stands beside, its faults."""

    kind: AccessKind
    exported: Callable[[Session, int], Iterator[tuple[JSON, list[JSON]]]]
    checked: Callable[[Session], Checked]


# The chains that leave as a bundle of their own, by their names in the log.
BOOKS: Mapping[str, _Book] = {
    admin_journal.CHAIN: _Book(AccessKind.administration_exported, admin_journal.exported, admin_journal.check_chain),
    access_chain.CHAIN: _Book(AccessKind.reads_exported, access_checks.exported, access_checks.check_chain),
}


def require_chain(session: Session, chain: str, actor: Actor) -> None:
    """Raise Forbidden for who does not see the audit of all offices, BookUnknown for what is none of `BOOKS` and no book."""
    require(actor, Verb.see_audit, SystemFacts())
    if chain not in BOOKS:
        exporting.require_book(session, chain)


def prepare_chain_export(
    session: Session, chain: str, actor: Actor, now: datetime, *, reason: str, keyring: Keyring | None
) -> None:
    """Record who exports one of `BOOKS`, or a book of records by its name, and why, and sign a checkpoint that covers it.

    Only who sees the audit of all offices may. Raises ExportReasonMissing, Forbidden, KeyDamaged, BookUnknown.
    """
    require_chain(session, chain, actor)
    signing_keys.public_keys(session)
    kind = BOOKS[chain].kind if chain in BOOKS else AccessKind.book_exported
    record_access(session, actor, now, Read(kind, chain, reason))
    sign_over(session, chain, actor, now, keyring=keyring)


def write_chain_bundle(
    session: Session, chain: str, target: IO[bytes], *, keyring: Keyring | None = None
) -> Unsigned | None:
    """Write the bundle of one of `BOOKS`, or of a book of records, up to where the newest checkpoint covers it.

    Says why its manifest is not signed. Raises BookUnknown, BookUnreadable.
    """
    with zipfile.ZipFile(target, "w") as archive:
        writer = _Writer(session, archive, payloads=True, keyring=keyring)
        return writer.write_chain(chain) if chain in BOOKS else writer.write_book(chain)


@dataclass
class _Writer:
    """One bundle while it is written: files first, the manifest that names them all last, then its signature.

    is_sound  whether everything so far holds; what does not is written as it is, and not signed.
    is_late   whether there are records that the newest checkpoint does not cover.
    """

    session: Session
    archive: zipfile.ZipFile
    payloads: bool
    keyring: Keyring | None = None
    written: dict[str, JSON] = field(default_factory=dict)
    shown: list[JSON] = field(default_factory=list)
    definitions: dict[str, Definition] = field(default_factory=dict)
    called: list[tuple[str, str]] = field(default_factory=list)
    named: dict[str, NamedSet] = field(default_factory=dict)
    is_sound: bool = True
    is_late: bool = False

    def write(self, root: Case) -> Unsigned | None:
        """A case with its children; why it is not signed."""
        cases = list(_tree(self.session, root))
        checkpoint, proofs = self._proofs([case.id for case in cases])
        chains = [self._case(case, proofs.get(case.id)) for case in cases]
        sets = self._sets()
        for sha256_, definition in sorted(self.definitions.items()):
            self._definition(sha256_, definition)
        xml = {name: definition.xml.decode("utf-8", "replace") for name, definition in sorted(self.definitions.items())}
        forms = {name: definition.forms for name, definition in sorted(self.definitions.items())}
        self._add("player.html", player_page(self.shown, xml, checkpoint.note if checkpoint else None, forms, sets))
        return self._finish(chains, checkpoint)

    def write_chain(self, name: str) -> Unsigned | None:
        """A chain that is of no case, alone; what is newer than the checkpoint waits for the next bundle."""
        book = BOOKS[name]
        checkpoint, proofs = self._proofs([name])
        proof = proofs.get(name)
        folder = f"chains/{name}/{name}"
        count, head = 0, rules.GENESIS
        with _Lines() as records, _Lines() as texts:
            for record, beside in book.exported(self.session, proof["seq"] if proof else sys.maxsize):
                count, head = count + 1, record["hash"]
                records.add(record)
                for text in beside:
                    texts.add(text)
            self._add_lines(f"{folder}/journal.jsonl", records)
            if texts.size:
                self._add_lines(f"{folder}/payloads.jsonl", texts)
        self.is_sound &= not book.checked(self.session).faults
        about = {"kind": name, "id": name, "records": count, "head": head}
        return self._finish([self._proven(about, folder, proof)], checkpoint)

    def write_book(self, name: str) -> Unsigned | None:
        """A book of records, alone; what is newer than the checkpoint waits for the next bundle."""
        book = exporting.require_book(self.session, name)
        checkpoint, proofs = self._proofs([name])
        proof = proofs.get(name)
        last = proof["seq"] if proof else book.seq
        folder = f"chains/{BOOK}/{name}"
        with _Lines() as entries, _Lines() as changes, _Lines() as texts, _Lines() as sets:
            entries.add_all(exporting.entries(self.session, book, last))
            changes.add_all(exporting.changes(self.session, book, last))
            texts.add_all(exporting.texts(self.session, book, last))
            sets.add_all(exporting.sets(self.session, sets_in(entries)))
            for part, lines in (("journal", entries), ("changes", changes), ("payloads", texts), ("sets", sets)):
                if lines.size or part != "sets":
                    self._add_lines(f"{folder}/{part}.jsonl", lines)
            written = BookLines(name, entries, changes, texts, sets)
            faults = list(written.faults())
        # What was erased by an entry that the checkpoint does not cover is excused by the next one.
        self.is_late |= last < book.seq and bool(faults)
        self.is_sound &= self.is_late or not faults
        about = {"kind": BOOK, "id": name, "records": written.check.seq, "head": written.check.head}
        self.is_sound &= last < book.seq or (about["records"], about["head"]) == (book.seq, book.head)
        return self._finish([self._proven(about, folder, proof)], checkpoint)

    def _finish(self, chains: list[JSON], checkpoint: Checkpoint | None) -> Unsigned | None:
        """What every bundle has: who signed, how to check it, and what names it all; why it is not signed."""
        if checkpoint is not None:
            self._add("checkpoint.txt", checkpoint.note.encode())
            keys = signing_keys.public_keys(self.session)
            self._add("keys.txt", "".join(f"{key}\n" for key in keys).encode())
            first = _first_leaf(self.session, [chain["id"] for chain in chains])
            if (earlier := proofs_to(self.session, checkpoint, first)) is not None:
                self._add("consistency.json", _json(earlier))
        for name in ("README.txt", "verify.py"):
            self._add(name, (_STANDARD / name).read_bytes())
        ids = {chain["id"] for chain in chains}
        waiting = sorted({called for called in self.called if case_id_for(*called) not in ids})
        manifest = {
            "format": FORMAT,
            "root": chains[0]["id"],
            "payloads": self.payloads,
            "chains": chains,
            "not_started": [{"parent_case_id": parent, "parent_task_id": task} for parent, task in waiting],
            "checkpoint": _head(checkpoint) if checkpoint else None,
            "files": self.written,
        }
        content = _json(manifest)
        self._add("manifest.json", content)
        self.is_late |= checkpoint is None
        signature = self._signature(content)
        if isinstance(signature, Unsigned):
            return signature
        self._add("manifest.sig", str(signature).encode())
        return None

    def _signature(self, manifest: bytes) -> Note | Unsigned:
        """The signature of the manifest; why there is none where the key is elsewhere, or where it would say too much."""
        row = signing_keys.active_key(self.session)
        if row is None or self.keyring is None or not self.keyring.has(signing_keys.public_half(row).key_id):
            return Unsigned.elsewhere
        if not self.is_sound:
            return Unsigned.unsound
        try:
            audit_log.require_uncontradicted(self.session)
            refuse_to_contradict(LogTree(self.session), self.keyring)
        except TrustUnreadable:
            return Unsigned.untrusting
        except Refused:
            return Unsigned.contradicted
        if self.is_late:
            return Unsigned.late
        return signed_manifest(manifest, signing_keys.public_half(row), self.keyring) or Unsigned.elsewhere

    def _proofs(self, ids: list[str]) -> tuple[Checkpoint | None, dict[str, JSON]]:
        """The newest checkpoint with a proof for each chain; none where it does not cover them all."""
        checkpoint = audit_log.latest_checkpoint(self.session)
        proofs = {name: proof for name in ids if (proof := self._proof(name, checkpoint)) is not None}
        return (None, {}) if len(proofs) < len(ids) else (checkpoint, proofs)

    def _proven(self, about: JSON, folder: str, proof: JSON | None) -> JSON:
        """Add the proof of a chain; only one that leads to its end can be signed."""
        if proof is not None:
            self._add(f"{folder}/proof.json", _json(proof))
        ends = (about["records"], about["head"])
        self.is_late |= proof is None or proof["seq"] < about["records"]
        self.is_sound &= proof is None or proof["seq"] < about["records"] or (proof["seq"], proof["hash"]) == ends
        return about

    def _case(self, case: Case, proof: JSON | None) -> JSON:
        history = history_of(self.session, case)
        folder = f"cases/{case.id}"
        self.definitions |= history.definitions
        about = self._about(case, history)
        records = [{**rules.as_json(record), "hash": hash_} for record, hash_ in history.chain]
        states = list(lines_of_states(history, with_data=self.payloads))
        self.called += [
            (case.id, one["task_id"]) for state in states for one in state["waiting"] if one["kind"] == "child"
        ]
        self._add(f"{folder}/case.json", _json(about))
        self._add(f"{folder}/journal.jsonl", _lines(records))
        if self.payloads:
            payloads = [{"seq": seq, **vars(payload)} for seq, payload in sorted(history.payloads.items())]
            self._add(f"{folder}/payloads.jsonl", _lines(payloads))
            self._attachments(case, history)
        self._add(f"{folder}/states.jsonl", _lines(states))
        bodies = {seq: json.loads(payload.body) for seq, payload in history.payloads.items()} if self.payloads else None
        self.named |= named_in(case.id, bodies or {})
        self.shown.append({"case": about, "records": records, "states": states, "payloads": bodies})
        self.is_sound &= _is_sound(case, history, len(states))
        chain = {
            "kind": "case",
            "id": case.id,
            "records": len(history.chain),
            "head": history.chain[-1][1] if history.chain else rules.GENESIS,
            "parent_case_id": case.parent_case_id,
            "parent_task_id": case.parent_task_id,
        }
        return self._proven(chain, folder, proof)

    def _sets(self) -> JSON | None:
        """Add the sets of records that the cases name, and say what the player is given of them; None where they name none."""
        if not self.named:
            return None
        with _Lines() as sets, _Lines() as versions:
            sets.add_all(exporting.sets(self.session, self.named))
            versions.add_all(exporting.versions(self.session, members_in(sets, self.named)))
            for name, lines in ((SETS, sets), (VERSIONS, versions)):
                self._add_lines(name, lines)
            self.is_sound &= not list(faults_of_sets(self.named, sets, versions))
            return shown_sets(sets, versions)

    def _about(self, case: Case, history: History) -> JSON:
        about: JSON = {
            "id": case.id,
            "business_key": case.business_key,
            "office_id": case.office_id,
            "fiscal_year": case.fiscal_year,
            "state": case.state,
            "outcome": case.outcome,
            "parent_case_id": case.parent_case_id,
            "parent_task_id": case.parent_task_id,
        }
        if self.payloads and 1 in history.payloads:
            names = {name for record, _ in history.chain for name in (record.actor, record.on_behalf_of) if name}
            about |= {"title": case.title, "people": names_of(self.session, names)}
        return about

    def _attachments(self, case: Case, history: History) -> None:
        named = {
            json.loads(history.payloads[record.seq].body)["data"]["sha256"]
            for record, _ in history.chain
            if record.kind == RecordKind.case_attached and record.seq in history.payloads
        }
        query = select(Attachment).where(Attachment.case_id == case.id, Attachment.sha256.in_(named))
        for row in self.session.scalars(query.order_by(Attachment.sha256).options(undefer(Attachment.content))):
            if (name := f"attachments/{row.sha256}") not in self.written:
                try:
                    content = content_of(self.session, row)
                except FileDamaged:  # the case leaves without it, unsigned; whoever checks it is told what is missing
                    self.is_sound = False
                    continue
                self._add(name, content)
                self.is_sound &= sha256(content).hexdigest() == row.sha256
            self.session.expunge(row)

    def _definition(self, sha256_: str, definition: Definition) -> None:
        folder = f"definitions/{sha256_}"
        self._add(f"{folder}/process.bpmn", definition.xml)
        self._add(f"{folder}/forms.json", _json(definition.forms))
        self._add(f"{folder}/decisions.json", _json(definition.decisions))

    def _proof(self, name: str, checkpoint: Checkpoint | None) -> JSON | None:
        if checkpoint is None:
            return None
        try:
            proof = audit_log.inclusion(self.session, name, None, checkpoint.size)
        except NotLogged:
            return None
        hash_ = self.session.get_one(LogLeaf, proof.position).hash
        return {
            "case_id": name,
            "seq": proof.seq,
            "hash": hash_,
            "position": proof.position,
            "size": proof.size,
            "path": proof.path,
        }

    def _add(self, name: str, content: bytes) -> None:
        info = _entry(name, len(content), len(zlib.compress(content, 9)))
        self.archive.writestr(info, content, compresslevel=9)
        self.written[name] = {"sha256": sha256(content).hexdigest(), "size": len(content)}

    def _add_lines(self, name: str, lines: _Lines) -> None:
        """Add a file of lines that may be more than memory should hold, packed as `_add` packs."""
        info = _entry(name, lines.size, lines.packed)
        info._compresslevel = 9  # type: ignore[attr-defined]
        with self.archive.open(info, "w") as entry:
            lines.copy_to(entry)
        self.written[name] = {"sha256": lines.digest, "size": lines.size}


class _Lines:
    """Lines of canonical JSON, kept on the disk beyond a few megabytes, with what the manifest says of them."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 (closed at the end of `with`)
        self._hash, self._packer = sha256(), zlib.compressobj(9)
        self._packed = 0
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, value: JSON) -> None:
        """Add a line."""
        line = rules.canonical(value) + b"\n"
        self._file.write(line)
        self._hash.update(line)
        self._packed += len(self._packer.compress(line))
        self.size += len(line)

    def add_all(self, values: Iterable[JSON]) -> None:
        """Add a line for each."""
        for value in values:
            self.add(value)

    def __iter__(self) -> Iterator[JSON]:
        """What the lines say, one after another, from the first; lines can be read in several places at once."""
        at = 0
        while at < self.size:
            self._file.seek(at)
            line = self._file.readline()
            at += len(line)
            yield json.loads(line)

    @property
    def digest(self) -> str:
        """The SHA-256 of the lines."""
        return self._hash.hexdigest()

    @property
    def packed(self) -> int:
        """How large they are when packed."""
        return self._packed + len(self._packer.copy().flush())

    def copy_to(self, target: IO[bytes]) -> None:
        """Write them all."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, target)


def _entry(name: str, size: int, packed: int) -> zipfile.ZipInfo:
    """How a file stands in the archive; what is not smaller when it is packed, or much too much smaller, is stored."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr, info.file_size = 3, 0o100644 << 16, size
    is_packed = packed < size <= _MOST_PACKED * packed
    info.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    return info


def _tree(session: Session, root: Case, **options: bool) -> Iterator[Case]:
    """The case and everything below it, parents before children, siblings in the order in which they began.

    `options` of the statements: whether cases that are closed to the actor are among them.
    """
    level = [root]
    while level:
        yield from level
        query = select(Case).where(Case.parent_case_id.in_([case.id for case in level]))
        query = query.options(joinedload(Case.definition)).order_by(Case.started_at, Case.id)
        level = list(session.scalars(query, execution_options=options))


def _is_sound(case: Case, history: History, states: int) -> bool:
    """Whether the history holds by itself, so that it may be signed: its chain, its payloads, its states to their end."""
    if faults_of_history(history) or not history.chain:
        return False
    replayed = states == len(history.chain) or history.chain[states][0].seq in history.erased
    first = json.loads(history.payloads[1].body) if 1 in history.payloads else None
    named = (case.business_key, case.title)
    return replayed and (first is None or (first["about"]["business_key"], first["about"]["title"]) == named)


def _first_leaf(session: Session, ids: list[str]) -> int:
    """Where the log has the first record of these chains."""
    query = select(func.min(LogLeaf.position)).where(LogLeaf.case_id.in_(ids), LogLeaf.seq == 1)
    return session.scalar(query) or 0


def _is_covered(session: Session, root: Case) -> bool:
    """Whether the newest checkpoint covers the newest record of every case of the bundle."""
    newest = audit_log.latest_checkpoint(session)
    if newest is None:
        return False
    for case in _tree(session, root):
        logged = session.get(LoggedCase, case.id)
        if logged is None or logged.seq < case.seq:
            return False
        try:
            signed = audit_log.inclusion(session, case.id, None, newest.size)
        except NotLogged:  # logged since the checkpoint: the case is newer than it
            return False
        if signed.seq < case.seq:
            return False
    return True


def _head(checkpoint: Checkpoint) -> JSON:
    head = read_head(read_note(checkpoint.note))
    return {"size": head.size, "root": head.root.hex()}


def _json(value: Any) -> bytes:
    return rules.canonical(value) + b"\n"


def _lines(values: list[Mapping[str, Any]] | list[JSON]) -> bytes:
    return b"".join(rules.canonical(value) + b"\n" for value in values)
