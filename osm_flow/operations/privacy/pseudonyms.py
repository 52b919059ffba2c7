"""Pseudonyms of people in files that leave the office: one for each person, and nobody outside can tell whose."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from osm_flow.kept_secrets import kept_secret

Naming = Callable[[str], str]

_FILE = "pseudonyms.key"


def kept_key(folder: Path) -> bytes:
    """The secret of this installation behind its pseudonyms; made once and kept, readable for its owner only."""
    return bytes.fromhex(kept_secret(folder / "keys" / _FILE))


def pseudonyms(key: bytes) -> Naming:
    """The function that gives each name its pseudonym (`p-4f1c…`) under this key."""
    known: dict[str, str] = {}

    def name(real: str) -> str:
        if real not in known:
            known[real] = f"p-{hmac.new(key, real.encode(), sha256).hexdigest()[:16]}"
        return known[real]

    return name
