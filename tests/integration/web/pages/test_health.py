"""What a proxy and a supervisor are told, whoever they are and whatever is wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from flask import Flask
from sqlalchemy import text

from osm_flow.app import create_app
from osm_flow.operations.readiness import note_tick
from osm_flow.settings import Settings
from osm_flow.store.session import Limits, Store
from tests.factories import NOW
from tests.integration.web.conftest import Clock


def site_on(store: Store, folder: Path) -> Flask:
    return create_app(Settings(env="test", secret_key="k" * 40, data_dir=folder), store=store, clock=lambda: NOW)


def test_a_site_with_its_tables_is_ready_and_tells_when_a_scheduler_last_ticked(
    site: Flask, store: Store, clock: Clock
) -> None:
    asked = site.test_client()
    first = asked.get("/readyz")
    assert (first.status_code, first.get_json()["ready"]) == (200, True)
    assert first.get_json()["scheduler"] == {"last_tick": None, "late": True}

    with store.transaction() as session:
        note_tick(session, "node:1", NOW)
        note_tick(session, "node:1", NOW)
    told = asked.get("/readyz").get_json()["scheduler"]
    assert told == {"last_tick": "2026-11-20T02:00:00.000000Z", "late": False}
    clock.pass_by(minutes=3)
    assert asked.get("/readyz").get_json()["scheduler"]["late"]
    assert asked.get("/readyz").status_code == 200  # its scheduler is another process


def test_a_process_whose_own_scheduler_stands_still_says_so(site: Flask, store: Store, clock: Clock) -> None:
    site.config["SCHEDULER_STARTED_AT"] = NOW
    assert site.test_client().get("/readyz").status_code == 200  # it has not had the time yet
    with store.transaction() as session:
        note_tick(session, "node:1", NOW)
    assert site.test_client().get("/readyz").status_code == 200

    clock.pass_by(minutes=3)

    stuck = site.test_client().get("/readyz")
    assert (stuck.status_code, stuck.get_json()["ready"]) == (503, False)
    assert site.test_client().get("/healthz").status_code == 200


def test_schedulers_that_are_gone_for_a_day_are_forgotten(store: Store, clock: Clock) -> None:
    with store.transaction() as session:
        note_tick(session, "gone", clock.at)
        clock.pass_by(hours=25)
        note_tick(session, "here", clock.at)
        assert session.scalars(text("SELECT owner FROM scheduler_ticks")).all() == ["here"]


@pytest.mark.parametrize("wrong", ["empty", "older", "newer"])
def test_tables_of_another_version_are_not_ready(sqlite_store: Store, tmp_path: Path, wrong: str) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}") if wrong == "empty" else sqlite_store
    if wrong != "empty":
        with store.transaction() as session:
            session.execute(
                text("UPDATE alembic_version SET version_num = :to"), {"to": {"older": "0001"}.get(wrong, "9999")}
            )

    told = site_on(store, tmp_path).test_client().get("/readyz")

    assert (told.status_code, told.get_json()["ready"], told.get_json()["database"]) == (
        503,
        False,
        {"reachable": True},
    )
    store.close()


def test_without_a_database_the_process_is_alive_and_not_ready(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://osm:very-secret@127.0.0.1:{taken.getsockname()[1]}/osm"
        asked = site_on(Store(url, Limits(connect=1)), tmp_path).test_client()

        told = asked.get("/readyz")

    assert (told.status_code, told.mimetype) == (503, "application/json")
    assert told.get_json()["database"] == {"reachable": False}
    assert "secret" not in told.text
    assert asked.get("/healthz").get_json() == {"alive": True}


def test_a_database_that_takes_no_writes_is_ready_to_be_read_until_the_scheduler_could_not_tick(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with sqlite_store.transaction() as session:
        note_tick(session, "node:1", NOW)
    sqlite_store.close()
    clock = Clock(NOW)
    read_only = Store(f"sqlite:///file:{sqlite_store.url.database}?mode=ro&uri=true")
    settings = Settings(env="test", secret_key="k" * 40, data_dir=tmp_path)
    site = create_app(settings, store=read_only, clock=clock)
    site.config["SCHEDULER_STARTED_AT"] = NOW

    assert site.test_client().get("/readyz").status_code == 200
    clock.pass_by(minutes=3)

    told = site.test_client().get("/readyz")
    assert (told.status_code, told.get_json()["database"]) == (503, {"reachable": True})
    assert told.get_json()["scheduler"]["late"]
    read_only.close()


@pytest.mark.parametrize("table", ["scheduler_ticks", "alembic_version"])
def test_a_locked_table_keeps_nobody_waiting_who_asks_whether_the_site_is_ready(
    new_postgresql: Callable[[], Store], tmp_path: Path, table: str
) -> None:
    store = new_postgresql()
    asked = site_on(store, tmp_path).test_client()
    with store.engine.begin() as holder:
        holder.execute(text(f"LOCK {table} IN ACCESS EXCLUSIVE MODE"))
        begun = monotonic()
        assert asked.get("/readyz").status_code == 503
        assert 1 < monotonic() - begun < 2
        begun = monotonic()
        assert asked.get("/healthz").status_code == 200
        assert monotonic() - begun < 1
    assert asked.get("/readyz").status_code == 200
