"""Files that leave the site: the one place that names them in a header, where only Latin letters may stand."""

from __future__ import annotations

import re
import unicodedata
from typing import IO
from urllib.parse import quote

from flask import Response, send_file
from werkzeug.http import dump_options_header

_UNNAMED = "download"
# Line breaks and signs without a shape, by their Unicode category: a name with one of them is not what it seems.
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# RFC 8187, attr-char: what stands for itself in `filename*`.
_ATTR_CHARS = "!#$&+-.^_`|~"


def download(content: bytes | IO[bytes], name: str, mimetype: str) -> Response:
    """The answer by which a browser saves this content under this name, whatever letters the name has."""
    response = Response(content, content_type=mimetype) if isinstance(content, bytes) else send_file(content, mimetype)
    response.headers["Content-Disposition"] = disposition(name)
    return response


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
