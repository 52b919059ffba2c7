"""Names that stand for people in files that leave the office: always the same one, and nobody outside can tell whose."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

Naming = Callable[[str], str]

_FILE = "pseudonyms.key"


def kept_key(folder: Path) -> bytes:
    """The secret of this installation behind its pseudonyms; made once and kept, readable for its owner only."""
    path = folder / "keys" / _FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return bytes.fromhex(path.read_text(encoding="ascii"))


def pseudonyms(key: bytes) -> Naming:
    """Gives each name its pseudonym (`p-4f1c…`). Without the key a list of guessed names tells nothing."""
    known: dict[str, str] = {}

    def name(real: str) -> str:
        if real not in known:
            known[real] = f"p-{hmac.new(key, real.encode(), sha256).hexdigest()[:16]}"
        return known[real]

    return name
