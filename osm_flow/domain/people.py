"""People and the positions that they hold, as somebody enters them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256

from osm_flow.domain.search import searchable, seen, visible

_SHORTEST_NUMBER, _LONGEST_NUMBER = 3, 32
_NUMBER = re.compile(r"[A-Z0-9\u0E01-\u0E2E\u0E30-\u0E4E/]+")
_TITLE = re.compile(r"^(?:นางสาว|นาง|นาย|น\.ส\.|mrs?\.?|ms\.?|miss)\s*(?=\S)")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
_BETWEEN = re.compile(r"[\s.\-\u2010-\u2015_]+")


class PositionKind(StrEnum):
    """How a position is held: as one's own post, or for somebody whose post or signature it is; one's own goes first."""

    substantive = "substantive"
    acting = "acting"  # รักษาราชการแทน: has the powers of the post for a time
    delegated = "delegated"  # ปฏิบัติราชการแทน: signs on behalf of a named person


def normal_number(entered: str) -> str | None:
    """An employee number in its one spelling: Arabic digits, capital letters, no blanks, dots or dashes; None for no number.

    What people write where there is none (-, 000, ไม่มี) is no number: it would make one person of many.
    """
    plain = _BETWEEN.sub("", seen(entered).translate(_THAI_DIGITS).upper())
    is_number = _NUMBER.fullmatch(plain) and any(char.isdigit() for char in plain) and len(set(plain)) > 1
    return plain if is_number and _SHORTEST_NUMBER <= len(plain) <= _LONGEST_NUMBER else None


def plain_name(name: str) -> str:
    """A name to compare with others: in its normal spelling and without the title before it."""
    return _TITLE.sub("", searchable(visible(name)))


def digest_of_name(salt: str, name: str) -> str | None:
    """The salted digest of what somebody is called, as records have it; None without a salt. It goes with the salt."""
    return sha256(f"{salt}{name}".encode("utf-8", "surrogatepass")).hexdigest() if salt else None


@dataclass(frozen=True)
class NewPerson:
    """A person who is to be known; without a password they cannot sign in.

    office_id  whose account it is until they hold a position; None: the one office of whoever enters it, or no office's.
    employee_number  what their agency numbers them by, as it was typed; None or empty: they have none.
    """

    username: str
    display_name: str
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    locale: str = "th"
    office_id: str | None = None
    employee_number: str | None = field(default=None, repr=False)


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
