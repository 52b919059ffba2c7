"""Tables of forms whose rows lie in records of the office (`x-records`): the case keeps which set of records they are, and their sums.

Each row of such a table names a record by its code. Completing the form writes the row into that record; the variables of
the case get a reference in the place of the rows. It says all that it takes to show the rows again, as the set has them,
whatever becomes of the form:

    kind, set     the set of records (books/sets.py): each with the version that has the row
    count         how many rows there are
    code          the column with the record's code
    into          the table of the record that has the row; empty where its columns are fields of the record itself
    which         what tells the row from the others of that table
    columns       by column of the form what it is called there
    beside        what else of the row or record says it, from fields of the form
    shown         by column of the form the field of the record that it repeats
    summary       by column how many rows chose each option, or what its amounts come to: what gateways read
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from osm_flow.domain.forms.schema import choices_of, columns_of, fields_of, widget_of
from osm_flow.domain.json import JSON

_REFERENCE = frozenset(("kind", "set", "count", "code", "into", "which", "columns", "beside", "shown", "summary"))
_DIGEST = re.compile("[0-9a-f]{64}")


def tables_in_records(schema: JSON) -> dict[str, JSON]:
    """The tables of a form whose rows lie in records, by their names."""
    return {name: field for name, field in fields_of(schema).items() if "x-records" in field}


def is_reference(value: object) -> bool:
    """Whether a value of a case stands for rows that lie in records; what only looks like it is none."""
    if not isinstance(value, Mapping) or value.keys() != _REFERENCE:
        return False
    texts = all(isinstance(value[name], str) for name in ("kind", "set", "code", "into"))
    counted = type(value["count"]) is int and value["count"] >= 0
    named = all(_is_of_texts(value[name]) for name in ("columns", "shown"))
    beside = isinstance(value["beside"], list) and all(isinstance(name, str) for name in value["beside"])
    held = all(isinstance(value[name], Mapping) for name in ("which", "summary"))
    return texts and counted and named and beside and held and _DIGEST.fullmatch(value["set"]) is not None


def holds_reference(value: object) -> bool:
    """Whether a value holds such a reference at any depth: nobody types one, the case alone makes it."""
    if is_reference(value):
        return True
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return any(map(holds_reference, inner))


def _is_of_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair)


def code_of(field: JSON, row: JSON) -> str:
    """The code of the record that a row of the table names."""
    return str(row.get(field["x-records"]["code"]) or "").strip()


def begins_with(field: JSON, row: JSON) -> JSON:
    """What a new record says first that a row without a code enters; nothing where it does not say what it is to be called.

    What it is called are the columns that only repeat the record (`shown`) where it is there already.
    """
    how = field["x-records"]
    new: Mapping[str, str] = how.get("new", {})
    said = {column: value.strip() if isinstance(value, str) else value for column, value in row.items()}
    if not all(said.get(column) for column in new if column in how.get("shown", {})):
        return {}
    return {target: said[column] for column, target in new.items() if said.get(column)}


def misnamed(field: JSON, row: JSON, record: JSON) -> str | None:
    """The column of a row that calls the record otherwise than its register does.

    In a table that enters new records, a name beside the code of another one may be meant as a new one.
    """
    how = field["x-records"]
    shown: Mapping[str, str] = how.get("shown", {}) if how.get("new") else {}
    said = ((column, str(row.get(column) or "").strip(), record.get(target)) for column, target in shown.items())
    return next((column for column, value, known in said if value and value != str(known or "").strip()), None)


def with_rows(field: JSON, values: JSON, rows: Sequence[JSON], record: JSON) -> JSON:
    """The fields of a record that these rows of a form change; all of them name it.

    `values` is the whole form, `record` what the record says now. What a row leaves empty, it says no more.
    """
    how = field["x-records"]
    said = [
        {target: row[column] for column, target in how["columns"].items() if row.get(column) is not None}
        | {target: values[name] for target, name in how.get("with", {}).items() if values.get(name) is not None}
        for row in rows
    ]
    if not how.get("into"):
        targets = [*how["columns"].values(), *how.get("with", {})]
        return {target: said[-1].get(target) for target in targets}
    which = _which(field, values)
    others = [kept for kept in record.get(how["into"]) or [] if not _fits(kept, which)]
    return {how["into"]: [*others, *({**which, **row} for row in said)]}


def without_rows(reference: JSON, said: JSON, record: JSON) -> JSON:
    """The fields of a record from which the rows are taken for which a reference stands; nothing where others stand there now.

    `said` is what the record said when they were written, `record` what it says now.
    """
    into, which = reference["into"], reference["which"]
    if into:
        written = [part for part in said.get(into) or [] if _fits(part, which)]
        kept = [part for part in record.get(into) or [] if not (_fits(part, which) and part in written)]
        return {into: kept} if kept != (record.get(into) or []) else {}
    targets = [*reference["columns"].values(), *reference["beside"]]
    if any(record.get(target) != said.get(target) for target in targets):
        return {}
    return {target: None for target in targets if record.get(target) is not None}


def reference(field: JSON, values: JSON, rows: Sequence[JSON], kept: Mapping[str, Any]) -> JSON:
    """What the case keeps instead of the rows; `kept` is the set as a case keeps it, `{"kind", "digest", "count"}`."""
    how = field["x-records"]
    return {
        "kind": kept["kind"],
        "set": kept["digest"],
        "count": len(rows),
        "code": how["code"],
        "into": how.get("into", ""),
        "which": _which(field, values),
        "columns": dict(how["columns"]),
        "beside": sorted(how.get("with", {})),
        "shown": dict(how.get("shown", {})),
        "summary": _summary(field, rows),
    }


def rows_of(reference: JSON, records: Mapping[str, JSON]) -> list[JSON]:
    """The rows for which a reference stands, by the codes of their records; `records` is what those of its set say."""
    return [row for code in sorted(records) for row in _rows(reference, code, records[code])]


def _rows(reference: JSON, code: str, record: JSON) -> Iterable[JSON]:
    parts = [record]
    if reference["into"]:
        parts = [part for part in record.get(reference["into"]) or [] if _fits(part, reference["which"])]
    for part in parts:
        said = {column: part.get(name) for column, name in reference["columns"].items()}
        said |= {column: record.get(name) for column, name in reference["shown"].items()}
        yield {reference["code"]: code} | {column: value for column, value in said.items() if value is not None}


def _which(field: JSON, values: JSON) -> JSON:
    return {target: values.get(name) for target, name in field["x-records"].get("which", {}).items()}


def _fits(row: JSON, which: JSON) -> bool:
    return all(row.get(name) == value for name, value in which.items())


def _summary(field: JSON, rows: Sequence[JSON]) -> JSON:
    summary: JSON = {}
    for name, column in columns_of(field).items():
        if choices := choices_of(column):
            chosen = [row.get(name) for row in rows]
            summary[name] = {str(option["value"]): chosen.count(option["value"]) for option in choices}
        elif widget_of(column) == "money":
            total = sum((Decimal(str(row[name])) for row in rows if row.get(name) is not None), Decimal(0))
            summary[name] = int(total) if total == total.to_integral_value() else float(total)
    return summary
