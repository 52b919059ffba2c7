"""What is read of an uploaded list: which sheet, which head, which columns fill which fields, as proposed and as chosen."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.documents.workbook_guard import NotAWorkbook
from osm_flow.documents.workbooks import SheetName, SheetTooLong, SheetTooWide, SheetValues
from osm_flow.domain.imports.cells import spelled_place
from osm_flow.domain.imports.heads import ListHead, find_head, guess, head_at, spelled, unit_above, unit_of, year_above
from osm_flow.domain.imports.records import WantedRows
from osm_flow.domain.imports.rows import ReadSheet, Tell, read_rows
from osm_flow.errors import Invalid
from osm_flow.operations.imports.kinds import ImportKind
from osm_flow.operations.imports.list_files import ListFile
from osm_flow.store.models import ImportHead, Province

# Of how many sheets a head is looked for; an index of a hundred sheets is looked through no further.
_MOST_SHEETS = 30
_MOST_HEAD_ROWS = 6
# Of the sheet that is shown while its head is looked for.
SHOWN_ROWS = 12


class HeadUnusable(Invalid):
    """The head lies in rows {first} to {last} of the sheet: choose rows that the sheet has, six at the most."""


class ColumnsUnusable(Invalid):
    """Choose for the field {label} one column, and for each column one field."""


class NameColumnMissing(Invalid):
    """Choose which column has the names."""


@dataclass(frozen=True)
class Choices:
    """What somebody chose for a list: the sheet, the rows of its head, which column fills which field, and what no column says.

    answers  by the number of a row: `new`, `skip`, or the code of the record that is meant.
    """

    sheet: str = ""
    first: int = 0
    last: int = 0
    fields: Mapping[int, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[int, str] = field(default_factory=dict)

    @property
    def has_head(self) -> bool:
        """Whether a sheet and the rows of its head are chosen."""
        return bool(self.sheet and self.first)

    def as_text(self) -> str:
        """As it is kept."""
        return json.dumps(vars(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> Choices:
        """From how it is kept."""
        said = json.loads(text)
        if not said:
            return cls()
        numbered = {name: {int(key): value for key, value in said[name].items()} for name in ("fields", "answers")}
        return cls(said["sheet"], said["first"], said["last"], constants=said["constants"], **numbered)


@dataclass(frozen=True)
class ProposedHead:
    """What a sheet looks like: its values, the head as chosen, which column fills which field, and which columns could fill one."""

    sheet: SheetValues
    head: ListHead
    fields: Mapping[int, str]
    doubled: Mapping[str, Collection[int]]
    year: int | None


def provinces_of(session: Session, office_id: str) -> dict[str, str]:
    """The provinces of an office by everything that they are called: `อุดรธานี`, `อด.`, `Udon Thani`, `TH-41`."""
    found: dict[str, str] = {}
    for province in session.scalars(select(Province).where(Province.office_id == office_id)):
        names = (province.name_th, province.name_en, province.abbr_th, province.id)
        found |= {spelled_place(name): province.id for name in names if name}
    return found


def remembered_of(session: Session, office_id: str, kind: str) -> dict[str, str]:
    """Which field the words of a head meant when the office imported such a list last."""
    query = select(ImportHead.words, ImportHead.field)
    return dict(session.execute(query.where(ImportHead.office_id == office_id, ImportHead.kind == kind)).all())


def propose(file: ListFile, kind: ImportKind, remembered: Mapping[str, str]) -> Choices:
    """The sheet, head and columns that fit best; without a head where no sheet has one. Raises what `sheet_names` does."""
    best: tuple[int, int, Choices] | None = None
    names = file.names
    for place, name in enumerate(names[:_MOST_SHEETS]):
        found = _proposed_sheet(file, name, kind, remembered)
        if found is None:
            continue
        score = len(found.fields) * 2 - name.is_hidden
        if best is None or score > best[0]:
            best = (score, place, found)
    return best[2] if best else Choices(sheet=names[0].name)


def _proposed_sheet(file: ListFile, name: SheetName, kind: ImportKind, remembered: Mapping[str, str]) -> Choices | None:
    try:
        sheet = file.sheet(name.name)
    except (SheetTooLong, SheetTooWide, NotAWorkbook):
        return None
    head = find_head(sheet, kind.columns, kind.name)
    if head is None:
        return None
    return choices_for(sheet, head, kind, remembered)


def choices_for(sheet: SheetValues, head: ListHead, kind: ImportKind, remembered: Mapping[str, str]) -> Choices:
    """What is proposed for this head: columns as they were chosen last, else by their words; the year as the sheet says it."""
    proposed = _looked_at(sheet, head, kind, remembered)
    constants = dict(kind.constants)
    if proposed.year and kind.year not in proposed.fields.values():
        constants[kind.year] = str(proposed.year)
    return Choices(sheet.name, head.first, head.last, proposed.fields, constants)


def look_at(file: ListFile, choices: Choices, kind: ImportKind, remembered: Mapping[str, str]) -> ProposedHead:
    """The chosen sheet with its chosen head. Raises HeadUnusable, SheetUnknown and what `read_sheet` does."""
    sheet = file.sheet(choices.sheet)
    return _looked_at(sheet, _head(sheet, choices.first, choices.last), kind, remembered)


def find_in(file: ListFile, sheet_name: str, kind: ImportKind, remembered: Mapping[str, str]) -> Choices:
    """What is proposed for this sheet; without a head where it has none."""
    sheet = file.sheet(sheet_name)
    head = find_head(sheet, kind.columns, kind.name)
    return Choices(sheet=sheet_name) if head is None else choices_for(sheet, head, kind, remembered)


def carried_to(
    file: ListFile, before: Choices, sheet_name: str, kind: ImportKind, remembered: Mapping[str, str]
) -> Choices:
    """What was chosen for one sheet, for another one of the same file: columns by their words, what no column says but the year.

    The head lies in the same rows if they say the same there, else where it is found; the year is what the sheet itself says.
    Raises SheetUnknown and what `read_sheet` does.
    """
    if not before.has_head:
        return find_in(file, sheet_name, kind, remembered)
    head = _head(file.sheet(before.sheet), before.first, before.last)
    chosen = {remembered_words(head, column): before.fields.get(column, "") for column in head.levels}
    known = {**remembered, **chosen}
    sheet = file.sheet(sheet_name)
    there = head_at(sheet, before.first, before.last) if before.last <= len(sheet.rows) else None
    if there is not None and there.levels == head.levels:
        found = choices_for(sheet, there, kind, known)
    else:
        found = find_in(file, sheet_name, kind, known)
    if not found.has_head:
        return found
    carried = {name: value for name, value in before.constants.items() if name != kind.year}
    return replace(found, constants={**found.constants, **carried})


def read_list(
    file: ListFile, choices: Choices, kind: ImportKind, provinces: Mapping[str, str], tell: Tell | None = None
) -> tuple[SheetValues, ReadSheet]:
    """The chosen sheet, and what its rows say. Raises HeadUnusable, NameColumnMissing and what `read_sheet` does."""
    sheet = file.sheet(choices.sheet)
    head = _head(sheet, choices.first, choices.last)
    if kind.name not in choices.fields.values():
        raise NameColumnMissing
    above = unit_above(sheet, head)
    units = {column: unit_of(head, column, above) for column in choices.fields}
    wanted = WantedRows(head, kind.by_name, dict(choices.fields), units, provinces, kind.name)
    listed = read_rows(sheet, wanted, tell)
    listed.year = year_above(sheet, head, sheet.name)
    return sheet, listed


def columns_chosen(chosen: Mapping[int, str], kind: ImportKind) -> dict[int, str]:
    """The columns that were chosen, held to the fields that there are. Raises ColumnsUnusable, NameColumnMissing."""
    fields = {column: name for column, name in chosen.items() if name}
    for column, name in fields.items():
        if name not in kind.by_name or column < 1 or list(fields.values()).count(name) > 1:
            label = kind.labels.get(name, {}).get("title", name)
            raise ColumnsUnusable(label=label)
    if kind.name not in fields.values():
        raise NameColumnMissing
    return fields


def _head(sheet: SheetValues, first: int, last: int) -> ListHead:
    if not 1 <= first <= last < len(sheet.rows) + 1 or last - first >= _MOST_HEAD_ROWS:
        raise HeadUnusable(first=first, last=last)
    return head_at(sheet, first, last)


def _looked_at(sheet: SheetValues, head: ListHead, kind: ImportKind, remembered: Mapping[str, str]) -> ProposedHead:
    guessed = guess(head, kind.columns)
    fields = dict(guessed.fields)
    for column in head.levels:
        words = remembered_words(head, column)
        if words in remembered:
            fields.pop(column, None)
            name = remembered[words]
            if name and name in kind.by_name:
                fields = {other: said for other, said in fields.items() if said != name} | {column: name}
    doubled = {name: columns for name, columns in guessed.doubled.items() if name not in fields.values()}
    return ProposedHead(sheet, head, fields, doubled, year_above(sheet, head, sheet.name))


def remembered_words(head: ListHead, column: int) -> str:
    """The words of a column as they are remembered."""
    return spelled(head.words(column))[:255]
