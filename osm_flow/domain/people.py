"""People and the positions that they hold, as somebody enters them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class PositionKind(StrEnum):
    """How a position is held: as one's own post, or for somebody whose post or signature it is; one's own goes first."""

    substantive = "substantive"
    acting = "acting"  # รักษาราชการแทน: has the powers of the post for a time
    delegated = "delegated"  # ปฏิบัติราชการแทน: signs on behalf of a named person


@dataclass(frozen=True)
class NewPerson:
    """A person who is to be known; without a password they cannot sign in.

    office_id  whose account it is until they hold a position; None: the one office of whoever enters it, or no office's.
    """

    username: str
    display_name: str
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    locale: str = "th"
    office_id: str | None = None


@dataclass(frozen=True)
class NewPosition:
    """A position that somebody is to be given: a role in an office (None: in every office), over a period.

    valid_from, valid_to  the first and the last day, both included; without a last day until it is ended.
    kind                  what was entered, a PositionKind if it is right.
    for_username, letter  for whom and by which order, where it is not one's own post.
    """

    role: str
    office_id: str | None
    valid_from: date
    valid_to: date | None = None
    province_id: str | None = None
    kind: str = PositionKind.substantive
    for_username: str | None = None
    letter: str | None = None
    title_th: str = ""
    title_en: str = ""
