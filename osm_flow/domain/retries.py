"""How long failed background work waits before it is tried again, and when a person has to look at it."""

from __future__ import annotations

from datetime import timedelta

from osm_flow.errors import OsmFlowError

_DELAYS = (1, 5, 30, 120, 240)
# How long a row rests while its case is suspended, or whoever is to take it cannot be reached.
REST = timedelta(minutes=10)
MOST_ATTEMPTS = len(_DELAYS) + 1
# A service holds up its whole case, so a person is asked before the longest wait.
MOST_ATTEMPTS_AT_SERVICES = 5


def retry_delay(attempts: int, most: int = MOST_ATTEMPTS) -> timedelta | None:
    """The wait after the `attempts`-th failure: 1, 5, 30, 120, 240 minutes; None when it is time for an incident."""
    return None if attempts >= most else timedelta(minutes=_DELAYS[max(attempts, 1) - 1])


def is_final(error: Exception) -> bool:
    """Whether trying again is of no use: what is refused on purpose is refused again, unless its cause may pass."""
    return isinstance(error, OsmFlowError) and not error.may_pass


def longest_wait(attempts: int) -> timedelta:
    """The longest that anything may wait after so many attempts; what waits longer was put off by a wrong clock."""
    return max(REST, timedelta(minutes=_DELAYS[min(max(attempts, 1), len(_DELAYS)) - 1]))
