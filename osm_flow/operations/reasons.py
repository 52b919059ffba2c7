"""The reason that somebody has to give for an act."""

from __future__ import annotations

from osm_flow.domain.search import says_nothing, straight
from osm_flow.errors import Invalid


class ReasonMissing(Invalid):
    """Say why."""


def said(reason: str) -> str:
    """The reason that somebody gave, without the spaces around it or signs that turn its direction. Raises ReasonMissing."""
    if says_nothing(reason):
        raise ReasonMissing(fields={"reason": ReasonMissing.__doc__ or ""})
    return straight(reason).strip()
