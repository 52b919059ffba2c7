"""The table of the forms of event logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from osm_flow.cli.mining import mining
from osm_flow.documents.event_logs import LOG_FORMS, forms_by_command
from tests.unit.documents.test_ocel import Sample


def test_commands_write_the_forms_of_the_table_in_its_order() -> None:
    assert forms_by_command() == {"xes": ["xes"], "ocel": ["json", "sqlite"]}


@pytest.mark.parametrize("name", ["json", "sqlite"])
def test_each_form_says_how_much_it_wrote(name: str, tmp_path: Path) -> None:
    assert LOG_FORMS[name].write(tmp_path / "log", {}, Sample()) == (3, 3)  # type: ignore[arg-type]


def test_a_form_in_the_table_is_a_command_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOG_FORMS, "csv", replace(LOG_FORMS["xes"], command="csv", standard="CSV"))
    monkeypatch.setitem(LOG_FORMS, "yaml", replace(LOG_FORMS["json"], command="csv"))

    said = CliRunner().invoke(mining, ["csv", "--help"]).output

    assert "Write an event log of cases as CSV." in said
    assert "[csv|yaml]" in said
    assert "[default: csv]" in said
    assert [line.split()[0] for line in CliRunner().invoke(mining, []).output.splitlines()[-3:]] == [
        "csv",
        "ocel",
        "xes",
    ]
