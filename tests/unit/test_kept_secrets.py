"""A secret that is made once."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from osm_flow.kept_secrets import kept_secret


def test_it_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "secret"
    first = kept_secret(path)
    assert len(bytes.fromhex(first)) == 32
    assert kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


def test_programs_that_start_together_read_the_same_one(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(_: int) -> str:
        together.wait()
        return kept_secret(tmp_path / "secret")

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(start, range(8)))
    assert len(found) == 1
    assert found == {(tmp_path / "secret").read_text(encoding="ascii")}


def test_a_program_that_dies_while_it_writes_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(OSError, match="no space left"):
        kept_secret(tmp_path / "secret")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert len(kept_secret(tmp_path / "secret")) == 64
