"""Where words are still written after they were erased."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import String, func, select
from sqlalchemy.orm import Session

from osm_flow.operations.privacy.erasing import holds
from osm_flow.store.models import Case


def remains(session: Session, subject: str, besides: Iterable[str] = ()) -> dict[str, int]:
    """The rows that still have these words, by `table.column`, in every column of text.

    What is packed in snapshots is not read: snapshots go with the case. `besides` are tables to leave out.
    """
    counts: dict[str, int] = {}
    left_out = set(besides)
    for table in Case.metadata.sorted_tables:
        for column in table.columns:
            if table.name in left_out or not isinstance(column.type, String):
                continue
            count = session.scalar(select(func.count()).select_from(table).where(holds(column, subject)))
            if count:
                counts[f"{table.name}.{column.name}"] = count
    return counts
