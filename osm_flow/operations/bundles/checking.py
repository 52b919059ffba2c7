"""Checking a bundle with the product: what `verify.py` checks, and with the engine every state again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from osm_flow.domain import journal as rules
from osm_flow.domain.journal import Fault
from osm_flow.domain.json import JSON
from osm_flow.domain.merkle_note import Head, VerifierKey
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.operations.audit.merkle_tree import Leaf, leaf_bytes, root_of
from osm_flow.operations.bundles import consistency
from osm_flow.operations.bundles.chains import KNOWN, faults_of_erasures, faults_of_other, texts_gone
from osm_flow.operations.bundles.decided_on import NamedSet, faults_of_sets, named_in, shown_sets
from osm_flow.operations.bundles.player import SHELLS, data_and_shell, shown_data
from osm_flow.operations.bundles.reading import (
    BOOK,
    PARENTS,
    Bundle,
    BundledBook,
    BundledCase,
    BundledChain,
    is_digest,
    loaded,
    parsed,
    read_bundle,
)
from osm_flow.operations.bundles.seals import UNSIGNED, Seal, is_borne, seal_of
from osm_flow.operations.bundles.states import lines_of_states
from osm_flow.operations.bundles.verdicts import Reach, Verdict
from osm_flow.operations.replay import compare_states
from osm_flow.operations.replay.compare_states import Deep, KnownState
from osm_flow.operations.replay.history import faults_of_history
from osm_flow.operations.stepping.step import case_id_for

_IN_WAITING = {"kind", "task_id", "element", "due_at", "instance"}
_OF_CASE = {"id", "business_key", "office_id", "fiscal_year", "state", "outcome", *PARENTS}


@dataclass(frozen=True)
class BundleReport:
    """The result of checking a bundle. `cases` are all of its cases, replayed where that was asked for."""

    faults: list[Fault]
    notes: list[str]
    cases: list[Deep]
    signers: list[str]
    verdict: Verdict


@dataclass(frozen=True)
class Verifier:
    """What the verifier brought along.

    trusted       the keys of those whose signatures count; None: nobody's are known.
    own           the keys of this machine, which count where nobody's were given and the bundle bears one of them.
    witness       a checkpoint that a witness kept, as a file or a mail.
    proof         what `audit consistency --json` printed.
    allows_newer  whether what no signature covers is taken, and only told.
    """

    trusted: Sequence[VerifierKey] | None = None
    witness: bytes | None = None
    proof: bytes | None = None
    allows_newer: bool = False
    own: Sequence[VerifierKey] = ()

    @property
    def is_strict(self) -> bool:
        """Whether what nobody signed is a fault."""
        return self.trusted is not None and not self.allows_newer


_NOBODY = Verifier()


def check_bundle(
    path: Path, *, trusted: Sequence[VerifierKey] | None = None, given: Verifier = _NOBODY, replaying: bool = False
) -> BundleReport:
    """Check a bundle; its faults, and how far it is proven. Raises BundleUnreadable.

    With `trusted` keys (or those in `given`) the bundle must have a checkpoint that one of them signed; without, a key of
    its own is taken, which proves nothing about who signed.
    """
    bundle = read_bundle(path)
    if trusted is None:
        trusted = given.trusted
    if trusted is None and is_borne(bundle, given.own):
        trusted = given.own
    given = replace(given, trusted=trusted)
    faults = [*bundle.faults, *_faults_of_tree(bundle), *_faults_of_strays(bundle), *_faults_of_children(bundle)]
    notes = list(_notes_of(bundle))
    cases: list[Deep] = []
    for case in bundle.cases:
        faults += _faults_of_case(bundle, case)
        cases.append(_replayed(case) if replaying and bundle.has_payloads else Deep(case.history.case_id))
        faults += cases[-1].faults
    faults += _faults_of_sets(bundle)
    for chain in bundle.others:
        faults += faults_of_other(chain)
    if replaying and not bundle.has_payloads:
        notes.append("the bundle has no payloads, so nothing can be replayed")
    seal = seal_of(bundle, given.trusted)
    faults += seal.faults
    notes += seal.notes
    reaches = _reaches(bundle, seal.head, faults)
    if seal.head is not None:
        faults += _faults_of_cover(bundle, seal, reaches, given, notes)
    faults += _faults_of_player(bundle, notes)
    compared = _compared(bundle, seal, given, faults, notes)
    if bundle.checkpoint is not None and given.trusted is None:
        notes.append("the key is from inside the bundle: it proves nothing about who signed")
    faults = _in_order(faults)
    verdict = Verdict(
        faults=len(faults),
        is_first=bundle.is_first,
        is_signed=bundle.checkpoint is not None,
        is_trusted=given.trusted is not None,
        is_sealed=seal.is_whole and given.trusted is not None,
        is_compared=compared,
        reaches=reaches,
    )
    return BundleReport(faults, notes, cases, seal.signers, verdict)


def _compared(bundle: Bundle, seal: Seal, given: Verifier, faults: list[Fault], notes: list[str]) -> bool | None:
    """Whether the checkpoint of a witness was compared; adds what is wrong with it, and how to get a proof."""
    if given.witness is None:
        return None
    if seal.head is None:
        faults.append(Fault("", 0, "checkpoint", "the bundle has no checkpoint, so nobody signed it"))
        return False
    compared = consistency.compare(bundle, seal.head, given.witness, given.proof, given.trusted)
    faults += compared.faults
    notes += compared.notes
    return compared.is_compared


def _notes_of(bundle: Bundle) -> Iterator[str]:
    """What the reader of a verdict should know of what is not in the bundle, or not looked at by its kind."""
    first = bundle.chains[0].about
    if first.get("parent_case_id"):
        yield f"case {first['id']} was called by case {first['parent_case_id']}, which is not in the bundle"
    for one in bundle.manifest.get("not_started", ()):
        parent, task = (one[name] for name in PARENTS)
        yield f"case {parent}: the child of its task {task} had not begun when the bundle was written"
    for chain in bundle.others:
        if (kind := chain.about["kind"]) not in (*KNOWN, BOOK):
            yield f"chain {kind} {chain.about['id']}: kind {kind}: checked as a chain only"
        if (gone := texts_gone(chain)) > 0:
            yield f"chain {kind} {chain.about['id']}: {gone} texts beside it gone"


# ---- one case ----------------------------------------------------------------------------------------------------


def _faults_of_case(bundle: Bundle, case: BundledCase) -> Iterator[Fault]:
    history, case_id = case.history, case.history.case_id
    faults = faults_of_history(history)
    yield from faults if bundle.has_payloads else (fault for fault in faults if fault.code != "payload")
    count, head = (history.chain[-1][0].seq, history.chain[-1][1]) if history.chain else (0, rules.GENESIS)
    if (count, head) != (case.about["records"], case.about["head"]):
        yield Fault(case_id, count, "head", "the journal does not end where the manifest says")
    if any(case.shown.get(name, "") != case.about[name] for name in ("id", *PARENTS)):
        yield Fault(case_id, 0, "case", "case.json is of another case than the manifest says")
    for seq in sorted(history.payloads):
        yield from _faults_of_body(bundle, case, seq)
    if not bundle.is_first:
        yield from _faults_of_shown(bundle, case)
        yield from _faults_of_states(bundle, case)
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
        if kind == RecordKind.payloads_erased:
            iter(data["erased"])
        if kind == RecordKind.case_attached:
            name, size = data["sha256"], data["size"]
            if bundle.attachments.get(name) != (name, size):
                yield Fault(case_id, seq, "attachment", "the attachment is not the recorded one")
    except (TypeError, KeyError, AttributeError):
        yield Fault(case_id, seq, "payload", "the payload is no record's payload")


def _faults_of_shown(bundle: Bundle, case: BundledCase) -> Iterator[Fault]:
    """What case.json says beside what the first record repeats: no more than its fields, and nobody who is in no record."""
    case_id, history = case.history.case_id, case.history
    has_names = bundle.has_payloads and 1 in history.payloads
    if case.shown.keys() != (_OF_CASE | {"title", "people"} if has_names else _OF_CASE):
        yield Fault(case_id, 0, "case", "case.json has other fields")
    people = case.shown.get("people", {})
    names = {name for record, _ in history.chain for name in (record.actor, record.on_behalf_of) if name is not None}
    if not isinstance(people, dict) or not people.keys() <= names:
        yield Fault(case_id, 0, "case", "case.json names people who are in no record")


def _faults_of_states(bundle: Bundle, case: BundledCase) -> Iterator[Fault]:
    """The form of each state, that they go on until the replay ends, and that what was erased is gone."""
    case_id, history, count = case.history.case_id, case.history, len(case.states)
    for number, state in enumerate(case.states, start=1):
        if not _is_state(state, with_data=bundle.has_payloads):
            yield Fault(case_id, number, "states", "states.jsonl tells a state in another form")
    if not bundle.has_payloads:
        return
    if count < len(history.chain) and history.chain[count][0].seq in history.payloads:
        said = "states.jsonl ends here, and the payload of this record was not erased"
        yield Fault(case_id, count + 1, "states", said)
    for seq in sorted(history.erased & history.payloads.keys()):
        yield Fault(case_id, seq, "payload", "the payload was erased by law, and is here all the same")


def _is_state(state: JSON, *, with_data: bool) -> bool:
    names = {"seq", "digest", "waiting", "passed"} | ({"set", "unset"} if with_data else set())
    if state.keys() != names or type(state["seq"]) is not int or not isinstance(state["waiting"], list):
        return False
    return all(isinstance(one, dict) and one.keys() == _IN_WAITING for one in state["waiting"])


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
    for chain in bundle.chains:
        chain_id = chain.about["id"]
        if not seen and chain_id != bundle.manifest["root"]:
            yield Fault(chain_id, 0, "case", "the exported case did not call this one")
        if chain.about["kind"] == "case":
            parent, task = (chain.about[name] for name in PARENTS)
            if parent is not None and chain_id != case_id_for(parent, task):
                yield Fault(chain_id, 0, "child", "the case is not the child of that task of its parent")
            if seen and parent not in seen:
                yield Fault(chain_id, 0, "case", "the exported case did not call this one")
        seen.add(chain_id)


def _faults_of_children(bundle: Bundle) -> Iterator[Fault]:
    """That every case that was called is in the bundle, or is named as one that had not begun."""
    ids = {case.history.case_id for case in bundle.cases}
    waiting = [(one["parent_case_id"], one["parent_task_id"]) for one in bundle.manifest.get("not_started", ())]
    for parent, task in waiting:
        if parent not in ids or case_id_for(parent, task) in ids:
            said = "the manifest says that a child had not begun which is here, or is of no case of the bundle"
            yield Fault(parent, 0, "child", said)
    for case in bundle.cases:
        case_id = case.history.case_id
        for record, _ in case.history.chain:
            if record.kind == RecordKind.child_ended and case_id_for(case_id, record.task_id or "") not in ids:
                yield Fault(case_id, record.seq, "child", "the child case that ended here is not in the bundle")
        for task, seq in () if bundle.is_first else _called(case):
            if case_id_for(case_id, task) not in ids and (case_id, task) not in waiting:
                yield Fault(case_id, seq, "child", f"a running child is missing: that of the task {task}")


def _called(case: BundledCase) -> Iterator[tuple[str, int]]:
    """The tasks of the case for which another case runs or ran, each with the record since which."""
    seen: set[str] = set()
    for state, (record, _) in zip(case.states, case.history.chain, strict=False):
        if not _is_state(state, with_data="set" in state):
            continue
        for task in (str(one["task_id"]) for one in state["waiting"] if one["kind"] == "child"):
            if task not in seen:
                seen.add(task)
                yield task, record.seq


def _faults_of_strays(bundle: Bundle) -> Iterator[Fault]:
    folders = {_folder_of(chain) for chain in bundle.chains}
    named = {record.definition_sha256 for case in bundle.cases for record, _ in case.history.chain}
    attached = {name for case in bundle.cases for name in _attached(case)}
    for name in bundle.manifest["files"]:
        if name.startswith("cases/") and name.endswith("/payloads.jsonl") and not bundle.has_payloads:
            yield Fault("", 0, "payload", "there are payloads, and the manifest says that there are none")
        kind, _, path = name.partition("/")
        owners = {"definitions": named, "attachments": attached}.get(kind)
        is_stray = owners is not None and path.partition("/")[0] not in owners
        if is_stray or (kind in ("cases", "chains") and name.rpartition("/")[0] not in folders):
            yield Fault("", 0, "file", f"{name[:200]}: no case and no record names it")


def _faults_of_sets(bundle: Bundle) -> Iterator[Fault]:
    """The sets of records that payloads name, and the versions in them."""
    named: dict[str, NamedSet] = {}
    for case in bundle.cases if bundle.has_payloads else ():
        bodies = {
            seq: parsed(payload.body.encode("utf-8", "surrogatepass")) for seq, payload in case.history.payloads.items()
        }
        named |= named_in(case.history.case_id, bodies)
    return faults_of_sets(named, bundle.sets, bundle.versions)


def _folder_of(chain: BundledCase | BundledChain) -> str:
    kind, name = chain.about["kind"], chain.about["id"]
    return f"cases/{name}" if kind == "case" else f"chains/{kind}/{name}"


def _attached(case: BundledCase) -> Iterator[Any]:
    for record, _ in case.history.chain:
        payload = case.history.payloads.get(record.seq)
        if record.kind == RecordKind.case_attached and payload is not None:
            try:
                yield json.loads(payload.body)["data"]["sha256"]
            except (ValueError, TypeError, KeyError, RecursionError):
                continue


# ---- how far it is proven ----------------------------------------------------------------------------------------


def _records_of(chain: BundledCase | BundledChain) -> list[tuple[int, str, str]]:
    """Number, hash and time of each record."""
    if isinstance(chain, BundledCase):
        return [(record.seq, hash_, record.at) for record, hash_ in chain.history.chain]
    known = (record for record in chain.records if type(record.get("seq")) is int)
    return [(record["seq"], str(record.get("hash")), _at_of(record)) for record in known]


def _at_of(record: JSON) -> str:
    return record["at"] if isinstance(record.get("at"), str) else ""


def _reaches(bundle: Bundle, head: Head | None, faults: list[Fault]) -> list[Reach]:
    """How far each chain is proven by the checkpoint; adds what is wrong with the proofs."""
    reaches = []
    for chain in bundle.chains:
        records = _records_of(chain)
        count = records[-1][0] if records else 0
        proven, at = 0, "-"
        if head is not None:
            wrong = list(_faults_of_proof(chain, records, head))
            faults += wrong
            if not wrong and chain.proof is not None:
                proven = chain.proof["seq"]
                at = next(time for seq, _, time in records if seq == proven) or "-"
        kind = chain.about["kind"]
        where = f"case {chain.about['id']}" if kind == "case" else f"chain {kind} {chain.about['id']}"
        reaches.append(Reach(where, proven, count, at))
    return reaches


def _faults_of_proof(
    chain: BundledCase | BundledChain, records: list[tuple[int, str, str]], head: Head
) -> Iterator[Fault]:
    chain_id, proof = chain.about["id"], chain.proof
    if proof is None:
        yield Fault(chain_id, 0, "proof", "there is a checkpoint, but no proof that it covers the case")
        return
    try:
        seq, hash_ = proof["seq"], proof["hash"]
        if not all(type(proof[name]) is int for name in ("seq", "position", "size")) or not is_digest(hash_):
            raise TypeError
        leaf = leaf_bytes(Leaf(proof["case_id"], seq, hash_))
        path = [bytes.fromhex(sibling) for sibling in proof["path"]]
        if len(proof) != 6 or not all(map(is_digest, proof["path"])):
            raise ValueError
        computed = root_of(leaf, proof["position"], proof["size"], path)
    except (KeyError, TypeError, ValueError):
        yield Fault(chain_id, 0, "proof", "the proof is none")
        return
    if (proof["case_id"], proof["size"]) != (chain_id, head.size) or computed != head.root:
        yield Fault(chain_id, seq, "proof", "the checkpoint does not contain this record")
    elif not any((number, own) == (seq, hash_) for number, own, _ in records):
        yield Fault(chain_id, seq, "proof", "the record that the proof speaks of is not in the journal")


def _faults_of_cover(
    bundle: Bundle, seal: Seal, reaches: list[Reach], given: Verifier, notes: list[str]
) -> Iterator[Fault]:
    """What no signature covers: records newer than the proof, what they alone say was erased, an unsigned manifest."""
    is_signed = "manifest.sig" in bundle.contents
    for chain, reach in zip(bundle.chains, reaches, strict=True):
        chain_id = chain.about["id"]
        if not reach.proven:
            continue
        if reach.proven < reach.records and is_signed and not bundle.is_first:
            said = "the manifest is signed, and the proof is one of another record than the newest"
            yield Fault(chain_id, reach.records, "proof", said)
        if reach.proven < reach.records and given.is_strict:
            said = "nothing proves this record and those after it (--allow-newer takes them)"
            yield Fault(chain_id, reach.proven + 1, "proof", said)
        elif reach.proven < reach.records:
            notes.append(
                f"{reach.where}: records after {reach.proven} are newer than the checkpoint; only their chain covers them"
            )
        if isinstance(chain, BundledCase) and bundle.has_payloads and (given.is_strict or not bundle.is_first):
            yield from _faults_of_erasures(chain, reach.proven)
        if isinstance(chain, BundledBook):
            yield from faults_of_erasures(chain, reach.proven)
    if not is_signed and not bundle.is_first:
        if given.is_strict:
            yield Fault("", 0, "manifest", f"{UNSIGNED} (--allow-newer takes it so)")
        else:
            notes.append(UNSIGNED)
    if seal.head is not None:
        yield from consistency.faults_of_proofs(bundle, seal.head)


def _faults_of_erasures(case: BundledCase, proven: int) -> Iterator[Fault]:
    """The payloads that are missing by the word of records alone that nothing proves."""
    history = case.history
    covered = history.up_to(proven).erased
    for record, _ in history.chain:
        if record.seq not in history.payloads and record.seq in history.erased - covered:
            said = "the payload is missing, and nothing proves the record that says that it was erased"
            yield Fault(history.case_id, record.seq, "payload", said)


# ---- the page that shows it --------------------------------------------------------------------------------------


def _faults_of_player(bundle: Bundle, notes: list[str]) -> Iterator[Fault]:
    """The files for reading that must be there, and what the player's page shows against the files."""
    if bundle.is_first:
        return
    for name in ("README.txt", "verify.py", *(("player.html",) if bundle.cases else ())):
        if name not in bundle.contents:
            yield Fault("", 0, "file", f"{name}: the file is missing")
    page = bundle.contents.get("player.html")
    if page is None or not bundle.cases:
        return
    found = data_and_shell(page)
    if found is None or not _shows(bundle, found[0]):
        yield Fault("", 0, "player", "player.html shows something else than the files")
    elif found[1] not in SHELLS:
        notes.append("player.html is of a version that is not known here: only a signature speaks for what it shows")


def _shows(bundle: Bundle, data: str) -> bool:
    """Whether these data are those of the files."""
    named = {name: one for case in bundle.cases for name, one in case.history.definitions.items()}
    definitions = {name: one.xml.decode("utf-8", "replace") for name, one in named.items()}
    forms = {name: one.forms for name, one in named.items()}
    checkpoint = bundle.checkpoint.decode("utf-8", "replace") if bundle.checkpoint is not None else None
    try:
        found = loaded(data)
        shown = [_shown(bundle, case) for case in bundle.cases]
        sets = shown_sets(bundle.sets, bundle.versions) if bundle.sets or bundle.versions else None
        expected = shown_data(shown, definitions, checkpoint, forms if "forms" in found else None, sets)
        return json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return False


def _shown(bundle: Bundle, case: BundledCase) -> JSON:
    records = [{**rules.as_json(record), "hash": hash_} for record, hash_ in case.history.chain]
    bodies = {seq: loaded(payload.body) for seq, payload in case.history.payloads.items()}
    payloads = bodies if bundle.has_payloads else None
    return {"case": case.shown, "records": records, "states": case.states, "payloads": payloads}


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.case_id, fault.seq, fault.code))
