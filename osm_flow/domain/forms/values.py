"""Judging the values of a form, whoever sent them; prefilling a form, and comparing two versions of a document."""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from osm_flow.domain.differences import is_same
from osm_flow.domain.forms import patterns
from osm_flow.domain.forms.examples import NothingFits, draw_values
from osm_flow.domain.forms.rules import violations
from osm_flow.domain.forms.schema import (
    FIRST_YEAR,
    LAST_YEAR,
    PROVINCE,
    Message,
    choices_of,
    columns_of,
    decimals_of,
    drawn_from_record,
    fields_of,
    find,
    is_table,
    known_rows,
    known_value,
    label_of,
    longest_of,
    most_of,
    ref_options,
    widget_of,
)
from osm_flow.domain.forms.scope import exact, is_given, is_missing, read_moment
from osm_flow.domain.forms.typed_text import display_text
from osm_flow.domain.json import JSON

MAX_NUMBER = 2**53
MAX_NESTING = 4
_REDRAWS = 5
# How much of a value a row that tells a difference has, and how it calls the row of another table.
_TOLD, _ROW_WORD = 1_000, "แถวที่"
# SpiffWorkflow takes any object that has this key for one of its own stored types.
RESERVED_NAME = "typename"
# The kinds of file that can be attached, at the end of a name.
_FILE_NAME = re.compile(r"\.(pdf|docx|xlsx|pptx|png|jpe?g|csv|txt)$", re.IGNORECASE)
# RFC 3339, which JSON Schema means by its formats; Python reads more of ISO 8601 (2026-W47-5, 20261120T0230Z).
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

Errors = dict[str, Message]
Context = Mapping[str, Any]


def validate(schema: JSON, values: object, context: Context | None = None) -> Errors:
    """Judge the values of a form: dotted field path -> what is wrong; empty when all is well.

    `context` are the variables of the case: the options of `x-ref` fields and the figures that rules compare with.
    """
    if not isinstance(values, dict):
        return {"": Message("The values of a form are a mapping of fields.")}
    context = context or {}
    errors: Errors = {}
    for path, message in _hostile(values, "", 0):
        errors.setdefault(path, message)
    for path, message in _object_errors(schema, values, context, ""):
        errors.setdefault(path, message)
    for violation in violations(schema, values, context):
        for path in violation.paths:
            errors.setdefault(path, Message(violation.rule["en"], th=violation.rule["th"]))
    return errors


@dataclass(frozen=True)
class Filled:
    """What was filled into a form: its values and, by dotted path, what of it cannot be read as a value at all."""

    values: JSON
    faults: Errors


def faults_in(schema: JSON, filled: Filled, context: Context | None = None) -> Errors:
    """All that is wrong with what was filled in. What cannot be read says more than that its value is missing."""
    judged = validate(schema, filled.values, context)
    return {**filled.faults, **{path: message for path, message in judged.items() if path not in filled.faults}}


def prefill(schema: JSON, variables: Context) -> JSON:
    """The values that an empty form opens with: what the case already knows, else the defaults."""
    filled: JSON = {}
    for name, field in fields_of(schema).items():
        if is_table(field) and (rows := _prefilled_rows(field, variables)):
            filled[name] = rows  # what their columns still lack, the person fills in
            continue
        for candidate in (known_value(field, variables), field.get("default")):
            if is_given(candidate) and not list(_value_errors(field, candidate, variables, name)):
                filled[name] = candidate
                break
    return filled


def random_values(schema: JSON, rng: random.Random, context: Context | None = None) -> JSON:
    """Random values that `validate` accepts, drawn with this generator. Raises NothingFits for contradicting rules."""
    for _ in range(_REDRAWS):
        values = draw_values(schema, rng, context or {})
        if not validate(schema, values, context):
            return values
    raise NothingFits(schema=schema.get("title", ""))


def settled(schema: JSON, values: JSON, context: Context) -> JSON:
    """The values as a case keeps them where the form is about a record of the office.

    What the record says of locked fields is filled in; a field that says what the record says beside it (`x-beside`) is left
    out, and a table that `x-compares` gets a row for each difference.
    """
    if "x-record" not in schema:
        return values
    fields, kept = fields_of(schema), dict(values)
    for name, field in fields.items():
        if field.get("readOnly") and name not in kept and drawn_from_record(field):
            known = known_value(field, context)
            if is_given(known) and not list(_value_errors(field, known, context, name)):
                kept[name] = known
        if "x-beside" in field and name in kept and is_same(kept[name], find(context, field["x-beside"])):
            del kept[name]
    for name, field in fields.items():
        if "x-compares" in field and isinstance(kept.get(name, []), list):
            told = [row for row in _compared(schema, kept, context) if row not in kept.get(name, [])]
            rows = [*kept.get(name, []), *told]
            kept |= {name: rows[: most_of(field)]} if rows else {}
    return kept


def _compared(schema: JSON, values: JSON, context: Context) -> Iterator[JSON]:
    """What the fields that stand beside the record's change there, one row each, in the words of the form."""
    for name, field in fields_of(schema).items():
        if "x-beside" not in field or name not in values:
            continue
        before = find(context, field["x-beside"])
        alone = {"properties": {name: field}}
        for change in changes(alone, {name: before} if before is not None else {}, {name: values[name]}):
            yield _told_change(field, change)


def _told_change(field: JSON, change: Change) -> JSON:
    columns = columns_of(field) if is_table(field) else {}
    of = columns.get(change.column or "", field)
    row: JSON = {"item": label_of(field), "before": "-", "after": "-"}
    if change.column:
        row["item"] = f"{label_of(field)} {_ROW_WORD} {(change.row or 0) + 1} {label_of(of)}"
    elif columns:
        row["item"] = f"{label_of(field)} {_ROW_WORD} {change.row + 1}" if change.row is not None else label_of(field)
    for side, value in (("before", change.old), ("after", change.new)):
        if is_given(value):
            row[side] = _in_words(field, of, value)[:_TOLD]
        if widget_of(of) == "money" and not is_table(of):
            row[f"amount_{side}"] = 0 if exact(value) is None else value
    return row | {"item": row["item"][:255]}


def _in_words(field: JSON, of: JSON, value: Any) -> str:
    """A value as the page shows it; a row of a table cell by cell."""
    if isinstance(value, Mapping):
        columns = columns_of(field)
        return " · ".join(_in_words(field, columns[name], cell) for name, cell in value.items() if name in columns)
    if isinstance(value, list):
        return "\n".join(_in_words(field, of.get("items", {}), item) for item in value)
    return display_text(of, value, "th")


def keep_known(schema: JSON, values: object) -> JSON:
    """The values whose fields the form has, for prefilling it from a document that an older form made."""
    known = values if isinstance(values, dict) else {}
    return {name: known[name] for name in fields_of(schema) if name in known}


@dataclass(frozen=True)
class Change:
    """One difference between two versions of a form; `row` is None for a field that is no table.

    `kind`: added, removed or changed. A row is recognised by its first column.
    """

    field: str
    kind: str
    old: Any
    new: Any
    row: int | None = None
    column: str | None = None


def changes(schema: JSON, old: Context, new: Context) -> list[Change]:
    """The differences between an earlier and the present version, field by field, cell by cell in tables."""
    differences: list[Change] = []
    for name, field in fields_of(schema).items():
        before, after = old.get(name), new.get(name)
        if is_table(field):
            differences.extend(_row_changes(name, field, before, after))
        elif _differ(before, after):
            differences.append(Change(name, _kind(before, after), before, after))
    return differences


def _hostile(value: Any, path: str, depth: int) -> Iterator[tuple[str, Message]]:
    if depth > MAX_NESTING:
        yield path, Message("This is nested too deeply.")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _hostile_item(key, item, path, depth)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _hostile(item, f"{path}.{index}", depth + 1)
    elif isinstance(value, str):
        if _UNKEEPABLE.search(value):
            yield path, Message("This holds characters that cannot be kept.")
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, Message("A number is expected here.")
    elif isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        yield path, Message("This number is too large.")
    elif not isinstance(value, str | int | float | None):
        yield path, Message("This is not a kind of value that a form can hold.")


def _hostile_item(key: Any, item: Any, path: str, depth: int) -> Iterator[tuple[str, Message]]:
    here = _join(path, _printable(key))
    if key == RESERVED_NAME or not isinstance(key, str) or _UNKEEPABLE.search(key):
        yield here, Message("This name may not be used.")
    yield from _hostile(item, here, depth + 1)


def _printable(key: Any) -> str:
    return _UNKEEPABLE.sub("\ufffd", str(key))[:80]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _object_errors(schema: JSON, values: JSON, context: Context, path: str) -> Iterator[tuple[str, Message]]:
    fields = fields_of(schema)
    for name in values:
        if name not in fields:
            yield _join(path, _printable(name)), Message("This is not a field of the form.")
    for name in schema.get("required", []):
        if is_missing(fields[name], values.get(name)):
            yield _join(path, name), Message("This must be filled in.")
    for name, field in fields.items():
        if name in values:
            yield from _value_errors(field, values[name], context, _join(path, name))


def _value_errors(field: JSON, value: Any, context: Context, path: str) -> Iterator[tuple[str, Message]]:
    known = known_value(field, context) if field.get("readOnly") else None
    if known is not None and known != value:
        yield path, Message("This cannot be changed here.")
    if field["type"] != "array":
        message = _scalar_error(field, value, context)
        if message:
            yield path, message
        return
    if not isinstance(value, list):
        yield path, Message("A list is expected here.")
        return
    yield from ((path, message) for message in _length_errors(field, value))
    items = field["items"]
    if is_table(field):
        yield from _locked_cell_errors(field, value, context, path)
    for index, item in enumerate(value[: most_of(field)]):
        here = f"{path}.{index}"
        if items["type"] != "object":
            message = _scalar_error({**items, "x-widget": _item_widget(field)}, item, context)
            if message:
                yield here, message
        elif isinstance(item, dict):
            yield from _object_errors(items, item, context, here)
        else:
            yield here, Message("A row of the table is expected here.")


def _locked_cell_errors(field: JSON, rows: list[Any], context: Context, path: str) -> Iterator[tuple[str, Message]]:
    """The cells of `readOnly` columns that say something else than the case says of the row."""
    locked = [name for name, column in columns_of(field).items() if column.get("readOnly")]
    known = _prefilled_rows(field, context) if locked else None
    allowed = [[row.get(name) for name in locked] for row in known or ()]
    for index, row in enumerate(rows if allowed else ()):
        if isinstance(row, dict) and [row.get(name) for name in locked] not in allowed:
            yield f"{path}.{index}.{locked[0]}", Message("This cannot be changed here.")


def _item_widget(field: JSON) -> str:
    return "province" if widget_of(field) == "provinces" else "text"


def _length_errors(field: JSON, value: list[Any]) -> Iterator[Message]:
    if len(value) < field.get("minItems", 0):
        yield Message("At least {limit} entries are needed.", limit=field["minItems"])
    if len(value) > most_of(field):
        yield Message("At most {limit} entries fit.", limit=most_of(field))
    if field.get("uniqueItems"):
        seen = [_comparable(item) for item in value if isinstance(item, str | dict)]
        if len(set(seen)) < len(seen):
            yield Message("The same entry is there twice.")


def _comparable(entry: str | JSON) -> Hashable:
    """An entry of a list so that equal ones are equal: a text as it is, a row without the order of its columns."""
    if isinstance(entry, str):
        return entry
    # A cell that is a list or worse is wrong already; it only must not break the comparison.
    return frozenset((name, cell if isinstance(cell, Hashable) else repr(cell)) for name, cell in entry.items())


def _scalar_error(field: JSON, value: Any, context: Context) -> Message | None:
    kind = field["type"]
    if kind == "boolean":
        return _boolean_error(field, value)
    if kind == "string":
        if not isinstance(value, str):
            return Message("Text is expected here.")
        return _text_error(field, value) or _option_error(field, value, context)
    number = exact(value)
    if number is None:
        return Message("A number is expected here.")
    if kind == "integer" and number != number.to_integral_value():
        return Message("A whole number is expected here.")
    return _number_error(field, number) or _option_error(field, value, context)


def _boolean_error(field: JSON, value: Any) -> Message | None:
    if not isinstance(value, bool):
        return Message("Yes or no is expected here.")
    return Message("This must be confirmed.") if field.get("const") is True and not value else None


def _text_error(field: JSON, value: str) -> Message | None:
    if len(value) > longest_of(field):
        return Message("At most {limit} characters fit here.", limit=longest_of(field))
    if len(value) < field.get("minLength", 0):
        return Message("At least {limit} characters are needed here.", limit=field["minLength"])
    if "pattern" in field and not patterns.fits(field["pattern"], value):
        sentence = field.get("x-pattern")
        return (
            Message(sentence["en"], th=sentence["th"]) if sentence else Message("This is not written as expected here.")
        )
    return _WIDGET_ERRORS.get(widget_of(field), lambda _: None)(value)


def _date_error(value: str) -> Message | None:
    moment = read_moment(value) if _DAY.fullmatch(value) else None
    fine = isinstance(moment, date) and not isinstance(moment, datetime) and FIRST_YEAR <= moment.year <= LAST_YEAR
    return None if fine else Message("A date is expected here.")


def _instant_error(value: str) -> Message | None:
    moment = read_moment(value) if _INSTANT.fullmatch(value) else None
    fine = isinstance(moment, datetime) and FIRST_YEAR <= moment.year <= LAST_YEAR
    return None if fine else Message("A date with a time is expected here.")


def _province_error(value: str) -> Message | None:
    return None if re.fullmatch(PROVINCE, value) else Message("Choose one of the options.")


_WIDGET_ERRORS = {"date": _date_error, "datetime": _instant_error, "province": _province_error}


def _number_error(field: JSON, number: Decimal) -> Message | None:
    limits = {key: exact(field.get(key)) for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")}
    low, above, high, below = limits.values()
    if low is not None and number < low:
        return Message("At least {limit} is expected here.", limit=_plain_number(low))
    if above is not None and number <= above:
        return Message("More than {limit} is expected here.", limit=_plain_number(above))
    if high is not None and number > high:
        return Message("At most {limit} is expected here.", limit=_plain_number(high))
    if below is not None and number >= below:
        return Message("Less than {limit} is expected here.", limit=_plain_number(below))
    decimals = decimals_of(field)
    if decimals is not None and number != round(number, decimals):
        return Message("At most {limit} decimals fit here.", limit=decimals)
    return None


def _plain_number(number: Decimal) -> str:
    return f"{number:,f}"


def _option_error(field: JSON, value: Any, context: Context) -> Message | None:
    if widget_of(field) == "file-ref":
        return _file_error(value, find(context, "around.files"))
    choices = choices_of(field)
    if choices:
        allowed = [option["value"] for option in choices]
        return None if value in allowed else Message("Choose one of the options.")
    options = ref_options(field, context)
    if options is not None and value not in [option for option, _ in options] and value != "":
        return Message("Choose one of the options.")
    if field.get("x-widget") == "province" and isinstance(known := find(context, "provinces"), list) and known:
        return None if value in known or value == "" else Message("Choose one of the options.")
    return None


def _file_error(value: Any, attached: Any) -> Message | None:
    """What is wrong with a `file-ref`: names in it that look like a file's must be those of attached files."""
    if not isinstance(attached, list):
        return None
    names = [name.strip() for name in re.split(r"[,;\n]", str(value)) if _FILE_NAME.search(name.strip())]
    if str(value).strip() in attached or all(name in attached for name in names):
        return None
    return Message("No file of this name is attached; attach it first, or write the number of the letter.")


def _prefilled_rows(field: JSON, variables: Context) -> list[JSON] | None:
    listed = known_rows(field, variables)
    rows = [{column: value for column, value in row.items() if is_given(value)} for row in listed or ()]
    kept = [{**_column_defaults(field), **row} for row in rows if row]
    return [_fitting(field, row, variables) for row in kept] or None


def _column_defaults(field: JSON) -> JSON:
    return {name: column["default"] for name, column in columns_of(field).items() if "default" in column}


def _fitting(field: JSON, row: JSON, variables: Context) -> JSON:
    columns = columns_of(field)
    return {name: value for name, value in row.items() if not list(_value_errors(columns[name], value, variables, ""))}


def _differ(before: Any, after: Any) -> bool:
    if exact(before) is not None and exact(after) is not None:
        return exact(before) != exact(after)
    return (before if is_given(before) else None) != (after if is_given(after) else None)


def _kind(before: Any, after: Any) -> str:
    if not is_given(before):
        return "added"
    return "changed" if is_given(after) else "removed"


def _row_changes(name: str, field: JSON, before: Any, after: Any) -> Iterator[Change]:
    key = next(iter(columns_of(field)))
    old_rows = _rows_by_key(before, key)
    new_rows = _rows_by_key(after, key)
    for row_key, (index, row) in new_rows.items():
        if row_key not in old_rows:
            yield Change(name, "added", None, row, index)
            continue
        _, earlier = old_rows[row_key]
        for column in columns_of(field):
            if _differ(earlier.get(column), row.get(column)):
                kind = _kind(earlier.get(column), row.get(column))
                yield Change(name, kind, earlier.get(column), row.get(column), index, column)
    for row_key, (_, row) in old_rows.items():
        if row_key not in new_rows:
            yield Change(name, "removed", row, None)


def _rows_by_key(rows: Any, key: str) -> dict[tuple[str, int], tuple[int, JSON]]:
    """Rows by their first column; the second row with the same one is told apart by counting."""
    by_key: dict[tuple[str, int], tuple[int, JSON]] = {}
    counts: Counter[str] = Counter()
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict):
            text = str(row.get(key, ""))
            by_key[(text, counts[text])] = (index, row)
            counts[text] += 1
    return by_key
