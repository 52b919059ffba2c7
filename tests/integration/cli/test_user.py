"""`osm-flow user …` through the real command group, on a real database."""

from __future__ import annotations

import json

import pytest

from osm_flow.operations.people.hats import actor_named, person_by_username
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.integration.cli.shell import Shell


@pytest.fixture
def program(shell: Shell) -> Shell:
    with shell.store.transaction() as session:
        seed_clusters(session)
    return shell


def test_the_first_administrator_is_made_on_the_machine_itself(program: Shell, sqlite_store: Store) -> None:
    made = program.run("user", "create", "chief", "--name", "ผู้ดูแลระบบ", "--json")
    given = program.run("user", "give", "chief", "--role", "admin")

    assert json.loads(made.stdout)["username"] == "chief"
    assert given.exit_code == 0, given.output
    with sqlite_store.reading() as session:
        chief = actor_named(session, "chief", NOW.date())
    assert chief.has("admin")
    assert len(chief.office_ids) == 18


def test_everybody_is_listed_as_json(program: Shell) -> None:
    for username in ("chief", "somsri"):
        program.run("user", "create", username, "--name", f"คุณ {username}")

    listed = json.loads(program.run("user", "list", "--json").stdout)

    assert [item["username"] for item in listed["items"]] == ["chief", "somsri"]
    assert listed["next"] is None


def test_locking_and_unlocking(program: Shell, sqlite_store: Store) -> None:
    program.run("user", "create", "somsri", "--name", "สมศรี")

    program.run("user", "lock", "somsri")
    with sqlite_store.reading() as session:
        locked = person_by_username(session, "somsri")
    program.run("user", "unlock", "somsri")
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
    program: Shell, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    answer = program.run(*arguments)

    assert answer.exit_code == code
    assert sentence in answer.stderr
    assert answer.stdout == ""


def test_an_account_is_tied_to_its_person(program: Shell, sqlite_store: Store) -> None:
    program.run("user", "create", "somsri", "--name", "สมศรี", "--number", "ปค-4102")
    again = program.run("user", "create", "somsri.new", "--name", "สมศรี", "--number", "ปค ๔๑๐๒")
    program.run("user", "create", "third", "--name", "สมศรี")
    told = program.run("user", "number", "third", "7001")
    tied = program.run("user", "same-person", "third", "somsri")

    assert again.exit_code != 0
    assert "has this employee number" in again.output
    assert (told.exit_code, tied.exit_code) == (0, 0)
    assert "7001" in told.output
    with sqlite_store.reading() as session:
        assert actor_named(session, "third", NOW.date()).usernames == {"somsri", "third"}
    assert program.run("user", "other-person", "third").exit_code == 0
    with sqlite_store.reading() as session:
        assert actor_named(session, "third", NOW.date()).usernames == {"third"}
