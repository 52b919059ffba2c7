"""Somebody at the command line of one installation. Commands run in this process, through the program's own group."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from click.testing import CliRunner, Result
from sqlalchemy import func, select

from osm_flow.cli import root
from osm_flow.cli.context import Context
from osm_flow.store.models import JournalRecord
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office

PASSWORD = "a long enough one"
# Stands in what somebody typed into the case that `case_id` names.
NAME = "นายสมชาย ใจดี"


def no_site(*_: object) -> Any:
    raise AssertionError("no command here needs the site")


class Shell:
    """Runs commands against a database, which is given as a store or by its address."""

    def __init__(self, where: Store | str, folder: Path, *, now: datetime = NOW) -> None:
        address = where if isinstance(where, str) else where.url.render_as_string(hide_password=False)
        self.context = Context(
            database_url=address,
            data_dir=folder,
            base_url="https://osm.example.go.th",
            timezone=ZoneInfo("Asia/Bangkok"),
            clock=lambda: now,
            make_app=no_site,
        )
        if isinstance(where, Store):
            self.context.__dict__["store"] = where

    @property
    def store(self) -> Store:
        return self.context.store

    @property
    def url(self) -> str:
        return self.context.database_url

    def run(self, *arguments: object, input: str | None = None) -> Result:  # noqa: A002 (click's word for it)
        words = [str(argument) for argument in arguments]
        program = CliRunner(env={"OSM_NEW_PASSWORD": PASSWORD})
        return program.invoke(root, words, obj=self.context, prog_name="osm-flow", input=input)

    def json(self, *arguments: object) -> Any:
        """What the command prints with --json."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def refused(self, *arguments: object) -> str:
        """The one sentence with which the command was refused."""
        return sentence_of(self.run(*arguments))


def sentence_of(result: Result) -> str:
    """The one line that was said instead of doing anything: exit code 1, and no traceback."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), "a traceback"
    assert result.stderr.startswith("Error: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


def options(**given: object) -> list[str]:
    """`--name value` for each of these."""
    return [part for name, value in given.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def with_timers(store: Store) -> None:
    """A case that waits for three timers: tomorrow, the day after and the day after that."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "three_timers")
        make_case(session, "three_timers")


def fired_timers(store: Store) -> int:
    with store.reading() as session:
        query = select(func.count()).select_from(JournalRecord).where(JournalRecord.kind == "timer.fired")
        return session.scalar(query) or 0
