"""The text of a checkpoint: what is read is what was written, in its one spelling, and nothing else is read."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from osm_flow.domain.merkle_note import (
    LONGEST,
    Head,
    Note,
    NoteUnreadable,
    Signature,
    VerifierKey,
    is_name,
    key_hash,
    read_head,
    read_key,
    read_keys,
    read_note,
)

ROOT = sha256(b"root").digest()
ROOT64 = base64.b64encode(ROOT).decode()
SIGNATURE = Signature("osm.example/journal", b"\x01\x02\x03\x04", b"s" * 64)
HEAD = Head("osm.example/journal", 7, ROOT)
NOTE = Note(str(HEAD), (SIGNATURE,))

# The example of the signed-note specification, and the key of a public log that everybody can look up.
PUBLISHED = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLIC_LOG = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


def reason(raw: str | bytes) -> str:
    """Why a text is no note, or no checkpoint in one."""
    with pytest.raises(NoteUnreadable) as raised:
        read_head(read_note(raw))
    return str(raised.value.reason)


# ---- what others have written ----------------------------------------------------------------------------------------


def test_a_note_that_others_published_is_read_and_its_signature_holds() -> None:
    note, key = read_note(PUBLISHED), read_key(PUBLISHED_KEY)
    (signature,) = note.signatures

    assert str(note) == PUBLISHED
    assert (signature.name, signature.key_id) == ("PeterNeumann", key.key_id)
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature.value, note.text.encode())


@pytest.mark.parametrize("text", [PUBLISHED_KEY, PUBLIC_LOG])
def test_a_published_key_has_the_hash_that_stands_in_it(text: str) -> None:
    key = read_key(text)

    assert str(key) == text
    assert key.key_id == text.split("+")[1] == key_hash(key.name, key.public).hex()


# ---- there and back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        HEAD,
        Head("osm.example/journal", 0, ROOT),
        Head("osm.example/journal", 10**18, ROOT, ("an extension", "another one")),
        Head("สำนักงาน", 1, ROOT),
    ],
)
def test_a_head_is_read_as_it_was_written(head: Head) -> None:
    note = Note(str(head), (SIGNATURE,))

    assert read_note(str(note)) == note
    assert read_note(str(note).encode()) == note
    assert read_head(note) == head


def test_signatures_keep_their_order_and_what_they_are() -> None:
    other = Signature("สตง.", b"\xff" * 4, b"w" * 76)
    note = Note(str(HEAD), (SIGNATURE, other))

    assert read_note(str(note)).signatures == (SIGNATURE, other)
    assert other.key_id == "ffffffff"


def test_a_blank_line_in_the_text_belongs_to_the_text() -> None:
    note = Note("first\n\nlast\n", (SIGNATURE,))

    assert read_note(str(note)) == note


def test_a_key_is_read_as_it_was_written() -> None:
    key = VerifierKey("osm.example/journal", b"k" * 32)

    assert read_key(str(key)) == key
    assert read_key(f"  {key}\n") == key
    assert read_key(str(key).replace(key.key_id, key.key_id.upper())) == key


def test_the_hash_of_a_key_is_of_its_name_too() -> None:
    assert key_hash("a", b"k" * 32) != key_hash("b", b"k" * 32)
    assert VerifierKey("a", b"k" * 32).key_hash == key_hash("a", b"k" * 32)


def test_keys_are_listed_one_a_line_with_remarks_between_them() -> None:
    lines = ["# ours", PUBLISHED_KEY, "", "   ", PUBLIC_LOG + "\n"]

    assert [key.name for key in read_keys(lines)] == ["PeterNeumann", "sum.golang.org"]


# ---- what is none ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "no signature below a blank line"),
        (str(HEAD), "no signature below a blank line"),
        (str(NOTE)[:-1], "no signature below a blank line"),
        (str(NOTE).replace("\n\n", "\n"), "no signature below a blank line"),
        (str(NOTE) + "\n", "no signature below a blank line"),
        (str(NOTE).replace("— ", "- "), "not a dash, a name and a signature"),
        (str(NOTE).replace("osm.example/journal ", "osm+example "), "not a dash, a name and a signature"),
        (str(HEAD) + "\n— osm.example/journal\n", "too short"),
        (str(HEAD) + "\n— osm.example/journal AQIDBA==\n", "too short"),
        (str(HEAD) + "\n— osm.example/journal not/base64!\n", "not Base64"),
        (str(NOTE).replace("osm", "o\rm"), "control character"),
        (str(NOTE).replace("osm", "o\tm"), "control character"),
        (str(NOTE).replace("osm", "o\x7fm"), "control character"),
        (b"\xff\xfe" + str(NOTE).encode(), "not UTF-8"),
        ("x" * LONGEST + str(NOTE), "too long"),
    ],
)
def test_what_is_no_signed_note_is_refused_with_its_reason(raw: str | bytes, why: str) -> None:
    assert why in reason(raw)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("osm\n7\n", "first three lines"),
        (f"\n7\n{ROOT64}\n", "first three lines"),
        (f"osm\n7\n{ROOT64}\n\nmore\n", "first three lines"),
        (f"osm\n07\n{ROOT64}\n", "size is not a number"),
        (f"osm\n-7\n{ROOT64}\n", "size is not a number"),
        (f"osm\n7 \n{ROOT64}\n", "size is not a number"),
        (f"osm\n๗\n{ROOT64}\n", "size is not a number"),
        (f"osm\n{10**19}\n{ROOT64}\n", "size is not a number"),
        ("osm\n7\nAAAA\n", "not a SHA-256 digest"),
        (f"osm\n7\n{ROOT64[:-1]}\n", "not Base64"),
        (f"osm\n7\n{ROOT64[:-2]}{chr(ord(ROOT64[-2]) + 1)}=\n", "one spelling"),
    ],
)
def test_a_note_that_is_no_checkpoint_is_refused_with_its_reason(text: str, why: str) -> None:
    assert why in reason(str(Note(text, (SIGNATURE,))))


def test_a_note_may_be_as_long_as_the_limit() -> None:
    text = str(NOTE)
    padded = "x" * (LONGEST - len(text)) + text

    assert str(read_note(padded)) == padded


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name+hash+base64"),
        ("PeterNeumann+c74f20a3", "name+hash+base64"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "name+hash+base64"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "name+hash+base64"),
        ("PeterNeumann+c74f20a3+AxpcQQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not an Ed25519 key"),
        ("PeterNeumann+c74f20a3+ARpc2Q==", "not an Ed25519 key"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not have the hash"),
        ("Somebody+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not have the hash"),
        ("PeterNeumann+c74f20a3+no base", "not Base64"),
    ],
)
def test_what_is_no_key_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(NoteUnreadable) as raised:
        read_key(text)
    assert why in str(raised.value)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("osm.example.go.th/journal", True),
        ("สำนักงาน", True),
        ("x" * 255, True),
        ("x" * 256, False),
        ("", False),
        ("two words", False),
        ("a+b", False),
        ("a\nb", False),
        ("a\u00a0b", False),
        ("a\u202eb", False),
    ],
)
def test_a_name_is_one_printable_word_without_a_plus_sign(name: str, is_one: bool) -> None:
    assert is_name(name) is is_one
