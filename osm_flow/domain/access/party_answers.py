"""The answer of a party outside, as somebody of the office writes it down: who gave it, how, and by which paper.

It lies in the payload of the recorder's own act, so that it can be erased, and never in a field that names a user.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.thai_dates import NoSuchDay, parse_thai_date
from osm_flow.domain.json import JSON
from osm_flow.domain.search import says_nothing, visible
from osm_flow.errors import Invalid

LETTER = "letter"
CHANNELS = (LETTER, "email", "phone", "meeting", "paper")
# How the fields of the page are called; no form of a diagram may use these names.
FIELDS = ("party_of", "party_answerer", "party_channel", "party_number", "party_date")
_LONGEST = {"party_answerer": 120, "party_number": 80}
# As user names are spelled: what could be one is no name of a person or body that answered.
_LIKE_A_USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_NAME = "Write who of the party answered, by name and office; a user name is not enough."
_CHANNEL = "Choose how the answer came."
_NUMBER = "Write the number of the letter or memo that holds the answer."
_DATE = "Write the date of the letter or memo as day/month/Buddhist year, for example 20/11/2569."
_NO_SUCH_DAY = "There is no such day. Look at the month and the year again."
_LATER = "The letter or memo cannot be of a later day than today."
_PARTY = "Choose whose answer this is, of those who were asked."
_TOO_LONG = "This is too long."
_EARLY = "Until the due day is over, an answer is written down from the party's own letter only."


class AnswerUnsupported(Invalid):
    """Say whose answer this is, who gave it, how it came, and by which letter or memo."""


@dataclass(frozen=True)
class PartyAnswer:
    """Who of a party answered, how it came (one of CHANNELS), number and date of the letter or memo that holds it.

    party  whose answer it is, where several were asked: one of them as diagrams spell candidates.
    """

    answerer: str
    channel: str
    number: str
    date: date
    party: str = ""

    def as_payload(self, party: str, name: str) -> JSON:
        """What the payload of the act says of it; `party` as diagrams spell candidates (empty: a pool), and its name."""
        return {
            "party": party,
            "party_name": name,
            "answerer": self.answerer,
            "channel": self.channel,
            "number": self.number,
            "date": self.date.isoformat(),
        }


def read_answer(typed: Mapping[str, str], today: date) -> PartyAnswer:
    """What was typed into the FIELDS of a page, every one of them compulsory. Raises AnswerUnsupported with `fields`."""
    said = {name: visible(typed.get(name, "")).strip() for name in FIELDS}
    faults = {
        name: words
        for name, words in (("party_answerer", _NAME), ("party_number", _NUMBER))
        if says_nothing(said[name])
    }
    if _LIKE_A_USER_NAME.fullmatch(said["party_answerer"]):
        faults["party_answerer"] = _NAME
    faults |= {name: _TOO_LONG for name, most in _LONGEST.items() if len(said[name]) > most}
    if said["party_channel"] not in CHANNELS:
        faults["party_channel"] = _CHANNEL
    day = _day(said["party_date"], today, faults)
    if faults or day is None:
        raise AnswerUnsupported(fields=faults)
    return PartyAnswer(said["party_answerer"], said["party_channel"], said["party_number"], day, said["party_of"])


def party_meant(answer: PartyAnswer, asked: tuple[str, ...]) -> str:
    """Whose answer it is, of the candidates that were asked. Raises AnswerUnsupported when it does not say."""
    meant = answer.party or (asked[0] if len(asked) == 1 else "")
    if meant not in asked:
        raise AnswerUnsupported(fields={"party_of": _PARTY})
    return meant


def refuse_too_early(answer: PartyAnswer, due_at: datetime | None, now: datetime) -> None:
    """Raises AnswerUnsupported before the day after the due day, but for a letter of the party."""
    is_over = due_at is not None and local_day(now) > local_day(due_at)
    if answer.channel != LETTER and not is_over:
        raise AnswerUnsupported(fields={"party_channel": _EARLY})


def answer_in(payload: Any) -> JSON | None:
    """The answer that a payload tells of; None for acts of other kinds, and where it was erased or is none to be read."""
    about = payload.get("about") if isinstance(payload, dict) else None
    answer = about.get("answer") if isinstance(about, dict) else None
    return answer if isinstance(answer, dict) else None


def _day(typed: str, today: date, faults: dict[str, str]) -> date | None:
    try:
        day = parse_thai_date(typed)
    except ValueError as error:
        faults["party_date"] = _NO_SUCH_DAY if isinstance(error, NoSuchDay) else _DATE
        return None
    if day > today:
        faults["party_date"] = _LATER
    return day
