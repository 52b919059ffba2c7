"""How long failed background work waits before it is tried again, and when a person has to look at it."""

from __future__ import annotations

from datetime import timedelta

MOST_ATTEMPTS = 6
_DELAYS = (1, 5, 15, 60, 240)


def retry_delay(attempts: int) -> timedelta | None:
    """The wait after the `attempts`-th failure: 1, 5, 15, 60, 240 minutes; None when it is time for an incident."""
    return None if attempts >= MOST_ATTEMPTS else timedelta(minutes=_DELAYS[max(attempts, 1) - 1])
