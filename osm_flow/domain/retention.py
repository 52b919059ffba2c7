"""How long what is in an ended case is kept: the property `retention` of its process, in years or for ever."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Literal

from osm_flow.errors import Invalid

After = Literal["erase", "anonymise", "keep"]
_SPELLED = re.compile(r"(?P<years>[1-9][0-9]?)y(?P<anonymise>-anonymise)?")


def digest_of_items(items: Iterable[tuple[str, int]]) -> str:
    """The digest of which records somebody asked to have erased, each named by its case and number; in any order."""
    return sha256("".join(f"{case_id} {seq}\n" for case_id, seq in sorted(set(items))).encode()).hexdigest()


def item_of_list(number: int) -> tuple[str, int]:
    """How the digest of a request names an uploaded list, beside records of cases and texts of books."""
    return ("import", number)


class RetentionUnknown(Invalid):
    """A retention class is written permanent, 10y or 2y-anonymise."""


@dataclass(frozen=True)
class Retention:
    """How long an ended case is kept: `years` after its end `then` is done; for ever when there are none."""

    key: str
    years: int | None
    then: After

    def ends_on(self, ended: date) -> date | None:
        """The first day on which a case need not be kept any longer; None: never. Leap days end on 1 March."""
        if self.years is None:
            return None
        try:
            return ended.replace(year=ended.year + self.years)
        except ValueError:
            return date(ended.year + self.years, 3, 1)


PERMANENT = Retention("permanent", None, "keep")
# What stands in the place of words that were erased by law.
GONE = "(ลบแล้ว)"
# What the rules of the office of the prime minister ask of ordinary papers.
ORDINARY = Retention("10y", 10, "erase")


def retention_of(text: str | None) -> Retention:
    """The retention class that the property names; ordinary papers without one. Raises RetentionUnknown."""
    if not text:
        return ORDINARY
    if text == "permanent":
        return PERMANENT
    match = _SPELLED.fullmatch(text)
    if match is None:
        raise RetentionUnknown
    return Retention(text, int(match["years"]), "anonymise" if match["anonymise"] else "erase")
