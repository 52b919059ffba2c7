"""The parts of `verify.py` that it writes itself, against the libraries that the product uses."""

from __future__ import annotations

import ast
import base64
import json
import random
import sys
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_flow.domain.merkle_note import Head, Note, Signature, VerifierKey
from osm_flow.operations.audit.merkle_tree import root_of
from tests import rfc6962
from tests.bundles import SCRIPT, checker

verify = checker()
EXACT = 2**53 - 1
NUMBERS = st.integers(-EXACT, EXACT) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def test_it_uses_the_standard_library_only_and_nothing_of_ours() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


# ---- canonical JSON ----------------------------------------------------------------------------------------------


@given(VALUES)
@settings(max_examples=400)
def test_canonical_json_is_that_of_rfc_8785(value: Any) -> None:
    try:
        expected = rfc8785.dumps(value).decode()
    except UnicodeEncodeError:
        with pytest.raises(verify.Wrong):
            verify.canonical(value)
        return
    if "\0" in json.dumps(value, ensure_ascii=False) or "\\u0000" in expected:
        with pytest.raises(verify.Wrong):
            verify.canonical(value)
        return
    assert verify.canonical(value) == expected
    assert verify.canonical(verify.parse_canonical(expected)) == expected


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (5e-324, "5e-324"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.2e-7, "1.2e-7"),
        (0.000001234, "0.000001234"),
        (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"),
        (2e-3, "0.002"),
        (10.0, "10"),
        (1e23, "1e+23"),
        (9007199254740993.0, "9007199254740992"),
        (123e-20, "1.23e-18"),
        (1424953923781206.2, "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(number: float, written: str) -> None:
    assert verify.canonical(number) == written
    assert rfc8785.dumps(number).decode() == written


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '{"b":1,"a":2}',
        '{"a":1,"a":1}',
        "1.0",
        "1e2",
        '"\\u0041"',
        "NaN",
        "Infinity",
        "-Infinity",
        "01",
        "[1,]",
        "",
        '"\\ud800"',
        "1e999",
        "9" * 5000,
        "[" * 1000 + "]" * 1000,
        '"\\u0000"',
        "\ufeff1",
    ],
)
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(verify.Wrong):
        verify.parse_canonical(text)


_WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
_DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
RECORDS = st.fixed_dictionaries(
    {
        "case_id": _WORDS,
        "seq": st.integers(1, EXACT),
        "at": st.just("2026-11-20T02:00:00.000001Z"),
        "kind": _WORDS,
        "actor": _WORDS,
        "actor_role": st.none() | _WORDS,
        "on_behalf_of": st.none() | _WORDS,
        "element": st.none() | _WORDS,
        "task_id": st.none() | _WORDS,
        "payload_digest": _DIGESTS,
        "definition": st.fixed_dictionaries({"key": _WORDS, "version": st.integers(1, EXACT), "sha256": _DIGESTS}),
        "engine_version": _WORDS,
        "state_digest": _DIGESTS,
        "prev_hash": _DIGESTS,
        "hash": _DIGESTS,
    }
)


@given(RECORDS, st.data())
@settings(max_examples=300)
def test_a_record_read_at_once_is_the_record_read_piece_by_piece(record: dict[str, Any], data: st.DataObject) -> None:
    line = rfc8785.dumps(record).decode()
    is_usual = "\\" not in line and max(record["seq"], record["definition"]["version"]) < 10**15
    if is_edited := data.draw(st.booleans(), label="edited"):
        at = data.draw(st.integers(0, len(line) - 1), label="at")
        put = data.draw(
            st.sampled_from(["", "0", "9", "a", " ", '"', "\\", ",", "}", "n", "\0", "\u0663", "\n"]), label="put"
        )
        line = line[:at] + put + line[at + data.draw(st.integers(0, 2), label="cut") :]

    found = verify.Case._usual(line)

    if found is None:
        assert is_edited or not is_usual
        return
    read = json.loads(line)
    assert verify.shape_of(read) is None
    assert rfc8785.dumps(read).decode() == line
    hash_ = read.pop("hash")
    assert found == (read, hash_, rfc8785.dumps(read).decode())


# ---- Ed25519 -----------------------------------------------------------------------------------------------------

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032(public: str, message: str, signature: str) -> None:
    assert verify.signed(bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature))


@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=100), bit=st.integers(0, 64 * 8 - 1))
@settings(max_examples=25, deadline=None)
def test_signatures_of_a_maintained_library_hold_and_changed_ones_do_not(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8

    assert verify.signed(public, message, signature)
    assert not verify.signed(public, message, bytes(changed))
    assert not verify.signed(public, message + b"x", signature)


def test_a_signature_has_one_spelling_only() -> None:
    """Adding the group's order to s gives another signature that a careless verifier takes."""
    private = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    signature = private.sign(b"x")
    larger = int.from_bytes(signature[32:], "little") + verify.L

    assert not verify.signed(
        private.public_key().public_bytes_raw(), b"x", signature[:32] + larger.to_bytes(32, "little")
    )


@pytest.mark.parametrize("public", [b"", b"\1" * 31, b"\xff" * 32, (2).to_bytes(32, "little")])
def test_what_is_no_key_signs_nothing(public: bytes) -> None:
    assert not verify.signed(public, b"x", bytes(64))


# ---- the log -----------------------------------------------------------------------------------------------------


@given(size=st.integers(1, 70), seed=st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_inclusion_proofs_are_those_of_rfc_6962(size: int, seed: int) -> None:
    """verify.py, the product and a third opinion say the same of true and of damaged proofs."""
    rng = random.Random(seed)  # noqa: S311
    leaves = [rng.randbytes(5) for _ in range(size)]
    hashes = [rfc6962.leaf_hash(leaf) for leaf in leaves]
    root, position = rfc6962.root_of(hashes), rng.randrange(size)
    path = audit_path(position, hashes)
    damaged = [
        (position, size, path),
        ((position + 1) % size, size, path),
        (position, size + 1, path),
        (size, size, path),
    ]
    damaged += [(position, size, path[:-1]), (position, size, [*path, b"\0" * 32]), (-1, size, path)]

    for at, of, given_path in damaged:
        third = at >= 0 and rfc6962.includes(hashes[position], at, of, given_path, root)
        assert (verify.root_of(leaves[position], at, of, given_path) == root) == third
        assert (root_of(leaves[position], at, of, given_path) == root) == third
    assert verify.root_of(leaves[position], position, size, path) == root


def audit_path(position: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(hashes) == 1:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if position < split:
        return [*audit_path(position, hashes[:split]), rfc6962.root_of(hashes[split:])]
    return [*audit_path(position - split, hashes[split:]), rfc6962.root_of(hashes[:split])]


def test_a_checkpoint_of_the_product_is_read_as_it_is() -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    key = VerifierKey("osm.example.go.th/journal", private.public_key().public_bytes_raw())
    text = str(Head(key.name, 7, b"\1" * 32, ("an extension",)))
    note = str(Note(text, (Signature(key.name, key.key_hash, private.sign(text.encode())),)))

    checkpoint = verify.Checkpoint(note.encode())

    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (key.name, 7, b"\1" * 32)
    assert checkpoint.signers(verify.read_keys(f"{key}\n")) == [key.name]
    assert checkpoint.signers(verify.read_keys("")) == []


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"a\n1\n",
        b"a\n1\nAAAA\n\n",
        b"\xff",
        b"a\nx\n" + base64.b64encode(bytes(32)) + b"\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"a\n1\n" + base64.b64encode(bytes(31)) + b"\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"a\n1\n" + base64.b64encode(bytes(32)) + b"\n\n- a AAAAAAAA\n",
        b"a\n1\n" + base64.b64encode(bytes(32)) + b"\n\n\xe2\x80\x94 a !\n",
        b"a\n1\0\n" + base64.b64encode(bytes(32)) + b"\n\n\xe2\x80\x94 a AAAAAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(note: bytes) -> None:
    with pytest.raises(verify.Wrong):
        verify.Checkpoint(note)


@pytest.mark.parametrize(
    "text", ["x", "a+b+c", "a+00000000+AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(verify.Wrong):
        verify.read_keys(text)


def test_nothing_of_a_bundle_steers_the_terminal() -> None:
    assert verify.clean("a\x1b[2J\u202eb\n\x9b") == "a\\u001b[2J\\u202eb\\u000a\\u009b"


@given(VALUES, VALUES)
@settings(max_examples=200)
def test_values_are_the_same_where_their_texts_are(one: Any, other: Any) -> None:
    def written(value: Any) -> str:
        return json.dumps(value, sort_keys=True)

    assert verify.is_same(one, json.loads(written(one)))
    for a, b in ((one, other), (True, 1), (1, 1.0), ({"a": [0]}, {"a": [False]}), ([one], [one, one])):
        assert verify.is_same(a, b) == (written(a) == written(b))
