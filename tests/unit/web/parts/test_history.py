"""Reminders that follow each other are one line of the story."""

from __future__ import annotations

from datetime import UTC, datetime

from osm_flow.web.parts.history import Told, fold


def told(seq: int, did: str, *, clockwork: bool) -> Told:
    return Told(seq, datetime(2026, 11, seq, tzinfo=UTC), "ระบบ", did, "", "clock", "", is_clockwork=clockwork)


def test_only_repeated_acts_of_the_clock_in_a_row_are_folded() -> None:
    story = [
        told(6, "แจ้งเตือน", clockwork=True),
        told(5, "แจ้งเตือน", clockwork=True),
        told(4, "ให้ความเห็น", clockwork=False),
        told(3, "ให้ความเห็น", clockwork=False),
        told(2, "แจ้งเตือน", clockwork=True),
    ]

    lines = fold(story)

    assert [one.seq for one in lines] == [6, 4, 3, 2]
    assert [one.seq for one in lines[0].folded] == [6, 5]
    assert not any(one.folded for one in lines[1:])
