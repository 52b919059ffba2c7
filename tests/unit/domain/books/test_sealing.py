"""What a book must satisfy: names in one spelling, threads, links, and erasures that excuse what they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from osm_flow.domain.books.sealing import (
    BookCheck,
    BookName,
    SealedChange,
    SealedEntry,
    digest_of_changes,
    digest_of_set,
    erased_by,
    read_name,
    reasons_erased_by,
    seal_change,
    seal_entry,
)
from osm_flow.domain.journal import GENESIS

NAME = "projects/NE-U1/2571"


def change(version: int, prev: str = GENESIS) -> SealedChange:
    return SealedChange("projects", "P1", version, 1, f"{version:064}", None, prev)


def entry(seq: int, prev: str, *changes: SealedChange) -> SealedEntry:
    digest = digest_of_changes([seal_change(one) for one in changes])
    at = f"2026-11-20T02:00:00.00000{seq}Z"
    return SealedEntry(NAME, seq, at, "changed", "anan", None, None, {"record": "P1"}, {}, None, None, digest, prev)


def chain() -> list[tuple[SealedEntry, str, list[tuple[SealedChange, str]]]]:
    first = change(1)
    second = change(2, seal_change(first))
    one = entry(1, GENESIS, first)
    two = entry(2, seal_entry(one), second)
    return [(each, seal_entry(each), [(under, seal_change(under))]) for each, under in ((one, first), (two, second))]


def codes(entries: list[tuple[SealedEntry, str, list[tuple[SealedChange, str]]]]) -> list[str]:
    check = BookCheck(NAME)
    return [fault.code for each in entries for fault in check.take(*each)]


def test_a_whole_book_has_no_fault() -> None:
    assert codes(chain()) == []


def test_each_way_of_breaking_it_has_its_code() -> None:
    (one, first_hash, under_one), (two, second_hash, under_two) = chain()
    forged = replace(two, actor="somebody")
    early = replace(two, at=one.at)

    assert codes([(two, second_hash, under_two)])[:2] == ["gap", "link"]
    assert codes([(one, first_hash, under_one), (forged, second_hash, under_two)]) == ["hash"]
    assert codes([(one, first_hash, under_one), (early, seal_entry(early), under_two)]) == ["time"]
    assert codes([(one, first_hash, []), (two, second_hash, under_two)]) == ["changes", "thread", "thread"]
    other = replace(under_one[0][0], digest="f" * 64)
    assert codes([(one, first_hash, [(other, under_one[0][1])])]) == ["hash"]
    assert codes([(one, first_hash, [(replace(other, kind="letters"), under_one[0][1])])]) == ["kind", "hash"]
    assert codes([(replace(one, book="projects/NE-U2/2571"), first_hash, under_one)]) == ["book", "hash"]


@pytest.mark.parametrize(
    "text", ["projects/NE-U1", "Projects/NE-U1/2571", "projects/NE-U1/71", "administration", "../x/1", ""]
)
def test_what_names_no_book(text: str) -> None:
    assert read_name(text) is None


def test_a_book_has_one_spelling() -> None:
    assert read_name(NAME) == BookName("projects", "NE-U1", 2571)
    assert str(BookName("letters_out", "NE-U1", 2570)) == "letters_out/NE-U1/2570"


def test_an_erasure_names_versions_and_reasons() -> None:
    said = replace(
        entry(1, GENESIS),
        act="erased",
        told={"erased": {"P1": [1, 2, True, "x"], "P2": 3}, "erased_reasons": [4, None]},
    )

    assert list(erased_by(said)) == [("P1", 1), ("P1", 2)]
    assert list(reasons_erased_by(said)) == [4]
    assert list(erased_by(replace(said, told={"erased": [1]}))) == []
    other = replace(said, act="changed")
    assert (list(erased_by(other)), list(reasons_erased_by(other))) == ([], [])


def test_a_set_is_known_by_its_members() -> None:
    one, two = [("P1", 1, "a" * 64)], [("P1", 2, "a" * 64)]

    assert digest_of_set(one) == digest_of_set(list(one)) != digest_of_set(two)
