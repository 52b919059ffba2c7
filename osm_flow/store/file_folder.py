"""A folder of files, each under the SHA-256 of its bytes: whole or not there, read-only, never changed.

A name is two letters, a slash and the other 62: every file system takes it. A file is written beside its place, brought to
the disk and only then given its name, so that a crash leaves at most a file that nobody looks for.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time

_PLACE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")
_UNFINISHED = ".new"
_PIECE = 1024 * 1024


class FileFolder:
    """The files below one folder, which is made with the first of them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Where the file with this digest lies. Raises ValueError for what is no digest: it comes from a row."""
        if not _PLACE.fullmatch(f"{digest[:2]}/{digest[2:]}"):
            raise ValueError("no digest")
        return self.root / digest[:2] / digest[2:]

    def holds(self, digest: str) -> bool:
        """Whether the file is there with the bytes of its name; reads it whole, a piece at a time."""
        return self.found(digest) == digest

    def found(self, digest: str) -> str | None:
        """The digest of the bytes that lie there; None where they are missing or cannot be read."""
        try:
            with self.path(digest).open("rb") as file:
                lying = sha256()
                while piece := file.read(_PIECE):
                    lying.update(piece)
                return lying.hexdigest()
        except (OSError, ValueError):
            return None

    def read(self, digest: str) -> bytes:
        """The bytes that lie there, whatever they are. Raises OSError, ValueError."""
        return self.path(digest).read_bytes()

    def write(self, content: bytes) -> str:
        """Have the bytes on the disk, and give their digest; what is there already stays and counts as new. Raises OSError."""
        digest = sha256(content).hexdigest()
        path = self.path(digest)
        if self.holds(digest):
            with suppress(OSError):  # a file system that keeps no times, or of somebody else
                os.utime(path)
            return digest
        is_new = not path.parent.exists()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{secrets.token_hex(16)}{_UNFINISHED}")
        try:
            _write(unfinished, content)
            # What lies there is damaged; Windows does not put a file in the place of one that may only be read.
            _delete(path)
            unfinished.rename(path)
        finally:
            _delete(unfinished)
        to_disk(path.parent)
        if is_new:
            to_disk(self.root)
        return digest

    def delete(self, digest: str) -> None:
        """Take the file away, if it is there. Raises OSError where it cannot be taken away, ValueError for what is no digest."""
        path = self.path(digest)
        _delete(path)
        if path.exists():
            raise OSError(f"{path} cannot be deleted")

    def digests(self, *, older_than: float = 0) -> Iterator[str]:
        """The digests of the files that have lain here for that many seconds, in their order."""
        for path in self._paths(older_than):
            if _PLACE.fullmatch(path.relative_to(self.root).as_posix()):
                yield path.parent.name + path.name

    def drop_unfinished(self, *, older_than: float) -> int:
        """Take away what was never finished: whoever wrote it died. How many there were."""
        left = [path for path in self._paths(older_than) if path.name.endswith(_UNFINISHED)]
        for path in left:
            _delete(path)
        return len(left)

    def _paths(self, older_than: float) -> Iterator[Path]:
        before = time() - older_than
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            for path in sorted(folder.iterdir()):
                with suppress(FileNotFoundError):  # somebody else takes it away
                    if path.stat().st_mtime <= before:
                        yield path


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with open(handle, "wb") as file:  # noqa: PTH123 (a handle, no path)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(stat.S_IRUSR)


def _delete(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
        return
    with suppress(OSError):  # Windows deletes nothing that may only be read
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        path.unlink()


def to_disk(path: Path) -> None:
    """Have a file or a folder written to the disk for good, where the system can."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # Windows opens no folder
        return
    try:
        os.fsync(handle)
    except OSError:  # some systems cannot sync a folder
        return
    finally:
        os.close(handle)
