"""`osm-flow mining` writes files, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.factories import deploy_tests, make_case, make_office
from tests.integration.cli.shell import Shell
from tests.schemas import ocel, xes


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """With one case that has just begun."""
    with shell.store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_case(session)
    return shell


def run(shell: Shell, *arguments: str) -> Result:
    return shell.run("mining", *arguments)


def test_xes_is_written_and_counted(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "log.xes"

    result = run(shell, "xes", "--out", str(path), "--reason", "ทบทวน", "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"file": str(path), "cases": 1, "events": 1}
    assert xes.problems_of(path.read_bytes()) == []


def test_ocel_is_written_in_both_forms(shell: Shell, tmp_path: Path) -> None:
    for name in ("json", "sqlite"):
        result = run(shell, "ocel", "--format", name, "--out", str(tmp_path / name), "--reason", "ทบทวน")
        assert result.exit_code == 0, result.output

    assert ocel.problems_of(json.loads((tmp_path / "json").read_bytes())) == []
    assert ocel.problems_of_database(tmp_path / "sqlite") == []


def test_names_are_only_written_when_asked_for(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "log"
    run(shell, "xes", "--out", str(path), "--reason", "ทบทวน", "--names")

    assert 'key="people" value="user names"' in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--reason", " "], 1, "reason"),
        (["--reason", "x", "--office", "XX"], 1, "no such office"),
        (["--reason", "x", "--from", "2026-11-20", "--to", "2026-11-01"], 1, "ends before"),
        (["--reason", "x", "--from", "yesterday"], 2, "--from"),
        ([], 2, "--reason"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    shell: Shell, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    result = run(shell, "xes", "--out", str(tmp_path / "log.xes"), *arguments)

    assert result.exit_code == code
    assert said in result.stderr
    assert list(tmp_path.glob("log*")) == []


def test_a_file_that_cannot_be_written_is_a_sentence(shell: Shell, tmp_path: Path) -> None:
    result = run(shell, "xes", "--out", str(tmp_path / "nowhere" / "log.xes"), "--reason", "x")

    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
