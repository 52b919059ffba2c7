"""A work item is called by a few words of what it is about."""

from __future__ import annotations

import pytest

from osm_flow.domain.subjects import MAX_SUBJECT, tidy, with_provinces, words_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("TH-41", "TH-41"),
        ("  ถนน\nสาย ก ", "ถนน สาย ก"),
        (3, "3"),
        (True, ""),
        (None, ""),
        ([], ""),
        ({"code": "P-1", "name": "ถนนสาย ก"}, "ถนนสาย ก"),
        ({"name": "", "title": "รับรองรายงาน"}, "รับรองรายงาน"),
        ({"quarterly_report": {"name": "ไม่ใช่"}, "project": {"name": "ถนนสาย ข"}}, "ถนนสาย ข"),
        ({"indicator": "รายได้", "target": 5}, "รายได้"),
        ({"amount": 5}, ""),
    ],
)
def test_a_value_is_called_by_its_name(value: object, words: str) -> None:
    assert words_of(value) == words


def test_empty_parts_leave_no_separator() -> None:
    assert tidy(" · ถนน ·  · สาย ก ·") == "ถนน · สาย ก"
    assert tidy("·") == ""


def test_a_long_text_is_cut_and_says_so() -> None:
    cut = tidy("ก" * 1000)

    assert len(cut) == MAX_SUBJECT
    assert cut.endswith("…")


def test_provinces_are_named_wherever_their_codes_stand() -> None:
    names = {"TH-41": "อุดรธานี", "TH-43": "หนองคาย"}

    assert with_provinces("TH-41 · 2/3", lambda code: names[code]) == "อุดรธานี · 2/3"
    assert with_provinces("TH-41, TH-43", lambda code: names[code]) == "อุดรธานี, หนองคาย"
    assert with_provinces("รหัส XTH-41 และ TH-411", lambda code: names[code]) == "รหัส XTH-41 และ TH-411"
