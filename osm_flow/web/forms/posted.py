"""Single fields of a posted form, as text that every database can keep."""

from __future__ import annotations

from flask import Flask, request

from osm_flow.domain.calendar.thai_dates import DayRefused
from osm_flow.errors import Invalid
from osm_flow.web.site.lifecycle import SAFE_METHODS


class PartWithoutName(Invalid):
    """A part of what was sent has no name. Nothing was kept: go back to the page, reload it and send it again."""

    status = 400


class NotText(Invalid):
    """A character was sent that no text can hold. Nothing was kept: type the text again and send it once more."""


def read_what_was_sent() -> None:
    """Read all that was sent, while no lock is held, and refuse what no browser sends. Raises PartWithoutName, NotText."""
    if request.method in SAFE_METHODS:
        return
    if None in request.form or None in request.files:
        raise PartWithoutName
    _refuse_what_is_no_text()


def _refuse_what_is_no_text() -> None:
    """A NUL character no person types, and PostgreSQL cannot even look for it; the page of the error tells the rest back."""
    names = [name for name, value in request.form.items(multi=True) if "\0" in name or "\0" in value]
    if names:
        raise NotText(fields={name.replace("\0", ""): NotText.__doc__ or "" for name in names})


def init_app(app: Flask) -> None:
    """Look at what was sent before the database is asked anything."""
    app.before_request(read_what_was_sent)


def posted(name: str) -> str:
    """What was sent under this name, without the NUL characters that no person types; empty when nothing was."""
    return request.form.get(name, "").replace("\0", "")


def posted_key() -> str | None:
    """The key by which the form that was sent is known when it is sent again; None for a form without."""
    return request.form.get("idempotency_key")


def why_not_a_day(error: ValueError, otherwise: str) -> str:
    """What is said of a text that is no day: what is wrong with it, or how days are written."""
    return error.sentence if isinstance(error, DayRefused) else otherwise


def posted_list(name: str) -> list[str]:
    """Everything that was sent under this name, each once, in order."""
    return list(dict.fromkeys(value.replace("\0", "") for value in request.form.getlist(name)))
