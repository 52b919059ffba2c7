"""The rules of a book: how an entry and the changes under it are sealed, and what a whole book must satisfy.

A stranger can check an exported book with this module alone: SHA-256 and RFC 8785 canonical JSON are all it uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from osm_flow.domain.journal import GENESIS, Fault, canonical
from osm_flow.domain.json import JSON

# How the name of a book is spelled in the audit log, in entries and in bundles.
_NAME = re.compile(r"([a-z][a-z_]{0,31})/([A-Z0-9][A-Z0-9-]{0,15})/([0-9]{4})")


@dataclass(frozen=True, order=True)
class BookName:
    """One kind's register of one office and year: fiscal or calendar year of the Buddhist era, as the kind counts."""

    kind: str
    office_id: str
    year: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.office_id}/{self.year}"


@dataclass(frozen=True)
class SealedChange:
    """One new version of one record, as it is hashed; what it says lies beside it, in two halves with a salt each.

    `personal_digest` is of the half that can be erased; None where nothing in it names a person.
    `prev_hash` is the hash of the record's version before.
    """

    kind: str
    record: str
    version: int
    schema: int
    digest: str
    personal_digest: str | None
    prev_hash: str


@dataclass(frozen=True)
class SealedEntry:
    """One act on a book, as it is hashed; `at` is RFC 3339 text in UTC with microseconds.

    cause            what it follows from: a record of a case, an act on the record itself, an import, a migration.
    told             what the act says beside its changes, such as which halves it erased.
    reason_digest    the salted digest of the reason, which can be erased; None without one.
    confirmed        the second person, where the act needs one: who, in which role, on whose behalf.
    changes_digest   the digest of the hashes of its changes, in the order of their records.
    """

    book: str
    seq: int
    at: str
    act: str
    actor: str
    actor_role: str | None
    on_behalf_of: str | None
    cause: JSON
    told: JSON
    reason_digest: str | None
    confirmed: JSON | None
    changes_digest: str
    prev_hash: str


def read_name(text: str) -> BookName | None:
    """The name of a book from its one spelling, `projects/NE-U1/2571`; None for any other text."""
    match = _NAME.fullmatch(text)
    return BookName(match[1], match[2], int(match[3])) if match else None


def seal_change(change: SealedChange) -> str:
    """The hash of a change: SHA-256 over the canonical JSON of all that it says."""
    return sha256(canonical(vars(change))).hexdigest()


def digest_of_changes(hashes: Sequence[str]) -> str:
    """What an entry seals of its changes: SHA-256 over the canonical JSON of the list of their hashes."""
    return sha256(canonical(list(hashes))).hexdigest()


def seal_entry(entry: SealedEntry) -> str:
    """The hash of an entry: SHA-256 over the canonical JSON of all that it says."""
    return sha256(canonical(vars(entry))).hexdigest()


def digest_of_set(members: Sequence[tuple[str, int, str]]) -> str:
    """The digest of a set of records as a decision was made on it: of the list of (record, version, hash of the change)."""
    return sha256(canonical([list(member) for member in members])).hexdigest()


# ---- a whole book ----------------------------------------------------------------------------------------------


@dataclass
class BookCheck:
    """Takes the entries of one book in their order, each with its hash and its changes, and finds what does not hold.

    `threads` has the newest version of each record and its hash; nothing else grows with the book.
    """

    name: str
    seq: int = 0
    head: str = GENESIS
    at: str = ""
    changes: int = 0
    threads: dict[str, tuple[int, str]] = field(default_factory=dict)

    def take(self, entry: SealedEntry, hash_: str, changes: Sequence[tuple[SealedChange, str]]) -> Iterator[Fault]:
        """The faults of the next entry: a gap, a broken link, what was changed, times that do not rise."""
        yield from self.take_entry(entry, hash_)
        if digest_of_changes([sealed for _, sealed in changes]) != entry.changes_digest:
            yield self.unsealed(entry)
        for change, sealed in changes:
            yield from self.take_change(change, sealed)

    def take_entry(self, entry: SealedEntry, hash_: str) -> Iterator[Fault]:
        """The faults of the next entry alone."""
        for code, message in self._faults_of_entry(entry, hash_):
            yield Fault(self.name, entry.seq, code, message)
        self.seq, self.head, self.at = entry.seq, hash_, entry.at

    def take_change(self, change: SealedChange, sealed: str) -> Iterator[Fault]:
        """The faults of the next change under the entry that was taken last."""
        for code, message in self._faults_of_change(change, sealed):
            yield Fault(self.name, self.seq, code, f"{change.record} version {change.version}: {message}")
        self.threads[change.record] = (change.version, sealed)
        self.changes += 1

    def unsealed(self, entry: SealedEntry) -> Fault:
        """That the entry did not seal the changes that lie under it."""
        return Fault(self.name, entry.seq, "changes", "the changes under the entry are not those that it sealed")

    def _faults_of_entry(self, entry: SealedEntry, hash_: str) -> Iterator[tuple[str, str]]:
        if entry.book != self.name:
            yield "book", f"the entry is of the book {entry.book}"
        if entry.seq != self.seq + 1:
            yield "gap", f"entry {self.seq + 1} is missing"
        if entry.prev_hash != self.head:
            yield "link", "the entry does not follow from the one before it"
        if seal_entry(entry) != hash_:
            yield "hash", "the entry was changed after it was written"
        if entry.at <= self.at:
            yield "time", "the entry is not later than the one before it"

    def _faults_of_change(self, change: SealedChange, sealed: str) -> Iterator[tuple[str, str]]:
        version, previous = self.threads.get(change.record, (0, GENESIS))
        if not self.name.startswith(f"{change.kind}/"):
            yield "kind", f"the change is of the kind {change.kind}"
        if change.version != version + 1:
            yield "thread", f"version {version + 1} is missing"
        if change.prev_hash != previous:
            yield "thread", "it does not follow from the version before it"
        if seal_change(change) != sealed:
            yield "hash", "it was changed after it was written"


def erased_by(entry: SealedEntry) -> Iterator[tuple[str, int]]:
    """The (record, version) whose personal half this entry says was erased by law; only one of that kind excuses anything."""
    erased = entry.told.get("erased") if entry.act == "erased" else None
    for record, versions in erased.items() if isinstance(erased, Mapping) else ():
        yield from ((record, version) for version in _whole_numbers(versions))


def reasons_erased_by(entry: SealedEntry) -> Iterator[int]:
    """The entries whose reason this entry says was erased by law."""
    yield from _whole_numbers(entry.told.get("erased_reasons") if entry.act == "erased" else None)


def proposals_erased_by(entry: SealedEntry) -> Iterator[int]:
    """The entries that proposed a correction of which this entry says that its values were erased by law."""
    yield from _whole_numbers(entry.told.get("erased_proposals") if entry.act == "erased" else None)


def files_erased_by(entry: SealedEntry) -> Iterator[tuple[str, str]]:
    """The (record, digest) of the files whose bytes this entry says were erased by law."""
    erased = entry.told.get("erased_files") if entry.act == "erased" else None
    for record, digests in erased.items() if isinstance(erased, Mapping) else ():
        yield from ((record, digest) for digest in digests if isinstance(digest, str))


def sets_named_by(entry: SealedEntry) -> Iterator[tuple[str, int]]:
    """The (digest, number of records) of the sets that this entry says it was decided on."""
    sets = entry.told.get("sets")
    for one in sets if isinstance(sets, list) else ():
        digest, count = (one.get("digest"), one.get("count")) if isinstance(one, dict) else (None, None)
        if isinstance(digest, str) and isinstance(count, int) and not isinstance(count, bool):
            yield digest, count


def _whole_numbers(values: Any) -> Iterator[int]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, int) and not isinstance(value, bool):
            yield value
