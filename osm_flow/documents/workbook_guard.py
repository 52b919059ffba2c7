"""What is refused of a file before a workbook is opened: what is none, what swells when it is opened, what takes values from elsewhere."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import IO

from osm_flow.errors import Invalid

MEGABYTE = 1024 * 1024
LARGEST = 10 * MEGABYTE
# What all parts together may have when they are opened, and one part for each of its bytes in the file.
MOST_UNPACKED, MOST_PARTS, MOST_TIMES = 200 * MEGABYTE, 2_000, 400
# From this size on a part that grows more than so many times is a trap; smaller ones harm nobody.
_HARMLESS = 4 * MEGABYTE
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_CHUNK = MEGABYTE
_BEGINNING = 4096
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_XML = (".xml", ".rels", ".vml")


class ImportFileEmpty(Invalid):
    """The file is empty. Choose the list again."""


class ImportFileTooLarge(Invalid):
    """The file is larger than {mb} MB. Keep the list alone in it, without pictures, and choose it again."""

    status = 413


class OldWorkbook(Invalid):
    """This is a workbook of an old Excel (.xls). Open it, save it as Excel Workbook (.xlsx) and choose that file."""


class WorkbookLocked(Invalid):
    """The workbook has a password. Open it, save a copy without a password and choose that file."""


class NotAWorkbook(Invalid):
    """This is no Excel workbook (.xlsx) and no CSV list. Open the list in Excel, save it as .xlsx and choose that file."""


class WorkbookSwells(Invalid):
    """What is packed in this workbook is too large to be opened. Copy the list alone into a new workbook and choose that file."""

    status = 413


class WorkbookHostile(Invalid):
    """The workbook has parts that no Excel writes. Copy the list alone into a new workbook and choose that file."""


class WorkbookLinked(Invalid):
    """The workbook takes values from other files. In Excel, break the links (Data, Edit Links) or paste the values, then choose it again."""


def is_zip(content: bytes) -> bool:
    """Whether the file is a container as new workbooks are; raises what stands in the way of any list in it.

    Raises ImportFileEmpty, ImportFileTooLarge, OldWorkbook, WorkbookLocked.
    """
    if not content:
        raise ImportFileEmpty
    if len(content) > LARGEST:
        raise ImportFileTooLarge(mb=LARGEST // MEGABYTE)
    if content.startswith(_OLE):
        raise WorkbookLocked if _ENCRYPTED in content else OldWorkbook
    return content.startswith(b"PK")


def require_harmless(content: bytes) -> None:
    """Unpack every part once, counting, and keep nothing: whoever opens the workbook afterwards gets no more than this.

    Raises NotAWorkbook, WorkbookSwells, WorkbookHostile, WorkbookLinked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            parts = container.infolist()
            names = [part.filename for part in parts]
            if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
                raise NotAWorkbook
            if len(set(names)) != len(names):
                raise WorkbookHostile
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise WorkbookSwells
            left = MOST_UNPACKED
            for part in parts:
                if part.flag_bits & 1:
                    raise WorkbookLocked
                with container.open(part) as opened:
                    left -= _size(part, opened, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError):
        raise NotAWorkbook from None
    if any(name.lower().startswith("xl/externallinks/") for name in names):
        raise WorkbookLinked


def _size(part: zipfile.ZipInfo, opened: IO[bytes], most: int) -> int:
    """How large the part is when it is unpacked. Raises WorkbookSwells, WorkbookHostile."""
    size = 0
    while chunk := opened.read(_CHUNK):
        if not size and part.filename.lower().endswith(_XML) and _DOCTYPE.search(chunk[:_BEGINNING]):
            raise WorkbookHostile
        size += len(chunk)
        if size > most or (size > _HARMLESS and size > MOST_TIMES * max(1, part.compress_size)):
            raise WorkbookSwells
    return size
