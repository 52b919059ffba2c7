"""Single fields of a posted form, as text that every database can keep."""

from __future__ import annotations

from flask import request

from osm_flow.domain.calendar.thai_dates import NoSuchDay

NO_SUCH_DAY = "There is no such day. Look at the month and the year again."


def posted(name: str) -> str:
    """What was sent under this name, without the NUL characters that no person types; empty when nothing was."""
    return request.form.get(name, "").replace("\0", "")


def posted_key() -> str | None:
    """The key by which the form that was sent is known when it is sent again; None for a form without."""
    return request.form.get("idempotency_key")


def why_not_a_day(error: ValueError, otherwise: str) -> str:
    """What is said of a text that is no day: that there is no such day, or how days are written."""
    return NO_SUCH_DAY if isinstance(error, NoSuchDay) else otherwise


def posted_list(name: str) -> list[str]:
    """Everything that was sent under this name, each once, in order."""
    return list(dict.fromkeys(value.replace("\0", "") for value in request.form.getlist(name)))
