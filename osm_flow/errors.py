"""Every error raised on purpose. The docstring of a class is its English message and its gettext key.

An error carries the data that a caller needs as attributes; `status` is the HTTP status of the answer and
`fields` names the form fields at fault, so that one handler can answer for the page, the API and the command line.
"""

from __future__ import annotations

from typing import Any


class OsmFlowError(Exception):
    """Something went wrong."""

    status = 400
    # Whether its cause may go away by itself, so that background work tries again instead of asking a person at once.
    may_pass = False
    # Whether whatever the work needs is away, so that the work itself was not tried: no attempt is counted.
    is_outage = False
    # Whether somebody wanted to keep more than the installation lets them.
    is_quota = False

    # Details that are words of ours (states): a sentence in another language says them in that language.
    translated: tuple[str, ...] = ()

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.details = details
        self.fields: dict[str, str] = details.get("fields", {})
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message.format(**self.details) if self.details else self.message

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["details"][name]
        except KeyError:
            raise AttributeError(name) from None


class NotFound(OsmFlowError):
    """There is no such thing here."""

    status = 404
    # What may lie hidden is told like what is not there, whatever the error is called: pages say this sentence of it.
    is_told_alike = False


class Forbidden(OsmFlowError):
    """You may not do this."""

    status = 403


class Refused(OsmFlowError):
    """This cannot be done."""

    status = 409


class Invalid(OsmFlowError):
    """What was sent cannot be accepted."""

    status = 422


class OverQuota(Invalid):
    """This is more than the installation keeps. Nothing was kept."""

    status = 413
    is_quota = True


# What somebody who writes past all rules may have put into a column has no end: these are what reading it can raise.
HOSTILE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, OsmFlowError)
