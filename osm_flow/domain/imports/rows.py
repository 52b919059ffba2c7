"""Reading the rows below a head: which of them are records, what each says by cell, and what is passed over and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from osm_flow.domain.forms.schema import Message
from osm_flow.domain.imports.bands import OF_BANDS, is_activity, is_total, said_by_band
from osm_flow.domain.imports.cells import is_nothing, shown
from osm_flow.domain.imports.heads import Grid, is_numbering
from osm_flow.domain.imports.records import (
    ReadRow,
    RecordReader,
    Said,
    WantedRows,
    cell_name,
    column_letters,
    column_of,
)

Tell = Callable[[int, int], None]

# A row that says so much of a head again is the head again.
_OF_HEAD = 0.6
_TELL_EACH = 500


@dataclass
class ReadSheet:
    """All that a sheet says: its records, the rows that are none with the reason, and what holds for the whole sheet.

    year  the one fiscal year that is written above the list.
    """

    rows: list[ReadRow] = field(default_factory=list)
    passed_over: list[Said] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    year: int | None = None


def read_rows(sheet: Grid, wanted: WantedRows, tell: Tell | None = None) -> ReadSheet:
    """Read all rows of the sheet below its head; `tell` hears how many of how many are read."""
    return _Reader(sheet, wanted).read(tell)


class _Reader:
    """Goes through a sheet from its first row to the last; what bands between the rows said holds until the next one."""

    def __init__(self, sheet: Grid, wanted: WantedRows) -> None:
        self.sheet, self.wanted, self.result = sheet, wanted, ReadSheet()
        self.fields = dict(wanted.fields)
        self.bands: dict[str, tuple[Any, str]] = {}
        self.raw_heads = {words: column for column, levels in wanted.head.levels.items() for words in levels}
        self.merges = list(_below(sheet, wanted.head.last))
        self.inside: dict[tuple[int, int], Any] = {
            (row, column): one
            for one in self.merges
            for row in range(one.top, one.bottom + 1)
            for column in range(one.left, one.right + 1)
        }
        self.records = RecordReader(sheet, wanted, self.inside)
        self.follows_head = False

    def read(self, tell: Tell | None) -> ReadSheet:
        total = len(self.sheet.rows)
        for row in range(1, total + 1):
            if any(cell != "" for cell in self.sheet.rows[row - 1]) or self._has_faults(row):
                self._take(row)
            if tell and row % _TELL_EACH == 0:
                tell(row, total)
        self._tell_of_sheet()
        return self.result

    def _has_faults(self, row: int) -> bool:
        # Where a formula was never worked out, or in vain, the row is empty to whoever reads values alone.
        return any((row, column) in self.sheet.unworked or (row, column) in self.sheet.errors for column in self.fields)

    def _take(self, row: int) -> None:
        head = self.wanted.head
        if row <= head.last:
            if row < head.first:
                self._pass(row, Message("above the head of the list"))
            return
        if self._is_head_again(row):
            self.follows_head = True
            return
        self.follows_head = False
        if is_numbering(self.sheet, row):
            self._pass(row, Message("numbers of columns"))
        elif not self._is_band(row) and not self._is_no_record(row):
            self.result.rows.append(self.records.read(row, self.fields, self.bands))

    # ---- rows that are no records

    def _pass(self, row: int, why: Message) -> None:
        column = next((at for at, cell in enumerate(self.sheet.rows[row - 1], 1) if cell != ""), 1)
        self.result.passed_over.append(Said(cell_name(row, column), why))

    def _is_head_again(self, row: int) -> bool:
        cells = self.sheet.rows[row - 1]
        known = {
            column: " ".join(cell.split())
            for column, cell in enumerate(cells, 1)
            if isinstance(cell, str) and cell and " ".join(cell.split()) in self.raw_heads
        }
        if not known:
            return False
        fewest = 1 if self.follows_head else max(2, math.ceil(_OF_HEAD * len(self.fields)))
        if len(known) < fewest or len(known) < len([cell for cell in cells if cell != ""]) * _OF_HEAD:
            return False
        meant = {column: self.wanted.fields.get(self.raw_heads[text]) for column, text in known.items()}
        moved = {column: name for column, name in meant.items() if name}
        if any(self.fields.get(column) != name for column, name in moved.items()) and not self.follows_head:
            kept = {column: name for column, name in self.fields.items() if name not in moved.values()}
            self.fields = {**{column: name for column, name in kept.items() if column not in moved}, **moved}
            self._pass(row, Message("the head again with its columns moved; what follows is read by this head"))
        else:
            self._pass(row, Message("the head again"))
        return True

    def _texts(self, row: int) -> list[tuple[int, Any]]:
        """The cells that say something, with their columns."""
        return [(column, cell) for column, cell in enumerate(self.sheet.rows[row - 1], 1) if cell != ""]

    def _is_band(self, row: int) -> bool:
        said = self._texts(row)
        if len(said) != 1 or not isinstance(said[0][1], str) or self._has_faults(row):
            return False
        column, text = said[0][0], shown(said[0][1])
        is_name = self.fields.get(column) == self.wanted.name
        if is_name and text.startswith(self.wanted.lonely) and (row, column) not in self.inside:
            return False
        self._hear_band(row, column, text)
        return True

    def _hear_band(self, row: int, column: int, text: str) -> None:
        heard = said_by_band(text, self.wanted.provinces)
        if heard and heard[0] not in self.fields.values():
            self.bands[heard[0]] = (heard[1], cell_name(row, column))
            self._pass(row, OF_BANDS[heard[0]])
        elif is_total(text):
            self._pass(row, Message("a total"))
        else:
            self._pass(row, Message("a heading or a note"))

    def _is_summed_band(self, row: int) -> bool:
        """Whether the row is a heading with the sums of what is below it: one text, and amounts beside it."""
        said = self._texts(row)
        texts = [(column, shown(cell)) for column, cell in said if isinstance(cell, str) and not is_nothing(cell)]
        money = {column for column, name in self.fields.items() if self.wanted.columns[name].kind == "money"}
        others = {column for column, cell in said if not isinstance(cell, str)}
        if len(texts) != 1 or not others or not others <= money or texts[0][1].startswith(self.wanted.lonely):
            return False
        heard = said_by_band(texts[0][1], self.wanted.provinces)
        if heard is None or heard[0] == "agency":
            return False
        self._hear_band(row, *texts[0])
        return True

    def _is_no_record(self, row: int) -> bool:
        name_column = column_of(self.wanted.name, self.fields)
        name = self.sheet.at(row, name_column) if name_column else ""
        words = shown(name) if isinstance(name, str) else ""
        first = next((shown(cell) for _, cell in self._texts(row) if isinstance(cell, str)), "")
        merged = self.inside.get((row, name_column)) if name_column else None
        if merged is not None and merged.top < row and merged.left <= name_column <= merged.right:
            self._pass(row, Message("belongs to the record above, whose name is merged over it"))
        elif self._is_total(row, words) or (first != words and self._is_total(row, first)):
            self._pass(row, Message("a total"))
        elif is_activity(words) and not self._has_own(row, ("agency", "code")):
            self._pass(row, Message("an activity of the record above"))
        elif self._is_summed_band(row):
            pass
        elif not self._says_anything(row):
            self._pass(row, Message("nothing in the columns that are read"))
        else:
            return False
        return True

    def _is_total(self, row: int, text: str) -> bool:
        return is_total(text) and not self._has_own(row, ("agency", "code"))

    def _has_own(self, row: int, names: Collection[str]) -> bool:
        columns = [column for column, name in self.fields.items() if name in names]
        return any(
            self.sheet.at(row, column) != "" and not _spans_wide(self.inside.get((row, column))) for column in columns
        )

    def _says_anything(self, row: int) -> bool:
        return self._has_faults(row) or any(not is_nothing(self.sheet.at(row, column)) for column in self.fields)

    def _tell_of_sheet(self) -> None:
        notes, sheet = self.result.notes, self.sheet
        hidden = [row.number for row in self.result.rows if row.number in sheet.hidden_rows]
        if hidden:
            notes.append(Message("{count} hidden rows were read, too.", count=len(hidden)))
        columns = [column_letters(column) for column in sorted(self.fields) if column in sheet.hidden_columns]
        if columns:
            notes.append(Message("Hidden columns were read, too: {columns}.", columns=", ".join(columns)))
        rows = {row.number for row in self.result.rows}
        worked = sorted(place for place in sheet.formulas if place[1] in self.fields and place[0] in rows)
        if worked:
            first = cell_name(*worked[0])
            notes.append(
                Message(
                    "{count} cells are formulas, {cell} is the first: what Excel worked out last was read.",
                    count=len(worked),
                    cell=first,
                )
            )


def _spans_wide(merged: Any) -> bool:
    return merged is not None and merged.left < merged.right


def _below(sheet: Grid, last: int) -> Iterator[Any]:
    most = len(sheet.rows)
    for one in sheet.merged:
        if one.top > last and (one.bottom - one.top) * (one.right - one.left + 1) <= 4 * most:
            yield one
