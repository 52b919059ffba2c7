"""Differences name table, row, column, what was recorded and what was found."""

from __future__ import annotations

from osm_flow.operations.comparing.differences import (
    UNKNOWN,
    NotLater,
    OneOf,
    RowDifference,
    compare_keyed,
    compare_listed,
    compare_row,
    fits,
    shown,
)


def test_a_changed_column_is_told_in_both_languages() -> None:
    (one,) = compare_row("comments", "c/1", {"body": "ดี", "at": "t"}, {"id": 1, "body": "ไม่ดี", "at": "t"})

    assert one == RowDifference("comments", "c/1", "body", "ดี", "ไม่ดี")
    assert one.en == "comments c/1: body was recorded as “ดี” and is “ไม่ดี”."
    assert one.th == "comments c/1: body บันทึกไว้ว่า “ดี” แต่พบ “ไม่ดี”"


def test_rows_that_are_missing_or_not_recorded_are_told() -> None:
    found = list(compare_keyed("timers", {"a": {"x": 1}}, {"b": {"x": 1}}))

    assert [one.en for one in found] == [
        "timers a: this row is recorded and missing.",
        "timers b: no record knows this row.",
    ]
    assert all("แถวนี้" in one.th for one in found)


def test_of_rows_without_a_key_only_the_one_that_differs_is_named() -> None:
    wanted = [{"at": str(number), "who": "anan", "body": str(number)} for number in range(4)]
    found = [{"id": number, **row} for number, row in enumerate(wanted)]

    assert list(compare_listed("comments", "c", wanted, found)) == []
    assert [one.row for one in compare_listed("comments", "c", wanted, found[1:])] == ["c/0"]
    assert list(compare_listed("comments", "c", wanted[1:], found)) == [RowDifference("comments", "c/0", "", "", "1")]
    changed = [*found[:2], {**found[2], "body": "x"}, found[3]]
    assert list(compare_listed("comments", "c", wanted, changed)) == [
        RowDifference("comments", "c/2", "body", "2", "x")
    ]


def test_what_may_stand_there() -> None:
    assert [found for found in ("a", "", "b") if fits(OneOf(("a", "")), found)] == ["a", ""]
    assert [found for found in ("2026-01", "2026-03", None) if fits(NotLater("2026-02"), found)] == ["2026-01"]
    assert fits(UNKNOWN, object())
    assert not fits("1", 1)
    assert (str(OneOf(("a", ""))), str(NotLater("t")), str(UNKNOWN)) == ("a", "t", "?")


def test_a_value_is_shown_on_one_line() -> None:
    assert shown(None) == "-"
    assert shown("a\nb") == "a b"
    assert len(shown("x" * 500)) == 120
    assert shown(b"").startswith("sha256:e3b0")
