"""The keys of one machine: who may read them, which are trusted, what they sign and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from osm_flow.domain.merkle_note import Note
from osm_flow.operations.audit.signing_keys import (
    KeyMissing,
    Keyring,
    KeyUnreadable,
    OriginNotAccepted,
    origin_of,
    sign,
    signed_by,
)

ORIGIN = "osm.example.go.th/journal"


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", ORIGIN)


def test_private_keys_are_for_their_owner_alone(keyring: Keyring) -> None:
    keyring.make(ORIGIN)
    (pem,) = keyring.folder.glob("*.pem")

    assert pem.stat().st_mode & 0o777 == 0o600
    assert keyring.folder.stat().st_mode & 0o777 == 0o700


def test_what_is_made_here_is_trusted_here(keyring: Keyring, tmp_path: Path) -> None:
    assert keyring.trusted() == []

    made = [keyring.make(ORIGIN), keyring.make(ORIGIN)]

    assert keyring.trusted() == made
    assert [keyring.has(key.key_id) for key in made] == [True, True]
    assert Keyring(tmp_path / "elsewhere", ORIGIN).trusted() == []
    assert keyring.copies == tmp_path / "checkpoints"


@pytest.mark.parametrize("name", ["", "two words", "a+b", "x" * 256])
def test_a_log_whose_name_is_no_word_gets_no_key(keyring: Keyring, name: str) -> None:
    with pytest.raises(OriginNotAccepted):
        keyring.make(name)

    assert not keyring.folder.exists()


def test_a_signature_is_of_one_text_by_one_key(keyring: Keyring) -> None:
    mine, other = keyring.make(ORIGIN), keyring.make(ORIGIN)
    text = f"{ORIGIN}\n1\nAAAA\n"

    note = sign(text, mine, keyring)

    assert signed_by(note, mine) is True
    assert signed_by(note, other) is None
    assert signed_by(Note(text.replace("1", "2"), note.signatures), mine) is False
    assert signed_by(Note(text, ()), mine) is None


def test_a_key_that_is_elsewhere_is_named(keyring: Keyring, tmp_path: Path) -> None:
    key = Keyring(tmp_path / "elsewhere", ORIGIN).make(ORIGIN)

    with pytest.raises(KeyMissing, match=key.key_id):
        keyring.private(key)


@pytest.mark.parametrize(
    "content", [b"", b"no key at all", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key_signs_nothing(keyring: Keyring, content: bytes) -> None:
    key = keyring.make(ORIGIN)
    (keyring.folder / f"{key.key_id}.pem").write_bytes(content)

    with pytest.raises(KeyUnreadable, match=key.key_id):
        sign("x\n", key, keyring)


def test_a_key_of_another_kind_signs_nothing(keyring: Keyring) -> None:
    key = keyring.make(ORIGIN)
    other = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 (read, never used)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (keyring.folder / f"{key.key_id}.pem").write_bytes(pem)

    with pytest.raises(KeyUnreadable):
        keyring.private(key)


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://osm.example.go.th", "osm.example.go.th/journal"),
        ("http://localhost:8000/", "localhost:8000/journal"),
        ("https://example.go.th/osm/", "example.go.th/osm/journal"),
        ("https://somebody:secret@example.go.th", "example.go.th/journal"),
    ],
)
def test_a_log_is_called_after_the_address_of_its_site(base_url: str, origin: str) -> None:
    assert origin_of(base_url) == origin
