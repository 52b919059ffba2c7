"""What importing a list would do: each row matched with the register, by code, else by what makes a record the same, and never merged."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

from rapidfuzz import fuzz, process
from sqlalchemy.orm import Session

from osm_flow.domain.books.schema import ValueUnfit
from osm_flow.domain.differences import is_same
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.imports.cells import CellRefused, read_year
from osm_flow.domain.imports.heads import spelled
from osm_flow.domain.imports.records import ReadRow, Said
from osm_flow.domain.imports.rows import ReadSheet, Tell
from osm_flow.domain.json import JSON
from osm_flow.operations.books.versions import NewestVersion
from osm_flow.operations.imports.kinds import ImportKind
from osm_flow.operations.imports.known import KnownRecord, KnownRecords, bare, same_as
from osm_flow.operations.imports.reading import Choices
from osm_flow.operations.projects.likeness import ALIKE, ALIKE_BESIDE

_MOST_LIKES = 3
# How many names are held against each other before a list is too long for it.
_MOST_COMPARED = 20_000_000
NEW, SKIP = "new", "skip"


class Fate(StrEnum):
    """What becomes of a row."""

    added = "added"
    changed = "changed"
    unchanged = "unchanged"
    asked = "asked"
    refused = "refused"
    skipped = "skipped"


@dataclass(frozen=True)
class Like:
    """A record that the row may mean: its code, what it is called, and how alike the names are, in per cent."""

    code: str
    name: str
    percent: int


@dataclass
class PlannedRow:
    """A row with what becomes of it.

    values    what the record says from then on; for one that is added without a code, what it begins with.
    changes   field, what the register says now, what it would say.
    likes     records that it may mean, where somebody has to say.
    by_name   whether it was matched by what makes a record the same, and not by its code.
    """

    read: ReadRow
    fate: Fate = Fate.refused
    year: int | None = None
    code: str | None = None
    based_on: int = 0
    values: JSON = field(default_factory=dict)
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    likes: list[Like] = field(default_factory=list)
    by_name: bool = False
    may_be_new: bool = False

    @property
    def number(self) -> int:
        """The row in the sheet."""
        return self.read.number


@dataclass(frozen=True)
class Plan:
    """What importing the list would do, row by row, and the digest by which somebody confirms just this.

    years  in whose books the rows would lie, as they say themselves.
    known  the newest versions of the records that rows may mean.
    """

    rows: Sequence[PlannedRow]
    passed_over: Sequence[Said]
    notes: Sequence[Message]
    digest: str
    years: Sequence[int]
    known: Mapping[str, NewestVersion]

    def of(self, *fates: Fate) -> list[PlannedRow]:
        """The rows of which this becomes."""
        return [row for row in self.rows if row.fate in fates]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows become what."""
        counted = dict.fromkeys(map(str, Fate), 0)
        for row in self.rows:
            counted[row.fate] += 1
        return counted


def years_of(read: ReadSheet, kind: ImportKind, choices: Choices) -> list[int]:
    """The years in whose books the rows would lie, rising."""
    constant = _constant_year(kind, choices)
    years = {row.values.get(kind.year, constant) for row in read.rows}
    return sorted(year for year in years if year is not None)


def plan(
    session: Session, office_id: str, kind: ImportKind, choices: Choices, read: ReadSheet, tell: Tell | None = None
) -> Plan:
    """What importing these rows into the registers of the office would do now."""
    years = years_of(read, kind, choices)
    known = KnownRecords.of(session, office_id, kind, years, read)
    planner = _Planner(kind, choices, known, _year_above(kind, read))
    rows = []
    for count, row in enumerate(read.rows, 1):
        rows.append(planner.plan(row))
        if tell and count % 500 == 0:
            tell(count, len(read.rows))
    planner.look_for_likes(rows)
    notes = [*read.notes, *planner.notes]
    newest = {code: record.newest for code, record in known.records.items()}
    return Plan(rows, read.passed_over, notes, _digest(rows), years, newest)


def _year_above(kind: ImportKind, read: ReadSheet) -> int | None:
    """The year of the heading to hold the rows against; none where most rows say another: a title that was never changed."""
    said = [year for row in read.rows if isinstance(year := row.values.get(kind.year), int)]
    agree = sum(year == read.year for year in said)
    return read.year if not said or agree * 2 >= len(said) else None


class _Planner:
    """Goes through the rows in their order; what one row names no later row names again."""

    def __init__(self, kind: ImportKind, choices: Choices, known: KnownRecords, said_year: int | None) -> None:
        self.kind, self.choices, self.known, self.said_year = kind, choices, known, said_year
        self.schema = known.type_.schema
        self.year = _constant_year(kind, choices)
        self.constants = _constants(kind, choices)
        self.taken_codes: dict[str, int] = {}
        self.taken_same: dict[tuple[str, ...], int] = {}
        self.notes: list[Message] = []
        self.given = re.compile(rf"{re.escape(kind.prefix)}-.*-[0-9]{{4}}-[0-9]+")
        self.foreign_codes = 0

    def plan(self, read: ReadRow) -> PlannedRow:
        row = PlannedRow(read, year=read.values.get(self.kind.year, self.year))
        answer = self.choices.answers.get(read.number, "")
        if answer == SKIP:
            row.fate = Fate.skipped
            return row
        if read.problems:
            return row
        self._match(row, answer)
        return row

    def _match(self, row: PlannedRow, answer: str) -> None:
        said = row.read.values.get("code")
        record = self.known.records.get(said) if said else None
        if record is not None:
            self._match_code(row, str(said), record)
            return
        if said and self.given.fullmatch(said):
            self._refuse(row, "code", Message("The register has no record {code}.", code=said))
            return
        self.foreign_codes += bool(said)
        if row.year is None:
            self._refuse(
                row, self.kind.year, Message("No column and no heading says the fiscal year. Choose it for all rows.")
            )
            return
        self._match_same(row, answer)

    def _match_code(self, row: PlannedRow, code: str, record: KnownRecord) -> None:
        if code in self.taken_codes:
            first = self.taken_codes[code]
            self._refuse(row, "code", Message("Row {row} names the record {code} already.", row=first, code=code))
            return
        said = row.read.values.get(self.kind.year)
        if said is not None and said != record.year:
            self._refuse(
                row, "code", Message("The record {code} is of fiscal year {year}.", code=code, year=record.year)
            )
            return
        row.year = record.year
        self.taken_codes[code] = row.number
        if record.values:
            self._change(row, code, record)
        else:
            # Taken back by an import that was undone: the code is the record's for ever, and so it comes back under it.
            row.code, row.based_on = code, record.newest.version
            self._add(row)

    def _match_same(self, row: PlannedRow, answer: str) -> None:
        assert row.year is not None  # noqa: S101 (the caller has seen to it)
        if self.said_year not in (None, row.year) and not answer:
            row.fate, row.may_be_new = Fate.asked, True
            message = Message(
                "The row says {year}, and above the list stands {other}. Say whether it is right.",
                year=row.year,
                other=self.said_year,
            )
            self._say(row, self.kind.year, message)
            return
        same = same_as(self.kind, {**self.constants, **row.read.values}, row.year)
        if same in self.taken_same and answer != NEW:
            row.fate, row.may_be_new = Fate.asked, True
            first = self.taken_same[same]
            self._say(
                row,
                self.kind.name,
                Message("Row {row} names the same record. Say whether this is another one.", row=first),
            )
            return
        self.taken_same.setdefault(same, row.number)
        found = [code for code in self.known.by_same.get(same, []) if code not in self.taken_codes]
        if answer and answer not in (NEW, SKIP):
            found = [answer] if self._may_be_meant(answer, row) else []
        if answer == NEW or not found:
            self._add(row)
        elif len(found) > 1:
            row.fate, row.may_be_new = Fate.asked, True
            row.likes = [
                Like(code, self.known.records[code].values[self.kind.name], 100) for code in found[:_MOST_LIKES]
            ]
            self._say(row, self.kind.name, Message("Several records are called so. Say which one is meant."))
        else:
            row.by_name, row.may_be_new = True, True
            self.taken_codes[found[0]] = row.number
            self._change(row, found[0], self.known.records[found[0]])

    def _may_be_meant(self, code: str, row: PlannedRow) -> bool:
        record = self.known.records.get(code)
        return record is not None and bool(record.values) and record.year == row.year and code not in self.taken_codes

    def _add(self, row: PlannedRow) -> None:
        row.values = {**self.constants, **self._of_record(row.read.values)}
        missing = [name for name in self.kind.required if row.values.get(name) in (None, "")]
        if missing:
            for name in missing:
                self._say(
                    row,
                    name,
                    Message("A new record needs this, and neither a column nor the choice for all rows says it."),
                )
            return
        # The reader has held each cell to its field.
        row.fate = Fate.added

    def _change(self, row: PlannedRow, code: str, record: KnownRecord) -> None:
        row.code, row.based_on = code, record.newest.version
        given = self._of_record(row.read.values)
        if not self._fits(row, given):
            return
        kept, _ = self.schema.split(record.values)
        new, _ = self.schema.split(given)
        held = False
        for name, value in new.items():
            if is_same(kept.get(name), value) or self._is_same_name(name, kept, value):
                continue
            if name in self.kind.same and row.by_name:
                self._note(row, name, Message("The register says {value}; it stays.", value=kept.get(name, "–")))
                continue
            if name in self.schema.decided:
                if code in self.known.of_processes:
                    self._note(
                        row, name, Message("A process has written down {value}; it stays.", value=kept.get(name, "–"))
                    )
                    continue
            elif name in self.schema.confirmed:
                message = Message(
                    "The register says {value}. What is recorded wrongly is corrected on the page of the record, by two people.",
                    value=kept.get(name, "–"),
                )
                self._say(row, name, message)
                held = True
                continue
            row.changes.append((name, record.values.get(name), given[name]))
        if held:
            return
        if row.changes and code in self.known.corrected:
            self._say(
                row,
                "code",
                Message("A correction of {code} waits for its second person; confirm or withdraw it first.", code=code),
            )
            return
        row.values = {**record.values, **{name: value for name, _, value in row.changes}}
        row.fate = Fate.changed if row.changes else Fate.unchanged

    def _is_same_name(self, name: str, kept: JSON, value: Any) -> bool:
        """Whether what makes a record the same differs in blanks and signs alone."""
        return name in self.kind.same and spelled(kept.get(name) or "") == spelled(value)

    def _of_record(self, values: JSON) -> JSON:
        return {name: value for name, value in values.items() if name in self.schema.fields}

    def _fits(self, row: PlannedRow, values: JSON) -> bool:
        try:
            self.schema.split(values)
        except ValueUnfit as error:
            self._say(row, error.field.partition(".")[0], Message("What stands here does not fit the field."))
            return False
        return True

    def look_for_likes(self, rows: Sequence[PlannedRow]) -> None:
        """Ask about new rows whose names are like those of records of their year; nobody merges them but a person."""
        by_year: dict[int, list[str]] = defaultdict(list)
        for code, record in self.known.records.items():
            if record.values and code not in self.taken_codes:
                by_year[record.year].append(code)
        new = [row for row in rows if row.fate is Fate.added and row.code is None and not self._is_new(row)]
        if sum(len(by_year.get(row.year or 0, ())) for row in new) > _MOST_COMPARED:
            self.notes.append(Message("The list is too long to look for records with names like its own."))
            return
        names = {year: [self._spelled_name(code) for code in codes] for year, codes in by_year.items()}
        for row in new:
            year = row.year or 0
            row.likes = list(self._likes(row, by_year.get(year, []), names.get(year, [])))
            if row.likes:
                row.fate, row.may_be_new = Fate.asked, True
                self._say(
                    row,
                    self.kind.name,
                    Message("The register has records with names like this. Say whether it is one of them."),
                )
        if self.foreign_codes:
            self.notes.append(
                Message(
                    "{count} rows have codes that are none of the register; they were matched by their names.",
                    count=self.foreign_codes,
                )
            )

    def _is_new(self, row: PlannedRow) -> bool:
        return self.choices.answers.get(row.number) == NEW

    def _likes(self, row: PlannedRow, codes: Sequence[str], names: Sequence[str]) -> Iterator[Like]:
        own = bare(row.values[self.kind.name])
        found = process.extract(own, names, scorer=fuzz.ratio, score_cutoff=ALIKE_BESIDE, limit=10)
        beside = same_as(self.kind, row.values, 0)[1:]
        shown = 0
        for _, score, place in found:
            record = self.known.records[codes[place]]
            if score < ALIKE and same_as(self.kind, record.values, 0)[1:] != beside:
                continue
            if shown < _MOST_LIKES:
                yield Like(codes[place], record.values[self.kind.name], int(score))
                shown += 1

    def _spelled_name(self, code: str) -> str:
        return bare(self.known.records[code].values.get(self.kind.name, ""))

    def _refuse(self, row: PlannedRow, name: str, message: Message) -> None:
        row.fate = Fate.refused
        self._say(row, name, message)

    def _say(self, row: PlannedRow, name: str, message: Message) -> None:
        row.read.problems.append(Said(self._place(row, name), message))

    def _note(self, row: PlannedRow, name: str, message: Message) -> None:
        row.read.notes.append(Said(self._place(row, name), message))

    def _place(self, row: PlannedRow, name: str) -> str:
        return row.read.cells.get(name) or row.read.cells.get(self.kind.name) or f"A{row.number}"


def _constant_year(kind: ImportKind, choices: Choices) -> int | None:
    try:
        return read_year(choices.constants[kind.year]) if choices.constants.get(kind.year) else None
    except CellRefused:
        return None


def _constants(kind: ImportKind, choices: Choices) -> JSON:
    """What all new records have where their rows do not say it."""
    return {
        name: value
        for name, value in choices.constants.items()
        if name in kind.constants and name != kind.year and value
    }


def _digest(rows: Sequence[PlannedRow]) -> str:
    """Of the JSON of all rows, of which there is never more than one in memory."""
    digest = sha256(b"[")
    for place, row in enumerate(rows):
        said = [row.number, str(row.fate), row.code, row.based_on, row.year, row.values]
        text = json.dumps(said, ensure_ascii=False, sort_keys=True)
        digest.update(f", {text}".encode() if place else text.encode())
    digest.update(b"]")
    return digest.hexdigest()
