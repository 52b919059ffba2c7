"""Proofs that earlier checkpoints are of the same log as that of a bundle, and the comparison with a witness's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.journal import Fault
from osm_flow.domain.json import JSON
from osm_flow.domain.merkle_note import Head, NoteUnreadable, VerifierKey, note_in, read_head, read_note
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit import signing_keys
from osm_flow.operations.audit.log import Checkpoint
from osm_flow.operations.audit.merkle_tree import continues
from osm_flow.operations.bundles.reading import Bundle, is_digest, parsed
from osm_flow.store.models import LogCheckpoint

# Of the checkpoints of this time before the newest each is proven, of those before one of each month.
_EACH = timedelta(days=366)


class ProofUnreadable(ValueError):
    """This is no proof of consistency."""


@dataclass(frozen=True)
class Compared:
    """How the comparison with a witness's checkpoint ended; `is_compared` is False where no proof leads there."""

    is_compared: bool
    faults: list[Fault]
    notes: list[str]


# ---- written -----------------------------------------------------------------------------------------------------


def proofs_to(session: Session, newest: Checkpoint, first: int) -> JSON | None:
    """The proofs from earlier checkpoints with more than `first` leaves to the newest; None without any.

    Hashes that several proofs share are written once. One checkpoint of each size is enough: all of one size have one root.
    """
    hashes: dict[str, int] = {}
    proofs: list[JSON] = []
    for size, root in sorted(_earlier(session, newest, first)):
        path = audit_log.consistency(session, size, newest.size)
        numbers = [hashes.setdefault(digest, len(hashes)) for digest in path]
        proofs.append({"size": size, "root": root, "path": numbers})
    return {"size": newest.size, "hashes": list(hashes), "proofs": proofs} if proofs else None


def _earlier(session: Session, newest: Checkpoint, first: int) -> set[tuple[int, str]]:
    """Size and root of the earlier checkpoints that a witness may hold: all of the last year, the last of each month before."""
    wanted = select(LogCheckpoint.size, LogCheckpoint.root, LogCheckpoint.at)
    wanted = wanted.where(LogCheckpoint.size > first, LogCheckpoint.size < newest.size).order_by(LogCheckpoint.id)
    late: set[tuple[int, str]] = set()
    months: dict[tuple[int, int], tuple[int, str]] = {}
    for row in session.execute(wanted):
        if row.at > newest.at - _EACH:
            late.add((row.size, row.root))
        else:
            months[row.at.year, row.at.month] = (row.size, row.root)
    return late | set(months.values())


# ---- checked -----------------------------------------------------------------------------------------------------


def faults_of_proofs(bundle: Bundle, head: Head) -> Iterator[Fault]:
    """What is wrong with the proofs that a bundle carries."""
    if "consistency.json" not in bundle.contents:
        return
    try:
        found = _carried(bundle)
    except ProofUnreadable:
        yield Fault("", 0, "consistency", "consistency.json holds no proofs")
        return
    if found["size"] != head.size:
        yield Fault("", 0, "consistency", "consistency.json is of another checkpoint")
    for proof in found["proofs"]:
        old = proof["size"], bytes.fromhex(proof["root"])
        if not continues(old, (head.size, head.root), _path_of(found, proof)):
            yield Fault(
                "", 0, "consistency", f"the checkpoint of {proof['size']} records is not proven to be an earlier one"
            )
            return


def compare(
    bundle: Bundle, head: Head, witness: bytes, proof: bytes | None, trusted: Sequence[VerifierKey] | None
) -> Compared:
    """The checkpoint that a witness kept, with that of the bundle; `proof` is what `audit consistency --json` printed."""
    try:
        note = read_note(note_in(witness))
        other = read_head(note)
        path = _path_between(bundle, head, other, proof)
    except (NoteUnreadable, ProofUnreadable) as error:
        return _refused(str(error))
    if other.origin != head.origin:
        return _refused("the given checkpoint is one of another log")
    answers = [signing_keys.signed_by(note, key) for key in trusted or ()]
    if trusted is not None and (True not in answers or False in answers):
        return _refused("the given checkpoint is not signed by a trusted key")
    if other.size == head.size and other.root != head.root:
        return _refused("the given checkpoint has the same size and another root: the log was forked")
    if other.size != head.size and path is None:
        old, new = sorted((head.size, other.size))
        how = f"ask the office for `osm-flow audit consistency {old} {new} --json` and give it as --consistency FILE"
        said = f"the given checkpoint has {other.size} records, and no proof for it is here: it was NOT compared; {how}"
        return Compared(False, [], [said])
    earlier, later = sorted(((head.size, head.root), (other.size, other.root)))
    if other.size != head.size and not continues(earlier, later, path or ()):
        return _refused(
            "the given checkpoint is not proven to be of the same log: it was forked, or the proof is wrong"
        )
    return Compared(True, [], [])


def _refused(message: str) -> Compared:
    return Compared(False, [Fault("", 0, "witness", message)], [])


def _path_between(bundle: Bundle, head: Head, other: Head, proof: bytes | None) -> list[bytes] | None:
    """The path between the two; None if nobody gave one. Raises ProofUnreadable."""
    if proof is not None:
        try:
            shown = json.loads(proof)
            sizes = [shown["old"]["size"], shown["new"]["size"]]
            path = [bytes.fromhex(one) for one in shown["path"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ProofUnreadable("the given proof of consistency is none") from None
        return path if sizes == sorted((head.size, other.size)) else None
    if "consistency.json" not in bundle.contents:
        return None
    found = _carried(bundle)
    return next((_path_of(found, one) for one in found["proofs"] if one["size"] == other.size), None)


def _carried(bundle: Bundle) -> JSON:
    """What consistency.json says. Raises ProofUnreadable."""
    found = parsed(bundle.contents["consistency.json"].removesuffix(b"\n"))
    right = isinstance(found, dict) and found.keys() == {"hashes", "proofs", "size"} and type(found["size"]) is int
    right = right and bundle.contents["consistency.json"].endswith(b"\n")
    right = right and all(isinstance(found[name], list) for name in ("hashes", "proofs"))
    if not right or not all(map(is_digest, found["hashes"])) or not _are_proofs(found["proofs"], len(found["hashes"])):
        raise ProofUnreadable("consistency.json holds no proofs")
    carried: JSON = found
    return carried


def _are_proofs(proofs: Iterable[Any], count: int) -> bool:
    return all(
        isinstance(proof, dict)
        and proof.keys() == {"path", "root", "size"}
        and isinstance(proof["path"], list)
        and type(proof["size"]) is int
        and is_digest(proof["root"])
        and all(type(number) is int and 0 <= number < count for number in proof["path"])
        for proof in proofs
    )


def _path_of(found: JSON, proof: JSON) -> list[bytes]:
    return [bytes.fromhex(found["hashes"][number]) for number in proof["path"]]
