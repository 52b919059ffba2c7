"""Lists paged by key: the sort key of the last item shown, as an opaque text that goes into a link and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.pages import Page
from osm_flow.errors import Invalid
from osm_flow.store.database import LARGEST_NUMBER

MOST = 200

Item = TypeVar("Item")


class PageKeyUnreadable(Invalid):
    """This page of the list does not exist. Begin at the first one."""


class Keyset:
    """An order of a list: (column, descending) pairs, the last one unique. Nulls come last in either direction."""

    def __init__(self, *columns: tuple[Any, bool, bool]) -> None:
        self._columns = columns

    def order(self) -> list[ColumnElement[Any]]:
        """The columns as a query orders by them."""
        ordered: list[ColumnElement[Any]] = []
        for column, descending, nullable in self._columns:
            direction = column.desc() if descending else column.asc()
            ordered.append(direction.nulls_last() if nullable else direction)
        return ordered

    def key_of(self, values: Sequence[Any]) -> str:
        """The key of the item with these values, from which the next page goes on."""
        text = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def after(self, key: str) -> ColumnElement[bool]:
        """The condition for what follows the item with this key. Raises PageKeyUnreadable."""
        values = self._read(key)
        alternatives: list[ColumnElement[bool]] = []
        same: list[ColumnElement[bool]] = []
        for (column, descending, nullable), value in zip(self._columns, values, strict=True):
            further = _further(column, value, descending, nullable)
            if further is not None:
                alternatives.append(and_(*same, further))
            same.append(column.is_(None) if value is None else column == value)
        column, descending, nullable = self._columns[0]
        if nullable or len(self._columns) == 1:
            return or_(*alternatives)
        # Said once more for the databases, which begin to read an index there: none of them sees it in the alternatives.
        return and_(column <= values[0] if descending else column >= values[0], or_(*alternatives))

    def page(
        self,
        session: Session,
        wanted: Select[Item],
        values: Callable[[Item], Sequence[Any]],
        after: str | None,
        limit: int,
    ) -> tuple[list[Item], str | None]:
        """At most `limit` items in this order that follow the key `after`, and the key of what follows; None at the end.

        `values` gives what an item has in the columns of this order. Raises PageKeyUnreadable.
        """
        limit = max(1, min(limit, MOST))
        if after:
            wanted = wanted.where(self.after(after))
        # One more than shown tells whether anything follows.
        items = list(session.scalars(wanted.order_by(*self.order()).limit(limit + 1)))
        following = self.key_of(values(items[limit - 1])) if len(items) > limit else None
        return items[:limit], following

    def first_page(
        self, session: Session, wanted: Select[Item], id_: Any, values: Callable[[Item], Sequence[Any]], limit: int
    ) -> Page[Item]:
        """The first page with the exact count of all that are wanted, found by one reading: for what takes long to look for.

        id_  the column by which an item is known; `values` gives what an item has in the columns of this order.
        """
        limit = max(1, min(limit, MOST))
        looking = wanted.with_only_columns(id_, func.count().over()).order_by(*self.order()).limit(limit + 1)
        found = session.execute(looking).all()
        shown = wanted.where(id_.in_([row[0] for row in found[:limit]])).order_by(*self.order())
        items = list(session.scalars(shown)) if found else []
        following = self.key_of(values(items[limit - 1])) if len(found) > limit else None
        return Page(items, following, found[0][1] if found else 0)

    def _read(self, key: str) -> list[Any]:
        try:
            values = json.loads(base64.urlsafe_b64decode(key + "=" * (-len(key) % 4)))
        except (ValueError, RecursionError) as error:
            raise PageKeyUnreadable from error
        if not isinstance(values, list) or len(values) != len(self._columns):
            raise PageKeyUnreadable
        for value, (column, _descending, nullable) in zip(values, self._columns, strict=True):
            fits = (value is None and nullable) or type(value) is (int if column.type.python_type is int else str)
            if not fits or not _can_be_looked_for(value):
                raise PageKeyUnreadable
        return values


def _can_be_looked_for(value: Any) -> bool:
    """Whether every database takes it in a comparison: no number beyond its own, and nothing that is no text."""
    if isinstance(value, int):
        return abs(value) <= LARGEST_NUMBER
    return not isinstance(value, str) or not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)


def _further(column: Any, value: Any, descending: bool, nullable: bool) -> ColumnElement[bool] | None:
    if value is None:
        return None
    beyond: ColumnElement[bool] = column < value if descending else column > value
    return or_(beyond, column.is_(None)) if nullable else beyond


def within(wanted: Select[Any], column: Any, since: datetime | None, until: datetime | None) -> Select[Any]:
    """The rows whose instant lies in the period: from `since`, before `until`, each open where it is None."""
    if since is not None:
        wanted = wanted.where(column >= since)
    return wanted if until is None else wanted.where(column < until)


def newest_first(session: Session, wanted: Select[Any], column: Any, after: str | None, limit: int) -> Page[Any]:
    """A page of rows in falling order of their unique `column`, with the exact count of all that are wanted."""
    keyset = Keyset((column, True, False))
    counting = select(func.count()).select_from(wanted.subquery())
    total = session.scalar(counting.execution_options(**wanted.get_execution_options())) or 0
    items, following = keyset.page(session, wanted, lambda row: [getattr(row, column.key)], after, limit)
    return Page(items, following, total)
