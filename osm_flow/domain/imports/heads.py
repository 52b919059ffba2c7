"""Finding the head of a list: in which rows it stands, over how many of them, and what its columns are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

from osm_flow.domain.calendar.thai_dates import arabic_digits
from osm_flow.domain.imports.cells import ImportColumn
from osm_flow.domain.search import searchable, visible

# In how many rows from the first a head is looked for, and over how many rows it may go.
_FIRST_ROWS, _MOST_LEVELS = 40, 4
_SIGNS = re.compile(r"""[\s\-_/\\().,:;*"'“”‘’\[\]…•]+""")
_NUMBERING = re.compile(r"\(?\d{1,2}\)?")
_TOTAL_OF_GROUP = re.compile("^รวม(?:ทั้งสิ้น|เงิน|งบประมาณ|ทั้งหมด)?(?:ล้านบาท|บาท)?$|^total$")
# What stands beside amounts and is none of the record's.
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*(?:[)\]]|$)")
_PERCENT = re.compile("ร้อยละ|%|percent")
_SAYS_OTHER = re.compile("คงเหลือ|หมายเหตุ|ลำดับ|โทร|ระยะเวลา|แผนการดำเนินงาน|อำเภอ|ตำบล|เหลือจ่าย")
_UNITS = (
    (re.compile("ล้าน|ลบ$|million|mbaht"), 1_000_000),
    (re.compile("พันบาท|thousand"), 1_000),
    (re.compile("บาท|baht|thb"), 1),
)
_UNIT_SAID = re.compile(r"หน่วย(?:เงิน)?\s*[:：]?\s*\(?\s*((?:ล้าน|พัน)?\s*บาท)")
_YEAR_SAID = re.compile(r"(?:ปี|พ\.?\s*ศ\.?)[^\d\n]{0,24}(\d{4})(?:\s*[-–]\s*(\d{4}))?")


class Grid(Protocol):
    """What is asked of a sheet: its rows, and what lies around their values."""

    name: str
    rows: list[list[Any]]
    merged: list[Any]
    hidden_rows: set[int]
    hidden_columns: set[int]
    formulas: set[tuple[int, int]]
    unworked: set[tuple[int, int]]
    errors: dict[tuple[int, int], str]

    def at(self, row: int, column: int) -> Any: ...


@dataclass(frozen=True)
class ListHead:
    """The head of a list: its rows, and what each column is called, from the uppermost words to the lowest."""

    first: int
    last: int
    levels: Mapping[int, tuple[str, ...]]

    def words(self, column: int) -> str:
        """What the column is called, in one line."""
        return " · ".join(self.levels[column])


@dataclass
class Guessed:
    """Which column fills which field, by what they are called; `doubled` are fields that several columns could fill."""

    fields: dict[int, str] = field(default_factory=dict)
    doubled: dict[str, list[int]] = field(default_factory=dict)


@lru_cache(maxsize=8192)
def spelled(text: object) -> str:
    """The words of a head as they are compared: without blanks and signs."""
    return _SIGNS.sub("", searchable(str(text)).partition("\n")[0])


def find_head(sheet: Grid, columns: Sequence[ImportColumn], name: str) -> ListHead | None:
    """The head that names most of these fields, `name` among them; None where no row names it and another one."""
    best: tuple[int, int, int] | None = None
    found: ListHead | None = None
    for first in range(1, min(_FIRST_ROWS, len(sheet.rows)) + 1):
        for last in range(first, min(first + _MOST_LEVELS - 1, len(sheet.rows)) + 1):
            if not _may_be_head(sheet, last):
                break
            head = head_at(sheet, first, last)
            guessed = guess(head, columns)
            named = {*guessed.fields.values(), *guessed.doubled}
            if name not in named or len(named) < 2 or not _names_once(sheet, head, guessed, name):
                continue
            # Of two heads that name as much the upper one is meant: whatever is said again below continues its list.
            rank = (-len(guessed.fields), last, last - first)
            if best is None or rank < best:
                best, found = rank, head
    return _with_numbering(sheet, _with_groups(sheet, found, columns, name)) if found else None


def head_at(sheet: Grid, first: int, last: int) -> ListHead:
    """The head in these rows: merged cells say the same for all their columns, and so does a blank beside a group."""
    width = max((len(sheet.rows[row - 1]) for row in range(first, last + 1)), default=0)
    levels: dict[int, tuple[str, ...]] = {}
    rows = [_words_of_row(sheet, row, width) for row in range(first, last + 1) if not is_numbering(sheet, row)]
    for upper, lower in pairwise(rows):
        _carry_to_the_right(upper, lower)
    for column in range(1, width + 1):
        words = tuple(dict.fromkeys(row[column - 1] for row in rows if row[column - 1]))
        if words:
            levels[column] = words
    return ListHead(first, last, levels)


def guess(head: ListHead, columns: Sequence[ImportColumn]) -> Guessed:
    """Which columns fill which fields, by their words; of several under one group the one that says total is meant."""
    candidates: dict[str, list[int]] = {}
    for column in head.levels:
        name = _field_of(head.levels[column], columns)
        if name:
            candidates.setdefault(name, []).append(column)
    guessed = Guessed()
    for name, found in candidates.items():
        totals = [column for column in found if _TOTAL_OF_GROUP.search(spelled(head.levels[column][-1]))]
        if len(found) == 1 or len(totals) == 1:
            guessed.fields[(totals or found)[0] if len(found) > 1 else found[0]] = name
        else:
            guessed.doubled[name] = found
    return guessed


def unit_of(head: ListHead, column: int, said_above: int) -> int:
    """In how many baht the amounts of the column are written: as its head says, else as stands above the list."""
    for words in reversed(head.levels.get(column, ())):
        for pattern, unit in _UNITS:
            if pattern.search(spelled(words)):
                return unit
    return said_above


def unit_above(sheet: Grid, head: ListHead) -> int:
    """In how many baht amounts are written, as a line above the head says: `หน่วย : ล้านบาท`; 1 where none says so."""
    for text in _texts_above(sheet, head):
        if said := _UNIT_SAID.search(text):
            return {"ล้าน": 1_000_000, "พัน": 1_000}.get(re.sub(r"\s|บาท", "", said[1]), 1)
    return 1


def year_above(sheet: Grid, head: ListHead, sheet_name: str) -> int | None:
    """The one fiscal year that the lines above the head, or the name of the sheet, say; None where they say none or several."""
    found: set[int] = set()
    for text in (*_texts_above(sheet, head), f"ปี {sheet_name}"):
        for first, last in _YEAR_SAID.findall(arabic_digits(text)):
            found.update(int(year) for year in (first, last) if year)
        if len(found) == 1:
            break
    years = {year for year in found if 2500 <= year <= 2650}
    return years.pop() if len(years) == 1 else None


def is_numbering(sheet: Grid, row: int) -> bool:
    """Whether the row numbers the columns: `(1) (2) (3)`."""
    cells = [cell for cell in sheet.rows[row - 1] if cell != ""]
    texts = [arabic_digits(visible(_plain(cell))) for cell in cells]
    if len(texts) < 3 or not all(_NUMBERING.fullmatch(text) for text in texts):
        return False
    numbers = [int(text.strip("()")) for text in texts]
    return numbers[0] == 1 and all(later == earlier + 1 for earlier, later in pairwise(numbers))


def _plain(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _texts_above(sheet: Grid, head: ListHead) -> Iterator[str]:
    for row in sheet.rows[: head.first - 1]:
        yield from (visible(arabic_digits(cell)) for cell in row if isinstance(cell, str) and cell.strip())


def _field_of(words: tuple[str, ...], columns: Sequence[ImportColumn]) -> str | None:
    """The field that these words name: the lowest by themselves, else those above them, else what is called in general so."""
    lowest, bare = spelled(words[-1]), _bare(words[-1])
    if _PERCENT.search(lowest):
        return None
    if _SAYS_OTHER.search(bare):
        return next((one.field for one in columns if one.kind == "province" and _names(one.heads, lowest)), None)
    tried = [bare, lowest]
    if len(words) > 1:
        above = _bare(" ".join(words[:-1]))
        tried += [] if _SAYS_OTHER.search(above) else [above]
    for is_general in (False, True):
        for plain in tried:
            for column in columns:
                if _names(column.general if is_general else column.heads, plain):
                    return column.field
    return None


def _bare(words: str) -> str:
    """The words without what stands in brackets, which says a unit, an order or a place; all of them where nothing else is."""
    return spelled(_IN_BRACKETS.sub(" ", words)) or spelled(words)


def _names(patterns: Sequence[str], plain: str) -> bool:
    return any(re.search(pattern, plain) for pattern in patterns)


def _may_be_head(sheet: Grid, row: int) -> bool:
    """Whether the row has nothing but words, years and numbers of columns."""
    if is_numbering(sheet, row):
        return True
    cells = [cell for cell in sheet.rows[row - 1] if cell != ""]
    # One cell alone is a title or a heading between the rows.
    return len(cells) > 1 and all(isinstance(cell, str) and len(cell) < 200 for cell in cells)


def _names_once(sheet: Grid, head: ListHead, guessed: Guessed, name: str) -> bool:
    """Whether the column of names has words in one row of the head only: the row below it is a project otherwise."""
    columns = [column for column, field_ in guessed.fields.items() if field_ == name] or guessed.doubled.get(name, [])
    own = [
        row
        for row in range(head.first, head.last + 1)
        if not is_numbering(sheet, row) and any(sheet.at(row, column) != "" for column in columns)
    ]
    return len(own) == 1


def _with_groups(sheet: Grid, head: ListHead, columns: Sequence[ImportColumn], name: str) -> ListHead:
    """The head with the row below it, where that one says what is below the groups of the head and names nothing."""
    following = head.last + 1
    if following > len(sheet.rows) or not _may_be_head(sheet, following) or is_numbering(sheet, following):
        return head
    below = [column for column, cell in enumerate(sheet.rows[following - 1], 1) if cell != ""]
    wide = {
        column
        for merged in sheet.merged
        if merged.top <= head.last <= merged.bottom and merged.left < merged.right
        for column in range(merged.left, merged.right + 1)
    }
    is_below_groups = any(sheet.at(head.last, column) == "" or column in wide for column in below)
    longer = head_at(sheet, head.first, following)
    guessed = guess(longer, columns)
    names = {*guessed.fields.values(), *guessed.doubled}
    if is_below_groups and name in names and _names_once(sheet, longer, guessed, name):
        return longer
    return head


def _with_numbering(sheet: Grid, head: ListHead) -> ListHead:
    following = head.last + 1
    if following <= len(sheet.rows) and is_numbering(sheet, following):
        return ListHead(head.first, following, head.levels)
    return head


def _words_of_row(sheet: Grid, row: int, width: int) -> list[str]:
    words = [visible(_plain(sheet.at(row, column))) for column in range(1, width + 1)]
    for merged in sheet.merged:
        if merged.top <= row <= merged.bottom:
            said = visible(_plain(sheet.at(merged.top, merged.left)))
            for column in range(merged.left, min(merged.right, width) + 1):
                words[column - 1] = words[column - 1] or said
    return words


def _carry_to_the_right(upper: list[str], lower: list[str]) -> None:
    """A group's words stand over its first column; the columns beside it that have words of their own below are of it."""
    for column in range(1, len(upper)):
        if not upper[column] and lower[column] and upper[column - 1]:
            upper[column] = upper[column - 1]
