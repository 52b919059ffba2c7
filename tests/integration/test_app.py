"""The application put together: what the site is opened with, whom it believes, and how the command begins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import click
import pytest
from flask import Blueprint, Flask, request

from osm_flow import app, web
from osm_flow.app import create_app
from osm_flow.settings import Settings, SettingsAreWrong
from osm_flow.store.session import Store
from osm_flow.web.site.access import public
from tests.factories import NOW

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978"


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(env="test", secret_key=KEY, data_dir=tmp_path, base_url="http://osm.example.go.th")


# ---- the site --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "short", "x" * 40, "please-change-me-please-change-me-12345"])
def test_production_does_not_start_with_a_key_that_can_be_guessed(store: Store, tmp_path: Path, key: str) -> None:
    settings = Settings(secret_key=key, data_dir=tmp_path)

    with pytest.raises(SettingsAreWrong, match="OSM_SECRET_KEY"):
        create_app(settings, store=store)
    assert create_app(replace(settings, secret_key=KEY), store=store).secret_key == KEY


def test_every_page_that_there_is_belongs_to_the_site(settings: Settings, store: Store) -> None:
    site = create_app(settings, store=store)
    written = {
        blueprint.name
        for module in walk_packages(web.__path__, "osm_flow.web.")
        if isinstance(blueprint := getattr(import_module(module.name), "blueprint", None), Blueprint)
    }

    assert len(written) > 10
    assert set(site.blueprints) == written


def test_a_site_opens_on_its_own_database_in_a_folder_that_it_makes(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    own = replace(settings, data_dir=folder, database_url=f"sqlite:///{folder / 'osm.db'}")

    site = create_app(own)

    site.config["STORE"].close()
    assert folder.is_dir()
    assert site.config["STORE"].url.database == str(folder / "osm.db")


def test_the_clock_is_the_one_that_was_given_or_the_time_of_the_world(settings: Settings, store: Store) -> None:
    assert create_app(settings, store=store, clock=lambda: NOW).config["CLOCK"]() == NOW

    before = datetime.now(UTC)
    now = create_app(settings, store=store).config["CLOCK"]()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


@pytest.mark.parametrize(
    ("address", "secure"), [("https://osm.example.go.th", True), ("http://osm.example.go.th", False)]
)
def test_the_session_is_kept_from_scripts_other_sites_and_open_lines(
    settings: Settings, store: Store, address: str, secure: bool
) -> None:
    site = create_app(replace(settings, base_url=address), store=store)

    cookie = site.test_client().get("/login").headers["Set-Cookie"]

    assert cookie.startswith("osm_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is secure


def test_a_form_that_is_not_of_this_session_changes_nothing(settings: Settings, store: Store) -> None:
    answer = create_app(settings, store=store).test_client().post("/login", data={"username": "admin", "password": "x"})

    assert answer.status_code == 400


def test_more_than_may_be_sent_is_not_read(settings: Settings, store: Store) -> None:
    site = create_app(settings, store=store)
    announced = str(site.config["MAX_CONTENT_LENGTH"] + 1)

    form = "application/x-www-form-urlencoded"
    answer = site.test_client().post("/login", content_type=form, environ_overrides={"CONTENT_LENGTH": announced})

    assert answer.status_code == 413


def probed(site: Flask, **headers: str) -> str:
    """Who the site believes to be asked by, and where."""
    site.add_url_rule("/probe", view_func=public(lambda: f"{request.remote_addr} {request.url_root}"))
    return (
        site.test_client()
        .get("/probe", headers={name.replace("_", "-"): value for name, value in headers.items()})
        .text
    )


FORWARDED = {
    "X_Forwarded_For": "203.0.113.5, 198.51.100.7",
    "X_Forwarded_Proto": "https",
    "X_Forwarded_Host": "osm.go.th",
}


@pytest.mark.parametrize(
    ("proxies", "believed"),
    [(0, "127.0.0.1 http://localhost/"), (1, "198.51.100.7 https://osm.go.th/"), (2, "203.0.113.5 http://localhost/")],
)
def test_only_so_many_proxies_as_stand_in_front_are_believed(
    settings: Settings, store: Store, proxies: int, believed: str
) -> None:
    assert probed(create_app(replace(settings, proxies=proxies), store=store), **FORWARDED) == believed


def test_keys_of_the_log_lie_in_the_data_folder_and_the_log_is_named_after_the_site(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    named = create_app(replace(settings, log_origin="example.go.th/book"), store=store)

    assert create_app(settings, store=store).config["KEYRING"].origin.startswith("osm.example.go.th")
    assert named.config["KEYRING"].origin == "example.go.th/book"
    assert named.config["KEYRING"].folder == tmp_path / "keys"


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Runs the command with these words in this environment; gives the code that it ends with."""

    def run(*words: str, **environ: str) -> int:
        monkeypatch.setattr(sys, "argv", ["osm-flow", *words])
        for name, value in {"OSM_DATA_DIR": str(tmp_path), **environ}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            app.main()
        return int(ended.value.code or 0)

    return run


def test_wrong_settings_end_the_command_with_a_sentence(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("timer", "list", OSM_ENV="staging", OSM_PROXIES="many") == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: These settings must be put right first: OSM_ENV")
    assert "OSM_PROXIES" in said.err


def test_the_command_works_on_the_database_of_its_settings(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], store: Store
) -> None:
    assert run("timer", "list", OSM_DATABASE_URL=store.url.render_as_string(hide_password=False)) == 0
    assert capsys.readouterr().out.strip() == "no timer is waiting"


def test_help_needs_no_database(run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("--help") == 0
    assert "Usage: osm-flow" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_demo_is_served_on_the_store_of_the_command_with_a_key_of_its_own(settings: Settings, store: Store) -> None:
    context = app._context(replace(settings, env="production", secret_key=""))
    context.store = store  # type: ignore[misc]

    site = context.make_app(context, True, None)

    assert site.config["STORE"] is store
    assert site.config["ENV_NAME"] == "demo"
    assert len(site.config["SECRET_KEY"]) == 64


def test_a_site_of_demo_mode_is_served_without_the_demo_s_data(settings: Settings, store: Store) -> None:
    context = app._context(replace(settings, env="demo", secret_key=""))
    context.store = store  # type: ignore[misc]

    site = context.make_app(context, False, None)

    assert len(site.config["SECRET_KEY"]) == 64
    assert site.test_client().get("/login").status_code == 200


def test_a_site_in_production_without_a_key_is_not_served(settings: Settings, store: Store) -> None:
    context = app._context(replace(settings, env="production", secret_key=""))
    context.store = store  # type: ignore[misc]

    with pytest.raises(click.ClickException, match="OSM_SECRET_KEY is missing"):
        context.make_app(context, False, None)


def test_the_address_is_the_one_of_the_environment_or_else_the_one_it_is_served_at(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = app._context(settings)
    context.store = store  # type: ignore[misc]

    monkeypatch.delenv("OSM_BASE_URL", raising=False)
    assert context.make_app(context, False, "http://127.0.0.1:9000").config["BASE_URL"] == "http://127.0.0.1:9000"
    assert context.make_app(context, False, None).config["BASE_URL"] == "http://osm.example.go.th"
    monkeypatch.setenv("OSM_BASE_URL", "http://osm.example.go.th")
    assert context.make_app(context, False, "http://127.0.0.1:9000").config["BASE_URL"] == "http://osm.example.go.th"


@pytest.mark.parametrize("arguments", [["--help"], ["user", "list"], ["serve", "--port", "1"]])
def test_python_without_docstrings_is_refused_in_words(tmp_path: Path, arguments: list[str]) -> None:
    code = "from osm_flow.app import main; main()"
    given = {**os.environ, "OSM_DATA_DIR": str(tmp_path), "PYTHONOPTIMIZE": "2"}
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=given, check=False
    )

    assert answer.returncode == 1
    assert "PYTHONOPTIMIZE=2" in answer.stderr
    assert "Traceback" not in answer.stderr
