"""Where words are still written after they were erased."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from sqlalchemy import String, select
from sqlalchemy.orm import Session

from osm_flow.store.models import Case
from osm_flow.store.words import has_words


def remains(session: Session, subject: str, besides: Iterable[str] = ()) -> dict[str, int]:
    """The rows that still have these words, in whatever spelling, by `table.column`, in every column of text.

    What is packed in snapshots is not read: snapshots go with the case. `besides` are tables to leave out.
    """
    counts: dict[str, int] = {}
    left_out = set(besides)
    spelled = {subject, json.dumps(subject, ensure_ascii=False)[1:-1], json.dumps(subject)[1:-1]}
    spelled |= {quote(subject), quote_plus(subject)}
    for table in Case.metadata.sorted_tables:
        for column in table.columns:
            if table.name in left_out or not isinstance(column.type, String):
                continue
            texts = session.scalars(select(column).where(column.is_not(None)))
            if count := sum(any(form in text for form in spelled) or has_words(text, subject) for text in texts):
                counts[f"{table.name}.{column.name}"] = count
    return counts
