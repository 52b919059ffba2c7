"""Single fields of a posted form, as text that every database can keep."""

from __future__ import annotations

from datetime import date
from typing import IO, Any

from flask import Flask, Request, request
from werkzeug.formparser import FormDataParser

from osm_flow.domain.calendar.thai_dates import DayRefused, parse_thai_date
from osm_flow.errors import Invalid
from osm_flow.web.site.lifecycle import SAFE_METHODS


class _Parser(FormDataParser):
    """The parser of the library, which remembers that it gave up."""

    is_broken = False

    def parse(self, stream: IO[bytes], mimetype: str, content_length: int | None, options: Any = None) -> Any:
        """What was sent; nothing where it cannot be read, and then `is_broken` is true."""
        self.silent = False
        try:
            return super().parse(stream, mimetype, content_length, options)
        except ValueError:
            self.is_broken = True
            return stream, self.cls(), self.cls()


class SiteRequest(Request):
    """A request that tells a form that cannot be read from an empty one."""

    form_data_parser_class = _Parser
    _parser: FormDataParser | None = None

    def make_form_data_parser(self) -> FormDataParser:
        """The parser of this request's form, kept to be asked whether it gave up."""
        self._parser = super().make_form_data_parser()
        return self._parser

    @property
    def is_broken(self) -> bool:
        """Whether a form was sent that cannot be read: say, with the name of a file in an encoding other than UTF-8."""
        return bool(self.form is not None and getattr(self._parser, "is_broken", False))


class PartWithoutName(Invalid):
    """A part of what was sent has no name. Nothing was kept: go back to the page, reload it and send it again."""

    status = 400


class NotReadable(Invalid):
    """What was sent cannot be read, perhaps for the name of a file. Nothing was kept: rename the file and send it again."""

    status = 400


class NotText(Invalid):
    """A character was sent that no text can hold. Nothing was kept: type the text again and send it once more."""


def read_what_was_sent() -> None:
    """Read all that was sent, while no lock is held, and refuse what no browser sends. Raises NotReadable and its siblings."""
    if request.method in SAFE_METHODS:
        return
    if getattr(request, "is_broken", False):
        raise NotReadable
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
    app.request_class = SiteRequest
    app.before_request(read_what_was_sent)


def posted(name: str) -> str:
    """What was sent under this name, without the NUL characters that no person types; empty when nothing was."""
    return request.form.get(name, "").replace("\0", "")


def posted_key() -> str | None:
    """The key by which the form that was sent is known when it is sent again; None for a form without."""
    return request.form.get("idempotency_key")


def day_or_none(text: str, field: str) -> date | None:
    """The day that was typed into a field that may stay empty. Raises Invalid naming the field that is not a date."""
    try:
        return parse_thai_date(text) if text.strip() else None
    except ValueError as error:
        raise Invalid(fields={field: why_not_a_day(error, "Enter a date such as 20/11/2569.")}) from None


def why_not_a_day(error: ValueError, otherwise: str) -> str:
    """What is said of a text that is no day: what is wrong with it, or how days are written."""
    return error.sentence if isinstance(error, DayRefused) else otherwise


def posted_list(name: str) -> list[str]:
    """Everything that was sent under this name, each once, in order."""
    return list(dict.fromkeys(value.replace("\0", "") for value in request.form.getlist(name)))
