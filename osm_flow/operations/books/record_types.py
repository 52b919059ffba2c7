"""The kinds of records there are: each with its schema and the table that pages read, named by the room that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.json import JSON
from osm_flow.domain.retention import ORDINARY, Retention
from osm_flow.errors import NotFound
from osm_flow.store.database import Model

# What the table says of a record, by column: made of its book, code and values alone, so that it can be made anew.
RowOf = Callable[[BookName, str, JSON], Mapping[str, Any]]
# The digests of the files that a version names.
FilesOf = Callable[[JSON], Collection[str]]


class RecordTypeUnknown(NotFound):
    """There are no records of the kind {kind}."""


def _no_files(values: JSON) -> Collection[str]:
    return ()


def _never(values: JSON) -> bool:
    return False


@dataclass(frozen=True)
class RecordType:
    """A kind of record: its schema, its table, the column of the table that has the record's code, what its rows say, and
    which files its versions name.

    personal_kept  how long what its versions say of people is kept after the record was closed; the rest stays for ever.
    files_kept     the same of the files that they name.
    is_closed      whether a record with these values is closed; one that never is keeps them until somebody asks.
    prefix         how the codes begin that its registers give; without one no form enters a new record.
    """

    schema: RecordSchema
    table: type[Model]
    key: str
    row: RowOf
    files: FilesOf = _no_files
    personal_kept: Retention = ORDINARY
    is_closed: Callable[[JSON], bool] = _never
    files_kept: Retention = ORDINARY
    prefix: str = ""

    @property
    def kind(self) -> str:
        """The word of books, addresses and tables."""
        return self.schema.kind


_CONNECTED: dict[str, RecordType] = {}


def connect(types: Iterable[RecordType]) -> None:
    """Say which kinds of records there are; the same again changes nothing."""
    _CONNECTED.update({type_.kind: type_ for type_ in types})


def type_of(kind: str) -> RecordType:
    """The kind of record of this word. Raises RecordTypeUnknown."""
    if kind not in _CONNECTED:
        raise RecordTypeUnknown(kind=kind)
    return _CONNECTED[kind]


def every_type() -> list[RecordType]:
    """All kinds of records, by their words."""
    return [_CONNECTED[kind] for kind in sorted(_CONNECTED)]
