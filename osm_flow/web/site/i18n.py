"""Words in two languages: Thai is what templates are written in, English is a catalogue; errors the other way round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, g, has_request_context

from osm_flow.catalogues import catalogue
from osm_flow.errors import OsmFlowError

LOCALES = ("th", "en")
DEFAULT_LOCALE = "th"


def current_locale() -> str:
    return str(g.get("locale", DEFAULT_LOCALE)) if has_request_context() else DEFAULT_LOCALE


def gettext(message: str, locale: str | None = None, /, **values: Any) -> str:
    """The message in the reader's language; `%(name)s` is filled in only when values are given."""
    text = catalogue(locale or current_locale()).single.get(message, message)
    return text % values if values else text


def ngettext(singular: str, plural: str, num: int, /, **values: Any) -> str:
    """The message for a number, with `%(num)s` filled in."""
    forms = catalogue(current_locale()).plural.get(singular, (singular, plural))
    text = forms[0] if num == 1 or len(forms) == 1 else forms[1]
    return text % {"num": num, **values}


def error_text(error: OsmFlowError, locale: str | None = None) -> str:
    """The sentence of an error in the reader's language, with its details filled in."""
    words = {name: gettext(error.details[name], locale) for name in error.translated if name in error.details}
    return _filled(gettext(error.message, locale), {**error.details, **words})


def field_texts(error: OsmFlowError, locale: str | None = None) -> dict[str, str]:
    """What is wrong with each field at fault, in the reader's language, with the details of the error filled in."""
    return {name: _filled(gettext(text, locale), error.details) for name, text in error.fields.items()}


def _filled(text: str, details: Mapping[str, Any]) -> str:
    try:
        return text.format(**details) if details else text
    except (KeyError, IndexError, ValueError):
        return text


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, LOCALES=LOCALES)
    for locale in LOCALES:
        catalogue(locale)
