"""The fields of a form page: WTForms fields that keep what was typed, word for word, until it can be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from wtforms import Field

from osm_flow.domain.forms.schema import (
    PROVINCE,
    Message,
    choices_of,
    columns_of,
    find,
    hint_of,
    known_value,
    label_of,
    most_of,
    offered_value,
    ref_options,
    widget_of,
)
from osm_flow.domain.forms.scope import is_given
from osm_flow.domain.forms.typed_text import Unreadable, printable, read_pasted, read_text, show_text
from osm_flow.domain.json import JSON
from osm_flow.web.site.i18n import gettext

ProvinceName = Callable[[str], str]
Options = list[tuple[str, str]]

MISSING: Any = object()
PASTE = "paste"
BLANK_ROWS = 3
_ROW_DIGITS = 5
# Enough to show a table that is too long to the person who pasted it, not enough to choke on.
_MOST_ROWS = 1000
_SIZES = ((3, "few"), (5, "some"), (7, "many"))


class Surroundings:
    """What a page's fields see around them: language, the variables of the case, the names of provinces."""

    def __init__(self, locale: str, context: Mapping[str, Any], province_name: ProvinceName) -> None:
        self.locale = locale
        self.context = context
        self.province_name = province_name

    def options(self, field: JSON) -> Options | None:
        """(value as text, label) to choose from; None for a field that is typed freely."""
        choices = choices_of(field)
        if choices:
            return [(_as_text(choice["value"]), label_of(choice, self.locale)) for choice in choices]
        if widget_of(field) in ("province", "provinces"):
            known = self.context.get("provinces")
            return [(code, self.province_name(code)) for code in known] if isinstance(known, list) and known else None
        if widget_of(field) == "yesno":
            return [("true", gettext("ใช่", self.locale)), ("false", gettext("ไม่ใช่", self.locale))]
        return ref_options(field, self.context, self._spell)

    def beside(self, field: JSON) -> Any:
        """What the office record says beside the field (`x-beside`); None where it says nothing."""
        path = field.get("x-beside")
        value = find(self.context, path) if path else None
        return value if is_given(value) else None

    def _spell(self, part: str) -> str:
        return self.province_name(part) if re.fullmatch(PROVINCE, part) else part


def _as_text(value: object) -> str:
    return show_text({"type": "string"}, value)


class FormField(Field):
    """What the fields of a form have in common: their schema, their surroundings, their faults."""

    def __init__(self, schema: JSON, around: Surroundings, *, required: bool, **kwargs: Any) -> None:
        name = kwargs["name"]
        super().__init__(
            label=label_of(schema, around.locale) or name,
            description=hint_of(schema, around.locale),
            id=f"field-{name}",
            **kwargs,
        )
        self.schema = schema
        self.around = around
        self.is_required = required and schema.get("default") not in ("", [])
        self.widget_name = widget_of(schema)
        self.faults: dict[str, Message] = {}
        # Whether it names the record that the form is drawn from: chosen before, and not changed on the page.
        self.is_chosen = False

    @property
    def options(self) -> Options | None:
        """What there is to choose from."""
        return self.around.options(self.schema)

    @property
    def beside(self) -> Any:
        """What the office record says of the same thing."""
        return self.around.beside(self.schema)

    @property
    def offered(self) -> tuple[str, str] | None:
        """What the case knows and a click answers with: the text of the input, and how it is read; None once it is answered."""
        value = offered_value(self.schema, self.around.context)
        text = show_text(self.schema, value) if is_given(value) else ""
        options = self.options
        label = text if options is None else dict(options).get(text)
        return (text, label) if text and label else None

    @property
    def files(self) -> list[str]:
        """The names of attached files that the field may point at."""
        names = find(self.around.context, "around.files")
        return [str(name) for name in names] if isinstance(names, list) else []

    @property
    def is_locked(self) -> bool:
        """Whether the case, not the person, gives the value; where the case knows nothing, the person does."""
        return bool(self.schema.get("readOnly")) and known_value(self.schema, self.around.context) is not None

    def result(self) -> Any:
        """The JSON value, or MISSING when nothing was given or nothing could be read (see `faults`)."""
        raise NotImplementedError

    def _read(self, schema: JSON, typed: str, path: str) -> Any:
        if not typed.strip():
            return MISSING
        try:
            return read_text(schema, typed)
        except Unreadable as unreadable:
            self.faults[path] = unreadable.message
            return MISSING


class TypedField(FormField):
    """One input: text, number, date, one choice, yes or no."""

    text: str = ""

    def process_data(self, value: Any) -> None:
        """Show a kept value."""
        self.data = value
        self.text = show_text(self.schema, value)

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Keep what was typed."""
        self.text = printable(str(valuelist[0])) if valuelist else ""
        self.raw = str(valuelist[0]) if valuelist else ""

    @property
    def chosen(self) -> str:
        """The option that is chosen, as text."""
        return self.text

    def result(self) -> Any:
        """The value of the input; a checkbox that is not ticked says no."""
        typed = getattr(self, "raw", self.text)
        if self.widget_name == "checkbox":
            return typed.strip() == "true"
        return self._read(self.schema, typed, self.name)


class ListedField(FormField):
    """Several answers to one question: ticked options, or one entry a line."""

    entries: Sequence[str] = ()

    def process_data(self, value: Any) -> None:
        """Show a kept list."""
        self.data = value
        self.entries = [show_text(self.schema["items"], item) for item in value] if isinstance(value, list) else []

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Keep what was ticked or typed."""
        typed = [str(value) for value in valuelist]
        if self.options is None:
            typed = [line for value in typed for line in re.split(r"\r?\n", value)]
        self.entries = typed

    @property
    def text(self) -> str:
        """One entry a line."""
        return printable("\n".join(self.entries))

    def result(self) -> Any:
        """The list, without blank lines and with each entry once."""
        read = [self._read(self.schema["items"], entry, self.name) for entry in self.entries]
        kept = list(dict.fromkeys(value for value in read if value is not MISSING))
        return kept or MISSING


class TableField(FormField):
    """Rows: typed cell by cell (`activities-3-budget`), or pasted from a spreadsheet (`activities-paste`)."""

    def __init__(self, schema: JSON, around: Surroundings, **kwargs: Any) -> None:
        super().__init__(schema, around, **kwargs)
        self.columns = columns_of(schema)
        self.rows: list[dict[str, str]] = []
        self.pasted = ""
        self._column_options = {name: around.options(column) for name, column in self.columns.items()}

    def process(self, formdata: Any, data: Any = None, extra_filters: Any = None) -> None:
        """Take the rows of the posted form, or of the kept value when nothing was posted."""
        self.process_errors = []
        self.data = data
        if formdata is None:
            self.rows = [self._shown(row) for row in data if isinstance(row, dict)] if isinstance(data, list) else []
            return
        self.rows = self._posted(formdata)
        self.pasted = str(formdata.get(f"{self.name}-{PASTE}") or "")
        if self.pasted.strip():
            self._take_pasted()

    def owns(self, posted_name: str) -> bool:
        """Whether a posted name is a cell of this table or its paste box."""
        prefix, _, rest = posted_name.partition("-")
        index, _, column = rest.partition("-")
        fitting = index.isdecimal() and len(index) <= _ROW_DIGITS and column in self.columns
        return prefix == self.name and (fitting or rest == PASTE)

    @property
    def points_at_files(self) -> bool:
        """Whether a column names attached files."""
        return any(widget_of(column) == "file-ref" for column in self.columns.values())

    @property
    def most(self) -> int:
        """How many rows fit."""
        return most_of(self.schema)

    @property
    def size(self) -> str:
        """few, some, many or wide: how much room a row needs before it is better shown as a card."""
        return table_size(self.columns)

    def totals(self) -> dict[str, str]:
        """The sums of the money columns, as far as the cells can be read."""
        money = [name for name, column in self.columns.items() if widget_of(column) == "money"]
        return {name: self._total(name) for name in money}

    def _total(self, column: str) -> str:
        schema = self.columns[column]
        total = Decimal(0)
        for row in self.rows:
            with suppress(Unreadable):
                total += Decimal(str(read_text(schema, row[column]))) if row.get(column, "").strip() else 0
        return f"{total:,.2f}"

    def options_for(self, column: str) -> Options | None:
        """What there is to choose from in a column."""
        return self._column_options[column]

    @property
    def shown_rows(self) -> list[dict[str, str]]:
        """The rows of the page: what was given, and blank ones to go on with, where more fit."""
        if self.schema.get("x-rows-from") and self.rows:
            return self.rows
        blanks = BLANK_ROWS if not self.rows and self.size != "wide" else 1
        return [*self.rows, *({} for _ in range(min(blanks, most_of(self.schema) - len(self.rows))))]

    def result(self) -> Any:
        """The rows that hold anything."""
        rows = []
        for index, cells in enumerate(self.rows):
            row = {
                name: value
                for name, typed in cells.items()
                if (value := self._cell(name, typed, f"{self.name}.{index}.{name}")) is not MISSING
            }
            rows.append(row)
        return rows or MISSING

    def _cell(self, column: str, typed: str, path: str) -> Any:
        return self._read(self.columns[column], typed, path)

    def _shown(self, row: JSON) -> dict[str, str]:
        return {name: show_text(column, row.get(name)) for name, column in self.columns.items()}

    def _posted(self, formdata: Any) -> list[dict[str, str]]:
        cells: dict[int, dict[str, str]] = {}
        for posted_name in formdata:
            if posted_name.startswith(f"{self.name}-") and self.owns(posted_name):
                _, index, column = [*posted_name.split("-", 2), ""][:3]
                if column:
                    cells.setdefault(int(index), {})[column] = str(formdata.get(posted_name))
        rows = [cells[index] for index in sorted(cells)[:_MOST_ROWS]]
        return [row for row in rows if any(cell.strip() for cell in row.values())]

    def _take_pasted(self) -> None:
        try:
            pasted = read_pasted(self.schema, self.pasted)
        except Unreadable as unreadable:
            self.faults[self.name] = unreadable.message
            return
        self.rows.extend(
            {name: self._by_label(name, cell) for name, cell in row.items()} for row in pasted[:_MOST_ROWS]
        )
        self.pasted = ""

    def _by_label(self, column: str, cell: str) -> str:
        """A spreadsheet names options as people do; the form keeps their values."""
        for value, label in self.options_for(column) or ():
            if cell in (value, label):
                return value
        return cell


def table_size(columns: Mapping[str, JSON]) -> str:
    """few, some, many or wide, by the number of columns."""
    return next((size for most, size in _SIZES if len(columns) <= most), "wide")


def field_for(schema: JSON) -> type[FormField]:
    """The kind of field that a schema asks for."""
    if widget_of(schema) == "table":
        return TableField
    return ListedField if schema["type"] == "array" else TypedField
