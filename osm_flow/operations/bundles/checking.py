"""Checking a bundle with the product: what `verify.py` checks, and with the engine every state again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from osm_flow.domain import journal as rules
from osm_flow.domain.journal import Fault
from osm_flow.domain.json import JSON
from osm_flow.domain.merkle_note import Note, NoteUnreadable, VerifierKey, read_head, read_keys, read_note
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.merkle_tree import Leaf, leaf_bytes
from osm_flow.operations.bundles.reading import Bundle, BundledCase, parsed, read_bundle
from osm_flow.operations.bundles.states import lines_of_states
from osm_flow.operations.replay import compare_states
from osm_flow.operations.replay.compare_states import Deep, KnownState
from osm_flow.operations.replay.history import faults_of_history
from osm_flow.operations.stepping.step import case_id_for


@dataclass(frozen=True)
class BundleReport:
    """The result of checking a bundle. `cases` are all of its cases, replayed where that was asked for."""

    faults: list[Fault]
    notes: list[str]
    cases: list[Deep]
    signers: list[str]


def check_bundle(path: Path, *, trusted: Sequence[VerifierKey] | None = None, replaying: bool = False) -> BundleReport:
    """Check a bundle; its faults. Raises BundleUnreadable.

    With `trusted` keys the bundle must have a checkpoint that one of them signed; without, a key of its own is taken,
    which proves nothing about who signed.
    """
    bundle = read_bundle(path)
    faults = [*bundle.faults, *_faults_of_tree(bundle), *_faults_of_strays(bundle)]
    notes: list[str] = []
    cases: list[Deep] = []
    for case in bundle.cases:
        faults += _faults_of_case(bundle, case)
        cases.append(_replayed(case) if replaying and bundle.has_payloads else Deep(case.history.case_id))
        faults += cases[-1].faults
    if replaying and not bundle.has_payloads:
        notes.append("the bundle has no payloads, so nothing can be replayed")
    signers, signed_faults = _signers(bundle, trusted)
    faults += signed_faults
    if bundle.checkpoint is None:
        notes.append("the bundle has no checkpoint: nothing shows that the chains are the original ones")
    elif trusted is None:
        notes.append("the key is from inside the bundle: it proves nothing about who signed")
    return BundleReport(_in_order(faults), notes, cases, signers)


def root_of(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); None for a path that does not fit.

    The library behind `log_tree` only checks proofs in its own form, which says more than RFC 6962's.
    """
    if not 0 <= position < size:
        return None
    node, last, digest = position, size - 1, sha256(b"\x00" + leaf).digest()
    for sibling in path:
        if last == 0:
            return None
        if node % 2 or node == last:
            digest = sha256(b"\x01" + sibling + digest).digest()
            while node and node % 2 == 0:
                node, last = node // 2, last // 2
        else:
            digest = sha256(b"\x01" + digest + sibling).digest()
        node, last = node // 2, last // 2
    return digest if last == 0 else None


# ---- one case ----------------------------------------------------------------------------------------------------


def _faults_of_case(bundle: Bundle, case: BundledCase) -> Iterator[Fault]:
    history, case_id = case.history, case.history.case_id
    faults = faults_of_history(history)
    yield from faults if bundle.has_payloads else (fault for fault in faults if fault.code != "payload")
    count, head = (history.chain[-1][0].seq, history.chain[-1][1]) if history.chain else (0, rules.GENESIS)
    if (count, head) != (case.about["records"], case.about["head"]):
        yield Fault(case_id, count, "head", "the journal does not end where the manifest says")
    if {"id": case_id, **_parents(case.about)} != {"id": case.shown.get("id"), **_parents(case.shown)}:
        yield Fault(case_id, 0, "case", "case.json is of another case than the manifest says")
    for seq in sorted(history.payloads):
        yield from _faults_of_body(bundle, case, seq)
    ids = {other.history.case_id for other in bundle.cases}
    for record, _ in history.chain:
        if record.kind == RecordKind.child_ended and case_id_for(case_id, record.task_id or "") not in ids:
            yield Fault(case_id, record.seq, "child", "the child case that ended here is not in the bundle")
    for state, (record, _) in zip(case.states, history.chain, strict=False):
        if (state.get("seq"), state.get("digest")) != (record.seq, record.state_digest):
            yield Fault(case_id, record.seq, "states", "states.jsonl tells of another state than the record")
            break
    if len(case.states) > len(history.chain):
        yield Fault(case_id, count, "states", "states.jsonl tells of records that are not there")


def _faults_of_body(bundle: Bundle, case: BundledCase, seq: int) -> Iterator[Fault]:
    case_id = case.history.case_id
    body = parsed(case.history.payloads[seq].body.encode("utf-8", "surrogatepass"))
    kind = next((record.kind for record, _ in case.history.chain if record.seq == seq), "")
    try:
        command, data = body["command"], body["data"]
        if (command is not None and command["type"] == "Start") != (seq == 1):
            yield Fault(case_id, seq, "payload", "a case begins with its first record, and only there")
        if seq == 1:
            yield from _faults_of_first(case, body["about"])
        if kind == RecordKind.case_attached:
            name, size = data["sha256"], data["size"]
            if bundle.attachments.get(name) != (name, size):
                yield Fault(case_id, seq, "attachment", "the attachment is not the recorded one")
    except (TypeError, KeyError, AttributeError):
        yield Fault(case_id, seq, "payload", "the payload is no record's payload")


def _faults_of_first(case: BundledCase, about: JSON) -> Iterator[Fault]:
    case_id = case.history.case_id
    if _parents(about) != _parents(case.about):
        yield Fault(case_id, 1, "case", "the first record names another parent than the manifest")
    if any(case.shown.get(name) != about[name] for name in ("business_key", "title")):
        yield Fault(case_id, 1, "case", "case.json has another title or business key than the first record")


def _parents(about: JSON) -> JSON:
    return {name: about.get(name) or None for name in ("parent_case_id", "parent_task_id")}


def _replayed(case: BundledCase) -> Deep:
    """The replay of the case; the bundle's own states are what is known of the recorded ones."""
    result = compare_states.compare(case.history, lambda seq: _told(case.states, seq))
    if result.faults or not result.is_complete:
        return result
    with_data = all("set" in state for state in case.states)
    for written, computed in zip(case.states, lines_of_states(case.history, with_data=with_data), strict=False):
        if written != computed:
            message = "states.jsonl does not tell what the engine finds after this record"
            return result.with_faults([Fault(case.history.case_id, computed["seq"], "states", message)])
    return result


def _told(states: list[JSON], seq: int) -> KnownState | None:
    """A state as states.jsonl tells it."""
    data: JSON = {}
    for state in states:
        try:
            data |= state.get("set", {})
            data = {name: value for name, value in data.items() if name not in state.get("unset", ())}
            if state["seq"] == seq:
                shown = (
                    waiting["element"]
                    if waiting["instance"] is None
                    else f"{waiting['element']}[{waiting['instance']}]"
                    for waiting in state["waiting"]
                )
                return KnownState("states.jsonl", tuple(sorted(shown)), data if "set" in state else None)
        except (TypeError, KeyError):
            return None
    return None


# ---- the bundle --------------------------------------------------------------------------------------------------


def _faults_of_tree(bundle: Bundle) -> Iterator[Fault]:
    seen: set[str] = set()
    for case in bundle.cases:
        case_id, parent, task = case.about["id"], case.about["parent_case_id"], case.about["parent_task_id"]
        if case_id in seen:
            yield Fault(case_id, 0, "case", "the case is in the bundle twice")
        if (parent is None) != (task is None) or (parent is not None and case_id != case_id_for(parent, task)):
            yield Fault(case_id, 0, "child", "the case is not the child of that task of its parent")
        if parent not in seen if seen else case_id != bundle.manifest["root"]:
            yield Fault(case_id, 0, "case", "the exported case did not call this one")
        seen.add(case_id)


def _faults_of_strays(bundle: Bundle) -> Iterator[Fault]:
    ids = {case.history.case_id for case in bundle.cases}
    named = {record.definition_sha256 for case in bundle.cases for record, _ in case.history.chain}
    attached = {name for case in bundle.cases for name in _attached(case)}
    for name in bundle.manifest["files"]:
        if name.endswith("/payloads.jsonl") and not bundle.has_payloads:
            yield Fault("", 0, "payload", "there are payloads, and the manifest says that there are none")
        kind, _, path = name.partition("/")
        owners = {"cases": ids, "definitions": named, "attachments": attached}.get(kind)
        if owners is not None and path.partition("/")[0] not in owners:
            yield Fault("", 0, "file", f"{name[:200]}: no case and no record names it")


def _attached(case: BundledCase) -> Iterator[Any]:
    for record, _ in case.history.chain:
        payload = case.history.payloads.get(record.seq)
        if record.kind == RecordKind.case_attached and payload is not None:
            try:
                yield json.loads(payload.body)["data"]["sha256"]
            except (ValueError, TypeError, KeyError, RecursionError):
                continue


def _signers(bundle: Bundle, trusted: Sequence[VerifierKey] | None) -> tuple[list[str], list[Fault]]:
    """Who signed the checkpoint, and what is wrong with it or with a proof against it."""
    if bundle.checkpoint is None:
        is_left = bundle.manifest["checkpoint"] is not None or bundle.keys is not None
        if is_left or any(case.proof for case in bundle.cases):
            return [], [Fault("", 0, "checkpoint", "the checkpoint is missing")]
        message = "the bundle has no checkpoint, so nobody signed it"
        return [], [Fault("", 0, "checkpoint", message)] if trusted is not None else []
    try:
        note = read_note(bundle.checkpoint)
        head = read_head(note)
        text = (bundle.keys or b"").decode()
        own = read_keys(text.splitlines())
        if "".join(f"{key}\n" for key in own) != text or str(note).encode() != bundle.checkpoint:
            raise NoteUnreadable(reason="it or signing_keys.txt is spelled in another way than the one")
    except (NoteUnreadable, UnicodeDecodeError) as error:
        return [], [Fault("", 0, "checkpoint", str(error))]
    signers, faults = _signed_by(note, own, "a key of the bundle")
    if trusted is not None:
        signers, more = _signed_by(note, trusted, "a trusted key")
        faults += more
    if bundle.manifest["checkpoint"] != {"size": head.size, "root": head.root.hex()}:
        faults.append(Fault("", 0, "checkpoint", "it is not the checkpoint of the manifest"))
    faults += [fault for case in bundle.cases for fault in _faults_of_proof(case, head.size, head.root)]
    return signers, faults


def _signed_by(note: Note, known: Sequence[VerifierKey], whose: str) -> tuple[list[str], list[Fault]]:
    answers = [(key.name, answer) for key in known if (answer := signing_keys.signed_by(note, key)) is not None]
    if not answers:
        return [], [Fault("", 0, "signature", f"the checkpoint is not signed by {whose}")]
    faults = [Fault("", 0, "signature", f"the signature of {name} is wrong") for name, answer in answers if not answer]
    return sorted({name for name, answer in answers if answer}), faults


def _faults_of_proof(case: BundledCase, size: int, root: bytes) -> Iterator[Fault]:
    case_id, proof = case.history.case_id, case.proof
    if proof is None:
        yield Fault(case_id, 0, "proof", "there is a checkpoint, but no proof that it covers the case")
        return
    try:
        seq, hash_ = proof["seq"], proof["hash"]
        if not all(type(proof[name]) is int for name in ("seq", "position", "size")) or type(hash_) is not str:
            raise TypeError
        leaf = leaf_bytes(Leaf(proof["case_id"], seq, hash_))
        path = [bytes.fromhex(sibling) for sibling in proof["path"]]
        if [sibling.hex() for sibling in path] != proof["path"] or len(proof) != 6:
            raise ValueError
        computed = root_of(leaf, proof["position"], proof["size"], path)
    except (KeyError, TypeError, ValueError):
        yield Fault(case_id, 0, "proof", "the proof is none")
        return
    if (proof["case_id"], proof["size"]) != (case_id, size) or computed != root:
        yield Fault(case_id, seq, "proof", "the checkpoint does not contain this record")
    elif not any(record.seq == seq and own == hash_ for record, own in case.history.chain):
        yield Fault(case_id, seq, "proof", "the record that the proof speaks of is not in the journal")


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.case_id, fault.seq, fault.code))
