"""docs/asvs.md judges each requirement once, and what it names as evidence is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.asvs import DOCUMENT, REQUIREMENTS, VERDICTS, WORKS, Line, lines, summary, written

ROOT = Path(__file__).parent.parent
TEXT = DOCUMENT.read_text(encoding="utf-8")
LINES = lines(TEXT)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file; none in a file that is not there."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) if node.name[:5] == "test_"
    )


def is_there(evidence: str) -> bool:
    """Whether a file or, behind `::`, a test of this name is in the repository."""
    path, _, name = evidence.partition("::")
    return name in names_in(path) if name else (ROOT / path).is_file()


def faults_of(line: Line) -> list[str]:
    """What a line does not say, or says without ground."""
    has_test = any(name.startswith("tests/") for name in line.evidence)
    claims = [
        (line.verdict in VERDICTS, "no such verdict"),
        (REQUIREMENTS.get(line.number) == line.level, "no such requirement of this level"),
        (all(map(is_there, line.evidence)), "evidence that is not there"),
        (line.verdict not in {"holds", "partly"} or bool(line.evidence), "no evidence"),
        (line.verdict != "holds" or has_test or "no test" in line.told, "no test, nor a word that there is none"),
        (line.verdict != "holds" or not line.work, "holds, and yet something is missing"),
        (line.verdict not in {"partly", "missing"} or line.work in WORKS, "no work that brings what is missing"),
        (line.verdict != "does not apply" or 1 < len(line.told.split()) <= 4, "no reason in a few words"),
        (line.verdict != "does not apply" or not line.work, "does not apply, and yet something is missing"),
    ]
    return [fault for holds, fault in claims if not holds]


def test_every_requirement_is_judged_once_in_its_order() -> None:
    assert len(REQUIREMENTS) == 273
    assert [line.number for line in LINES] == list(REQUIREMENTS)


@pytest.mark.parametrize("line", LINES, ids=[line.number for line in LINES])
def test_a_verdict_has_its_grounds(line: Line) -> None:
    assert faults_of(line) == []


def test_the_summary_is_that_of_the_lines() -> None:
    assert summary(LINES) in TEXT, "write it anew: python -m tests.asvs"
    assert written(TEXT) == TEXT


@pytest.mark.parametrize(
    ("told", "verdict", "fault"),
    [
        ("", "holds", "no evidence"),
        ("`osm_flow/app.py`", "holds", "no test, nor a word that there is none"),
        ("`osm_flow/no_such_module.py`, `tests/test_asvs.py`", "holds", "evidence that is not there"),
        ("`tests/test_asvs.py::test_that_nobody_wrote`", "holds", "evidence that is not there"),
        ("`tests/test_asvs.py`. It rains → authority", "holds", "holds, and yet something is missing"),
        ("`osm_flow/app.py`. It rains", "partly", "no work that brings what is missing"),
        ("It rains → some day", "missing", "no work that brings what is missing"),
        ("nothing", "does not apply", "no reason in a few words"),
        ("`tests/test_asvs.py`", "perhaps", "no such verdict"),
    ],
)
def test_a_line_without_ground_is_found(told: str, verdict: str, fault: str) -> None:
    assert fault in faults_of(Line("1.1.1", 2, "x", verdict, told))


def test_a_line_that_cannot_be_read_is_found() -> None:
    with pytest.raises(ValueError, match=r"1\.1\.2"):
        lines("| 1.1.1 | 2 | x | holds | y |\n| 1.1.2 | two | x | holds | y |\n")
