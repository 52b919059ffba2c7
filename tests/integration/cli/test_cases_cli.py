"""Cases, processes, incidents and the database from the command line, as its user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from osm_flow.cli import root
from osm_flow.cli.context import Context, Mail
from osm_flow.store.session import Store
from tests.factories import BPMN, NOW, make_office

FORMS = [str(BPMN / "note.yaml"), str(BPMN / "decision.yaml")]


class Shell:
    """Runs commands against one database."""

    def __init__(self, url: str, folder: Path) -> None:
        self.context = Context(
            database_url=url, data_dir=folder, base_url="http://127.0.0.1:8000", timezone=ZoneInfo("Asia/Bangkok"),
            mail=Mail("", "osm@example.org"), clock=lambda: NOW, make_app=_no_site,
        )  # fmt: skip

    @property
    def store(self) -> Store:
        return self.context.store

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(root, arguments, obj=self.context)

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


def _no_site(*_: object) -> Any:
    raise AssertionError("no command here needs the site")


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    shell = Shell(sqlite_store.engine.url.render_as_string(hide_password=False), tmp_path)
    with shell.store.transaction() as session:
        make_office(session)
    return shell


@pytest.fixture
def deployed(shell: Shell) -> Shell:
    shell.json("process", "deploy", str(BPMN / "review.bpmn"), str(BPMN / "broken.bpmn"), *FORMS)
    return shell


def start(shell: Shell, **more: str) -> Any:
    options = [part for name, value in more.items() for part in (f"--{name}", value)]
    return shell.json(
        "case", "start", "review", "--office", "NE-U1", "--fiscal-year", "2571", "--title", "แผน", *options
    )


def test_the_database_is_upgraded_once(tmp_path: Path) -> None:
    shell = Shell(f"sqlite:///{tmp_path / 'var' / 'new.db'}", tmp_path)

    first, second = shell.json("db", "upgrade"), shell.json("db", "upgrade")

    assert first["applied"][0] == "0001"
    assert second == {"applied": [], "revision": first["revision"]}
    shell.store.close()


def test_processes_are_deployed_and_listed(shell: Shell) -> None:
    done = shell.json("process", "deploy", str(BPMN / "review.bpmn"), *FORMS)
    again = shell.json("process", "deploy", str(BPMN / "review.bpmn"), *FORMS)

    assert [(one["key"], one["version"]) for one in done["deployed"]] == [("review", 1)]
    assert (again["deployed"], again["unchanged"]) == ([], ["review"])
    listed = shell.json("process", "list")
    assert ([item["key"] for item in listed["items"]], listed["next"]) == (["review"], None)


def test_a_refused_deployment_explains_and_ends_with_1(shell: Shell) -> None:
    result = shell.run("process", "deploy", str(BPMN / "review.bpmn"))

    assert result.exit_code == 1
    assert "draft" in result.stderr
    assert shell.json("process", "list")["items"] == []


def test_a_case_from_start_to_proof(deployed: Shell) -> None:
    begun = start(deployed, key="k1")
    again = start(deployed, key="k1")

    shown = deployed.json("case", "show", begun["id"])
    listed = deployed.json("case", "list", "--state", "open")
    replayed = deployed.json("case", "replay", begun["id"])
    assert again["id"] == begun["id"]
    assert (shown["business_key"], shown["tokens"]) == (
        "REV-NE-U1-2571-01", [{"element": "draft", "count": 1, "overdue": 0}],
    )  # fmt: skip
    assert [(one["element"], one["name"], one["subject"], one["assignee"]) for one in shown["open"]] == [
        ("draft", "ร่างแผน", "", None),
    ]  # fmt: skip
    assert ([item["id"] for item in listed["items"]], listed["next"]) == ([begun["id"]], None)
    assert [(one["kind"], one["waiting"]) for one in replayed["items"]] == [("case.started", ["draft"])]
    assert deployed.json("case", "verify", "--all") == {"cases": 1, "faulty": 0, "faults": []}


def test_a_forged_history_ends_with_1_and_names_the_record(deployed: Shell) -> None:
    begun = start(deployed)
    with deployed.store.transaction() as session:
        session.execute(text("DROP TRIGGER refuse_update_of_journal_records"))
        session.execute(text("UPDATE journal_records SET actor = 'mallory'"))

    result = deployed.run("case", "verify", "--all", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"][0]["seq"] == 1
    assert f"{begun['id']} record 1: hash" in result.stderr


def test_an_export_is_whole(deployed: Shell, tmp_path: Path) -> None:
    begun = start(deployed)
    target = tmp_path / "case.json"

    assert deployed.run("case", "export", begun["id"], "--output", str(target)).exit_code == 0

    document = json.loads(target.read_text("utf-8"))
    assert (document["case"]["id"], len(document["records"])) == (begun["id"], 1)


def test_cases_are_paged(deployed: Shell) -> None:
    for _ in range(3):
        start(deployed)

    first = deployed.json("case", "list", "--limit", "2")
    second = deployed.json("case", "list", "--limit", "2", "--after", first["next"])

    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("case", "show", "none"), 1),
        (("case", "verify", "none"), 1),
        (("case", "verify"), 2),
        (("case", "verify", "x", "--all"), 2),
        (("case", "list", "--after", "made-up"), 1),
        (("case", "start", "review", "--office", "nowhere", "--fiscal-year", "2571"), 1),
        (("case", "start", "review", "--office", "NE-U1", "--fiscal-year", "2571", "--data", "[]"), 2),
        (("case", "start", "review", "--office", "NE-U1", "--fiscal-year", "2571", "--as", "nobody"), 1),
        (("case", "start", "unknown", "--office", "NE-U1", "--fiscal-year", "2571"), 1),
        (("process", "deploy"), 2),
        (("incident", "retry", "99"), 1),
    ],
)
def test_refusals_and_wrong_use(deployed: Shell, arguments: tuple[str, ...], code: int) -> None:
    result = deployed.run(*arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr


def test_incidents_are_listed_and_those_without_anything_to_retry_say_so(deployed: Shell) -> None:
    from osm_flow.operations.incidents import open_incident

    case_id = start(deployed)["id"]
    number = open_incident(deployed.store, case_id, NOW, kind="engine", message="เงื่อนไขเสีย", element="which")

    (item,) = deployed.json("incident", "list")["items"]
    assert (item["id"], item["case_id"], item["element"], item["message"]) == (number, case_id, "which", "เงื่อนไขเสีย")
    refused = deployed.run("incident", "retry", str(number))
    assert (refused.exit_code, "nothing to try again" in refused.stderr) == (1, True)
