"""Reading a row that is a record: what each of its cells says, and what stands in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osm_flow.domain.forms.schema import Message
from osm_flow.domain.imports.cells import CellRefused, ImportColumn, read_cell, shown
from osm_flow.domain.imports.heads import Grid, ListHead
from osm_flow.domain.json import JSON

_DITTO = frozenset({'"', "”", "“", "〃", "''", '-"-', '- " -'})
# What headings between the rows said last: by field, the value and the cell that says it.
Bands = Mapping[str, tuple[Any, str]]


@dataclass(frozen=True)
class WantedRows:
    """What is read of a sheet: its head, which column fills which field and in which unit, and the provinces there are.

    name       the field without which a row is no record.
    lonely     what the name of a record begins with that says nothing else in its row.
    """

    head: ListHead
    columns: Mapping[str, ImportColumn]
    fields: Mapping[int, str]
    units: Mapping[int, int]
    provinces: Mapping[str, str]
    name: str = "name"
    lonely: str = "โครงการ"


@dataclass(frozen=True)
class Said:
    """A sentence about a cell: which one, by its letters and number, and what there is to say."""

    cell: str
    message: Message


@dataclass
class ReadRow:
    """A row that is a record: what it says by field, in which cells, what stands in its way, and what is worth knowing."""

    number: int
    values: JSON = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    problems: list[Said] = field(default_factory=list)
    notes: list[Said] = field(default_factory=list)


def column_letters(column: int) -> str:
    """What Excel calls a column: A for 1, AA for 27."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """What Excel calls a cell: D14."""
    return f"{column_letters(column)}{row}"


def column_of(name: str, fields: Mapping[int, str]) -> int:
    """The column that fills the field; 0 where none does."""
    return next((column for column, field_ in fields.items() if field_ == name), 0)


class RecordReader:
    """Reads records one after another; `inside` says of cells to which merged cells they belong."""

    def __init__(self, sheet: Grid, wanted: WantedRows, inside: Mapping[tuple[int, int], Any]) -> None:
        self.sheet, self.wanted, self.inside = sheet, wanted, inside
        self.before: JSON = {}

    def read(self, row: int, fields: Mapping[int, str], bands: Bands) -> ReadRow:
        """The record of this row; `bands` hold where its own cells say nothing."""
        read = ReadRow(row)
        for name, (value, cell) in bands.items():
            read.values[name], read.cells[name] = value, cell
        for column, name in fields.items():
            self._take_cell(read, row, column, self.wanted.columns[name])
        if read.values.get(self.wanted.name) is None and not any(
            said.cell == read.cells.get(self.wanted.name) for said in read.problems
        ):
            place = read.cells.get(self.wanted.name) or cell_name(row, column_of(self.wanted.name, fields) or 1)
            read.problems.insert(0, Said(place, Message("The name is missing.")))
        if row in self.sheet.hidden_rows:
            read.notes.append(Said(cell_name(row, 1), Message("The row is hidden in Excel; it was read all the same.")))
        self.before = read.values
        return read

    def _take_cell(self, read: ReadRow, row: int, column: int, wanted: ImportColumn) -> None:
        place = cell_name(row, column)
        read.cells[wanted.field] = place
        try:
            value = self._value(read, row, column, wanted)
            got = read_cell(wanted, value, self.wanted.units.get(column, 1), self.wanted.provinces)
        except CellRefused as refusal:
            read.problems.append(Said(place, refusal.message))
            return
        if got.note:
            read.notes.append(Said(place, got.note))
        if got.value is not None:
            read.values[wanted.field] = got.value

    def _value(self, read: ReadRow, row: int, column: int, wanted: ImportColumn) -> Any:
        """The value of a cell, of the merged cells that it belongs to, or of the row above where it says the same."""
        if (row, column) in self.sheet.errors:
            said = self.sheet.errors[row, column]
            raise CellRefused(
                Message("The formula gives the fault {said}. Put it right or write the value.", said=said)
            )
        if (row, column) in self.sheet.unworked:
            raise CellRefused(
                Message("The formula was never worked out. Open the file in Excel, save it and choose it again.")
            )
        value = self.sheet.at(row, column)
        merged = self.inside.get((row, column))
        if merged is not None and merged.top < merged.bottom:
            if wanted.kind == "money":
                raise CellRefused(Message("One amount is merged over several rows. Write to each row what is its own."))
            if merged.top < row and wanted.kind not in ("code",):
                value = self.sheet.at(merged.top, merged.left)
        if isinstance(value, str) and value.strip() in _DITTO and wanted.kind in ("text", "province", "year", "choice"):
            if wanted.field == self.wanted.name or wanted.field not in self.before:
                raise CellRefused(Message("The cell says that it is as above, and nothing stands above it."))
            read.notes.append(Said(cell_name(row, column), Message("Taken from the row above.")))
            read.values[wanted.field] = self.before[wanted.field]
            return ""
        return value


def source_of(sheet: Grid, row: int) -> Sequence[tuple[str, str]]:
    """What the cells of a row say, by their letters, as it is shown again beside what became of it."""
    return [
        (column_letters(column), shown(str(cell))[:200])
        for column, cell in enumerate(sheet.rows[row - 1], 1)
        if cell != ""
    ]
