"""The command line as a whole: which commands there are, how they answer, and what they say of trouble."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from osm_flow.cli import root
from osm_flow.errors import Refused
from osm_flow.store.session import Store
from tests.integration.cli.shell import Shell

# They print something else than a value: a page of a server, figures, the file itself, or a single line.
WITHOUT_JSON = {
    *("audit export", "bench", "case export", "serve"),
    *("privacy hold", "privacy lift"),
    *("user lock", "user password", "user unlock"),
    *("user number", "user other-person", "user same-person"),
}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, arguments, prog_name="osm-flow")


def commands(group: click.Group = root, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_command_is_listed_with_what_it_does() -> None:
    told = run("--help").stdout.partition("Commands:")[2]
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in told.strip().splitlines()}

    assert list(listed) == sorted(listed)
    assert listed.keys() == set(root.list_commands(click.Context(root)))
    assert all(text.endswith(".") for text in listed.values())


def test_every_command_says_what_it_does_when_asked() -> None:
    assert {path for path, command in commands() if not (command.help or "").strip().endswith(".")} == set()
    for path, _ in commands():
        shown = run(*path.split(), "--help")
        assert shown.exit_code == 0, path
        assert shown.stdout.startswith(f"Usage: osm-flow {path} "), path


def test_programs_can_read_what_commands_say() -> None:
    without = {path for path, command in commands() if not any("--json" in option.opts for option in command.params)}

    assert without == WITHOUT_JSON


def test_a_command_is_found_in_the_module_of_its_name() -> None:
    for name in root.list_commands(click.Context(root)):
        assert root.get_command(click.Context(root), name) is getattr(import_module(f"osm_flow.cli.{name}"), name)


def test_a_command_that_is_not_there_is_misuse() -> None:
    # Modules of the package that are no commands are not found by their names either.
    for name in ("no-such-command", "context", "benchmarks", "case_proof", "__init__"):
        result = run(name)
        assert (result.exit_code, result.stdout) == (2, ""), name
        assert "No such command" in result.stderr, name


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"osm-flow, version {version('osm-flow')}\n"


def test_listing_the_commands_imports_none_of_them() -> None:
    code = (
        "import sys; from osm_flow.cli import root; root(['--help'], standalone_mode=False); "
        "print(*sorted(name for name in sys.modules if name.startswith(('osm_flow.cli.', 'osm_flow.web', 'alembic'))))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.splitlines()[-1].split() == ["osm_flow.cli.context", "osm_flow.cli.failures"]


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    return Shell(sqlite_store, tmp_path)


# ---- trouble ---------------------------------------------------------------------------------------------------


class PowerIsOut(Refused):
    """The power is out at {place}."""


def test_an_error_on_purpose_is_one_sentence(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PowerIsOut(place="อุดรธานี")

    monkeypatch.setattr(shell.context, "clock", fail)

    assert shell.refused("incident", "retry", "1") == "Error: The power is out at อุดรธานี.\n"


def test_a_fault_of_the_program_is_seen_whole(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(shell.context, "clock", fail)

    assert isinstance(shell.run("incident", "retry", "1").exception, ZeroDivisionError)
