"""Chains of other kinds than cases in a bundle: the rules that all keep, so that a new kind adds files and no format; and books."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

from osm_flow.domain.books.sealing import (
    BookCheck,
    SealedChange,
    SealedEntry,
    digest_of_set,
    erased_by,
    reasons_erased_by,
    sets_named_by,
)
from osm_flow.domain.journal import GENESIS, Fault, NotStorable, canonical, digest_payload, is_salt
from osm_flow.domain.json import JSON
from osm_flow.operations.bundles.reading import (
    BundledBook,
    BundledChain,
    is_digest,
    is_instant,
    is_number,
    parsed,
)
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
    if isinstance(chain, BundledBook):
        return _faults_of_book(chain)
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
    if isinstance(chain, BundledBook):
        lines = lines_of(chain)
        list(lines.faults())
        return len(lines.excused)
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
        if digest is None or digest != digest_of_text(text):
            yield Fault(name, text["seq"], "payload", "the payload was changed after it was written")


def _is_text(text: Any) -> bool:
    if text.keys() != _BESIDE or type(text["seq"]) is not int:
        return False
    return all(isinstance(text[part], str) for part in ("body", "part", "salt"))


def digest_of_text(text: JSON) -> str | None:
    """The digest of a salted text; None for one that has no digest."""
    try:
        return digest_payload(text["salt"], text["body"]) if is_salt(text["salt"]) else None
    except (ValueError, NotStorable):
        return None


# ---- books -------------------------------------------------------------------------------------------------------

_ENTRY = {*SealedEntry.__dataclass_fields__, "hash"}
_CHANGE = {*SealedChange.__dataclass_fields__, "hash", "seq"}
_WORDS = {"body", "part", "record", "salt", "seq"}
_CONFIRMED = {"by", "role", "on_behalf_of"}
_SET = {"digest", "members"}
# The parts of the texts of a book: both halves of a version, and the reason of an entry.
ORDINARY, PERSONAL, REASON = "body", "personal", "reason"
_UNREAD = "the lines are none, doubled or moved"


class _NoLine(Exception):
    """A line of a book that is none, or not where it belongs; what follows it cannot be judged."""


@dataclass
class BookLines:
    """The lines of an exported book, which can be read more than once, and what `faults` finds of them.

    check     how far its entries go, with the newest version of each record; nothing else grows with the book.
    excused   what is gone by law: the entry under which it was, what it is, and the entry that says so.
    """

    name: str
    entries: Iterable[JSON]
    changes: Iterable[JSON]
    texts: Iterable[JSON]
    sets: Iterable[JSON]
    excused: list[tuple[int, str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.check = BookCheck(self.name)

    def faults(self) -> Iterator[Fault]:
        """What does not hold, as each line is read: entries, the changes under them, what these say, and the sets."""
        erased, sets = _Erased(self.entries), dict[str, tuple[int, int]]()
        try:
            changes, texts = _Cursor(self.changes, _place_of_change), _Cursor(self.texts, _place_of_text)
            for line in self.entries:
                entry = _entry_in(line)
                if entry is None:
                    raise _NoLine
                yield from self.check.take_entry(entry, line["hash"])
                yield from self._faults_of_reason(entry, texts, erased)
                yield from self._faults_under(entry, changes, texts, erased)
                sets |= {digest: (entry.seq, count) for digest, count in sets_named_by(entry)}
            yield from self._left(changes.before((sys.maxsize, "")), "a change lies under no entry")
            yield from self._left(texts.before((sys.maxsize, "", "")), "a text is of nothing that is there")
            yield from self._faults_of_sets(sets)
        except _NoLine:
            yield Fault(self.name, self.check.seq + 1, "record", _UNREAD)

    def _left(self, lines: Iterable[JSON], said: str) -> Iterator[Fault]:
        for line in lines:
            yield Fault(self.name, line["seq"], "changes", said)

    def _faults_of_reason(self, entry: SealedEntry, texts: _Cursor, erased: _Erased) -> Iterator[Fault]:
        yield from self._left(texts.before((entry.seq, "", REASON)), "a text is of nothing that is there")
        text = texts.take((entry.seq, "", REASON))
        where = (entry.seq, "the reason")
        yield from self._faults_of_text(where, text, entry.reason_digest, erased.reason(entry.seq))

    def _faults_under(self, entry: SealedEntry, changes: _Cursor, texts: _Cursor, erased: _Erased) -> Iterator[Fault]:
        """The changes under an entry: the thread of each, what it says, and that the entry sealed them all."""
        yield from self._left(changes.before((entry.seq, "")), "a change lies under no entry")
        sealed, between = sha256(b"["), b""
        for line in changes.before((entry.seq + 1, "")):
            change = SealedChange(**{name: line[name] for name in SealedChange.__dataclass_fields__})
            yield from self.check.take_change(change, line["hash"])
            sealed.update(between + b'"' + line["hash"].encode() + b'"')
            between = b","
            yield from self._faults_of_halves(entry.seq, change, texts, erased)
        sealed.update(b"]")
        if sealed.hexdigest() != entry.changes_digest:
            yield self.check.unsealed(entry)

    def _faults_of_halves(self, seq: int, change: SealedChange, texts: _Cursor, erased: _Erased) -> Iterator[Fault]:
        said = f"{change.record} version {change.version}"
        yield from self._left(texts.before((seq, change.record, "")), "a text is of nothing that is there")
        ordinary = texts.take((seq, change.record, ORDINARY))
        yield from self._faults_of_text((seq, f"what {said} says"), ordinary, change.digest, None)
        personal = texts.take((seq, change.record, PERSONAL))
        where = (seq, f"what {said} says of a person")
        by = erased.half(change.record, change.version, seq)
        yield from self._faults_of_text(where, personal, change.personal_digest, by)
        for half in (ordinary, personal):
            if half is not None and not isinstance(parsed(half["body"].encode()), dict):
                yield Fault(self.name, seq, "body", f"{said}: a half is no canonical JSON object")

    def _faults_of_text(
        self, where: tuple[int, str], text: JSON | None, digest: str | None, erased_by: int | None
    ) -> Iterator[Fault]:
        seq, said = where
        if text is None and digest is not None and erased_by is None:
            yield Fault(self.name, seq, "erased", f"{said}: it is gone, and no later entry says that it was erased")
        elif text is None and digest is not None:
            self.excused.append((seq, said, erased_by or 0))
        elif text is not None and erased_by is not None:
            yield Fault(self.name, seq, "erased", f"{said}: it was erased by law, and is here all the same")
        elif text is not None and digest_of_text(text) != digest:
            yield Fault(self.name, seq, "body", f"{said}: it was changed after it was written")

    def _faults_of_sets(self, named: Mapping[str, tuple[int, int]]) -> Iterator[Fault]:
        """Each set that an entry names is there, as large as it says and with its digest, and no other."""
        before, missing = "", dict(named)
        for line in self.sets:
            if not is_set(line) or line["digest"] <= before:
                raise _NoLine
            before = line["digest"]
            seq, count = missing.pop(before, (0, -1))
            if digest_of_set(line["members"]) != before or len(line["members"]) != count:
                yield Fault(self.name, seq, "set", "a set is not the one that was kept, or no entry names it")
        for seq, _ in missing.values():
            yield Fault(self.name, seq, "set", "a set that the entry names is missing")


def sets_in(entries: Iterable[JSON]) -> set[str]:
    """The digests of the sets that these entries name."""
    return {digest for entry in filter(None, map(_entry_in, entries)) for digest, _ in sets_named_by(entry)}


def lines_of(book: BundledBook) -> BookLines:
    """The lines of a book in a bundle."""
    return BookLines(book.about["id"], book.records, book.changes, book.texts, book.sets)


def _faults_of_book(book: BundledBook) -> list[Fault]:
    lines = lines_of(book)
    faults = list(lines.faults())
    if (lines.check.seq, lines.check.head) != (book.about["records"], book.about["head"]):
        faults.append(Fault(lines.name, lines.check.seq, "head", "the journal does not end where the manifest says"))
    return faults


def faults_of_erasures(book: BundledBook, proven: int) -> Iterator[Fault]:
    """What is gone by the word of entries alone that nothing proves."""
    lines = lines_of(book)
    list(lines.faults())
    for seq, said, by in lines.excused:
        if by > proven:
            message = f"{said}: it is gone, and nothing proves the entry that says that it was erased"
            yield Fault(lines.name, seq, "erased", message)


class _Erased:
    """What the entries of a book say was erased by law: by which entries."""

    def __init__(self, lines: Iterable[JSON]) -> None:
        self._halves: dict[tuple[str, int], list[int]] = {}
        self._reasons: dict[int, list[int]] = {}
        for entry in filter(None, map(_entry_in, lines)):
            for pair in erased_by(entry):
                self._halves.setdefault(pair, []).append(entry.seq)
            for seq in reasons_erased_by(entry):
                self._reasons.setdefault(seq, []).append(entry.seq)

    def half(self, record: str, version: int, seq: int) -> int | None:
        """The first entry after this one that says that the personal half of this version was erased."""
        return next((by for by in self._halves.get((record, version), ()) if by > seq), None)

    def reason(self, seq: int) -> int | None:
        """The first later entry that says that the reason of this one was erased."""
        return next((by for by in self._reasons.get(seq, ()) if by > seq), None)


class _Cursor:
    """Lines in the order of their places, taken one after another. Raises _NoLine for one that is none, doubled or moved."""

    def __init__(self, lines: Iterable[JSON], place: Callable[[JSON], tuple[Any, ...] | None]) -> None:
        self._lines, self._place = iter(lines), place
        self._at: tuple[Any, ...] = ()
        self._line: JSON | None = None
        self._move()

    def _move(self) -> None:
        self._line = next(self._lines, None)
        if self._line is None:
            return
        place = self._place(self._line)
        if place is None or place <= self._at:
            raise _NoLine
        self._at = place

    def before(self, place: tuple[Any, ...]) -> Iterator[JSON]:
        """The lines before this place."""
        while self._line is not None and self._at < place:
            line = self._line
            self._move()
            yield line

    def take(self, place: tuple[Any, ...]) -> JSON | None:
        """The line of this place; None where there is none."""
        if self._line is None or self._at != place:
            return None
        line = self._line
        self._move()
        return line


def _entry_in(line: Any) -> SealedEntry | None:
    """The entry of a line; None for a line that is none."""
    if not isinstance(line, dict) or line.keys() != _ENTRY or not is_instant(line["at"]):
        return None
    confirmed, reason = line["confirmed"], line["reason_digest"]
    right = all(map(is_digest, (line["hash"], line["prev_hash"], line["changes_digest"])))
    right &= is_number(line["seq"]) and (reason is None or is_digest(reason))
    right &= all(isinstance(line[name], str) for name in ("book", "act", "actor"))
    right &= all(line[name] is None or isinstance(line[name], str) for name in ("actor_role", "on_behalf_of"))
    right &= isinstance(line["cause"], dict) and isinstance(line["told"], dict)
    right &= confirmed is None or _is_confirmation(confirmed)
    return SealedEntry(**{name: line[name] for name in SealedEntry.__dataclass_fields__}) if right else None


def _is_confirmation(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != _CONFIRMED or not isinstance(value["by"], str):
        return False
    return all(value[name] is None or isinstance(value[name], str) for name in ("role", "on_behalf_of"))


def _place_of_change(line: JSON) -> tuple[int, str] | None:
    """Where a change stands among the others; None for a line that is none."""
    if line.keys() != _CHANGE or not all(isinstance(line[name], str) and line[name] for name in ("kind", "record")):
        return None
    digests = [line[name] for name in ("digest", "prev_hash", "hash")]
    digests += [line["personal_digest"]] if line["personal_digest"] is not None else []
    right = all(map(is_digest, digests)) and all(map(is_number, (line["seq"], line["version"], line["schema"])))
    return (line["seq"], line["record"]) if right else None


def _place_of_text(line: JSON) -> tuple[int, str, str] | None:
    """Where a text stands among the others; None for a line that is none."""
    if line.keys() != _WORDS or not all(isinstance(line[name], str) for name in _WORDS - {"seq"}):
        return None
    part, record = line["part"], line["record"]
    right = part in (ORDINARY, PERSONAL, REASON) and (part == REASON) == (record == "")
    return (line["seq"], record, part) if right and is_number(line["seq"]) and is_salt(line["salt"]) else None


def is_set(line: JSON) -> bool:
    """Whether a line has the form of a set of records."""
    if line.keys() != _SET or not is_digest(line["digest"]) or not isinstance(line["members"], list):
        return False
    codes = [one[0] for one in line["members"] if isinstance(one, list) and len(one) == 3 and isinstance(one[0], str)]
    if len(codes) < len(line["members"]) or any(one >= other for one, other in pairwise(codes)):
        return False
    return all(is_number(version) and is_digest(hash_) for _, version, hash_ in line["members"])
