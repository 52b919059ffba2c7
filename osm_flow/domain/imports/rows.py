"""Reading the rows below a head: which of them are records, what each says by cell, and what is passed over and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osm_flow.domain.calendar.thai_dates import arabic_digits
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.imports.cells import CellRefused, ImportColumn, is_nothing, read_cell, shown, spelled_place
from osm_flow.domain.imports.heads import Grid, ListHead, is_numbering
from osm_flow.domain.json import JSON

# What a heading between the rows says for those below it.
_OF_BANDS = {
    "province": Message("a heading; the rows below it are of this province"),
    "fiscal_year": Message("a heading; the rows below it are of this fiscal year"),
    "agency": Message("a heading; the rows below it are of this agency"),
}
Tell = Callable[[int, int], None]

_TOTAL = re.compile(
    r"(?:ยอด|ผล)?รวม(?:ยอด|เป็น)?(?:ทั้งสิ้น|ทั้งหมด|เงิน|งบประมาณ|วงเงิน|ย่อย|สุทธิ|ทุก|ปี|จังหวัด|กลุ่ม|หน่วย|แผนงาน|ยุทธศาสตร์|ประเด็น|\s|\(|:|\d|$).*"
    r"|(?:sub|grand\s*)?total\b.*",
    re.IGNORECASE | re.DOTALL,
)
_ACTIVITY = re.compile(r"(?:[-–—•*]\s*\S|(?:กิจกรรม|ขั้นตอน)(?:ย่อย|หลัก|ที่)?\s*(?:\d|[:.]|$)).*", re.DOTALL)
_YEAR_BAND = re.compile(r"(?:ประจำ)?ปี(?:งบประมาณ)?\s*(?:พ\.?\s*ศ\.?)?\s*(\d{4})(?!\s*[-–]\s*\d{4}).*", re.DOTALL)
_AGENCY_BAND = re.compile(
    r"(?:หน่วยงาน|ส่วนราชการ|หน่วยดำเนินการ)\S*\s*[:：]?\s+(.+)|((?:สำนักงาน|สนง|ที่ทำการ|แขวง|องค์การ|องค์กร|เทศบาล|ศูนย์|วิทยาลัย|มหาวิทยาลัย|กรม|สถาบัน).+)",
    re.DOTALL,
)
# What stands around the words of a band: its number before, how many follow behind.
_BAND_NUMBER, _BAND_COUNT = re.compile(r"^\(?\d+(?:\.\d+)*[.)]?\s+"), re.compile(r"\s*\([^()]*\)$")
_DITTO = frozenset({'"', "”", "“", "〃", "''", '-"-', '- " -'})
# A row that says so much of a head again is the head again.
_OF_HEAD = 0.6
_TELL_EACH = 500


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


@dataclass
class ReadSheet:
    """All that a sheet says: its records, the rows that are none with the reason, and what holds for the whole sheet.

    year  the one fiscal year that is written above the list.
    """

    rows: list[ReadRow] = field(default_factory=list)
    passed_over: list[Said] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)
    year: int | None = None


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
        self.before: dict[str, Any] = {}
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
            self.result.rows.append(self._record(row))

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
        heard = self._said_by_band(text)
        if heard and heard[0] not in self.fields.values():
            self.bands[heard[0]] = (heard[1], cell_name(row, column))
            self._pass(row, _OF_BANDS[heard[0]])
        elif _TOTAL.fullmatch(text):
            self._pass(row, Message("a total"))
        else:
            self._pass(row, Message("a heading or a note"))

    def _said_by_band(self, text: str) -> tuple[str, Any] | None:
        """The field and value that a heading between the rows says for those below it."""
        bare = _BAND_COUNT.sub("", _BAND_NUMBER.sub("", arabic_digits(text)))
        if province := self.wanted.provinces.get(spelled_place(bare)):
            return ("province", province)
        if year := _YEAR_BAND.fullmatch(bare) or _YEAR_BAND.fullmatch(arabic_digits(text)):
            return ("fiscal_year", int(year[1]))
        if agency := _AGENCY_BAND.fullmatch(_BAND_COUNT.sub("", _BAND_NUMBER.sub("", text))):
            return ("agency", (agency[1] or agency[2])[:255])
        return None

    def _is_summed_band(self, row: int) -> bool:
        """Whether the row is a heading with the sums of what is below it: one text, and amounts beside it."""
        said = self._texts(row)
        texts = [(column, shown(cell)) for column, cell in said if isinstance(cell, str) and not is_nothing(cell)]
        money = {column for column, name in self.fields.items() if self.wanted.columns[name].kind == "money"}
        others = {column for column, cell in said if not isinstance(cell, str)}
        if len(texts) != 1 or not others or not others <= money or texts[0][1].startswith(self.wanted.lonely):
            return False
        heard = self._said_by_band(texts[0][1])
        if heard is None or heard[0] == "agency":
            return False
        self._hear_band(row, *texts[0])
        return True

    def _is_no_record(self, row: int) -> bool:
        name_column = self._column_of(self.wanted.name)
        name = self.sheet.at(row, name_column) if name_column else ""
        words = shown(name) if isinstance(name, str) else ""
        first = next((shown(cell) for _, cell in self._texts(row) if isinstance(cell, str)), "")
        merged = self.inside.get((row, name_column)) if name_column else None
        if merged is not None and merged.top < row and merged.left <= name_column <= merged.right:
            self._pass(row, Message("belongs to the record above, whose name is merged over it"))
        elif self._is_total(row, words) or (first != words and self._is_total(row, first)):
            self._pass(row, Message("a total"))
        elif _ACTIVITY.fullmatch(words) and not self._has_own(row, ("agency", "code")):
            self._pass(row, Message("an activity of the record above"))
        elif self._is_summed_band(row):
            pass
        elif not self._says_anything(row):
            self._pass(row, Message("nothing in the columns that are read"))
        else:
            return False
        return True

    def _is_total(self, row: int, text: str) -> bool:
        return bool(_TOTAL.fullmatch(text)) and not self._has_own(row, ("agency", "code"))

    def _has_own(self, row: int, names: Collection[str]) -> bool:
        columns = [column for column, name in self.fields.items() if name in names]
        return any(
            self.sheet.at(row, column) != "" and not _spans_wide(self.inside.get((row, column))) for column in columns
        )

    def _says_anything(self, row: int) -> bool:
        return self._has_faults(row) or any(not is_nothing(self.sheet.at(row, column)) for column in self.fields)

    # ---- rows that are records

    def _record(self, row: int) -> ReadRow:
        read = ReadRow(row)
        for name, (value, cell) in self.bands.items():
            read.values[name], read.cells[name] = value, cell
        for column, name in self.fields.items():
            self._take_cell(read, row, column, self.wanted.columns[name])
        if read.values.get(self.wanted.name) is None and not any(
            said.cell == read.cells.get(self.wanted.name) for said in read.problems
        ):
            place = read.cells.get(self.wanted.name) or cell_name(row, self._column_of(self.wanted.name) or 1)
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

    def _column_of(self, name: str) -> int:
        return next((column for column, field_ in self.fields.items() if field_ == name), 0)

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


def source_of(sheet: Grid, row: int) -> Sequence[tuple[str, str]]:
    """What the cells of a row say, by their letters, as it is shown again beside what became of it."""
    return [
        (column_letters(column), shown(str(cell))[:200])
        for column, cell in enumerate(sheet.rows[row - 1], 1)
        if cell != ""
    ]
