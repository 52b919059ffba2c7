"""Single fields of a posted form, as text that every database can keep."""

from __future__ import annotations

from flask import Flask, request

from osm_flow.domain.calendar.thai_dates import DayRefused
from osm_flow.errors import Invalid

# Here every field is read by `posted` and `posted_list` or judged by the schema of a form, which says what is wrong beside it.
READ_HERE = frozenset({"work_items", "cases", "inbox"})
# Here the operation judges every single field.
JUDGED = frozenset({"people.create_person"})


class NotText(Invalid):
    """A character was sent that no text can hold. Nothing was kept: type the text again and send it once more."""


def refuse_what_is_no_text() -> None:
    """Refuse a form with a NUL character, which no person types and PostgreSQL cannot even look for. Raises NotText."""
    if request.method != "POST" or request.blueprint in READ_HERE or request.endpoint in JUDGED:
        return
    names = [name for name, value in request.form.items(multi=True) if "\0" in name or "\0" in value]
    if names:
        raise NotText(fields={name.replace("\0", ""): NotText.__doc__ or "" for name in names})


def init_app(app: Flask) -> None:
    """Look at what was sent before any view does, once it is known who sends it."""
    app.before_request(refuse_what_is_no_text)


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
