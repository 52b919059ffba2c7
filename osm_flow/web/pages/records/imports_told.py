"""What the pages of imports show: lists and what became of them, the head of a sheet with its columns, and the preview by rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import g

from osm_flow.documents.workbooks import SheetName
from osm_flow.domain.forms.schema import Message, choices_of, label_of
from osm_flow.domain.imports.records import Said, column_letters
from osm_flow.domain.json import JSON
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.imports import queries
from osm_flow.operations.imports.kinds import ImportKind, kind_of
from osm_flow.operations.imports.planning import Fate, Plan, PlannedRow
from osm_flow.operations.imports.queries import Imported
from osm_flow.operations.imports.reading import SHOWN_ROWS, Choices, ProposedHead, find_in, provinces_of, remembered_of
from osm_flow.operations.imports.sheets import SheetFate, fates_of, imported_before
from osm_flow.store.models import ImportFile
from osm_flow.web.forms.document import form_value
from osm_flow.web.site.filters import province_name
from osm_flow.web.site.i18n import current_locale, gettext
from osm_flow.web.site.wording import names_of

# Of each fate as many rows are shown at once.
_SHOWN = 100
_LONGEST_CELL = 60


class CellTold(NamedTuple):
    """A sentence about a cell, in the reader's language."""

    cell: str
    text: str


class LeftTold(NamedTuple):
    """A row that an import left aside, with its cells and why."""

    number: int
    row: int
    sheet: str
    filename: str
    cells: Sequence[tuple[str, str]]
    why: Sequence[CellTold]


class FrontTold(NamedTuple):
    """The front page of imports."""

    kind: str
    offices: Sequence[str]
    waiting: Sequence[ImportFile]
    imported: Sequence[Imported]
    left: Sequence[LeftTold]
    names: Mapping[str, str]
    sheet_of: Mapping[int, str]
    goes_on: Collection[int]


class ColumnTold(NamedTuple):
    """A column of the head: its letters, words and first values, the field that is chosen, and whether several could fill it."""

    number: int
    letters: str
    words: str
    examples: Sequence[str]
    field: str
    is_doubled: bool


@dataclass(frozen=True)
class ChoicesTold:
    """The page on which sheet, head and columns are chosen."""

    row: ImportFile
    sheets: Sequence[SheetName]
    choices: Choices
    lines: Sequence[tuple[int, Sequence[str]]]
    letters: Sequence[str]
    columns: Sequence[ColumnTold]
    fields: Sequence[tuple[str, str]]
    constants: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]]


class ChangeTold(NamedTuple):
    """A field that a row changes: its label, what the register says now, and what it would say."""

    label: str
    before: str
    after: str


class RowTold(NamedTuple):
    """A row of the preview."""

    plan: PlannedRow
    name: str
    beside: str
    changes: Sequence[ChangeTold]
    problems: Sequence[CellTold]
    notes: Sequence[CellTold]
    answer: str


@dataclass(frozen=True)
class PreviewTold:
    """The page of the preview: how many rows become what, and those that are shown."""

    row: ImportFile
    choices: Choices
    plan: Plan
    counts: Sequence[tuple[str, str, int]]
    show: str
    rows: Sequence[RowTold]
    begins: int
    following: int | None
    passed_over: Sequence[CellTold]
    notes: Sequence[str]
    before: ImportFile | None
    can_confirm: bool


class SheetsTold(NamedTuple):
    """The sheets of an uploaded file, with what became of each; `now` is the sheet of the list from which one goes on."""

    row: ImportFile
    now: str
    fates: Sequence[SheetFate]


def front_told(kind: str) -> FrontTold:
    """What the front page of imports shows. Raises ImportKindUnknown."""
    kind_of(kind)
    imported = queries.imported(g.session, g.actor, kind)
    left = [
        LeftTold(one.row.id, one.row.row, one.row.sheet, one.filename, one.cells, [_why(said) for said in one.why])
        for one in queries.left_rows(g.session, g.actor, kind)
    ]
    who = {name for one in imported for name in (one.actor, one.undone_by) if name}
    waiting = queries.waiting(g.session, g.actor, kind)
    lists = [*waiting, *(one.file for one in imported if one.file)]
    sheet_of = {row.id: Choices.of_text(row.choices).sheet for row in lists}
    theirs = {row.id for row in lists if row.person_id == g.actor.person_id and row.file is not None}
    return FrontTold(kind, queries.offices_for(g.actor), waiting, imported, left, names_of(who), sheet_of, theirs)


def choices_told(row: ImportFile, asked: Choices) -> ChoicesTold:
    """The page of choices: as kept, or for another sheet or head that somebody asks to look at. Raises what `look_at` does."""
    kind = kind_of(row.kind)
    file = queries.list_of(g.session, row.id, g.actor)
    kept = Choices.of_text(row.choices)
    remembered = remembered_of(g.session, row.office_id, row.kind)
    choices = kept
    if asked.sheet and asked.has_head:
        choices = asked
    elif asked.sheet and asked.sheet != kept.sheet:
        choices = find_in(file, asked.sheet, kind, remembered)
    sheets = queries.sheets_of(g.session, row.id, g.actor)
    if not choices.has_head:
        values = queries.sheet_values(g.session, row.id, g.actor, choices.sheet)
        return _told(row, sheets, Choices(choices.sheet), values.rows, (), kind)
    looked = queries.looked_at(g.session, row.id, g.actor, choices)
    fields = choices.fields or looked.fields
    constants = choices.constants or {**kind.constants, **({kind.year: str(looked.year)} if looked.year else {})}
    chosen = Choices(choices.sheet, choices.first, choices.last, fields, constants)
    return _told(row, sheets, chosen, looked.sheet.rows, _columns(looked, fields), kind)


def _told(
    row: ImportFile,
    sheets: Sequence[SheetName],
    choices: Choices,
    lines: Sequence[Sequence[Any]],
    columns: Sequence[ColumnTold],
    kind: ImportKind,
) -> ChoicesTold:
    shown = [(number, [_short(cell) for cell in line]) for number, line in enumerate(lines, 1)][
        : SHOWN_ROWS + choices.last
    ]
    width = max((len(cells) for _, cells in shown), default=0)
    labels = [(column.field, label_for(kind, column.field)) for column in kind.columns]
    return ChoicesTold(
        row,
        sheets,
        choices,
        shown,
        [column_letters(column) for column in range(1, width + 1)],
        columns,
        labels,
        [
            (name, label_for(kind, name), choices.constants.get(name, proposed), _options(kind, name, row.office_id))
            for name, proposed in kind.constants.items()
        ],
    )


def _columns(looked: ProposedHead, fields: Mapping[int, str]) -> list[ColumnTold]:
    doubled = {column for columns in looked.doubled.values() for column in columns}
    head = looked.head
    found = []
    for column in sorted(head.levels):
        values = (looked.sheet.at(row, column) for row in range(head.last + 1, head.last + 20))
        examples = [_short(value) for value in values if value != ""][:1]
        chosen = fields.get(column, "")
        found.append(
            ColumnTold(
                column, column_letters(column), head.words(column), examples, chosen, column in doubled and not chosen
            )
        )
    return found


def _options(kind: ImportKind, name: str, office_id: str) -> list[tuple[str, str]]:
    """The choices for a value that holds for all rows; nothing for one that is typed."""
    column = kind.by_name[name]
    if column.kind == "province":
        provinces = sorted(set(provinces_of(g.session, office_id).values()))
        return [(province, province_name(province)) for province in provinces]
    schema = type_of(kind.kind).schema
    return [(option["value"], label_of(option, current_locale())) for option in choices_of(schema.fields.get(name, {}))]


def label_for(kind: ImportKind, name: str) -> str:
    """What a field is called in the reader's language."""
    return label_of(kind.labels[name], current_locale()) if name in kind.labels else name


def preview_told(row: ImportFile, show: str, begins: str) -> PreviewTold:
    """The preview of a list, with the rows of one fate from one place on. Raises what `preview` does."""
    kind = kind_of(row.kind)
    choices = Choices.of_text(row.choices)
    plan = queries.preview(g.session, row.id, g.actor)
    counts = plan.counts
    listed = [(str(fate), gettext(_FATES[fate]), counts[fate]) for fate in _FATES]
    shown = show if show in counts else next((fate for fate, _, count in listed if count), str(Fate.added))
    rows = plan.of(Fate(shown))
    start = int(begins) if begins.isascii() and begins.isdecimal() and len(begins) < 7 else 0
    some = rows[start : start + _SHOWN]
    return PreviewTold(
        row=row,
        choices=choices,
        plan=plan,
        counts=listed,
        show=shown,
        rows=[_row_told(kind, choices, one) for one in some],
        begins=start,
        following=start + _SHOWN if len(rows) > start + _SHOWN else None,
        passed_over=[_cell(said) for said in plan.passed_over[:500]],
        notes=[_text(note) for note in plan.notes],
        before=imported_before(g.session, row, choices.sheet),
        can_confirm=bool(counts[Fate.added] or counts[Fate.changed]),
    )


def sheets_told(row: ImportFile) -> SheetsTold:
    """The sheets of the file of a list. Raises ImportFileGone."""
    return SheetsTold(row, Choices.of_text(row.choices).sheet, fates_of(g.session, row.id, g.actor))


# In the order in which they are shown: what needs a person first.
_FATES = {
    Fate.asked: "ต้องเลือก",
    Fate.refused: "ใช้ไม่ได้",
    Fate.added: "เพิ่มใหม่",
    Fate.changed: "เปลี่ยน",
    Fate.unchanged: "เหมือนเดิม",
    Fate.skipped: "ข้าม",
}


def _row_told(kind: ImportKind, choices: Choices, row: PlannedRow) -> RowTold:
    values = row.values or row.read.values
    schema = type_of(kind.kind).schema
    beside = [str(row.year or "")] + [
        _shown(schema.fields[name], values.get(name))
        for name in ("agency", "province", "requested")
        if values.get(name)
    ]
    changes = [
        ChangeTold(label_for(kind, name), _shown(schema.fields[name], before), _shown(schema.fields[name], after))
        for name, before, after in row.changes
    ]
    return RowTold(
        plan=row,
        name=str(values.get(kind.name) or ""),
        beside=" · ".join(text for text in beside if text),
        changes=changes,
        problems=[_cell(said) for said in row.read.problems],
        notes=[_cell(said) for said in row.read.notes],
        answer=choices.answers.get(row.number, ""),
    )


def _shown(field: JSON, value: Any) -> str:
    return form_value(field, value, current_locale()) if value is not None else "–"


def _short(value: Any) -> str:
    text = " ".join(str(int(value) if isinstance(value, float) and value.is_integer() else value).split())
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"


def _cell(said: Said) -> CellTold:
    return CellTold(said.cell, _text(said.message))


def _text(message: Message) -> str:
    return _filled(message.key, message.params)


def _why(said: JSON) -> CellTold:
    return CellTold(str(said.get("cell", "")), _filled(str(said.get("key", "")), said.get("params", {})))


def _filled(key: str, params: JSON) -> str:
    try:
        return gettext(key).format(**params) if params else gettext(key)
    except (KeyError, IndexError, ValueError):
        return gettext(key)
