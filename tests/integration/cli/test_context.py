"""What a command is given: a database, a clock, keys; and the two ways in which it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from osm_flow.cli.context import say
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.cli.shell import Shell


def test_the_data_folder_is_made_when_the_database_is_first_needed(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "osm"
    context = Shell(f"sqlite:///{folder / 'osm.db'}", folder).context
    assert not folder.exists()

    store = context.store

    assert folder.is_dir()
    assert context.store is store
    store.close()


def test_a_server_of_databases_needs_no_folder(tmp_path: Path) -> None:
    context = Shell("postgresql://osm@localhost/osm", tmp_path / "var").context

    assert context.store.dialect == "postgresql"
    assert not (tmp_path / "var").exists()


def test_the_clock_is_asked_each_time(shell: Shell) -> None:
    instants: Iterator[timedelta] = iter((timedelta(0), timedelta(hours=1)))
    shell.context.clock = lambda: NOW + next(instants)

    assert [shell.context.now(), shell.context.now()] == [NOW, NOW + timedelta(hours=1)]


def test_the_keys_lie_in_the_data_folder_under_the_name_of_the_log(shell: Shell, tmp_path: Path) -> None:
    shell.run("audit", "checkpoint")

    assert [path.suffix for path in (tmp_path / "keys").glob("*.pem")] == [".pem"]
    assert shell.context.keyring is shell.context.keyring
    assert shell.json("audit", "keys", "list")["items"][0]["key"].startswith("osm.example.go.th/journal+")


def test_the_log_keeps_a_name_of_its_own_when_the_site_moves(sqlite_store: Store, tmp_path: Path) -> None:
    shell = Shell(sqlite_store, tmp_path)
    shell.context.log_origin = "ne-u1.example.go.th/journal"

    assert shell.json("audit", "checkpoint")["note"].startswith("ne-u1.example.go.th/journal\n")


class TestSay:
    def test_people_read_the_text_and_programs_the_value(self, capsys: pytest.CaptureFixture[str]) -> None:
        say({"count": 1}, False, "one")
        say({"count": 1}, True, "one")

        text, _, value = capsys.readouterr().out.partition("\n")
        assert (text, json.loads(value)) == ("one", {"count": 1})

    def test_thai_stays_thai_and_days_are_written_as_days(self, capsys: pytest.CaptureFixture[str]) -> None:
        say({"name": "กลุ่มจังหวัด", "day": date(2026, 11, 20)}, True)

        assert capsys.readouterr().out == '{\n  "name": "กลุ่มจังหวัด",\n  "day": "2026-11-20"\n}\n'

    def test_without_a_text_there_is_an_empty_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        say({}, False)

        assert capsys.readouterr().out == "\n"
