"""The files that versions of a record name: what goes with one of them, values without it, and letting its bytes go by law."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.operations.books.versions import versions_of
from osm_flow.store import file_store
from osm_flow.store.models import RecordFile

# How a row of a version names a file, and the small picture that was made of it.
_FILE, _SMALL = "sha256", "preview"


def with_small_pictures(session: Session, kind: str, record: str, digests: Collection[str]) -> set[str]:
    """These files of a record, and the small pictures that any of its versions names beside one of them."""
    found = set(digests)
    for version in versions_of(session, kind, record):
        found |= {row[_SMALL] for row in _rows(version.values) if row.get(_FILE) in digests and row.get(_SMALL)}
    return found


def without_files(values: JSON, digests: Collection[str]) -> JSON:
    """What a record says without the rows that name one of these files; the same where none does."""
    return {
        name: [row for row in value if not (isinstance(row, dict) and row.get(_FILE) in digests)]
        if isinstance(value, list)
        else value
        for name, value in values.items()
    }


def let_go(session: Session, kind: str, record: str, digests: Collection[str]) -> None:
    """The record names these files no more; their bytes go with this transaction, unless something else names them.

    An entry that says so (`erased_files`) is written before.
    """
    named = (RecordFile.kind == kind, RecordFile.record_id == record, RecordFile.sha256.in_(digests))
    session.execute(delete(RecordFile).where(*named))
    file_store.release(session, digests)


def _rows(values: JSON) -> list[JSON]:
    return [row for value in values.values() if isinstance(value, list) for row in value if isinstance(row, dict)]
