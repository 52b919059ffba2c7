"""What is done to a book: the kinds of entries, and what an act says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from osm_flow.domain.access.actors import Hat
from osm_flow.domain.json import JSON


class BookActKind(StrEnum):
    """The kinds of entries, spelled as books have them; entries are never rewritten, so a text stays what it is."""

    registered = "registered"
    changed = "changed"
    proposed = "proposed"
    withdrawn = "withdrawn"
    corrected = "corrected"
    imported = "imported"
    import_undone = "import_undone"
    file_added = "file_added"
    file_taken_back = "file_taken_back"
    erased = "erased"
    migrated = "migrated"


# Acts that change no record: they say something of the book itself.
WITHOUT_CHANGES = frozenset({BookActKind.proposed, BookActKind.withdrawn, BookActKind.erased})


@dataclass(frozen=True)
class Confirmation:
    """The second person of an act that needs two: who, in which role, on whose behalf."""

    by: str
    role: str | None = None
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class BookAct:
    """An act on a book: its kind, what it follows from, under which hat and why.

    cause  `{"case": id, "seq": n}`, `{"record": code}`, `{"import": digest}`, `{"request": number}` to erase,
           `{"sweep": name}` or `{"migration": number}`.
    told   what it says beside the changes; under `sets` what it was decided on, each `{"kind", "digest", "count"}`.
    """

    kind: BookActKind
    cause: Mapping[str, Any]
    hat: Hat | None = None
    reason: str = ""
    confirmation: Confirmation | None = None
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewVersion:
    """What a record says from now on, all of it; `based_on` is the version that somebody had before their eyes."""

    record: str
    values: JSON
    based_on: int | None = None
