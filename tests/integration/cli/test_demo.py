"""`osm-flow demo`: the demo cluster comes into an empty database only, and its logins are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from osm_flow.demo import cast, loading
from osm_flow.store.models import Case, Person
from osm_flow.store.upgrade import newest_revision
from tests.factories import make_office, make_person
from tests.integration.cli.shell import Shell


@pytest.fixture
def _without_its_story(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people and the projects only; that the story is told is for the tests of the demo itself."""
    monkeypatch.setattr(loading, "act_out", lambda stage: None)


@pytest.mark.usefixtures("_without_its_story")
def test_loading_tells_everybody_s_login(tmp_path: Path) -> None:
    shell = Shell(f"sqlite:///{tmp_path / 'new.db'}", tmp_path)

    told = shell.json("demo", "load")

    assert told == {"office": "NE-U1", "logins": cast.logins()}
    assert "upgraded" not in shell.run("db", "upgrade").stdout, "the tables were made on the way"
    assert shell.json("db", "upgrade")["revision"] == newest_revision()
    with shell.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == len(told["logins"])
    shell.store.close()


@pytest.mark.usefixtures("_without_its_story")
def test_people_read_a_line_for_each_login_and_the_password_once(shell: Shell) -> None:
    told = shell.run("demo", "load").stdout.splitlines()

    assert told[0].split() == ["thanakorn", "osm_director", "นายธนากร", "ศรีบุญเรือง"]
    assert len(told) == len(cast.logins()) + 1
    assert told[-1] == "password of all of them: mekhong-demo"
    assert sum(cast.PASSWORD in line for line in told) == 1


def test_a_database_in_use_is_left_alone(shell: Shell) -> None:
    with shell.store.transaction() as session:
        make_office(session)
        make_person(session, "somsri", "admin")

    assert "already has people or cases" in shell.refused("demo", "load", "--json")

    assert [item["username"] for item in shell.json("user", "list")["items"]] == ["somsri"]
    with shell.store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 0
