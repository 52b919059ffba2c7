"""Names that stand for people: always the same one here, another one elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from osm_flow.operations.privacy.pseudonyms import kept_key, pseudonyms


def test_a_pseudonym_is_the_same_each_time_and_another_elsewhere(tmp_path: Path) -> None:
    here, there = kept_key(tmp_path / "a"), kept_key(tmp_path / "b")

    assert kept_key(tmp_path / "a") == here != there
    assert (tmp_path / "a" / "keys" / "pseudonyms.key").stat().st_mode & 0o077 == 0
    assert pseudonyms(here)("anan") == pseudonyms(here)("anan") != pseudonyms(there)("anan")


def test_a_pseudonym_looks_like_one_and_gives_nothing_of_the_name_away() -> None:
    name = pseudonyms(b"k" * 32)

    assert all(re.fullmatch(r"p-[0-9a-f]{16}", name(real)) for real in ("anan", "สมชาย ใจดี", ""))
    assert len({name(real) for real in ("anan", "anan ", "Anan", "สมชาย ใจดี", "")}) == 5


def test_a_list_of_guessed_names_tells_nothing_without_the_key() -> None:
    plain = hashlib.sha256(b"anan").hexdigest()[:16]

    assert pseudonyms(b"k" * 32)("anan") != f"p-{plain}"
    assert pseudonyms(b"k" * 32)("anan") != pseudonyms(b"")("anan")
