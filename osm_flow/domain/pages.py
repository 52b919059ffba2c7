"""A page of a list: paged by key, never by offset, with the exact count of the whole list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, the key of what follows (None at the end) and how many there are in all."""

    items: list[T]
    next: str | None
    total: int
