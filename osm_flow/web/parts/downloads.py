"""Files that leave the site: the one place that names them in a header, where only Latin letters may stand."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Callable
from typing import IO, cast
from urllib.parse import quote

from flask import Response, g, send_file
from werkzeug.http import dump_options_header

from osm_flow.documents.sheets import SHEET_FORMS, Sheet, SheetForm
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.errors import Invalid
from osm_flow.web.site import lifecycle
from osm_flow.web.site.i18n import gettext

_UNNAMED = "download"
# Line breaks and signs without a shape, by their Unicode category: a name with one of them is not what it seems.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# RFC 8187, attr-char: what stands for itself in `filename*`.
_ATTR_CHARS = "!#$&+-.^_`|~"
_SHEET_IN_MEMORY = 4 * 1024 * 1024


class ListFormatUnknown(Invalid):
    """A list is saved as {forms}."""


def download(content: bytes | IO[bytes], name: str, mimetype: str) -> Response:
    """The answer by which a browser saves this content under this name, whatever letters the name has."""
    response = Response(content, content_type=mimetype) if isinstance(content, bytes) else send_file(content, mimetype)
    response.headers["Content-Disposition"] = disposition(name)
    return response


def written(name: str, mimetype: str, write: Callable[[IO[bytes]], str | None], *, in_memory: int) -> Response:
    """A file whose export is recorded by now, as a download: kept first, then written while nobody waits for it.

    `write` reads from `g.session`, a view of its own, and may return another name; beyond `in_memory` bytes the file lies
    on the disk.
    """
    lifecycle.finish()
    file = cast("IO[bytes]", tempfile.SpooledTemporaryFile(in_memory))  # noqa: SIM115 (the answer closes it)
    with lifecycle.another_view() as session:
        g.session = session
        name = write(file) or name
    file.seek(0)
    return download(file, name, mimetype)


def sheet_form(ending: str) -> SheetForm:
    """The form of lists as files with this ending. Raises ListFormatUnknown, naming those that there are."""
    if ending not in SHEET_FORMS:
        raise ListFormatUnknown(forms=f" {gettext('หรือ')} ".join(sorted(SHEET_FORMS)))
    return SHEET_FORMS[ending]


def written_sheet(ending: str, stem: str, listed: Callable[[], Sheet]) -> Response:
    """A list, made by `listed` from `g.session`, as a file of this ending, under a name with today's date; as `written`."""
    form = sheet_form(ending)
    name = f"{stem}-{local_day(g.now).isoformat()}.{ending}"
    return written(name, form.mimetype, lambda file: form.write(file, listed()), in_memory=_SHEET_IN_MEMORY)


def disposition(name: str) -> str:
    """`attachment` with the name as RFC 6266 writes it: for everybody in ASCII, and as RFC 8187 for who can read it."""
    shown = _file_name(name)
    ascii_name = _ascii_name(shown)
    names = {"filename": ascii_name}
    if ascii_name != shown:
        names["filename*"] = f"UTF-8''{quote(shown, safe=_ATTR_CHARS)}"
    return dump_options_header("attachment", names)


def _file_name(name: str) -> str:
    seen = "".join(" " if unicodedata.category(char) in _UNSEEN else char for char in name)
    return re.sub(r"\s+", " ", re.sub(r"[/\\]", "-", seen)).strip(" .") or _UNNAMED


def _ascii_name(name: str) -> str:
    """What is left of the name in ASCII; quotes and percent signs, which browsers read in different ways, are left out."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, ending = re.sub(r'["%]', "_", plain).rpartition(".")
    stem, ending = (stem, ending) if dot else (ending, "")
    stem = re.sub(r"\s+", " ", stem).strip(" ._-")
    return f"{stem or _UNNAMED}{dot}{ending}"
