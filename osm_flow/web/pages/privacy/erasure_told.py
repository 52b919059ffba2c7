"""What pages about erasure show of records, texts and lists: by the labels of the forms that asked, and what goes with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import g

from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.forms.schema import columns_of, fields_of, is_table, label_of
from osm_flow.domain.json import JSON
from osm_flow.errors import OsmFlowError
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.privacy import erasure_search
from osm_flow.operations.privacy.book_texts import FILE, REASON
from osm_flow.operations.privacy.erasure_search import ListToErase, RecordToErase, TextToErase
from osm_flow.store.models import Case
from osm_flow.store.words import has_words
from osm_flow.web.forms.document import form_value
from osm_flow.web.parts.history import schemas_of
from osm_flow.web.parts.variable_names import NAMES
from osm_flow.web.site.i18n import current_locale, gettext

_MOST, _LONGEST = 8, 200


class LabelledValue(NamedTuple):
    """A value under the label that people know it by."""

    label: str
    text: str


class RecordTold(NamedTuple):
    """A record of a case with what it says."""

    found: RecordToErase
    said: Sequence[LabelledValue]


class TextTold(NamedTuple):
    """A text or file of a book with what it says."""

    found: TextToErase
    said: Sequence[LabelledValue]


@dataclass(frozen=True)
class Elsewhere:
    """Where else the words stand that a request names: codes of records, numbers of lists, and codes where nothing is erased."""

    records: Sequence[str]
    lists: Sequence[int]
    staying: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Whether they stand nowhere else."""
        return not (self.records or self.lists or self.staying)


def told_of_records(records: Iterable[RecordToErase], words: str) -> list[tuple[Case, list[RecordTold]]]:
    """The records case by case, each by the labels of its form."""
    cases: dict[str, list[RecordToErase]] = {}
    for found in records:
        cases.setdefault(found.case.id, []).append(found)
    told = []
    for group in cases.values():
        case = group[0].case
        schemas = schemas_of(g.session, case, [found.record for found in group])
        told.append((case, [_told_of_record(found, schemas.get(found.record.seq), words) for found in group]))
    return told


def told_of_texts(texts: Iterable[TextToErase], words: str) -> list[TextTold]:
    """The texts and files of books, each by the labels of the form of its kind."""
    return [TextTold(found, _fitting(_of_text(found), words)) for found in texts]


def elsewhere(words: str, texts: Iterable[TextToErase], lists: Iterable[ListToErase]) -> Elsewhere:
    """Where else in books and lists the words stand, beside these; nothing without words."""
    if not words:
        return Elsewhere((), (), ())
    named, numbers = {found.text.name for found in texts}, {found.found.row.id for found in lists}
    others = [one.text for one in erasure_search.find_texts(g.session, g.actor, words) if one.text.name not in named]
    more = [one.found.row.id for one in erasure_search.find_lists(g.session, g.actor, words)]
    return Elsewhere(
        sorted({text.record or text.name.book for text in others}),
        [number for number in more if number not in numbers],
        erasure_search.records_that_stay(g.session, g.actor, words),
    )


def _told_of_record(found: RecordToErase, schema: JSON | None, words: str) -> RecordTold:
    payload = json.loads(found.body)
    data = payload.pop("data", None) if isinstance(payload, dict) else None
    pairs = [*_of_values(schema, data)] if isinstance(data, dict) else [*_plain("note", data)]
    return RecordTold(found, _fitting([*pairs, *_plain("note", payload)], words))


def _of_text(found: TextToErase) -> Iterator[LabelledValue]:
    text = found.text
    if text.name.part == REASON:
        yield LabelledValue(gettext("เหตุผล"), text.body)
        return
    book, values = read_name(text.name.book), json.loads(text.body)
    schema = type_of(book.kind).schema if book else None
    if schema is None:
        yield from _plain("note", values)
    elif text.name.part == FILE:
        part = schema.fields.get(json.loads(text.entry.told).get("part", ""), {})
        yield from _of_row("", part, values)
    else:
        yield from _of_values(schema.form, _as_typed(schema, values))


def _as_typed(schema: RecordSchema, values: JSON) -> JSON:
    try:
        return schema.join(schema.version, values, {})
    except (OsmFlowError, KeyError, TypeError, ValueError):  # of another version of the form: shown as it is kept
        return values


def _of_values(schema: JSON | None, values: JSON) -> Iterator[LabelledValue]:
    known = fields_of(schema) if schema else {}
    for name, value in values.items():
        form_field = known.get(name)
        if form_field is None:
            yield from _plain(name, value)
        elif is_table(form_field) and isinstance(value, list):
            for row in value:
                yield from _of_row(label_of(form_field, current_locale()), form_field, row)
        else:
            yield LabelledValue(label_of(form_field, current_locale()), form_value(form_field, value))


def _of_row(label: str, table: JSON, row: Any) -> Iterator[LabelledValue]:
    columns: Mapping[str, JSON] = columns_of(table) if table else {}
    for name, value in row.items() if isinstance(row, dict) else ():
        column = columns.get(name)
        named = label_of(column, current_locale()) if column else gettext(NAMES.get(str(name), str(name)))
        text = form_value(column, value) if column else str(value)
        yield LabelledValue(" · ".join(part for part in (label, named) if part), text)


def _plain(name: str, value: Any) -> Iterator[LabelledValue]:
    """A value that no form asked for."""
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _plain(inner, one)
    elif isinstance(value, list):
        for one in value:
            yield from _plain(name, one)
    elif value is not None and value != "":
        yield LabelledValue(gettext(NAMES.get(name, name)), str(value))


def _fitting(said: Iterable[LabelledValue], words: str) -> list[LabelledValue]:
    """What holds the words, or all where no single value does; some of it, and of long values the beginning of what fits."""
    everything = [one for one in said if one.text]
    holding = [one for one in everything if words and has_words(one.text, words)]
    return [LabelledValue(one.label, _cut(one.text, words)) for one in (holding or everything)[:_MOST]]


def _cut(text: str, words: str) -> str:
    if len(text) <= _LONGEST:
        return text
    start = max(0, text.find(words) - _LONGEST // 2) if words else 0
    end = start + _LONGEST
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
