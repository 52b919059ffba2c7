"""Static files: one address per version of the whole folder, kept for a year, sent compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask, url_for

from osm_flow.app import create_app
from osm_flow.settings import Settings
from osm_flow.store.session import Store
from osm_flow.web.site import assets
from tests.integration.web.conftest import Clock, Visitor

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


def test_static_files_are_compressed_and_kept_for_a_year(store: Store, clock: Clock, tmp_path: Path) -> None:
    settings = Settings(env="production", secret_key=KEY, data_dir=tmp_path, base_url="https://osm.example.go.th")
    visitor = Visitor(create_app(settings, store=store, clock=clock))
    page = visitor.get("/login")
    address = page.text.split('stylesheet" href="')[1].split('"')[0]

    answer = visitor.get(address, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Cache-Control"].startswith("public, max-age=31536000")
    assert gzip.decompress(answer.data).startswith(b"@charset")
    assert page.headers["Strict-Transport-Security"]
    assert "Secure" in page.headers["Set-Cookie"]
    assert visitor.get(address.replace("bootstrap.min.css", "../../../../app.py")).status_code == 404


def test_a_first_view_is_light(site: Flask, visitor: Visitor) -> None:
    page = visitor.get("/login").text
    addresses = {part.split('"')[0] for part in page.split('"/static/')[1:]}

    sizes = [len(visitor.get(f"/static/{each}", headers={"Accept-Encoding": "gzip"}).data) for each in addresses]
    fonts = [path.stat().st_size for path in Path("osm_flow/web/static/vendor").glob("ibm*/*-400-*.woff2")]

    assert len(addresses) >= 6
    assert sum(sizes) + sum(fonts) + len(page) < 200_000


def test_another_version_of_a_file_is_served_but_not_kept() -> None:
    app = Flask(__name__, static_folder=None)
    assets.init_app(app)
    with app.test_request_context("/"):
        address = url_for("static", filename="css/osm.css")
    version = address.split("/")[2]

    kept = app.test_client().get(address)
    old = app.test_client().get(address.replace(version, "0123456789ab"))

    assert kept.data == old.data == (assets.FOLDER / "css" / "osm.css").read_bytes()
    assert (kept.headers["Cache-Control"][-9:], old.headers["Cache-Control"]) == ("immutable", "no-cache")


def test_the_version_follows_every_file_and_fresh_ones_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    (tmp_path / "css").mkdir()
    file = tmp_path / "css" / "site.css"
    file.write_bytes(b"a")
    kept, fresh = assets.Assets(), assets.Assets(fresh=True)
    before = fresh.version
    assert kept.version == before

    file.write_bytes(b"b")

    assert fresh.files == {"css/site.css": b"b"}
    assert fresh.version != before
    assert kept.version == before
