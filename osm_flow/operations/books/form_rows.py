"""Rows of forms that lie in records: written by the act that completes the form, shown again as their set has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.form_rows import (
    begins_with,
    code_of,
    is_reference,
    misnamed,
    reference,
    rows_of,
    tables_in_records,
    with_rows,
    without_rows,
)
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.forms.schema import Message
from osm_flow.domain.journal import canonical
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.acts import SaysTheSame
from osm_flow.operations.books.record_types import RecordTypeUnknown, type_of
from osm_flow.operations.books.sets import SetUnknown, keep_set, values_of_set
from osm_flow.operations.books.versions import newest_of
from osm_flow.store.models import Case

# Rows that were read before, by their references.
KnownRows = dict[bytes, list[JSON]]


class RowsUnfit(Invalid):
    """Some rows name no record of the register, or call it otherwise."""


@dataclass(frozen=True)
class RowsActor:
    """Who completes the form, when, and under which hat."""

    actor: Actor
    now: datetime
    hat: Hat | None


def keep_rows(
    session: Session, case: Case, schema: JSON, values: JSON, by: RowsActor, before: Mapping[str, Any] | None = None
) -> tuple[JSON, JSON]:
    """Write the rows of the form into the records of the case's office and year; the case is locked.

    `before` is the document as the case has it: what it said of records and says no more is taken out of these.

    Gives the values with a reference in the place of each table, and what the payload says of them: `{"sets": [{"name", "kind",
    "digest", "count"}]}`, nothing where the form has no such table. The entry names the next record of the case as its cause:
    the caller writes that record in the same transaction. Raises RowsUnfit with `fields`.
    """
    kept, sets = dict(values), []
    for name, field in tables_in_records(schema).items():
        rows = values.get(name)
        if not isinstance(rows, list):
            continue
        struck = (before or {}).get(name)
        told = _write(session, case, _Table(name, field, values, rows), by, struck if is_reference(struck) else None)
        kept[name] = reference(field, values, rows, told)
        sets.append({"name": name, **told})
    return kept, {"sets": sets} if sets else {}


def with_rows_again(session: Session, values: Mapping[str, Any], known: KnownRows | None = None) -> JSON:
    """Values of a form or variables of a case, with the rows in the place of each reference to them.

    Variables hold documents, and documents tables; what was collected of several instances holds documents, too. Where the set
    is not there, the reference stays.
    `known` keeps what was read for the next call.
    """
    rows = {} if known is None else known
    return {name: _again(session, value, rows) for name, value in values.items()}


def rows_behind(session: Session, reference: JSON) -> list[JSON]:
    """The rows for which a reference stands, as its set has them. Raises SetUnknown."""
    return rows_of(reference, values_of_set(session, reference["kind"], reference["set"]))


def document_in(variables: Mapping[str, Any], key: str | None) -> Mapping[str, Any]:
    """The document of this name among the variables of a case; without a name they are all that a form may fill in."""
    found = variables.get(key) if key else variables
    return found if isinstance(found, Mapping) else {}


def sets_in(values: object) -> Iterator[JSON]:
    """What a document of a case says of the sets in which its rows lie: `{"name", "kind", "digest", "count"}`."""
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if is_reference(value):
            yield {"name": name, "kind": value["kind"], "digest": value["set"], "count": value["count"]}


def _again(session: Session, value: Any, known: KnownRows) -> Any:
    if is_reference(value):
        spelled = canonical(value)
        if spelled not in known:
            try:
                known[spelled] = rows_behind(session, value)
            except (SetUnknown, RecordTypeUnknown):  # the check of the books names it
                return value
        return known[spelled]
    if isinstance(value, dict):
        parts = {name: _again(session, part, known) for name, part in value.items()}
        return parts if any(parts[name] is not part for name, part in value.items()) else value
    if isinstance(value, list):
        rows = [_again(session, part, known) for part in value]
        return rows if any(new is not old for new, old in zip(rows, value, strict=True)) else value
    return value


@dataclass(frozen=True)
class _Table:
    """A table of a form whose rows are written: its name, its field, the whole form, and the rows."""

    name: str
    field: JSON
    values: JSON
    rows: Sequence[JSON]

    @property
    def by_code(self) -> dict[str, list[JSON]]:
        """The rows by the records that they name."""
        found: dict[str, list[JSON]] = {}
        for row in self.rows:
            found.setdefault(code_of(self.field, row), []).append(row)
        return found


def _write(session: Session, case: Case, table: _Table, by: RowsActor, struck: JSON | None) -> JSON:
    """The set of the records with their new versions, as a case keeps it; what is `struck` goes in the same act."""
    kind = table.field["x-records"]["kind"]
    name = BookName(kind, case.office_id, case.fiscal_year)
    book = books.lock_book(session, name)
    table, new = _entered(session, name, table)
    by_code = table.by_code
    said = _said_before(session, struck) if struck and struck["kind"] == kind else {}
    newest = newest_of(session, kind, [*by_code, *said])
    type_ = type_of(kind)
    known = {code: told for code, one in newest.items() if one.book_id == book.id and (told := one.values(type_))}
    known |= new
    if faults := _faults(table.name, table.field, table.rows, known):
        raise RowsUnfit(fields=faults)
    changed = {
        code: {**known[code], **without_rows(struck or {}, said[code], known[code])} for code in said if code in known
    }
    for code, rows in by_code.items():
        record = changed.get(code, known[code])
        changed[code] = {**record, **with_rows(table.field, table.values, rows, record)}
    versions = [NewVersion(code, values) for code, values in sorted(changed.items())]
    if versions:
        kind_of_act = BookActKind.registered if new else BookActKind.changed
        act = BookAct(kind_of_act, {"case": case.id, "seq": case.seq + 1}, by.hat)
        with suppress(SaysTheSame):  # each says it already: their newest versions are the set
            books.write(session, name, act, by.actor, by.now, versions, known=newest)
    return keep_set(session, kind, sorted(by_code))


def _entered(session: Session, name: BookName, table: _Table) -> tuple[_Table, dict[str, JSON]]:
    """The table with a new code in each row that has none but says what its record is to be called, and what these begin with."""
    prefix, typed = type_of(name.kind).prefix, set(table.by_code)
    new: dict[str, JSON] = {}
    rows: list[JSON] = []
    for row in table.rows:
        begun = begins_with(table.field, row) if prefix and not code_of(table.field, row) else {}
        if begun:
            while (code := books.next_code(session, name, prefix)) in typed:
                pass  # who guessed it does not mean this row
            new[code], row = begun, {**row, table.field["x-records"]["code"]: code}
        rows.append(row)
    return replace(table, rows=rows), new


def _said_before(session: Session, struck: JSON) -> dict[str, JSON]:
    """What the records of a set said that the case is about to replace, by their codes."""
    try:
        return values_of_set(session, struck["kind"], struck["set"])
    except SetUnknown:
        return {}


def _faults(table: str, field: JSON, rows: Sequence[JSON], known: Mapping[str, JSON]) -> dict[str, Message]:
    how = field["x-records"]
    faults: dict[str, Message] = {}
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        code, place = code_of(field, row), f"{table}.{number}.{how['code']}"
        if code not in known:
            faults[place] = Message(
                "The register of this office and year has no {code}. Choose from the list.", code=code
            )
        elif (column := misnamed(field, row, known[code])) is not None:
            faults[f"{table}.{number}.{column}"] = Message(
                "The register calls {code} otherwise: {name}. Leave the code empty for a new one.",
                code=code,
                name=str(known[code].get(how["shown"][column]) or ""),
            )
        elif code in first and not how.get("many"):
            faults[place] = Message("Row {row} says something of {code} already.", row=first[code], code=code)
        first.setdefault(code, number + 1)
    return faults
