"""Single fields of a posted form, as text that every database can keep."""

from __future__ import annotations

from flask import request


def posted(name: str) -> str:
    """What was sent under this name, without the NUL characters that no person types; empty when nothing was."""
    return request.form.get(name, "").replace("\0", "")


def posted_key() -> str | None:
    """The key by which the form that was sent is known when it is sent again; None for a form without."""
    return request.form.get("idempotency_key")


def posted_list(name: str) -> list[str]:
    """Everything that was sent under this name, each once, in order."""
    return list(dict.fromkeys(value.replace("\0", "") for value in request.form.getlist(name)))
