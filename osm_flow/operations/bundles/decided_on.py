"""The sets of records that cases decided on, in a bundle of cases: each with the versions that are in it, and what these say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from osm_flow.domain.books.sealing import SealedChange, digest_of_set, seal_change
from osm_flow.domain.journal import Fault
from osm_flow.domain.json import JSON
from osm_flow.operations.bundles.chains import digest_of_text, is_set
from osm_flow.operations.bundles.reading import OF_RECORDS, is_digest, is_number, loaded, parsed

SETS, VERSIONS = OF_RECORDS
_VERSION = {*SealedChange.__dataclass_fields__, "hash", "salt", "body"}
_TEXTS = ("kind", "record", "digest", "prev_hash", "hash", "salt", "body")


class NamedSet(NamedTuple):
    """Where a set is named: by which record of which case, of which kind its records are, and how many."""

    case_id: str
    seq: int
    kind: str
    size: int


def sets_of(body: Any) -> Iterator[tuple[str, str, int]]:
    """Digest, kind and size of the sets that a payload names; what is of another form names nothing."""
    about = body.get("about") if isinstance(body, dict) else None
    listed = about.get("sets") if isinstance(about, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and type(one.get("count")) is int:
            digest, kind = one.get("digest"), one.get("kind")
            if isinstance(digest, str) and isinstance(kind, str):
                yield digest, kind, one["count"]


def named_in(case_id: str, bodies: Mapping[int, Any]) -> dict[str, NamedSet]:
    """The sets that the payloads of a case name, each as the last one of them does."""
    return {
        digest: NamedSet(case_id, seq, kind, count)
        for seq in sorted(bodies)
        for digest, kind, count in sets_of(bodies[seq])
    }


def members_in(sets: Iterable[JSON], named: Mapping[str, NamedSet]) -> Iterator[tuple[str, str, int]]:
    """Kind, code and number of each version in these sets."""
    for one in sets:
        yield from ((named[one["digest"]].kind, record, version) for record, version, _hash in one["members"])


def faults_of_sets(named: Mapping[str, NamedSet], sets: Iterable[JSON], versions: Iterable[JSON]) -> Iterator[Fault]:
    """Each set that a payload names is there as it was kept, with its versions and what they say, and nothing else is."""
    hashes: dict[tuple[str, str, int], str] = {}
    yield from _faults_of_versions(versions, hashes)
    before, missing, used = "", dict(named), set()
    for line in sets:
        if not is_set(line) or line["digest"] <= before:
            yield Fault("", 0, "set", f"{SETS}: a line is none, doubled or moved")
            return
        before = line["digest"]
        where = missing.pop(before, NamedSet("", 0, "", -1))
        if digest_of_set(line["members"]) != before or len(line["members"]) != where.size:
            yield Fault(where.case_id, where.seq, "set", "a set is not the one that was kept, or no record names it")
        for record, version, hash_ in line["members"]:
            used.add(place := (where.kind, record, version))
            if hashes.get(place) != hash_:
                said = f"{record} version {version} of a set is missing, or another one"
                yield Fault(where.case_id, where.seq, "set", said)
    for where in missing.values():
        yield Fault(where.case_id, where.seq, "set", "a set that the record names is missing")
    if hashes.keys() - used:
        yield Fault("", 0, "set", f"{VERSIONS}: a version is in no set")


def _faults_of_versions(lines: Iterable[JSON], hashes: dict[tuple[str, str, int], str]) -> Iterator[Fault]:
    before: tuple[str, str, int] = ("", "", 0)
    for line in lines:
        if not _is_version(line) or (place := (line["kind"], line["record"], line["version"])) <= before:
            yield Fault("", 0, "set", f"{VERSIONS}: a line is none, doubled or moved")
            return
        before, hashes[place] = place, line["hash"]
        said = f"{line['record']} version {line['version']}"
        change = SealedChange(**{name: line[name] for name in SealedChange.__dataclass_fields__})
        if seal_change(change) != line["hash"]:
            yield Fault("", 0, "set", f"{said} was changed: its hash is another")
        if digest_of_text(line) != line["digest"] or not isinstance(parsed(line["body"].encode()), dict):
            yield Fault("", 0, "set", f"what {said} says was changed after it was written")


def _is_version(line: Any) -> bool:
    if not isinstance(line, dict) or line.keys() != _VERSION or not all(isinstance(line[name], str) for name in _TEXTS):
        return False
    digests = [line[name] for name in ("digest", "prev_hash", "hash")]
    digests += [line["personal_digest"]] if line["personal_digest"] is not None else []
    return all(map(is_digest, digests)) and is_number(line["version"]) and is_number(line["schema"])


def shown_sets(sets: Iterable[JSON], versions: Iterable[JSON]) -> JSON:
    """What the player is given of the sets: by digest, what each record says, by its code."""
    said = {line["hash"]: loaded(line["body"]) for line in versions}
    return {one["digest"]: {record: said.get(hash_) for record, _version, hash_ in one["members"]} for one in sets}
