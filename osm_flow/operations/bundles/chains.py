"""Chains of whatever kind in a bundle: the rules that all keep, so that a new kind adds files and no format."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from osm_flow.domain.journal import GENESIS, Fault, NotStorable, canonical, digest_payload
from osm_flow.domain.json import JSON
from osm_flow.operations.bundles.reading import BundledChain, is_digest
from osm_flow.operations.ledger import access_chain, admin_journal

# The chains that are of no case and are known by their kind, with the fields of their records.
KNOWN: dict[str, frozenset[str]] = {
    admin_journal.CHAIN: admin_journal.FIELDS,
    access_chain.CHAIN: access_chain.FIELDS,
}
_LINKS = {"seq", "prev_hash", "hash"}
_BESIDE = {"body", "part", "salt", "seq"}


def faults_of_other(chain: BundledChain) -> list[Fault]:
    """What is wrong with a chain that is of no case: its links, its end, and the texts beside it."""
    about, name = chain.about, chain.about["id"]
    faults: list[Fault] = []
    if about["kind"] in KNOWN and about["kind"] != name:
        faults.append(Fault(name, 0, "chain", "a chain of this kind has another name"))
    count, head = 0, GENESIS
    for record in chain.records:
        if not _is_record(record, KNOWN.get(about["kind"])):
            return [*faults, Fault(name, count + 1, "record", "a line of the journal is no record")]
        faults += [Fault(name, record["seq"], code, said) for code, said in _faults_of_link(record, count + 1, head)]
        count, head = record["seq"], record["hash"]
    if (count, head) != (about["records"], about["head"]):
        faults.append(Fault(name, count, "head", "the journal does not end where the manifest says"))
    return [*faults, *_faults_of_texts(chain)]


def texts_gone(chain: BundledChain) -> int:
    """How many of the texts of which the records have digests are not in the bundle: they were erased, or their time is over."""
    digests = (record.get("digests") for record in chain.records)
    return sum(len(parts) for parts in digests if isinstance(parts, dict)) - len(chain.texts)


def _is_record(record: JSON, fields: frozenset[str] | None) -> bool:
    right = record.keys() == fields if fields else record.keys() > _LINKS
    return right and type(record["seq"]) is int and is_digest(record["hash"])


def _faults_of_link(record: JSON, expected: int, head: str) -> Iterator[tuple[str, str]]:
    content = {name: value for name, value in record.items() if name != "hash"}
    if record["seq"] != expected:
        yield "gap", f"record {expected} is missing"
    if record["prev_hash"] != head:
        yield "link", "the record does not follow from the one before it"
    if sha256(canonical(content)).hexdigest() != record["hash"]:
        yield "hash", "the record was changed after it was written"


def _faults_of_texts(chain: BundledChain) -> Iterator[Fault]:
    """The texts beside the chain against the digest of each in its record, in order of record and part."""
    name = chain.about["id"]
    digests = {record["seq"]: record.get("digests") for record in chain.records}
    before = (0, "")
    for text in chain.texts:
        if not _is_text(text) or (place := (text["seq"], text["part"])) <= before:
            yield Fault(name, before[0], "payload", "a line of the payloads is none, doubled or moved")
            return
        before = place
        of_record = digests.get(text["seq"])
        digest = of_record.get(text["part"]) if isinstance(of_record, dict) else None
        if digest is None or digest != _digest_of(text):
            yield Fault(name, text["seq"], "payload", "the payload was changed after it was written")


def _is_text(text: Any) -> bool:
    if text.keys() != _BESIDE or type(text["seq"]) is not int:
        return False
    return all(isinstance(text[part], str) for part in ("body", "part", "salt"))


def _digest_of(text: JSON) -> str | None:
    try:
        spelled = bytes.fromhex(text["salt"]).hex() == text["salt"] and len(text["salt"]) == 32
        return digest_payload(text["salt"], text["body"]) if spelled else None
    except (ValueError, NotStorable):
        return None
