"""The kinds of records that lists are imported into: which columns each knows, and by what a row is known again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.imports.cells import ImportColumn
from osm_flow.domain.json import JSON
from osm_flow.errors import NotFound


class ImportKindUnknown(NotFound):
    """Lists of this kind are not imported."""


@dataclass(frozen=True)
class ImportKind:
    """How lists of one kind of record are read and matched.

    columns    the fields that a column may fill, `code` and the year among them; the first whose words fit is meant.
    name       the field without which a row is no record.
    year       the field that says in whose year's book a record lies.
    constants  fields that one value may fill for all rows, where no column says them, with what is proposed.
    required   fields that a new record must have.
    same       fields that together say which record a row without a code means, beside its year.
    prefix     the beginning of the codes that books give.
    of_process fields that only a process decides; they come in for records that no process has touched.
    book       the book of an office and a year.
    """

    kind: str
    columns: Sequence[ImportColumn]
    name: str
    year: str
    constants: Mapping[str, str]
    required: Sequence[str]
    same: Sequence[str]
    prefix: str
    of_process: frozenset[str]
    book: Callable[[str, int], BookName]
    labels: Mapping[str, JSON] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> dict[str, ImportColumn]:
        """The columns by the fields that they fill."""
        return {column.field: column for column in self.columns}


_CONNECTED: dict[str, ImportKind] = {}


def connect(kinds: Iterable[ImportKind]) -> None:
    """Say which kinds of records are imported; the same again changes nothing."""
    _CONNECTED.update({kind.kind: kind for kind in kinds})


def kind_of(word: str) -> ImportKind:
    """How lists of this kind are imported. Raises ImportKindUnknown."""
    if word not in _CONNECTED:
        raise ImportKindUnknown
    return _CONNECTED[word]
