"""The fiscal years that pages offer to choose from."""

from __future__ import annotations

from collections.abc import Sequence

from flask import g

from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_of


def fiscal_years() -> Sequence[int]:
    """The years in which cases run at once, and one on either side, newest first."""
    present = fiscal_year_of(local_day(g.now))
    return range(present + 2, present - 2, -1)


def year_in(text: str) -> int | None:
    """The fiscal year that somebody chose or typed; None for what is none."""
    return int(text) if text.isdecimal() and len(text) == 4 else None
