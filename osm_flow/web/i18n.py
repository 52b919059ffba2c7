"""Words in two languages: Thai is what templates are written in, English is a catalogue; errors the other way round.

Every `.po` file of a language's folder is read at start and merged, so that each part of the product brings its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context

from osm_flow.errors import OsmFlowError

LOCALES = ("th", "en")
DEFAULT_LOCALE = "th"
FOLDER = Path(__file__).parent / "translations"


@dataclass
class Catalogue:
    """The messages of one language: single ones, and those that differ by number."""

    single: dict[str, str] = field(default_factory=dict)
    plural: dict[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def catalogue(locale: str) -> Catalogue:
    merged = Catalogue()
    for path in sorted((FOLDER / locale).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                _merge(merged, message.id, message.string)
    return merged


def _merge(merged: Catalogue, key: str | Sequence[str], text: str | Sequence[str] | None) -> None:
    if not key or not text:
        return
    if not isinstance(key, str):
        merged.plural[key[0]] = tuple(text)
    else:
        merged.single.setdefault(key, str(text))


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
    return _filled(gettext(error.message, locale), error.details)


def _filled(text: str, details: Mapping[str, Any]) -> str:
    try:
        return text.format(**details) if details else text
    except (KeyError, IndexError, ValueError):
        return text


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, LOCALES=LOCALES)
    for locale in LOCALES:
        catalogue(locale)
