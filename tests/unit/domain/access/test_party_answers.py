"""What must be said of a party's answer before it is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.access.party_answers import (
    CHANNELS,
    FIELDS,
    LETTER,
    AnswerUnsupported,
    PartyAnswer,
    answer_in,
    party_meant,
    read_answer,
    refuse_too_early,
)
from tests.factories import ANSWER, SAID

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
USER_NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{1,63}", fullmatch=True)


def faults(**changes: str) -> set[str]:
    with pytest.raises(AnswerUnsupported) as caught:
        read_answer({**SAID, **changes}, TODAY)
    return set(caught.value.fields)


def test_everything_that_was_said_is_read() -> None:
    assert read_answer(SAID, TODAY) == ANSWER
    assert read_answer({**SAID, "party_of": "bb"}, TODAY).party == "bb"


def test_everything_is_compulsory() -> None:
    assert faults(**dict.fromkeys(FIELDS, "")) == set(FIELDS) - {"party_of"}
    with pytest.raises(AnswerUnsupported) as caught:
        read_answer({}, TODAY)
    assert set(caught.value.fields) == set(FIELDS) - {"party_of"}


@given(USER_NAMES)
def test_no_user_name_is_who_answered(username: str) -> None:
    assert faults(party_answerer=username) == {"party_answerer"}
    assert faults(party_answerer=f" {username.upper()}\u200b ") == {"party_answerer"}


@pytest.mark.parametrize("typed", ["31/2/2569", "พรุ่งนี้", "21/11/2569", "2026-13-01"])
def test_a_day_that_is_none_or_to_come_is_refused(typed: str) -> None:
    assert faults(party_date=typed) == {"party_date"}


def test_what_is_too_long_is_refused() -> None:
    assert faults(party_answerer="ก" * 121, party_number="1" * 81) == {"party_answerer", "party_number"}


def test_whose_answer_it_is_must_be_one_of_those_who_were_asked() -> None:
    of_bb = PartyAnswer("ก ข", LETTER, "1", TODAY, "bb")

    assert party_meant(ANSWER, ("bb",)) == party_meant(of_bb, ("bb", "cgd")) == "bb"
    for answer, asked in ((ANSWER, ("bb", "cgd")), (of_bb, ("cgd",)), (ANSWER, ())):
        with pytest.raises(AnswerUnsupported):
            party_meant(answer, asked)


@pytest.mark.parametrize("channel", CHANNELS)
def test_until_the_due_day_is_over_only_a_letter_counts(channel: str) -> None:
    answer = PartyAnswer("ก ข", channel, "1", TODAY)
    for due_at, is_over in (
        (None, False),
        (NOW, False),
        (NOW - timedelta(days=1), True),
        (NOW + timedelta(days=1), False),
    ):
        if is_over or channel == LETTER:
            refuse_too_early(answer, due_at, NOW)
        else:
            with pytest.raises(AnswerUnsupported):
                refuse_too_early(answer, due_at, NOW)


@pytest.mark.parametrize(
    "payload", [None, [], {}, {"about": None}, {"about": {"answer": "x"}}, {"data": {"answer": {}}}]
)
def test_other_payloads_tell_of_no_answer(payload: object) -> None:
    assert answer_in(payload) is None


def test_a_payload_tells_of_the_answer_that_it_holds() -> None:
    said = ANSWER.as_payload("bb", "สำนักงบประมาณ")

    assert answer_in({"about": {"claimed": False, "answer": said}}) == said
    assert said["date"] == "2026-11-20"
