"""The words of the product in other languages: gettext catalogues, one `.po` file for each part of the product.

Every file of a language's folder is read once and merged, so that each part brings its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent / "translations"


@dataclass
class Catalogue:
    """The messages of one language: single ones, and those that differ by number."""

    single: dict[str, str] = field(default_factory=dict)
    plural: dict[str, tuple[str, ...]] = field(default_factory=dict)


@cache
def catalogue(locale: str) -> Catalogue:
    """The catalogue of a language; empty for the one that the words were written in."""
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
