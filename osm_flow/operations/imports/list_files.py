"""The file of an uploaded list: kept in the store of files, and each of its sheets read once for all pages that show it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import SheetName, SheetValues, read_sheet, sheet_names
from osm_flow.errors import Refused
from osm_flow.store import file_store
from osm_flow.store.models import ImportFile

# What is kept of sheets in the memory of a process: so many cells together, for so many seconds. One sheet of the longest
# lists that offices have is 20,000 rows of 40 columns.
MOST_CELLS, KEEP_SECONDS = 1_000_000, 15 * 60
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ImportFileGone(Refused):
    """The file is not kept any more. Upload it again."""


@dataclass(frozen=True)
class ListFile:
    """An uploaded list by its digest; its bytes are fetched only when a sheet has to be read."""

    sha256: str
    fetch: Callable[[], bytes]

    @property
    def names(self) -> list[SheetName]:
        """Its sheets, in their order. Raises FileDamaged and what `sheet_names` does."""
        return sheet_names(self.fetch())

    def sheet(self, name: str) -> SheetValues:
        """What a sheet says, not to be changed by whoever reads it. Raises FileDamaged and what `read_sheet` does."""
        kept = _KEPT.get(self.sha256, name)
        if kept is None:
            kept = read_sheet(self.fetch(), name)
            _KEPT.put(self.sha256, name, kept)
        return kept


def given(content: bytes, digest: str) -> ListFile:
    """A list whose bytes are at hand."""
    return ListFile(digest, lambda: content)


def file_of(session: Session, row: ImportFile) -> ListFile:
    """The file of a list, wherever it lies. Raises ImportFileGone."""
    if row.file is not None:
        digest = row.file
        return ListFile(digest, lambda: file_store.read(session, digest))
    if row.content is None:
        raise ImportFileGone
    return given(row.content, row.sha256)


def keep(session: Session, content: bytes) -> str:
    """Keep the bytes of a list in the store of files, and give their digest. Raises FilesUnwritable."""
    return file_store.keep(session, content, _XLSX if content.startswith(b"PK") else "text/csv")


def forget(digests: list[str]) -> None:
    """Let this process keep nothing of the sheets of these files."""
    _KEPT.drop(digests)


class _KeptSheets:
    """The sheets that were read last, so many cells of them, by the digest of their file: what is kept is never out of date."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sheets: OrderedDict[tuple[str, str], tuple[float, int, SheetValues]] = OrderedDict()

    def get(self, digest: str, name: str) -> SheetValues | None:
        with self._lock:
            self._drop_old()
            found = self._sheets.get((digest, name))
            if found is None:
                return None
            self._sheets.move_to_end((digest, name))
            return found[2]

    def put(self, digest: str, name: str, sheet: SheetValues) -> None:
        cells = sum(map(len, sheet.rows))
        if cells > MOST_CELLS:
            return
        with self._lock:
            self._sheets[digest, name] = (monotonic(), cells, sheet)
            self._sheets.move_to_end((digest, name))
            while sum(kept[1] for kept in self._sheets.values()) > MOST_CELLS:
                self._sheets.popitem(last=False)

    def drop(self, digests: list[str]) -> None:
        with self._lock:
            for key in [key for key in self._sheets if key[0] in digests]:
                del self._sheets[key]

    def _drop_old(self) -> None:
        since = monotonic() - KEEP_SECONDS
        for key in [key for key, kept in self._sheets.items() if kept[0] < since]:
            del self._sheets[key]


_KEPT = _KeptSheets()
