"""What is refused before a workbook is opened, each in words of its own."""

from __future__ import annotations

import io
import zipfile

import pytest

from osm_flow.documents.workbook_guard import (
    LARGEST,
    ImportFileEmpty,
    ImportFileTooLarge,
    NotAWorkbook,
    OldWorkbook,
    WorkbookHostile,
    WorkbookLinked,
    WorkbookLocked,
    WorkbookSwells,
)
from osm_flow.documents.workbooks import SheetTooLong, SheetTooWide, read_sheet, sheet_names
from osm_flow.errors import OsmFlowError
from tests.workbooks import HEAD, ROW, with_part, workbook

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_GOOD = workbook([HEAD, ROW])
_SHEET = "xl/worksheets/sheet1.xml"
_ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def _zip(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return file.getvalue()


def _with_doctype(part: bytes) -> bytes:
    return part.replace(b"?>", b"?>" + _ENTITIES, 1)


def _encrypted() -> bytes:
    """A container whose parts say that they are encrypted."""
    content = bytearray(_GOOD)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 4)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", ImportFileEmpty),
        (b"PK" + b"\0" * LARGEST, ImportFileTooLarge),
        (_OLE + b"\0" * 600, OldWorkbook),
        (_OLE + b"\0" * 60 + "EncryptedPackage".encode("utf-16-le"), WorkbookLocked),
        (_encrypted(), WorkbookLocked),
        (b"%PDF-1.7 a, b", NotAWorkbook),
        (b"\x89PNG\r\n\x1a\n\0\0", NotAWorkbook),
        (b"a line without any column", NotAWorkbook),
        (b"PK\x03\x04 cut off", NotAWorkbook),
        (_GOOD[: len(_GOOD) // 2], NotAWorkbook),
        (_zip(**{"word/document.xml": b"<w/>"}), NotAWorkbook),
        (_zip(**{"xl/workbook.xml": b"no xml", "[Content_Types].xml": b"<x/>"}), NotAWorkbook),
        (with_part(_GOOD, "xl/externalLinks/externalLink1.xml", lambda _: b"<x/>"), WorkbookLinked),
        (with_part(_GOOD, "xl/media/image1.png", lambda _: b"\0" * 50_000_000), WorkbookSwells),
        (with_part(_GOOD, "xl/sharedStrings.xml", _with_doctype), WorkbookHostile),
        (with_part(_GOOD, "xl/workbook.xml", _with_doctype), WorkbookHostile),
    ],
)
def test_what_no_list_can_be_read_from_is_refused_by_name(content: bytes, error: type[OsmFlowError]) -> None:
    with pytest.raises(error) as refused:
        sheet_names(content)

    assert 400 <= refused.value.status < 500
    assert "{" not in str(refused.value)


def test_a_part_that_says_it_is_small_and_is_not_is_no_workbook() -> None:
    swelling = with_part(_GOOD, "xl/media/image1.png", lambda _: b"\0" * 3_000_000)
    liar = bytearray(swelling)
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = liar.rfind(
            signature, 0, liar.rfind(b"xl/media/image1.png") if offset == 24 else liar.find(b"xl/media/image1.png")
        )
        liar[at + offset : at + offset + 4] = (10).to_bytes(4, "little")

    with pytest.raises(NotAWorkbook):
        sheet_names(bytes(liar))


def test_a_cell_far_away_is_refused_before_room_is_made_for_all_between() -> None:
    def far(place: bytes, column: bytes = b"A") -> bytes:
        row = b'<row r="' + place + b'"><c r="' + column + place + b'"><v>1</v></c></row></sheetData>'
        return with_part(_GOOD, _SHEET, lambda part: part.replace(b"</sheetData>", row))

    with pytest.raises(SheetTooLong):
        read_sheet(far(b"1048576"), "โครงการ")
    with pytest.raises(SheetTooWide):
        read_sheet(far(b"3", b"XFD"), "โครงการ")


def test_entities_in_a_sheet_are_never_expanded() -> None:
    late = with_part(
        _GOOD,
        _SHEET,
        lambda part: part.replace(b"?>", b"?><!--" + b" " * 5000 + b"-->" + _ENTITIES, 1).replace(
            b"<v>0</v>", b"<v>&b;</v>", 1
        ),
    )
    with pytest.raises(OsmFlowError):
        read_sheet(late, "โครงการ")
