"""A whole chain of records has no faults, and every edit of one is found."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain import journal
from osm_flow.domain.journal import GENESIS, NotStorable, Record
from osm_flow.engine import ENGINE_VERSION


def record(seq: int = 1, prev_hash: str = GENESIS, **changes: Any) -> Record:
    made = Record(
        case_id="c1",
        seq=seq,
        at=f"2026-11-20T02:00:00.{seq:06d}Z",
        kind="work_item.completed",
        actor="anan",
        actor_role="osm_strategy",
        on_behalf_of=None,
        element="draft",
        task_id="t1",
        payload_digest="d" * 64,
        definition_key="review",
        definition_version=1,
        definition_sha256="e" * 64,
        engine_version="osm-flow 0.1.0",
        state_digest="f" * 64,
        prev_hash=prev_hash,
    )
    return replace(made, **changes)


def chain(length: int = 3) -> list[tuple[Record, str]]:
    made: list[tuple[Record, str]] = []
    for seq in range(1, length + 1):
        one = record(seq, made[-1][1] if made else GENESIS)
        made.append((one, journal.seal(one)))
    return made


def codes(pairs: list[tuple[Record, str]]) -> list[tuple[int, str]]:
    return [(fault.seq, fault.code) for fault in journal.faults_of_chain("c1", pairs)]


def test_a_whole_chain_has_no_faults() -> None:
    assert codes(chain()) == []


def test_the_seal_is_sha256_of_canonical_json() -> None:
    one = record()
    expected = (
        '{"actor":"anan","actor_role":"osm_strategy","at":"2026-11-20T02:00:00.000001Z","case_id":"c1",'
        f'"definition":{{"key":"review","sha256":"{"e" * 64}","version":1}},"element":"draft",'
        '"engine_version":"osm-flow 0.1.0","kind":"work_item.completed","on_behalf_of":null,'
        f'"payload_digest":"{"d" * 64}","prev_hash":"{GENESIS}","seq":1,"state_digest":"{"f" * 64}","task_id":"t1"}}'
    )

    assert journal.seal(one) == sha256(expected.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "busaba"},
        {"at": "2026-11-20T02:00:00.000003Z"},
        {"payload_digest": "0" * 64},
        {"state_digest": "0" * 64},
        {"on_behalf_of": "boss"},
        {"definition_version": 2},
    ],
)
def test_a_changed_record_is_named(change: dict[str, Any]) -> None:
    pairs = chain()
    pairs[1] = (replace(pairs[1][0], **change), pairs[1][1])

    assert (2, "hash") in codes(pairs)


def test_a_changed_and_sealed_record_breaks_the_next_link() -> None:
    pairs = chain()
    forged = replace(pairs[1][0], actor="busaba")
    pairs[1] = (forged, journal.seal(forged))

    assert codes(pairs) == [(3, "link")]


def test_a_missing_record_is_a_gap() -> None:
    pairs = chain(4)
    del pairs[1]

    assert codes(pairs) == [(3, "gap"), (3, "link")]


def test_a_missing_first_record_is_a_gap() -> None:
    assert codes(chain()[1:]) == [(2, "gap"), (2, "link")]


def test_times_rise() -> None:
    first, second = chain(2)
    late = replace(second[0], at=first[0].at)

    assert codes([first, (late, journal.seal(late))]) == [(2, "time")]


def test_the_salt_hides_the_payload() -> None:
    body = journal.canonical({"name": "สมชาย"}).decode()

    assert journal.digest_payload("00" * 16, body) != journal.digest_payload("01" * 16, body)
    assert journal.digest_payload("00" * 16, body) == sha256(bytes(16) + body.encode()).hexdigest()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"a": "x\0y"}, "a: NUL"),
        ({"a\0": 1}, "NUL"),
        ({"a": ["\ud800"]}, r"a\[0\]: half of a surrogate"),
        ({"a": float("nan")}, "a: not a number"),
        ({"a": float("inf")}, "a: not a number"),
        ({"a": 2**53}, r"a: beyond 2\^53"),
        ({"a": {"b": -(2**53)}}, r"a.b: beyond 2\^53"),
        ({1: "a"}, "a key that is not text"),
        ({"a": b"x"}, "bytes is not JSON"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(NotStorable, match=reason):
        journal.canonical(value)


_TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))
_NUMBERS = st.integers(-(2**53 - 1), 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False, max_value=2**53)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner)
)


@given(_VALUES)
def test_values_are_written_as_rfc_8785_says(value: Any) -> None:
    assert journal.canonical(value) == rfc8785.dumps(value)


def test_as_recorded_is_what_a_replay_reads() -> None:
    given = {"ข": 1.0, "a": [2.5, None, True], "B": {"z": 1, "y": 2**53 - 1}}

    read = journal.as_recorded(given)

    assert read == given
    assert list(read) == ["B", "a", "ข"]
    assert type(read["ข"]) is int
    assert journal.canonical(read) == journal.canonical(given)


def test_very_deep_values_are_refused_not_a_crash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(NotStorable):
        journal.canonical(deep)


def test_the_deepest_value_is_kept_and_a_deeper_one_refused() -> None:
    deepest: list[Any] = []
    for _ in range(100):
        deepest = [deepest]

    assert journal.canonical(deepest) == rfc8785.dumps(deepest)
    with pytest.raises(NotStorable, match="nested more than 100 deep"):
        journal.canonical({"a": deepest})


@pytest.mark.parametrize("key", [1, True, None, 1.5])
def test_names_that_are_no_texts_are_refused_wherever_they_are(key: Any) -> None:
    with pytest.raises(NotStorable, match=r"a\[1\]\.b: a key that is not text"):
        journal.canonical({"a": [0, {"b": {key: "x"}}]})


@given(actor=st.text(), role=st.none() | st.text(), version=st.integers(1, 2**53 - 1))
def test_the_seal_is_that_of_rfc_8785_whatever_the_texts_are(actor: str, role: str | None, version: int) -> None:
    one = record(actor=actor, actor_role=role, definition_version=version)

    assert journal.seal(one) == sha256(rfc8785.dumps(journal.as_json(one))).hexdigest()


@pytest.mark.parametrize(
    ("engine_version", "stated"),
    [
        ("osm-flow 0.1.0", True),
        ("osm-flow 0.1.0/SpiffWorkflow 3.2.0/rules 2", True),
        ("osm-flow 0.0.9/rules 2", True),
        ("unreadable", True),
        ("osm-flow 0.2.0/SpiffWorkflow 3.2.0/rules 2", False),
        ("osm-flow 0.10.1", False),
        ("osm-flow 1.0.0/SpiffWorkflow 3.2.0/rules 2", False),
    ],
)
def test_only_what_was_recorded_before_the_policy_said_it_is_as_stated(engine_version: str, stated: bool) -> None:
    assert journal.is_as_stated(record(on_behalf_of="boss", engine_version=engine_version)) is stated
    assert not journal.is_as_stated(record(engine_version=engine_version))


def test_what_this_version_records_is_not_as_stated() -> None:
    assert not journal.is_as_stated(record(on_behalf_of="boss", engine_version=ENGINE_VERSION))
