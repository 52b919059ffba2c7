"""All that a workbook or a CSV file says in words, wherever in it: cells, notes, names of sheets, who wrote it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from html import unescape

from osm_flow.documents.workbook_guard import is_zip, require_harmless

# Where one text ends and another begins; a text in one cell may be cut into pieces of several fonts.
_ENDS = re.compile(r"</(?:\w+:)?(?:si|is|c|row|comment|author|[\w-]*[Cc]reator|lastModifiedBy|title|subject)>")
_TAGS = re.compile(r"<[^>]*>")
_NAMES = re.compile(r"""\bname=["']([^"']*)["']""")
_XML = (".xml", ".vml")
_CHARSETS = ("utf-8-sig", "cp874")


def lines_of(content: bytes) -> Iterator[str]:
    """What the file says, a cell, note or name at a time, formatting left out. Raises whatever `workbook_guard` refuses."""
    if not is_zip(content):
        yield from _plain(content).splitlines()
        return
    require_harmless(content)
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        for part in container.namelist():
            if part.lower().endswith(_XML):
                text = container.read(part).decode("utf-8", "replace")
                if part == "xl/workbook.xml":
                    yield from map(unescape, _NAMES.findall(text))
                yield from (unescape(line) for line in _TAGS.sub("", _ENDS.sub("\n", text)).splitlines() if line)


def _plain(content: bytes) -> str:
    for charset in _CHARSETS:
        try:
            return content.decode(charset)
        except UnicodeDecodeError:
            continue
    return content.decode("utf-8", "replace")
