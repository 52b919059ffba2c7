"""Static files: one address per version of the whole folder, kept by browsers for a year, sent compressed.

Vendored files and what they must hash to are listed in `static/vendor/vendor.json`; nothing is loaded from another host.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Flask, Response, g, request, url_for
from werkzeug.exceptions import NotFound

from osm_flow.web.site.access import public

FOLDER = Path(__file__).parents[1] / "static"
_COMPRESSIBLE = frozenset({".css", ".js", ".svg", ".json", ".txt", ".bpmn"})
_FOREVER = "public, max-age=31536000, immutable"


def _read() -> dict[str, bytes]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in sorted(FOLDER.rglob("*")) if path.is_file()
    }


class Assets:
    """The files in memory; in `fresh` mode they are read again by each request, for those who edit them."""

    def __init__(self, *, fresh: bool = False) -> None:
        self._fresh = fresh
        self._files = _read()

    @property
    def version(self) -> str:
        """Names the contents of the whole folder, so that files may refer to each other by relative paths."""
        digest = hashlib.sha256()
        for name, content in self.files.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()[:12]

    @property
    def files(self) -> dict[str, bytes]:
        if self._fresh:
            self._files = _read()
        return self._files


@cache
def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def init_app(app: Flask, *, fresh: bool = False) -> None:
    assets = Assets(fresh=fresh)
    version = assets.version

    @public
    def serve(version: str, filename: str) -> Response:
        content = assets.files.get(filename)
        if content is None:
            raise NotFound
        response = Response(content, mimetype=mimetypes.guess_type(filename)[0] or "application/octet-stream")
        response.headers["Cache-Control"] = "no-cache" if fresh or version != current() else _FOREVER
        if Path(filename).suffix in _COMPRESSIBLE:
            response.headers["Vary"] = "Accept-Encoding"
            if request.accept_encodings["gzip"]:
                response.set_data(_gzipped(content))
                response.headers["Content-Encoding"] = "gzip"
        return response

    def current() -> str:
        if not fresh:
            return version
        if "asset_version" not in g:
            g.asset_version = assets.version
        return str(g.asset_version)

    def asset(filename: str) -> str:
        return url_for("static", version=current(), filename=filename)

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static":
            values.setdefault("version", current())

    app.add_url_rule("/static/<version>/<path:filename>", "static", serve)
    app.jinja_env.globals.update(asset=asset)
