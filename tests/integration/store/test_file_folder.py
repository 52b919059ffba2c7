"""A folder of files keeps each whole under its digest, or not at all, whatever ends the writing."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from osm_flow.store import file_folder
from osm_flow.store.file_folder import FileFolder
from tests.together import at_once

CONTENT = b"minutes of a meeting" * 1000
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> FileFolder:
    return FileFolder(tmp_path / "osm.db-files")


def lying(folder: FileFolder) -> list[str]:
    return sorted(path.relative_to(folder.root).as_posix() for path in folder.root.rglob("*") if path.is_file())


def test_a_file_lies_under_its_digest_for_its_owner_alone(folder: FileFolder) -> None:
    assert folder.write(CONTENT) == DIGEST == folder.write(CONTENT)

    assert lying(folder) == [f"{DIGEST[:2]}/{DIGEST[2:]}"]
    assert (folder.read(DIGEST), list(folder.digests())) == (CONTENT, [DIGEST])
    assert stat.S_IMODE(folder.path(DIGEST).stat().st_mode) == 0o400
    assert stat.S_IMODE(folder.path(DIGEST).parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_written_anew(folder: FileFolder) -> None:
    folder.write(CONTENT)
    folder.path(DIGEST).chmod(0o600)
    folder.path(DIGEST).write_bytes(CONTENT[:-1])
    assert folder.found(DIGEST) not in (DIGEST, None)

    folder.write(CONTENT)

    assert folder.holds(DIGEST)


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_what_ends_the_writing_leaves_nothing_under_the_name(
    folder: FileFolder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "write":
        monkeypatch.setattr(file_folder, "_write", broken)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", broken)
    else:
        monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="No space"):
        folder.write(CONTENT)
    monkeypatch.undo()

    assert (folder.found(DIGEST), lying(folder)) == (None, [])
    assert folder.write(CONTENT) == DIGEST


def test_what_was_never_finished_goes_once_it_is_old(folder: FileFolder) -> None:
    folder.write(CONTENT)
    unfinished = folder.path(DIGEST).with_name("aa.0123.new")
    unfinished.write_bytes(b"half")

    assert folder.drop_unfinished(older_than=60) == 0
    assert list(folder.digests(older_than=60)) == []
    assert folder.drop_unfinished(older_than=0) == 1
    assert list(folder.digests()) == [DIGEST]


def test_several_who_write_the_same_at_once_leave_it_whole(folder: FileFolder) -> None:
    at_once(*[lambda: [folder.write(CONTENT) for _ in range(5)]] * 4)

    assert folder.holds(DIGEST)
    assert lying(folder) == [f"{DIGEST[:2]}/{DIGEST[2:]}"]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, DIGEST.upper(), f"{DIGEST[:60]}/../"])
def test_what_is_no_digest_is_no_path(folder: FileFolder, name: str) -> None:
    with pytest.raises(ValueError, match="no digest"):
        folder.path(name)
    assert folder.found(name) is None


def test_a_deleted_file_is_gone_and_may_be_deleted_again(folder: FileFolder) -> None:
    folder.write(CONTENT)

    folder.delete(DIGEST)
    folder.delete(DIGEST)

    assert lying(folder) == []
