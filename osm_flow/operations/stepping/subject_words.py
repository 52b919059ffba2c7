"""The subjects of work items and cases as people read them: provinces by their names in the reader's language."""

from __future__ import annotations

from functools import cache

from osm_flow.domain.subjects import with_provinces
from osm_flow.store.clusters import cluster_rows


def subject_words(subject: str, locale: str) -> str:
    """The subject in a reader's language; what the data say is shown as it was typed."""
    return with_provinces(subject, lambda code: _provinces().get(code, {}).get(locale, code)) if subject else ""


def names_of_subject(subject: str) -> tuple[str, ...]:
    """The subject in each language, for the search."""
    return tuple(dict.fromkeys(subject_words(subject, locale) for locale in ("th", "en")))


@cache
def _provinces() -> dict[str, dict[str, str]]:
    return {row.province: {"th": row.province_th, "en": row.province_en} for row in cluster_rows()}
