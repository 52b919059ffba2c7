"""How long a request may still wait: all its waits together have one limit, which counts from its arrival at the server.

Whatever is not a request (a sweep, a command) has the whole limit for each of its waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True)
class _Waiting:
    since: float
    at_most: float | None = None
    has_given_up: bool = False


_waiting: ContextVar[_Waiting | None] = ContextVar("waiting", default=None)


@contextmanager
def waiting_since(since: float, *, has_given_up: bool = False) -> Iterator[None]:
    """Count all waits from this moment of the monotonic clock; `has_given_up`: the database is not even asked any more."""
    token = _waiting.set(_Waiting(since, has_given_up=has_given_up))
    try:
        yield
    finally:
        _waiting.reset(token)


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Wait for all that is asked in here no longer than this, whatever the limit of others is."""
    token = _waiting.set(_Waiting(monotonic(), at_most=seconds))
    try:
        yield
    finally:
        _waiting.reset(token)


def is_counted() -> bool:
    """Whether the waits of what is at work here have one limit together."""
    return _waiting.get() is not None


def has_given_up() -> bool:
    """Whether the limit had passed before there was a thread for this request."""
    waiting = _waiting.get()
    return waiting is not None and waiting.has_given_up


def left(limit: float) -> float:
    """Seconds of the limit that are left; 0 when it has passed, and then only what is free at once can be had."""
    waiting = _waiting.get()
    if waiting is None:
        return limit
    at_most = limit if waiting.at_most is None else min(limit, waiting.at_most)
    return max(0.0, waiting.since + at_most - monotonic())
