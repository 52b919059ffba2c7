"""Where the diagrams, forms and templates lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from osm_flow import resources
from osm_flow.resources import resource_dir


@pytest.mark.parametrize(
    ("name", "file"), [("bpmn", "annual_cycle.bpmn"), ("forms", "approval.yaml"), ("templates", "base.html")]
)
def test_each_folder_is_found_with_what_belongs_in_it(name: str, file: str) -> None:
    assert (resource_dir(name) / file).is_file()


def test_what_came_with_the_wheel_goes_before_what_lies_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "osm_flow"
    (tmp_path / "bpmn").mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resource_dir("bpmn") == tmp_path / "bpmn"

    (package / "_data" / "bpmn").mkdir(parents=True)
    assert resource_dir("bpmn") == package / "_data" / "bpmn"
    assert resource_dir("forms") == tmp_path / "forms"
