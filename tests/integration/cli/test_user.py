"""`osm-flow user …` through the real command group, on a real database."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from osm_flow import cli
from osm_flow.app import _context
from osm_flow.operations.people import actor_named, person_by_username, seed_clusters
from osm_flow.settings import Settings
from osm_flow.store.session import Store
from tests.factories import NOW

PASSWORD = "a long enough one"


class Program:
    """The command line on one database."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.context = replace(_context(Settings(env="test", data_dir=folder)), clock=lambda: NOW)
        self.context.__dict__["store"] = store

    def __call__(self, *arguments: str) -> Result:
        environ = {"OSM_NEW_PASSWORD": PASSWORD}
        return CliRunner(env=environ).invoke(cli.root, list(arguments), obj=self.context, prog_name="osm-flow")


@pytest.fixture
def program(sqlite_store: Store, tmp_path: Path) -> Program:
    with sqlite_store.transaction() as session:
        seed_clusters(session)
    return Program(sqlite_store, tmp_path)


def test_the_first_administrator_is_made_on_the_machine_itself(program: Program, sqlite_store: Store) -> None:
    made = program("user", "create", "chief", "--name", "ผู้ดูแลระบบ", "--json")
    given = program("user", "give", "chief", "--role", "admin")

    assert json.loads(made.stdout)["username"] == "chief"
    assert given.exit_code == 0, given.output
    with sqlite_store.reading() as session:
        chief = actor_named(session, "chief", NOW.date())
    assert chief.has("admin")
    assert len(chief.office_ids) == 18


def test_everybody_is_listed_as_json(program: Program) -> None:
    for username in ("chief", "somsri"):
        program("user", "create", username, "--name", f"คุณ {username}")

    listed = json.loads(program("user", "list", "--json").stdout)

    assert [item["username"] for item in listed["items"]] == ["chief", "somsri"]
    assert listed["next"] is None


def test_locking_and_unlocking(program: Program, sqlite_store: Store) -> None:
    program("user", "create", "somsri", "--name", "สมศรี")

    program("user", "lock", "somsri")
    with sqlite_store.reading() as session:
        locked = person_by_username(session, "somsri")
    program("user", "unlock", "somsri")
    with sqlite_store.reading() as session:
        unlocked = person_by_username(session, "somsri")

    assert locked.locked_at == NOW
    assert (unlocked.locked_at, unlocked.session_epoch) == (None, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("user", "lock", "nobody"), 1, "There is no such person."),
        (("user", "create", "Not OK", "--name", "x"), 1, "A user name has 2 to 64"),
        (("user", "give", "nobody", "--role", "king"), 2, "king"),
        (("user", "create", "x2"), 2, "--name"),
        (("no-such-command",), 2, "No such command"),
    ],
)
def test_refusals_end_with_one_and_misuse_with_two(
    program: Program, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    answer = program(*arguments)

    assert answer.exit_code == code
    assert sentence in answer.stderr
    assert answer.stdout == ""


def test_what_commands_change_is_shown_to_auditors(program: Program) -> None:
    made = ["create", "anucha", "--name", "อนุชา"], ["give", "anucha", "--role", "osm_me", "--office", "NE-U1"]
    for arguments in (*made, ["password", "anucha"], ["lock", "anucha"], ["unlock", "anucha"]):
        assert program("user", *arguments).exit_code == 0

    shown = json.loads(program("audit", "people", "--json").stdout)
    of_one = json.loads(program("audit", "administration", "--kind", "person.locked", "--json").stdout)
    checked = program("audit", "verify", "--json")

    assert shown["next"] is None
    assert [(item["kind"], item["actor"], item["subject"]) for item in reversed(shown["items"])] == [
        (kind, "system", "anucha")
        for kind in ("person.created", "position.given", "person.password_set", "person.locked", "person.unlocked")
    ]
    assert [item["changes"] for item in of_one["items"]] == [{"locked": {"old": False, "new": True}}]
    assert "locked: False -> True" in program("audit", "people", "--about", "anucha").stdout
    assert PASSWORD not in program("audit", "people").stdout
    assert (checked.exit_code, json.loads(checked.stdout)["administration"]) == (0, 5)
